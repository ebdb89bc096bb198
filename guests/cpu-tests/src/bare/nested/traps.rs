//! Sections T and E of the rules: what traps with HCR_EL2.NV, and what an exception at EL1 says of where it came from.

use super::Level;
use super::guest::{run as guest_run, *};
use crate::bare::catch::caught;
use crate::bare::harness::{beyond_qemu, equal, skip};
use guest_support::{mrs, msr};

pub(super) fn run(level: Level) {
    registers(level);
    undefined();
    instructions();
    order();
    entries(level);
    without_nv();
}

fn registers(level: Level) {
    let c = guest_run(NV, &[CURRENT_EL.read()], 0);
    equal("T9: CurrentEL is EL2", (what(c), c.x0), (DONE, 8));
    let c = guest_run(NV, &[SPSEL.read()], 0);
    equal("T9: SPSel is EL1's", (what(c), c.x0), (DONE, 1));
    for (name, register) in [
        ("T1: VBAR_EL2 traps", VBAR_EL2),
        ("T1: SPSR_irq traps", SPSR_IRQ),
        ("T1: CNTHCTL_EL2 traps", CNTHCTL_EL2),
    ] {
        equal(name, one(NV, register.read()), register.trapped(true, 0));
        equal("   with another register", one(NV, register.read_x5()), register.trapped(true, 5));
        equal("   and written", one(NV, register.write()), register.trapped(false, 0));
    }
    if level.frac == 0 {
        for (name, register) in [
            ("T1: HCR_EL2 traps", HCR_EL2),
            ("T1: SP_EL1 traps", SP_EL1),
            ("T1: ELR_EL2 traps", ELR_EL2),
            ("T1: SCTLR_EL12 traps with its own encoding", SCTLR_EL12),
            ("T1: CNTP_CTL_EL02 traps", CNTP_CTL_EL02),
        ] {
            equal(name, one(NV, register.read()), register.trapped(true, 0));
        }
        for (name, register) in [
            ("T11: NV1: VBAR_EL1 traps", VBAR_EL1),
            ("T11: NV1: ELR_EL1 traps", ELR_EL1),
            ("T11: NV1: SPSR_EL1 traps", SPSR_EL1),
        ] {
            equal(name, one(NV | NV1, register.read()), register.trapped(true, 0));
            equal("   not without NV1", one(NV, register.read()), DONE);
        }
        if mrs!("id_aa64pfr0_el1") >> 56 & 0xf >= 2 {
            let traps = one(NV | NV1, SCXTNUM_EL1.read());
            equal("T11: NV1: SCXTNUM_EL1 traps", traps, SCXTNUM_EL1.trapped(true, 0));
        }
        equal("T11: NV1: SCTLR_EL1 does not trap", one(NV | NV1, SCTLR_EL1.read()), DONE);
    }
}

fn undefined() {
    let undefined = |word| class_at_el1(one(NV, word));
    equal("T2: SP_EL2 stays undefined", undefined(SP_EL2.read()), Some(0));
    equal("T2: MECIDR_EL2 stays undefined", undefined(MECIDR_EL2.read()), Some(0));
    equal("T3: register of an absent feature (PMSCR_EL2)", undefined(PMSCR_EL2.read()), Some(0));
    if mrs!("id_aa64pfr0_el1") >> 4 & 0xf == 1 {
        let el2 = caught!(".inst 0xd53c3000", out("x0") _).map(|c| c.class);
        beyond_qemu(
            "T3: DACR32_EL2 without AArch32",
            (undefined(DACR32_EL2.read()), el2),
            (Some(0), Some(0)),
        );
    }
    // MRRS X0, X1, TTBR0_EL1: no CPU here has 128-bit registers.
    equal("T6: MRRS without FEAT_SYSREG128", undefined(0xd570_2000), Some(0));
    // At EL2 itself, with E2H = 0.
    let alias = caught!(".inst 0xd53de220", out("x0") _);
    equal("E2H = 0: CNTP_CTL_EL02 is undefined at EL2", alias.map(|c| c.class), Some(0));
}

