//! What the loops run in: stage 1 of EL2 and EL1 and stage 2, each one level of 1 GiB blocks that map RAM to itself.

use core::arch::asm;
use guest_support::paging::{Tables, attr};
use guest_support::{boot, instruction, lower, mrs, msr, sysreg, vectors};

static STAGE_1: Tables<1> = Tables::new();
static STAGE_2: Tables<1> = Tables::new();

const VTCR: u64 = 25 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | 1 << 31;
const GIB: u64 = 1 << 30;
const HCR_VM: u64 = 1;
/// HCR_EL2.NV and NV2.
pub(crate) const NESTED: u64 = 1 << 42 | 1 << 45;
/// Pages that loops at EL2 and at EL1 touch.
const PAGES: [u64; 2] = [0x4900_0000, 0x4a00_0000];
/// What loads, stores and atomics of the first CPU use; those of the others follow at this distance, farther than a host
/// that fetches neighbouring cache lines together looks.
const DATA: u64 = 0x4800_0000;
const DATA_DISTANCE: u64 = 0x1_0000;

/// Which two values a loop finds in X10 and X11.
#[derive(Clone, Copy)]
pub(crate) enum Pair {
    /// None.
    Nothing,
    /// HCR_EL2, twice the same.
    HcrSame,
    /// HCR_EL2 with VM clear and set.
    HcrVm,
    /// TTBR0_EL1 with two ASIDs.
    Asid,
    /// VTTBR_EL2 with two VMIDs.
    Vmid,
}

impl Pair {
    fn values(self) -> [u64; 2] {
        let tagged = |root: u64| [root | 1 << 48, root | 2 << 48];
        match self {
            Pair::Nothing => [0; 2],
            Pair::HcrSame => [boot::HCR_EL2; 2],
            Pair::HcrVm => [boot::HCR_EL2, boot::HCR_EL2 | HCR_VM],
            Pair::Asid => tagged(STAGE_1.root()),
            Pair::Vmid => tagged(STAGE_2.root()),
        }
    }

    /// X10, X11, and the pages to touch at EL2 (X16) and at EL1 (X17), for a loop to load.
    fn block(self, data: u64) -> [u64; 5] {
        let [a, b] = self.values();
        [a, b, PAGES[0], PAGES[1], data]
    }
}

/// Turns the translations on.
pub(crate) fn build() {
    for gib in 0..2 {
        let memory = gib == 1;
        let stage_1 = if memory { attr::NORMAL } else { attr::DEVICE | attr::XN };
        let stage_2 = if memory { attr::S2_NORMAL } else { attr::S2_DEVICE };
        STAGE_1.set(gib * GIB, 1, (gib * GIB) | stage_1 | 1);
        STAGE_2.set(gib * GIB, 1, (gib * GIB) | stage_2 | 1);
    }
    instruction!("dsb ish", "isb");
    enter();
    msr!("mair_el1", mrs!("mair_el2"));
    msr!("tcr_el1", 25 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 32 | 1 << 23);
    msr!("ttbr0_el1", STAGE_1.root() | 1 << 48);
    msr!("sctlr_el1", mrs!("sctlr_el1") | 1 | 1 << 2 | 1 << 12);
    msr!("vtcr_el2", VTCR);
    msr!("vttbr_el2", STAGE_2.root() | 1 << 48);
    // EnIA, for pointer authentication with key A.
    msr!("sctlr_el2", mrs!("sctlr_el2") | 1 << 31);
    instruction!("tlbi alle2", "tlbi alle1", "dsb sy", "isb");
}

/// Turns stage 1 of EL2 on, on this CPU.
pub(crate) fn enter() {
    STAGE_1.enable();
}

/// Whose data a loop uses.
#[derive(Clone, Copy)]
pub(crate) enum Data {
    /// The CPU's own.
    Own,
    /// The first CPU's.
    Shared,
}

impl Data {
    fn address(self) -> u64 {
        match self {
            Data::Own => DATA + DATA_DISTANCE * sysreg::cpu() as u64,
            Data::Shared => DATA,
        }
    }
}

/// Runs a loop at EL2.
pub(crate) fn run_el2(code: unsafe extern "C" fn(), pair: Pair, data: Data, iterations: u64) {
    let block = pair.block(data.address());
    // SAFETY: the loops change what the C ABI lets them change, and V0 to V7, which this target does not use.
    unsafe {
        asm!("blr {code}", code = in(reg) code, inout("x0") iterations => _, inout("x1") block.as_ptr() => _,
             clobber_abi("C"));
    }
}

/// Runs a loop at EL1 under stage 2, with its handler at EL2 and these bits of HCR_EL2 in addition.
pub(crate) fn run_el1(
    code: unsafe extern "C" fn(),
    table: unsafe extern "C" fn(),
    pair: Pair,
    hcr: u64,
    iterations: u64,
) {
    let block = pair.block(DATA);
    msr!("vbar_el2", table as *const () as u64);
    msr!("hcr_el2", boot::HCR_EL2 | HCR_VM | hcr);
    if hcr & NESTED != 0 {
        // VNCR_EL2.
        msr!("S3_4_C2_C2_0", DATA);
    }
    lower::enter(code as *const () as u64, lower::EL1, iterations, block.as_ptr() as u64);
    msr!("hcr_el2", boot::HCR_EL2);
    vectors::install();
}
