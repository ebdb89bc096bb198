//! Exception syndromes: what ESR_EL1 and ESR_EL2 say about an exception.

use core::fmt;

use crate::fields::Field;
use crate::sysreg::{SysEncoding, SysInsn, SysReg};

/// A value of ESR_ELx.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Esr(pub u64);

/// ESR_ELx.EC: why an exception was taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u8);

macro_rules! classes {
    ($($name:ident = $value:literal, $short:literal, $text:literal;)*) => {
        impl Class {
            $(#[doc = $text] pub const $name: Self = Self($value);)*

            /// What the class means, in words; nothing for values that are reserved in AArch64 state.
            #[must_use]
            pub const fn meaning(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }

            /// The class in one word, as kvm's tracing writes those that it knows; nothing for reserved values.
            #[must_use]
            pub const fn short_name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($short),)*
                    _ => None,
                }
            }
        }
    };
}

classes! {
    UNKNOWN = 0x00, "UNKNOWN", "unknown reason";
    WFX = 0x01, "WFx", "trapped WFI or WFE";
    FP = 0x07, "FP_ASIMD", "trapped FP, AdvSIMD or SVE access";
    PAUTH = 0x09, "PAC", "trapped pointer authentication";
    LS64 = 0x0a, "LS64", "trapped 64-byte access or execution in the wrong place";
    BTI = 0x0d, "BTI", "branch target";
    ILLEGAL_STATE = 0x0e, "ILL", "illegal execution state";
    SVC = 0x15, "SVC64", "SVC";
    HVC = 0x16, "HVC64", "HVC";
    SMC = 0x17, "SMC64", "trapped SMC";
    SYSREG = 0x18, "SYS64", "trapped MSR, MRS or system instruction";
    SVE = 0x19, "SVE", "trapped SVE access";
    ERET = 0x1a, "ERET", "trapped ERET";
    SYSREG128 = 0x14, "SYS128", "trapped 128-bit system register or instruction";
    PAC_FAIL = 0x1c, "FPAC", "pointer authentication failure";
    SME = 0x1d, "SME", "trapped SME access";
    INSTRUCTION_ABORT_LOWER = 0x20, "IABT_LOW", "instruction abort from a lower level";
    INSTRUCTION_ABORT_SAME = 0x21, "IABT_CUR", "instruction abort from the same level";
    PC_ALIGNMENT = 0x22, "PC_ALIGN", "PC alignment fault";
    DATA_ABORT_LOWER = 0x24, "DABT_LOW", "data abort from a lower level";
    DATA_ABORT_SAME = 0x25, "DABT_CUR", "data abort from the same level";
    SP_ALIGNMENT = 0x26, "SP_ALIGN", "SP alignment fault";
    MOPS = 0x27, "MOPS", "memory copy and set";
    FP_EXCEPTION = 0x2c, "FP_EXC64", "trapped floating-point exception";
    GCS = 0x2d, "GCS", "guarded control stack";
    SERROR = 0x2f, "SERROR", "SError";
    BREAKPOINT_LOWER = 0x30, "BREAKPT_LOW", "breakpoint from a lower level";
    BREAKPOINT_SAME = 0x31, "BREAKPT_CUR", "breakpoint from the same level";
    STEP_LOWER = 0x32, "SOFTSTP_LOW", "software step from a lower level";
    STEP_SAME = 0x33, "SOFTSTP_CUR", "software step from the same level";
    WATCHPOINT_LOWER = 0x34, "WATCHPT_LOW", "watchpoint from a lower level";
    WATCHPOINT_SAME = 0x35, "WATCHPT_CUR", "watchpoint from the same level";
    BRK = 0x3c, "BRK64", "BRK";
}

/// Fields of ISS of data aborts; those of instruction aborts are among them.
pub mod abort {
    use super::Field;

