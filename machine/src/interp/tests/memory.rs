//! Byte order, precision of faults, and the pieces of memory copies.

use super::{RAM, cpu, execute};
use crate::cpu::Vcpu;
use crate::interp::{Abort, Flow};
use droste_arch::fields::{hcrx_el2, sctlr_el1};
use droste_arch::sysreg::SysReg;

const DATA: u64 = RAM + 0x1000;
/// The last byte of RAM is before this address.
const RAM_END: u64 = RAM + (4 << 20);

/// A CPU whose X1 points at the bytes 0 to 31, big-endian at EL1.
fn big_endian() -> Vcpu {
    let mut cpu = cpu();
    cpu.set_sys(SysReg::SCTLR_EL1, sctlr_el1::EE.mask());
    cpu.context_changed();
    let bytes: [u8; 32] = std::array::from_fn(|i| i as u8);
    cpu.machine.ram.copy_in(DATA, &bytes).expect("memory");
    cpu.state.x[1] = DATA;
    cpu
}

fn bytes(cpu: &Vcpu) -> [u8; 16] {
    let mut bytes = [0; 16];
    cpu.machine.ram.copy_out(DATA, &mut bytes).expect("memory");
    bytes
}

#[test]
fn big_endian_pairs_have_the_first_register_at_the_lower_address() {
    let (first, second) = (0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    for word in [0xa940_0c20, 0xc87f_0c20] {
        let mut cpu = big_endian();
        execute(&mut cpu, word).expect("ldp, ldxp x0, x3, [x1]");
        assert_eq!((cpu.x(0), cpu.x(3)), (first, second), "{word:08x}");
    }
    let mut cpu = big_endian();
    execute(&mut cpu, 0x887f_0c20).expect("ldxp w0, w3, [x1]");
    assert_eq!((cpu.x(0), cpu.x(3)), (first >> 32, first & 0xffff_ffff));
}

#[test]
fn big_endian_compare_and_swap_of_pairs_compares_and_stores_in_register_order() {
    let mut cpu = big_endian();
    (cpu.state.x[2], cpu.state.x[3]) = (0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    (cpu.state.x[4], cpu.state.x[5]) = (0x1011_1213_1415_1617, 0x1819_1a1b_1c1d_1e1f);
    execute(&mut cpu, 0x4822_7c24).expect("casp x2, x3, x4, x5, [x1]");
    assert_eq!(bytes(&cpu), std::array::from_fn(|i| 16 + i as u8));
}

#[test]
fn faulting_accesses_change_no_register() {
    // ldp x0, x3, [x1], #16; ldr x0, [x1, #8]!; ldpsw x0, x3, [x1, #8]!; ldaddal x0, x3, [x1] and str x0, [x1], #8.
    for (word, base) in [
        (0xa8c1_0c20, RAM_END - 8),
        (0xf840_8c20, RAM_END - 8),
        (0x69c1_0c20, RAM_END - 12),
        (0xf8e0_0023, RAM_END),
        (0xf800_8420, RAM_END),
    ] {
        let mut cpu = cpu();
        (cpu.state.x[0], cpu.state.x[1], cpu.state.x[3]) = (10, base, 13);
        assert_eq!(execute(&mut cpu, word), Err(Abort), "{word:08x}");
        assert_eq!((cpu.x(0), cpu.x(1), cpu.x(3)), (10, base, 13), "{word:08x}");
        assert_eq!(cpu.abort.ec, 0x25, "{word:08x}");
    }
}

#[test]
fn misaligned_stack_pointer_as_a_base_faults_only_if_checked() {
    let ldr_x0_sp = 0xf940_03e0;
    let mut cpu = cpu();
    cpu.state.sp = DATA + 8;
    execute(&mut cpu, ldr_x0_sp).expect("unchecked");
    cpu.set_sys(SysReg::SCTLR_EL1, sctlr_el1::SA.mask());
    cpu.context_changed();
    assert_eq!(execute(&mut cpu, ldr_x0_sp), Err(Abort));
    assert_eq!(cpu.abort.ec, 0x26);
}

const CPYFP: u32 = 0x1902_0460;
const CPYFM: u32 = 0x1942_0460;
const CPYFE: u32 = 0x1982_0460;

/// A CPU that is to copy `size` bytes from X2 to X0, size in X3.
fn copying(size: u64) -> Vcpu {
    let mut cpu = cpu();
    cpu.set_sys(SysReg::HCRX_EL2, hcrx_el2::MSCEn.mask());
    (cpu.state.x[0], cpu.state.x[2], cpu.state.x[3]) = (DATA, DATA + 0x8000, size);
    cpu
}

#[test]
fn memory_copies_are_interruptible_every_4096_bytes() {
    let mut cpu = copying(10_000);
    let source: Vec<u8> = (0..10_000).map(|i| (i % 251) as u8).collect();
    cpu.machine.ram.copy_in(DATA + 0x8000, &source).expect("memory");
    assert_eq!(execute(&mut cpu, CPYFP), Ok(Flow::Next));
    let pc = cpu.state.pc;
    for left in [10_000 - 4096, 10_000 - 8192] {
        assert_eq!(execute(&mut cpu, CPYFM), Ok(Flow::Jump));
        assert_eq!((cpu.x(3), cpu.state.pc), (left, pc), "the same instruction again");
    }
    assert_eq!(execute(&mut cpu, CPYFM), Ok(Flow::Next));
    assert_eq!(execute(&mut cpu, CPYFE), Ok(Flow::Next));
    assert_eq!((cpu.x(0), cpu.x(2), cpu.x(3)), (DATA + 10_000, DATA + 0x8000 + 10_000, 0));
    let mut copy = vec![0; source.len()];
    cpu.machine.ram.copy_out(DATA, &mut copy).expect("memory");
    assert_eq!(copy, source);
}

#[test]
fn memory_copies_that_fault_leave_registers_for_the_rest() {
    let mut cpu = copying(64);
    cpu.state.x[2] = RAM_END - 24;
    execute(&mut cpu, CPYFP).expect("prologue");
    assert_eq!(execute(&mut cpu, CPYFM), Err(Abort));
    assert_eq!((cpu.x(0), cpu.x(2), cpu.x(3)), (DATA + 24, RAM_END, 40));
}

#[test]
fn memory_copies_of_the_other_option_raise_their_exception() {
    let mut cpu = copying(64);
    cpu.state.nzcv.set(0);
    assert_eq!(execute(&mut cpu, CPYFM), Err(Abort));
    // Wrong option, option B, Xd 0, Xs 2, Xn 3.
    assert_eq!((cpu.abort.ec, cpu.abort.iss), (0x27, 1 << 17 | 2 << 5 | 3));
    cpu.set_sys(SysReg::HCRX_EL2, 0);
    assert_eq!(execute(&mut cpu, CPYFP), Err(Abort));
    assert_eq!(cpu.abort.ec, 0, "disabled by HCRX_EL2.MSCEn");
}