fn instructions() {
    for (name, insn) in [
        ("T4: AT S1E2R traps", AT_S1E2R),
        ("T4: AT S12E1R traps", AT_S12E1R),
        ("T4: TLBI ALLE1 traps", TLBI_ALLE1),
        ("T4: TLBI VAE2 traps", TLBI_VAE2),
        ("T4: TLBI IPAS2E1 traps", TLBI_IPAS2E1),
        ("T4: TLBI VMALLS12E1 traps", TLBI_VMALLS12E1),
    ] {
        equal(name, one(NV, insn.write()), insn.trapped(false, 0));
        equal("   undefined without NV", class_at_el1(one(0, insn.write())), Some(0));
    }
    if mrs!("id_aa64isar1_el1") >> 40 & 0xf != 0 {
        for (name, insn) in [
            ("T5: CFP RCTX traps", CFP_RCTX),
            ("T5: DVP RCTX traps", DVP_RCTX),
            ("T5: CPP RCTX traps", CPP_RCTX),
        ] {
            equal(name, one(NV, insn.write()), insn.trapped(false, 0));
            equal("   not without NV", one(0, insn.write()), DONE);
        }
    } else {
        skip("T5: FEAT_SPECRES is not implemented");
    }
    equal("T7: ERET traps", one(NV, ERET), (0x1a, 0));
    if mrs!("id_aa64isar1_el1") & 0xff0 != 0 {
        // SCTLR_EL1.{EnIA,EnIB}: keys that are off trap nothing.
        let sctlr = mrs!("sctlr_el1");
        msr!("sctlr_el1", sctlr | 3 << 30);
        equal("T7: ERETAA traps", one(NV | API, ERETAA), (0x1a, 2));
        equal("T7: ERETAB traps", one(NV | API, ERETAB), (0x1a, 3));
        equal("T7: the trap of ERETAA beats that of PAuth", one(NV, ERETAA), (0x1a, 2));
        equal("T7: the trap of ERETAB beats that of PAuth", one(NV, ERETAB), (0x1a, 3));
        equal("T7: without NV it is PAuth's", one(0, ERETAA).0, 0x09);
        msr!("sctlr_el1", sctlr);
    }
    // SMC #5.
    equal("T8: SMC traps by TSC", one(NV | TSC, 0xd400_00a3), (0x17, 5));
    for (name, insn) in [
        ("T12: AT S1E1R traps by AT alone", AT_S1E1R),
        ("T12: AT S1E1W traps", AT_S1E1W),
        ("T12: AT S1E0R traps", AT_S1E0R),
        ("T12: AT S1E0W traps", AT_S1E0W),
        ("T12: AT S1E1RP traps", AT_S1E1RP),
        ("T12: AT S1E1WP traps", AT_S1E1WP),
    ] {
        equal(name, one(AT, insn.write()), insn.trapped(false, 0));
        equal("   not by NV", one(NV, insn.write()), DONE);
    }
    equal("T13: TLBI VMALLE1 does not trap by NV", one(NV, TLBI_VMALLE1.write()), DONE);
    equal("T13: but by TTLB", one(NV | TTLB, TLBI_VMALLE1.write()), TLBI_VMALLE1.trapped(false, 0));
}

/// Traps of floating point do not wait for those of FEAT_NV, and the other way round.
fn order() {
    let old = mrs!("cptr_el2");
    msr!("cptr_el2", old | 1 << 10);
    equal("FP trapped: FPCR has the class of FP", one(NV, FPCR.read()).0, 0x07);
    equal("FP trapped: VBAR_EL2 has its own", one(NV, VBAR_EL2.read()), VBAR_EL2.trapped(true, 0));
    msr!("cptr_el2", old | 1 << 31);
    equal("T10: CPTR_EL2.TCPAC", one(NV, CPACR_EL1.read()), CPACR_EL1.trapped(true, 0));
    equal("T10: CPTR_EL2.TCPAC is not about CPTR_EL2", one(NV, CPTR_EL2.read()), CPTR_EL2.trapped(true, 0));
    msr!("cptr_el2", old);
    equal("T10: TVM", one(NV | TVM, SCTLR_EL1.write()), SCTLR_EL1.trapped(false, 0));
}

/// SPSR_EL1.M of an exception from EL1 to EL1: SVC.
fn entries(level: Level) {
    let from = |hcr| {
        let outcome = one(hcr, 0xd400_0001);
        (class_at_el1(outcome), mrs!("spsr_el1") & 0xf)
    };
    equal("E1: no NV: from EL1", from(0), (Some(0x15), 5));
    equal("E1: {NV2,NV1,NV} = 001: from EL2", from(NV), (Some(0x15), 9));
    if level.nv >= 2 || level.frac > 0 {
        equal("E1: {NV2,NV1,NV} = 101: from EL2", from(NV | NV2), (Some(0x15), 9));
        equal("E1: {NV2,NV1,NV} = 111: from EL2", from(NV | NV1 | NV2), (Some(0x15), 9));
        equal("G3: {NV2,NV1,NV} = 100: from EL1", from(NV2), (Some(0x15), 5));
        equal("G4: {NV2,NV1,NV} = 110: from EL1", from(NV1 | NV2), (Some(0x15), 5));
    }
    if level.frac == 0 {
        equal("E1: {NV2,NV1,NV} = 011: from EL1", from(NV | NV1), (Some(0x15), 5));
    }
}

fn without_nv() {
    for (name, hcr) in [("no NV", 0), ("G3: NV2 alone", NV2), ("G4: NV1 alone", NV1)] {
        equal(name, class_at_el1(one(hcr, HCR_EL2.read())), Some(0));
        equal("   SCTLR_EL12 is undefined", class_at_el1(one(hcr, SCTLR_EL12.read())), Some(0));
        equal("   VBAR_EL1 is EL1's", one(hcr, VBAR_EL1.read()), DONE);
        let c = guest_run(hcr, &[CURRENT_EL.read()], 0);
        equal("   CurrentEL is EL1", (what(c), c.x0), (DONE, 4));
    }
}
