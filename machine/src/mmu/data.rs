//! Loads, stores, atomics and exclusives of the guest.
//!
//! The inline path is: index, compare the tag, test the permission, access: 1.4 ns a load, 1.7 ns a store on the machine
//! it was written on, as `mmu::tests::cost` measures. Everything else (other alignments, devices, page crossings, byte
//! swapping, misses) is out of line, and so is every access to a page that a watchpoint watches.

use std::sync::atomic::{Ordering, fence};

use droste_arch::feature::Feature;
use droste_arch::fields::sctlr_el1;

use super::access::{ATOMIC, Access, EXCLUSIVE, NV2, ORDERED, UNPRIV};
use super::fault::{Fault, FaultKind};
use super::ram_address::RamAddress;
use super::tlb::Entry;
use super::translate::READ_WRITE;
use super::walk::Kind;
use crate::cpu::{Exclusive, Vcpu};
use crate::interp::Abort;
use crate::ram::Mem;
use crate::trace;

const PAGE_BYTES: u64 = 4096;

impl Vcpu {
    /// Loads a value.
    #[inline(always)]
    pub fn load<T: Mem>(&mut self, va: u64, how: Access) -> Result<T, Abort> {
        if va & (T::SIZE - 1) == 0
            && !how.is(NV2)
            && let Some(host) = self.tlb.fast(va, how.is(UNPRIV), Kind::Read as usize)
        {
            return Ok(host.load());
        }
        self.load_other(va, how)
    }

    /// Stores a value.
    #[inline(always)]
    pub fn store<T: Mem>(&mut self, va: u64, value: T, how: Access) -> Result<(), Abort> {
        if va & (T::SIZE - 1) == 0
            && !how.is(NV2)
            && let Some(host) = self.tlb.fast(va, how.is(UNPRIV), Kind::Write as usize)
        {
            self.put(host, value, how);
            return Ok(());
        }
        self.store_other(va, value, how)
    }

    /// Replaces a value by `f` of it in one atomic step; returns the old one.
    #[inline]
    pub fn rmw<T: Mem>(&mut self, va: u64, how: Access, f: impl Fn(T) -> T) -> Result<T, Abort> {
        let aligned = va & (T::SIZE - 1) == 0;
        if aligned && let Some(host) = self.tlb.fast(va, how.is(UNPRIV), READ_WRITE) {
            let old = modify(host, f);
            self.note_write(host, T::SIZE);
            return Ok(old);
        }
        self.rmw_slow(va, how, &f)
    }

    /// Replaces `expected` by `new` in one atomic step; returns the value found.
    #[inline]
    pub fn cas<T: Mem>(&mut self, va: u64, how: Access, expected: T, new: T) -> Result<T, Abort> {
        self.rmw(va, how, |found| if found == expected { new } else { found })
    }

    /// Loads a value and sets the local monitor.
    pub fn load_exclusive<T: Mem>(&mut self, va: u64, how: Access) -> Result<T, Abort> {
        if va & (T::SIZE - 1) == 0
            && let Some(entry) = self.tlb.fast_entry(va, false, Kind::Read as usize)
            && let Some(host) = entry.host(va)
        {
            let (pa, value) = (entry.pa | va & 0xfff, host.load::<T>());
            self.state.exclusive = Exclusive { valid: true, size: T::SIZE as u8, pa, value: value.to_u128() };
            return Ok(value);
        }
        self.check_alignment::<T>(va, false, how)?;
        let entry = self.data_entry(va, Kind::Read, how)?;
        self.check_device_alignment::<T>(va, &entry, false, how)?;
        self.check_watchpoints(va, T::SIZE, false, how)?;
        let value = self.read_entry::<T>(&entry, va, how)?;
        let monitor = &mut self.state.exclusive;
        (monitor.valid, monitor.size) = (true, T::SIZE as u8);
        (monitor.pa, monitor.value) = (entry.pa | va & 0xfff, value.to_u128());
        Ok(self.ordered(value))
    }

