//! Memory for generated code: one region, mapped twice, writable in one place and executable in another.
//!
//! Unsafe is allowed here because this is where bytes become code: the two mappings are of one memory file that
//! nothing else has, the writable one is reached through bounds-checked copies only.
#![allow(unsafe_code)]

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};
use std::io;
use std::ptr::{NonNull, null_mut};

/// Segments of a region.
pub(super) const SEGMENT_COUNT: usize = 8;
/// What is asked of the host at a time. One call costs about as much as a handful of the two faults that each page would
/// cost: a boot of Linux compiles 45 MiB, which were 23,000 faults.
const POPULATED_BYTES: usize = 256 << 10;

/// Code that is appended to one segment of the region after the other. What begins the region stays for ever.
pub(super) struct CodeMemory {
    write: NonNull<u8>,
    execute: NonNull<u8>,
    size_bytes: usize,
    used: usize,
    segment: usize,
    /// Where the first segment begins.
    start: usize,
    /// Up to where the region has been asked of the host.
    populated: usize,
}

// SAFETY: the mappings are owned by this value and belong to no thread.
unsafe impl Send for CodeMemory {}

impl CodeMemory {
    /// Maps a region of `size_bytes`. Host memory is used as code is written.
    pub(super) fn new(size_bytes: usize) -> io::Result<CodeMemory> {
        let file = memfd_create("droste-code", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, size_bytes as u64)?;
        let map = |protection| -> io::Result<NonNull<u8>> {
            // SAFETY: a fresh mapping at an address of the host's choice touches no existing memory.
            let at = unsafe { mmap(null_mut(), size_bytes, protection, MapFlags::SHARED, &file, 0) }?;
            NonNull::new(at.cast()).ok_or_else(|| io::Error::other("a mapping at address 0"))
        };
        let write = map(ProtFlags::READ | ProtFlags::WRITE)?;
        let execute = map(ProtFlags::READ | ProtFlags::EXEC)?;
        Ok(CodeMemory { write, execute, size_bytes, used: 0, segment: 0, start: 0, populated: 0 })
    }

    /// The offset at which the next code is placed.
    pub(super) fn next(&self) -> usize {
        self.used
    }

    /// The segment that code is appended to.
    pub(super) fn segment(&self) -> usize {
        self.segment
    }

    fn segment_end(&self) -> usize {
        self.size_bytes / SEGMENT_COUNT * (self.segment + 1)
    }

    /// Keeps what was appended so far, at the start of the first segment.
    pub(super) fn keep(&mut self) {
        self.start = self.used;
    }

    /// Goes on with the next segment, the first after the last. Its code is forgotten: nothing may lead there.
    pub(super) fn next_segment(&mut self) -> usize {
        self.segment = (self.segment + 1) % SEGMENT_COUNT;
        self.used =
            if self.segment == 0 { self.start } else { self.size_bytes / SEGMENT_COUNT * self.segment };
        self.segment
    }

    /// So many bytes for code at [`CodeMemory::next`], unless the segment has less left. Code is written where it stays.
    pub(super) fn room(&mut self, size_bytes: usize) -> Option<&mut [u8]> {
        let end = self.used + size_bytes;
        if end > self.segment_end() {
            return None;
        }
        if end > self.populated {
            self.populate(end);
        }
        let at = self.write.as_ptr().wrapping_add(self.used);
        // SAFETY: the range is within its segment and so within the mapping, which no other reference aliases while
        // `self` is borrowed. It has been zero or code since it was mapped. No thread executes it meanwhile: nothing
        // leads to what is not appended yet, or is forgotten.
        Some(unsafe { std::slice::from_raw_parts_mut(at, size_bytes) })
    }

    /// Appends the first bytes of [`CodeMemory::room`].
    pub(super) fn append(&mut self, length: usize) {
        self.used = (self.used + length).next_multiple_of(16).min(self.segment_end());
    }

    /// Has the host map the region up to `end` and some more. That only saves faults, so a failure is none.
    #[cold]
    fn populate(&mut self, end: usize) {
        let end = end.next_multiple_of(POPULATED_BYTES).min(self.size_bytes);
        let advices = [(self.write, Advice::LinuxPopulateWrite), (self.execute, Advice::LinuxPopulateRead)];
        for (mapping, advice) in advices {
            let from = mapping.as_ptr().wrapping_add(self.populated);
            // SAFETY: the range is part of a mapping made in `new`, and its contents stay as they are.
            let _ = unsafe { madvise(from.cast(), end - self.populated, advice) };
        }
        self.populated = end;
    }

    /// Replaces code at `offset`.
    pub(super) fn write(&mut self, offset: usize, code: &[u8]) {
        assert!(offset <= self.size_bytes && code.len() <= self.size_bytes - offset, "within the region");
        let to = self.write.as_ptr().wrapping_add(offset);
        // SAFETY: the range was checked against the mapping, which no reference aliases. No thread executes the
        // region meanwhile: it belongs to one CPU, whose thread this is.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), to, code.len()) };
    }

    /// Lets the jump or call whose displacement is at `site` go to `target`.
    pub(super) fn patch(&mut self, site: usize, target: usize) {
        let displacement = (target as u32).wrapping_sub(site as u32 + 4);
        self.write(site, &displacement.to_le_bytes());
    }

    /// The host address at which the code at `offset` executes.
    pub(super) fn address(&self, offset: usize) -> u64 {
        self.execute.as_ptr().addr() as u64 + offset as u64
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        for mapping in [self.write, self.execute] {
            // SAFETY: the range is a mapping made in `new`; nothing can reach it any more.
            let _ = unsafe { munmap(mapping.as_ptr().cast(), self.size_bytes) };
        }
    }
}
