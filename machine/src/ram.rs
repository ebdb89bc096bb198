//! Guest RAM: one lazily populated host mapping, and which of its pages hold decoded code.
//!
//! The mapping is shared by all vCPU threads and by devices. Host accesses are atomic per naturally aligned
//! unit, as the architecture asks of Normal memory; nothing here ever forms a reference into guest memory.
//!
//! Unsafe is allowed here because this is where guest physical addresses become host pointers: every function
//! checks its range against the mapping, which lives as long as the [`GuestRam`].
#![allow(unsafe_code)]

mod atomic128;
mod code;
mod mem;

use std::ptr::NonNull;

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use code::{CodeMap, lines_of};
pub(crate) use code::{LINE_LOG2, Stale};
pub use mem::Mem;

/// Size of the pages whose code state is tracked.
pub const PAGE_BYTES: u64 = 4096;

/// What goes wrong with guest RAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RamError {
    /// The range is not, or not wholly, RAM.
    #[error("{len:#x} bytes at physical address {pa:#x} are not in guest RAM")]
    OutOfRange {
        /// First physical address of the access.
        pa: u64,
        /// Length of the access in bytes.
        len: u64,
    },
    /// Base or size is not a multiple of the page size, or the size is zero.
    #[error("guest RAM of {size_bytes:#x} bytes at {base:#x} is not made of whole 4 KiB pages")]
    Unaligned {
        /// Requested base.
        base: u64,
        /// Requested size.
        size_bytes: u64,
    },
    /// The host refused the mapping.
    #[error("the host has no {size_bytes:#x} bytes of address space for guest RAM (errno {errno})")]
    NoMemory {
        /// Requested size.
        size_bytes: u64,
        /// The host's error number.
        errno: i32,
    },
}

/// The guest's RAM: a physical range backed by one anonymous host mapping.
#[derive(Debug)]
pub struct GuestRam {
    base: u64,
    size_bytes: u64,
    host: NonNull<u8>,
    code: CodeMap,
}

// SAFETY: the mapping is owned by this value and reached only through raw, atomic-sized accesses; the tables are atomics.
unsafe impl Send for GuestRam {}
// SAFETY: as above; concurrent guest accesses race as they do on hardware and never involve Rust references.
unsafe impl Sync for GuestRam {}

