//! Storms of stage 2: EL2 changes what intermediate physical addresses lead to while guests at EL1 use them, and gives
//! VMIDs to other machines.

use super::crew::{self, CPUS};
use super::interrupts;
use super::probe::IPA_WINDOW;
use super::random::Random;
use super::report;
use super::storm::{BLOCK, COUNTS, Content, Slot, Window, change, slots, use_slots};
use super::world::{E2H, MAIR, SCTLR, TCR, Table};
use core::arch::{asm, global_asm};
use core::sync::atomic::Ordering;
use guest_support::paging::attr;
use guest_support::sysreg::cpu;
use guest_support::{boot, instruction, lower, mrs, msr, vectors};

/// Slots of the window: pages, then blocks.
const PAGES: usize = 24;
const BLOCKS: usize = 8;
const SLOTS: usize = PAGES + BLOCKS;
const GIB: u64 = 1 << 30;
/// Memory that nothing else uses.
const PAGE_POOL: u64 = 0x4a20_0000;
const BLOCK_POOL: u64 = 0x4d00_0000;
/// The page of its own that each machine has, as an intermediate physical address.
const OWN: u64 = 3 << 30;

const fn slot(n: usize) -> Slot {
    if n < PAGES {
        Slot::page(n, IPA_WINDOW + (n as u64 * 7 % 512) * 0x1000, PAGE_POOL + n as u64 * 0x2000)
    } else {
        let block = (n - PAGES) as u64;
        Slot::block(IPA_WINDOW + (1 + block) * BLOCK, BLOCK_POOL + block * 2 * BLOCK)
    }
}

static ALL: [Slot; SLOTS] = slots!(SLOTS, slot);

pub(crate) static WINDOW: Window = Window { slots: &ALL, map, invalidate };

/// Machines: the first has the window, all have a page of their own.
const MACHINES: usize = 5;
static ROOTS: [Table; MACHINES] = [const { Table::new() }; MACHINES];
static OWN_2: [Table; MACHINES] = [const { Table::new() }; MACHINES];
static OWN_3: [Table; MACHINES] = [const { Table::new() }; MACHINES];
static OWN_PAGES: [Table; MACHINES] = [const { Table::new() }; MACHINES];
static LEVEL_2: Table = Table::new();
static LEVEL_3: Table = Table::new();
/// Stage 1 of the guests: everything is where it is.
static GUEST: Table = Table::new();

/// The VMID of the machine with the window, the same on all CPUs.
const SHARED: u64 = 1;
const VTCR: u64 = 25 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | 1 << 31;

/// Builds the tables; once.
pub(crate) fn build() {
    for n in 0..MACHINES {
        ROOTS[n].set(0, attr::S2_DEVICE | 1);
        ROOTS[n].set(1, GIB | attr::S2_NORMAL | 1);
        ROOTS[n].link((OWN / GIB) as usize, &OWN_2[n]);
        OWN_2[n].link(0, &OWN_3[n]);
        OWN_3[n].set(0, OWN_PAGES[n].address() | attr::S2_NORMAL | 3);
        OWN_PAGES[n].set(0, n as u64);
    }
    ROOTS[0].link((IPA_WINDOW / GIB) as usize, &LEVEL_2);
    LEVEL_2.link(0, &LEVEL_3);
    GUEST.set(0, attr::DEVICE | attr::XN | 1);
    for n in 1..4 {
        GUEST.set(n, (n as u64 * GIB) | attr::NORMAL | 1);
    }
    instruction!("dsb ish", "isb");
}

fn map(slot: &Slot, to: Option<(u64, bool)>) {
    let descriptor = to.map(|(place, read_only)| {
        place | if read_only { attr::S2_NORMAL & !(1 << 7) } else { attr::S2_NORMAL }
    });
    slot.describe([&LEVEL_2, &LEVEL_3], descriptor);
}

