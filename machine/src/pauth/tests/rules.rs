//! What the manual says and the recorded results do not show.

use super::cpu_with;
use crate::cpu::Vcpu;
use crate::pauth::PacKey;
use crate::pauth::pointer::{Authentication, Layout, Variant};
use crate::pauth::{Algorithm, Key};
use droste_arch::feature::Feature;
use droste_arch::fields::{hcr_el2, sctlr_el1};
use droste_arch::sysreg::SysReg;

const KEY: Key = Key { high: 0x84be85ce9804e94b, low: 0xec2802d4e0a488e9 };
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Qarma5, Algorithm::Qarma3, Algorithm::ImplementationDefined];

fn layout(tbi: bool, variant: Variant) -> Layout {
    Layout { two_ranges: true, tbi: [tbi; 2], bottom: [48; 2], const_field: false, variant }
}

#[test]
fn signed_pointers_authenticate_in_every_layout_and_lose_their_code() {
    for algorithm in ALGORITHMS {
        for variant in [Variant::Base, Variant::Epac, Variant::Pauth2] {
            for tbi in [false, true] {
                let l = layout(tbi, variant);
                let top = if tbi { 0x5a << 56 } else { 0 };
                for ptr in [0x0000_1234_5678_9ab0 | top, 0xff7f_8000_1234_5678 | 1 << 55] {
                    let ptr = if ptr >> 55 & 1 != 0 { ptr | 0x7f << 48 } else { ptr };
                    let signed = l.add(algorithm, ptr, 7, KEY);
                    assert_ne!(signed, ptr);
                    assert_eq!((signed ^ ptr) & ((1 << 55) | ((1 << 48) - 1)), 0, "address and bit 55 stay");
                    assert!(!tbi || signed >> 56 == ptr >> 56, "the tag stays");
                    assert_eq!(l.authenticate(algorithm, signed, 7, KEY, false), Authentication::Good(ptr));
                    assert_eq!(l.strip(signed), ptr);
                    let other = l.authenticate(algorithm, signed, 8, KEY, false);
                    assert!(matches!(other, Authentication::Bad(_)), "{other:?}");
                }
            }
        }
    }
}

#[test]
fn failed_authentication_before_pauth2_leaves_an_error_code() {
    let failed = |tbi, ptr, is_b| match layout(tbi, Variant::Base).authenticate(
        Algorithm::Qarma5,
        ptr,
        1,
        KEY,
        is_b,
    ) {
        Authentication::Bad(ptr) => ptr,
        good => panic!("{good:?}"),
    };
    assert_eq!(failed(false, 0x1000, false), 0x2000_0000_0000_1000);
    assert_eq!(failed(false, 0x1000, true), 0x4000_0000_0000_1000);
    assert_eq!(failed(false, !0xfff, false), 0xbfff_ffff_ffff_f000);
    assert_eq!(failed(true, 0x77 << 56 | 0x1000, false), 0x7720_0000_0000_1000);
    assert_eq!(failed(true, 0x77 << 56 | 0x1000, true), 0x7740_0000_0000_1000);
}

#[test]
fn code_of_a_pointer_that_is_not_canonical_depends_on_the_variant() {
    // Bits 63:48 are neither all zero nor all one, so this must not authenticate before FEAT_PAuth2.
    let ptr = 0x0013_0000_0000_1000;
    let base = layout(false, Variant::Base).add(Algorithm::Qarma5, ptr, 1, KEY);
    let canonical = layout(false, Variant::Base).add(Algorithm::Qarma5, 0x1000, 1, KEY);
    assert_eq!(base ^ canonical, 1 << 62, "one bit is inverted");
    let epac = layout(false, Variant::Epac).add(Algorithm::Qarma5, ptr, 1, KEY);
    assert_eq!(epac, 0x1000, "the code is zero");
    let pauth2 = layout(false, Variant::Pauth2).add(Algorithm::Qarma5, ptr, 1, KEY);
    assert_eq!(pauth2 ^ canonical, 0x0013 << 48, "code and pointer are combined");
}

#[test]
fn range_is_selected_by_bit_55_when_either_range_has_tbi() {
    let ptr = 0x0080_0000_0000_1000;
    let add = |l: Layout| l.add(Algorithm::Qarma5, ptr, 1, KEY) >> 55 & 1;
    let mut l = layout(false, Variant::Pauth2);
    assert_eq!(add(l), 0, "bit 63 decides");
    l.tbi = [true, false];
    assert_eq!(add(l), 1, "bit 55 decides, although the upper range has no TBI");
    l.tbi = [false, false];
    l.const_field = true;
    assert_eq!(add(l), 1, "FEAT_CONSTPACFIELD");
}