impl GuestRam {
    /// Maps `size_bytes` of zeroed RAM at physical address `base`. Host memory is used as pages are touched.
    pub fn new(base: u64, size_bytes: u64) -> Result<Self, RamError> {
        let whole = base.is_multiple_of(PAGE_BYTES) && size_bytes.is_multiple_of(PAGE_BYTES);
        let Some(len) = usize::try_from(size_bytes).ok().filter(|&len| whole && len != 0) else {
            return Err(RamError::Unaligned { base, size_bytes });
        };
        let no_memory = |errno| RamError::NoMemory { size_bytes, errno };
        // SAFETY: a fresh anonymous mapping at an address of the host's choice touches no existing memory.
        let map = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        };
        let map = map.map_err(|e| no_memory(e.raw_os_error()))?;
        let host = NonNull::new(map.cast::<u8>()).ok_or(no_memory(0))?;
        // SAFETY: the range is the mapping just made. The advice only saves host faults, so its failure is no error.
        let _ = unsafe { madvise(map, len, Advice::LinuxHugepage) };
        let page_count = len >> 12;
        Ok(Self { base, size_bytes, host, code: CodeMap::new(page_count) })
    }

    /// The first physical address.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The size in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Tells whether `[pa, pa + len)` is wholly RAM.
    #[inline]
    pub fn contains(&self, pa: u64, len: u64) -> bool {
        let offset = pa.wrapping_sub(self.base);
        offset < self.size_bytes && len <= self.size_bytes - offset
    }

    #[inline]
    fn pointer(&self, pa: u64, len: u64) -> Result<*mut u8, RamError> {
        if !self.contains(pa, len) {
            return Err(RamError::OutOfRange { pa, len });
        }
        Ok(self.host.as_ptr().wrapping_add((pa - self.base) as usize))
    }

    /// The host address of the RAM page that holds `pa`; valid as long as `self`.
    #[inline]
    pub(crate) fn host_page(&self, pa: u64) -> Option<NonNull<u8>> {
        NonNull::new(self.pointer(pa & !(PAGE_BYTES - 1), PAGE_BYTES).ok()?)
    }

    /// Index of the tracked page at `host`, a pointer that [`Self::host_page`] gave or one within that page.
    #[inline]
    pub(crate) fn page_of_host(&self, host: *const u8) -> usize {
        (host as usize).wrapping_sub(self.host.as_ptr() as usize) >> 12
    }

    /// Copies `bytes` to `pa`: what a loader or a device's DMA does. Decoded code in the range is invalidated.
    pub fn copy_in(&self, pa: u64, bytes: &[u8]) -> Result<(), RamError> {
        let to = self.pointer(pa, bytes.len() as u64)?;
        // SAFETY: `to` has room for `bytes` within the mapping, which no Rust reference aliases.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        self.wrote(pa, bytes.len() as u64);
        Ok(())
    }

    /// Copies RAM at `pa` to `bytes`.
    pub fn copy_out(&self, pa: u64, bytes: &mut [u8]) -> Result<(), RamError> {
        let from = self.pointer(pa, bytes.len() as u64)?;
        // SAFETY: the mapping holds that many bytes at `from`, and `bytes` is not part of it.
        unsafe { std::ptr::copy_nonoverlapping(from.cast_const(), bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    /// Sets `len` bytes at `pa` to `byte`.
    pub fn fill(&self, pa: u64, len: u64, byte: u8) -> Result<(), RamError> {
        let to = self.pointer(pa, len)?;
        // SAFETY: the mapping holds `len` bytes at `to`.
        unsafe { std::ptr::write_bytes(to, byte, len as usize) };
        self.wrote(pa, len);
        Ok(())
    }

    /// Reads a little-endian value at any alignment; single-copy atomic when aligned.
    #[inline]
    pub fn read<T: Mem>(&self, pa: u64) -> Result<T, RamError> {
        let from = self.pointer(pa, T::SIZE)?;
        // SAFETY: the mapping holds `T::SIZE` bytes at `from`.
        Ok(unsafe { T::host_load(from) })
    }

    /// Writes a little-endian value at any alignment; single-copy atomic when aligned.
    #[inline]
    pub fn write<T: Mem>(&self, pa: u64, value: T) -> Result<(), RamError> {
        let to = self.pointer(pa, T::SIZE)?;
        // SAFETY: the mapping holds `T::SIZE` bytes at `to`.
        unsafe { T::host_store(to, value) };
        self.wrote(pa, T::SIZE);
        Ok(())
    }

    /// Replaces `expected` by `new` at `pa`, which must be aligned, in one atomic step; returns the value found.
    #[inline]
    pub fn compare_exchange<T: Mem>(&self, pa: u64, expected: T, new: T) -> Result<T, RamError> {
        let to = self.pointer(pa, T::SIZE)?;
        if !pa.is_multiple_of(T::SIZE) {
            return Err(RamError::OutOfRange { pa, len: T::SIZE });
        }
        // SAFETY: the mapping holds `T::SIZE` bytes at `to`; the mapping and `base` are page aligned, so `to` is aligned as `pa` is.
        let found = unsafe { T::host_cas(to, expected, new) };
        if found == expected {
            self.wrote(pa, T::SIZE);
        }
        Ok(found)
    }

    /// What to add to the host address of a byte to get its physical address.
    pub(crate) fn physical_less_host(&self) -> u64 {
        self.base.wrapping_sub(self.host.as_ptr().addr() as u64)
    }

    /// Where the byte of a host page is that tells whether it holds decoded code, less the number of that host page.
    pub(crate) fn code_table_bias(&self) -> u64 {
        self.code.marks_address().wrapping_sub(self.host.as_ptr().addr() as u64 >> 12)
    }

    /// Index of the tracked page that holds `pa`.
    #[inline]
    pub fn page(&self, pa: u64) -> Option<usize> {
        self.contains(pa, 1).then(|| ((pa - self.base) >> 12) as usize)
    }

    /// Physical address of a tracked page.
    pub(crate) fn page_address(&self, page: usize) -> u64 {
        self.base + ((page as u64) << 12)
    }

    /// Marks `len` bytes at `pa`, which is in a tracked page, as decoded code, as far as they are in that page. To be
    /// called before the instructions are read; answers the generation that they have then.
    #[inline]
    pub fn mark_code(&self, page: usize, pa: u64, len: u64) -> u32 {
        self.code.mark(page, lines_of(pa, len))
    }

    /// Tells whether a page holds decoded code, as a store asks when it is done.
    #[inline]
    pub fn is_code(&self, page: usize) -> bool {
        self.code.is_marked(page)
    }

    /// The number of times that decoded code in a page went stale. Blocks made under another number must not run.
    #[inline]
    pub fn generation(&self, page: usize) -> u32 {
        self.code.generation(page)
    }

    /// The number of times that any decoded code went stale.
    #[inline]
    pub(crate) fn code_epoch(&self) -> u64 {
        self.code.epoch()
    }

    /// The host address of [`GuestRam::code_epoch`], eight bytes; valid as long as `self` is not moved.
    pub(crate) fn code_epoch_address(&self) -> u64 {
        self.code.epoch_address()
    }

    /// Calls `each` for the code that went stale since the epoch `seen`; answers the epoch now, and whether some of it
    /// is not remembered any more.
    pub(crate) fn stale_code_since(&self, seen: u64, each: impl FnMut(Stale)) -> (u64, bool) {
        self.code.stale_since(seen, each)
    }

    /// Follows a store of `len` bytes within the page at `host`, which [`Self::host_page`] gave, or within it: decoded
    /// code that was overwritten goes stale. Cost: one byte loaded from a table of one per page.
    #[inline]
    pub(crate) fn wrote_host(&self, host: *const u8, len: u64) {
        let page = self.page_of_host(host);
        if self.is_code(page) {
            self.code.wrote(page, lines_of(host.addr() as u64, len));
        }
    }

    /// Follows every store to RAM: decoded code that was overwritten goes stale. The range must be RAM.
    #[inline]
    pub fn wrote(&self, pa: u64, len: u64) {
        if len == 0 {
            return;
        }
        let offset = pa - self.base;
        let (first, last) = (offset >> 12, (offset + len - 1) >> 12);
        for page in first..=last {
            if self.is_code(page as usize) {
                let start = if page == first { offset & 0xfff } else { 0 };
                let end = if page == last { (offset + len - 1) & 0xfff } else { 0xfff };
                self.code.wrote(page as usize, lines_of(start, end - start + 1));
            }
        }
    }
}

impl Drop for GuestRam {
    fn drop(&mut self) {
        // SAFETY: the range is the mapping made in `new`; nothing can reach it any more. A failure would only leak it.
        let _ = unsafe { munmap(self.host.as_ptr().cast(), self.size_bytes as usize) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, Instant};

    use super::*;

    fn ram() -> GuestRam {
        GuestRam::new(0x4000_0000, 0x10_0000).unwrap()
    }

    #[test]
    fn copies_round_trip_across_pages() {
        let ram = ram();
        let bytes: Vec<u8> = (0..9000).map(|i| (i % 251) as u8).collect();
        ram.copy_in(0x4000_0ffd, &bytes).unwrap();
        let mut back = vec![0; bytes.len()];
        ram.copy_out(0x4000_0ffd, &mut back).unwrap();
        assert_eq!(back, bytes);
        assert_eq!(ram.read::<u8>(0x4000_0ffc).unwrap(), 0);
    }

    #[test]
    fn accesses_outside_are_refused() {
        let ram = ram();
        assert!(ram.read::<u32>(0x3fff_fffc).is_err());
        assert!(ram.read::<u32>(0x400f_fffd).is_err());
        assert!(ram.read::<u32>(0x400f_fffc).is_ok());
        assert!(ram.copy_in(0x400f_ffff, &[0; 2]).is_err());
        assert!(ram.read::<u64>(u64::MAX).is_err());
        assert!(ram.fill(0x4000_0000, u64::MAX, 0).is_err());
        assert!(GuestRam::new(0, 0).is_err());
        assert!(GuestRam::new(0x800, 0x1000).is_err());
    }

    #[test]
    fn values_are_little_endian_at_any_alignment() {
        let ram = ram();
        ram.write(0x4000_0001, 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10_u128).unwrap();
        assert_eq!(ram.read::<u8>(0x4000_0001).unwrap(), 0x10);
        assert_eq!(ram.read::<u64>(0x4000_0009).unwrap(), 0x0102_0304_0506_0708);
        assert_eq!(ram.read::<u128>(0x4000_0001).unwrap(), 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);
    }

    #[test]
    fn compare_exchange_stores_only_on_match() {
        let ram = ram();
        ram.write(0x4000_0010, 7_u128 << 64 | 5).unwrap();
        assert_eq!(ram.compare_exchange(0x4000_0010, 1_u128, 2).unwrap(), 7_u128 << 64 | 5);
        assert_eq!(ram.compare_exchange(0x4000_0010, 7_u128 << 64 | 5, 2).unwrap(), 7_u128 << 64 | 5);
        assert_eq!(ram.read::<u128>(0x4000_0010).unwrap(), 2);
        assert_eq!(ram.compare_exchange(0x4000_0010, 2_u16, 9).unwrap(), 2);
        assert_eq!(ram.read::<u8>(0x4000_0010).unwrap(), 9);
        assert!(ram.compare_exchange(0x4000_0011, 0_u16, 9).is_err());
    }

    #[test]
    fn a_store_to_code_bumps_only_the_generation_of_its_page() {
        let ram = ram();
        let page = ram.page(0x4000_2000).unwrap();
        ram.write(0x4000_2000, 1_u32).unwrap();
        assert_eq!(ram.generation(page), 0, "a data page has no generations");
        ram.mark_code(page, 0x4000_2000, 4);
        ram.write(0x4000_3000, 1_u32).unwrap();
        ram.write(0x4000_2040, 1_u32).unwrap();
        assert_eq!(ram.generation(page), 0, "another page, another line");
        ram.write(0x4000_1ffe, 1_u32).unwrap();
        assert_eq!(ram.generation(page), 1, "the second half of a crossing store counts");
        assert!(!ram.is_code(page));
        ram.mark_code(page, 0x4000_2000, 4);
        ram.copy_in(0x4000_0000, &[0; 0x2001]).unwrap();
        assert_eq!(ram.generation(page), 2);
    }

    /// The store buffer litmus test: a store and a look at the mark, against a mark and a look at the bytes.
    #[test]
    fn a_store_is_seen_by_the_decoder_or_sees_its_mark() {
        const ROUNDS: u32 = 100_000;
        let ram = ram();
        let (pa, page) = (0x4000_5000, 5);
        let (started, finished) = (AtomicU32::new(0), AtomicU32::new(0));
        let deadline = Instant::now() + Duration::from_secs(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    while started.load(Ordering::Acquire) < round {
                        if finished.load(Ordering::Relaxed) == u32::MAX {
                            return;
                        }
                        std::hint::spin_loop();
                    }
                    ram.write(pa, round).unwrap();
                    finished.store(round, Ordering::Release);
                }
            });
            for round in 1..=ROUNDS {
                started.store(round, Ordering::Release);
                (0..round % 32).for_each(|_| std::hint::spin_loop());
                let generation = ram.mark_code(page, pa, 4);
                let seen = ram.read::<u32>(pa).unwrap();
                while finished.load(Ordering::Acquire) != round {
                    std::hint::spin_loop();
                }
                let stale = seen != round && ram.generation(page) == generation;
                if stale || Instant::now() > deadline {
                    finished.store(u32::MAX, Ordering::Relaxed);
                }
                assert!(!stale, "round {round}: old bytes under a current generation");
                if Instant::now() > deadline {
                    break;
                }
                ram.wrote(pa, 4);
            }
        });
    }
}
