//! What accesses cost. Not a check: run in a release build with `--ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use super::*;
use crate::mmu::Access;

const NORMAL: Access = Access::NORMAL;

/// Prints the best of many short runs, which other load on the host disturbs least.
fn report(name: &str, mut work: impl FnMut(u64)) {
    const COUNT: u64 = 1 << 10;
    let best = (0..500).map(|_| {
        let start = Instant::now();
        (0..COUNT).for_each(&mut work);
        start.elapsed()
    });
    let best = best.min().expect("many runs");
    println!("{name:32} {:7.2} ns", best.as_nanos() as f64 / COUNT as f64);
}

#[test]
#[ignore = "a measurement"]
fn cost_of_accesses() {
    let mut bench = Bench::new();
    let cpu = &mut bench.cpu;
    let va = |n: u64| VA + ((n * 8) & 0xff8);
    report("load, hit", |n| {
        black_box(cpu.load::<u64>(black_box(va(n)), NORMAL).unwrap());
    });
    report("store, hit", |n| cpu.store(black_box(va(n)), n, NORMAL).unwrap());
    report("load, hit, unaligned", |n| {
        black_box(cpu.load::<u64>(black_box(VA + ((n * 8) & 0x7f8) + 1), NORMAL).unwrap());
    });
    report("read-modify-write, hit", |n| {
        black_box(cpu.rmw::<u64>(black_box(va(n)), Access::ATOMIC, |x| x + 1).unwrap());
    });
    report("exclusive pair", |_| {
        let x = cpu.load_exclusive::<u64>(VA, Access::EXCLUSIVE).unwrap();
        black_box(cpu.store_exclusive(VA, x + 1, Access::EXCLUSIVE).unwrap());
    });
    report("fetch, hit", |n| {
        black_box(cpu.fetch_page(black_box(va(n))).unwrap());
    });
    report("context changed, same values", |_| cpu.context_changed());
    report("context synchronised", |_| cpu.context_sync());
    report("EL0 and back", |n| {
        cpu.state.pstate.el = (n & 1) as u8;
        cpu.pstate_changed();
    });
    cpu.state.pstate.el = 1;
    cpu.pstate_changed();
    let ttbr = cpu.sys(SysReg::TTBR0_EL1);
    report("ASID switch and back", |n| {
        cpu.set_sys(SysReg::TTBR0_EL1, ttbr | (n & 1) << 48);
        cpu.mmu_context_changed();
    });
    cpu.set_sys(SysReg::TTBR0_EL1, ttbr);
    cpu.mmu_context_changed();
    report("TLBI by VA and refill", |_| {
        cpu.tlb.remove_range(crate::mmu::walk::Regime::El10, 0, VA, VA | 0xfff, None);
        black_box(cpu.load::<u64>(VA, NORMAL).unwrap());
    });
    report("TLBI of the VMID and refill", |_| {
        cpu.tlb.retire_spaces(crate::mmu::walk::Regime::El10, Some(0));
        cpu.mmu_context_changed();
        black_box(cpu.load::<u64>(VA, NORMAL).unwrap());
    });
    bench.with_stage2();
    let cpu = &mut bench.cpu;
    report("the same with stage 2", |_| {
        cpu.tlb.retire_spaces(crate::mmu::walk::Regime::El10, Some(0));
        cpu.mmu_context_changed();
        black_box(cpu.load::<u64>(VA, NORMAL).unwrap());
    });
}

#[test]
#[ignore = "a measurement"]
fn cost_of_marking_code() {
    let bench = Bench::new();
    let ram = &bench.cpu.machine.ram;
    let page = ram.page(PA).unwrap();
    report("mark a page of code and unmark it", |_| {
        ram.mark_code(page, PA, 4);
        ram.wrote(PA, 4);
    });
}
