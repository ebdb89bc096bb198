//! What an instruction word asks for.

use crate::sysreg::access::{self, Instruction, Rule};
use crate::sysreg::{SysEncoding, SysInsn, SysInsnKind, SysReg};
use core::fmt;

/// What an instruction word asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// MRS of a named register.
    Read(SysReg),
    /// MSR (register) of a named register.
    Write(SysReg),
    /// A named system instruction.
    Perform(SysInsn),
    /// An instruction that is not an access to a named register, or an access in a reserved space.
    Execute(Instruction),
    /// MRS, MSR, SYS or SYSL at an encoding that nothing is known of.
    Unallocated(SysEncoding),
}

/// Instructions without operands, and those with an immediate in bits 20:5: mask, value, id, mnemonic.
const PLAIN: [(u32, u32, Instruction, &str); 8] = [
    (0xffff_ffff, 0xd69f_03e0, Instruction::Eret, "ERET"),
    (0xffff_ffff, 0xd69f_0bff, Instruction::Eretaa, "ERETAA"),
    (0xffff_ffff, 0xd69f_0fff, Instruction::Eretab, "ERETAB"),
    (0xffe0_001f, 0xd400_0001, Instruction::Svc, "SVC"),
    (0xffe0_001f, 0xd400_0002, Instruction::Hvc, "HVC"),
    (0xffe0_001f, 0xd400_0003, Instruction::Smc, "SMC"),
    (0xffff_ffff, 0xd503_207f, Instruction::Wfi, "WFI"),
    (0xffff_ffff, 0xd503_205f, Instruction::Wfe, "WFE"),
];

/// The bit of MRS and SYSL.
const L: u32 = 1 << 21;

impl Operation {
    /// The operation of an instruction word, if it is of a kind that has access rules.
    #[must_use]
    pub fn from_word(word: u32) -> Option<Self> {
        if let Some((.., insn, _)) = PLAIN.iter().find(|(mask, value, ..)| word & mask == *value) {
            return Some(Self::Execute(*insn));
        }
        let encoding = SysEncoding::of_word(word);
        if word & 0xffc0_0000 != 0xd500_0000 || encoding.op0() == 0 {
            return None;
        }
        let is_read = word & L != 0;
        let named = if encoding.op0() == 1 {
            SysInsn::from_encoding(encoding).filter(|_| !is_read).map(Self::Perform)
        } else {
            Self::register(encoding, is_read)
        };
        Some(named.filter(|o| o.is_known()).unwrap_or_else(|| Self::reserved(encoding, is_read)))
    }

    /// The named register that MRS or MSR accesses at an encoding that two may share.
    fn register(encoding: SysEncoding, is_read: bool) -> Option<Self> {
        let first = SysReg::from_encoding(encoding)?;
        let all = (first.index()..).map_while(SysReg::from_index).take_while(|r| r.encoding() == encoding);
        let of = |r| if is_read { Self::Read(r) } else { Self::Write(r) };
        all.map(of).find(|o| o.is_known())
    }

    /// Whether the rules say anything of it at some level.
    fn is_known(self) -> bool {
        (0..3).any(|el| !self.rules(el).is_empty())
    }

    fn reserved(encoding: SysEncoding, is_read: bool) -> Self {
        let e = encoding;
        if matches!(e.op0(), 1 | 3) && matches!(e.crn(), 11 | 15) {
            return Self::Execute(Instruction::ImplementationDefined);
        }
        let is_id = is_read && e.op0() == 3 && matches!(e.op1(), 0 | 1 | 3) && e.crn() == 0 && e.crm() < 8;
        match (is_id, e.op1(), e.crm()) {
            (false, ..) => Self::Unallocated(e),
            (true, 0, 1..) => Self::Execute(Instruction::ReservedId),
            (true, ..) => Self::Execute(Instruction::ReservedIdGroup),
        }
    }

    /// The rules at EL0, EL1 or EL2, in their order.
    #[must_use]
    pub fn rules(self, el: u8) -> &'static [Rule] {
        match self {
            Self::Read(r) => access::read(r, el),
            Self::Write(r) => access::write(r, el),
            Self::Perform(i) => access::perform(i, el),
            Self::Execute(i) => access::execute(i, el),
            Self::Unallocated(_) => &[],
        }
    }

    /// An instruction word that asks for this, with general-purpose register `rt` or an immediate of zero.
    #[must_use]
    pub fn word(self, rt: u8) -> u32 {
        let access = |e: SysEncoding, l: u32| 0xd500_0000 | l | u32::from(e.0) << 5 | u32::from(rt & 31);
        match self {
            Self::Read(r) => access(r.encoding(), L),
            Self::Write(r) => access(r.encoding(), 0),
            Self::Perform(i) => access(i.encoding(), 0),
            Self::Unallocated(e) => access(e, L),
            Self::Execute(Instruction::ImplementationDefined) => access(SysEncoding::new(3, 0, 15, 0, 0), L),
            Self::Execute(Instruction::ReservedId) => access(SysEncoding::new(3, 0, 0, 7, 7), L),
            Self::Execute(Instruction::ReservedIdGroup) => access(SysEncoding::new(3, 1, 0, 5, 3), L),
            Self::Execute(insn) => PLAIN.iter().find(|p| p.2 == insn).map_or(0, |p| p.1),
        }
    }

    /// Every named accessor and instruction that has rules. TLBIP and the 128-bit forms have none.
    pub fn all() -> impl Iterator<Item = Self> {
        let registers = SysReg::all().flat_map(|r| [Self::Read(r), Self::Write(r)]);
        let insns = SysInsn::all().filter(|i| i.kind() != SysInsnKind::Tlbip).map(Self::Perform);
        let others = PLAIN.iter().map(|p| p.2).chain([
            Instruction::ImplementationDefined,
            Instruction::ReservedId,
            Instruction::ReservedIdGroup,
        ]);
        registers.chain(insns).chain(others.map(Self::Execute)).filter(|o| o.is_known())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(r) => write!(f, "MRS {r}"),
            Self::Write(r) => write!(f, "MSR {r}"),
            Self::Perform(i) => write!(f, "{i}"),
            Self::Unallocated(e) => write!(f, "{e}"),
            Self::Execute(Instruction::ImplementationDefined) => f.write_str("IMPLEMENTATION DEFINED"),
            Self::Execute(Instruction::ReservedId) => f.write_str("MRS of a reserved ID register"),
            Self::Execute(Instruction::ReservedIdGroup) => {
                f.write_str("MRS of a reserved encoding among the ID registers")
            }
            Self::Execute(insn) => f.write_str(PLAIN.iter().find(|p| p.2 == *insn).map_or("", |p| p.3)),
        }
    }
}
