//! System registers and system instructions: names and encodings.
//!
//! Each name that an MRS or MSR can have is a [`SysReg`], the `_EL12` and `_EL02` accessors included,
//! and so are the virtual registers `ICV_*` behind the encodings of `ICC_*`. Array registers have
//! one id for each index.

use core::fmt;

pub mod access;
#[rustfmt::skip]
mod generated;
pub mod reserved;

pub use generated::{COUNT, INSN_COUNT};
use generated::{INSN_ROWS, ROWS};

/// The numbers that name a system register or instruction: `op0:op1:CRn:CRm:op2`.
///
/// The bits are those of bits 20:5 of the instruction word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SysEncoding(pub u16);

impl SysEncoding {
    /// The encoding with these numbers.
    #[must_use]
    #[inline]
    pub const fn new(op0: u8, op1: u8, crn: u8, crm: u8, op2: u8) -> Self {
        let (op0, op1, crn, crm) = (op0 as u16, op1 as u16, crn as u16, crm as u16);
        Self((op0 & 3) << 14 | (op1 & 7) << 11 | (crn & 15) << 7 | (crm & 15) << 3 | (op2 & 7) as u16)
    }

    /// The encoding in an instruction word.
    #[must_use]
    #[inline]
    pub const fn of_word(word: u32) -> Self {
        Self((word >> 5 & 0xffff) as u16)
    }

    /// `op0`.
    #[must_use]
    #[inline]
    pub const fn op0(self) -> u8 {
        (self.0 >> 14) as u8
    }

    /// `op1`.
    #[must_use]
    #[inline]
    pub const fn op1(self) -> u8 {
        (self.0 >> 11 & 7) as u8
    }

    /// `CRn`.
    #[must_use]
    #[inline]
    pub const fn crn(self) -> u8 {
        (self.0 >> 7 & 15) as u8
    }

    /// `CRm`.
    #[must_use]
    #[inline]
    pub const fn crm(self) -> u8 {
        (self.0 >> 3 & 15) as u8
    }

    /// `op2`.
    #[must_use]
    #[inline]
    pub const fn op2(self) -> u8 {
        (self.0 & 7) as u8
    }

    /// The ISS of a trap (EC 0x18) of an instruction word that contains such an encoding.
    #[must_use]
    #[inline]
    pub const fn iss(word: u32) -> u32 {
        let n = Self::of_word(word);
        (n.op0() as u32) << 20
            | (n.op2() as u32) << 17
            | (n.op1() as u32) << 14
            | (n.crn() as u32) << 10
            | (word & 31) << 5
            | (n.crm() as u32) << 1
            | (word >> 21 & 1)
    }
}

impl fmt::Display for SysEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{}_{}_C{}_C{}_{}", self.op0(), self.op1(), self.crn(), self.crm(), self.op2())
    }
}

impl fmt::Debug for SysEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

struct Row {
    name: &'static str,
    key: u16,
    is_alias: bool,
    read: bool,
    write: bool,
    width: u8,
}

/// A system register, by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SysReg(u16);

impl SysReg {
    /// Every register, by encoding.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).zip(&ROWS).map(|(i, _)| Self(i))
    }

    /// A number below [`COUNT`] that identifies the register.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The register that has this number.
    #[must_use]
    #[inline]
    pub const fn from_index(index: usize) -> Option<Self> {
        if index < COUNT { Some(Self(index as u16)) } else { None }
    }

    /// The register with this name, as in the manual; an array register has its index in place of `<n>`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|r| r.name().eq_ignore_ascii_case(name))
    }

    /// The register that MRS reads, or MSR writes if it cannot be read, at this encoding.
    ///
    /// Where two registers have one encoding it is not the virtual one, and of the debug data
    /// transfer registers it is DBGDTRRX_EL0.
    #[must_use]
    pub fn from_encoding(encoding: SysEncoding) -> Option<Self> {
        let at = ROWS.partition_point(|r| r.key < encoding.0);
        (ROWS.get(at)?.key == encoding.0).then_some(Self(at as u16))
    }

    fn row(self) -> &'static Row {
        &ROWS[self.0 as usize]
    }

    /// The name of the manual.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The encoding.
    #[must_use]
    #[inline]
    pub fn encoding(self) -> SysEncoding {
        SysEncoding(self.row().key)
    }

    /// Whether the encoding names another register in the first place.
    #[must_use]
    pub fn is_alias(self) -> bool {
        self.row().is_alias
    }

    /// Whether there is an MRS of the register.
    #[must_use]
    pub fn is_readable(self) -> bool {
        self.row().read
    }

    /// Whether there is an MSR of the register.
    #[must_use]
    pub fn is_writable(self) -> bool {
        self.row().write
    }

    /// The number of bits.
    #[must_use]
    pub fn width_bits(self) -> u8 {
        self.row().width
    }
}

