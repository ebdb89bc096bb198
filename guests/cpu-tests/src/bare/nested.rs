//! FEAT_NV and FEAT_NV2: EL1 that takes itself for EL2.

use super::catch::{Caught, enter};
use super::harness::{equal, skip};
use core::arch::global_asm;
use core::cell::UnsafeCell;
use guest_support::lower::EL1;
use guest_support::{boot, instruction, mrs, msr};

const HCR_RW: u64 = 1 << 31;
const AT: u64 = 1 << 44;
const NV: u64 = 1 << 42;
const NV1: u64 = 1 << 43;
const NV2: u64 = 1 << 45;
/// VNCR_EL2.
macro_rules! vncr {
    () => {
        "S3_4_C2_C2_0"
    };
}

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u64; 512]>);
// SAFETY: used by one CPU.
unsafe impl Sync for Page {}
static PAGE: Page = Page(UnsafeCell::new([0; 512]));

fn slot(offset: usize) -> *mut u64 {
    (PAGE.0.get() as usize + offset) as *mut u64
}

fn set(offset: usize, value: u64) {
    // SAFETY: inside of the page.
    unsafe { slot(offset).write_volatile(value) };
    instruction!("dsb sy");
}

fn get(offset: usize) -> u64 {
    instruction!("dsb sy");
    // SAFETY: inside of the page.
    unsafe { slot(offset).read_volatile() }
}

// Each takes X0 and ends with an exception to EL2.
global_asm!(
    r#"
    .macro NESTED name, text:vararg
    .text
    .balign 16
    .global nv_\name
nv_\name:
    \text
    hvc   #1
    .endm
    NESTED el, mrs x0, CurrentEL
    NESTED read_hcr, mrs x0, hcr_el2
    NESTED write_hcr, msr hcr_el2, x0
    NESTED read_vbar2, mrs x0, vbar_el2
    NESTED read_elr2, mrs x0, elr_el2
    NESTED write_elr2, msr elr_el2, x0
    NESTED read_sctlr1, mrs x0, sctlr_el1
    NESTED read_sctlr12, mrs x0, S3_5_C1_C0_0
    NESTED write_sctlr12, msr S3_5_C1_C0_0, x0
    NESTED write_vttbr, msr vttbr_el2, x0
    NESTED read_sp1, mrs x0, sp_el1
    NESTED eret, eret
    NESTED tlbi, tlbi alle1
    NESTED at, at s1e1r, x0
    .text
    .balign 2048
nv_vectors:
    .skip 0x200
    mrs   x0, spsr_el1
    hvc   #2
    .balign 2048
    .global nv_svc
nv_svc:
    adrp  x1, nv_vectors
    add   x1, x1, :lo12:nv_vectors
    msr   vbar_el1, x1
    isb
    svc   #0
"#
);

macro_rules! program {
    ($name:ident) => {{
        unsafe extern "C" {
            fn $name();
        }
        $name as *const () as u64
    }};
}

fn with(hcr: u64, program: u64, x0: u64) -> Caught {
    msr!("hcr_el2", HCR_RW | hcr);
    let caught = enter(program, EL1, x0, 0);
    msr!("hcr_el2", boot::HCR_EL2);
    caught
}

fn what(c: Caught) -> (u64, u64) {
    (c.class, c.iss)
}

/// The syndrome of a trapped MRS (or MSR) of X0.
fn trapped(op0: u64, op1: u64, crn: u64, crm: u64, op2: u64, read: bool) -> (u64, u64) {
    (0x18, op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | crm << 1 | u64::from(read))
}

const DONE: (u64, u64) = (0x16, 1);

pub(crate) fn run() {
    let (nv, frac) = (mrs!("id_aa64mmfr2_el1") >> 24 & 0xf, mrs!("S3_0_C0_C7_4") >> 20 & 0xf);
    if nv < 2 && frac == 0 {
        skip("nested: FEAT_NV2 is not implemented");
        return;
    }
    without_nv2(nv);
    memory();
    redirected();
    faults();
    instruction!("isb");
}