    /// Stores a value if the monitor still covers it and nobody has changed it; tells whether it did.
    pub fn store_exclusive<T: Mem>(&mut self, va: u64, value: T, how: Access) -> Result<bool, Abort> {
        self.check_alignment::<T>(va, true, how)?;
        let monitor = self.state.exclusive;
        if !monitor.valid {
            return Ok(false);
        }
        let fast = self.tlb.fast_entry(va, false, Kind::Write as usize);
        let entry = match fast {
            Some(entry) if va & (T::SIZE - 1) == 0 => *entry,
            _ => self.data_entry(va, Kind::Write, how)?,
        };
        self.check_device_alignment::<T>(va, &entry, true, how)?;
        self.check_watchpoints(va, T::SIZE, true, how)?;
        self.state.exclusive.valid = false;
        if monitor.pa != entry.pa | va & 0xfff || u64::from(monitor.size) != T::SIZE {
            return Ok(false);
        }
        let Some(host) = entry.host(va) else {
            self.write_entry(&entry, va, value, how)?;
            return Ok(true);
        };
        let (expected, new) = (T::from_u128(monitor.value), self.ordered(value));
        let stored = compare_and_store(host, expected, new);
        if stored {
            self.note_write(host, T::SIZE);
        }
        Ok(stored)
    }

    /// Stores to RAM, with the barrier that a release needs against a later acquire on a TSO host.
    #[inline(always)]
    fn put<T: Mem>(&mut self, host: RamAddress, value: T, how: Access) {
        host.store(value);
        if how.is(ORDERED) {
            fence(Ordering::SeqCst);
        }
        self.note_write(host, T::SIZE);
    }

    /// Makes decoded code stale that a store of `len` bytes has overwritten.
    #[inline(always)]
    pub(super) fn note_write(&self, host: RamAddress, len: u64) {
        self.machine.ram.wrote_host(host.pointer(), len);
    }

    /// Swaps between guest and host byte order.
    fn ordered<T: Mem>(&self, value: T) -> T {
        if self.tlb.is_big_endian() { value.swap_bytes() } else { value }
    }

    fn ordered_for<T: Mem>(&self, value: T, how: Access) -> T {
        let big = if how.is(NV2) { self.nv2_big_endian() } else { self.tlb.is_big_endian() };
        if big { value.swap_bytes() } else { value }
    }

    /// The slow path's own fast path: unaligned within a page.
    #[inline(never)]
    fn load_other<T: Mem>(&mut self, va: u64, how: Access) -> Result<T, Abort> {
        if (va & 0xfff) + T::SIZE <= PAGE_BYTES
            && how.is_ordinary()
            && let Some(host) = self.tlb.fast_unaligned(va, how.is(UNPRIV), Kind::Read as usize)
        {
            return Ok(host.load());
        }
        self.load_slow(va, how)
    }

    #[inline(never)]
    fn store_other<T: Mem>(&mut self, va: u64, value: T, how: Access) -> Result<(), Abort> {
        if (va & 0xfff) + T::SIZE <= PAGE_BYTES
            && how.is_ordinary()
            && let Some(host) = self.tlb.fast_unaligned(va, how.is(UNPRIV), Kind::Write as usize)
        {
            self.put(host, value, how);
            return Ok(());
        }
        self.store_slow(va, value, how)
    }

    #[inline(never)]
    fn load_slow<T: Mem>(&mut self, va: u64, how: Access) -> Result<T, Abort> {
        self.check_alignment::<T>(va, false, how)?;
        let entry = self.data_entry(va, Kind::Read, how)?;
        self.check_device_alignment::<T>(va, &entry, false, how)?;
        let first_size = T::SIZE.min(PAGE_BYTES - (va & 0xfff));
        self.check_watchpoints(va, first_size, false, how)?;
        if first_size == T::SIZE {
            let value = self.read_entry(&entry, va, how)?;
            return Ok(self.ordered_for(value, how));
        }
        let second_va = second_page(va);
        let second = self.data_entry(second_va, Kind::Read, how)?;
        self.check_device_alignment::<T>(va, &second, false, how)?;
        self.check_watchpoints(second_va, T::SIZE - first_size, false, how)?;
        let mut bytes = 0;
        for i in 0..T::SIZE {
            let at = va.wrapping_add(i);
            let part = if at & !0xfff == second_va { &second } else { &entry };
            bytes |= u128::from(self.read_entry::<u8>(part, at, how)?) << (8 * i);
        }
        Ok(self.ordered_for(T::from_u128(bytes), how))
    }