/// Invalidates an intermediate physical address of the current VMID, and what was made of it together with stage 1.
fn invalidate(slot: &Slot, random: &mut Random) {
    let page = slot.address >> 12;
    match random.below(5) {
        0 => instruction!("tlbi vmalls12e1is"),
        1 => instruction!("tlbi alle1is"),
        2 => {
            // SAFETY: TLB maintenance.
            unsafe {
                asm!("tlbi ipas2le1is, {}", "dsb ish", "tlbi vaae1is, {}", in(reg) page, in(reg) page,
                          options(nostack))
            };
            if slot.content == Content::Block {
                instruction!("tlbi vmalle1is");
            }
        }
        // SAFETY: TLB maintenance.
        _ => unsafe {
            asm!("tlbi ipas2e1is, {}", "dsb ish", "tlbi vmalle1is", in(reg) page, options(nostack))
        },
    }
    instruction!("dsb ish", "isb");
}

const STACK: usize = 0x4000;
#[repr(C, align(16))]
struct Stacks([[u8; STACK]; CPUS]);
static mut STACKS: Stacks = Stacks([[0; STACK]; CPUS]);

global_asm!(
    ".global stress_guest_use",
    "stress_guest_use:",
    "    bl   {used}",
    "    hvc  #0",
    ".global stress_guest_load",
    "stress_guest_load:",
    "    ldr  x0, [x0]",
    "    hvc  #0",
    used = sym used,
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn stress_guest_use();
    fn stress_guest_load();
}

/// Runs at EL1.
extern "C" fn used(number: u64) -> u64 {
    use_slots(&ALL, 24, &mut Random::new(number));
    0
}

/// VMIDs of each CPU, which its machines share.
const VMIDS: usize = 3;

pub(crate) fn job() {
    let hcr = mrs!("hcr_el2");
    msr!("hcr_el2", boot::HCR_EL2 | E2H | 1);
    msr!("vtcr_el2", VTCR);
    msr!("vttbr_el2", ROOTS[0].address() | SHARED << 48);
    let top = (&raw mut STACKS) as u64 + ((cpu() + 1) * STACK) as u64;
    msr!("sp_el1", top);
    msr!("S3_5_C12_C0_0", vectors::address(1)); // VBAR_EL12
    msr!("S3_5_C10_C2_0", MAIR); // MAIR_EL12
    msr!("S3_5_C2_C0_2", TCR | 1 << 23); // TCR_EL12, without TTBR1
    msr!("S3_5_C2_C0_0", GUEST.address()); // TTBR0_EL12
    msr!("S3_5_C1_C0_0", SCTLR); // SCTLR_EL12
    msr!("S3_5_C1_C0_2", 3 << 20); // CPACR_EL12
    instruction!("tlbi alle1", "dsb nsh", "isb");
    crew::meet();
    let mut random = Random::new(12);
    let mut owners = [usize::MAX; VMIDS];
    while !crew::is_over() {
        match random.below(8) {
            0..2 => change(&WINDOW, &mut random),
            2 => switch(&mut owners, &mut random),
            _ => _ = enter(stress_guest_use, random.next()),
        }
    }
    msr!("hcr_el2", hcr);
}

/// Runs a guest. Interrupts of EL2 are taken from EL1 whatever the mask, but must not come while ELR_EL2 is set up.
fn enter(code: unsafe extern "C" fn(), argument: u64) -> u64 {
    instruction!("msr daifset, #2");
    let answer = lower::enter(code as *const () as u64, lower::EL1, argument, 0);
    interrupts::open();
    answer
}

/// Enters another machine, under a VMID that may have been that of a third one.
fn switch(owners: &mut [usize; VMIDS], random: &mut Random) {
    let (machine, n) = (random.below(MACHINES), random.below(VMIDS));
    let vmid = 1 + SHARED + (cpu() * VMIDS + n) as u64;
    msr!("vttbr_el2", ROOTS[machine].address() | vmid << 48);
    if owners[n] != machine {
        owners[n] = machine;
        if random.below(2) == 0 {
            instruction!("tlbi vmalls12e1is");
        } else {
            instruction!("tlbi vmalls12e1");
        }
        instruction!("dsb ish", "isb");
        COUNTS.reuses.fetch_add(1, Ordering::Relaxed);
    }
    let got = enter(stress_guest_load, OWN);
    msr!("vttbr_el2", ROOTS[0].address() | SHARED << 48);
    if got != machine as u64 {
        report::violation(format_args!("VMID {vmid} of machine {machine} has the page of machine {got:#x}"));
    }
    COUNTS.switches.fetch_add(1, Ordering::Relaxed);
}
