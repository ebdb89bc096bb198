//! Guest memory accesses and address translation.
//!
//! `walk` follows translation tables and knows nothing of CPUs; `tlb` and `context` cache its results under tags;
//! `translate` joins both; the other modules connect them with a [`Vcpu`](crate::cpu::Vcpu): accesses, fetches, aborts,
//! TLB maintenance and address translation instructions.

mod abort;
mod access;
mod at;
mod block_filter;
mod bulk;
mod context;
mod data;
mod fault;
mod fetch;
mod fetch_ids;
mod inline;
mod mailbox;
mod maintenance;
mod ram_address;
mod registers;
mod resolve;
mod route;
mod selection;
mod stage2_cache;
#[cfg(test)]
mod tests;
mod tlb;
mod tlbi;
mod translate;
mod view;
pub mod walk;
mod words;

pub use access::{Access, Iss};
pub(crate) use at::at;
pub use fault::{Fault, FaultKind, Stage2Fault};
pub use fetch::FetchPage;
pub(crate) use mailbox::Mailbox;
pub(crate) use maintenance::{dc, ic};
pub(crate) use ram_address::RamAddress;
pub(crate) use tlbi::tlbi;

/// Layouts that generated code relies on.
pub(crate) mod layout {
    pub(crate) use super::inline::layout as inline;
    pub(crate) use super::route::layout as tlb;
}
pub(crate) use route::Route;
pub use translate::Tlb;
pub(crate) use view::View;
