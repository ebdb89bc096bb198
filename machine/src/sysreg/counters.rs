//! The generic timers and the GIC's CPU interface, which have their own modules.

use crate::cpu::Vcpu;
use crate::interp::Flow;
use crate::{gic, timer};
use droste_arch::sysreg::SysReg;

use super::registers::Behaviour;

pub(super) fn behaviour(r: SysReg) -> Option<Behaviour> {
    let name = r.name();
    if name.starts_with("CNT") {
        Some(Behaviour::new(timer::read, write_timer))
    } else if ["ICC_", "ICH_", "ICV_"].iter().any(|prefix| name.starts_with(prefix)) {
        Some(Behaviour::new(gic::cpu_interface::read, write_gic))
    } else {
        None
    }
}

fn write_timer(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    let before = cpu.interrupt_pins();
    timer::write(cpu, r, value);
    // The block ends for a nearer deadline too: until then the slice may be too long.
    if cpu.timers.is_nearer { Flow::Sync } else { flow_since(cpu, before) }
}

fn write_gic(cpu: &mut Vcpu, r: SysReg, value: u64) -> Flow {
    let before = cpu.interrupt_pins();
    gic::cpu_interface::write(cpu, r, value);
    flow_since(cpu, before)
}

/// Ends the block only where an interrupt may have to be taken: hypervisors write these registers in rows.
fn flow_since(cpu: &Vcpu, before: u32) -> Flow {
    if cpu.interrupt_pins() == before { Flow::Next } else { Flow::Sync }
}
