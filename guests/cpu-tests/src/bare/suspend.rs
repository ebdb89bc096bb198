//! PSCI: power-down states of a CPU and of the machine, resets, and what is refused. QEMU has no power-down states.
//!
//! The machine restarts twice; a word in RAM that nothing is loaded to counts its lives.

use super::harness::{check, equal};
use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::sysreg::current_el;
use guest_support::{
    boot, gic, instruction, mrs, msr, println, psci, restore_registers, rtc, save_registers,
};

const SGI: u32 = 5;
const POWER_DOWN: u64 = 1 << 16;
const INVALID_PARAMETERS: i64 = -2;
const DENIED: i64 = -3;
const INVALID_ADDRESS: i64 = -9;
/// What [`suspend`] returns when the CPU came back through the entry point.
const WOKEN: i64 = 0x600d;
/// 192 MiB into RAM.
const LIVES: *mut u64 = 0x4c00_0000 as *mut u64;
/// Upper bits of the word at [`LIVES`] when it holds a count.
const MAGIC: u64 = 0x11fe_0000;

global_asm!(
    ".text",
    ".balign 16",
    // X0 function, X1 power_state or ignored, X2 whether there is one. Returns PSCI's answer or WOKEN.
    "suspend_call:",
    save_registers!(),
    "    cbz   x2, 1f",
    "    adr   x2, 3f",
    "    mov   x3, sp",
    "    b     2f",
    "1:  adr   x1, 3f",
    "    mov   x2, sp",
    "2:  smc   #0",
    "    b     4f",
    "3:  msr   daifset, #15",
    "    msr   spsel, #1",
    "    mov   sp, x0",
    "    mov   x0, #0x600d",
    "4:",
    restore_registers!(),
    "    ret",
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn suspend_call(function: u64, state: u64, has_state: u64) -> i64;
}

/// Calls a suspending function, with a power_state if it takes one, and the place of this call as entry point.
fn suspend(function: u64, state: Option<u64>) -> i64 {
    // SAFETY: it comes back with the stack and the registers that a call keeps, either way.
    let answer = unsafe { suspend_call(function, state.unwrap_or(0), u64::from(state.is_some())) };
    if answer == WOKEN {
        boot::prepare_cpu();
    }
    answer
}

/// The interrupt of the physical timer of the level that we are at.
fn timer() -> u32 {
    if current_el() == 2 { 26 } else { 30 }
}

/// Lets that timer become pending after two milliseconds.
fn arm() {
    gic::enable(timer(), 0x80);
    let ticks = mrs!("cntfrq_el0") / 500;
    if current_el() == 2 {
        msr!("cnthp_tval_el2", ticks);
        msr!("cnthp_ctl_el2", 1);
    } else {
        msr!("cntp_tval_el0", ticks);
        msr!("cntp_ctl_el0", 1);
    }
    instruction!("isb");
}

fn disarm() {
    if current_el() == 2 {
        msr!("cnthp_ctl_el2", 0);
    } else {
        msr!("cntp_ctl_el0", 0);
    }
}

fn is_armed() -> bool {
    (if current_el() == 2 { mrs!("cnthp_ctl_el2") } else { mrs!("cntp_ctl_el0") }) & 1 != 0
}

/// Which life this is.
fn life() -> u64 {
    // SAFETY: RAM that nothing else uses.
    let word = unsafe { LIVES.read_volatile() };
    if word & !0xff == MAGIC { word & 0xff } else { 0 }
}

pub(crate) fn run() {
    // At EL1 it is below a hypervisor, whose firmware is behind SMC.
    psci::use_smc();
    let life = life() + 1;
    // SAFETY: as in `life`.
    unsafe { LIVES.write_volatile(MAGIC | life) };
    println!("life {life}");
    match life {
        1 => {
            features();
            refused();
            gic::enable_distributor();
            gic::enable_cpu();
            cpu_states();
            other_cpu();
            system();
        }
        _ => {
            equal("the other CPU is off after a reset", psci::call(psci::AFFINITY_INFO, 1, 0, 0), 1);
            check("no timer is armed after a reset", !is_armed());
        }
    }
}

/// Ends this life, after the summary: each in another way.
pub(crate) fn end() {
    match life() {
        1 => psci::call(psci::SYSTEM_RESET2, 0, 0, 0),
        2 => psci::call(psci::SYSTEM_RESET, 0, 0, 0),
        _ => psci::call(psci::SYSTEM_OFF2, 1, 0, 0),
    };
    println!("FAIL: life goes on");
}

