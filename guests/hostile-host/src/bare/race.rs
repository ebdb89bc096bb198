//! Three cores that start the fourth at the same time.

use super::{IMAGE_END, check, smc};
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use guest_support::sysreg::cpu;
use guest_support::{boot, println, psci};

const ROUNDS: u64 = 100;
const RACERS: u64 = 3;
const TARGET: u64 = 3;

/// Who has arrived where, counted up for ever.
static READY: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicU64 = AtomicU64::new(0);
static ROUND: AtomicU64 = AtomicU64::new(0);
static ANSWERS: [AtomicI64; 3] = [const { AtomicI64::new(0) }; 3];
static RUNS: AtomicU64 = AtomicU64::new(0);

fn wait_for(counter: &AtomicU64, value: u64) {
    while counter.load(Ordering::Acquire) < value {
        core::hint::spin_loop();
    }
}

/// What core 3 does each time.
fn target() {
    check("the core that runs", 0, cpu() as i64, TARGET as i64);
    RUNS.fetch_add(1, Ordering::SeqCst);
}

/// One core of those that start it.
fn racer() {
    for round in 1..=ROUNDS {
        READY.fetch_add(1, Ordering::SeqCst);
        wait_for(&ROUND, round);
        ANSWERS[cpu()].store(boot::start_cpu(TARGET as usize, target), Ordering::SeqCst);
        DONE.fetch_add(1, Ordering::SeqCst);
    }
}

pub(super) fn run() {
    let cores = 1 + (1..8).take_while(|&n| smc(psci::AFFINITY_INFO, n, 0) == 1).count() as u64;
    if cores <= TARGET {
        println!("hostile-host: no races on {cores} cores");
        return;
    }
    for n in 1..RACERS {
        check("CPU_ON", n, boot::start_cpu(n as usize, racer), 0);
    }
    let mut pending = 0;
    for round in 1..=ROUNDS {
        wait_for(&READY, (RACERS - 1) * round);
        ROUND.store(round, Ordering::Release);
        ANSWERS[0].store(boot::start_cpu(TARGET as usize, target), Ordering::SeqCst);
        wait_for(&DONE, (RACERS - 1) * round);
        let answers = [0, 1, 2].map(|n: usize| ANSWERS[n].load(Ordering::SeqCst));
        let count = |code| answers.iter().filter(|a| **a == code).count() as i64;
        // The core may have ended already and been started once more: then there was more than one success.
        let (won, others) = (count(0), count(-4) + count(-5));
        check("winners and losers", round, won + others, RACERS as i64);
        check("somebody wins", round, i64::from(won >= 1), 1);
        pending += count(-5);
        while smc(psci::AFFINITY_INFO, TARGET, 0) != 1 {
            core::hint::spin_loop();
        }
        check("runs so far", round, i64::from(RUNS.load(Ordering::SeqCst) >= round), 1);
    }
    for n in 1..RACERS {
        while smc(psci::AFFINITY_INFO, n, 0) != 1 {
            core::hint::spin_loop();
        }
    }
    check("CPU_ON of a core that is off, outside", 0, smc(psci::CPU_ON, 1, IMAGE_END - 4), -9);
    println!("hostile-host: {ROUNDS} races, ON_PENDING {pending} times");
}
