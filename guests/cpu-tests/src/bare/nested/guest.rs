//! Running single instructions at EL1 under some HCR_EL2, with everything that happens to them coming to EL2.

use crate::bare::catch::{Caught, enter};
use core::arch::asm;
use core::cell::UnsafeCell;
use guest_support::{boot, instruction, lower, mrs, msr};

pub(super) const E2H: u64 = 1 << 34;
pub(super) const TGE: u64 = 1 << 27;
pub(super) const TVM: u64 = 1 << 26;
pub(super) const TTLB: u64 = 1 << 25;
pub(super) const TSC: u64 = 1 << 19;
pub(super) const API: u64 = 3 << 40;
pub(super) const NV: u64 = 1 << 42;
pub(super) const NV1: u64 = 1 << 43;
pub(super) const AT: u64 = 1 << 44;
pub(super) const NV2: u64 = 1 << 45;

/// HVC #1: the end of a snippet that ran.
const HVC1: u32 = 0xd400_0022;
/// HVC #2: an exception was taken to EL1.
const HVC2: u32 = 0xd400_0042;
/// HVC #3: a return came here.
const HVC3: u32 = 0xd400_0062;
/// SVC #4: a return came here, at EL0.
pub(super) const SVC4: u32 = 0xd400_0081;
pub(super) const ERET: u32 = 0xd69f_03e0;
pub(super) const ERETAA: u32 = 0xd69f_0bff;
pub(super) const ERETAB: u32 = 0xd69f_0fff;

/// The class and ISS of a snippet that ran to its end.
pub(super) const DONE: (u64, u64) = (0x16, 1);
/// The same of one that took an exception to EL1.
pub(super) const AT_EL1: (u64, u64) = (0x16, 2);
/// The same of one that returned to [`landing`] at EL1.
pub(super) const LANDED: (u64, u64) = (0x16, 3);

#[repr(C, align(4096))]
pub(super) struct Page(UnsafeCell<[u32; 1024]>);
// SAFETY: used by one CPU.
unsafe impl Sync for Page {}

/// A snippet, EL1's vectors, where returns go to, and the page of VNCR_EL2.
static CODE: Page = Page(UnsafeCell::new([0; 1024]));
static VECTORS: Page = Page(UnsafeCell::new([HVC2; 1024]));
static LANDING: Page = Page(UnsafeCell::new([HVC3; 1024]));
static SLOTS: Page = Page(UnsafeCell::new([0; 1024]));

impl Page {
    pub(super) fn address(&self) -> u64 {
        self.0.get() as u64
    }

    /// Makes the page's first words these, as code.
    pub(super) fn write(&self, words: &[u32]) {
        let at = self.address();
        for (to, word) in (at..).step_by(4).zip(words.iter().take(1024)) {
            // SAFETY: inside of the page.
            unsafe { (to as *mut u32).write_volatile(*word) };
        }
        // SAFETY: cache maintenance; a line has at least 64 bytes, and no snippet is longer.
        unsafe { asm!("dc cvau, {0}", "dsb ish", "ic ivau, {0}", "dsb ish", "isb", in(reg) at) };
    }
}

/// Where the snippet is.
pub(super) fn code() -> u64 {
    CODE.address()
}

/// Where exception returns of tests go to: HVC #3, or an instruction of choice.
pub(super) fn landing(word: Option<u32>) -> u64 {
    LANDING.write(&[word.unwrap_or(HVC3)]);
    LANDING.address()
}

pub(super) fn vectors() -> u64 {
    VECTORS.address()
}

/// The page of VNCR_EL2.
pub(super) fn slots() -> u64 {
    SLOTS.address()
}

pub(super) fn set(offset: u64, value: u64) {
    // SAFETY: inside of the page.
    unsafe { ((slots() + (offset & 0xff8)) as *mut u64).write_volatile(value) };
    instruction!("dsb sy");
}

pub(super) fn get(offset: u64) -> u64 {
    instruction!("dsb sy");
    // SAFETY: inside of the page.
    unsafe { ((slots() + (offset & 0xff8)) as *const u64).read_volatile() }
}

