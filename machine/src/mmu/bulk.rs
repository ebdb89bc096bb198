//! Many bytes at once, for instructions that promise no more than single bytes: memory copy and memory set.
//!
//! Only what the first-level TLB allows is done here: RAM that the access may reach and nobody watches. For anything
//! else the caller makes an ordinary access, which faults, reaches a device, or fills the TLB for the next attempt.

use super::Access;
use super::access::UNPRIV;
use super::ram_address::RamAddress;
use super::walk::Kind;
use crate::cpu::Vcpu;

const PAGE_BYTES: u64 = 4096;

impl Vcpu {
    /// Sets at most `len` bytes from `va` up, within one page; how many.
    pub(crate) fn fill_bulk(&mut self, va: u64, len: u64, byte: u8, how: Access) -> u64 {
        let len = len.min(PAGE_BYTES - va % PAGE_BYTES);
        let Some(host) = self.bulk(va, how, Kind::Write) else { return 0 };
        host.fill(len, byte);
        self.note_write(host, len);
        len
    }

    /// Copies at most `len` bytes from `from` up, within one page of each side; how many. None where the copied bytes
    /// would be read again.
    pub(crate) fn copy_bulk_up(&mut self, to: (u64, Access), from: (u64, Access), len: u64) -> u64 {
        let len = len.min(PAGE_BYTES - to.0 % PAGE_BYTES).min(PAGE_BYTES - from.0 % PAGE_BYTES);
        self.copy_bulk(to, from, len, |to, from| to > from && to - from < len as usize)
    }

    /// Copies at most `len` bytes that end before `from` to those before `to`, within one page of each side; how many.
    /// None where the copied bytes would be read again.
    pub(crate) fn copy_bulk_down(&mut self, to: (u64, Access), from: (u64, Access), len: u64) -> u64 {
        let before = |address: u64| address.wrapping_sub(1) % PAGE_BYTES + 1;
        let len = len.min(before(to.0)).min(before(from.0));
        let start = |(end, how): (u64, Access)| (end.wrapping_sub(len), how);
        self.copy_bulk(start(to), start(from), len, |to, from| to < from && from - to < len as usize)
    }

    fn copy_bulk(
        &mut self,
        to: (u64, Access),
        from: (u64, Access),
        len: u64,
        reads_what_it_wrote: impl Fn(usize, usize) -> bool,
    ) -> u64 {
        let source = self.bulk(from.0, from.1, Kind::Read);
        let (Some(source), Some(target)) = (source, self.bulk(to.0, to.1, Kind::Write)) else { return 0 };
        if reads_what_it_wrote(target.pointer().addr(), source.pointer().addr()) {
            return 0;
        }
        target.copy_from(source, len);
        self.note_write(target, len);
        len
    }

    fn bulk(&self, va: u64, how: Access, kind: Kind) -> Option<RamAddress> {
        self.tlb.fast(va, how.is(UNPRIV), kind as usize)
    }
}
