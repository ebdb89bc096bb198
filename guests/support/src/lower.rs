//! Running code at a lower exception level and coming back.
#![allow(unsafe_code)] // a change of level is assembly

use crate::sysreg::current_el;
use crate::vectors::Frame;
use core::arch::global_asm;

/// Assembly that puts the registers which the C ABI preserves on the stack: 96 bytes.
#[macro_export]
macro_rules! save_registers {
    () => {
        "stp x29, x30, [sp, #-96]!
         stp x19, x20, [sp, #16]
         stp x21, x22, [sp, #32]
         stp x23, x24, [sp, #48]
         stp x25, x26, [sp, #64]
         stp x27, x28, [sp, #80]"
    };
}

/// Assembly that takes back what [`save_registers`](crate::save_registers) has put on the stack.
#[macro_export]
macro_rules! restore_registers {
    () => {
        "ldp x27, x28, [sp, #80]
         ldp x25, x26, [sp, #64]
         ldp x23, x24, [sp, #48]
         ldp x21, x22, [sp, #32]
         ldp x19, x20, [sp, #16]
         ldp x29, x30, [sp], #96"
    };
}

global_asm!(
    ".macro ENTER el",
    ".text",
    ".global guest_enter_\\el",
    "guest_enter_\\el:",
    save_registers!(),
    "msr   elr_\\el, x0",
    "msr   spsr_\\el, x1",
    "mov   x0, x2",
    "mov   x1, x3",
    "isb",
    "eret",
    ".global guest_left_\\el",
    "guest_left_\\el:",
    restore_registers!(),
    "ret",
    ".endm",
    "ENTER el1",
    "ENTER el2",
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn guest_enter_el1(pc: u64, spsr: u64, a: u64, b: u64) -> u64;
    fn guest_enter_el2(pc: u64, spsr: u64, a: u64, b: u64) -> u64;
    fn guest_left_el1();
    fn guest_left_el2();
}

/// SPSR for EL0, everything masked.
pub const EL0: u64 = 0x3c0;
/// SPSR for EL1 with its own stack pointer, everything masked.
pub const EL1: u64 = 0x3c5;

/// Runs from `pc` with `spsr`, X0 = `a` and X1 = `b`, until an exception's handler calls [`leave`]; returns the lower
/// level's X0 at that time.
pub fn enter(pc: u64, spsr: u64, a: u64, b: u64) -> u64 {
    if current_el() == 2 {
        // SAFETY: saves and restores what the C ABI asks; the lower level is the caller's business.
        unsafe { guest_enter_el2(pc, spsr, a, b) }
    } else {
        // SAFETY: saves and restores what the C ABI asks; the lower level is the caller's business.
        unsafe { guest_enter_el1(pc, spsr, a, b) }
    }
}

/// Makes the return from this exception end [`enter`], or whatever else has entered a lower level behind
/// [`save_registers`](crate::save_registers).
pub fn leave(frame: &mut Frame) {
    if current_el() == 2 {
        frame.elr = guest_left_el2 as *const () as u64;
        frame.spsr = 0x3c9;
    } else {
        frame.elr = guest_left_el1 as *const () as u64;
        frame.spsr = 0x3c5;
    }
}
