//! The condition flags in the form in which x86 instructions give and take them.

use std::fmt;

/// PSTATE.{N,Z,C,V}.
///
/// Generated code reads and writes it far more often than anything else, and tests single flags in memory. So it is what
/// LAHF and SETO leave in EAX after a comparison: N, Z and the *opposite* of C in bits 15, 14 and 8, and V in bit 0. The
/// other bits have any value.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Nzcv(u32);

impl Nzcv {
    /// N, as a bit of the stored form.
    pub(crate) const N: u32 = 1 << 15;
    /// Z, as a bit of the stored form.
    pub(crate) const Z: u32 = 1 << 14;
    /// The opposite of C, as a bit of the stored form.
    pub(crate) const NOT_C: u32 = 1 << 8;
    /// V, as a bit of the stored form.
    pub(crate) const V: u32 = 1;
    /// All of them.
    pub(crate) const STORED: u32 = Nzcv::N | Nzcv::Z | Nzcv::NOT_C | Nzcv::V;
    /// C, as a bit of the architecture's form.
    pub(crate) const C: u32 = 1 << 29;
    /// N, Z, C and V in the architecture's form.
    pub(crate) const MASK: u32 = 0xf << 28;
    /// What the stored form is multiplied with to have N, Z, the opposite of C, and V in bits 31 to 28: nothing carries there.
    pub(crate) const TO_BITS: u32 = 1 << 16 | 1 << 21 | 1 << 28;

    /// The flags of N, Z, C and V in bits 31:28; other bits do not matter.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Nzcv {
        let inverted = bits ^ Nzcv::C;
        Nzcv(inverted >> 16 & (Nzcv::N | Nzcv::Z) | inverted >> 21 & Nzcv::NOT_C | inverted >> 28 & Nzcv::V)
    }

    /// N, Z, C and V in bits 31:28; the other bits are zero.
    #[must_use]
    pub const fn bits(self) -> u32 {
        ((self.0 & Nzcv::STORED).wrapping_mul(Nzcv::TO_BITS) & Nzcv::MASK) ^ Nzcv::C
    }

    /// Replaces the flags by N, Z, C and V in bits 31:28.
    pub const fn set(&mut self, bits: u32) {
        *self = Nzcv::from_bits(bits);
    }

    /// The stored form; see [`Nzcv`].
    pub(crate) const fn stored(self) -> u32 {
        self.0
    }
}

impl Default for Nzcv {
    /// All clear.
    fn default() -> Nzcv {
        Nzcv::from_bits(0)
    }
}

impl PartialEq for Nzcv {
    fn eq(&self, other: &Nzcv) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Nzcv {}

impl fmt::Debug for Nzcv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nzcv({:04b})", self.bits() >> 28)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_comes_back_whatever_the_other_bits_are() {
        for nzcv in 0..16 {
            let bits = nzcv << 28;
            assert_eq!(Nzcv::from_bits(bits).bits(), bits);
            assert_eq!(Nzcv::from_bits(bits | 0x0fff_ffff).bits(), bits);
            assert_eq!(Nzcv(Nzcv::from_bits(bits).0 | !Nzcv::STORED).bits(), bits);
            assert_eq!(Nzcv(Nzcv::from_bits(bits).0 | !Nzcv::STORED), Nzcv::from_bits(bits));
        }
    }
}
