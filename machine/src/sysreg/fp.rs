//! FPCR and FPSR.

use crate::cpu::Vcpu;
use crate::interp::Flow;
use droste_arch::feature::Feature;
use droste_arch::fields::{fpcr, fpsr};
use droste_arch::sysreg::SysReg;

use super::registers::Behaviour;

pub(super) fn behaviour(r: SysReg) -> Option<Behaviour> {
    match r {
        SysReg::FPCR => Some(Behaviour::new(|cpu, _| cpu.state.fpcr, write_fpcr)),
        SysReg::FPSR => Some(Behaviour::new(|cpu, _| cpu.state.fpsr, write_fpsr)),
        _ => None,
    }
}

/// Floating-point exceptions are never trapped here, so their enables read as zero.
fn write_fpcr(cpu: &mut Vcpu, _: SysReg, value: u64) -> Flow {
    let mut mask = fpcr::AHP.mask() | fpcr::DN.mask() | fpcr::FZ.mask() | fpcr::RMode.mask();
    if cpu.has(Feature::FEAT_FP16) {
        mask |= fpcr::FZ16.mask();
    }
    cpu.state.fpcr = value & mask;
    Flow::Next
}

fn write_fpsr(cpu: &mut Vcpu, _: SysReg, value: u64) -> Flow {
    let flags = [fpsr::QC, fpsr::IDC, fpsr::IXC, fpsr::UFC, fpsr::OFC, fpsr::DZC, fpsr::IOC];
    cpu.state.fpsr = value & flags.iter().fold(0, |all, f| all | f.mask());
    Flow::Next
}
