//! The environment of an operation: FPCR, FPSR and the rounding modes.

/// Cumulative exception flags of FPSR.
pub mod flag {
    /// Invalid operation.
    pub const IOC: u64 = 1 << 0;
    /// Division by zero.
    pub const DZC: u64 = 1 << 1;
    /// Overflow.
    pub const OFC: u64 = 1 << 2;
    /// Underflow.
    pub const UFC: u64 = 1 << 3;
    /// Inexact.
    pub const IXC: u64 = 1 << 4;
    /// Input denormal.
    pub const IDC: u64 = 1 << 7;
}

const FZ16: u64 = 1 << 19;
const RMODE: u64 = 3 << 22;
pub(super) const FZ: u64 = 1 << 24;
pub(super) const DN: u64 = 1 << 25;
const AHP: u64 = 1 << 26;

/// A rounding mode: the four of FPCR.RMode, and the two that only instructions name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To nearest, ties to even (RN).
    TieEven,
    /// Towards plus infinity (RP).
    PosInf,
    /// Towards minus infinity (RM).
    NegInf,
    /// Towards zero (RZ).
    Zero,
    /// To nearest, ties away from zero (the FCVTA and FRINTA instructions).
    TieAway,
    /// To odd (FCVTXN and the BFloat16 dot products).
    Odd,
}

impl Rounding {
    /// Tells whether a value with a discarded part must move away from zero.
    ///
    /// `half` is how the discarded part compares with half a unit, `inexact` whether it is non-zero and `odd`
    /// the lowest kept bit. Rounding to odd is done by the caller.
    #[inline(always)]
    pub(super) fn rounds_up(self, sign: bool, odd: bool, half: core::cmp::Ordering, inexact: bool) -> bool {
        match self {
            Rounding::TieEven => half.is_gt() || (half.is_eq() && odd),
            Rounding::TieAway => half.is_ge(),
            Rounding::PosInf => inexact && !sign,
            Rounding::NegInf => inexact && sign,
            Rounding::Zero | Rounding::Odd => false,
        }
    }

    /// Tells whether a result too large for the format becomes an infinity (else the largest number).
    #[inline]
    pub(super) fn overflows_to_infinity(self, sign: bool) -> bool {
        match self {
            Rounding::TieEven | Rounding::TieAway => true,
            Rounding::PosInf => !sign,
            Rounding::NegInf => sign,
            Rounding::Zero | Rounding::Odd => false,
        }
    }
}

/// FPCR, read only by the operations, and FPSR, into which they accumulate flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FpEnv {
    /// The control register.
    pub fpcr: u64,
    /// The status register.
    pub fpsr: u64,
}

impl FpEnv {
    /// Makes an environment with the given control register and no flags.
    pub fn new(fpcr: u64) -> Self {
        FpEnv { fpcr, fpsr: 0 }
    }

    /// Returns the rounding mode of FPCR.RMode (`FPRoundingMode`).
    #[inline]
    pub fn rounding(&self) -> Rounding {
        match self.fpcr & RMODE {
            0 => Rounding::TieEven,
            0x0040_0000 => Rounding::PosInf,
            0x0080_0000 => Rounding::NegInf,
            _ => Rounding::Zero,
        }
    }

    /// Accumulates flags into FPSR (`FPProcessException`, never trapped).
    #[inline(always)]
    pub fn raise(&mut self, flags: u64) {
        self.fpsr |= flags;
    }

    #[inline(always)]
    pub(super) fn flush(&self) -> bool {
        self.fpcr & FZ != 0
    }

    #[inline(always)]
    pub(super) fn flush_half(&self) -> bool {
        self.fpcr & FZ16 != 0
    }

    #[inline(always)]
    pub(super) fn default_nan(&self) -> bool {
        self.fpcr & DN != 0
    }

    #[inline(always)]
    pub(super) fn alternative_half(&self) -> bool {
        self.fpcr & AHP != 0
    }

    /// Tells whether single and double arithmetic follows the host's rules except for NaNs and tininess:
    /// round to nearest, no flushing, NaNs propagated.
    #[inline(always)]
    pub(super) fn host_rules(&self) -> bool {
        self.fpcr & (RMODE | FZ | DN) == 0
    }

    /// Tells whether IXC is set already, so that an inexact result changes no flag.
    #[inline(always)]
    pub(super) fn inexact_noted(&self) -> bool {
        self.fpsr & flag::IXC != 0
    }
}
