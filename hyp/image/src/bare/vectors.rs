//! All sixteen exception vectors, and the frame that they leave on the stack.

use super::registers::msr;
use super::state::{STACK_BYTES, STACKS};
use core::arch::global_asm;
use droste_hyp_core::psci::MAX_CPUS;

/// General-purpose registers at an exception. What a handler changes is in force on return.
#[repr(C)]
pub(crate) struct Frame {
    /// X0 to X30, and the stack pointer where the exception came from EL2.
    pub(crate) x: [u64; 32],
}

global_asm!(
    r#"
    .text
    .balign 2048
    .global vectors
vectors:
    .set number, 0
    .rept 8                         // from EL2 itself: on the stack that is kept for this
    .balign 128
    msr   sp_el0, x0
    mov   x0, sp
    msr   tpidr_el2, x0
    adrp  x0, {stacks}
    add   x0, x0, :lo12:{stacks}
    add   x0, x0, #({emergency} & 0xfff)
    add   x0, x0, #({emergency} >> 12), lsl #12
    mov   sp, x0
    mrs   x0, sp_el0
    sub   sp, sp, #256
    stp   x0, x1, [sp]
    mov   x1, #number
    b     vector_own
    .set number, number + 1
    .endr
    .balign 128                     // synchronous, from AArch64
    sub   sp, sp, #256
    stp   x0, x1, [sp]
    mov   x1, #8
    b     vector_lower
    .set number, 9
    .rept 3
    .balign 128
    sub   sp, sp, #256
    stp   x0, x1, [sp]
    mov   x1, #number
    b     vector_unexpected
    .set number, number + 1
    .endr
    .balign 128                     // synchronous, from AArch32
    sub   sp, sp, #256
    stp   x0, x1, [sp]
    mov   x1, #12
    b     vector_lower
    .set number, 13
    .rept 3
    .balign 128
    sub   sp, sp, #256
    stp   x0, x1, [sp]
    mov   x1, #number
    b     vector_unexpected
    .set number, number + 1
    .endr
    .balign 128

    .macro SAVE
    stp   x2, x3, [sp, #16]
    stp   x4, x5, [sp, #32]
    stp   x6, x7, [sp, #48]
    stp   x8, x9, [sp, #64]
    stp   x10, x11, [sp, #80]
    stp   x12, x13, [sp, #96]
    stp   x14, x15, [sp, #112]
    stp   x16, x17, [sp, #128]
    stp   x18, x19, [sp, #144]
    stp   x20, x21, [sp, #160]
    stp   x22, x23, [sp, #176]
    stp   x24, x25, [sp, #192]
    stp   x26, x27, [sp, #208]
    stp   x28, x29, [sp, #224]
    .endm

vector_own:
    SAVE
    mrs   x2, tpidr_el2
    stp   x30, x2, [sp, #240]
    mov   x0, sp
    bl    {unexpected}
    b     .

vector_unexpected:
    SAVE
    stp   x30, xzr, [sp, #240]
    mov   x0, sp
    bl    {unexpected}
    b     .

vector_lower:
    SAVE
    stp   x30, xzr, [sp, #240]
    mov   x0, sp
    bl    {lower}
    ldp   x28, x29, [sp, #224]
    ldp   x26, x27, [sp, #208]
    ldp   x24, x25, [sp, #192]
    ldp   x22, x23, [sp, #176]
    ldp   x20, x21, [sp, #160]
    ldp   x18, x19, [sp, #144]
    ldp   x16, x17, [sp, #128]
    ldp   x14, x15, [sp, #112]
    ldp   x12, x13, [sp, #96]
    ldp   x10, x11, [sp, #80]
    ldp   x8, x9, [sp, #64]
    ldp   x6, x7, [sp, #48]
    ldp   x4, x5, [sp, #32]
    ldp   x2, x3, [sp, #16]
    ldr   x30, [sp, #240]
    ldp   x0, x1, [sp], #256
    eret
"#,
    stacks = sym STACKS,
    emergency = const (MAX_CPUS + 1) * STACK_BYTES,
    unexpected = sym super::panic::unexpected,
    lower = sym super::host::exception,
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn vectors();
}

/// Points VBAR_EL2 at the vectors.
pub(crate) fn install() {
    msr!("vbar_el2", vectors as *const () as u64);
}
