//! The compiled blocks of a CPU: where they are, what they cover, and which jumps of theirs go where.
//!
//! The code region is used in segments. When the next one is needed, what was in it is forgotten: its blocks are removed
//! and the jumps of other blocks into them undone. A block whose instructions have been overwritten is removed the same
//! way, its code stays unused until its segment comes round.
//!
//! The invariant: no patched jump leads to a removed block. The branch cache may lead to one as long as its code is not
//! overwritten, because a removed block begins with a jump out of generated code.

use super::key::{AddressHasher, Key};
use super::layout::fetch_id_displacement;
use super::memory::CodeMemory;
use crate::ram::LINE_LOG2;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// A block or a link: its segment in the upper eight bits, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(u32);

impl Id {
    const NONE: Id = Id(u32::MAX);

    fn new(segment: usize, number: usize) -> Id {
        Id((segment as u32) << 24 | number as u32)
    }

    /// The id of a link that generated code has passed.
    pub(super) fn from_bits(bits: u32) -> Id {
        Id(bits)
    }

    pub(super) fn bits(self) -> u32 {
        self.0
    }

    fn segment(self) -> usize {
        (self.0 >> 24) as usize
    }

    fn number(self) -> usize {
        (self.0 & 0xff_ffff) as usize
    }

    pub(super) fn plus(self, count: usize) -> Id {
        Id(self.0 + count as u32)
    }
}

/// Where a direct jump goes, as far as compiling knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To a block of the same page.
    Near(Key),
    /// To another page. Offset of the guard before the jump.
    Far(u32),
}

/// A direct jump out of a block: offset of its displacement, and of the code that asks for it to be linked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    pub(super) site: u32,
    pub(super) ask: u32,
    pub(super) target: Target,
}

/// The guard of a jump to another page: offsets within it of what it compares. It is
/// `mov rax, va; cmp pc, rax; jne; mov rax, fetch id; cmp rax, [current fetch id]; jne`.
pub(super) struct Guard;

impl Guard {
    pub(super) const VA: usize = 2;
    pub(super) const FETCH_ID: usize = 10 + 3 + 6 + 2;
    pub(super) const DISPLACEMENT: usize = 10 + 3 + 6 + 10 + 3;
    pub(super) const BYTES: usize = Self::DISPLACEMENT + 4 + 6;
    /// In place of a virtual address, an odd one: never the PC.
    pub(super) const NEVER: u64 = 0x0123_4567_89ab_cdef;
}

struct Block {
    key: Key,
    entry: u32,
    /// Bytes of guest code.
    bytes: u32,
    first_exit: Id,
    exit_count: u32,
    /// The first of the jumps to it.
    incoming: Id,
    next_in_page: Id,
    removed: bool,
}

struct Link {
    exit: Exit,
    /// The block that it goes to now, and its neighbours among those that do.
    to: Id,
    previous: Id,
    next: Id,
}

#[derive(Default)]
struct Segment {
    blocks: Vec<Block>,
    links: Vec<Link>,
}

/// All blocks of a CPU.
pub(super) struct Blocks {
    /// With the offset of its code, to save a look at the block.
    by_key: HashMap<u64, (Id, u32), BuildHasherDefault<AddressHasher>>,
    /// The first block of each page that has some.
    by_page: HashMap<u64, Id, BuildHasherDefault<AddressHasher>>,
    /// A page and its first block: that of the block that was added last, unless some were removed since.
    recent: Option<(u64, Id)>,
    segments: Vec<Segment>,
    /// Where a removed block lets whoever enters it go.
    leave: usize,
}

impl Blocks {
    /// No blocks yet, in `segment_count` segments; `leave` is where generated code is left.
    pub(super) fn new(segment_count: usize, leave: usize) -> Blocks {
        Blocks {
            by_key: HashMap::default(),
            by_page: HashMap::default(),
            recent: None,
            segments: (0..segment_count).map(|_| Segment::default()).collect(),
            leave,
        }
    }

    fn block(&mut self, id: Id) -> &mut Block {
        &mut self.segments[id.segment()].blocks[id.number()]
    }

    fn link(&mut self, id: Id) -> &mut Link {
        &mut self.segments[id.segment()].links[id.number()]
    }