fn el2_cpu(features: &[Feature]) -> Vcpu {
    let mut cpu = cpu_with(features);
    cpu.features.insert(Feature::FEAT_EL2);
    cpu.features.insert(Feature::FEAT_VHE);
    cpu
}

const BASIC: [Feature; 3] = [Feature::FEAT_PAuth, Feature::FEAT_PAuth2, Feature::FEAT_PACIMP];

#[test]
fn disabled_key_leaves_the_pointer_and_does_not_trap() {
    let mut cpu = el2_cpu(&BASIC);
    let sctlr = cpu.sys(SysReg::SCTLR_EL1);
    cpu.set_sys(SysReg::SCTLR_EL1, sctlr_el1::EnDB.with(sctlr, 0));
    cpu.context_changed();
    let ptr = 0xdead_0000_1234_5678;
    assert_eq!(cpu.add_pac(PacKey::DB, ptr, 1), Ok(ptr));
    assert_eq!(cpu.auth(PacKey::DB, ptr, 1, true), Ok(ptr));
    assert!(cpu.add_pac(PacKey::DA, ptr, 1).is_err(), "HCR_EL2.API is 0 and the key is enabled");
}

#[test]
fn hcr_api_traps_el1_and_guest_el0_and_nobody_else() {
    let mut cpu = el2_cpu(&BASIC);
    let host = hcr_el2::E2H.mask() | hcr_el2::TGE.mask();
    let cases = [
        (1, 0, true),
        (0, 0, true),
        (1, hcr_el2::API.mask(), false),
        (0, hcr_el2::API.mask(), false),
        (2, 0, false),
        (2, hcr_el2::E2H.mask(), false),
        (0, host, false),
        (0, hcr_el2::E2H.mask(), true),
    ];
    for (el, hcr, traps) in cases {
        cpu.state.pstate.el = el;
        cpu.set_sys(SysReg::HCR_EL2, hcr);
        let enabled = cpu.sys(SysReg::SCTLR_EL1);
        cpu.set_sys(SysReg::SCTLR_EL2, enabled);
        cpu.context_changed();
        for result in [cpu.pacga(1, 2).map(|_| ()), cpu.add_pac(PacKey::IA, 1, 2).map(|_| ())] {
            assert_eq!(result.is_err(), traps, "EL{el} {hcr:x}");
        }
        if traps {
            assert_eq!((cpu.abort.target, cpu.abort.ec, cpu.abort.iss), (2, 9, 0));
        }
    }
}

#[test]
fn combined_instructions_fault_only_with_fpaccombine() {
    let fpac = [&BASIC[..], &[Feature::FEAT_FPAC]].concat();
    let mut cpu = cpu_with(&fpac);
    assert!(cpu.auth(PacKey::IB, 0x1000, 1, true).is_ok());
    assert!(cpu.auth(PacKey::IB, 0x1000, 1, false).is_err());
    assert_eq!((cpu.abort.target, cpu.abort.ec, cpu.abort.iss), (1, 0x1c, 1));
    let mut cpu = cpu_with(&[&fpac[..], &[Feature::FEAT_FPACCOMBINE]].concat());
    assert!(cpu.auth(PacKey::DA, 0x1000, 1, true).is_err());
    assert_eq!(cpu.abort.iss, 2);
}

#[test]
fn el2_without_e2h_has_one_range() {
    let mut cpu = el2_cpu(&BASIC);
    cpu.state.pstate.el = 2;
    let enabled = cpu.sys(SysReg::SCTLR_EL1);
    cpu.set_sys(SysReg::SCTLR_EL2, enabled);
    cpu.set_sys(SysReg::TCR_EL2, 25);
    cpu.context_changed();
    let ptr = 0x0000_0012_3456_7890;
    let signed = cpu.add_pac(PacKey::IA, ptr, 1).unwrap();
    assert_ne!(signed >> 39, 0);
    assert_eq!(cpu.auth(PacKey::IA, signed, 1, false), Ok(ptr));
    assert_eq!(cpu.strip(signed | 1 << 55, false), ptr | u64::MAX << 39);
}