    /// The syndrome of the instruction, SAS to AR, is valid.
    pub const ISV: Field = Field::new(24, 24);
    /// Size of the access: 2 to this power bytes.
    pub const SAS: Field = Field::new(23, 22);
    /// The value is sign-extended.
    pub const SSE: Field = Field::new(21, 21);
    /// The register that is loaded or stored.
    pub const SRT: Field = Field::new(20, 16);
    /// The register is 64 bits wide.
    pub const SF: Field = Field::new(15, 15);
    /// The access is a load-acquire or store-release.
    pub const AR: Field = Field::new(14, 14);
    /// The access was made by FEAT_NV2 in place of a register access.
    pub const VNCR: Field = Field::new(13, 13);
    /// FAR_ELx is not valid.
    pub const FNV: Field = Field::new(10, 10);
    /// External abort type.
    pub const EA: Field = Field::new(9, 9);
    /// Cache maintenance or address translation.
    pub const CM: Field = Field::new(8, 8);
    /// A stage 2 fault on the walk of stage 1.
    pub const S1PTW: Field = Field::new(7, 7);
    /// The access was a write.
    pub const WNR: Field = Field::new(6, 6);
    /// Fault status code.
    pub const FSC: Field = Field::new(5, 0);
}

impl Esr {
    /// The syndrome of a 32-bit instruction.
    #[must_use]
    pub const fn new(class: Class, iss: u32) -> Self {
        Self((class.0 as u64) << 26 | 1 << 25 | (iss & 0x1ff_ffff) as u64)
    }

    /// The syndrome of a trapped MRS, MSR, SYS or SYSL.
    #[must_use]
    pub const fn sysreg(word: u32) -> Self {
        Self::new(Class::SYSREG, SysEncoding::iss(word))
    }

    /// The exception class.
    #[must_use]
    pub const fn class(self) -> Class {
        Class((self.0 >> 26 & 0x3f) as u8)
    }

    /// ISS: what the class has to say.
    #[must_use]
    pub const fn iss(self) -> u32 {
        (self.0 & 0x1ff_ffff) as u32
    }

    /// ISS2.
    #[must_use]
    pub const fn iss2(self) -> u32 {
        (self.0 >> 32 & 0xff_ffff) as u32
    }

    /// The access that was trapped, for the class of system registers.
    #[must_use]
    pub fn sysreg_access(self) -> Option<SysregAccess> {
        (self.class() == Class::SYSREG).then(|| SysregAccess::from_iss(self.iss()))
    }
}

/// The ISS of a trapped MRS, MSR, SYS or SYSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SysregAccess {
    /// What is accessed.
    pub encoding: SysEncoding,
    /// The general-purpose register; 31 is XZR.
    pub rt: u8,
    /// The instruction reads: MRS or SYSL.
    pub is_read: bool,
}

impl SysregAccess {
    /// Takes an ISS apart.
    #[must_use]
    pub fn from_iss(iss: u32) -> Self {
        let n = |lsb: u32, mask: u32| (iss >> lsb & mask) as u8;
        let encoding = SysEncoding::new(n(20, 3), n(14, 7), n(10, 15), n(1, 15), n(17, 7));
        Self { encoding, rt: n(5, 31), is_read: iss & 1 != 0 }
    }
}

impl fmt::Display for SysregAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { encoding, rt, is_read } = *self;
        if encoding.op0() == 1 {
            return match SysInsn::from_encoding(encoding) {
                Some(insn) => write!(f, "{insn}, X{rt}"),
                None => write!(f, "SYS {encoding}, X{rt}"),
            };
        }
        let write = |f: &mut fmt::Formatter<'_>, name: &dyn fmt::Display| match is_read {
            true => write!(f, "MRS X{rt}, {name}"),
            false => write!(f, "MSR {name}, X{rt}"),
        };
        match SysReg::from_encoding(encoding) {
            Some(r) => write(f, &r),
            None => write(f, &encoding),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some(text) => f.write_str(text),
            None => write!(f, "reserved class {:#04x}", self.0),
        }
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x} ({self})", self.0)
    }
}