    /// A block, and the offset of its code.
    pub(super) fn find(&self, key: Key) -> Option<(Id, usize)> {
        self.by_key.get(&key.0).map(|&(id, entry)| (id, entry as usize))
    }

    /// The id that the next link of a segment gets.
    pub(super) fn next_link(&self, segment: usize) -> Id {
        Id::new(segment, self.segments[segment].links.len())
    }

    /// Lets a jump go to the block at `va`, to which it went now; a jump to another page only as long as fetches have
    /// this id.
    pub(super) fn follow(&mut self, memory: &mut CodeMemory, link: Id, to: Id, va: u64, fetch_id: u64) {
        let key = self.block(to).key;
        match self.link(link).exit.target {
            Target::Near(target) if target == key => self.connect(memory, link, to),
            // The translation has changed on the way.
            Target::Near(_) => {}
            Target::Far(guard) => {
                let guard = guard as usize;
                self.connect(memory, link, to);
                memory.write(guard + Guard::VA, &va.to_le_bytes());
                memory.write(guard + Guard::FETCH_ID, &fetch_id.to_le_bytes());
                memory.write(guard + Guard::DISPLACEMENT, &fetch_id_displacement(va).to_le_bytes());
            }
        }
    }

    /// Whether a link belongs to a segment.
    pub(super) fn is_in(link: Id, segment: usize) -> bool {
        link.segment() == segment
    }

    /// Adds a block, and links its jumps to blocks that are there; answers the same as [`Blocks::find`].
    pub(super) fn insert(
        &mut self,
        memory: &mut CodeMemory,
        key: Key,
        entry: usize,
        bytes: u32,
        exits: &[Exit],
    ) -> (Id, usize) {
        let segment = memory.segment();
        let first_exit = self.next_link(segment);
        let row = &mut self.segments[segment];
        let none = Id::NONE;
        row.links.extend(exits.iter().map(|&exit| Link { exit, to: none, previous: none, next: none }));
        let exit_count = (row.links.len() - first_exit.number()) as u32;
        let id = Id::new(segment, row.blocks.len());
        let next_in_page = self.add_to_page(key.pa() >> 12, id);
        self.segments[segment].blocks.push(Block {
            key,
            entry: entry as u32,
            bytes,
            first_exit,
            exit_count,
            incoming: none,
            next_in_page,
            removed: false,
        });
        self.by_key.insert(key.0, (id, entry as u32));
        for n in 0..exit_count as usize {
            let link = first_exit.plus(n);
            if let Target::Near(target) = self.link(link).exit.target
                && let Some((target, _)) = self.find(target)
            {
                self.connect(memory, link, target);
            }
        }
        (id, entry)
    }

    /// Makes a block the first of its page, or the second where that spares looking the page up; answers the next one.
    fn add_to_page(&mut self, page: u64, id: Id) -> Id {
        if let Some((recent, first)) = self.recent
            && recent == page
        {
            return std::mem::replace(&mut self.block(first).next_in_page, id);
        }
        self.recent = Some((page, id));
        self.by_page.insert(page, id).unwrap_or(Id::NONE)
    }

    /// Lets a jump go to a block.
    fn connect(&mut self, memory: &mut CodeMemory, link: Id, to: Id) {
        self.disconnect(memory, link);
        let entry = self.block(to).entry as usize;
        let next = std::mem::replace(&mut self.block(to).incoming, link);
        let row = self.link(link);
        (row.to, row.previous, row.next) = (to, Id::NONE, next);
        memory.patch(row.exit.site as usize, entry);
        if next != Id::NONE {
            self.link(next).previous = link;
        }
    }

    /// Lets a jump go to where it asks to be linked.
    fn disconnect(&mut self, memory: &mut CodeMemory, link: Id) {
        let row = self.link(link);
        if row.to != Id::NONE {
            memory.patch(row.exit.site as usize, row.exit.ask as usize);
            self.unhook(link);
        }
    }

    /// Takes a jump out of the list of its target.
    fn unhook(&mut self, link: Id) {
        let none = Id::NONE;
        let row = self.link(link);
        let (to, previous, next) = (row.to, row.previous, row.next);
        (row.to, row.previous, row.next) = (none, none, none);
        match previous {
            Id::NONE => self.block(to).incoming = next,
            _ => self.link(previous).next = next,
        }
        if next != none {
            self.link(next).previous = previous;
        }
    }

