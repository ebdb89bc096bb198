//! Catches one exception and goes on behind the instruction that caused it.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use guest_support::sysreg::{cpu, current_el};
use guest_support::vectors::{self, Frame, From, Kind};
use guest_support::{gic, lower, mrs};

/// What was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caught {
    pub(crate) class: u64,
    pub(crate) iss: u64,
    pub(crate) elr: u64,
    pub(crate) far: u64,
    pub(crate) spsr: u64,
    /// HPFAR_EL2 for exceptions from EL1, else 0.
    pub(crate) hpfar: u64,
    pub(crate) x0: u64,
}

const FIELDS: usize = 7;
static ARMED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);
static CAUGHT: [AtomicU64; FIELDS] = [const { AtomicU64::new(0) }; FIELDS];
static RECEIVED: [[AtomicU64; 32]; 8] = [const { [const { AtomicU64::new(0) }; 32] }; 8];

/// Installs the handler of this program.
pub(crate) fn install() {
    vectors::set_handler(handle);
}

/// Runs something; returns the only synchronous exception that it took, if it took exactly one.
pub(crate) fn catch(work: impl FnOnce()) -> Option<Caught> {
    COUNT.store(0, Ordering::SeqCst);
    ARMED.store(true, Ordering::SeqCst);
    work();
    ARMED.store(false, Ordering::SeqCst);
    (COUNT.load(Ordering::SeqCst) == 1).then(last)
}

/// Runs assembly; returns the only synchronous exception that it took, if it took exactly one.
macro_rules! caught {
    ($($asm:tt)*) => {
        $crate::bare::catch::catch(|| {
            // SAFETY: the handler goes on behind the instruction and changes no register.
            unsafe { ::core::arch::asm!($($asm)*) }
        })
    };
}
pub(crate) use caught;

/// Runs at a lower level until the first exception that comes here; returns that exception.
pub(crate) fn enter(pc: u64, spsr: u64, a: u64, b: u64) -> Caught {
    lower::enter(pc, spsr, a, b);
    last()
}

/// How many times this CPU has acknowledged a SGI or PPI.
pub(crate) fn received(intid: usize) -> u64 {
    RECEIVED[cpu()][intid].load(Ordering::Relaxed)
}

/// The same of another CPU.
pub(crate) fn received_by(cpu: usize, intid: usize) -> u64 {
    RECEIVED[cpu][intid].load(Ordering::Relaxed)
}

fn last() -> Caught {
    let f = |n: usize| CAUGHT[n].load(Ordering::SeqCst);
    Caught { class: f(0), iss: f(1), elr: f(2), far: f(3), spsr: f(4), hpfar: f(5), x0: f(6) }
}

fn record(frame: &Frame, from: From) {
    let hpfar = if current_el() == 2 && from == From::Lower { mrs!("hpfar_el2") } else { 0 };
    let values = [frame.class(), frame.iss(), frame.elr, frame.far, frame.spsr, hpfar, frame.x[0]];
    for (place, value) in CAUGHT.iter().zip(values) {
        place.store(value, Ordering::SeqCst);
    }
    COUNT.fetch_add(1, Ordering::SeqCst);
}

fn handle(frame: &mut Frame, from: From, kind: Kind) {
    match (from, kind) {
        (From::Current, Kind::Irq) => interrupt(),
        (From::Current | From::CurrentSp0, Kind::Sync) if ARMED.load(Ordering::SeqCst) => {
            record(frame, from);
            frame.elr = match frame.class() {
                // SVC, HVC and SMC that was not trapped: the return address is behind the instruction already.
                0x15..=0x16 => frame.elr,
                // The jump went nowhere: back to the caller.
                0x20..=0x22 => frame.x[30],
                _ => frame.elr + 4,
            };
            // An illegal state would be illegal again on return.
            frame.spsr &= !(1 << 20);
        }
        (From::Lower, _) => {
            record(frame, from);
            lower::leave(frame);
        }
        _ => {
            panic!("{kind:?} from {from:?}: ESR {:#x}, ELR {:#x}, FAR {:#x}", frame.esr, frame.elr, frame.far)
        }
    }
}

fn interrupt() {
    let intid = gic::acknowledge();
    if intid < 32 {
        RECEIVED[cpu()][intid as usize].fetch_add(1, Ordering::Relaxed);
        if intid >= 16 {
            // A timer's level stays until the timer is changed: one is enough.
            gic::disable(intid as u32);
        }
    }
    if intid != gic::SPURIOUS {
        gic::end(intid);
    }
}
