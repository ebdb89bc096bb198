//! Branches and PC-relative instructions.

use super::{RAM, cpu, execute};
use crate::interp::Flow;

/// Executes `word` with X0 set and flags, and returns the distance that the PC moved.
fn distance(word: u32, x0: u64, nzcv: u32) -> i64 {
    let mut cpu = cpu();
    cpu.state.x[0] = x0;
    cpu.state.nzcv.set(nzcv << 28);
    execute(&mut cpu, word).expect("no exception");
    cpu.state.pc.wrapping_sub(RAM) as i64
}

#[test]
fn immediate_branches_reach_both_ends_of_their_range() {
    assert_eq!(distance(0x15ff_ffff, 0, 0), (128 << 20) - 4, "b +");
    assert_eq!(distance(0x1600_0000, 0, 0), -(128 << 20), "b -");
    assert_eq!(distance(0x547f_ffe0, 0, 4), (1 << 20) - 4, "b.eq +");
    assert_eq!(distance(0x5480_0000, 0, 4), -(1 << 20), "b.eq -");
    assert_eq!(distance(0x5480_0000, 0, 0), 4, "b.eq not taken");
    assert_eq!(distance(0x5480_0010, 0, 4), -(1 << 20), "bc.eq -");
    assert_eq!(distance(0x3643_ffe0, 0, 0), 32764, "tbz w0, #8");
}

#[test]
fn compare_and_branch_looks_at_the_named_width_only() {
    assert_eq!(distance(0x3400_0040, 1 << 32, 0), 8, "cbz w0");
    assert_eq!(distance(0xb400_0040, 1 << 32, 0), 4, "cbz x0");
    assert_eq!(distance(0xb500_0040, 1 << 32, 0), 8, "cbnz x0");
    assert_eq!(distance(0xb730_0040, 1 << 38, 0), 8, "tbnz x0, #38");
    assert_eq!(distance(0xb630_0040, 1 << 38, 0), 4, "tbz x0, #38");
}

#[test]
fn links_are_the_next_instruction_and_the_target_is_read_first() {
    let mut cpu = cpu();
    assert_eq!(execute(&mut cpu, 0x9400_0002), Ok(Flow::Jump));
    assert_eq!((cpu.state.pc, cpu.x(30)), (RAM + 8, RAM + 4), "bl");
    cpu.state.x[30] = 0x4321_0000;
    assert_eq!(execute(&mut cpu, 0xd63f_03c0), Ok(Flow::Jump));
    assert_eq!((cpu.state.pc, cpu.x(30)), (0x4321_0000, RAM + 12), "blr x30");
    execute(&mut cpu, 0xd65f_03c0).expect("ret");
    assert_eq!(cpu.state.pc, RAM + 12);
}

#[test]
fn pc_relative_addresses_use_the_page_for_adrp() {
    let mut cpu = cpu();
    cpu.state.pc = RAM + 0x1ffc;
    execute(&mut cpu, 0x30ff_ffe0).expect("adr x0, #-3");
    assert_eq!(cpu.x(0), RAM + 0x1ff9);
    cpu.state.pc = RAM + 0x1ffc;
    execute(&mut cpu, 0xb000_0000).expect("adrp x0, #1 page");
    assert_eq!(cpu.x(0), RAM + 0x2000);
    execute(&mut cpu, 0x9080_0000).expect("adrp x0, #-4 GiB");
    assert_eq!(cpu.x(0), (RAM + 0x2000).wrapping_sub(1 << 32));
}

#[test]
fn literal_loads_are_relative_to_the_instruction() {
    let mut cpu = cpu();
    cpu.machine.ram.write::<u64>(RAM + 16, 0xffff_fffe_8000_0001).expect("literal");
    execute(&mut cpu, 0x5800_0080).expect("ldr x0, +16");
    assert_eq!(cpu.x(0), 0xffff_fffe_8000_0001);
    execute(&mut cpu, 0x9800_0060).expect("ldrsw x0, +12");
    assert_eq!(cpu.x(0), 0xffff_ffff_8000_0001);
}
