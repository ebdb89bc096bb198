//! Loops at EL1 that call EL2, and what EL2 does then. X0 counts turns, X9 tells EL2 that the loop is done, X10 and X11 are
//! the values to switch between, X16 and X17 the pages that EL2 and EL1 touch.

use super::world::Pair;
use super::{Run, Test};
use core::arch::global_asm;

global_asm!(
    r#"
    // Macros of other pieces of assembly may come later.
    .macro SIXTEEN base
    mov   x14, \base
    .rept 16
    ldr   x15, [x14]
    add   x14, x14, #1, lsl #12
    .endr
    .endm
    .macro GUEST name, touch=0
    .text
    .balign 64
    .global bench_guest\name
bench_guest\name:
    ldp   x10, x11, [x1]
    ldp   x16, x17, [x1, #16]
    mov   x9, xzr
1:  hvc   #0
    .if \touch
    SIXTEEN x17
    .endif
    subs  x0, x0, #1
    b.ne  1b
    mov   x9, #1
    hvc   #0
    .endm

    // All vectors but that of synchronous exceptions from EL1 are those of the other programs.
    .macro HOST name
    .text
    .balign 2048
    .global bench_host\name
bench_host\name:
    .set  offset, 0
    .rept 8
    b     guest_vectors_el2 + offset
    .balign 128
    .set  offset, offset + 128
    .endr
    cbz   x9, bench_host_work\name
    b     guest_left_el2
    .balign 128
    .rept 7
    .set  offset, offset + 128
    b     guest_vectors_el2 + offset
    .balign 128
    .endr
bench_host_work\name:
    .endm

    // A guest hypervisor: VTTBR_EL2 is memory, and ERET is trapped.
    .macro NESTED name
    .text
    .balign 64
    .global bench_nested_\name
bench_nested_\name:
    .endm
    .macro TURN
    subs  x0, x0, #1
    b.ne  1b
    mov   x9, #1
    hvc   #0
    .endm
    NESTED read
    mov   x9, xzr
1:  .rept 8
    mrs   x2, S3_4_C2_C1_0
    .endr
    TURN
    NESTED write
    mov   x9, xzr
1:  .rept 8
    msr   S3_4_C2_C1_0, x2
    .endr
    TURN
    NESTED eret
    mov   x9, xzr
1:  eret
    TURN

    GUEST
    GUEST _16, 1
    HOST
    eret
    HOST _16
    SIXTEEN x16
    eret
    HOST _hcr
    msr   hcr_el2, x10
    isb
    msr   hcr_el2, x11
    isb
    eret
    HOST _hcr_16
    msr   hcr_el2, x10
    isb
    SIXTEEN x16
    msr   hcr_el2, x11
    isb
    eret
    HOST _skip
    mrs   x12, elr_el2
    add   x12, x12, #4
    msr   elr_el2, x12
    eret
    HOST _vmid
    msr   vttbr_el2, x10
    mov   x12, x10
    mov   x10, x11
    mov   x11, x12
    isb
    eret
"#
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn bench_guest();
    fn bench_guest_16();
    fn bench_host();
    fn bench_host_16();
    fn bench_host_hcr();
    fn bench_host_hcr_16();
    fn bench_host_vmid();
    fn bench_host_skip();
    fn bench_nested_read();
    fn bench_nested_write();
    fn bench_nested_eret();
}

pub(crate) fn tests() -> impl Iterator<Item = Test> {
    let test = |name, guest, host, pair| Test { name, operations: 1, run: Run::El1(guest, host, pair) };
    let nested = |name, operations, guest, host| Test { name, operations, run: Run::Nested(guest, host) };
    let (plain, touch) = (bench_guest as unsafe extern "C" fn(), bench_guest_16 as unsafe extern "C" fn());
    [
        test("hvc", plain, bench_host as unsafe extern "C" fn(), Pair::Nothing),
        test("hvc-16-16", touch, bench_host_16, Pair::Nothing),
        test("hvc-hcr", plain, bench_host_hcr, Pair::HcrVm),
        test("hvc-hcr-16-16", touch, bench_host_hcr_16, Pair::HcrVm),
        test("hvc-vmid-16", touch, bench_host_vmid, Pair::Vmid),
        nested(
            "vncr-read",
            8,
            bench_nested_read as unsafe extern "C" fn(),
            bench_host as unsafe extern "C" fn(),
        ),
        nested("vncr-write", 8, bench_nested_write, bench_host),
        nested("nested-eret", 1, bench_nested_eret, bench_host_skip),
    ]
    .into_iter()
}
