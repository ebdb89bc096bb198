//! What ends the wait of WFI and WFE: an event, or an interrupt that is pending and masked, or one that comes soon.

use guest_support::{gic, instruction, mrs, msr};

/// The SGI that is pending, and the PPI of the physical timer of EL1.
const SGI: u32 = 0;
const TIMER: u32 = 30;

/// Turns the distributor on, and lets no interrupt through to the CPU.
pub(super) fn prepare() {
    gic::enable_distributor();
    close();
}

/// Lets interrupts through. Other cells have written to the CPU interface.
fn open() {
    gic::enable_cpu();
    gic::enable(SGI, 0x80);
    gic::enable(TIMER, 0x80);
    instruction!("isb");
}

/// ICC_IGRPEN1_EL1 = 0.
fn close() {
    msr!("S3_0_C12_C12_7", 0);
    instruction!("isb");
}

/// Sets the event register: the next WFE does not wait.
pub(super) fn set_event() {
    instruction!("sevl");
}

/// Runs something while an interrupt is pending.
pub(super) fn with_interrupt<T>(run: impl FnOnce() -> T) -> T {
    gic::set_pending(SGI, true);
    open();
    let result = run();
    close();
    gic::set_pending(SGI, false);
    result
}

/// Runs something while an interrupt is to come after this fraction of a second.
pub(super) fn with_timer<T>(fraction: u64, run: impl FnOnce() -> T) -> T {
    open();
    let now = mrs!("cntpct_el0");
    msr!("cntp_cval_el0", now + mrs!("cntfrq_el0") / fraction);
    msr!("cntp_ctl_el0", 1);
    instruction!("isb");
    let result = run();
    msr!("cntp_ctl_el0", 0);
    close();
    result
}
