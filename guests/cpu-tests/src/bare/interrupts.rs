//! GICv3: SGIs to this CPU, priorities, masking.

use super::catch::received;
use super::harness::equal;
use core::sync::atomic::{Ordering, compiler_fence};
use guest_support::{gic, instruction, mrs};

/// Lets pending interrupts in.
pub(crate) fn open() {
    instruction!("msr daifclr, #2", "isb", "nop", "msr daifset, #2", "isb");
    compiler_fence(Ordering::SeqCst);
}

pub(crate) fn run() {
    gic::enable_distributor();
    gic::enable_cpu();
    equal("idle: running priority", gic::running_priority(), 0xff);
    equal("idle: nothing to acknowledge", gic::acknowledge(), gic::SPURIOUS);
    for intid in [1, 2, 3] {
        gic::enable(intid, 0x40 + 0x20 * intid as u8);
    }
    gic::send_sgi(1, 1);
    equal("SGI: pending while masked by PSTATE", (gic::is_pending(1), received(1)), (true, 0));
    equal("SGI: ISR_EL1.I", mrs!("isr_el1") & 0x80, 0x80);
    open();
    equal("SGI: taken when unmasked", (gic::is_pending(1), received(1)), (false, 1));
    equal("SGI: taken once", (mrs!("isr_el1") & 0x80, gic::acknowledge()), (0, gic::SPURIOUS));

    gic::set_pending(2, true);
    equal("SGI made pending by the redistributor", gic::is_pending(2), true);
    gic::set_pending(2, false);
    open();
    equal("SGI made not pending: not taken", received(2), 0);

    gic::set_mask(0x80);
    gic::send_sgi(2, 1);
    open();
    equal("priority equal to the mask: not taken", (received(2), mrs!("isr_el1") & 0x80), (0, 0));
    gic::set_mask(0xff);
    open();
    equal("mask raised: taken", received(2), 1);

    gic::send_sgi(3, 1);
    gic::send_sgi(1, 1);
    equal("two pending: the higher priority first", gic::acknowledge(), 1);
    equal("running priority", gic::running_priority(), 0x60);
    equal(
        "a lower priority does not preempt",
        (mrs!("isr_el1") & 0x80, gic::acknowledge()),
        (0, gic::SPURIOUS),
    );
    gic::end(1);
    equal("after the end of the first: the second", gic::acknowledge(), 3);
    gic::send_sgi(1, 1);
    equal("a higher priority preempts", gic::acknowledge(), 1);
    gic::end(1);
    gic::end(3);
    equal("all ended: idle", gic::running_priority(), 0xff);

    gic::disable(1);
    gic::send_sgi(1, 1);
    open();
    equal("disabled SGI: pending, not taken", (gic::is_pending(1), received(1)), (true, 1));
    gic::enable(1, 0x60);
    open();
    equal("enabled again: taken", received(1), 2);
}
