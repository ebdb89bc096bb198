//! What EL2 does to EL1: traps, stage 2, virtual interrupts.

use super::catch::{Caught, enter};
use super::harness::{check, equal};
use core::arch::global_asm;
use guest_support::lower::EL1;
use guest_support::paging::{Tables, attr};
use guest_support::{board, boot, instruction, mrs, msr};

static STAGE_2: Tables<8> = Tables::new();

const HCR_RW: u64 = 1 << 31;
const VTCR: u64 = 25 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | 1 << 31;
/// An IPA that stage 2 maps to the program's RAM, 1 GiB lower.
const HIGH: u64 = 0x8000_0000;
const NOWHERE: u64 = 0xc000_0000;

// Small programs for EL1, position-independent, MMU off. Each ends with an exception to EL2.
global_asm!(
    r#"
    .macro PROGRAM name
    .text
    .balign 16
    .global el1_\name
el1_\name:
    .endm
    PROGRAM hvc
    mrs   x0, CurrentEL
    hvc   #0x21
    PROGRAM smc
    smc   #3
    PROGRAM wfi
    wfi
    hvc   #1
    PROGRAM id
    mrs   x7, id_aa64isar0_el1
    hvc   #1
    PROGRAM sctlr
    mov   x5, #0x800
    msr   sctlr_el1, x5
    hvc   #1
    PROGRAM tlbi
    tlbi  vmalle1
    hvc   #1
    PROGRAM fp
    .arch_extension fp
    fmov  d1, xzr
    .arch_extension nofp
    hvc   #1
    PROGRAM load
    ldr   x0, [x0]
    hvc   #1
    PROGRAM load_signed_byte
    ldrsb w3, [x0]
    hvc   #1
    PROGRAM store
    str   w1, [x0]
    hvc   #1
    PROGRAM pair
    ldp   x2, x3, [x0]
    hvc   #1
    PROGRAM jump
    br    x0
    PROGRAM mpidr
    mrs   x0, mpidr_el1
    hvc   #1
    PROGRAM interrupt
    mov   x1, #0xff
    msr   S3_0_C4_C6_0, x1
    mov   x1, #1
    msr   S3_0_C12_C12_7, x1
    isb
    mrs   x0, S3_0_C12_C12_0
    msr   S3_0_C12_C12_1, x0
    mrs   x1, isr_el1
    orr   x0, x0, x1, lsl #32
    hvc   #1
    PROGRAM isr
    mrs   x0, isr_el1
    hvc   #1
"#
);

macro_rules! program {
    ($name:ident) => {{
        // SAFETY: the assembly above has this symbol, of which only the address is used.
        unsafe extern "C" {
            fn $name();
        }
        $name as *const () as u64
    }};
}

fn what(c: Caught) -> (u64, u64) {
    (c.class, c.iss)
}

const DONE: (u64, u64) = (0x16, 1);

pub(crate) fn run() {
    traps();
    stage_2();
    virtual_interrupts();
    msr!("hcr_el2", boot::HCR_EL2);
}

/// Runs a program at EL1 with more bits of HCR_EL2.
fn with(hcr: u64, program: u64) -> Caught {
    msr!("hcr_el2", HCR_RW | hcr);
    let caught = enter(program, EL1, 0, 0);
    msr!("hcr_el2", boot::HCR_EL2);
    caught
}

fn traps() {
    let hvc = with(0, program!(el1_hvc));
    equal("EL1 runs and its HVC comes to EL2", (what(hvc), hvc.x0), ((0x16, 0x21), 4));
    equal("SPSR_EL2 names EL1", hvc.spsr & 0xf, 5);
    equal("HCR_EL2.TSC: SMC", what(with(1 << 19, program!(el1_smc))), (0x17, 3));
    equal("HCR_EL2.TWI: WFI", what(with(1 << 13, program!(el1_wfi))), (0x01, 0x1e0_0000));
    let msr = |op0: u64, op1: u64, crn: u64, crm: u64, op2: u64, rt: u64, read: u64| {
        (0x18, op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 | crm << 1 | read)
    };
    equal(
        "HCR_EL2.TID3: MRS of an ID register",
        what(with(1 << 18, program!(el1_id))),
        msr(3, 0, 0, 6, 0, 7, 1),
    );
    equal("no trap: the same goes on", what(with(0, program!(el1_id))), DONE);
    equal(
        "HCR_EL2.TVM: MSR of SCTLR_EL1",
        what(with(1 << 26, program!(el1_sctlr))),
        msr(3, 0, 1, 0, 0, 5, 0),
    );
    equal("HCR_EL2.TTLB: TLBI", what(with(1 << 25, program!(el1_tlbi))), msr(1, 0, 8, 7, 0, 31, 0));
    let cptr = mrs!("cptr_el2");
    msr!("cptr_el2", cptr | 1 << 10);
    equal("CPTR_EL2.TFP: FMOV at EL1", what(with(0, program!(el1_fp))).0, 0x07);
    msr!("cptr_el2", cptr);
    msr!("vmpidr_el2", 0x8000_0042);
    equal("VMPIDR_EL2 is EL1's MPIDR_EL1", with(0, program!(el1_mpidr)).x0, 0x8000_0042);
}

