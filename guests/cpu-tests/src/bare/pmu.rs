//! The performance monitor: what does not depend on how fast the machine is.

use super::catch::received;
use super::harness::{beyond_qemu, check, equal};
use super::interrupts::open;
use guest_support::sysreg::current_el;
use guest_support::{gic, instruction, mrs, msr};

const INTERRUPT: u32 = 23;
/// PMEVTYPER: count at EL2 too.
const NSH: u64 = 1 << 27;
const ENABLE: u64 = 1;

pub(crate) fn run() {
    msr!("pmcntenclr_el0", u64::MAX);
    msr!("pmovsclr_el0", u64::MAX);
    msr!("pmintenclr_el1", u64::MAX);
    msr!("pmcr_el0", 6);
    // SW_INCR.
    msr!("pmevtyper0_el0", NSH);
    msr!("pmcntenset_el0", 1);
    msr!("pmswinc_el0", 1);
    equal("PMU: disabled, SW_INCR does not count", mrs!("pmevcntr0_el0"), 0);
    msr!("pmcr_el0", ENABLE);
    msr!("pmswinc_el0", 1);
    msr!("pmswinc_el0", 3);
    equal("PMU: SW_INCR counts", mrs!("pmevcntr0_el0"), 2);
    msr!("pmevcntr0_el0", 0xffff_ffff);
    msr!("pmswinc_el0", 1);
    equal("PMU: overflow flag", (mrs!("pmovsclr_el0"), mrs!("pmovsset_el0")), (1, 1));
    equal("PMU: no interrupt unless enabled", gic::is_pending(INTERRUPT), false);
    gic::enable(INTERRUPT, 0x80);
    msr!("pmintenset_el1", 1);
    open();
    equal("PMU: overflow interrupt", received(INTERRUPT as usize), 1);
    msr!("pmovsclr_el0", 1);
    equal("PMU: flag cleared, not pending", gic::is_pending(INTERRUPT), false);
    msr!("pmintenclr_el1", 1);
    cycles();
    if current_el() == 2 {
        filters();
    }
    msr!("pmcr_el0", 0);
    msr!("pmcntenclr_el0", u64::MAX);
}

fn spin() {
    for _ in 0..1000 {
        instruction!("nop");
    }
}

/// How far the cycle counter comes.
fn count_cycles() -> u64 {
    let before = mrs!("pmccntr_el0");
    spin();
    mrs!("pmccntr_el0").wrapping_sub(before)
}

fn cycles() {
    msr!("pmccfiltr_el0", NSH);
    msr!("pmcntenset_el0", 1 << 31);
    check("PMU: the cycle counter counts", count_cycles() > 0);
    msr!("pmcntenclr_el0", 1 << 31);
    equal("PMU: it stops", count_cycles(), 0);
    msr!("pmcntenset_el0", 1 << 31);
    // P, or not NSH.
    msr!("pmccfiltr_el0", if current_el() == 2 { 0 } else { 1 << 31 });
    equal("PMU: it is filtered by level", count_cycles(), 0);
    msr!("pmccfiltr_el0", NSH);
    msr!("pmccntr_el0", u64::MAX);
    spin();
    beyond_qemu("PMU: 64 bits overflow", mrs!("pmovsset_el0") >> 31, 1);
    msr!("pmovsclr_el0", u64::MAX);
}

fn filters() {
    let mdcr = mrs!("mdcr_el2");
    let counters = mdcr & 0x1f;
    equal("PMU: MDCR_EL2.HPMN is PMCR_EL0.N", counters, mrs!("pmcr_el0") >> 11 & 0x1f);
    // HPMN = 2: the others are EL2's.
    msr!("mdcr_el2", mdcr & !0x1f | 2);
    msr!("pmevtyper3_el0", NSH);
    msr!("pmevcntr3_el0", 0);
    msr!("pmcntenset_el0", 1 << 3);
    msr!("pmswinc_el0", 1 << 3);
    equal("PMU: a counter of EL2 needs MDCR_EL2.HPME", mrs!("pmevcntr3_el0"), 0);
    msr!("mdcr_el2", mdcr & !0x1f | 1 << 7 | 2);
    msr!("pmswinc_el0", 1 << 3);
    equal("PMU: a counter of EL2 counts", mrs!("pmevcntr3_el0"), 1);
    msr!("mdcr_el2", mdcr);
}
