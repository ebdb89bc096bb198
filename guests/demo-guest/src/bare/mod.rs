//! A kernel at EL1 that uses what a hypervisor has to provide, and a program at EL0 that uses the kernel.
#![allow(unsafe_code)] // bare metal

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::paging::{Tables, attr};
use guest_support::vectors::{Frame, From, Kind};
use guest_support::{board, gic, instruction, lower, mrs, msr, println, psci, sysreg, vectors};

/// The device that only the hypervisor knows.
const ORACLE: usize = 0x0b00_0000;
/// Where the program at EL0 sees its page.
const USER_VA: u64 = 0x1000_0000;
/// INTID of the virtual timer.
const TIMER: u64 = 27;

static TABLES: Tables<8> = Tables::new();
static TICKS: AtomicU64 = AtomicU64::new(0);
static SYSTEM_CALLS: AtomicU64 = AtomicU64::new(0);

global_asm!(
    ".section .text.user, \"ax\"",
    ".balign 4096",
    ".global user_program",
    "user_program:",
    "    mov   x8, #1",
    "    mov   x0, #20",
    "    svc   #0",
    "    mov   x1, x0",
    "    mov   x0, #22",
    "    svc   #0",
    "    add   x0, x0, x1",
    "    mov   x8, #2",
    "    svc   #0",
    ".balign 4096",
    ".previous",
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn user_program();
}

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    vectors::set_handler(on_exception);
    println!("a kernel at EL{}, told by MPIDR_EL1 to be CPU {}", sysreg::current_el(), sysreg::cpu());

    println!("stage 1: turning the MMU on, under the hypervisor's stage 2");
    let user = user_program as *const () as u64;
    TABLES.map(board::RAM as u64, board::RAM as u64, 16 << 20, attr::NORMAL);
    TABLES.map(board::UART as u64, board::UART as u64, 0x1000, attr::DEVICE | attr::XN | attr::PXN);
    TABLES.map(ORACLE as u64, ORACLE as u64, 0x1000, attr::DEVICE | attr::XN | attr::PXN);
    TABLES.map(USER_VA, user, 0x1000, attr::NORMAL | attr::USER | attr::READ_ONLY | attr::PXN);
    TABLES.enable();

    println!("HVC: asking the hypervisor to add 40 and 2: {}", hypercall(40, 2));

    // SAFETY: the hypervisor emulates a device here.
    let answer = unsafe { (ORACLE as *const u32).read_volatile() };
    println!("MMIO: the device at {ORACLE:#x} says {answer}");

    let pfr0 = mrs!("id_aa64pfr0_el1");
    println!(
        "MRS: ID_AA64PFR0_EL1 says that there is {} EL2 here",
        if pfr0 >> 8 & 0xf == 0 { "no" } else { "an" }
    );

    println!("EL0: starting a program");
    let sum = lower::enter(USER_VA, lower::EL0, 0, 0);
    println!("EL0: it made {} system calls and ended with {sum}", SYSTEM_CALLS.load(Ordering::Relaxed));

    timer();
    println!("PSCI: switching the virtual machine off");
    psci::system_off();
}

/// Waits for one interrupt of the virtual timer.
fn timer() {
    println!("timer: waiting 5 ms for the virtual timer's interrupt");
    msr!("S3_0_C12_C12_5", mrs!("S3_0_C12_C12_5") | 1); // ICC_SRE_EL1
    gic::set_mask(0xff);
    msr!("S3_0_C12_C12_7", 1); // ICC_IGRPEN1_EL1
    msr!("cntv_tval_el0", mrs!("cntfrq_el0") / 200);
    msr!("cntv_ctl_el0", 1);
    while TICKS.load(Ordering::Relaxed) == 0 {
        // WFI with interrupts masked, so that the wake-up cannot come between the check and the wait.
        instruction!("wfi");
        instruction!("msr daifclr, #2", "isb", "msr daifset, #2");
    }
    println!("timer: interrupt {TIMER} came, {} time", TICKS.load(Ordering::Relaxed));
}

fn hypercall(a: u64, b: u64) -> u64 {
    let sum;
    // SAFETY: the hypervisor changes X0 only.
    unsafe { asm!("hvc #42", inlateout("x0") a => sum, in("x1") b, options(nostack)) };
    sum
}

fn on_exception(frame: &mut Frame, from: From, kind: Kind) {
    match (from, kind) {
        (From::Lower, Kind::Sync) if frame.class() == 0x15 => {
            SYSTEM_CALLS.fetch_add(1, Ordering::Relaxed);
            match frame.x[8] {
                1 => frame.x[0] *= 3,
                _ => lower::leave(frame),
            }
        }
        (From::Current, Kind::Irq) => {
            let intid = gic::acknowledge();
            if intid == TIMER {
                msr!("cntv_ctl_el0", 0);
                TICKS.fetch_add(1, Ordering::Relaxed);
            }
            gic::end(intid);
        }
        _ => {
            panic!("{kind:?} from {from:?}: ESR {:#x}, ELR {:#x}, FAR {:#x}", frame.esr, frame.elr, frame.far)
        }
    }
}
