//! The event stream: events for WFE at edges of a bit of the counter (TestEventCNTV and TestEventCNTP).

use crate::cpu::Vcpu;
use droste_arch::feature::Feature;
use droste_arch::fields::cntkctl_el1 as control;
use droste_arch::sysreg::SysReg;

/// The physical count at which the next event comes; `u64::MAX` if no stream is enabled. CNTHCTL_EL2 has the fields of
/// CNTKCTL_EL1 at the same places, with either value of HCR_EL2.E2H.
pub(crate) fn next_event(cpu: &Vcpu) -> u64 {
    let now = cpu.physical_count();
    let offset = if cpu.has_el2() { cpu.sys(SysReg::CNTVOFF_EL2) } else { 0 };
    let of_virtual = next_edge(cpu, cpu.sys(SysReg::CNTKCTL_EL1), now.wrapping_sub(offset));
    let of_physical = if cpu.has_el2() { next_edge(cpu, cpu.sys(SysReg::CNTHCTL_EL2), now) } else { None };
    [of_virtual, of_physical].into_iter().flatten().min().map_or(u64::MAX, |ahead| now.saturating_add(ahead))
}

/// How far ahead of `count` the selected bit changes in the selected direction.
fn next_edge(cpu: &Vcpu, controls: u64, count: u64) -> Option<u64> {
    if !control::EVNTEN.is_set(controls) {
        return None;
    }
    let scaled = cpu.has(Feature::FEAT_ECV) && control::EVNTIS.is_set(controls);
    let bit = control::EVNTI.get(controls) + if scaled { 8 } else { 0 };
    let period = 2_u64 << bit;
    // The bit rises in the middle of its period, and falls at the end.
    let edge = if control::EVNTDIR.is_set(controls) { 0 } else { period / 2 };
    let ahead = edge.wrapping_sub(count) & (period - 1);
    Some(if ahead == 0 { period } else { ahead })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::model::Model;
    use crate::machine::testing::cpus;

    #[test]
    fn events_come_at_edges_of_the_selected_bit() {
        let mut cpu = cpus(Model::parse("max").unwrap(), 1).remove(0);
        cpu.state.insn_count = 1000;
        assert_eq!(next_event(&cpu), u64::MAX);
        // Bit 4 rises at 1008: 1000 is 0b11111_01000.
        cpu.set_sys(SysReg::CNTKCTL_EL1, 1 << 2 | 4 << 4);
        assert_eq!(next_event(&cpu), 1008);
        cpu.set_sys(SysReg::CNTKCTL_EL1, 1 << 2 | 1 << 3 | 4 << 4);
        assert_eq!(next_event(&cpu), 1024);
        cpu.set_sys(SysReg::CNTVOFF_EL2, 8);
        assert_eq!(next_event(&cpu), 1000 + 32);
        cpu.set_sys(SysReg::CNTKCTL_EL1, 1 << 2 | 1 << 17);
        assert_eq!(next_event(&cpu), 1288, "bit 8 of 992, which rises at 1280");
        cpu.set_sys(SysReg::CNTHCTL_EL2, 1 << 2);
        assert_eq!(next_event(&cpu), 1001);
    }
}
