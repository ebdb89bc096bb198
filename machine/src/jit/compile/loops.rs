//! Loops of one block: what is in host registers stays there from one turn to the next.
//!
//! A first pass finds that a block jumps to its own start, which registers it uses in which order, and what is where at
//! the jump. The passes after it begin the block with that, and know of each register how far away its next use is.

use super::Compiler;
use super::flags::Flags;
use super::registers::Cache;
use crate::jit::x64::Cond;

/// Passes over a loop after the first: the second has nearly the right beginning, the third has it.
const PASSES: u32 = 2;

/// Uses of registers that are noted: most blocks have less, and what comes behind in others is not looked for.
const USES: usize = 256;

/// What is known of the block as a loop.
#[derive(Default)]
pub(super) struct Loop {
    /// The registers at a jump to the block's own start.
    again: Option<Cache>,
    /// Whether a handler was called in between, which leaves nothing in registers.
    called: bool,
    /// General-purpose registers in the order of their use, and those of them that are written.
    uses: Vec<u8>,
    count: u16,
    written: u32,
    vectors_written: u32,
    /// The uses that the first pass found.
    future: Vec<u8>,
    head: Option<Head>,
}

/// Where a turn begins, and with what.
#[derive(Clone, Copy)]
struct Head {
    start: usize,
    cache: Cache,
}

impl Loop {
    /// Nothing is known; `uses` is for what will be.
    pub(super) fn new(mut uses: Vec<u8>) -> Loop {
        uses.clear();
        uses.reserve_exact(USES);
        Loop { uses, ..Loop::default() }
    }

    /// The list that [`Loop::new`] was given, or another one.
    pub(super) fn into_uses(self) -> Vec<u8> {
        self.uses
    }

    /// Notes a use of X`r` or SP; answers its number.
    #[inline]
    pub(super) fn uses(&mut self, r: u8) -> u16 {
        self.count += 1;
        if self.uses.len() < self.uses.capacity() {
            self.uses.push(r);
        }
        self.count
    }

    /// Notes that X`r` or SP is written.
    pub(super) fn writes(&mut self, r: u8) {
        self.written |= 1 << r;
    }

    /// Notes that V`r` is written.
    pub(super) fn writes_vector(&mut self, r: u8) {
        self.vectors_written |= 1 << r;
    }

    /// Notes a call of a handler.
    pub(super) fn calls(&mut self) {
        self.called = true;
    }

    /// Whether this is known to be a loop.
    pub(super) fn knows_future(&self) -> bool {
        !self.future.is_empty()
    }

    /// How many uses of other registers come before the next one of `r`, in this turn of the loop or the next.
    pub(super) fn distance(&self, r: u8) -> usize {
        let (count, here) = (self.future.len(), self.uses.len());
        (0..count).find(|n| self.future[(here + n) % count] == r).unwrap_or(count)
    }
}

impl Compiler<'_> {
    /// Notes a jump to an instruction at a distance from the block's start.
    pub(super) fn note_jump(&mut self, delta: i64, cache: &Cache) {
        if delta == 0 && !self.source.key.is_landing() {
            self.turns.again = Some(*cache);
        }
    }

    /// Compiles the instructions, several times over if they are a loop.
    pub(super) fn passes(&mut self) {
        self.instructions();
        for _ in 0..PASSES {
            let Some(cache) = self.turns.again else { return };
            if self.turns.called {
                return;
            }
            let turns = std::mem::take(&mut self.turns);
            let future = if turns.future.is_empty() { turns.uses } else { turns.future };
            self.restart();
            self.turns = Loop { future, ..Loop::new(Vec::new()) };
            self.begin_loop(&cache, turns.written, turns.vectors_written);
            self.instructions();
        }
    }

    /// Begins the block with registers where they will be at the end of a turn.
    fn begin_loop(&mut self, end: &Cache, written: u32, vectors_written: u32) {
        self.cache = end.at_head(written, vectors_written);
        let cache = self.cache;
        self.reload(&cache);
        self.turns.head = Some(Head { start: self.asm.offset(), cache });
    }

    /// Jumps to the start of the loop, or leaves if the budget is used up; answers whether there is a loop.
    pub(super) fn turn(&mut self, retired: u32, delta: i64, cache: &Cache, flags: Flags) -> bool {
        let Some(head) = self.turns.head.filter(|_| delta == 0) else { return false };
        self.store_flags(flags);
        self.move_to_head(cache, &head.cache);
        self.spend(retired);
        self.asm.jcc_offset(Cond::G, head.start);
        self.store_dirty(&head.cache);
        let leave = self.outside(self.stubs.leave);
        self.asm.jmp_offset(leave);
        true
    }
}
