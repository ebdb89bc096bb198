//! Exception vectors for EL1 and EL2, and the frame that a handler sees.
#![allow(unsafe_code)] // vectors, and the frame that they leave on the stack

use crate::sysreg::current_el;
use core::arch::global_asm;
use core::sync::atomic::{AtomicUsize, Ordering};

/// The state at an exception. What a handler changes is in force on return; the syndrome is a copy.
#[repr(C)]
#[derive(Debug)]
pub struct Frame {
    /// X0 to X30.
    pub x: [u64; 31],
    /// ELR_ELx.
    pub elr: u64,
    /// SPSR_ELx.
    pub spsr: u64,
    /// ESR_ELx.
    pub esr: u64,
    /// FAR_ELx.
    pub far: u64,
    reserved: u64,
}

impl Frame {
    /// The exception class.
    pub fn class(&self) -> u64 {
        self.esr >> 26 & 0x3f
    }

    /// The instruction-specific syndrome, without ISS2.
    pub fn iss(&self) -> u64 {
        self.esr & 0x1ff_ffff
    }
}

/// From where an exception came, in the order of the vector table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The same level, with SP_EL0.
    CurrentSp0,
    /// The same level, with its own stack pointer.
    Current,
    /// A lower level in AArch64 state.
    Lower,
    /// A lower level in AArch32 state.
    Lower32,
}

/// Which of the four kinds of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A synchronous exception.
    Sync,
    /// IRQ.
    Irq,
    /// FIQ.
    Fiq,
    /// SError.
    SError,
}

/// What is called for every exception.
pub type Handler = fn(&mut Frame, From, Kind);

static HANDLER: AtomicUsize = AtomicUsize::new(0);

/// Sets the handler of all CPUs.
pub fn set_handler(handler: Handler) {
    HANDLER.store(handler as usize, Ordering::Release);
}

global_asm!(
    r#"
    .macro VECTORS el
    .balign 2048
    .global guest_vectors_\el
guest_vectors_\el:
    .set number, 0
    .rept 16
    .balign 128
    sub   sp, sp, #288
    stp   x0, x1, [sp]
    mov   x0, #number
    b     guest_exception_\el
    .set number, number + 1
    .endr
guest_exception_\el:
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
    mrs   x1, elr_\el
    stp   x30, x1, [sp, #240]
    mrs   x1, spsr_\el
    mrs   x2, esr_\el
    stp   x1, x2, [sp, #256]
    mrs   x1, far_\el
    str   x1, [sp, #272]
    mov   x1, x0
    mov   x0, sp
    bl    {dispatch}
    ldp   x30, x1, [sp, #240]
    ldr   x2, [sp, #256]
    msr   elr_\el, x1
    msr   spsr_\el, x2
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
    ldp   x0, x1, [sp], #288
    eret
    .endm
    .text
    VECTORS el1
    VECTORS el2
"#,
    dispatch = sym dispatch,
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn guest_vectors_el1();
    fn guest_vectors_el2();
}

/// Address of the vectors for a level.
pub fn address(el: u64) -> u64 {
    if el == 2 { guest_vectors_el2 as *const () as u64 } else { guest_vectors_el1 as *const () as u64 }
}

/// Points the current level's VBAR at the vectors.
pub fn install() {
    if current_el() == 2 {
        msr!("vbar_el2", address(2));
    } else {
        msr!("vbar_el1", address(1));
    }
}

extern "C" fn dispatch(frame: &mut Frame, number: usize) {
    let from = [From::CurrentSp0, From::Current, From::Lower, From::Lower32][number >> 2 & 3];
    let kind = [Kind::Sync, Kind::Irq, Kind::Fiq, Kind::SError][number & 3];
    let handler = HANDLER.load(Ordering::Acquire);
    if handler == 0 {
        panic!(
            "unexpected {kind:?} from {from:?}: ESR {:#x}, ELR {:#x}, FAR {:#x}",
            frame.esr, frame.elr, frame.far
        );
    }
    // SAFETY: only `set_handler` stores here, and it stores a Handler.
    let handler = unsafe { core::mem::transmute::<usize, Handler>(handler) };
    handler(frame, from, kind);
}