fn features() {
    for function in [
        psci::CPU_SUSPEND,
        psci::CPU_DEFAULT_SUSPEND,
        psci::SYSTEM_SUSPEND,
        psci::SYSTEM_RESET2,
        psci::SYSTEM_RESET,
    ] {
        equal("PSCI_FEATURES of a function that there is", psci::call(psci::FEATURES, function, 0, 0), 0);
    }
    equal(
        "PSCI_FEATURES of SYSTEM_OFF2: HIBERNATE_OFF",
        psci::call(psci::FEATURES, psci::SYSTEM_OFF2, 0, 0),
        1,
    );
    const SET_SUSPEND_MODE: u64 = 0x8400_000f;
    equal(
        "PSCI_FEATURES of SET_SUSPEND_MODE",
        psci::call(psci::FEATURES, SET_SUSPEND_MODE, 0, 0),
        psci::NOT_SUPPORTED,
    );
}

fn refused() {
    let entry = boot::start_cpu as *const () as u64;
    let reserved = psci::call(psci::CPU_SUSPEND, 1 << 31, entry, 0);
    equal("CPU_SUSPEND with a reserved bit", reserved, INVALID_PARAMETERS);
    let flash = psci::call(psci::CPU_SUSPEND, POWER_DOWN, 0x1000, 0);
    equal("CPU_SUSPEND with an entry point outside RAM", flash, INVALID_ADDRESS);
    let odd = psci::call(psci::CPU_SUSPEND, POWER_DOWN, entry + 2, 0);
    equal("CPU_SUSPEND with an entry point between instructions", odd, INVALID_ADDRESS);
    equal(
        "SYSTEM_RESET2 of a type that there is not",
        psci::call(psci::SYSTEM_RESET2, 1, 0, 0),
        INVALID_PARAMETERS,
    );
    equal(
        "SYSTEM_OFF2 of a type that there is not",
        psci::call(psci::SYSTEM_OFF2, 2, 0, 0),
        INVALID_PARAMETERS,
    );
    equal("SYSTEM_OFF2 with a cookie", psci::call(psci::SYSTEM_OFF2, 1, 1, 0), INVALID_PARAMETERS);
}

fn cpu_states() {
    arm();
    let before = mrs!("cntpct_el0");
    equal("a standby state returns", suspend(psci::CPU_SUSPEND, Some(0)), 0);
    check("it lasts until the timer", mrs!("cntpct_el0") - before >= mrs!("cntfrq_el0") / 500);
    equal("and keeps the CPU interface", mrs!("S3_0_C12_C12_7"), 1);
    for (name, function, state) in [
        ("CPU_SUSPEND", psci::CPU_SUSPEND, Some(POWER_DOWN)),
        ("CPU_DEFAULT_SUSPEND", psci::CPU_DEFAULT_SUSPEND, None),
    ] {
        println!("{name}");
        gic::enable_cpu();
        arm();
        let before = mrs!("cntpct_el0");
        equal("a power-down state ends at the entry point", suspend(function, state), WOKEN);
        check("it lasts until the timer", mrs!("cntpct_el0") - before >= mrs!("cntfrq_el0") / 500);
        equal("the CPU interface is reset", mrs!("S3_0_C12_C12_7"), 0);
        equal("the interrupt that ended it is pending", gic::is_pending(timer()), true);
        disarm();
    }
}

static STAGE: AtomicU64 = AtomicU64::new(0);

fn wait_for(stage: u64) {
    while STAGE.load(Ordering::Acquire) < stage {
        core::hint::spin_loop();
    }
}

/// CPU 1 powers itself down and is woken by an SGI of this one.
fn other_cpu() {
    equal("CPU_ON", boot::start_cpu(1, sleeper), 0);
    wait_for(1);
    equal("AFFINITY_INFO of a suspended CPU: on", psci::call(psci::AFFINITY_INFO, 1, 0, 0), 0);
    equal("SYSTEM_SUSPEND while another CPU is on", suspend(psci::SYSTEM_SUSPEND, None), DENIED);
    gic::send_sgi(SGI, 2);
    wait_for(2);
    while psci::call(psci::AFFINITY_INFO, 1, 0, 0) != 1 {
        core::hint::spin_loop();
    }
    equal("an SGI wakes a CPU", STAGE.load(Ordering::Acquire), 2);
}

fn sleeper() {
    gic::enable_cpu();
    gic::enable(SGI, 0x80);
    STAGE.store(1, Ordering::Release);
    if suspend(psci::CPU_SUSPEND, Some(POWER_DOWN)) == WOKEN {
        STAGE.store(2, Ordering::Release);
    }
}

fn system() {
    let began = rtc::now();
    rtc::alarm(began + 1);
    gic::enable_spi(rtc::INTID, 0x80);
    equal("SYSTEM_SUSPEND ends at the entry point", suspend(psci::SYSTEM_SUSPEND, None), WOKEN);
    check("it lasts until the alarm", rtc::now() > began);
    rtc::acknowledge();
}