fn without_nv2(nv: u64) {
    let el = with(NV, program!(nv_el), 0);
    equal("NV: CurrentEL is EL2", (what(el), el.x0), (DONE, 8));
    equal("NV: ERET traps", what(with(NV, program!(nv_eret), 0)), (0x1a, 0));
    equal("NV: TLBI of another level traps", what(with(NV, program!(nv_tlbi), 0)).0, 0x18);
    equal("NV, AT: AT traps", what(with(NV | AT, program!(nv_at), 0)), (0x18, 1 << 20 | 7 << 10 | 8 << 1));
    equal("NV: VBAR_EL2 traps", what(with(NV, program!(nv_read_vbar2), 0)), trapped(3, 4, 12, 0, 0, true));
    if nv >= 2 {
        equal("NV: HCR_EL2 traps", what(with(NV, program!(nv_read_hcr), 0)), trapped(3, 4, 1, 1, 0, true));
        equal(
            "NV: SCTLR_EL12 traps",
            what(with(NV, program!(nv_read_sctlr12), 0)),
            trapped(3, 5, 1, 0, 0, true),
        );
    }
    equal(
        "no NV: HCR_EL2 is undefined at EL1",
        {
            // An undefined instruction at EL1 stays there: its vector says so.
            msr!("vbar_el1", program!(nv_svc) - 2048);
            let c = with(0, program!(nv_read_hcr), 0);
            (c.class, c.iss, mrs!("esr_el1") >> 26)
        },
        (0x16, 2, 0),
    );
    let svc = with(NV, program!(nv_svc), 0);
    equal("NV: an exception at EL1 says that it came from EL2", (svc.iss, svc.x0 & 0xf), (2, 9));
    let svc = with(0, program!(nv_svc), 0);
    equal("no NV: an exception at EL1 says that it came from EL1", (svc.iss, svc.x0 & 0xf), (2, 5));
}

fn memory() {
    msr!(vncr!(), slot(0) as u64);
    let both = NV | NV2;
    set(0x78, 0x1122_3344);
    let got = with(both, program!(nv_read_hcr), 0);
    equal("NV2: MRS HCR_EL2 reads memory", (what(got), got.x0), (DONE, 0x1122_3344));
    let got = with(both, program!(nv_write_hcr), 0x5566_7788);
    equal("NV2: MSR HCR_EL2 writes memory", (what(got), get(0x78)), (DONE, 0x5566_7788));
    let got = with(both, program!(nv_write_vttbr), 0x99);
    equal("NV2: MSR VTTBR_EL2 writes memory", (what(got), get(0x20)), (DONE, 0x99));
    set(0x240, 0xabc);
    let got = with(both, program!(nv_read_sp1), 0);
    equal("NV2: MRS SP_EL1 reads memory", (what(got), got.x0), (DONE, 0xabc));
    let got = with(both, program!(nv_write_sctlr12), 0x777);
    equal("NV2: MSR SCTLR_EL12 writes memory", (what(got), get(0x110)), (DONE, 0x777));
    let sctlr = mrs!("sctlr_el1");
    let got = with(both, program!(nv_read_sctlr1), 0);
    equal("NV2: MRS SCTLR_EL1 reads the register", (what(got), got.x0), (DONE, sctlr));
    let got = with(both | NV1, program!(nv_read_sctlr1), 0);
    equal("NV2, NV1: MRS SCTLR_EL1 reads memory", (what(got), got.x0), (DONE, 0x777));
    let got = with(both | NV1, program!(nv_read_sctlr12), 0);
    equal("NV2, NV1: SCTLR_EL12 traps", what(got), trapped(3, 5, 1, 0, 0, true));
    let got = with(both, program!(nv_read_vbar2), 0);
    equal("NV2: VBAR_EL2 has no slot and traps", what(got), trapped(3, 4, 12, 0, 0, true));
}

fn redirected() {
    msr!("elr_el1", 0x1234_5678);
    let got = with(NV | NV2, program!(nv_read_elr2), 0);
    equal("NV2: MRS ELR_EL2 reads ELR_EL1", (what(got), got.x0), (DONE, 0x1234_5678));
    let got = with(NV | NV2, program!(nv_write_elr2), 0x8765_4320);
    equal("NV2: MSR ELR_EL2 writes ELR_EL1", (what(got), mrs!("elr_el1")), (DONE, 0x8765_4320));
}

fn faults() {
    // Not mapped in EL2's stage 1.
    let nowhere = 0x7f_0000_0000;
    msr!(vncr!(), nowhere);
    let got = with(NV | NV2, program!(nv_read_hcr), 0);
    let expected = (0x25, 1 << 13 | 0x05, nowhere + 0x78);
    equal("NV2: a fault of the memory access: VNCR set, FAR", (got.class, got.iss, got.far), expected);
    let got = with(NV | NV2, program!(nv_write_hcr), 0);
    let expected = (0x25, 1 << 13 | 1 << 6 | 0x05, nowhere + 0x78);
    equal("NV2: the same of a write: WnR", (got.class, got.iss, got.far), expected);
    msr!(vncr!(), 0);
}