    #[inline(never)]
    fn store_slow<T: Mem>(&mut self, va: u64, value: T, how: Access) -> Result<(), Abort> {
        self.check_alignment::<T>(va, true, how)?;
        let entry = self.data_entry(va, Kind::Write, how)?;
        self.check_device_alignment::<T>(va, &entry, true, how)?;
        let first_size = T::SIZE.min(PAGE_BYTES - (va & 0xfff));
        self.check_watchpoints(va, first_size, true, how)?;
        let value = self.ordered_for(value, how);
        if first_size == T::SIZE {
            return self.write_entry(&entry, va, value, how);
        }
        // Both pages are checked before anything is written.
        let second_va = second_page(va);
        let second = self.data_entry(second_va, Kind::Write, how)?;
        self.check_device_alignment::<T>(va, &second, true, how)?;
        self.check_watchpoints(second_va, T::SIZE - first_size, true, how)?;
        for i in 0..T::SIZE {
            let at = va.wrapping_add(i);
            let part = if at & !0xfff == second_va { &second } else { &entry };
            self.write_entry(part, at, (value.to_u128() >> (8 * i)) as u8, how)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn rmw_slow<T: Mem>(&mut self, va: u64, how: Access, f: &dyn Fn(T) -> T) -> Result<T, Abort> {
        self.check_alignment::<T>(va, false, how)?;
        // A fault that a read would have is reported as a read's.
        self.data_entry(va, Kind::Read, how)?;
        let entry = self.data_entry(va, Kind::Write, how)?;
        self.check_device_alignment::<T>(va, &entry, false, how)?;
        self.check_watchpoints(va, T::SIZE, false, how)?;
        self.check_watchpoints(va, T::SIZE, true, how)?;
        let big = self.tlb.is_big_endian();
        let order = |value: T| if big { value.swap_bytes() } else { value };
        let guest_order = |value: T| order(f(order(value)));
        let Some(host) = entry.host(va) else {
            // Devices take no atomics; what software gets on such a bus is a read and a write.
            let old = self.read_entry::<T>(&entry, va, how)?;
            self.write_entry(&entry, va, guest_order(old), how)?;
            return Ok(order(old));
        };
        let old = if va & (T::SIZE - 1) == 0 {
            modify(host, guest_order)
        } else {
            modify_within_16(host, guest_order)
        };
        self.note_write(host, T::SIZE);
        Ok(order(old))
    }

    /// Reads within one page, in memory order.
    fn read_entry<T: Mem>(&mut self, entry: &Entry, va: u64, how: Access) -> Result<T, Abort> {
        if let Some(host) = entry.host(va) {
            return Ok(host.load());
        }
        let pa = entry.pa | va & 0xfff;
        let mut value = 0;
        for (offset, size) in bus_parts(pa, T::SIZE) {
            let part = self.machine.bus.read(pa + offset, size as u8);
            if let Some(tracer) = &self.machine.tracer {
                trace::device_access(self, tracer.as_ref(), false, pa + offset, size as u8, part);
            }
            let part = part.map_err(|_| self.external_abort(va, false, how))?;
            value |= u128::from(part) << (8 * offset);
        }
        Ok(T::from_u128(value))
    }

    /// Writes within one page, in memory order.
    fn write_entry<T: Mem>(&mut self, entry: &Entry, va: u64, value: T, how: Access) -> Result<(), Abort> {
        if let Some(host) = entry.host(va) {
            self.put(host, value, how);
            return Ok(());
        }
        let pa = entry.pa | va & 0xfff;
        for (offset, size) in bus_parts(pa, T::SIZE) {
            let part = (value.to_u128() >> (8 * offset)) as u64 & (u64::MAX >> (64 - 8 * size));
            let done = self.machine.bus.write(pa + offset, size as u8, part);
            if let Some(tracer) = &self.machine.tracer {
                trace::device_access(
                    self,
                    tracer.as_ref(),
                    true,
                    pa + offset,
                    size as u8,
                    done.map(|()| part),
                );
            }
            done.map_err(|_| self.external_abort(va, true, how))?;
        }
        Ok(())
    }

    #[cold]
    fn external_abort(&mut self, va: u64, write: bool, how: Access) -> Abort {
        self.data_abort(va, Fault::stage1(FaultKind::External, 0, write), how)
    }

    /// Alignment that is required whatever the memory type (AArch64.UnalignedAccessFaults).
    #[inline]
    fn check_alignment<T: Mem>(&mut self, va: u64, write: bool, how: Access) -> Result<(), Abort> {
        if va & (T::SIZE - 1) == 0 { Ok(()) } else { self.check_unaligned::<T>(va, write, how) }
    }

    fn check_unaligned<T: Mem>(&mut self, va: u64, write: bool, how: Access) -> Result<(), Abort> {
        let sctlr = self.mode.sctlr;
        let within_16 = self.has(Feature::FEAT_LSE2) && (va & 15) + T::SIZE <= 16;
        let faults = if sctlr_el1::A.is_set(sctlr) {
            true
        } else if how.is(EXCLUSIVE | ATOMIC | NV2) {
            !within_16
        } else if how.is(ORDERED) {
            let anywhere = self.has(Feature::FEAT_LSE2) && sctlr_el1::nAA.is_set(sctlr);
            !(within_16 || anywhere)
        } else {
            false
        };
        if faults { Err(self.alignment_fault(va, write, how)) } else { Ok(()) }
    }

    /// Alignment that Device memory requires (AArch64.S1HasAlignmentFault).
    fn check_device_alignment<T: Mem>(
        &mut self,
        va: u64,
        entry: &Entry,
        write: bool,
        how: Access,
    ) -> Result<(), Abort> {
        if va & (T::SIZE - 1) != 0 && entry.is_device() {
            return Err(self.alignment_fault(va, write, how));
        }
        Ok(())
    }

    #[cold]
    fn alignment_fault(&mut self, va: u64, write: bool, how: Access) -> Abort {
        self.data_abort(va, Fault::stage1(FaultKind::Alignment, 0, write), how)
    }
}

/// The address of the page after that of `va`.
fn second_page(va: u64) -> u64 {
    (va | 0xfff).wrapping_add(1)
}

/// Splits a device access into aligned pieces of at most eight bytes: {offset, size}.
fn bus_parts(pa: u64, size: u64) -> impl Iterator<Item = (u64, u64)> {
    let piece = if pa.is_multiple_of(size) { size.min(8) } else { 1 };
    (0..size / piece).map(move |n| (n * piece, piece))
}

/// Replaces a value in RAM by `f` of it; returns the old one.
#[inline]
fn modify<T: Mem>(host: RamAddress, f: impl Fn(T) -> T) -> T {
    let mut old = host.load::<T>();
    loop {
        let found = host.compare_exchange(old, f(old));
        if found == old {
            return old;
        }
        old = found;
    }
}

/// The same for an unaligned value within 16 aligned bytes (FEAT_LSE2).
fn modify_within_16<T: Mem>(host: RamAddress, f: impl Fn(T) -> T) -> T {
    let (line, shift) = host.containing_16();
    let field = u128::MAX >> (128 - 8 * T::SIZE as u32);
    let part = |whole: u128| T::from_u128(whole >> shift & field);
    part(modify(line, |whole: u128| whole & !(field << shift) | f(part(whole)).to_u128() << shift))
}

/// Stores `new` if the value is still `expected`.
fn compare_and_store<T: Mem>(host: RamAddress, expected: T, new: T) -> bool {
    if (host.pointer().addr() as u64).is_multiple_of(T::SIZE) {
        return host.compare_exchange(expected, new) == expected;
    }
    modify_within_16(host, |found| if found == expected { new } else { found }) == expected
}
