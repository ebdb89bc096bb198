//! Mappings that change under the CPUs that use them: whatever was invalidated must not be used any more when the DSB
//! after it is complete.
//!
//! A slot is a page, or a block, of a window, and two places in memory. Its CPU makes it lead to one and the other in
//! turn. Each time the new place gets a higher stamp, and the old one poison once no CPU can access it any more: who
//! reads poison, or a stamp older than the one that was valid before, has used a stale translation. So has who stores
//! to the old place after it was poisoned.

use super::apart::Gate;
use super::code::RET;
use super::crew;
use super::probe::{self, FAULT, publish_code};
use super::random::Random;
use super::report;
use super::world::Table;
use super::{stage1, stage2};
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::instruction;
use guest_support::sysreg::{cpu, current_el};

const PAGE: u64 = 0x1000;
pub(crate) const BLOCK: u64 = 2 << 20;

/// What a slot leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A page of data.
    Data,
    /// A page with a function.
    Code,
    /// A block of 2 MiB, stamped in several of its pages.
    Block,
}

/// A slot of a window.
pub(crate) struct Slot {
    pub(crate) content: Content,
    /// Where it is in the window.
    pub(crate) address: u64,
    /// The places that it leads to, as physical addresses.
    pub(crate) places: [u64; 2],
    /// How often it has changed: the least significant bit says which place it leads to.
    pub(crate) stamp: AtomicU64,
    gate: Gate,
}

impl Slot {
    /// A page, of data or with a function by its index, that leads to `place` and the page behind it.
    pub(crate) const fn page(index: usize, address: u64, place: u64) -> Slot {
        let content = if (index / 4).is_multiple_of(2) { Content::Data } else { Content::Code };
        Slot::new(content, address, [place, place + PAGE])
    }

    /// A block that leads to `place` and the block behind it.
    pub(crate) const fn block(address: u64, place: u64) -> Slot {
        Slot::new(Content::Block, address, [place, place + BLOCK])
    }

    const fn new(content: Content, address: u64, places: [u64; 2]) -> Slot {
        Slot { content, address, places, stamp: AtomicU64::new(0), gate: Gate::new() }
    }

    /// Puts a descriptor, but for its type, into the slot's entry of these tables of level 2 and 3.
    pub(crate) fn describe(&self, tables: [&Table; 2], descriptor: Option<u64>) {
        let (table, shift, kind) = match self.content {
            Content::Block => (tables[0], 21, 1),
            Content::Data | Content::Code => (tables[1], 12, 3),
        };
        table.set((self.address >> shift) as usize & 0x1ff, descriptor.map_or(0, |d| d | kind));
    }
}

/// An array of the slots that a function makes of their numbers.
macro_rules! slots {
    ($count:ident, $slot:ident) => {{
        let mut slots = [const { $slot(0) }; $count];
        let mut n = 1;
        while n < $count {
            slots[n] = $slot(n);
            n += 1;
        }
        slots
    }};
}
pub(crate) use slots;

/// How a window is changed.
pub(crate) struct Window {
    pub(crate) slots: &'static [Slot],
    /// Makes a slot lead to a place, perhaps read-only, or to nothing. No maintenance.
    pub(crate) map: fn(&Slot, Option<(u64, bool)>),
    /// Removes all translations of a slot, in one of several ways; complete when it returns.
    pub(crate) invalidate: fn(&Slot, &mut Random),
}

/// What old places are filled with.
const POISON: u64 = 0xdead_dead_dead_dead;
/// Where CPUs store to in a place: a word each, in lines of their own.
const CELLS: u64 = 0x400;
/// Functions return a number of 16 bits; this one is poison.
const POISONED: u64 = 0xffff_ffff;
const FUNCTION: u64 = 0x800;

