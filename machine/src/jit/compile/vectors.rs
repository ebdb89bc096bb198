//! Guest vector registers in host registers, within one block. Part of the [`Cache`](super::registers::Cache), so that
//! whoever stores or reloads cached registers does it for both kinds.

use super::Compiler;
use super::registers::members;
use crate::jit::layout::vector;
use crate::jit::x64::Xmm;

/// The first host register that holds a guest's; those below are scratch.
const FIRST: u8 = 4;
const COUNT: usize = 12;
const NOWHERE: u8 = 0xff;

/// Which guest register each of XMM4 to XMM15 holds.
#[derive(Clone, Copy)]
pub(super) struct VectorCache {
    guest: [u8; COUNT],
    held: u16,
    used: [u16; COUNT],
    clock: u16,
    /// The value is newer than the one in memory.
    dirty: u16,
    /// In use by the current instruction.
    locked: u16,
    /// Bits 127 to 64, and bits 127 to 32, are known to be zero.
    double: u16,
    single: u16,
    place: [u8; 32],
}

impl Default for VectorCache {
    fn default() -> VectorCache {
        VectorCache {
            guest: [NOWHERE; COUNT],
            held: 0,
            used: [0; COUNT],
            clock: 0,
            dirty: 0,
            locked: 0,
            double: 0,
            single: 0,
            place: [NOWHERE; 32],
        }
    }
}

/// How much of a register a value has; what is above is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Width {
    /// At most 32 bits.
    Single,
    /// At most 64 bits.
    Double,
    /// All of it.
    Full,
}

const fn host(slot: usize) -> Xmm {
    Xmm(FIRST + slot as u8)
}

impl VectorCache {
    /// The host registers that hold something, with the guest registers.
    pub(super) fn held(&self) -> impl Iterator<Item = (Xmm, u8)> + '_ {
        members(self.held).map(|i| (host(i), self.guest[i]))
    }

    /// Those of them that are newer than memory.
    pub(super) fn dirty(&self) -> impl Iterator<Item = (Xmm, u8)> + '_ {
        members(self.dirty).map(|i| (host(i), self.guest[i]))
    }

    /// Ends the use of registers by an instruction.
    pub(super) fn unlock(&mut self) {
        self.locked = 0;
    }

    /// What is known of the register that holds V`r`.
    pub(super) fn width(&self, r: u8) -> Width {
        match self.place[usize::from(r)] {
            NOWHERE => Width::Full,
            slot if self.single >> slot & 1 != 0 => Width::Single,
            slot if self.double >> slot & 1 != 0 => Width::Double,
            _ => Width::Full,
        }
    }
}

impl VectorCache {
    /// The same registers at the start of a loop that writes those of the set.
    pub(super) fn at_head(&self, written: u32) -> VectorCache {
        let is_written = |i: &usize| self.guest[*i] != NOWHERE && written >> self.guest[*i] & 1 != 0;
        VectorCache {
            guest: self.guest,
            held: self.held,
            dirty: (0..COUNT).filter(is_written).fold(0, |set, i| set | 1 << i),
            place: self.place,
            ..VectorCache::default()
        }
    }
}

impl Compiler<'_> {
    /// The part of [`Compiler::move_to_head`] for vector registers.
    pub(super) fn move_vectors_to_head(&mut self, from: &VectorCache, to: &VectorCache) {
        let stays = |i: usize| to.guest[i] != NOWHERE && from.guest[i] == to.guest[i];
        for i in (0..COUNT).filter(|&i| from.dirty >> i & 1 != 0 && from.guest[i] != NOWHERE) {
            if !(stays(i) && to.dirty >> i & 1 != 0) {
                self.asm.store_vector(vector(from.guest[i].into(), 0), host(i));
            }
        }
        for i in (0..COUNT).filter(|&i| !stays(i) && to.guest[i] != NOWHERE) {
            self.asm.load_vector(host(i), vector(to.guest[i].into(), 0));
        }
    }

    /// The host register that holds V`r`.
    pub(super) fn read_vector(&mut self, r: u8) -> Xmm {
        self.place_vector(r, true)
    }

    /// The host register that will hold V`r`, with any value; [`Compiler::wrote_vector`] says when it does.
    pub(super) fn prepare_vector(&mut self, r: u8) -> Xmm {
        self.place_vector(r, false)
    }

    /// Records that the host register of V`r` has its new value, zero above `width`.
    pub(super) fn wrote_vector(&mut self, r: u8, width: Width) {
        let cache = &mut self.cache.vectors;
        let slot = cache.place[usize::from(r)];
        debug_assert!(slot != NOWHERE, "prepared before it is written");
        let bit = 1 << slot;
        self.turns.writes_vector(r);
        cache.dirty |= bit;
        cache.single = cache.single & !bit | if width == Width::Single { bit } else { 0 };
        cache.double = cache.double & !bit | if width == Width::Full { 0 } else { bit };
    }

    /// [`Compiler::prepare_vector`] and [`Compiler::wrote_vector`].
    pub(super) fn write_vector(&mut self, r: u8, width: Width) -> Xmm {
        let to = self.prepare_vector(r);
        self.wrote_vector(r, width);
        to
    }

    fn place_vector(&mut self, r: u8, load: bool) -> Xmm {
        let cache = &mut self.cache.vectors;
        cache.clock += 1;
        let known = cache.place[usize::from(r)];
        let slot = if known == NOWHERE { self.vacate_vector() } else { usize::from(known) };
        let cache = &mut self.cache.vectors;
        cache.locked |= 1 << slot;
        cache.used[slot] = cache.clock;
        if known == NOWHERE {
            cache.guest[slot] = r;
            cache.held |= 1 << slot;
            cache.place[usize::from(r)] = slot as u8;
            cache.single &= !(1 << slot);
            cache.double &= !(1 << slot);
            if load {
                self.asm.load_vector(host(slot), vector(r.into(), 0));
            }
        }
        host(slot)
    }

    /// Stores what is newer than memory.
    pub(super) fn store_dirty_vectors(&mut self) {
        for i in members(self.cache.vectors.dirty) {
            self.asm.store_vector(vector(self.cache.vectors.guest[i].into(), 0), host(i));
        }
    }

    /// A free slot, made so by storing what was used longest ago if need be.
    fn vacate_vector(&mut self) -> usize {
        let cache = &mut self.cache.vectors;
        let free = (0..COUNT).find(|&i| cache.guest[i] == NOWHERE);
        let unlocked = (0..COUNT).filter(|i| cache.locked >> i & 1 == 0);
        let Some(slot) = free.or_else(|| unlocked.min_by_key(|&i| cache.used[i])) else {
            unreachable!("no instruction uses twelve registers");
        };
        let guest = std::mem::replace(&mut cache.guest[slot], NOWHERE);
        cache.held &= !(1 << slot);
        if guest != NOWHERE {
            cache.place[usize::from(guest)] = NOWHERE;
            if cache.dirty >> slot & 1 != 0 {
                cache.dirty &= !(1 << slot);
                self.asm.store_vector(vector(guest.into(), 0), host(slot));
            }
        }
        slot
    }
}
