//! Guest registers in host registers, within one block.

use super::Compiler;
use super::vectors::VectorCache;
use crate::jit::layout::{CACHE, CPU, gpr_displacement, vector};
use crate::jit::x64::{Reg, Size};

/// SP, as the register after X30.
pub(super) const SP: u8 = 31;
const NOWHERE: u8 = 0xff;

/// Which guest register each cached host register holds. Small, as blocks keep copies.
#[derive(Clone, Copy)]
pub(super) struct Cache {
    /// Of those that hold one.
    guest: [u8; CACHE.len()],
    held: u8,
    /// The value is newer than the one in memory.
    dirty: u8,
    /// In use by the current instruction.
    locked: u8,
    /// The number of the last use.
    used: [u16; CACHE.len()],
    place: [u8; 32],
    /// The same for vector registers.
    pub(super) vectors: VectorCache,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache {
            guest: [NOWHERE; CACHE.len()],
            held: 0,
            dirty: 0,
            locked: 0,
            used: [0; CACHE.len()],
            place: [NOWHERE; 32],
            vectors: VectorCache::default(),
        }
    }
}

/// The numbers of the bits that are set.
#[inline(always)]
pub(super) fn members(mut set: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let first = set.trailing_zeros() as usize;
        set &= set.wrapping_sub(1);
        (first < 16).then_some(first)
    })
}

impl Cache {
    /// The host registers that hold something, with the guest registers.
    pub(super) fn held(&self) -> impl Iterator<Item = (Reg, u8)> + '_ {
        members(self.held.into()).map(|i| (CACHE[i], self.guest[i]))
    }

    /// Those of them that are newer than memory.
    pub(super) fn dirty(&self) -> impl Iterator<Item = (Reg, u8)> + '_ {
        members(self.dirty.into()).map(|i| (CACHE[i], self.guest[i]))
    }

    /// The guest register that a host register holds.
    fn guest(&self, slot: usize) -> Option<u8> {
        (self.held >> slot & 1 != 0).then_some(self.guest[slot])
    }
}

impl Cache {
    /// The same registers at the start of a loop that writes those of the two sets: nothing is known of its last turn.
    pub(super) fn at_head(&self, written: u32, vectors_written: u32) -> Cache {
        let is_written = |i: &usize| self.guest(*i).is_some_and(|guest| written >> guest & 1 != 0);
        Cache {
            guest: self.guest,
            held: self.held,
            dirty: (0..CACHE.len()).filter(is_written).fold(0, |set, i| set | 1 << i),
            place: self.place,
            vectors: self.vectors.at_head(vectors_written),
            ..Cache::default()
        }
    }
}