/// What was seen.
pub(crate) struct Counts {
    changes: AtomicU64,
    downgrades: AtomicU64,
    uses: AtomicU64,
    faults: AtomicU64,
    /// Switches of the ASID or VMID, and those of them that gave it to another process or machine.
    pub(crate) switches: AtomicU64,
    pub(crate) reuses: AtomicU64,
}

pub(crate) static COUNTS: Counts = Counts {
    changes: AtomicU64::new(0),
    downgrades: AtomicU64::new(0),
    uses: AtomicU64::new(0),
    faults: AtomicU64::new(0),
    switches: AtomicU64::new(0),
    reuses: AtomicU64::new(0),
};

pub(crate) fn run(milliseconds: u64) {
    let stage2 = current_el() == 2;
    let each = if stage2 { milliseconds / 2 } else { milliseconds };
    one("stage 1", each, &stage1::WINDOW, stage1::job);
    if stage2 {
        stage2::build();
        one("stage 2", each, &stage2::WINDOW, stage2::job);
    } else {
        report::skip("stage 2", "no EL2");
    }
}

fn one(name: &str, milliseconds: u64, window: &Window, job: fn()) {
    for slot in window.slots {
        stamp(slot, 0, 0);
        poison(slot, 1);
        (window.map)(slot, Some((slot.places[0], false)));
    }
    instruction!("dsb ishst", "isb");
    crew::run(milliseconds, job);
    let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
    report::done(
        name,
        format_args!(
            "{} changes, {} downgrades, {} uses, {} faults, {} switches, {} reuses",
            take(&COUNTS.changes),
            take(&COUNTS.downgrades),
            take(&COUNTS.uses),
            take(&COUNTS.faults),
            take(&COUNTS.switches),
            take(&COUNTS.reuses)
        ),
    );
}

/// Offsets of the parts of a place that are stamped.
fn parts(content: Content) -> &'static [u64] {
    match content {
        Content::Block => &[0, 0x1000, 0x10_0000, 0x1f_f000],
        Content::Data | Content::Code => &[0],
    }
}

fn word(at: u64) -> &'static AtomicU64 {
    // SAFETY: a word of memory that only slots use, mapped to itself.
    unsafe { &*(at as *const AtomicU64) }
}

/// Words in which CPUs store.
fn cells(slot: &Slot, place: usize) -> impl Iterator<Item = &'static AtomicU64> + use<> {
    let base = slot.places[place] + CELLS;
    (0..crew::CPUS as u64).map(move |n| word(base + 64 * n))
}

/// Writes a function of two instructions.
fn write_function(at: u64, instruction: u32) {
    for (n, value) in [instruction, RET].into_iter().enumerate() {
        // SAFETY: code in a place of a slot.
        unsafe { ((at + 4 * n as u64) as *mut u32).write_volatile(value) };
    }
    publish_code(at, 8);
}

/// Prepares a place for use.
fn stamp(slot: &Slot, place: usize, stamp: u64) {
    for part in parts(slot.content) {
        word(slot.places[place] + part).store(stamp, Ordering::Relaxed);
    }
    cells(slot, place).for_each(|cell| cell.store(0, Ordering::Relaxed));
    if slot.content == Content::Code {
        // movz w0, #stamp
        write_function(slot.places[place] + FUNCTION, 0x5280_0000 | (stamp as u32 & 0xffff) << 5);
    }
}

/// Fills a place that nobody may access any more.
fn poison(slot: &Slot, place: usize) {
    for part in parts(slot.content) {
        word(slot.places[place] + part).store(POISON, Ordering::Relaxed);
    }
    cells(slot, place).for_each(|cell| cell.store(POISON, Ordering::Relaxed));
    if slot.content == Content::Code {
        // movn w0, #0
        write_function(slot.places[place] + FUNCTION, 0x1280_0000);
    }
}

/// Makes a slot of this CPU lead to its other place, or makes it read-only for a while.
pub(crate) fn change(window: &Window, random: &mut Random) {
    let own = window.slots.len() / crew::count();
    let slot = &window.slots[random.below(own) * crew::count() + cpu()];
    slot.gate.close(|| change_slot(window, slot, random));
}

