//! Exceptions during all tests: timers at random times, interrupts from other CPUs, and faults of probes.

use super::crew::{CPUS, count, now, wait_for};
use super::probe;
use super::random::Random;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::{cpu, current_el};
use guest_support::vectors::{self, Frame, From, Kind};
use guest_support::{gic, instruction, lower, mrs, msr, println};

/// Noise: nobody waits for it.
const NOISE: u32 = 1;
/// Counted by its receiver.
const PING: u32 = 2;
/// The first of those with which CPU n asks the others to synchronise themselves.
const SYNC: u32 = 8;
/// The physical timer of EL1, and that of EL2, which has its name under HCR_EL2.E2H.
const TIMERS: [u32; 2] = [30, 26];

static TICKS: AtomicU64 = AtomicU64::new(0);
static NOISES: AtomicU64 = AtomicU64::new(0);
static PINGS: [AtomicU64; CPUS] = [const { AtomicU64::new(0) }; CPUS];
/// Answers to the requests of each CPU.
static ANSWERS: [AtomicU64; CPUS] = [const { AtomicU64::new(0) }; CPUS];
static REQUESTS: [AtomicU64; CPUS] = [const { AtomicU64::new(0) }; CPUS];
static SEEDS: [AtomicU64; CPUS] = [const { AtomicU64::new(0) }; CPUS];

/// Makes the handler that of all CPUs.
pub(crate) fn install() {
    vectors::set_handler(handle);
    gic::enable_distributor();
}

fn timer() -> u32 {
    TIMERS[usize::from(current_el() == 2)]
}

/// Lets this CPU take interrupts.
pub(crate) fn begin() {
    gic::enable_cpu();
    for intid in [NOISE, PING, timer()].into_iter().chain(SYNC..SYNC + CPUS as u32) {
        gic::enable(intid, 0x80);
    }
    SEEDS[cpu()].store(Random::new(99).next(), Ordering::Relaxed);
    arm();
    open();
}

/// Stops that.
pub(crate) fn end() {
    instruction!("msr daifset, #2");
    msr!("cntp_ctl_el0", 0);
}

/// Unmasks interrupts.
pub(crate) fn open() {
    instruction!("msr daifclr, #2");
}

/// Sets the timer to a random time between 50 microseconds and 1 millisecond.
fn arm() {
    let seed = &SEEDS[cpu()];
    let next =
        seed.load(Ordering::Relaxed).wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    seed.store(next, Ordering::Relaxed);
    let microseconds = 50 + (next >> 33) % 950;
    msr!("cntp_tval_el0", mrs!("cntfrq_el0") * microseconds / 1_000_000);
    msr!("cntp_ctl_el0", 1);
}

/// Interrupts a CPU, which counts it.
pub(crate) fn ping(to: usize) {
    gic::send_sgi(PING, 1 << to);
}

/// How many of those a CPU has taken.
pub(crate) fn pings(of: usize) -> u64 {
    PINGS[of].load(Ordering::Acquire)
}

/// Has all other CPUs drop their translations and synchronise their context, and waits for it.
pub(crate) fn synchronise_others() {
    let me = cpu();
    let others = count() as u64 - 1;
    let wanted = REQUESTS[me].load(Ordering::Relaxed) + others;
    REQUESTS[me].store(wanted, Ordering::Relaxed);
    gic::send_sgi(SYNC + me as u32, ((1 << count()) - 1) & !(1 << me));
    wait_for("answers to an interrupt", || ANSWERS[me].load(Ordering::Acquire) >= wanted);
}

fn handle(frame: &mut Frame, from: From, kind: Kind) {
    match kind {
        Kind::Irq => interrupt(),
        Kind::Sync if frame.class() == 0x16 && from == From::Lower => lower::leave(frame),
        Kind::Sync if probe::mend(frame) => {}
        _ => {
            panic!("{kind:?} from {from:?}: ESR {:#x}, ELR {:#x}, FAR {:#x}", frame.esr, frame.elr, frame.far)
        }
    }
}

fn interrupt() {
    let intid = gic::acknowledge();
    match intid as u32 {
        _ if intid == gic::SPURIOUS => return,
        NOISE => _ = NOISES.fetch_add(1, Ordering::Relaxed),
        PING => _ = PINGS[cpu()].fetch_add(1, Ordering::AcqRel),
        other if other == timer() => {
            TICKS.fetch_add(1, Ordering::Relaxed);
            arm();
            let to = (now() >> 3) as usize % count();
            gic::send_sgi(NOISE, 1 << to);
        }
        other => {
            instruction!("tlbi vmalle1", "dsb nsh", "isb");
            ANSWERS[other as usize - SYNC as usize].fetch_add(1, Ordering::AcqRel);
        }
    }
    gic::end(intid);
}

/// Says how many interrupts there were.
pub(crate) fn summary() {
    let (ticks, noises) = (TICKS.load(Ordering::Relaxed), NOISES.load(Ordering::Relaxed));
    println!("     {ticks} interrupts of timers, {noises} of other CPUs");
}
