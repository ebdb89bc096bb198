//! Executing one instruction at a level under a value of HCR_EL2, and coming back whatever it does.
#![allow(unsafe_code)] // vectors, changes of level, and code that is written at run time

use core::arch::global_asm;
use droste_arch::fields::hcr_el2::{E2H, HCD, TIDCP};
use guest_support::{mrs, msr, restore_registers, save_registers};

/// HCR_EL2 while the harness itself works: EL1 is AArch64, nothing is trapped.
pub(super) const HARNESS: u64 = 1 << 31;

/// What came back. The order is known to the assembly.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Raw {
    /// X0 at the end.
    pub(super) x0: u64,
    /// 0 when the instruction at EL2 returned; else 1 + the number of EL2's vector.
    pub(super) how: u64,
    /// ESR_EL2, ELR_EL2 and FAR_EL2, if there was an exception.
    pub(super) esr: u64,
    pub(super) elr: u64,
    pub(super) far: u64,
}

global_asm!(
    r#"
    .text
    // X0 = code, X1 = HCR_EL2, X2 = SPSR_EL2 or 0 to stay at EL2, X3 = the instruction's X0, X4 = where the
    // result goes, X5 = the harness's HCR_EL2
    .balign 16
    .global conformance_enter
conformance_enter:
"#,
    save_registers!(),
    r#"
    stp   x4, x5, [sp, #-16]!
    msr   hcr_el2, x1
    isb
    cbz   x2, 1f
    msr   elr_el2, x0
    msr   spsr_el2, x2
    mov   x0, x3
    eret
1:  mov   x16, x0
    mov   x0, x3
    blr   x16
    isb
    mov   x9, #0
conformance_left:
    ldp   x4, x5, [sp], #16
    mrs   x10, esr_el2
    mrs   x11, elr_el2
    mrs   x12, far_el2
    msr   hcr_el2, x5
    isb
    stp   x0, x9, [x4]
    stp   x10, x11, [x4, #16]
    str   x12, [x4, #32]
"#,
    restore_registers!(),
    r#"
    ret

    .balign 2048
    .global conformance_vectors_el2
conformance_vectors_el2:
    .set number, 1
    .rept 16
    .balign 128
    mov   x9, #number
    b     conformance_left
    .set number, number + 1
    .endr

    // Where HVC is UNDEFINED, HCR_EL2.TIDCP traps this instead: CRm is the vector's number.
    .balign 2048
    .global conformance_vectors_el1_without_hvc
conformance_vectors_el1_without_hvc:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .balign 128
    mrs   xzr, S3_0_C15_C\number\()_0
    .endr

    // EL1 reads nothing: its registers may be redirected. HVC #0x200 + the vector's number says all.
    .balign 2048
    .global conformance_vectors_el1
conformance_vectors_el1:
    .set number, 0x200
    .rept 16
    .balign 128
    hvc   #number
    .set number, number + 1
    .endr
    .balign 128
"#
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn conformance_enter(code: u64, hcr: u64, spsr: u64, x0: u64, raw: *mut Raw, harness: u64);
    fn conformance_vectors_el1();
    fn conformance_vectors_el1_without_hvc();
    fn conformance_vectors_el2();
}

/// The addresses of EL1's and EL2's vectors.
pub(super) fn vectors() -> (u64, u64) {
    (conformance_vectors_el1 as *const () as u64, conformance_vectors_el2 as *const () as u64)
}

/// Executes the code at an address; `spsr` is 0 for EL2. Code at EL2 ends with RET, at lower levels with an
/// exception to EL2.
pub(super) fn enter(code: u64, hcr: u64, spsr: u64, x0: u64) -> Raw {
    let mut raw = Raw::default();
    let without_hvc = HCD.is_set(hcr);
    let hcr = if without_hvc { hcr | TIDCP.mask() } else { hcr };
    if without_hvc {
        set_vectors_of_el1(conformance_vectors_el1_without_hvc as *const () as u64);
    }
    // SAFETY: saves and restores what the C ABI asks; every exception comes back through EL2's vectors.
    unsafe { conformance_enter(code, hcr, spsr, x0, &mut raw, HARNESS) };
    if without_hvc {
        set_vectors_of_el1(conformance_vectors_el1 as *const () as u64);
    }
    raw
}

/// Writes VBAR_EL1, which has another name where HCR_EL2.E2H is RES1.
fn set_vectors_of_el1(address: u64) {
    if E2H.is_set(mrs!("hcr_el2")) {
        msr!("S3_5_C12_C0_0", address);
    } else {
        msr!("vbar_el1", address);
    }
}

/// The syndrome of the access by which EL1's vectors call where HVC is UNDEFINED, but for the vector's number: MRS XZR,
/// S3_0_C15_Cm_0.
pub(super) const CALL_WITHOUT_HVC: u32 = 3 << 20 | 15 << 10 | 31 << 5 | 1;
/// CRm in that.
pub(super) const CALL_NUMBER: u32 = 15 << 1;

/// The most pieces of code that there may be.
pub(super) const PIECES: usize = 3 * 2048;

#[repr(C, align(4096))]
struct Code(core::cell::UnsafeCell<[[u32; 2]; PIECES]>);
// SAFETY: one CPU.
unsafe impl Sync for Code {}
static CODE: Code = Code(core::cell::UnsafeCell::new([[0; 2]; PIECES]));

/// Writes a piece of code: the word under test and one more. Returns its address.
pub(super) fn write_code(index: usize, words: [u32; 2]) -> u64 {
    assert!(index < PIECES, "no room for code");
    let at = CODE.0.get().cast::<[u32; 2]>().wrapping_add(index);
    // SAFETY: inside of the array.
    unsafe { at.write_volatile(words) };
    at as u64
}

/// The address of a piece of code.
pub(super) fn code(index: usize) -> u64 {
    CODE.0.get().cast::<[u32; 2]>().wrapping_add(index) as u64
}

/// Makes what was written executable.
pub(super) fn publish_code() {
    guest_support::instruction!("dsb sy", "ic iallu", "dsb sy", "isb");
}

#[repr(C, align(4096))]
struct Page(core::cell::UnsafeCell<[u64; 512]>);
// SAFETY: one CPU.
unsafe impl Sync for Page {}
static VNCR: Page = Page(core::cell::UnsafeCell::new([0; 512]));
static SCRATCH: Page = Page(core::cell::UnsafeCell::new([0; 512]));

/// The address of the page that VNCR_EL2 names.
pub(super) fn vncr_page() -> u64 {
    VNCR.0.get() as u64
}

/// An address for cache maintenance and translation.
pub(super) fn scratch() -> u64 {
    SCRATCH.0.get() as u64
}

/// What a slot of the page holds before an access.
pub(super) fn slot_pattern(index: usize) -> u64 {
    0xc0de_0000_0000_0000 | (index as u64) << 3
}

/// Fills the page.
pub(super) fn fill_page() {
    for index in 0..512 {
        write_slot(index, slot_pattern(index));
    }
}

/// Writes a slot of the page.
pub(super) fn write_slot(index: usize, value: u64) {
    // SAFETY: inside of the page.
    unsafe { VNCR.0.get().cast::<u64>().wrapping_add(index & 511).write_volatile(value) };
}

/// Reads a slot of the page.
pub(super) fn read_slot(index: usize) -> u64 {
    // SAFETY: inside of the page.
    unsafe { VNCR.0.get().cast::<u64>().wrapping_add(index & 511).read_volatile() }
}
