//! Interfaces whose owners have not landed yet. Each piece is deleted when the real one lands.
#![allow(missing_docs, unused_variables)]

use crate::cpu::Vcpu;
use crate::interp::Abort;
use crate::ram::Mem;

/// mmu: where the instruction at a PC is.
pub(crate) struct FetchPage {
    /// Physical address of the instruction.
    pub(crate) pa: u64,
    /// Whether the page is guarded (GP), for BTI.
    pub(crate) guarded: bool,
}

impl Vcpu {
    pub(crate) fn fetch_page(&mut self, pc: u64) -> Result<FetchPage, Abort> {
        Err(Abort)
    }
    // mmu
    pub(crate) fn tlbi_sync(&mut self) {}
    pub(crate) fn load<T: Mem>(&mut self, va: u64, how: mmu::Access) -> Result<T, Abort> {
        unimplemented!("load")
    }
    pub(crate) fn store<T: Mem>(&mut self, va: u64, value: T, how: mmu::Access) -> Result<(), Abort> {
        unimplemented!("store")
    }
    pub(crate) fn rmw<T: Mem>(&mut self, va: u64, how: mmu::Access, f: impl Fn(T) -> T) -> Result<T, Abort> {
        unimplemented!("rmw")
    }
    pub(crate) fn cas<T: Mem>(&mut self, va: u64, how: mmu::Access, expected: T, new: T) -> Result<T, Abort> {
        unimplemented!("cas")
    }
    pub(crate) fn load_exclusive<T: Mem>(&mut self, va: u64, how: mmu::Access) -> Result<T, Abort> {
        unimplemented!("load_exclusive")
    }
    pub(crate) fn store_exclusive<T: Mem>(
        &mut self,
        va: u64,
        value: T,
        how: mmu::Access,
    ) -> Result<bool, Abort> {
        unimplemented!("store_exclusive")
    }
}

pub(crate) mod mmu {
    #[derive(Clone, Copy)]
    pub(crate) struct Access;
    pub(crate) struct Iss {
        pub(crate) sas: u8,
        pub(crate) sse: bool,
        pub(crate) srt: u8,
        pub(crate) sf: bool,
        pub(crate) ar: bool,
    }
    impl Access {
        pub(crate) const NORMAL: Access = Access;
        pub(crate) const UNPRIV: Access = Access;
        pub(crate) const ORDERED: Access = Access;
        pub(crate) const ATOMIC: Access = Access;
        pub(crate) const EXCLUSIVE: Access = Access;
        pub(crate) fn with_iss(self, iss: Iss) -> Access {
            self
        }
    }
}

/// sysreg
pub(crate) mod sysreg {
    pub(crate) fn handler(e: droste_arch::a64::Encoding) -> Option<crate::interp::Handler> {
        None
    }
}
