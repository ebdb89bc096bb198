//! Structure loads and stores: recorded results, faults, byte order.
//!
//! A line of `loads.txt` is `word offset base effect`, numbers hexadecimal. Registers before are those of
//! [`fill`] for the number of the line; 128 bytes of memory hold V0 to V7, and X1 points `offset` bytes into
//! them. After, X1 is `base` bytes after their start. The effect of a load is the values of the registers
//! from Vt on; that of a store is `@` and an offset, then the bytes from there on. The results are those of
//! QEMU 10.0's user-mode `-cpu max`.

use super::{execute, fill};
use crate::cpu::Vcpu;
use crate::interp::tests::single::Single;
use crate::interp::{Flow, simd};
use droste_arch::a64::{self, Encoding};
use droste_arch::fields::sctlr_el1;
use droste_arch::sysreg::SysReg;
use std::collections::HashSet;

const RECORDED: &str = include_str!("loads.txt");
const MEMORY: u64 = 0x4000_1000;
const RAM_END: u64 = 0x4010_0000;

fn number(text: &str) -> u128 {
    u128::from_str_radix(text, 16).expect("a hexadecimal number")
}

#[test]
fn structure_accesses_agree_with_recorded_results() {
    Single::all().for_each(check_recorded);
}

fn check_recorded(mut executor: Single) {
    let mut cpu = Vcpu::for_tests();
    let lines = RECORDED.lines().filter(|line| !line.starts_with('#'));
    for (seed, line) in (0..).zip(lines) {
        let words: Vec<&str> = line.split(' ').collect();
        let [word, offset, base, effect @ ..] = words.as_slice() else { panic!("too short: {line}") };
        fill(&mut cpu, seed);
        let mut memory: Vec<u8> = cpu.state.v[..8].iter().flat_map(|v| v.to_le_bytes()).collect();
        cpu.machine.ram.copy_in(MEMORY, &memory).unwrap();
        cpu.state.x[1] = MEMORY + number(offset) as u64;

        let word = number(word) as u32;
        let name = a64::decode(word).map_or("unallocated", Encoding::name);
        let mut registers = cpu.state.v;
        let by = executor.name();
        assert_eq!(executor.execute(&mut cpu, word), Ok(()), "{name}: {line} by the {by}");

        if let Some(at) = effect[0].strip_prefix('@') {
            let bytes = (0..effect[1].len()).step_by(2).map(|i| number(&effect[1][i..i + 2]) as u8);
            memory.iter_mut().skip(number(at) as usize).zip(bytes).for_each(|(to, byte)| *to = byte);
        } else {
            for (i, value) in effect.iter().enumerate() {
                registers[(word as usize + i) % 32] = number(value);
            }
        }
        let mut after = [0; 128];
        cpu.machine.ram.copy_out(MEMORY, &mut after).unwrap();
        assert_eq!(after[..], memory, "{name}: {line} by the {by}");
        assert_eq!(cpu.state.v, registers, "{name}: {line} by the {by}");
        assert_eq!(cpu.state.x[1].wrapping_sub(MEMORY), number(base) as u64, "{name}: {line} by the {by}");
    }
}

#[test]
fn every_structure_access_has_a_handler_and_a_recorded_case() {
    let recorded: HashSet<&str> = RECORDED.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    let mut count = 0;
    for e in Encoding::all().filter(|e| e.group().path().starts_with("ldst/asisdl")) {
        assert!(simd::handler(e).is_some(), "{e}");
        let by_hand = matches!(e, Encoding::LDAP1_asisdlso_D1 | Encoding::STL1_asisdlso_D1);
        assert!(recorded.contains(e.name()) || by_hand, "{e}");
        count += 1;
    }
    assert_eq!(count, 14 + 28 + 38 + 72);
}

#[test]
fn faulting_load_changes_no_register() {
    // LD1 {v0.4s-v3.4s}, [x1], #64; LD4 {v0.b-v3.b}[1], [x1], #4; LD3R {v0.4s-v2.4s}, [x1], #12.
    for (word, inside) in [(0x4cdf_2820, 32), (0x0dff_2420, 2), (0x4ddf_e820, 8)] {
        let mut cpu = Vcpu::for_tests();
        fill(&mut cpu, 3);
        cpu.state.x[1] = RAM_END - inside;
        let (v, x) = (cpu.state.v, cpu.state.x);
        assert!(matches!(execute(&mut cpu, word), Some(Err(_))), "{word:x}");
        assert_eq!((cpu.state.v, cpu.state.x), (v, x), "{word:x}");
        assert_eq!(cpu.abort.far, Some(RAM_END), "{word:x}");
    }
}

#[test]
fn faulting_store_leaves_the_base() {
    // ST2 {v0.8h-v1.8h}, [x1], x2.
    let mut cpu = Vcpu::for_tests();
    fill(&mut cpu, 4);
    cpu.state.x[1] = RAM_END - 16;
    assert!(matches!(execute(&mut cpu, 0x4c82_8420), Some(Err(_))));
    assert_eq!(cpu.state.x[1], RAM_END - 16);
}

#[test]
fn big_endian_order_is_that_of_each_element() {
    let mut cpu = Vcpu::for_tests();
    let sctlr = cpu.sys(SysReg::SCTLR_EL1);
    cpu.set_sys(SysReg::SCTLR_EL1, sctlr | sctlr_el1::EE.mask());
    cpu.context_changed();
    let bytes: Vec<u8> = (0..64).collect();
    cpu.machine.ram.copy_in(MEMORY, &bytes).unwrap();
    cpu.state.x[1] = MEMORY;
    // LD1 {v0.4s}, [x1]
    assert_eq!(execute(&mut cpu, 0x4c40_7820), Some(Ok(Flow::Next)));
    assert_eq!(cpu.v(0), 0x0c0d0e0f_08090a0b_04050607_00010203);
    // ST1 {v0.8h}, [x1]
    assert_eq!(execute(&mut cpu, 0x4c00_7420), Some(Ok(Flow::Next)));
    let mut after = [0; 4];
    cpu.machine.ram.copy_out(MEMORY, &mut after).unwrap();
    assert_eq!(after, [2, 3, 0, 1]);
}

#[test]
fn address_wraps_at_the_end_of_the_address_space() {
    // LD1 {v0.16b-v3.16b}, [x1]: the fault is that of the first access, not a panic.
    let mut cpu = Vcpu::for_tests();
    cpu.state.x[1] = u64::MAX - 15;
    assert!(matches!(execute(&mut cpu, 0x4c40_2020), Some(Err(_))));
}

#[test]
fn ordered_accesses_move_one_doubleword_lane() {
    let mut cpu = Vcpu::for_tests();
    fill(&mut cpu, 5);
    let v0 = cpu.v(0);
    cpu.machine.ram.copy_in(MEMORY, &0x1122_3344_5566_7788u64.to_le_bytes()).unwrap();
    cpu.state.x[1] = MEMORY;
    // LDAP1 {v0.d}[1], [x1]; STL1 {v0.d}[0], [x1]
    assert_eq!(execute(&mut cpu, 0x4d41_8420), Some(Ok(Flow::Next)));
    assert_eq!(cpu.v(0), 0x1122_3344_5566_7788 << 64 | v0 & u128::from(u64::MAX));
    assert_eq!(execute(&mut cpu, 0x0d01_8420), Some(Ok(Flow::Next)));
    assert_eq!(cpu.machine.ram.read::<u64>(MEMORY).unwrap(), v0 as u64);
}
