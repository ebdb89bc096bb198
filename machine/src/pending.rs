//! Interfaces whose owners have not landed yet. Each piece is deleted when the real one lands.
#![allow(missing_docs, unused_variables)]

/// sysreg
pub(crate) mod sysreg {
    pub(crate) fn handler(e: droste_arch::a64::Encoding) -> Option<crate::interp::Handler> {
        None
    }
}
