//! Exceptions: what they are, how they are taken, how ERET returns, and where interrupts go.

mod calls;
mod eret;
mod interrupt;
mod take;
mod wait;

pub(crate) use calls::{brk, hlt, hvc, smc, svc};
pub(crate) use eret::{EretKind, eret};
pub(crate) use interrupt::{is_any_virtual, may_be_interrupted, pending_interrupt};
pub(crate) use take::{take, take_raised};
pub(crate) use wait::{Wfx, give_way, send_event, wfx};

/// The vector group of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Caused by an instruction.
    Synchronous,
    /// IRQ or virtual IRQ.
    Irq,
    /// FIQ or virtual FIQ.
    Fiq,
    /// SError or virtual SError.
    SError,
}

/// An exception to be taken, with the values that its syndrome registers receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The vector.
    pub kind: Kind,
    /// The Exception level that takes it: 1 or 2.
    pub target: u8,
    /// ESR_ELx.EC.
    pub ec: u8,
    /// ESR_ELx.ISS in bits 24:0 and ISS2 in bits 55:32.
    pub iss: u64,
    /// FAR_ELx, where the exception writes it.
    pub far: Option<u64>,
    /// HPFAR_EL2, where the exception writes it.
    pub hpfar: Option<u64>,
    /// Whether the preferred return address is the instruction after the current one.
    pub returns_after: bool,
}

impl Exception {
    /// A synchronous exception whose preferred return address is the current instruction.
    #[must_use]
    pub const fn sync(target: u8, ec: u8, iss: u64) -> Exception {
        Exception { kind: Kind::Synchronous, target, ec, iss, far: None, hpfar: None, returns_after: false }
    }

    /// An interrupt, which has no syndrome.
    #[must_use]
    pub const fn interrupt(kind: Kind, target: u8) -> Exception {
        Exception { kind, ..Exception::sync(target, 0, 0) }
    }

    /// The same exception with a value for FAR_ELx.
    #[must_use]
    pub const fn with_far(self, far: u64) -> Exception {
        Exception { far: Some(far), ..self }
    }

    /// The same exception with a value for HPFAR_EL2.
    #[must_use]
    pub const fn with_hpfar(self, hpfar: u64) -> Exception {
        Exception { hpfar: Some(hpfar), ..self }
    }

    /// The same exception, returning to the next instruction.
    #[must_use]
    pub const fn after_instruction(self) -> Exception {
        Exception { returns_after: true, ..self }
    }
}