fn stage_2() {
    let ram = board::RAM as u64;
    STAGE_2.map(ram, ram, 32 << 20, attr::S2_NORMAL);
    STAGE_2.map(HIGH, ram, 32 << 20, attr::S2_NORMAL);
    msr!("vtcr_el2", VTCR);
    msr!("vttbr_el2", STAGE_2.root() | 7 << 48);
    let run = |program: u64, a: u64, b: u64| {
        msr!("hcr_el2", HCR_RW | 1);
        let caught = enter(program, EL1, a, b);
        msr!("hcr_el2", boot::HCR_EL2);
        caught
    };
    instruction!("dsb sy", "tlbi alle1", "dsb sy", "isb");
    let probe = program!(el1_hvc);
    // SAFETY: reads code of this program.
    let word = unsafe { (probe as *const u64).read_volatile() };
    let got = run(program!(el1_load), probe + (HIGH - ram), 0);
    equal("EL1 reads through stage 2", (what(got), got.x0), (DONE, word));
    let got = run(program!(el1_load) + (HIGH - ram), probe, 0);
    equal("EL1 runs through stage 2", (what(got), got.x0), (DONE, word));

    let got = run(program!(el1_load), NOWHERE + 0x568, 0);
    equal(
        "unmapped IPA: data abort, FAR and HPFAR",
        (got.class, got.far, got.hpfar),
        (0x24, NOWHERE + 0x568, NOWHERE >> 8),
    );
    // ISV, 8 bytes, register 0, SF, translation fault at level 1.
    equal("unmapped IPA: syndrome of LDR X0", got.iss, 1 << 24 | 3 << 22 | 1 << 15 | 0x05);
    let got = run(program!(el1_load_signed_byte), NOWHERE, 0);
    equal("unmapped IPA: syndrome of LDRSB W3", got.iss, 1 << 24 | 1 << 21 | 3 << 16 | 0x05);
    let got = run(program!(el1_store), NOWHERE, 0);
    equal("unmapped IPA: syndrome of STR W1", got.iss, 1 << 24 | 2 << 22 | 1 << 16 | 1 << 6 | 0x05);
    let got = run(program!(el1_pair), NOWHERE, 0);
    equal("unmapped IPA: LDP has no valid syndrome", got.iss, 0x05);
    let got = run(program!(el1_jump), NOWHERE, 0);
    equal(
        "unmapped IPA: instruction abort",
        (got.class, got.iss, got.far, got.hpfar),
        (0x20, 0x05, NOWHERE, NOWHERE >> 8),
    );

    let page = HIGH + (24 << 20);
    STAGE_2.map(page + (16 << 20), page - HIGH + ram, 0x1000, attr::S2_NORMAL & !(2 << 6));
    let page = page + (16 << 20);
    instruction!("dsb sy", "tlbi alle1", "dsb sy", "isb");
    equal("read-only IPA: a load works", what(run(program!(el1_load), page, 0)), DONE);
    let got = run(program!(el1_store), page, 0);
    equal(
        "read-only IPA: a store is a permission fault",
        (got.class, got.iss & 0x7f, got.hpfar),
        (0x24, 0x4f, page >> 8),
    );
    STAGE_2.set(page, 3, 0);
    instruction!("dsb ishst");
    // SAFETY: TLB maintenance by IPA, in the guest's VMID.
    unsafe {
        core::arch::asm!("tlbi ipas2e1is, {}", "dsb ish", "tlbi vmalle1is", "dsb ish", "isb", in(reg) page >> 12)
    };
    let got = run(program!(el1_load), page, 0);
    equal("TLBI by IPA: translation fault", (got.class, got.iss & 0x7f), (0x24, 0x07));
}

fn virtual_interrupts() {
    msr!("S3_4_C12_C11_0", 1); // ICH_HCR_EL2.En
    check("ICH_VTR_EL2 has list registers", mrs!("S3_4_C12_C11_1") & 0x1f >= 1);
    equal("HCR_EL2.VI: ISR_EL1.I at EL1", with(1 << 7 | 1 << 4, program!(el1_isr)).x0 & 0xc0, 0x80);
    // Pending, group 1, priority 0x80, INTID 40.
    msr!("S3_4_C12_C12_0", 1 << 62 | 1 << 60 | 0x80 << 48 | 40); // ICH_LR0_EL2
    let got = with(1 << 4 | 1 << 3, program!(el1_interrupt));
    equal("a list register's interrupt is acknowledged and ended at EL1", (what(got), got.x0), (DONE, 40));
    equal("the list register is empty again", mrs!("S3_4_C12_C12_0") >> 62, 0);
    equal("ICH_ELRSR_EL2: list register 0", mrs!("S3_4_C12_C11_5") & 1, 1);
    let got = with(1 << 4 | 1 << 3, program!(el1_interrupt));
    equal("nothing pending: spurious", (what(got), got.x0), (DONE, 1023));
    // TALL1: trap group 1 accesses.
    msr!("S3_4_C12_C11_0", 1 | 1 << 12);
    equal("ICH_HCR_EL2.TALL1: trap", with(1 << 4 | 1 << 3, program!(el1_interrupt)).class, 0x18);
    msr!("S3_4_C12_C11_0", 0);
}
