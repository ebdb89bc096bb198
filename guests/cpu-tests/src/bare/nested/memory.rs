//! Section M of the rules: registers that are memory at VNCR_EL2.BADDR.

use super::Level;
use super::guest::{run as guest_run, *};
use crate::bare::harness::{beyond_qemu, equal, skip};
use core::arch::{asm, global_asm};
use guest_support::{lower, mrs, msr, save_registers, vectors};

const BOTH: u64 = NV | NV2;

pub(super) fn run(level: Level) {
    msr!("S3_4_C2_C2_0", slots() | 0xfff);
    equal("M9: the lower 12 bits of VNCR_EL2 are RES0", mrs!("S3_4_C2_C2_0"), slots());
    if level.frac > 0 {
        set(0x78, 0x99);
        let c = guest_run(NV, &[HCR_EL2.read()], 0);
        equal("G2: NV_frac: NV alone makes HCR_EL2 memory", (what(c), c.x0), (DONE, 0x99));
    }
    slots_of_el2();
    slots_of_el1();
    no_slot();
    timers();
    priorities();
    big_endian();
}

/// A read gives what is in the slot, a write puts it there, all 64 bits as they are (M7).
fn is_slot(name: &str, hcr: u64, register: Sys, offset: u64) {
    let (a, b) = (0x8123_4567_89ab_cd00 | offset >> 4, 0xfedc_ba98_7654_3211);
    set(offset, a);
    let read = guest_run(hcr, &[register.read()], 0);
    let write = guest_run(hcr, &[register.write()], b);
    equal(name, (what(read), read.x0, what(write), get(offset)), (DONE, a, DONE, b));
}

fn slots_of_el2() {
    for (name, register, offset) in [
        ("M2: HCR_EL2 is at 078", HCR_EL2, 0x78),
        ("M2: VTTBR_EL2 is at 020", VTTBR_EL2, 0x20),
        ("M9: VNCR_EL2 is at 0b0", VNCR_EL2, 0xb0),
        ("M2: SP_EL1 is at 240", SP_EL1, 0x240),
        ("M2: ICH_HCR_EL2 is at 4c0", ICH_HCR_EL2, 0x4c0),
        ("M2: ICH_VMCR_EL2 is at 4c8", ICH_VMCR_EL2, 0x4c8),
        ("M2: ICH_LR3_EL2 is at 418", ICH_LR3_EL2, 0x418),
    ] {
        is_slot(name, BOTH, register, offset);
        is_slot("   with NV1 too", BOTH | NV1, register, offset);
    }
}

fn slots_of_el1() {
    is_slot("M2: SCTLR_EL12 is at 110", BOTH, SCTLR_EL12, 0x110);
    is_slot("M2: SPSR_EL12 is at 160", BOTH, SPSR_EL12, 0x160);
    is_slot("M2: NV1: SCTLR_EL1 is at 110", BOTH | NV1, SCTLR_EL1, 0x110);
    is_slot("M2: NV1: SPSR_EL1 is at 160", BOTH | NV1, SPSR_EL1, 0x160);
    is_slot("M2: NV1: VBAR_EL1 is at 250", BOTH | NV1, VBAR_EL1, 0x250);
    is_slot("M2: NV1: CPACR_EL1 is at 100", BOTH | NV1, CPACR_EL1, 0x100);
    let sctlr = mrs!("sctlr_el1");
    let c = guest_run(BOTH, &[SCTLR_EL1.read()], 0);
    equal("M2: SCTLR_EL1 is the register", (what(c), c.x0), (DONE, sctlr));
    let trapped = one(BOTH | NV1, SCTLR_EL12.read());
    equal("M2: NV1: SCTLR_EL12 traps", trapped, SCTLR_EL12.trapped(true, 0));
    msr!("cntkctl_el1", 0x83);
    for hcr in [BOTH, BOTH | NV1] {
        let c = guest_run(hcr, &[CNTKCTL_EL1.read()], 0);
        equal("M4: CNTKCTL_EL1 is the register", (what(c), c.x0), (DONE, 0x83));
        equal("M4: CNTKCTL_EL12 traps", one(hcr, CNTKCTL_EL12.read()), CNTKCTL_EL12.trapped(true, 0));
        equal("M4: CNTHCTL_EL2 traps", one(hcr, CNTHCTL_EL2.read()), CNTHCTL_EL2.trapped(true, 0));
    }
    msr!("cntkctl_el1", 0);
}

