//! The firmware behind SMC.

use super::clock;
use super::console::log;
use super::entry;
use super::memory::{self, Regime};
use super::own_map;
use super::state::STATE;
use core::arch::asm;
use droste_arch::{psci, smccc};
use droste_hyp_core::audit;
use droste_hyp_core::psci::{EXTENDED_STATE, Firmware};

/// Calls the firmware with X0 to X17 and takes the same back.
pub(crate) fn smc(x: &mut [u64; 18]) {
    // SAFETY: SMCCC preserves everything else. What may be forwarded is the filter's decision.
    unsafe {
        asm!("smc #0",
             inlateout("x0") x[0], inlateout("x1") x[1], inlateout("x2") x[2], inlateout("x3") x[3],
             inlateout("x4") x[4], inlateout("x5") x[5], inlateout("x6") x[6], inlateout("x7") x[7],
             inlateout("x8") x[8], inlateout("x9") x[9], inlateout("x10") x[10], inlateout("x11") x[11],
             inlateout("x12") x[12], inlateout("x13") x[13], inlateout("x14") x[14], inlateout("x15") x[15],
             inlateout("x16") x[16], inlateout("x17") x[17], options(nostack));
    }
}

/// Calls a function with up to three arguments.
pub(crate) fn call(number: u32, arguments: [u64; 3]) -> u64 {
    let [a, b, c] = arguments;
    let mut x = [u64::from(number), a, b, c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    smc(&mut x);
    x[0]
}

/// The firmware's SMCCC version; 1.0 if it cannot tell.
pub(crate) fn smccc_version() -> u32 {
    let is_there = call(psci::FEATURES, [u64::from(psci::SMCCC_VERSION), 0, 0]) as i32 >= 0;
    let version = if is_there { call(smccc::VERSION, [0; 3]) as i32 } else { -1 };
    u32::try_from(version).unwrap_or(0x1_0000)
}

/// Whether CPU_SUSPEND takes the extended format of power_state. PSCI before 1.0 has no such question and no such format.
pub(crate) fn has_extended_states() -> bool {
    let features = call(psci::FEATURES, [u64::from(psci::CPU_SUSPEND), 0, 0]);
    features as i32 >= 0 && features & EXTENDED_STATE != 0
}

/// PSCI's view of it.
pub(crate) struct Psci;

impl Firmware for Psci {
    fn call(&mut self, number: u32, arguments: [u64; 3]) -> u64 {
        clock::end();
        let answer = call(number, arguments);
        clock::begin();
        answer
    }
    fn start_entry(&self) -> u64 {
        entry::started()
    }
    fn resume_entry(&self) -> u64 {
        entry::resumed()
    }
    fn before_end(&mut self) {
        let state = STATE.get();
        log!(Info, "the host ends: {}; refused SMCs: {}", state.counters, state.filter);
        log!(Info, "EL2 ran {} ticks of {}, the audit not counted", clock::ticks(), clock::now());
        let is_same = own_map::checksum() == state.checksum;
        let leak = audit::leak(&state.stage2, &memory::lock(Regime::Host), state.map.own());
        match (is_same, leak) {
            (true, None) => log!(Info, "code and constants are unchanged, and no page of EL2 is the host's"),
            (true, Some(page)) => panic!("the host can reach {page:#x}"),
            (false, _) => panic!("code or constants have changed"),
        }
    }
}
