//! Instructions newer than the recorder knows: FEAT_CSSC, FEAT_CMPBR, FEAT_LSE128, FEAT_LRCPC3.

use super::{RAM, cpu, execute};
use crate::cpu::Vcpu;
use crate::interp::Flow;

/// Executes `word` with X1 and X2 set, and returns X0.
fn result(word: u32, x1: u64, x2: u64) -> u64 {
    let mut cpu = cpu();
    (cpu.state.x[1], cpu.state.x[2]) = (x1, x2);
    assert_eq!(execute(&mut cpu, word), Ok(Flow::Next));
    cpu.x(0)
}

#[test]
fn counting_instructions_count_within_the_register() {
    assert_eq!(result(0x5ac0_1820, 0, 0), 32, "ctz w0, w1");
    assert_eq!(result(0xdac0_1820, 0, 0), 64, "ctz x0, x1");
    assert_eq!(result(0xdac0_1820, 1 << 40, 0), 40, "ctz x0, x1");
    assert_eq!(result(0x5ac0_1c20, u64::MAX, 0), 32, "cnt w0, w1");
    assert_eq!(result(0xdac0_1c20, u64::MAX, 0), 64, "cnt x0, x1");
}

#[test]
fn abs_of_the_minimum_is_the_minimum() {
    assert_eq!(result(0x5ac0_2020, 0xffff_fffb, 0), 5, "abs w0, w1");
    assert_eq!(result(0x5ac0_2020, 0x8000_0000, 0), 0x8000_0000, "abs w0, w1");
    assert_eq!(result(0xdac0_2020, 1 << 63, 0), 1 << 63, "abs x0, x1");
}

#[test]
fn minimum_and_maximum_compare_with_their_signedness() {
    let minus_one = u64::MAX;
    assert_eq!(result(0x1ac2_6020, minus_one, 1), 1, "smax w0, w1, w2");
    assert_eq!(result(0x1ac2_6420, minus_one, 1), 0xffff_ffff, "umax w0, w1, w2");
    assert_eq!(result(0x9ac2_6820, minus_one, 1), minus_one, "smin x0, x1, x2");
    assert_eq!(result(0x9ac2_6c20, minus_one, 1), 1, "umin x0, x1, x2");
    assert_eq!(result(0x11c3_fc20, 7, 0), 7, "smax w0, w1, #-1");
    assert_eq!(result(0x11cb_fc20, 7, 0), 0xffff_ffff, "smin w0, w1, #-1");
    assert_eq!(result(0x91c7_fc20, 7, 0), 255, "umax x0, x1, #255");
    assert_eq!(result(0x91cf_fc20, 7, 0), 7, "umin x0, x1, #255");
}

fn taken(word: u32, x0: u64, x2: u64) -> bool {
    let mut cpu = cpu();
    (cpu.state.x[0], cpu.state.x[2]) = (x0, x2);
    execute(&mut cpu, word).expect("no exception");
    match cpu.state.pc - RAM {
        4 => false,
        16 => true,
        other => panic!("branched by {other}"),
    }
}

#[test]
fn compare_and_branch_compares_the_named_size_and_signedness() {
    let rm = 2 << 16;
    let to_16 = 4 << 5;
    assert!(taken(0x7400_0000 | rm | to_16, 1, 0xffff_ffff), "cbgt w0, w2");
    assert!(!taken(0x7440_0000 | rm | to_16, 1, 0xffff_ffff), "cbhi w0, w2");
    assert!(taken(0xf460_0000 | rm | to_16, 5, 5), "cbhs x0, x2");
    assert!(taken(0x74c0_8000 | rm | to_16, 0x1ff, 0x2ff), "cbbeq w0, w2");
    assert!(taken(0x7420_c000 | rm | to_16, 0x7fff, 0x8000), "cbhge w0, w2");
    assert!(taken(0xf520_0000 | 1 << 15 | to_16, u64::MAX, 0), "cblt x0, #1");
    assert!(!taken(0xf560_0000 | 1 << 15 | to_16, u64::MAX, 0), "cblo x0, #1");
}

/// A CPU whose X1 points at the bytes 0 to 31.
fn with_memory() -> Vcpu {
    let mut cpu = cpu();
    let bytes: [u8; 32] = std::array::from_fn(|i| i as u8);
    cpu.machine.ram.copy_in(RAM + 0x100, &bytes).expect("memory");
    cpu.state.x[1] = RAM + 0x100;
    cpu
}

fn memory(cpu: &Vcpu, offset: u64) -> u64 {
    cpu.machine.ram.read(RAM + 0x100 + offset).expect("memory")
}

const FIRST: u64 = 0x0706_0504_0302_0100;
const SECOND: u64 = 0x0f0e_0d0c_0b0a_0908;

#[test]
fn quadword_atomics_return_the_old_halves_and_store_the_new() {
    let mut cpu = with_memory();
    (cpu.state.x[0], cpu.state.x[3]) = (0xff, 0xff00);
    execute(&mut cpu, 0x1923_1020).expect("ldclrp x0, x3, [x1]");
    assert_eq!((cpu.x(0), cpu.x(3)), (FIRST, SECOND));
    assert_eq!((memory(&cpu, 0), memory(&cpu, 8)), (FIRST & !0xff, SECOND & !0xff00));
    (cpu.state.x[0], cpu.state.x[3]) = (1, 2);
    execute(&mut cpu, 0x1923_8020).expect("swpp x0, x3, [x1]");
    assert_eq!((cpu.x(0), cpu.x(3)), (FIRST & !0xff, SECOND & !0xff00));
    assert_eq!((memory(&cpu, 0), memory(&cpu, 8)), (1, 2));
}

#[test]
fn ordered_pairs_and_writeback_forms_move_the_base() {
    let mut cpu = with_memory();
    execute(&mut cpu, 0xd943_0820).expect("ldiapp x0, x3, [x1], #16");
    assert_eq!((cpu.x(0), cpu.x(3), cpu.x(1)), (FIRST, SECOND, RAM + 0x110));
    execute(&mut cpu, 0xd903_0820).expect("stilp x0, x3, [x1, #-16]!");
    assert_eq!(cpu.x(1), RAM + 0x100);
    execute(&mut cpu, 0xd9c0_0820).expect("ldapr x0, [x1], #8");
    assert_eq!((cpu.x(0), cpu.x(1)), (FIRST, RAM + 0x108));
    cpu.state.x[0] = 9;
    execute(&mut cpu, 0xd980_0820).expect("stlr x0, [x1, #-8]!");
    assert_eq!((memory(&cpu, 0), cpu.x(1)), (9, RAM + 0x100));
}

/// Executes `word` with X1 and the flags set, and returns the flags.
fn flags(word: u32, x1: u64, nzcv: u32) -> u32 {
    let mut cpu = cpu();
    cpu.state.x[1] = x1;
    cpu.state.nzcv.set(nzcv << 28);
    execute(&mut cpu, word).expect("no exception");
    cpu.state.nzcv.bits() >> 28
}

#[test]
fn setf_takes_flags_from_the_narrow_value_and_keeps_carry() {
    const SETF8: u32 = 0x3a00_082d;
    const SETF16: u32 = 0x3a00_482d;
    assert_eq!(flags(SETF8, 0x80, 0b0010), 0b1011, "overflow into the sign");
    assert_eq!(flags(SETF8, 0x180, 0b0000), 0b1000);
    assert_eq!(flags(SETF8, 0x100, 0b1111), 0b0111);
    assert_eq!(flags(SETF16, 0x8000, 0b0000), 0b1001);
    assert_eq!(flags(SETF16, 0xffff_0000, 0b0010), 0b0111);
}
