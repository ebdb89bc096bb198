//! Stage 1 of EL2: what the hypervisor may do with its own memory.

use super::Attributes;
use droste_arch::vmsa::stage1 as s1;

/// What a part of the hypervisor's address space is for. None can be both written and executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage1Kind {
    /// Read and executed.
    Code,
    /// Read.
    Constants,
    /// Read and written.
    Data,
    /// Read and written, Device-nGnRE.
    Device,
}

/// MAIR_EL2 for the attribute indices that [`stage1_attributes`] uses: 0 Device-nGnRE, 1 Normal write-back.
pub const MAIR: u64 = 0xff04;

/// The attributes of a kind. With HCR_EL2.E2H = 1 the regime has two privilege levels; EL0 gets nothing.
#[must_use]
pub const fn stage1_attributes(kind: Stage1Kind, e2h: bool) -> Attributes {
    let mut bits = s1::AF.mask();
    if !matches!(kind, Stage1Kind::Device) {
        bits = s1::ATTR_INDEX.with(bits, 1);
        bits = s1::SH.with(bits, 3);
    }
    if matches!(kind, Stage1Kind::Code | Stage1Kind::Constants) {
        bits |= s1::READ_ONLY.mask();
    }
    if e2h {
        bits |= s1::UXN.mask();
        if !matches!(kind, Stage1Kind::Code) {
            bits |= s1::PXN.mask();
        }
    } else {
        // AP[1] is RES1, and there is one execute-never bit.
        bits |= s1::USER.mask();
        if !matches!(kind, Stage1Kind::Code) {
            bits |= s1::UXN.mask();
        }
    }
    Attributes(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_both_writable_and_executable_in_either_layout() {
        use Stage1Kind::{Code, Constants, Data, Device};
        for e2h in [false, true] {
            for kind in [Code, Constants, Data, Device] {
                let Attributes(bits) = stage1_attributes(kind, e2h);
                let never = if e2h { s1::PXN } else { s1::UXN };
                let (writable, executable) = (!s1::READ_ONLY.is_set(bits), !never.is_set(bits));
                assert!(!(writable && executable), "{kind:?} {e2h}");
                assert_eq!(executable, kind == Code);
                assert_eq!(s1::USER.is_set(bits), !e2h, "EL0 gets nothing with E2H, RES1 without");
            }
        }
    }
}
