//! Further CPUs: on and off, atomics and exclusives, SGIs between CPUs.

use super::catch::{received, received_by};
use super::harness::{equal, skip};
use super::interrupts::open;
use super::mmu::TABLES;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::cpu;
use guest_support::{boot, gic, psci};

const ROUNDS: u64 = 20_000;
const SGI_OUT: u32 = 5;
const SGI_BACK: u32 = 6;

static EXCLUSIVE: AtomicU64 = AtomicU64::new(0);
static LSE: AtomicU64 = AtomicU64::new(0);
static LOCKED: AtomicU64 = AtomicU64::new(0);
static LOCK: AtomicU64 = AtomicU64::new(0);
static READY: AtomicU64 = AtomicU64::new(0);
static GO: AtomicU64 = AtomicU64::new(0);

pub(crate) fn run() {
    let cpus = 1 + (1..8).take_while(|&n| psci::call(psci::AFFINITY_INFO, n, 0, 0) == 1).count();
    if cpus == 1 {
        skip("smp: there is one CPU");
        return;
    }
    gic::enable(SGI_BACK, 0x80);
    for n in 1..cpus {
        equal("CPU_ON", boot::start_cpu(n, work), 0);
    }
    let others = cpus as u64 - 1;
    while READY.load(Ordering::Acquire) < others {
        core::hint::spin_loop();
    }
    equal(
        "AFFINITY_INFO: all are on",
        (1..cpus as u64).all(|n| psci::call(psci::AFFINITY_INFO, n, 0, 0) == 0),
        true,
    );
    GO.store(1, Ordering::Release);
    count();
    gic::send_sgi(SGI_OUT, (1 << cpus) - 2);
    while received(SGI_BACK as usize) == 0 || (1..cpus).any(|n| received_by(n, SGI_OUT as usize) == 0) {
        open();
    }
    equal("each CPU took the SGI once", (1..cpus).all(|n| received_by(n, SGI_OUT as usize) == 1), true);
    for n in 1..cpus as u64 {
        while psci::call(psci::AFFINITY_INFO, n, 0, 0) != 1 {
            core::hint::spin_loop();
        }
    }
    equal("AFFINITY_INFO: all are off again", true, true);
    let want = cpus as u64 * ROUNDS;
    equal("no exclusive increment is lost", EXCLUSIVE.load(Ordering::Relaxed), want);
    equal("no LSE increment is lost", LSE.load(Ordering::Relaxed), want);
    equal("no increment under a lock is lost", LOCKED.load(Ordering::Relaxed), want);
    GO.store(0, Ordering::Release);
    equal("CPU_ON again", boot::start_cpu(1, || {}), 0);
    while psci::call(psci::AFFINITY_INFO, 1, 0, 0) != 1 {
        core::hint::spin_loop();
    }
    equal("CPU_OFF again", true, true);
}

/// What each further CPU does.
fn work() {
    TABLES.enable();
    gic::enable_cpu();
    gic::enable(SGI_OUT, 0x80);
    READY.fetch_add(1, Ordering::AcqRel);
    while GO.load(Ordering::Acquire) == 0 {
        core::hint::spin_loop();
    }
    count();
    while received(SGI_OUT as usize) == 0 {
        open();
    }
    if cpu() == 1 {
        gic::send_sgi(SGI_BACK, 1);
    }
}

fn count() {
    for _ in 0..ROUNDS {
        add_exclusive(&EXCLUSIVE);
        add_lse(&LSE);
        while LOCK.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            core::hint::spin_loop();
        }
        // Two accesses: only the lock makes them one.
        LOCKED.store(LOCKED.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        LOCK.store(0, Ordering::Release);
    }
}

fn add_exclusive(to: &AtomicU64) {
    // SAFETY: an exclusive increment of an atomic.
    unsafe {
        asm!("2: ldxr {v}, [{p}]", "add {v}, {v}, #1", "stxr {s:w}, {v}, [{p}]", "cbnz {s:w}, 2b",
             v = out(reg) _, s = out(reg) _, p = in(reg) to.as_ptr(), options(nostack))
    };
}

fn add_lse(to: &AtomicU64) {
    // SAFETY: an atomic increment of an atomic.
    unsafe {
        asm!(".arch_extension lse", "stadd {one}, [{p}]", ".arch_extension nolse",
             one = in(reg) 1_u64, p = in(reg) to.as_ptr(), options(nostack))
    };
}
