//! Rules E2 to E4: stage 1 of EL1&0 and accesses at EL1 under HCR_EL2.{NV,NV1} = {1,1}.

use super::guest::{run as guest_run, *};
use crate::bare::harness::{equal, skip};
use core::arch::asm;
use guest_support::paging::{Tables, attr};
use guest_support::{board, boot, instruction, mrs, msr};

static TABLES: Tables<12> = Tables::new();

/// Pages of EL1's own address space, all of them the same page of code.
const EL1_PAGE: u64 = 0x10_0000_0000;
const EL0_PAGE: u64 = EL1_PAGE + 0x1000;
const XN_PAGE: u64 = EL1_PAGE + 0x2000;
const PXN_PAGE: u64 = EL1_PAGE + 0x3000;
/// Under tables of their own: UXNTable, which is PXNTable there, and APTable[0].
const BIT60: u64 = EL1_PAGE + (1 << 30);
const BIT61: u64 = EL1_PAGE + (2 << 30);

const BOTH: u64 = NV | NV1;
/// LDR X0, [X0]; LDTR X0, [X0]; STTR X0, [X0]; BR X0; MSR PAN, #1.
const LDR: u32 = 0xf940_0000;
const LDTR: u32 = 0xf840_0800;
const STTR: u32 = 0xf800_0800;
const BR: u32 = 0xd61f_0000;
const SET_PAN: u32 = 0xd500_419f;
/// Data and instruction aborts of EL1 itself, and the status of a permission fault at level 3.
const DATA: Option<(u64, u64)> = Some((0x25, 0x0f));
const FETCH: Option<(u64, u64)> = Some((0x21, 0x0f));

pub(super) fn run() {
    if mrs!("S3_0_C0_C7_4") >> 24 & 0xf == 0xe {
        skip("E2: HCR_EL2.NV1 is RES0");
        return;
    }
    tables();
    unprivileged();
    execution();
    pan();
    msr!("sctlr_el1", 0x30d0_0800);
}

fn tables() {
    let page = landing(None);
    let ram = board::RAM as u64;
    TABLES.map(ram, ram, 32 << 20, attr::NORMAL);
    let common = page | attr::NORMAL | 3;
    TABLES.set(EL1_PAGE, 3, common);
    TABLES.set(EL0_PAGE, 3, common | attr::USER | attr::PXN);
    TABLES.set(XN_PAGE, 3, common | attr::XN);
    TABLES.set(PXN_PAGE, 3, common | attr::PXN);
    TABLES.set(BIT60, 3, common);
    TABLES.set(BIT61, 3, common | attr::USER | attr::PXN);
    for (va, bit) in [(BIT60, 60), (BIT61, 61)] {
        TABLES.set(va, 1, TABLES.get(va, 1) | 1 << bit);
    }
    msr!("mair_el1", 0x44_ff_04);
    msr!("tcr_el1", 25 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 32 | 1 << 23);
    msr!("ttbr0_el1", TABLES.root());
    // SPAN, so that PAN is what the tests make it.
    msr!("sctlr_el1", 0x30d0_0800 | 1 << 23 | 1 | 1 << 2 | 1 << 12);
}

/// Class and status of the abort that EL1 took, if it did; the change of NV1 is one of what TLBs hold.
fn abort(hcr: u64, words: &[u32], x0: u64) -> Option<(u64, u64)> {
    instruction!("dsb sy", "tlbi alle1", "dsb sy", "isb");
    let c = guest_run(hcr, words, x0);
    instruction!("dsb sy", "tlbi alle1", "dsb sy", "isb");
    if what(c) == AT_EL1 {
        let esr = mrs!("esr_el1");
        return Some((esr >> 26, esr & 0x3f));
    }
    let fine = matches!(what(c), DONE | LANDED);
    (!fine).then_some((c.class, c.iss))
}

fn unprivileged() {
    equal("E4: LDTR of a page of EL1 faults", abort(0, &[LDTR], EL1_PAGE), DATA);
    equal("E4: with NV alone too", abort(NV, &[LDTR], EL1_PAGE), DATA);
    equal("E4: with {NV,NV1} LDTR is LDR", abort(BOTH, &[LDTR], EL1_PAGE), None);
    equal("E4: with {NV,NV1} STTR is STR", abort(BOTH, &[STTR], EL1_PAGE + 0x800), None);
    equal("E4: not with NV1 alone", abort(NV1, &[LDTR], EL1_PAGE), DATA);
    // AP[1] and APTable[0] as 0: EL0 may not.
    let at = |hcr: u64, va: u64| {
        msr!("hcr_el2", boot::HCR_EL2 | hcr);
        // SAFETY: changes PAR_EL1 only.
        unsafe { asm!("dsb sy", "tlbi alle1", "dsb sy", "isb", "at s1e0r, {}", "isb", in(reg) va) };
        msr!("hcr_el2", boot::HCR_EL2);
        mrs!("par_el1") & 0x7f
    };
    equal("E2: a page of EL0 is EL0's", at(0, EL0_PAGE), 0);
    equal("E2: with {NV,NV1} AP[1] is ignored", at(BOTH, EL0_PAGE), 0x0f << 1 | 1);
    equal("E2: APTable[0] takes EL0's page away", at(0, BIT61), 0x0f << 1 | 1);
    // Then EL1 may not lose it either: with APTable[0] ignored nothing but AP[1] is missing.
    equal("E2: with {NV,NV1} EL1 reads it", abort(BOTH, &[LDR], BIT61), None);
}

fn execution() {
    equal("E2: EL1 executes its page", abort(0, &[BR], EL1_PAGE), None);
    equal("E2: bit 54 is not about EL1", abort(0, &[BR], XN_PAGE), None);
    equal("E2: with {NV,NV1} it is PXN", abort(BOTH, &[BR], XN_PAGE), FETCH);
    equal("E2: bit 53 is PXN", abort(0, &[BR], PXN_PAGE), FETCH);
    equal("E2: with {NV,NV1} it is nothing", abort(BOTH, &[BR], PXN_PAGE), None);
    equal("E2: with NV alone it is PXN", abort(NV, &[BR], PXN_PAGE), FETCH);
    equal("E2: bit 60 of a table is not about EL1", abort(0, &[BR], BIT60), None);
    equal("E2: with {NV,NV1} it is PXNTable", abort(BOTH, &[BR], BIT60), FETCH);
}

fn pan() {
    if mrs!("id_aa64mmfr1_el1") >> 20 & 0xf == 0 {
        skip("E3: FEAT_PAN is not implemented");
        return;
    }
    equal("E3: PAN: EL1 may not read EL0's page", abort(0, &[SET_PAN, LDR], EL0_PAGE), DATA);
    equal("E3: nor with NV alone", abort(NV, &[SET_PAN, LDR], EL0_PAGE), DATA);
    equal("E3: with {NV,NV1} it may", abort(BOTH, &[SET_PAN, LDR], EL0_PAGE), None);
    let c = guest_run(BOTH, &[SET_PAN, PAN.read()], 0);
    equal("E3: and PAN still reads as set", (what(c), c.x0), (DONE, 1 << 22));
}
