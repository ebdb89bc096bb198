//! What tests run in: a regime with two ranges and ASIDs, which is EL1's, or EL2's under HCR_EL2.{E2H,TGE} = {1,1}. The
//! registers have the same names in both.

use guest_support::paging::attr;
use guest_support::sysreg::current_el;
use guest_support::{boot, instruction, mrs, msr};

/// HCR_EL2 of a host: E2H and TGE.
const HOST: u64 = boot::HCR_EL2 | E2H | TGE;
pub(crate) const E2H: u64 = 1 << 34;
const TGE: u64 = 1 << 27;

/// TCR: two ranges of 39 bits with 4 KiB pages, inner shareable write-back walks, 40-bit output.
pub(crate) const TCR: u64 = {
    let low = 25 | 1 << 8 | 1 << 10 | 3 << 12;
    let high = 25 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2 << 30;
    low | high | 2 << 32
};
/// Attr0 Device-nGnRE, Attr1 Normal write-back.
pub(crate) const MAIR: u64 = 0xff_04;
/// RES1, and M, C and I.
pub(crate) const SCTLR: u64 = 0x30d0_0800 | 1 | 1 << 2 | 1 << 12;

/// A translation table. Descriptors are written while other CPUs walk.
#[repr(C, align(4096))]
pub(crate) struct Table([core::sync::atomic::AtomicU64; 512]);

impl Table {
    /// Nothing is mapped.
    pub(crate) const fn new() -> Table {
        Table([const { core::sync::atomic::AtomicU64::new(0) }; 512])
    }

    /// Its address.
    pub(crate) fn address(&self) -> u64 {
        self.0.as_ptr() as u64
    }

    /// Sets a descriptor; no maintenance.
    pub(crate) fn set(&self, index: usize, descriptor: u64) {
        self.0[index].store(descriptor, core::sync::atomic::Ordering::Relaxed);
    }

    /// Makes a descriptor lead to another table.
    pub(crate) fn link(&self, index: usize, table: &Table) {
        self.set(index, table.address() | 3);
    }
}

/// Processes, between which each CPU switches.
pub(crate) const PROCESSES: usize = 6;

/// Level 1 of each process: devices, RAM, the windows of all, and its own page.
static ROOTS: [Table; PROCESSES] = [const { Table::new() }; PROCESSES];
static PRIVATE_2: [Table; PROCESSES] = [const { Table::new() }; PROCESSES];
static PRIVATE_3: [Table; PROCESSES] = [const { Table::new() }; PROCESSES];
static PRIVATE: [Table; PROCESSES] = [const { Table::new() }; PROCESSES];
/// Level 1 of the high half.
static HIGH: Table = Table::new();

const GIB: u64 = 1 << 30;
/// Which entries of level 1 lead to the windows of the storm and to the page of the process.
const WINDOW: usize = 4;
const OWN: usize = 5;

/// Where the window of the storm is in the low and in the high half.
pub(crate) const WINDOWS: [u64; 2] = [WINDOW as u64 * GIB, 0xffff_ff80_0000_0000 + WINDOW as u64 * GIB];
/// Where each process has its own page, whose first word is its number.
pub(crate) const PRIVATE_PAGE: u64 = OWN as u64 * GIB;

/// Builds the tables; once.
pub(crate) fn build() {
    let [low, high] = super::stage1::windows();
    for n in 0..PROCESSES {
        ROOTS[n].set(0, attr::DEVICE | attr::XN | 1);
        ROOTS[n].set(1, GIB | attr::NORMAL | 1);
        ROOTS[n].link(WINDOW, low);
        ROOTS[n].link(OWN, &PRIVATE_2[n]);
        PRIVATE_2[n].link(0, &PRIVATE_3[n]);
        PRIVATE_3[n].set(0, PRIVATE[n].address() | attr::NORMAL | attr::NOT_GLOBAL | 3);
        PRIVATE[n].set(0, n as u64);
    }
    HIGH.link(WINDOW, high);
    instruction!("dsb ish", "isb");
}

/// TTBR0 of a process under an ASID.
pub(crate) fn ttbr0(process: usize, asid: u64) -> u64 {
    ROOTS[process].address() | asid << 48
}

/// Takes this CPU into the regime.
pub(crate) fn enter() {
    if current_el() == 2 {
        msr!("hcr_el2", HOST);
    }
    msr!("cpacr_el1", 3 << 20);
    msr!("mair_el1", MAIR);
    msr!("tcr_el1", TCR);
    msr!("ttbr0_el1", ttbr0(0, 0));
    msr!("ttbr1_el1", HIGH.address());
    instruction!("tlbi vmalle1", "dsb nsh", "isb");
    msr!("sctlr_el1", SCTLR);
}

/// Takes it back to where it has come from.
pub(crate) fn leave() {
    msr!("sctlr_el1", mrs!("sctlr_el1") & !1);
    if current_el() == 2 {
        msr!("hcr_el2", boot::HCR_EL2);
    }
}