impl fmt::Display for SysReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for SysReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

struct InsnRow {
    name: &'static str,
    key: u16,
    kind: SysInsnKind,
}

/// A system instruction: an operation that SYS, SYSL or SYSP does at an encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SysInsn(u16);

/// What a system instruction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SysInsnKind {
    /// Address translation.
    At,
    /// TLB maintenance.
    Tlbi,
    /// TLB maintenance with a 128-bit operand.
    Tlbip,
    /// Data cache maintenance.
    Dc,
    /// Instruction cache maintenance.
    Ic,
    /// Restriction of predictions: CFP, CPP, DVP, COSP.
    Prediction,
    /// Branch record buffer.
    Brb,
    /// Guarded control stack.
    Gcs,
    /// Anything else.
    Other,
}

impl SysInsn {
    /// Every system instruction, by encoding.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).zip(&INSN_ROWS).map(|(i, _)| Self(i))
    }

    /// A number below [`INSN_COUNT`] that identifies the instruction.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The instruction that SYS or SYSL does at this encoding.
    #[must_use]
    pub fn from_encoding(encoding: SysEncoding) -> Option<Self> {
        let first = INSN_ROWS.partition_point(|r| r.key < encoding.0);
        let same = INSN_ROWS[first..].iter().take_while(|r| r.key == encoding.0);
        let at = same.enumerate().find(|(_, r)| r.kind != SysInsnKind::Tlbip)?.0;
        Some(Self((first + at) as u16))
    }

    fn row(self) -> &'static InsnRow {
        &INSN_ROWS[self.0 as usize]
    }

    /// The name, as in `TLBI VMALLE1IS`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The encoding.
    #[must_use]
    #[inline]
    pub fn encoding(self) -> SysEncoding {
        SysEncoding(self.row().key)
    }

    /// What the instruction is about.
    #[must_use]
    #[inline]
    pub fn kind(self) -> SysInsnKind {
        self.row().kind
    }
}

impl fmt::Display for SysInsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for SysInsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_encoding_known_numbers_give_the_register() {
        let at = |a, b, c, d, e| SysReg::from_encoding(SysEncoding::new(a, b, c, d, e));
        assert_eq!(at(3, 4, 1, 1, 0), Some(SysReg::HCR_EL2));
        assert_eq!(at(3, 5, 1, 0, 0), Some(SysReg::SCTLR_EL12));
        assert_eq!(at(3, 4, 12, 13, 7), Some(SysReg::ICH_LR15_EL2));
        assert_eq!(at(2, 3, 0, 5, 0), Some(SysReg::DBGDTRRX_EL0));
        assert_eq!(at(3, 0, 12, 12, 0), Some(SysReg::ICC_IAR1_EL1));
        assert_eq!(at(3, 7, 15, 15, 7), None);
    }

    #[test]
    fn from_encoding_of_every_register_gives_it_or_its_sibling() {
        for r in SysReg::all() {
            let found = SysReg::from_encoding(r.encoding());
            assert!(found == Some(r) || r.is_alias(), "{r}: {found:?}");
        }
    }

    #[test]
    fn insn_from_encoding_prefers_the_64_bit_form() {
        let insn = SysInsn::from_encoding(SysEncoding::new(1, 0, 8, 7, 1));
        assert_eq!(insn, Some(SysInsn::TLBI_VAE1));
        assert_eq!(SysInsn::TLBI_VAE1.kind(), SysInsnKind::Tlbi);
        assert_eq!(SysInsn::TLBI_VAE1.name(), "TLBI VAE1");
    }

    #[test]
    fn iss_of_mrs_x3_hcr_el2_has_the_manual_s_layout() {
        // Op0 = 3, Op2 = 0, Op1 = 4, CRn = 1, Rt = 3, CRm = 1, Direction = 1 (read).
        let iss = 3 << 20 | 4 << 14 | 1 << 10 | 3 << 5 | 1 << 1 | 1;
        assert_eq!(SysEncoding::iss(0xd53c_1103), iss);
    }
}
