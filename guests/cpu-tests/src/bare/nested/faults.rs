//! Section F of the rules: faults of accesses that are memory.

use super::guest::{run as guest_run, *};
use crate::bare::harness::equal;
use crate::bare::mmu::TABLES;
use guest_support::msr;
use guest_support::paging::{self, attr};

const BOTH: u64 = NV | NV2;
const VNCR: u64 = 1 << 13;
const WRITE: u64 = 1 << 6;
/// Not mapped in EL2's stage 1 at level 1.
const NOWHERE: u64 = 0x7f_0000_0000;

pub(super) fn run() {
    let access = |word, hcr| {
        let c = guest_run(hcr, &[word], 0);
        // ELR is the instruction, and EL1 is where it came from.
        ((c.class, c.iss, c.far), c.elr == code(), c.spsr & 0xf)
    };
    let fault = |iss: u64, far: u64| ((0x25, VNCR | iss, far), true, 5);
    msr!("S3_4_C2_C2_0", NOWHERE);
    equal("F1: translation fault of a read", access(HCR_EL2.read(), BOTH), fault(0x05, NOWHERE + 0x78));
    equal("F1: of a write: WnR", access(HCR_EL2.write(), BOTH), fault(WRITE | 0x05, NOWHERE + 0x78));
    let of_el1 = access(SCTLR_EL1.read(), BOTH | NV1);
    equal("F1: of a register of EL1", of_el1, fault(0x05, NOWHERE + 0x110));
    equal("F1: trap before fault", access(VBAR_EL2.read(), BOTH).0.0, 0x18);

    TABLES.set(NOWHERE, 3, slots() | attr::NORMAL | attr::XN | attr::USER | attr::READ_ONLY | 3);
    paging::flush();
    set(0x78, 0x1212);
    let c = guest_run(BOTH, &[HCR_EL2.read()], 0);
    equal("F1: a page that EL2 may only read is read", (what(c), c.x0), (DONE, 0x1212));
    let write = access(HCR_EL2.write(), BOTH);
    equal("F1: and not written: permission fault", write, fault(WRITE | 0x0f, NOWHERE + 0x78));

    // Nothing answers behind the last device of the board, before its PCI window.
    TABLES.set(NOWHERE, 3, 0x0c80_0000 | attr::NORMAL | attr::XN | attr::USER | 3);
    paging::flush();
    equal("F2: external abort", access(HCR_EL2.read(), BOTH), fault(0x10, NOWHERE + 0x78));
    TABLES.set(NOWHERE, 3, 0);
    paging::flush();
    msr!("S3_4_C2_C2_0", 0);
}
