//! How long cores are at EL2, by the system counter. What the firmware takes for a call of the host is not counted.

use super::cpu;
use super::registers::{instruction, mrs};
use core::sync::atomic::{AtomicU64, Ordering};
use droste_hyp_core::psci::MAX_CPUS;

static TICKS: AtomicU64 = AtomicU64::new(0);
/// When each core came here, or back from the firmware.
static SINCE: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];

/// The system counter, not before what precedes it.
pub(crate) fn now() -> u64 {
    instruction!("isb");
    mrs!("cntpct_el0")
}

/// This core has come to EL2.
pub(crate) fn begin() {
    begin_at(now());
}

/// This core has come to EL2 at some time.
pub(crate) fn begin_at(time: u64) {
    if let Some(since) = SINCE.get(cpu::number()) {
        since.store(time, Ordering::Relaxed);
    }
}

/// This core leaves EL2 now.
pub(crate) fn end() {
    if let Some(since) = SINCE.get(cpu::number()) {
        TICKS.fetch_add(now().wrapping_sub(since.load(Ordering::Relaxed)), Ordering::Relaxed);
    }
}

/// The ticks of all cores until now, the visits that have not ended not included.
pub(crate) fn ticks() -> u64 {
    TICKS.load(Ordering::Relaxed)
}