impl Compiler<'_> {
    /// Moves registers from where they are in one cache to where they are in another, by way of memory. What is newer
    /// than memory and not so in the other is stored. Leaves the flags alone.
    pub(super) fn move_to_head(&mut self, from: &Cache, to: &Cache) {
        let stays = |i: usize| to.guest(i).is_some() && from.guest(i) == to.guest(i);
        for i in (0..CACHE.len()).filter(|&i| from.dirty >> i & 1 != 0) {
            if let Some(guest) = from.guest(i)
                && !(stays(i) && to.dirty >> i & 1 != 0)
            {
                self.asm.store_near(CPU, gpr_displacement(guest), CACHE[i]);
            }
        }
        for i in (0..CACHE.len()).filter(|&i| !stays(i)) {
            if let Some(guest) = to.guest(i) {
                self.asm.load_near(CACHE[i], CPU, gpr_displacement(guest));
            }
        }
        self.move_vectors_to_head(&from.vectors, &to.vectors);
    }

    /// The host register that holds X`r`, or SP as 31.
    pub(super) fn read(&mut self, r: u8) -> Reg {
        self.place(r, true)
    }

    /// The host register that will hold X`r` or SP, with any value; [`Compiler::wrote`] says when it does.
    pub(super) fn prepare(&mut self, r: u8) -> Reg {
        self.place(r, false)
    }

    /// Records that the host register of X`r` or SP has its new value.
    pub(super) fn wrote(&mut self, r: u8) {
        let slot = self.cache.place[usize::from(r)];
        debug_assert!(slot != NOWHERE, "prepared before it is written");
        self.cache.dirty |= 1 << slot;
        self.turns.writes(r);
        self.sp_checked &= r != SP;
    }

    /// [`Compiler::prepare`] and [`Compiler::wrote`].
    pub(super) fn write(&mut self, r: u8) -> Reg {
        let reg = self.prepare(r);
        self.wrote(r);
        reg
    }

    #[inline]
    fn place(&mut self, r: u8, load: bool) -> Reg {
        let number = self.turns.uses(r);
        let known = self.cache.place[usize::from(r)];
        let slot = if known != NOWHERE { usize::from(known) } else { self.occupy(r, load) };
        let cache = &mut self.cache;
        cache.locked |= 1 << slot;
        cache.used[slot] = number;
        CACHE[slot]
    }

    /// Gives X`r` or SP a host register.
    #[inline(never)]
    fn occupy(&mut self, r: u8, load: bool) -> usize {
        let free = self.cache.held.trailing_ones() as usize;
        let slot = if free < self.cached { free } else { self.vacate() };
        let cache = &mut self.cache;
        cache.held |= 1 << slot;
        cache.guest[slot] = r;
        cache.place[usize::from(r)] = slot as u8;
        if load {
            self.asm.load_near(CACHE[slot], CPU, gpr_displacement(r));
        }
        slot
    }

    /// Frees a slot, by storing if need be: what is not used for longest if that is known, else what was used longest
    /// ago. All of them hold something.
    #[inline(never)]
    fn vacate(&mut self) -> usize {
        let (cache, turns, count) = (&mut self.cache, &self.turns, self.cached);
        let unlocked = (0..count).filter(|i| cache.locked >> i & 1 == 0);
        let oldest = if turns.knows_future() {
            let nearness = |i: usize| (usize::MAX - turns.distance(cache.guest[i]), cache.used[i]);
            unlocked.min_by_key(|&i| nearness(i))
        } else {
            unlocked.min_by_key(|&i| cache.used[i])
        };
        let Some(slot) = oldest else {
            unreachable!("no instruction uses six registers");
        };
        let guest = cache.guest[slot];
        cache.held &= !(1 << slot);
        cache.place[usize::from(guest)] = NOWHERE;
        if cache.dirty >> slot & 1 != 0 {
            cache.dirty &= !(1 << slot);
            self.asm.store_near(CPU, gpr_displacement(guest), CACHE[slot]);
        }
        slot
    }

    /// Ends the use of registers by an instruction.
    pub(super) fn unlock(&mut self) {
        self.cache.locked = 0;
        self.cache.vectors.unlock();
    }

    /// Stores what is newer than memory. Leaves the flags alone.
    pub(super) fn store_dirty(&mut self, cache: &Cache) {
        for (reg, guest) in cache.dirty() {
            self.asm.store_near(CPU, gpr_displacement(guest), reg);
        }
        for (reg, guest) in cache.vectors.dirty() {
            self.asm.store_vector(vector(guest.into(), 0), reg);
        }
    }

    /// Loads everything that a cache holds, after somebody else may have changed it. Leaves the flags alone.
    pub(super) fn reload(&mut self, cache: &Cache) {
        for (reg, guest) in cache.held() {
            self.asm.load_near(reg, CPU, gpr_displacement(guest));
        }
        for (reg, guest) in cache.vectors.held() {
            self.asm.load_vector(reg, vector(guest.into(), 0));
        }
    }

    /// Stores everything and forgets it.
    pub(super) fn flush(&mut self) {
        for i in members(self.cache.dirty.into()) {
            self.asm.store_near(CPU, gpr_displacement(self.cache.guest[i]), CACHE[i]);
        }
        self.store_dirty_vectors();
        self.cache = Cache::default();
    }

    /// X`r` in a host register, where 31 is zero and comes in `scratch`. Leaves the flags alone.
    pub(super) fn read_zr(&mut self, r: u8, scratch: Reg) -> Reg {
        if r == 31 {
            self.asm.mov_imm_keep_flags(scratch, 0);
            scratch
        } else {
            self.read(r)
        }
    }

    /// X`r`, where 31 is zero, copied to a scratch register. Leaves the flags alone.
    pub(super) fn copy(&mut self, size: Size, to: Reg, r: u8) {
        if r == 31 {
            self.asm.mov_imm_keep_flags(to, 0);
        } else {
            let from = self.read(r);
            self.asm.mov(size, to, from);
        }
    }

    /// Writes X`r` from a scratch register, where 31 is nowhere. Leaves the flags alone.
    pub(super) fn assign(&mut self, size: Size, r: u8, from: Reg) {
        if r != 31 {
            let to = self.write(r);
            self.asm.mov(size, to, from);
        }
    }
}
