//! The same loops on all CPUs of the machine at once: with more CPUs they take as long, if nothing is in their way. Where
//! the CPUs store to the same data the host's caches are: a cache line is one CPU's at a time.

use super::world::Data;
use super::{Run, el2, world};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use guest_support::{boot, psci};

/// What each CPU runs, one after the other, each turn of which is ten instructions.
const LOOPS: [&str; 3] = ["alu", "load", "store"];
/// Instructions of a turn on one CPU.
pub(crate) const INSTRUCTIONS: u64 = 10 * LOOPS.len() as u64;
/// CPUs at most.
const CPUS: usize = 8;

static TURNS: AtomicU64 = AtomicU64::new(0);
static SHARED: AtomicBool = AtomicBool::new(false);

/// Runs the loops on all CPUs, and waits for them.
pub(crate) fn run(data: Data, turns: u64) {
    SHARED.store(matches!(data, Data::Shared), Ordering::Relaxed);
    TURNS.store(turns, Ordering::Release);
    let is_off = |n: &usize| psci::call(psci::AFFINITY_INFO, *n as u64, 0, 0) == 1;
    let others = 1 + (1..CPUS).take_while(is_off).count();
    for n in 1..others {
        assert!(boot::start_cpu(n, work) == 0, "CPU_ON");
    }
    loops();
    for n in 1..others {
        while !is_off(&n) {
            core::hint::spin_loop();
        }
    }
}

fn work() {
    world::enter();
    loops();
}

fn loops() {
    let turns = TURNS.load(Ordering::Acquire);
    let data = if SHARED.load(Ordering::Relaxed) { Data::Shared } else { Data::Own };
    for test in el2::tests().filter(|test| LOOPS.contains(&test.name)) {
        if let Run::El2(code, pair) = test.run {
            world::run_el2(code, pair, data, turns);
        }
    }
}
