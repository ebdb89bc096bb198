//! Which nesting level executes, inferred from the events.
//!
//! The machine knows Exception levels; that EL1 holds the guest of a guest is known to the hypervisors only. What they do
//! shows it: each guest has tables of stage 2 of its own, and a guest hypervisor starts its guest by an ERET, which
//! FEAT_NV traps. So EL2, and whatever runs without stage 2, is level 0; a table that was not seen before belongs to a guest
//! of level 1, or one deeper than the guest whose trapped ERET is being served. The ERET of a deeper guest hypervisor passes
//! through the levels below before it is served, so the deepest one counts.
//!
//! It stays an inference: a hypervisor that gives a guest the tables of a former one, or that switches to a new guest
//! before it serves an ERET, is shown at the wrong level; a host under a stage 2 of its hypervisor counts as a guest.

use super::{ExceptionReturned, ExceptionTaken};
use droste_arch::fields::hcr_el2;
use std::collections::BTreeMap;

/// The class of a trapped ERET.
const ERET: u8 = 0x1a;
/// VTTBR_EL2 without VMID and CnP: VMIDs are handed out anew.
const TABLE: u64 = 0xffff_ffff_fffe;

/// The nesting levels of a machine's CPUs.
#[derive(Debug, Default)]
pub struct Levels {
    /// The level of each table of stage 2; hypervisors share them between CPUs.
    tables: BTreeMap<u64, u8>,
    cpus: BTreeMap<usize, Cpu>,
}

#[derive(Debug, Default)]
struct Cpu {
    current: u8,
    /// The deepest level whose ERET is being served.
    returning: u8,
}

impl Levels {
    /// Notes an exception; the level that it interrupts.
    pub fn taken(&mut self, event: &ExceptionTaken) -> u8 {
        let cpu = self.cpus.entry(event.cpu).or_default();
        let level = cpu.current;
        if event.exception.target == 2 {
            if event.exception.ec == ERET {
                cpu.returning = cpu.returning.max(level);
            }
            cpu.current = 0;
        }
        level
    }

    /// The level that a CPU is at; 0 before its first event.
    #[must_use]
    pub fn current(&self, cpu: usize) -> u8 {
        self.cpus.get(&cpu).map_or(0, |cpu| cpu.current)
    }

    /// Notes an exception return; the level that goes on.
    pub fn returned(&mut self, event: &ExceptionReturned) -> u8 {
        let cpu = self.cpus.entry(event.cpu).or_default();
        if event.from < 2 {
            return cpu.current;
        }
        let guest = event.to < 2 && hcr_el2::VM.is_set(event.hcr) && !hcr_el2::TGE.is_set(event.hcr);
        if !guest {
            cpu.current = 0;
            return 0;
        }
        let new = cpu.returning.saturating_add(1);
        let level = *self.tables.entry(event.vttbr & TABLE).or_insert(new);
        if level >= cpu.returning {
            cpu.returning = 0;
        }
        cpu.current = level;
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exception::Exception;

    /// An exception to EL2 of a class; the level that it interrupts.
    fn trap(levels: &mut Levels, ec: u8) -> u8 {
        let exception = Exception::sync(2, ec, 0);
        levels.taken(&ExceptionTaken {
            cpu: 0,
            instructions: 0,
            from: 1,
            exception,
            elr: 0,
            spsr: 0,
            hcr: 0,
            vttbr: 0,
        })
    }

    /// A return to EL1 with tables of stage 2; the level that goes on.
    fn enter(levels: &mut Levels, vttbr: u64) -> u8 {
        let hcr = hcr_el2::VM.mask();
        levels.returned(&ExceptionReturned {
            cpu: 0,
            instructions: 0,
            from: 2,
            to: 1,
            pc: 0,
            spsr: 0,
            hcr,
            vttbr,
        })
    }

    #[test]
    fn new_table_after_a_trapped_eret_is_one_level_deeper() {
        let mut levels = Levels::default();
        assert_eq!(enter(&mut levels, 0x1000), 1);
        assert_eq!(trap(&mut levels, 0x18), 1);
        assert_eq!(enter(&mut levels, 0x1000), 1);
        assert_eq!(trap(&mut levels, ERET), 1);
        assert_eq!(enter(&mut levels, 0x2000), 2);
        assert_eq!((levels.current(0), levels.current(1)), (2, 0));
        // Another VMID is the same guest.
        assert_eq!(trap(&mut levels, 0x24), 2);
        assert_eq!(enter(&mut levels, 7 << 48 | 0x1000), 1);
    }

    #[test]
    fn eret_of_a_deeper_hypervisor_is_served_by_those_below() {
        let mut levels = Levels::default();
        enter(&mut levels, 0x1000);
        trap(&mut levels, ERET);
        assert_eq!(enter(&mut levels, 0x2000), 2);
        // Level 2 returns to its guest: level 0 hands the trap to level 1, whose own ERET starts level 3.
        assert_eq!(trap(&mut levels, ERET), 2);
        assert_eq!(enter(&mut levels, 0x1000), 1);
        assert_eq!(trap(&mut levels, ERET), 1);
        assert_eq!(enter(&mut levels, 0x3000), 3);
        // The next new guest of level 0 is none of theirs.
        trap(&mut levels, 0x18);
        assert_eq!(enter(&mut levels, 0x4000), 1);
    }

    #[test]
    fn what_runs_without_stage_2_is_level_0() {
        let mut levels = Levels::default();
        let event = ExceptionReturned {
            cpu: 0,
            instructions: 0,
            from: 2,
            to: 0,
            pc: 0,
            spsr: 0,
            hcr: 0,
            vttbr: 0x1000,
        };
        assert_eq!(levels.returned(&event), 0);
    }
}
