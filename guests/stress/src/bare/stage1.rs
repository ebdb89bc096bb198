//! Storms of stage 1: pages, code and blocks of both halves, global and not, and processes that share ASIDs.

use super::probe;
use super::random::Random;
use super::report;
use super::storm::{BLOCK, COUNTS, Content, Slot, Window, change, slots, use_slots};
use super::world::{PRIVATE_PAGE, PROCESSES, Table, WINDOWS, ttbr0};
use super::{crew, interrupts};
use core::arch::asm;
use core::sync::atomic::Ordering;
use guest_support::paging::attr;
use guest_support::sysreg::cpu;
use guest_support::{instruction, mrs, msr};

/// Slots of each half: pages first, every other pair of them global, then blocks.
const PAGES: usize = 32;
const BLOCKS: usize = 4;
const SLOTS: usize = 2 * (PAGES + BLOCKS);

/// Level 2 and 3 of the windows.
static LEVEL_2: [Table; 2] = [const { Table::new() }; 2];
static LEVEL_3: [Table; 2] = [const { Table::new() }; 2];

/// Memory that nothing else uses.
const PAGE_POOL: u64 = 0x4a00_0000;
const BLOCK_POOL: u64 = 0x4b00_0000;

const fn slot(n: usize) -> Slot {
    let (half, index) = (n / (PAGES + BLOCKS), n % (PAGES + BLOCKS));
    let base = WINDOWS[half];
    if index < PAGES {
        let number = (half * PAGES + index) as u64;
        // Neighbours in the table, and some far from it.
        let page = (index as u64 * 5) % 512;
        Slot::page(index, base + page * 0x1000, PAGE_POOL + number * 0x2000)
    } else {
        let number = (half * BLOCKS + index - PAGES) as u64;
        Slot::block(base + (1 + (index - PAGES) as u64) * BLOCK, BLOCK_POOL + number * 2 * BLOCK)
    }
}

static ALL: [Slot; SLOTS] = slots!(SLOTS, slot);

pub(crate) static WINDOW: Window = Window { slots: &ALL, map, invalidate };

/// The tables of the windows, low and high.
pub(crate) fn windows() -> [&'static Table; 2] {
    for half in 0..2 {
        LEVEL_2[half].link(0, &LEVEL_3[half]);
    }
    [&LEVEL_2[0], &LEVEL_2[1]]
}

fn half(slot: &Slot) -> usize {
    usize::from(slot.address >> 63 != 0)
}

/// Whether a slot is valid for all ASIDs.
fn is_global(slot: &Slot) -> bool {
    slot.content == Content::Block || slot.places[0] >> 14 & 1 == 0
}

fn map(slot: &Slot, to: Option<(u64, bool)>) {
    let descriptor = to.map(|(place, read_only)| {
        let access = if read_only { attr::READ_ONLY } else { 0 };
        let global = if is_global(slot) { 0 } else { attr::NOT_GLOBAL };
        place | attr::NORMAL | access | global
    });
    let half = half(slot);
    slot.describe([&LEVEL_2[half], &LEVEL_3[half]], descriptor);
}

macro_rules! tlbi {
    ($operation:literal, $operand:expr) => {{
        let operand: u64 = $operand;
        // SAFETY: TLB maintenance.
        unsafe { asm!(concat!($operation, ", {}"), in(reg) operand, options(nostack)) }
    }};
}

fn has_ranges() -> bool {
    // ID_AA64ISAR0_EL1.TLB
    mrs!("S3_0_C0_C6_0") >> 56 & 0xf >= 2
}

fn invalidate(slot: &Slot, random: &mut Random) {
    let page = slot.address << 8 >> 20;
    let any_asid = (random.next() & 0xff) << 48;
    match random.below(9) {
        // Global translations are those of every ASID.
        0 if is_global(slot) => tlbi!("tlbi vae1is", page | any_asid),
        1 if is_global(slot) => tlbi!("tlbi vale1is", page | any_asid),
        2 => tlbi!("tlbi vaale1is", page),
        3 => instruction!("tlbi vmalle1is"),
        4 => {
            instruction!("tlbi vmalle1", "dsb nsh");
            interrupts::synchronise_others();
        }
        // Of two pages, or of 64 with others around it.
        5 if has_ranges() => {
            let base = slot.address >> 12 & 0x1f_ffff_ffff;
            tlbi!("sys #0, c8, c2, #3", base | 1 << 46);
        }
        6 if has_ranges() => {
            let base = (slot.address >> 12 & 0x1f_ffff_ffff) - 20;
            tlbi!("sys #0, c8, c2, #3", base | 1 << 44 | 1 << 46);
        }
        7 if has_ranges() && is_global(slot) => {
            let base = slot.address >> 12 & 0x1f_ffff_ffff;
            tlbi!("sys #0, c8, c2, #1", base | any_asid | 1 << 46);
        }
        _ => tlbi!("tlbi vaae1is", page),
    }
    instruction!("dsb ish", "isb");
}

/// ASIDs of each CPU, which its processes share.
const ASIDS: usize = 4;

pub(crate) fn job() {
    let mut random = Random::new(11);
    let mut owners = [usize::MAX; ASIDS];
    while !crew::is_over() {
        match random.below(8) {
            0..2 => change(&WINDOW, &mut random),
            2 => switch(&mut owners, &mut random),
            _ => use_slots(&ALL, 8, &mut random),
        }
    }
    msr!("ttbr0_el1", ttbr0(0, 0));
}

/// Goes to another process, under an ASID that may have been that of a third one.
fn switch(owners: &mut [usize; ASIDS], random: &mut Random) {
    let (process, n) = (random.below(PROCESSES), random.below(ASIDS));
    let asid = (1 + cpu() * ASIDS + n) as u64;
    if owners[n] != process {
        owners[n] = process;
        // Nothing may be translated under the ASID meanwhile.
        msr!("ttbr0_el1", ttbr0(0, 0));
        match random.below(3) {
            0 => tlbi!("tlbi aside1is", asid << 48),
            1 => tlbi!("tlbi aside1", asid << 48),
            _ => tlbi!("tlbi vae1is", PRIVATE_PAGE >> 12 | asid << 48),
        }
        instruction!("dsb ish", "isb");
        COUNTS.reuses.fetch_add(1, Ordering::Relaxed);
    }
    msr!("ttbr0_el1", ttbr0(process, asid));
    let got = probe::load(PRIVATE_PAGE);
    if got != process as u64 {
        report::violation(format_args!("ASID {asid} of process {process} has the page of process {got}"));
    }
    COUNTS.switches.fetch_add(1, Ordering::Relaxed);
}