/// EL1 as the tests want it: stage 1 off, exceptions reported.
pub(super) fn prepare() {
    VECTORS.write(&[]);
    msr!("sctlr_el1", 0x30d0_0800);
    msr!("vbar_el1", vectors());
}

/// Makes the snippet these words.
pub(super) fn prepared(words: &[u32]) {
    CODE.write(words);
}

/// Runs words at EL1 under bits of HCR_EL2 with a value in X0; what came to EL2.
pub(super) fn run(hcr: u64, words: &[u32], x0: u64) -> Caught {
    let mut all = [HVC1; 8];
    for (to, from) in all.iter_mut().zip(words) {
        *to = *from;
    }
    CODE.write(&all);
    msr!("hcr_el2", boot::HCR_EL2 | hcr);
    let caught = enter(code(), lower::EL1, x0, 0);
    msr!("hcr_el2", boot::HCR_EL2);
    caught
}

/// The class and ISS.
pub(super) fn what(c: Caught) -> (u64, u64) {
    (c.class, c.iss)
}

/// What running one word gave, by class and ISS.
pub(super) fn one(hcr: u64, word: u32) -> (u64, u64) {
    what(run(hcr, &[word], 0))
}

/// The class that EL1 took, if one did.
pub(super) fn class_at_el1(outcome: (u64, u64)) -> Option<u64> {
    (outcome == AT_EL1).then(|| mrs!("esr_el1") >> 26)
}

/// A system register or instruction by its numbers.
#[derive(Clone, Copy)]
pub(super) struct Sys(pub(super) u32, pub(super) u32, pub(super) u32, pub(super) u32, pub(super) u32);

impl Sys {
    fn word(self, read: bool, rt: u32) -> u32 {
        let Sys(op0, op1, crn, crm, op2) = self;
        0xd500_0000 | u32::from(read) << 21 | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5 | rt
    }

    /// MRS X0.
    pub(super) fn read(self) -> u32 {
        self.word(true, 0)
    }

    /// MSR or SYS with X0.
    pub(super) fn write(self) -> u32 {
        self.word(false, 0)
    }

    /// MRS X5.
    pub(super) fn read_x5(self) -> u32 {
        self.word(true, 5)
    }

    /// Class and ISS of the trap of an access with X`rt`.
    pub(super) fn trapped(self, read: bool, rt: u64) -> (u64, u64) {
        let Sys(op0, op1, crn, crm, op2) = self;
        let [op0, op1, crn, crm, op2] = [op0, op1, crn, crm, op2].map(u64::from);
        let iss = op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 | crm << 1 | u64::from(read);
        (0x18, iss)
    }
}

macro_rules! registers {
    ($($name:ident = $a:literal, $b:literal, $c:literal, $d:literal, $e:literal;)*) => {
        $(pub(super) const $name: Sys = Sys($a, $b, $c, $d, $e);)*
    };
}

