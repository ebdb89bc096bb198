//! What control registers and PSTATE mean for execution, for the states that the CPU was in lately.
//!
//! Exceptions, their returns and switches between a host and its guests go back and forth between a few states. What
//! follows from one is kept under the PSTATE fields and the registers that such switches write; all others void it.
//! Cost of going back to one: a compare of four words, and a copy of less than 400 bytes.

use super::{Mode, PState, Vcpu};
use crate::mmu::View;
use droste_arch::fields::mdscr_el1;
use droste_arch::sysreg::SysReg;

const COUNT: usize = 32;

/// What a world is found by: the registers that switches write, and PSTATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    hcr: u64,
    cptr: u64,
    pstate: u64,
}

impl Key {
    /// The slot that it may be in.
    fn slot(self) -> usize {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = (self.hcr ^ self.cptr.rotate_left(32) ^ self.pstate << 56).wrapping_mul(FACTOR);
        (mixed >> 59) as usize % COUNT
    }
}

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct World {
    key: Key,
    /// The count of changes of the registers that are not in the key.
    epoch: u64,
    mode: Mode,
    view: View,
}

/// The recent worlds.
#[derive(Debug)]
pub(crate) struct Worlds {
    slots: Box<[World; COUNT]>,
    /// How often registers have changed that EL0 and EL1, and that EL2 depends on.
    epochs: [u64; 2],
}

impl Default for Worlds {
    fn default() -> Self {
        let key = Key { hcr: 0, cptr: 0, pstate: 0 };
        let none = World { key, epoch: 0, mode: Mode::UNKNOWN, view: View::NONE };
        Self { slots: Box::new([none; COUNT]), epochs: [1; 2] }
    }
}

impl Worlds {
    /// A register has changed, of EL1 only or of any level, that is not in the key.
    pub(super) fn void(&mut self, only_el1: bool) {
        self.epochs[0] += 1;
        self.epochs[1] += u64::from(!only_el1);
    }

    fn epoch(&self, el: u8) -> u64 {
        self.epochs[usize::from(el == 2)]
    }
}

impl Vcpu {
    /// A register has changed that is not in the key.
    pub(crate) fn void_worlds(&mut self) {
        self.worlds.void(false);
    }

    fn world_key(&self) -> Key {
        let PState { el, pan, uao, .. } = self.state.pstate;
        Key {
            hcr: self.sys(SysReg::HCR_EL2),
            cptr: self.sys(SysReg::CPTR_EL2),
            pstate: u64::from(el) | u64::from(pan) << 2 | u64::from(uao) << 3,
        }
    }

    /// Whether neither debug exceptions nor an illegal state have the CPU look at each instruction.
    fn is_plain(&self) -> bool {
        let debug = mdscr_el1::SS.mask() | mdscr_el1::MDE.mask();
        self.sys(SysReg::MDSCR_EL1) & debug == 0 && !self.state.pstate.il
    }

    /// Enters the world that PSTATE and the registers select, if it is known.
    #[inline]
    pub(super) fn enter_known_world(&mut self) -> bool {
        let key = self.world_key();
        let world = &self.worlds.slots[key.slot()];
        let epoch = self.worlds.epoch(self.state.pstate.el);
        if world.key != key || world.epoch != epoch || !self.is_plain() || !self.tlb.show(&world.view) {
            return false;
        }
        self.mode = world.mode;
        true
    }

    /// Keeps the present world.
    pub(super) fn remember_world(&mut self) {
        if self.is_plain() {
            let (key, epoch) = (self.world_key(), self.worlds.epoch(self.state.pstate.el));
            let (mode, view) = (self.mode, self.tlb.view());
            self.worlds.slots[key.slot()] = World { key, epoch, mode, view };
        }
    }
}
