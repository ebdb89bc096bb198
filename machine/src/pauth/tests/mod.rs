//! Tests of pointer authentication on a CPU.

mod recorded;
mod rules;
mod speed;

use crate::cpu::Vcpu;
use droste_arch::feature::Feature;
use droste_arch::fields::sctlr_el1;
use droste_arch::sysreg::SysReg;

/// A CPU at EL1 that has exactly these features of pointer authentication and address size, all keys enabled.
fn cpu_with(features: &[Feature]) -> Vcpu {
    let mut cpu = Vcpu::for_tests();
    for feature in Feature::all() {
        let name = feature.name();
        let varies =
            ["FEAT_PAuth", "FEAT_EPAC", "FEAT_FPAC", "FEAT_PAC", "FEAT_CONSTPAC", "FEAT_LVA", "FEAT_LPA2"];
        if varies.iter().any(|prefix| name.starts_with(prefix)) || feature == Feature::FEAT_TTST {
            cpu.features.remove(feature);
        }
    }
    features.iter().for_each(|f| cpu.features.insert(*f));
    let enables = [sctlr_el1::EnIA, sctlr_el1::EnIB, sctlr_el1::EnDA, sctlr_el1::EnDB];
    let sctlr = enables.iter().fold(cpu.sys(SysReg::SCTLR_EL1), |s, enable| enable.with(s, 1));
    cpu.set_sys(SysReg::SCTLR_EL1, sctlr);
    cpu.context_changed();
    cpu
}
