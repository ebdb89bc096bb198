//! `droste.mode=off`: EL2 is ours, and stub vectors were there before our own.

use super::check;
use core::arch::global_asm;
use guest_support::{boot, lower, msr, vectors};

global_asm!(
    r#"
    .text
    .global stub_client
stub_client:                        // at EL1; X0: vectors to set
    mov   x19, x0
    mov   x0, #2                    // HVC_RESET_VECTORS
    hvc   #0
    mov   x20, x0
    mov   x0, #3                    // HVC_FINALISE_EL2
    hvc   #0
    add   x20, x20, x0
    mov   x0, #0                    // HVC_SET_VECTORS
    mov   x1, x19
    hvc   #0
    add   x0, x20, x0
    hvc   #0                        // to the vectors that were set
"#
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn stub_client();
}

pub(super) fn run() {
    check("entered with vectors", 0, i64::from(boot::initial_vbar() != 0), 1);
    msr!("vbar_el2", boot::initial_vbar());
    let sum = lower::enter(stub_client as *const () as u64, lower::EL1, vectors::address(2), 0);
    check("0, HVC_STUB_ERR and 0 are", 0, sum as i64, 0xbad_ca11);
    check(
        "vectors are those that were set",
        0,
        i64::from(guest_support::mrs!("vbar_el2") == vectors::address(2)),
        1,
    );
}
