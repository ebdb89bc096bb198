//! Sections P and N of the rules: FEAT_NV2p1, and FEAT_NV3 as far as it is known.

use super::Level;
use super::guest::{run as guest_run, *};
use crate::bare::catch::caught;
use crate::bare::harness::{beyond_qemu, equal, skip};
use guest_support::{boot, mrs, msr};

const BOTH: u64 = NV | NV2;
/// HCRX_EL2.{NVTGE,NVnTTLB,NVnTTLBIS,NVnTTLBOS}.
const NVTGE: u64 = 1 << 27;
const NVN_TTLB: u64 = 1 << 32;
const NVN_TTLBIS: u64 = 1 << 33;
const NVN_TTLBOS: u64 = 1 << 34;
/// SPSR, everything masked.
const EL0T: u64 = 0x3c0;
const EL1H: u64 = 0x3c5;
const EL2T: u64 = 0x3c8;
const EL2H: u64 = 0x3c9;

macro_rules! hcrx {
    () => {
        "S3_4_C1_C2_2"
    };
}
macro_rules! nvhcr {
    () => {
        "S3_4_C1_C5_0"
    };
}

pub(super) fn run(level: Level) {
    storage(level);
    if level.frac < 3 {
        let at_el2 = caught!(".inst 0xd53c1500", out("x0") _).map(|c| c.class);
        equal("N2: no FEAT_NV3: NVHCR_EL2 is undefined at EL2", at_el2, Some(0));
        equal("N2: and at EL1", class_at_el1(one(BOTH, NVHCR_EL2.read())), Some(0));
        skip("nested: FEAT_NV3 is not implemented");
        return;
    }
    msr!("S3_4_C2_C2_0", slots());
    registers();
    returns();
    maintenance();
    msr!(hcrx!(), 0);
    msr!("S3_4_C2_C2_0", 0);
}

/// P2 and P3: bits that hold what is written, and do nothing.
fn storage(level: Level) {
    // Without FEAT_NV2p1 they are RES0, which QEMU does not mind.
    let stored = if level.frac >= 2 { equal::<u64> } else { beyond_qemu::<u64> };
    let stateful = if level.frac >= 2 { (1 << 31, 0x1fc00) } else { (0, 0) };
    msr!("cpacr_el1", 3 << 20 | 1 << 31);
    stored("P2: CPACR_EL1.TCPAC", mrs!("cpacr_el1") & 1 << 31, stateful.0);
    equal("P1: CPACR_EL1.TCPAC traps nothing", one(0, CPACR_EL1.read()), DONE);
    msr!("cpacr_el1", 3 << 20);
    msr!("cntkctl_el1", 0x1fc00);
    stored("P3: CNTKCTL_EL1.{EL1PCTEN..EL1NVVCT}", mrs!("cntkctl_el1") & 0x1fc00, stateful.1);
    // EL1TVT traps the virtual timer where it is CNTHCTL_EL2's.
    equal("P1: CNTKCTL_EL1.EL1TVT traps nothing", one(0, Sys(3, 3, 14, 3, 1).read()), DONE);
    msr!("cntkctl_el1", 0);
    let c = guest_run(BOTH, &[CPACR_EL1.write(), CPACR_EL1.read()], 3 << 20 | 1 << 31);
    stored("P5: a guest hypervisor keeps CPTR_EL2 there", c.x0 & 1 << 31, stateful.0);
    msr!("cpacr_el1", 3 << 20);
}

fn registers() {
    msr!(nvhcr!(), E2H | TGE);
    equal("N2: NVHCR_EL2 is a register", mrs!(nvhcr!()) & (E2H | TGE), E2H | TGE);
    let bits = NVTGE | NVN_TTLB | NVN_TTLBIS | NVN_TTLBOS;
    msr!(hcrx!(), bits);
    equal("N3: HCRX_EL2.{NVTGE,NVnTTLB,NVnTTLBIS,NVnTTLBOS}", mrs!(hcrx!()) & bits, bits);

    msr!(hcrx!(), 0);
    set(0x78, 0x55);
    let c = guest_run(BOTH, &[HCR_EL2.read()], 0);
    equal("N4: NVTGE = 0: HCR_EL2 is at 078", (what(c), c.x0), (DONE, 0x55));
    equal("N5: NVTGE = 0: NVHCR_EL2 traps", one(BOTH, NVHCR_EL2.read()), NVHCR_EL2.trapped(true, 0));
    msr!(hcrx!(), NVTGE);
    let c = guest_run(BOTH, &[HCR_EL2.read()], 0);
    equal("N4: NVTGE = 1: HCR_EL2 is NVHCR_EL2", (what(c), c.x0), (DONE, mrs!(nvhcr!())));
    let c = guest_run(BOTH, &[HCR_EL2.write()], E2H | 1 << 31);
    equal(
        "N4: written too, and not the slot",
        (what(c), mrs!(nvhcr!()), get(0x78)),
        (DONE, E2H | 1 << 31, 0x55),
    );
    let before = mrs!("hcr_el2");
    equal("N4: EL2's own is another one", before, boot::HCR_EL2);
    let c = guest_run(BOTH, &[NVHCR_EL2.read()], 0);
    equal("N5: NVTGE = 1: NVHCR_EL2 is at 078", (what(c), c.x0), (DONE, 0x55));
    equal("N4: without NV both are undefined", class_at_el1(one(0, HCR_EL2.read())), Some(0));
}

