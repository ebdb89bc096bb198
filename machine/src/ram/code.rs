//! Which lines of RAM hold code that somebody has decoded, and which code went stale.
//!
//! A page is marked in a table of bytes, where every store looks; which of its 64-byte lines are meant is looked up only
//! for marked pages, so that data beside code costs a call and nothing else.
//!
//! The protocol between a decoder and a CPU or device that stores, which runs without a lock on the store's side:
//!
//! - the decoder marks the lines and then reads them; who stores does so and then looks at the page's mark, without a
//!   fence. So when a page becomes marked, every thread is made to pass a fence: each store is then either seen by the
//!   decoder or sees the mark;
//! - who sees the mark passes a fence and looks at the lines, which the decoder set by an atomic operation: the same
//!   again, for lines of pages that are marked already;
//! - marks change under a lock, so that a page is never unmarked while a line of it is marked;
//! - who finds a line or a page without mark relies on it that what another one had decoded there has become stale for
//!   everybody: a page's mark goes last, and while a line's is going, stores to lines without mark wait.

use rustix::thread::{MembarrierCommand, membarrier};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering, compiler_fence, fence};
use std::sync::{Mutex, PoisonError};

/// log2 of the size of a line.
pub(crate) const LINE_LOG2: u32 = 6;
/// Stale lines that are remembered for those who look later.
const LOG_LENGTH: usize = 1024;

/// Decoded code that is stale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stale {
    /// Index of the page.
    pub(crate) page: usize,
    /// A bit for each of its lines.
    pub(crate) lines: u64,
}

/// The marks of all pages.
#[derive(Debug)]
pub(super) struct CodeMap {
    marks: Box<[AtomicU8]>,
    lines: Box<[AtomicU64]>,
    generation: Box<[AtomicU32]>,
    /// The last [`LOG_LENGTH`] entries, the n-th at n modulo that. The lock guards all marks.
    log: Mutex<Box<[Stale; LOG_LENGTH]>>,
    /// Entries ever made.
    epoch: AtomicU64,
    /// Whether lines have lost their marks and nothing tells yet that they are stale.
    unmarking: AtomicBool,
    /// Whether the host can make all threads of the process pass a fence. Where it cannot, code that one CPU changes
    /// while another decodes its page may stay stale.
    fences: bool,
}

/// The lines of a page that `len` bytes from `offset` on touch; more than the page has are ignored.
pub(super) fn lines_of(offset: u64, len: u64) -> u64 {
    let first = (offset & 0xfff) >> LINE_LOG2;
    let last = ((offset & 0xfff) + len.max(1) - 1).min(0xfff) >> LINE_LOG2;
    u64::MAX >> (63 - (last - first)) << first
}

/// As many zeros. The host gives memory as they are touched: tables of large RAM cost nothing when a machine starts.
///
/// # Safety
///
/// All bits zero have to be a `T`.
unsafe fn zeroed<T>(count: usize) -> Box<[T]> {
    let zeros = Box::new_zeroed_slice(count);
    // SAFETY: the caller's promise.
    unsafe { zeros.assume_init() }
}

impl CodeMap {
    pub(super) fn new(page_count: usize) -> CodeMap {
        CodeMap {
            // SAFETY: all bits zero are the number 0.
            marks: unsafe { zeroed(page_count) },
            // SAFETY: as above.
            lines: unsafe { zeroed(page_count) },
            // SAFETY: as above.
            generation: unsafe { zeroed(page_count) },
            log: Mutex::new(Box::new([Stale::default(); LOG_LENGTH])),
            epoch: AtomicU64::new(0),
            unmarking: AtomicBool::new(false),
            fences: membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok(),
        }
    }

    /// Address of the first page's mark.
    pub(super) fn marks_address(&self) -> u64 {
        self.marks.as_ptr().addr() as u64
    }

    /// Marks lines, before their instructions are read; answers the generation that these have.
    #[inline]
    pub(super) fn mark(&self, page: usize, lines: u64) -> u32 {
        loop {
            let generation = self.generation(page);
            // A mark that goes away after this look takes the generation with it.
            if self.lines[page].load(Ordering::SeqCst) & lines == lines {
                return generation;
            }
            self.mark_new(page, lines);
        }
    }

