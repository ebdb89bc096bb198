//! Guest memory accesses and address translation.
//!
//! `walk` follows translation tables and knows nothing of CPUs; `tlb` and `context` cache its results under tags;
//! `translate` joins both; the other modules connect them with a [`Vcpu`](crate::cpu::Vcpu): accesses, fetches, aborts,
//! TLB maintenance and address translation instructions.

mod abort;
mod access;
mod context;
mod data;
mod fault;
mod fetch;
mod registers;
mod tlb;
mod translate;
pub mod walk;

pub use access::{Access, Iss};
pub use fault::{Fault, FaultKind, Stage2Fault};
pub use fetch::FetchPage;
pub use translate::Tlb;
