//! Loops at EL2. X0 counts turns, X1 has the values of `world`.

use super::world::Pair;
use super::{Run, Test};
use core::arch::global_asm;

global_asm!(
    r#"
    .macro BENCH name
    .text
    .balign 64
    .global bench_\name
bench_\name:
    .endm
    .macro AGAIN
    subs  x0, x0, #1
    b.ne  1b
    ret
    .endm
    .macro TOUCH base
    mov   x14, \base
    .rept 16
    ldr   x15, [x14]
    add   x14, x14, #1, lsl #12
    .endr
    .endm

    BENCH alu
1:  add   x2, x2, #1
    eor   x3, x3, x2
    add   x4, x4, x3, lsl #3
    sub   x5, x5, x4
    orr   x6, x6, x5
    and   x7, x7, x6
    lsr   x8, x7, #3
    add   w9, w8, w2
    AGAIN
    BENCH load
    ldr   x1, [x1, #32]
1:  ldr   x2, [x1]
    ldr   x3, [x1, #8]
    ldr   x4, [x1, #64]
    ldr   x5, [x1, #128]
    ldr   x6, [x1, #256]
    ldr   x7, [x1, #512]
    ldr   x8, [x1, #1024]
    ldr   x9, [x1, #2048]
    AGAIN
    BENCH store
    ldr   x1, [x1, #32]
1:  str   x2, [x1]
    str   x3, [x1, #8]
    str   x4, [x1, #64]
    str   x5, [x1, #128]
    str   x6, [x1, #256]
    str   x7, [x1, #512]
    str   x8, [x1, #1024]
    str   x9, [x1, #2048]
    AGAIN
    BENCH call
    mov   x9, x30
1:  bl    2f
    bl    2f
    bl    2f
    bl    2f
    subs  x0, x0, #1
    b.ne  1b
    ret   x9
2:  ret
    BENCH indirect
    mov   x9, x30
    adr   x10, 2f
    adr   x11, 3f
    adr   x12, 4f
    adr   x13, 5f
1:  blr   x10
    blr   x11
    blr   x12
    blr   x13
    mov   x14, x10
    mov   x10, x11
    mov   x11, x12
    mov   x12, x13
    mov   x13, x14
    subs  x0, x0, #1
    b.ne  1b
    ret   x9
2:  ret
3:  ret
4:  ret
5:  ret
    .balign 4096
    BENCH far
1:  b     2f
    .balign 4096
2:  b     3f
    .balign 4096
3:  subs  x0, x0, #1
    b.ne  1b
    ret
    BENCH esr
1:  .rept 8
    mrs   x2, esr_el1
    .endr
    AGAIN
    BENCH cntvct
1:  .rept 8
    mrs   x2, cntvct_el0
    .endr
    AGAIN
    BENCH exclusive
    ldr   x1, [x1, #32]
1:  .rept 4
    ldaxr x2, [x1]
    stlxr w3, x2, [x1]
    .endr
    AGAIN
    BENCH ldadd
    .arch_extension lse
    ldr   x1, [x1, #32]
    mov   x2, #1
1:  .rept 8
    ldaddal x2, x3, [x1]
    .endr
    AGAIN
    .arch_extension nolse
    BENCH double
    .arch_extension fp
    fmov  d0, #1.0
    fmov  d1, #0.5
    fmov  d2, #3.0
    fdiv  d3, d0, d2
    fmov  d4, #1.0
    fmov  d5, #1.0
1:  fadd  d6, d4, d3
    fmul  d4, d6, d1
    fmadd d5, d5, d1, d3
    fsub  d7, d5, d4
    fadd  d6, d6, d3
    fmul  d4, d6, d1
    fmadd d5, d7, d1, d3
    fsub  d6, d6, d5
    AGAIN
    .arch_extension nofp
    BENCH pauth
    .arch_extension pauth
    mov   x3, #7
    mov   x2, x30
1:  .rept 4
    pacia x2, x3
    autia x2, x3
    .endr
    AGAIN
    .arch_extension nopauth

    .macro SWITCH name, register, touch=0
    BENCH \name
    mov   x16, x1
    ldp   x10, x11, [x16]
    ldr   x16, [x16, #16]
1:  msr   \register, x10
    isb
    .if \touch
    TOUCH x16
    .endif
    msr   \register, x11
    isb
    .if \touch
    TOUCH x16
    .endif
    AGAIN
    .endm
    SWITCH hcr, hcr_el2
    SWITCH hcr_touch, hcr_el2, 1
    SWITCH asid, ttbr0_el1
    SWITCH vmid, vttbr_el2
"#
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn bench_alu();
    fn bench_load();
    fn bench_store();
    fn bench_call();
    fn bench_indirect();
    fn bench_far();
    fn bench_esr();
    fn bench_cntvct();
    fn bench_exclusive();
    fn bench_ldadd();
    fn bench_double();
    fn bench_pauth();
    fn bench_hcr();
    fn bench_hcr_touch();
    fn bench_asid();
    fn bench_vmid();
}

pub(crate) fn tests() -> impl Iterator<Item = Test> {
    let plain = |name, operations, code| Test { name, operations, run: Run::El2(code, Pair::Nothing) };
    let switch = |name, code, pair| Test { name, operations: 2, run: Run::El2(code, pair) };
    [
        plain("alu", 10, bench_alu as unsafe extern "C" fn()),
        plain("load", 10, bench_load),
        plain("store", 10, bench_store),
        plain("call-return", 4, bench_call),
        plain("indirect-call", 4, bench_indirect),
        plain("far-branch", 2, bench_far),
        plain("mrs-esr", 8, bench_esr),
        plain("mrs-cntvct", 8, bench_cntvct),
        plain("exclusive", 4, bench_exclusive),
        plain("ldaddal", 8, bench_ldadd),
        plain("fp-double", 8, bench_double),
        plain("pauth", 8, bench_pauth),
        switch("hcr-same", bench_hcr, Pair::HcrSame),
        switch("hcr-flip", bench_hcr, Pair::HcrVm),
        switch("hcr-flip-16", bench_hcr_touch, Pair::HcrVm),
        switch("asid", bench_asid, Pair::Asid),
        switch("vmid", bench_vmid, Pair::Vmid),
    ]
    .into_iter()
}
