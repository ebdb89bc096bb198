//! Behaviour around the arithmetic: access traps, reserved fields, what is written.

use super::execute;
use crate::cpu::{FpAccess, Vcpu};
use crate::interp::{Abort, Flow};

const FADD_S0_S1_S2: u32 = 0x1e22_2820;
const FADD_V0_2S: u32 = 0x0e22_d420;
const FADD_V0_1D_RESERVED: u32 = 0x0e62_d420;
const FADD_V0_2D: u32 = 0x4e62_d420;
const ONES: u128 = 0x3f80_0000_3f80_0000_3f80_0000_3f80_0000;
const TWOS: u128 = 0x4000_0000_4000_0000_4000_0000_4000_0000;

#[test]
fn scalar_results_clear_the_rest_of_the_register() {
    let mut cpu = Vcpu::for_tests();
    cpu.state.v = [u128::MAX; 32];
    cpu.state.v[1] = ONES;
    cpu.state.v[2] = ONES;
    assert_eq!(execute(&mut cpu, FADD_S0_S1_S2), Some(Ok(Flow::Next)));
    assert_eq!(cpu.state.v[0], 0x4000_0000);
}

#[test]
fn short_vectors_clear_the_upper_half() {
    let mut cpu = Vcpu::for_tests();
    cpu.state.v = [u128::MAX; 32];
    cpu.state.v[1] = ONES;
    cpu.state.v[2] = ONES;
    assert_eq!(execute(&mut cpu, FADD_V0_2S), Some(Ok(Flow::Next)));
    assert_eq!(cpu.state.v[0], TWOS >> 64);
}

#[test]
fn disabled_floating_point_traps_without_writing() {
    let mut cpu = Vcpu::for_tests();
    cpu.mode.fp = FpAccess::Trap(1);
    for word in [FADD_S0_S1_S2, FADD_V0_2S, FADD_V0_2D] {
        assert_eq!(execute(&mut cpu, word), Some(Err(Abort)));
    }
    assert_eq!(cpu.state.v[0], 0);
}

#[test]
fn reserved_arrangement_is_undefined_even_when_floating_point_is_disabled() {
    let mut cpu = Vcpu::for_tests();
    cpu.mode.fp = FpAccess::Trap(1);
    assert_eq!(execute(&mut cpu, FADD_V0_1D_RESERVED), Some(Err(Abort)));
    let undefined = {
        let mut other = Vcpu::for_tests();
        let _ = other.undefined();
        format!("{:?}", other.abort)
    };
    assert_eq!(format!("{:?}", cpu.abort), undefined);
}

#[test]
fn flags_accumulate_over_lanes_and_instructions() {
    let mut cpu = Vcpu::for_tests();
    // FDIV V0.4S, V1.4S, V2.4S with 1/3, 1/0, 0/0 and 1/1 in the lanes.
    cpu.state.v[1] = 0x3f80_0000_0000_0000_3f80_0000_3f80_0000;
    cpu.state.v[2] = 0x3f80_0000_0000_0000_0000_0000_4040_0000;
    assert_eq!(execute(&mut cpu, 0x6e22_fc20), Some(Ok(Flow::Next)));
    assert_eq!(cpu.state.v[0], 0x3f80_0000_7fc0_0000_7f80_0000_3eaa_aaab);
    assert_eq!(cpu.state.fpsr, 0x13);
    assert_eq!(execute(&mut cpu, FADD_S0_S1_S2), Some(Ok(Flow::Next)));
    assert_eq!(cpu.state.fpsr, 0x13);
}
