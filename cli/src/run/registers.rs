//! `--dump-registers`: the CPUs' registers at the end of a run, as text.

use droste_arch::fields::hcr_el2;
use droste_arch::sysreg::SysReg;
use droste_machine::cpu::CpuState;
use droste_machine::trace::nested_bits;
use std::fmt::Write;

/// What a hypervisor's author looks at first, by line.
const SYSTEM: [&[SysReg]; 7] = [
    &[SysReg::HCR_EL2, SysReg::HCRX_EL2, SysReg::VTTBR_EL2, SysReg::VTCR_EL2, SysReg::VNCR_EL2],
    &[SysReg::ELR_EL2, SysReg::SPSR_EL2, SysReg::ESR_EL2, SysReg::FAR_EL2, SysReg::HPFAR_EL2],
    &[SysReg::SCTLR_EL2, SysReg::TCR_EL2, SysReg::TTBR0_EL2, SysReg::TTBR1_EL2, SysReg::VBAR_EL2],
    &[SysReg::CPTR_EL2, SysReg::MDCR_EL2, SysReg::CNTHCTL_EL2, SysReg::ICH_HCR_EL2, SysReg::ICH_VMCR_EL2],
    &[SysReg::ELR_EL1, SysReg::SPSR_EL1, SysReg::ESR_EL1, SysReg::FAR_EL1, SysReg::PAR_EL1],
    &[SysReg::SCTLR_EL1, SysReg::TCR_EL1, SysReg::TTBR0_EL1, SysReg::TTBR1_EL1, SysReg::VBAR_EL1],
    &[SysReg::CPACR_EL1, SysReg::MDSCR_EL1, SysReg::CNTKCTL_EL1, SysReg::CONTEXTIDR_EL1, SysReg::MAIR_EL1],
];

/// The registers of one CPU, which is at a nesting level.
pub(super) fn text(number: usize, level: u8, cpu: &CpuState) -> String {
    let hcr = cpu.sys[SysReg::HCR_EL2.index()];
    let el = cpu.pstate.el;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "cpu{number}: L{level} EL{el}{}  pc={:016x}  sp={:016x}  pstate={:08x}{}",
        role(el, hcr),
        cpu.pc,
        cpu.sp,
        cpu.pstate.to_spsr(cpu.nzcv.bits()),
        if cpu.waiting { "  waiting" } else { "" }
    );
    for (row, xs) in cpu.x.chunks(4).enumerate() {
        for (column, x) in xs.iter().enumerate() {
            let _ = write!(out, "  x{:<2} {x:016x}", row * 4 + column);
        }
        out.push('\n');
    }
    for row in SYSTEM {
        for r in row {
            let _ = write!(out, "  {}={:x}", r.name(), cpu.sys[r.index()]);
        }
        out.push('\n');
    }
    out
}

/// What the Exception level is to nested virtualization.
fn role(el: u8, hcr: u64) -> String {
    let guest = el < 2 && hcr_el2::VM.is_set(hcr) && !hcr_el2::TGE.is_set(hcr);
    match (guest, nested_bits(hcr)) {
        (false, _) => String::new(),
        (true, bits) if bits.is_empty() => " of a guest".into(),
        (true, bits) => format!(" of a guest hypervisor ({bits})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_is_told_by_hcr_el2() {
        let vm = hcr_el2::VM.mask();
        let nested = vm | hcr_el2::NV.mask() | hcr_el2::NV2.mask();
        assert_eq!(role(2, nested), "");
        assert_eq!(role(1, 0), "");
        assert_eq!(role(1, vm), " of a guest");
        assert_eq!(role(1, nested), " of a guest hypervisor (nv,nv2)");
    }
}
