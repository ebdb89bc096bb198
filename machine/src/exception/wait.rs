//! WFI, WFE, WFIT and WFET, SEV and SEVL.
//!
//! WFI suspends a CPU until an interrupt. WFE ends its slice: in counted time the others take their turns, and with a
//! thread for each CPU the thread sleeps until an event may have come, which is what spin locks of guests want. What
//! ends the wait is an interrupt, SEV of any CPU, the event stream, the time-out, a change of what the last
//! load-exclusive has read (the global monitor's event), and in any case [`LONGEST`], as the architecture allows a
//! wake-up for any reason.

use super::Exception;
use crate::cpu::Vcpu;
use crate::interp::{Abort, Exec, Flow};
use droste_arch::feature::Feature;
use droste_arch::fields::{hcr_el2, sctlr_el1};
use std::time::Duration;

/// The waiting instructions; the value is ISS.TI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wfx {
    /// Wait for interrupt.
    Wfi = 0,
    /// Wait for event.
    Wfe = 1,
    /// Wait for interrupt with a time-out.
    Wfit = 2,
    /// Wait for event with a time-out.
    Wfet = 3,
}

/// Executes a waiting instruction. A time-out is given in ticks of CNTVCT_EL0; `rt` is its register.
pub(crate) fn wfx(cpu: &mut Vcpu, kind: Wfx, rt: Option<u32>) -> Exec {
    let event = matches!(kind, Wfx::Wfe | Wfx::Wfet);
    if event && take_event(cpu) {
        return Ok(Flow::Next);
    }
    if !event && cpu.has_wakeup() {
        return Ok(Flow::Sync);
    }
    check_trap(cpu, kind, rt)?;
    if cpu.mode.stepping {
        // The wait may end for any reason: the debugger shall see the next instruction.
        return Ok(Flow::Sync);
    }
    let mut until = u64::MAX;
    if let Some(rt) = rt {
        let left = cpu.x(rt).saturating_sub(crate::timer::virtual_count(cpu));
        if left == 0 {
            return Ok(Flow::Next);
        }
        until = cpu.physical_count().saturating_add(left);
    }
    if event {
        cpu.event_until = Some(until.min(crate::timer::next_event(cpu)));
        cpu.yield_slice();
    } else {
        cpu.timers.wait_until = until;
        cpu.state.waiting = true;
    }
    Ok(Flow::Sync)
}

/// Sends an event to this CPU (SEVL), or to all (SEV).
pub(crate) fn send_event(cpu: &mut Vcpu, all: bool) {
    cpu.state.event = true;
    if all {
        for slot in cpu.machine.slots.iter().filter(|slot| !std::ptr::eq(*slot, cpu.slot())) {
            slot.send_event();
        }
    }
}

/// Takes an event from the event register, which other CPUs write into the slot.
fn take_event(cpu: &mut Vcpu) -> bool {
    let sent = cpu.slot().take_event();
    std::mem::take(&mut cpu.state.event) || sent
}

/// The longest sleep of a CPU in WFE.
const LONGEST: Duration = Duration::from_millis(1);
/// The first sleep; each one is twice as long. A lock that is given back meanwhile is taken that much later.
const SHORTEST: Duration = Duration::from_micros(20);
/// How often a CPU looks for an event before it sleeps at all.
const LOOKS: u32 = 64;

/// Spends the rest of a slice that the guest gave up, on a CPU with a thread of its own.
pub(crate) fn give_way(cpu: &mut Vcpu) {
    let Some(until) = cpu.event_until.take() else {
        return std::thread::yield_now();
    };
    let pins = cpu.interrupt_pins();
    let clock = cpu.machine.clock.clone();
    let until = until.min(crate::timer::next_deadline(cpu).unwrap_or(u64::MAX));
    let left = clock.time_until(until, cpu.time_input()).min(LONGEST);
    let began = std::time::Instant::now();
    let mut nap = SHORTEST;
    for look in 0_u32.. {
        let elapsed = began.elapsed();
        if cpu.interrupt_pins() != pins || cpu.has_requests() || elapsed >= left || monitor_was_cleared(cpu) {
            return;
        }
        if cpu.slot().take_event() {
            // The wait has ended; the event is used up.
            return;
        }
        if look < LOOKS {
            std::thread::yield_now();
        } else {
            cpu.slot().park(nap.min(left - elapsed));
            nap *= 2;
        }
    }
}

/// Whether somebody has changed what the last load-exclusive read, which clears the monitor and is an event.
fn monitor_was_cleared(cpu: &Vcpu) -> bool {
    let monitor = cpu.state.exclusive;
    let ram = &cpu.machine.ram;
    let now = match monitor.size {
        _ if !monitor.valid => return false,
        1 => ram.read::<u8>(monitor.pa).map(u128::from),
        2 => ram.read::<u16>(monitor.pa).map(u128::from),
        4 => ram.read::<u32>(monitor.pa).map(u128::from),
        8 => ram.read::<u64>(monitor.pa).map(u128::from),
        _ => ram.read::<u128>(monitor.pa),
    };
    now.is_ok_and(|now| now != monitor.value)
}

/// AArch64.CheckForWFxTrap, to EL1 and then to EL2.
fn check_trap(cpu: &mut Vcpu, kind: Wfx, rt: Option<u32>) -> Result<(), Abort> {
    let event = matches!(kind, Wfx::Wfe | Wfx::Wfet);
    let rn = if cpu.has(Feature::FEAT_WFxT) { rt } else { None };
    let register = rn.map_or(0, |r| u64::from(r) << 5 | 1 << 2);
    let iss = 0x1e0_0000 | register | kind as u64;
    if cpu.el() == 0 {
        let sctlr = cpu.mode.sctlr;
        let allowed = if event { sctlr_el1::nTWE } else { sctlr_el1::nTWI }.is_set(sctlr);
        if !allowed {
            let target = cpu.default_target();
            return Err(cpu.raise(Exception::sync(target, 0x01, iss)));
        }
    }
    if cpu.el() < 2 && !(cpu.mode.e2h && cpu.mode.tge && cpu.el() == 0) {
        let trap = if event { hcr_el2::TWE } else { hcr_el2::TWI };
        if trap.is_set(cpu.hcr()) {
            return Err(cpu.raise(Exception::sync(2, 0x01, iss)));
        }
    }
    Ok(())
}