/// What ERET gives with this SPSR, and what state it reached.
fn eret(word: u32, spsr: u64, nvhcr: u64, land_on: Option<u32>) -> ((u64, u64), u64) {
    msr!(nvhcr!(), nvhcr);
    msr!("elr_el1", landing(land_on));
    msr!("spsr_el1", spsr);
    let c = guest_run(BOTH | API, &[word], 0);
    (what(c), c.spsr & 0xf)
}

fn returns() {
    let host = E2H | TGE;
    msr!(hcrx!(), 0);
    equal("N6: NVTGE = 0: ERET to EL2h traps", eret(ERET, EL2H, host, None), ((0x1a, 0), 5));
    msr!(hcrx!(), NVTGE);
    equal("N6: ERET to EL2h is one to EL1h", eret(ERET, EL2H, 0, None), (LANDED, 5));
    equal("N6: ERET to EL2t is one to EL1t", eret(ERET, EL2T, 0, None), (LANDED, 4));
    // At EL0 the landing's SVC goes to EL1's vectors, whose HVC says so.
    equal("N6: {E2H,TGE} = {1,1}: ERET to EL0t is one", eret(ERET, EL0T, host, Some(SVC4)), (AT_EL1, 5));
    equal("   from EL0", (mrs!("esr_el1") >> 26, mrs!("spsr_el1") & 0xf), (0x15, 0));
    equal("N6: TGE = 0: ERET to EL0t traps", eret(ERET, EL0T, E2H, None), ((0x1a, 0), 5));
    equal("N6: E2H = 0: ERET to EL0t traps", eret(ERET, EL0T, TGE, None), ((0x1a, 0), 5));
    equal("N6: ERET to EL1h traps", eret(ERET, EL1H, host, None), ((0x1a, 0), 5));
    equal("N6: ERETAA to EL1h traps", eret(ERETAA, EL1H, host, None), ((0x1a, 2), 5));
    equal("N6: an ERET to AArch32 traps", eret(ERET, 0x1d0, host, None), ((0x1a, 0), 5));
    // HFGITR_EL2.ERET is another trap.
    let old = mrs!("S3_4_C1_C1_6");
    msr!("S3_4_C1_C1_6", old | 1 << 51);
    equal("N6: the fine-grained trap stays", eret(ERET, EL2H, 0, None), ((0x1a, 0), 5));
    msr!("S3_4_C1_C1_6", old);
}

fn maintenance() {
    let tlbi = |hcrx: u64, nvhcr: u64, insn: Sys| {
        msr!(hcrx!(), hcrx);
        msr!(nvhcr!(), nvhcr);
        one(BOTH | TTLB, insn.write())
    };
    let host = E2H | TGE;
    let trapped = TLBI_VMALLE1.trapped(false, 0);
    equal("N7: TGE = 1: TLBI is not trapped", tlbi(NVTGE | NVN_TTLB, host, TLBI_VMALLE1), DONE);
    equal("N7: TGE = 0: it is", tlbi(NVTGE | NVN_TTLB, E2H, TLBI_VMALLE1), trapped);
    equal("N7: NVnTTLB = 0: it is", tlbi(NVTGE, host, TLBI_VMALLE1), trapped);
    // TTLBIS and TTLBOS, of FEAT_EVT.
    let shared = |trap: u64, hcrx: u64, nvhcr: u64, insn: Sys| {
        msr!(hcrx!(), hcrx);
        msr!(nvhcr!(), nvhcr);
        one(BOTH | trap, insn.write())
    };
    let is = |hcrx: u64, nvhcr: u64| shared(1 << 54, hcrx, nvhcr, TLBI_VMALLE1IS);
    let os = |hcrx: u64, nvhcr: u64| shared(1 << 55, hcrx, nvhcr, TLBI_VMALLE1OS);
    equal("N7: NVnTTLBIS is for TTLBIS", is(NVTGE | NVN_TTLBIS, host), DONE);
    equal("N7: NVnTTLB is not", is(NVTGE | NVN_TTLB, host), TLBI_VMALLE1IS.trapped(false, 0));
    equal("N7: TGE = 0: TTLBIS traps", is(NVTGE | NVN_TTLBIS, E2H), TLBI_VMALLE1IS.trapped(false, 0));
    equal("N7: NVnTTLBOS is for TTLBOS", os(NVTGE | NVN_TTLBOS, host), DONE);
    equal("N7: NVnTTLBIS is not", os(NVTGE | NVN_TTLBIS, host), TLBI_VMALLE1OS.trapped(false, 0));
    equal("N7: TGE = 0: TTLBOS traps", os(NVTGE | NVN_TTLBOS, E2H), TLBI_VMALLE1OS.trapped(false, 0));
}
