//! The CPUs as a crew: they start a job together, meet within it, and know when its time is up.

use super::{interrupts, world};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use guest_support::sysreg::cpu;
use guest_support::{boot, instruction, mrs, psci};

/// CPUs at most.
pub(crate) const CPUS: usize = 8;

static COUNT: AtomicUsize = AtomicUsize::new(1);
static ARRIVED: AtomicU64 = AtomicU64::new(0);
/// The job as a `fn()`; 0 ends the work of all but the first CPU.
static JOB: AtomicUsize = AtomicUsize::new(0);
static ENDS: AtomicU64 = AtomicU64::new(0);
static OVER: AtomicBool = AtomicBool::new(false);

/// How many CPUs there are.
pub(crate) fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Starts all CPUs, in the world that tests run in.
pub(crate) fn assemble() {
    let is_off = |n: &usize| psci::call(psci::AFFINITY_INFO, *n as u64, 0, 0) == 1;
    let count = 1 + (1..CPUS).take_while(is_off).count();
    COUNT.store(count, Ordering::Release);
    world::build();
    world::enter();
    interrupts::begin();
    for n in 1..count {
        assert!(boot::start_cpu(n, work) == 0, "CPU_ON");
    }
    meet();
}

fn work() {
    world::enter();
    interrupts::begin();
    meet();
    loop {
        meet();
        let job = JOB.load(Ordering::Acquire);
        if job == 0 {
            break;
        }
        // SAFETY: `run` stored a `fn()`.
        let job = unsafe { core::mem::transmute::<usize, fn()>(job) };
        job();
        meet();
    }
    interrupts::end();
    world::leave();
}

/// Runs a job on all CPUs, which ends when [`is_over`] says so after this many milliseconds.
pub(crate) fn run(milliseconds: u64, job: fn()) {
    let length = mrs!("cntfrq_el0") / 1000 * milliseconds;
    ENDS.store(now() + length, Ordering::Relaxed);
    JOB.store(job as usize, Ordering::Release);
    meet();
    job();
    meet();
}

/// Lets the other CPUs switch themselves off.
pub(crate) fn dismiss() {
    JOB.store(0, Ordering::Release);
    meet();
    for n in 1..count() as u64 {
        while psci::call(psci::AFFINITY_INFO, n, 0, 0) != 1 {
            core::hint::spin_loop();
        }
    }
    interrupts::end();
    world::leave();
}

/// The counter.
pub(crate) fn now() -> u64 {
    mrs!("cntvct_el0")
}

/// Whether the job's time is up, as this CPU sees it.
pub(crate) fn is_over() -> bool {
    now() >= ENDS.load(Ordering::Relaxed)
}

/// Whether the job goes on: all CPUs ask at the same point and get the same answer.
pub(crate) fn goes_on() -> bool {
    if cpu() == 0 {
        OVER.store(is_over(), Ordering::Relaxed);
    }
    meet();
    !OVER.load(Ordering::Relaxed)
}

/// Waits until all CPUs are here.
pub(crate) fn meet() {
    let count = count() as u64;
    let whole = (ARRIVED.fetch_add(1, Ordering::AcqRel) / count + 1) * count;
    if ARRIVED.load(Ordering::Acquire) >= whole {
        instruction!("dsb ishst", "sev");
    }
    while ARRIVED.load(Ordering::Acquire) < whole {
        instruction!("wfe");
    }
}

/// Waits for a condition that others bring about soon. Panics, with the name, if that takes seconds: something is lost.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let until = now() + 20 * mrs!("cntfrq_el0");
    while !condition() {
        assert!(now() < until, "{what}: nothing for 20 s");
        instruction!("yield");
    }
}