    #[cold]
    fn mark_new(&self, page: usize, lines: u64) {
        let _marks = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // The page first: who finds the lines marked relies on it that all stores are followed.
        if self.marks[page].swap(1, Ordering::SeqCst) == 0 && self.fences {
            // A host that has registered the process does not fail this.
            let _ = membarrier(MembarrierCommand::PrivateExpedited);
        }
        self.lines[page].fetch_or(lines, Ordering::SeqCst);
    }

    /// Whether a page is marked: the look after a store.
    #[inline]
    pub(super) fn is_marked(&self, page: usize) -> bool {
        compiler_fence(Ordering::SeqCst);
        self.marks[page].load(Ordering::Relaxed) != 0
    }

    pub(super) fn generation(&self, page: usize) -> u32 {
        self.generation[page].load(Ordering::Acquire)
    }

    /// Follows a store to these lines of a marked page.
    #[cold]
    pub(super) fn wrote(&self, page: usize, lines: u64) {
        fence(Ordering::SeqCst);
        if self.lines[page].load(Ordering::SeqCst) & lines == 0 {
            if self.unmarking.load(Ordering::SeqCst) {
                drop(self.log.lock());
            }
            return;
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        self.unmarking.store(true, Ordering::SeqCst);
        let marked = self.lines[page].fetch_and(!lines, Ordering::SeqCst);
        if marked & lines != 0 {
            // After the lines' marks are gone, so that who finds them marked has the generation before this one.
            self.generation[page].fetch_add(1, Ordering::SeqCst);
            let epoch = self.epoch.load(Ordering::Relaxed);
            log[epoch as usize % LOG_LENGTH] = Stale { page, lines: marked & lines };
            self.epoch.store(epoch + 1, Ordering::SeqCst);
            if marked & !lines == 0 {
                self.marks[page].store(0, Ordering::SeqCst);
            }
        }
        self.unmarking.store(false, Ordering::SeqCst);
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The address of the epoch.
    pub(super) fn epoch_address(&self) -> u64 {
        self.epoch.as_ptr().expose_provenance() as u64
    }

    /// Calls `each` for what went stale since the epoch `seen`; answers the epoch now, and whether some of it is not
    /// remembered any more.
    pub(super) fn stale_since(&self, seen: u64, mut each: impl FnMut(Stale)) -> (u64, bool) {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.epoch.load(Ordering::Relaxed);
        if now - seen > LOG_LENGTH as u64 {
            return (now, true);
        }
        for n in seen..now {
            each(log[n as usize % LOG_LENGTH]);
        }
        (now, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_that_the_bytes_touch() {
        assert_eq!(lines_of(0, 4), 1);
        assert_eq!(lines_of(0x3c, 4), 1);
        assert_eq!(lines_of(0x3c, 8), 3);
        assert_eq!(lines_of(0x1_0fff, 1), 1 << 63);
        assert_eq!(lines_of(0xff8, 16), 1 << 63, "what is in the next page is not counted");
        assert_eq!(lines_of(0, 4096), u64::MAX);
    }

    #[test]
    fn what_was_decoded_is_stale_for_everybody_when_a_store_has_been_followed() {
        let map = CodeMap::new(1);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        map.wrote(0, 1);
                    }
                });
            }
            for n in 0..200_000 {
                let (before, generation) = (map.epoch(), map.mark(0, 1));
                if n % 2 == 0 || map.is_marked(0) {
                    map.wrote(0, 1);
                }
                assert_ne!(map.generation(0), generation, "the interpreter would execute it");
                assert_ne!(map.epoch(), before, "generated code would");
            }
            over.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn the_log_tells_what_went_stale_until_it_overruns() {
        let map = CodeMap::new(2);
        map.mark(1, 0b111);
        map.wrote(1, 0b010);
        map.wrote(1, 0b010);
        map.wrote(1, 0b101);
        let mut found = Vec::new();
        assert_eq!(map.stale_since(0, |stale| found.push(stale)), (2, false));
        assert_eq!(found, [Stale { page: 1, lines: 0b010 }, Stale { page: 1, lines: 0b101 }]);
        assert!(!map.is_marked(1), "no line is left");
        for _ in 0..LOG_LENGTH {
            map.mark(0, 1);
            map.wrote(0, 1);
        }
        assert_eq!(map.stale_since(0, |_| panic!("gone")), (2 + LOG_LENGTH as u64, true));
    }
}
