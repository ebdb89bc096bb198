//! One answer to each kind of exit.

use super::console;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::vectors::{Frame, From, Kind};
use guest_support::{board, gic, instruction, lower, mrs, msr, println, psci};

/// INTID of the virtual timer.
pub(crate) const TIMER: u32 = 27;
/// The device that only exists here.
const ORACLE: u64 = 0x0b00_0000;

const NAMES: [&str; 5] = ["HVC", "WFI", "MMIO", "system register", "IRQ"];
static COUNTS: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];

/// Prints how many exits of each kind there were.
pub(crate) struct Counts;

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in NAMES.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} {name}", COUNTS[index].load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}

fn count(kind: usize) {
    COUNTS[kind].fetch_add(1, Ordering::Relaxed);
}

/// Called for every exception that comes to EL2.
pub(crate) fn on_exit(frame: &mut Frame, from: From, kind: Kind) {
    match (from, kind) {
        (From::Lower, Kind::Sync) => match frame.class() {
            0x01 => wait(frame),
            0x16 => hypercall(frame),
            0x18 => system_register(frame),
            0x24 => mmio(frame),
            _ => unexpected(frame, from, kind),
        },
        (From::Lower, Kind::Irq) => interrupt(),
        _ => unexpected(frame, from, kind),
    }
}

/// WFI: this level waits in the guest's place. A pending interrupt ends the wait although it is masked here, and is
/// taken when the guest runs on.
fn wait(frame: &mut Frame) {
    if COUNTS[1].load(Ordering::Relaxed) == 0 {
        println!("EL2 | trap: WFI, waiting in the guest's place");
    }
    count(1);
    instruction!("wfi");
    frame.elr += 4;
}

fn hypercall(frame: &mut Frame) {
    count(0);
    match (frame.iss() & 0xffff, frame.x[0]) {
        (42, a) => {
            println!("EL2 | trap: HVC #42, adding {a} and {}", frame.x[1]);
            frame.x[0] = a + frame.x[1];
        }
        (0, psci::SYSTEM_OFF) => {
            println!("EL2 | trap: HVC #0, PSCI SYSTEM_OFF");
            lower::leave(frame);
        }
        _ => frame.x[0] = psci::NOT_SUPPORTED as u64,
    }
}

/// A read of an ID register: ID_AA64PFR0_EL1 without EL2 and EL3; of the others, zero.
fn system_register(frame: &mut Frame) {
    count(3);
    let iss = frame.iss();
    let (op0, op2, op1) = (iss >> 20 & 3, iss >> 17 & 7, iss >> 14 & 7);
    let (crn, rt, crm) = (iss >> 10 & 0xf, iss >> 5 & 0x1f, iss >> 1 & 0xf);
    let is_pfr0 = (op0, op1, crn, crm, op2) == (3, 0, 0, 4, 0);
    println!("EL2 | trap: MRS of S{op0}_{op1}_C{crn}_C{crm}_{op2}, hiding EL2 from the guest");
    let value = if is_pfr0 { mrs!("id_aa64pfr0_el1") & !0xff00 } else { 0 };
    if rt < 31 {
        frame.x[rt as usize] = value;
    }
    frame.elr += 4;
}

/// A data abort at an IPA that stage 2 does not map: a device.
fn mmio(frame: &mut Frame) {
    count(2);
    let iss = frame.iss();
    let ipa = (mrs!("hpfar_el2") & !0xf) << 8 | frame.far & 0xfff;
    assert!(iss & 1 << 24 != 0, "the syndrome of an access at {ipa:#x} is not valid");
    let (is_write, register) = (iss & 1 << 6 != 0, (iss >> 16 & 0x1f) as usize);
    let device = ipa & !0xfff;
    if is_write {
        let value = if register < 31 { frame.x[register] } else { 0 };
        if device == board::UART as u64 {
            console::write(ipa & 0xfff, value);
        }
    } else {
        let value = match device {
            ORACLE => {
                println!("EL2 | trap: load from IPA {ipa:#x}, a device that does not exist, answering");
                42
            }
            at if at == board::UART as u64 => console::read(ipa & 0xfff),
            _ => panic!("the guest reads {ipa:#x}, where nothing is"),
        };
        if register < 31 {
            frame.x[register] = value;
        }
    }
    frame.elr += 4;
}

/// A physical interrupt: the timer's goes to the guest as a virtual one, tied to the physical by a list register.
fn interrupt() {
    count(4);
    let intid = gic::acknowledge();
    if intid == u64::from(TIMER) {
        println!("EL2 | interrupt {TIMER}: passed on in list register 0");
        // Pending, hardware, group 1, priority 0x80, physical and virtual INTID.
        let entry = 1 << 62 | 1 << 61 | 1 << 60 | 0x80 << 48 | u64::from(TIMER) << 32 | u64::from(TIMER);
        msr!("S3_4_C12_C12_0", entry); // ICH_LR0_EL2
    }
    if intid != gic::SPURIOUS {
        gic::end(intid);
    }
}

fn unexpected(frame: &Frame, from: From, kind: Kind) -> ! {
    panic!("{kind:?} from {from:?}: ESR {:#x}, ELR {:#x}, FAR {:#x}", frame.esr, frame.elr, frame.far)
}