fn no_slot() {
    for (name, register) in [
        ("M5: SCTLR_EL2 traps", SCTLR_EL2),
        ("M5: TCR_EL2 traps", TCR_EL2),
        ("M5: TTBR0_EL2 traps", TTBR0_EL2),
        ("M5: TTBR1_EL2 traps", TTBR1_EL2),
        ("M5: VBAR_EL2 traps", VBAR_EL2),
        ("M5: MAIR_EL2 traps", MAIR_EL2),
        ("M5: CPTR_EL2 traps", CPTR_EL2),
        ("M5: MDCR_EL2 traps", MDCR_EL2),
        ("M5: HPFAR_EL2 traps", HPFAR_EL2),
        ("M5: HACR_EL2 traps", HACR_EL2),
        ("M5: CNTHP_CTL_EL2 traps", CNTHP_CTL_EL2),
        ("M5: CNTHV_CTL_EL2 traps", CNTHV_CTL_EL2),
        ("M5: ICH_VTR_EL2 traps", ICH_VTR_EL2),
        ("M5: ICH_MISR_EL2 traps", ICH_MISR_EL2),
        ("M5: ICH_EISR_EL2 traps", ICH_EISR_EL2),
        ("M5: ICH_ELRSR_EL2 traps", ICH_ELRSR_EL2),
        ("M5: ICC_SRE_EL2 traps", ICC_SRE_EL2),
    ] {
        equal(name, one(BOTH, register.read()), register.trapped(true, 0));
    }
}

fn timers() {
    is_slot("M6: CNTP_CTL_EL02 is at 180", BOTH, CNTP_CTL_EL02, 0x180);
    is_slot("M6: CNTP_CVAL_EL02 is at 178", BOTH, CNTP_CVAL_EL02, 0x178);
    is_slot("M6: CNTV_CTL_EL02 is at 170", BOTH, CNTV_CTL_EL02, 0x170);
    equal("M6: CNTP_TVAL_EL02 traps", one(BOTH, CNTP_TVAL_EL02.read()), CNTP_TVAL_EL02.trapped(true, 0));
    if mrs!("id_aa64mmfr0_el1") >> 60 == 0 {
        skip("M6: FEAT_ECV is not implemented");
        return;
    }
    let old = mrs!("cnthctl_el2");
    msr!("cnthctl_el2", old | 1 << 15);
    let trapped = [CNTP_CTL_EL02, CNTP_CVAL_EL02].map(|r| one(BOTH, r.read()) == r.trapped(true, 0));
    equal("M6: EL1NVPCT makes CNTP_*_EL02 trap", trapped, [true; 2]);
    is_slot("M6: EL1NVPCT is not about CNTV_CTL_EL02", BOTH, CNTV_CTL_EL02, 0x170);
    msr!("cnthctl_el2", old | 1 << 16);
    let trapped = one(BOTH, CNTV_CTL_EL02.write()) == CNTV_CTL_EL02.trapped(false, 0);
    equal("M6: EL1NVVCT makes CNTV_CTL_EL02 trap", trapped, true);
    is_slot("M6: EL1NVVCT is not about CNTP_CTL_EL02", BOTH, CNTP_CTL_EL02, 0x180);
    msr!("cnthctl_el2", old);
}

