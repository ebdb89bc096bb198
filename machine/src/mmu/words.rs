//! Pairs of words as one access, which FEAT_LSE2 makes single-copy atomic within 16 aligned bytes of Normal memory.

use super::access::{Access, UNPRIV};
use super::ram_address::RamAddress;
use super::walk::Kind;
use crate::cpu::Vcpu;
use crate::interp::Abort;

impl Vcpu {
    /// Loads eight bytes at once, if two words there are one access. Otherwise, as in Device memory, they are two.
    #[inline]
    pub fn load_words(&mut self, va: u64, how: Access) -> Result<Option<u64>, Abort> {
        Ok(self.words(va, Kind::Read, how)?.map(RamAddress::load))
    }

    /// Stores eight bytes at once, if two words there are one access; tells whether it did.
    #[inline]
    pub fn store_words(&mut self, va: u64, value: u64, how: Access) -> Result<bool, Abort> {
        let Some(host) = self.words(va, Kind::Write, how)? else { return Ok(false) };
        host.store(value);
        self.note_write(host, 8);
        Ok(true)
    }

    #[inline]
    fn words(&mut self, va: u64, kind: Kind, how: Access) -> Result<Option<RamAddress>, Abort> {
        if va & 15 > 8 || !how.is_ordinary() || self.tlb.is_big_endian() {
            return Ok(None);
        }
        match self.tlb.fast_unaligned(va, how.is(UNPRIV), kind as usize) {
            None => self.words_slow(va, kind, how),
            hit => Ok(hit),
        }
    }

    /// What each word has to be checked for by itself, but for the translation, is left to two accesses.
    #[inline(never)]
    fn words_slow(&mut self, va: u64, kind: Kind, how: Access) -> Result<Option<RamAddress>, Abort> {
        if va & 3 != 0 || self.tlb.is_watching() {
            return Ok(None);
        }
        let entry = self.data_entry(va, kind, how)?;
        Ok(entry.host(va).filter(|_| !entry.is_device()))
    }
}