fn change_slot(window: &Window, slot: &Slot, random: &mut Random) {
    let old = slot.stamp.load(Ordering::Relaxed);
    let (from, to) = (old as usize & 1, !old as usize & 1);
    if random.below(4) == 0 {
        return downgrade(window, slot, from, random);
    }
    COUNTS.changes.fetch_add(1, Ordering::Relaxed);
    if cells(slot, to).any(|cell| cell.load(Ordering::Relaxed) != POISON) {
        report::violation(format_args!(
            "{:#x}: a store through a translation that was removed",
            slot.address
        ));
    }
    stamp(slot, to, old + 1);
    (window.map)(slot, None);
    instruction!("dsb ishst");
    (window.invalidate)(slot, random);
    poison(slot, from);
    (window.map)(slot, Some((slot.places[to], false)));
    instruction!("dsb ishst", "isb");
    slot.stamp.store(old + 1, Ordering::Release);
}

/// Takes the permission to write away, checks that nobody writes, and gives it back.
fn downgrade(window: &Window, slot: &Slot, place: usize, random: &mut Random) {
    COUNTS.downgrades.fetch_add(1, Ordering::Relaxed);
    (window.map)(slot, Some((slot.places[place], true)));
    instruction!("dsb ishst");
    (window.invalidate)(slot, random);
    let mut before = [0; crew::CPUS];
    for (value, cell) in before.iter_mut().zip(cells(slot, place)) {
        *value = cell.load(Ordering::Relaxed);
    }
    random.pause(400);
    if before.iter().zip(cells(slot, place)).any(|(&value, cell)| cell.load(Ordering::Relaxed) != value) {
        report::violation(format_args!("{:#x}: a store to what is read-only", slot.address));
    }
    // More permissions need no maintenance.
    (window.map)(slot, Some((slot.places[place], false)));
    instruction!("dsb ishst", "isb");
}

/// Uses slots of a window, `count` times; at any Exception level.
pub(crate) fn use_slots(slots: &[Slot], count: usize, random: &mut Random) {
    let (mut uses, mut faults) = (0, 0);
    for _ in 0..count {
        let slot = &slots[random.below(slots.len())];
        uses += u64::from(slot.gate.pass(|| faults += use_slot(slot, random)));
    }
    COUNTS.uses.fetch_add(uses, Ordering::Relaxed);
    COUNTS.faults.fetch_add(faults, Ordering::Relaxed);
}

/// Executes a function of a slot, or loads from it and stores to it; answers how many of that faulted.
fn use_slot(slot: &Slot, random: &mut Random) -> u64 {
    let mut faults = 0;
    let before = slot.stamp.load(Ordering::Acquire);
    let (got, limit) = if slot.content == Content::Code && random.below(2) == 0 {
        let got = probe::call(slot.address + FUNCTION);
        (if got == POISONED { POISON } else { got }, 0xffff)
    } else {
        let all = parts(slot.content);
        let got = probe::load(slot.address + all[random.below(all.len())]);
        let stored = probe::store(slot.address + CELLS + 64 * cpu() as u64, before);
        faults += u64::from(!stored);
        (got, u64::MAX)
    };
    core::sync::atomic::fence(Ordering::SeqCst);
    let after = slot.stamp.load(Ordering::Relaxed);
    match got {
        FAULT => faults += 1,
        POISON => report::violation(format_args!("{:#x}: poison, after {before}", slot.address)),
        // Between the stamp before, and the one that is being made.
        _ if got.wrapping_sub(before) & limit <= after + 1 - before => {}
        _ => report::violation(format_args!(
            "{:#x}: {got:#x}, where {before:#x} to {after:#x} was valid",
            slot.address
        )),
    }
    faults
}