registers! {
    ACTLR_EL1 = 3, 0, 1, 0, 1;
    CPACR_EL1 = 3, 0, 1, 0, 2;
    SCTLR_EL1 = 3, 0, 1, 0, 0;
    SPSR_EL1 = 3, 0, 4, 0, 0;
    ELR_EL1 = 3, 0, 4, 0, 1;
    VBAR_EL1 = 3, 0, 12, 0, 0;
    CNTKCTL_EL1 = 3, 0, 14, 1, 0;
    SCXTNUM_EL1 = 3, 0, 13, 0, 7;
    CURRENT_EL = 3, 0, 4, 2, 2;
    SPSEL = 3, 0, 4, 2, 0;
    PAN = 3, 0, 4, 2, 3;
    IAR1 = 3, 0, 12, 12, 0;
    EOIR1 = 3, 0, 12, 12, 1;
    FPCR = 3, 3, 4, 4, 0;
    SCTLR_EL2 = 3, 4, 1, 0, 0;
    HCR_EL2 = 3, 4, 1, 1, 0;
    MDCR_EL2 = 3, 4, 1, 1, 1;
    CPTR_EL2 = 3, 4, 1, 1, 2;
    HACR_EL2 = 3, 4, 1, 1, 7;
    NVHCR_EL2 = 3, 4, 1, 5, 0;
    TTBR0_EL2 = 3, 4, 2, 0, 0;
    TTBR1_EL2 = 3, 4, 2, 0, 1;
    TCR_EL2 = 3, 4, 2, 0, 2;
    VTTBR_EL2 = 3, 4, 2, 1, 0;
    VNCR_EL2 = 3, 4, 2, 2, 0;
    DACR32_EL2 = 3, 4, 3, 0, 0;
    SPSR_EL2 = 3, 4, 4, 0, 0;
    ELR_EL2 = 3, 4, 4, 0, 1;
    SP_EL1 = 3, 4, 4, 1, 0;
    SPSR_IRQ = 3, 4, 4, 3, 0;
    ESR_EL2 = 3, 4, 5, 2, 0;
    FAR_EL2 = 3, 4, 6, 0, 0;
    HPFAR_EL2 = 3, 4, 6, 0, 4;
    PMSCR_EL2 = 3, 4, 9, 9, 0;
    MAIR_EL2 = 3, 4, 10, 2, 0;
    MECIDR_EL2 = 3, 4, 10, 8, 7;
    VBAR_EL2 = 3, 4, 12, 0, 0;
    ICC_SRE_EL2 = 3, 4, 12, 9, 5;
    ICH_HCR_EL2 = 3, 4, 12, 11, 0;
    ICH_VTR_EL2 = 3, 4, 12, 11, 1;
    ICH_MISR_EL2 = 3, 4, 12, 11, 2;
    ICH_EISR_EL2 = 3, 4, 12, 11, 3;
    ICH_ELRSR_EL2 = 3, 4, 12, 11, 5;
    ICH_VMCR_EL2 = 3, 4, 12, 11, 7;
    ICH_LR3_EL2 = 3, 4, 12, 12, 3;
    CNTHCTL_EL2 = 3, 4, 14, 1, 0;
    CNTHP_CTL_EL2 = 3, 4, 14, 2, 1;
    CNTHV_CTL_EL2 = 3, 4, 14, 3, 1;
    SCTLR_EL12 = 3, 5, 1, 0, 0;
    SPSR_EL12 = 3, 5, 4, 0, 0;
    CNTKCTL_EL12 = 3, 5, 14, 1, 0;
    CNTP_TVAL_EL02 = 3, 5, 14, 2, 0;
    CNTP_CTL_EL02 = 3, 5, 14, 2, 1;
    CNTP_CVAL_EL02 = 3, 5, 14, 2, 2;
    CNTV_CTL_EL02 = 3, 5, 14, 3, 1;
    SP_EL2 = 3, 6, 4, 1, 0;
    AT_S1E1R = 1, 0, 7, 8, 0;
    AT_S1E1W = 1, 0, 7, 8, 1;
    AT_S1E0R = 1, 0, 7, 8, 2;
    AT_S1E0W = 1, 0, 7, 8, 3;
    AT_S1E1RP = 1, 0, 7, 9, 0;
    AT_S1E1WP = 1, 0, 7, 9, 1;
    AT_S1E2R = 1, 4, 7, 8, 0;
    AT_S12E1R = 1, 4, 7, 8, 4;
    TLBI_VMALLE1IS = 1, 0, 8, 3, 0;
    TLBI_VMALLE1OS = 1, 0, 8, 1, 0;
    TLBI_VMALLE1 = 1, 0, 8, 7, 0;
    TLBI_IPAS2E1 = 1, 4, 8, 4, 1;
    TLBI_VAE2 = 1, 4, 8, 7, 1;
    TLBI_ALLE1 = 1, 4, 8, 7, 4;
    TLBI_VMALLS12E1 = 1, 4, 8, 7, 6;
    CFP_RCTX = 1, 3, 7, 3, 4;
    DVP_RCTX = 1, 3, 7, 3, 5;
    CPP_RCTX = 1, 3, 7, 3, 7;
}
