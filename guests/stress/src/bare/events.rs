//! Waking and being woken: SEV and WFE, a change of what a load-exclusive has read, interrupts and WFI, timers.

use super::crew::{self, CPUS};
use super::interrupts;
use super::report;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::cpu;
use guest_support::{instruction, mrs, msr};

/// In lines of their own.
#[repr(align(64))]
struct Flag(AtomicU64);
static FLAGS: [Flag; CPUS] = [const { Flag(AtomicU64::new(0)) }; CPUS];
static TURNS: AtomicU64 = AtomicU64::new(0);
static SLOWEST: AtomicU64 = AtomicU64::new(0);
/// A wake-up that takes longer was lost.
const LOST_SECONDS: u64 = 10;

/// How a CPU hands a number to another one, and how it waits for one.
#[derive(Clone, Copy)]
struct Way {
    pass: fn(usize, u64),
    wait: fn(u64),
}

/// Ends a relay.
const END: u64 = u64::MAX;
/// Interrupts that each CPU had taken when the relay began.
static PINGS: [AtomicU64; CPUS] = [const { AtomicU64::new(0) }; CPUS];

pub(crate) fn run(milliseconds: u64) {
    let tests: [(&str, fn()); 4] = [
        ("wfe and sev", || relay(Way { pass: send_event, wait: wait_for_event })),
        ("wfe and a monitor", || relay(Way { pass: change, wait: wait_for_change })),
        ("wfi and an interrupt", || relay(Way { pass: interrupt, wait: wait_for_interrupt })),
        ("wfi and a timer", by_timer),
    ];
    for (name, job) in tests {
        for (n, flag) in FLAGS.iter().enumerate() {
            flag.0.store(0, Ordering::Relaxed);
            PINGS[n].store(interrupts::pings(n), Ordering::Relaxed);
        }
        TURNS.store(0, Ordering::Relaxed);
        SLOWEST.store(0, Ordering::Relaxed);
        crew::run(milliseconds / 4, job);
        let slowest = SLOWEST.load(Ordering::Relaxed) * 1_000_000 / mrs!("cntfrq_el0");
        let turns = TURNS.load(Ordering::Relaxed);
        report::done(name, format_args!("{turns} wake-ups, the slowest after {slowest} us"));
    }
}

/// Hands a number round, which the first CPU increments.
fn relay(way: Way) {
    let (me, next) = (cpu(), (cpu() + 1) % crew::count());
    if me == 0 {
        (way.pass)(next, 1);
    }
    for turn in 1.. {
        let began = crew::now();
        (way.wait)(turn);
        note(began);
        let number = match (mine().load(Ordering::Acquire), me) {
            (END, 0) => return,
            (END, _) => END,
            (_, 0) if crew::is_over() => END,
            (number, 0) => number + 1,
            (number, _) => number,
        };
        if number != END && number != turn + u64::from(me == 0) {
            report::violation(format_args!("{number} in turn {turn}"));
        }
        (way.pass)(next, number);
        if number == END && me != 0 {
            return;
        }
    }
}

fn note(began: u64) {
    let took = crew::now() - began;
    TURNS.fetch_add(1, Ordering::Relaxed);
    SLOWEST.fetch_max(took, Ordering::Relaxed);
    if took > LOST_SECONDS * mrs!("cntfrq_el0") {
        report::violation(format_args!("a wake-up took {took} ticks"));
    }
}

fn mine() -> &'static AtomicU64 {
    &FLAGS[cpu()].0
}

fn send_event(next: usize, number: u64) {
    FLAGS[next].0.store(number, Ordering::Release);
    instruction!("dsb ishst", "sev");
}

fn wait_for_event(number: u64) {
    while mine().load(Ordering::Acquire) < number {
        instruction!("wfe");
    }
}

fn change(next: usize, number: u64) {
    FLAGS[next].0.store(number, Ordering::Release);
}

fn wait_for_change(number: u64) {
    // SAFETY: a load of the flag; the loop is that of spin locks.
    unsafe {
        asm!("sevl", "2: wfe", "ldaxr {v}, [{p}]", "cmp {v}, {n}", "b.lo 2b", v = out(reg) _, n = in(reg) number,
             p = in(reg) mine().as_ptr(), options(nostack))
    };
}

fn interrupt(next: usize, number: u64) {
    FLAGS[next].0.store(number, Ordering::Release);
    interrupts::ping(next);
}

fn wait_for_interrupt(number: u64) {
    // Masked, so that an interrupt between the look and WFI still ends it.
    instruction!("msr daifset, #2");
    while mine().load(Ordering::Acquire) < number {
        instruction!("wfi", "msr daifclr, #2", "isb", "msr daifset, #2");
    }
    interrupts::open();
    // None may be lost, and none may come twice.
    let wanted = PINGS[cpu()].load(Ordering::Relaxed) + number;
    crew::wait_for("an interrupt that was sent", || interrupts::pings(cpu()) >= wanted);
    if interrupts::pings(cpu()) != wanted {
        report::violation(format_args!("{} interrupts, not {wanted}", interrupts::pings(cpu())));
    }
}

/// Sleeps until the timer of the noise wakes this CPU, or an earlier time of its own.
fn by_timer() {
    while !crew::is_over() {
        let began = crew::now();
        instruction!("msr daifset, #2");
        msr!("cntp_tval_el0", mrs!("cntfrq_el0") / 20_000);
        instruction!("wfi");
        interrupts::open();
        note(began);
    }
}