    /// Removes a block and the jumps to it.
    pub(super) fn remove(&mut self, memory: &mut CodeMemory, id: Id) {
        let leave = self.leave;
        let block = self.block(id);
        if std::mem::replace(&mut block.removed, true) {
            return;
        }
        let (key, entry, next_in_page) = (block.key, block.entry as usize, block.next_in_page);
        let (first_exit, exit_count) = (block.first_exit, block.exit_count as usize);
        self.recent = None;
        memory.write(entry, &[0xe9]);
        memory.patch(entry + 1, leave);
        self.by_key.remove(&key.0);
        while self.block(id).incoming != Id::NONE {
            let link = self.block(id).incoming;
            self.disconnect(memory, link);
        }
        for n in 0..exit_count {
            self.disconnect(memory, first_exit.plus(n));
        }
        let page = key.pa() >> 12;
        let Some(&first) = self.by_page.get(&page) else { return };
        if first == id {
            match next_in_page {
                Id::NONE => self.by_page.remove(&page),
                next => self.by_page.insert(page, next),
            };
            return;
        }
        let mut at = first;
        while self.block(at).next_in_page != id {
            at = self.block(at).next_in_page;
        }
        self.block(at).next_in_page = next_in_page;
    }

    /// Removes the blocks of a page that have instructions in some of its lines; answers how many.
    pub(super) fn remove_lines(&mut self, memory: &mut CodeMemory, page: u64, lines: u64) -> usize {
        let mut removed = 0;
        let mut at = self.by_page.get(&(page >> 12)).copied().unwrap_or(Id::NONE);
        while at != Id::NONE {
            let block = self.block(at);
            let next = block.next_in_page;
            let first = (block.key.pa() & 0xfff) >> LINE_LOG2;
            let last = ((block.key.pa() & 0xfff) + u64::from(block.bytes) - 1) >> LINE_LOG2;
            if lines & (u64::MAX >> (63 - (last - first)) << first) != 0 {
                self.remove(memory, at);
                removed += 1;
            }
            at = next;
        }
        removed
    }

    /// Removes what is in a segment, whose code is written over next: nothing but these jumps may lead there. Cost: a
    /// pass over all blocks that there are, and little for each of the segment.
    pub(super) fn remove_segment(&mut self, memory: &mut CodeMemory, segment: usize) {
        self.recent = None;
        let outside = |id: Id| id != Id::NONE && id.segment() != segment;
        for number in 0..self.segments[segment].links.len() {
            let link = Id::new(segment, number);
            if outside(self.link(link).to) {
                self.unhook(link);
            }
        }
        let mut last_page = u64::MAX;
        for number in 0..self.segments[segment].blocks.len() {
            let block = &self.segments[segment].blocks[number];
            let (mut at, page) = (block.incoming, block.key.pa() >> 12);
            while at != Id::NONE {
                let link = self.link(at);
                let next = link.next;
                if outside(at) {
                    memory.patch(link.exit.site as usize, link.exit.ask as usize);
                    (link.to, link.previous, link.next) = (Id::NONE, Id::NONE, Id::NONE);
                }
                at = next;
            }
            if page != last_page {
                self.remove_segment_from_page(segment, page);
                last_page = page;
            }
        }
        self.by_key.retain(|_, (id, _)| outside(*id));
        // The next code takes about as much room.
        self.segments[segment].blocks.clear();
        self.segments[segment].links.clear();
    }

    /// Takes a segment's blocks out of the list of a page.
    fn remove_segment_from_page(&mut self, segment: usize, page: u64) {
        let mut kept = None;
        let mut at = self.by_page.remove(&page).unwrap_or(Id::NONE);
        while at != Id::NONE {
            let next = std::mem::replace(&mut self.block(at).next_in_page, Id::NONE);
            if at.segment() != segment {
                match kept {
                    None => drop(self.by_page.insert(page, at)),
                    Some(previous) => self.block(previous).next_in_page = at,
                }
                kept = Some(at);
            }
            at = next;
        }
    }
}