/// Describes a fault status code of an abort.
#[must_use]
pub const fn fault_status(code: u8) -> &'static str {
    match code & 0x3f {
        0x00..=0x03 => "address size fault",
        0x04..=0x07 => "translation fault",
        0x08..=0x0b => "access flag fault",
        0x0c..=0x0f => "permission fault",
        0x10 => "external abort",
        0x11 => "tag check fault",
        0x12..=0x17 => "external abort on a walk",
        0x21 => "alignment fault",
        0x22 => "debug exception",
        0x29 => "address size fault, level -1",
        0x2b => "translation fault, level -1",
        0x30 => "TLB conflict",
        0x31 => "unsupported atomic update",
        0x34 => "implementation defined (lockdown)",
        0x35 => "unsupported exclusive or atomic access",
        _ => "other fault",
    }
}

impl fmt::Display for Esr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iss = u64::from(self.iss());
        match self.class() {
            Class::SYSREG => write!(f, "trapped {}", SysregAccess::from_iss(self.iss())),
            Class::SVC | Class::HVC | Class::SMC | Class::BRK => {
                write!(f, "{} #{:#x}", self.class(), iss & 0xffff)
            }
            class @ (Class::DATA_ABORT_LOWER | Class::DATA_ABORT_SAME) => {
                let code = abort::FSC.get(iss) as u8;
                let verb = if abort::WNR.is_set(iss) { "write" } else { "read" };
                write!(f, "{class}: {} on a {verb}", fault_status(code))?;
                if code & 0x3c < 0x10 {
                    write!(f, ", level {}", code & 3)?
                }
                if abort::S1PTW.is_set(iss) {
                    f.write_str(", walking stage 1")?
                }
                if abort::VNCR.is_set(iss) {
                    f.write_str(", at VNCR_EL2")?
                }
                Ok(())
            }
            class @ (Class::INSTRUCTION_ABORT_LOWER | Class::INSTRUCTION_ABORT_SAME) => {
                let code = abort::FSC.get(iss) as u8;
                write!(f, "{class}: {}", fault_status(code))?;
                if code & 0x3c < 0x10 {
                    write!(f, ", level {}", code & 3)?
                }
                if abort::S1PTW.is_set(iss) {
                    f.write_str(", walking stage 1")?
                }
                Ok(())
            }
            class if iss != 0 => write!(f, "{class}, ISS {iss:#x}"),
            class => write!(f, "{class}"),
        }
    }
}

impl fmt::Debug for Esr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x} ({self})", self.0)
    }
}

#[cfg(test)]
mod tests {
    extern crate alloc;
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn display_trapped_access_reads_as_its_assembly() {
        // MSR HCR_EL2, X3 and TLBI VMALLE1, XZR.
        assert_eq!(Esr::sysreg(0xd51c_1103).to_string(), "trapped MSR HCR_EL2, X3");
        assert_eq!(Esr::sysreg(0xd508_871f).to_string(), "trapped TLBI VMALLE1, X31");
    }

    #[test]
    fn display_data_abort_names_status_level_and_direction() {
        let esr = Esr::new(Class::DATA_ABORT_LOWER, 1 << 6 | 0x07);
        assert_eq!(esr.to_string(), "data abort from a lower level: translation fault on a write, level 3");
        assert_eq!(Esr::new(Class::HVC, 0).0, 0x5a00_0000);
    }

    #[test]
    fn sysreg_access_is_the_inverse_of_the_iss() {
        for word in [0xd53c_1103, 0xd51b_4205, 0xd508_831f] {
            let access = Esr::sysreg(word).sysreg_access().expect("a system register trap");
            assert_eq!(access.encoding, SysEncoding::of_word(word));
            assert_eq!((u32::from(access.rt), u32::from(access.is_read)), (word & 31, word >> 21 & 1));
        }
        assert_eq!(Esr::new(Class::SVC, 0).sysreg_access(), None);
    }
}
