//! Whatever a guest does, the emulator neither panics nor hangs, and the interpreter and the JIT do the same: random
//! machines execute random instructions at EL0, EL1 and EL2, and threads hammer the physical address space.
//!
//! `DROSTE_FUZZ_SECONDS=N` searches for N seconds from a seed that follows from the time, and
//! `DROSTE_FUZZ_SEED=N` runs that one seed again. `fuzz/` drives the same harness with libFuzzer.

mod compare;
mod depth;
mod entropy;
mod harness;
mod program;
mod words;

use compare::Agreement;
use depth::Depth;
use entropy::Entropy;
use harness::{Case, engines};
use std::cell::Cell;
use std::env;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Instructions of one case, over all CPUs' common time.
const BUDGET: u64 = 16_000;
/// Far beyond what a case takes on a busy host.
const HANG: Duration = Duration::from_secs(180);

/// Names the seed if the test that holds it panics, and ends the process if it takes too long.
struct Watch {
    seed: u64,
    alive: mpsc::Sender<()>,
}

impl Watch {
    fn new(seed: u64) -> Watch {
        let (alive, ended) = mpsc::channel();
        thread::spawn(move || {
            if ended.recv_timeout(HANG) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("seed {seed} hangs: repeat it with DROSTE_FUZZ_SEED={seed}");
                std::process::abort();
            }
        });
        Watch { seed, alive }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.alive.send(());
        if thread::panicking() {
            eprintln!("seed {}: repeat it with DROSTE_FUZZ_SEED={}", self.seed, self.seed);
        }
    }
}

/// The number that a variable of the environment asks for.
fn asked(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|e| panic!("{variable}={text}: {e}")))
}

/// Runs `test` with the seeds of `slice`, or with those that the environment asks for.
fn each_seed(slice: std::ops::Range<u64>, test: impl Fn(u64)) {
    let one = |seed| {
        let _watch = Watch::new(seed);
        test(seed);
    };
    if let Some(seed) = asked("DROSTE_FUZZ_SEED") {
        return one(seed);
    }
    slice.for_each(one);
    let Some(seconds) = asked("DROSTE_FUZZ_SECONDS") else { return };
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let (first, end) = (since_epoch as u64, Instant::now() + Duration::from_secs(seconds));
    (first..).take_while(|_| Instant::now() < end).for_each(one);
}

#[test]
fn random_guests_end_within_their_budget_and_run_the_same_on_every_engine() {
    let (compared, open) = (Cell::new(0_u32), Cell::new(0_u32));
    each_seed(0..240, |seed| match Case::new(&mut Entropy::seeded(seed)).compare(BUDGET) {
        Ok(Agreement::Same) => compared.set(compared.get() + 1),
        Ok(Agreement::Open) => {
            eprintln!("seed {seed} says nothing");
            open.set(open.get() + 1);
        }
        Err(difference) => panic!("{difference}"),
    });
    // A comparison that is open too often proves nothing.
    let (compared, open) = (compared.get(), open.get());
    assert!(open <= 1 + compared / 50, "{open} of {} seeds say nothing", compared + open);
}

#[test]
fn random_guests_run_the_same_twice() {
    each_seed(500..540, |seed| {
        let case = Case::new(&mut Entropy::seeded(seed));
        for engine in engines() {
            assert_eq!(case.run(engine, BUDGET), case.run(engine, BUDGET), "two runs on {engine:?}");
        }
    });
}

#[test]
fn random_guests_on_threads_stop_when_asked() {
    each_seed(1000..1020, |seed| {
        let case = Case::new(&mut Entropy::seeded(seed));
        engines().for_each(|engine| case.run_on_threads(engine, Duration::from_millis(50)));
    });
}

#[test]
fn devices_survive_accesses_of_several_threads_beside_a_running_guest() {
    each_seed(2000..2010, |seed| {
        engines().for_each(|engine| harness::hammer(engine, seed, 10_000));
    });
}

#[test]
fn random_guests_reach_every_level_and_most_exception_classes() {
    for engine in engines() {
        let depth = Depth::default();
        for seed in 0..40 {
            let watch = Some(Box::new(depth.clone()) as _);
            Case::new(&mut Entropy::seeded(seed)).run_watched(engine, BUDGET, watch);
        }
        eprint!("{engine:?}\n{}", depth.report());
        let (classes, levels) = depth.reached();
        assert_eq!(levels.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
        // Unknown, FP, SVC, HVC, MSR or MRS, aborts, PC alignment, interrupts.
        for class in ["00", "07", "15", "16", "18", "20", "21", "22", "24", "25", "Irq"] {
            assert!(classes.contains(class), "class {class} is not reached by {engine:?}");
        }
    }
}