/// M3 and T10: other traps come before memory.
fn priorities() {
    let write = one(BOTH | NV1 | TVM, SCTLR_EL1.write());
    equal("T10: TVM beats the slot of SCTLR_EL1", write, SCTLR_EL1.trapped(false, 0));
    let old = mrs!("cptr_el2");
    msr!("cptr_el2", old | 1 << 31);
    let read = one(BOTH | NV1, CPACR_EL1.read());
    msr!("cptr_el2", old);
    equal("T10: TCPAC beats the slot of CPACR_EL1", read, CPACR_EL1.trapped(true, 0));
    let acr = one(BOTH | NV1 | 1 << 21, ACTLR_EL1.read());
    equal("T10: TACR beats the slot of ACTLR_EL1", acr, ACTLR_EL1.trapped(true, 0));
    if mrs!("id_aa64mmfr0_el1") >> 56 & 0xf == 0 {
        skip("T10: FEAT_FGT is not implemented");
        return;
    }
    // HFGRTR_EL2.SCTLR_EL1.
    let old = mrs!("S3_4_C1_C1_4");
    msr!("S3_4_C1_C1_4", old | 1 << 29);
    let read = one(BOTH | NV1, SCTLR_EL1.read());
    equal("T10: a fine-grained trap beats the slot of SCTLR_EL1", read, SCTLR_EL1.trapped(true, 0));
    set(0x110, 0x1234);
    let c = guest_run(BOTH, &[SCTLR_EL12.read()], 0);
    beyond_qemu("T10: and is not about SCTLR_EL12", (what(c), c.x0), (DONE, 0x1234));
    msr!("S3_4_C1_C1_4", old);
}

// Enters EL1 with SCTLR_EL2.EE set, and clears it on the way back, before anything is read or written. EL2's tables are
// little-endian: its stage 1 is off meanwhile.
global_asm!(
    r#"
    .text
    .balign 2048
nested_big_vectors:
    .skip 0x400
    msr   tpidr_el2, x0
    mrs   x0, sctlr_el2
    bic   x0, x0, #(1 << 25)
    orr   x0, x0, #1
    msr   sctlr_el2, x0
    adrp  x0, guest_vectors_el2
    add   x0, x0, :lo12:guest_vectors_el2
    msr   vbar_el2, x0
    isb
    mrs   x0, tpidr_el2
    b     guest_vectors_el2 + 0x400
    .global nested_enter_big
nested_enter_big:
"#,
    save_registers!(),
    r#"
    msr   elr_el2, x0
    msr   spsr_el2, x1
    adrp  x3, nested_big_vectors
    add   x3, x3, :lo12:nested_big_vectors
    msr   vbar_el2, x3
    mrs   x3, sctlr_el2
    orr   x3, x3, #(1 << 25)
    bic   x3, x3, #1
    msr   sctlr_el2, x3
    mov   x0, x2
    isb
    eret
"#
);

fn big_endian() {
    set(0x78, 0x0102_0304_0506_0708);
    // MRS X0, HCR_EL2; MSR VTTBR_EL2, X1; HVC #1.
    let words = [HCR_EL2.read(), VTTBR_EL2.write() | 1, 0xd400_0022];
    prepared(&words);
    set(0x20, 0);
    msr!("hcr_el2", guest_support::boot::HCR_EL2 | BOTH);
    let x0: u64;
    // SAFETY: enters EL1 as `lower::enter` does, which saves what the C ABI asks; X1 there is the SPSR.
    unsafe {
        asm!(
            "bl nested_enter_big",
            inout("x0") code() => x0, in("x1") lower::EL1, in("x2") 0, lateout("x3") _,
            clobber_abi("C"),
        );
    }
    msr!("hcr_el2", guest_support::boot::HCR_EL2);
    vectors::install();
    equal("M7: SCTLR_EL2.EE: slots are read big-endian", x0, 0x0807_0605_0403_0201);
    equal("M7: SCTLR_EL2.EE: slots are written big-endian", get(0x20), lower::EL1.swap_bytes());
}
