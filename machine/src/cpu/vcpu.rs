//! A CPU with everything that an executor keeps around its architectural state.

use super::{CpuState, FpAccess, Mode};
use crate::engine::Dispatch;
use crate::exception::Exception;
use crate::gic::CpuInterface;
use crate::interp::Abort;
use crate::machine::Machine;
use crate::mmu::walk::Regime;
use crate::pauth::PointerLayouts;
use crate::sysreg::Rules;
use crate::timer::Timers;
use droste_arch::expr::Quantity;
use droste_arch::feature::{Feature, FeatureSet};
use droste_arch::fields::{hcr_el2, ich_vtr_el2, id_aa64dfr0_el1, mdcr_el2, pmcr_el0};
use droste_arch::sysreg::SysReg;
use std::sync::Arc;

/// One CPU of a machine.
pub struct Vcpu {
    /// The architectural state.
    pub state: CpuState,
    /// What the state means for execution.
    pub mode: Mode,
    /// The modes of the Exception levels, as long as no register that they are made from changes.
    pub(crate) modes: [Option<Mode>; 3],
    /// What recent states meant for execution.
    pub(crate) worlds: super::worlds::Worlds,
    /// Cached translations.
    pub tlb: crate::mmu::Tlb,
    /// Where the running block began: with the PC it gives the exact instruction count.
    pub(crate) block_pc: u64,
    /// The exception that the current instruction raised; valid when a handler has returned [`Abort`].
    pub(crate) abort: Exception,
    /// Whether the guest polls and the rest of the slice is better spent elsewhere.
    pub(crate) yielding: bool,
    /// If that is WFE: the physical count at which an event comes, `u64::MAX` for never.
    pub(crate) event_until: Option<u64>,
    /// How pointers carry authentication codes in each regime.
    pub(crate) pointer_layouts: PointerLayouts,
    /// What generated code reads.
    pub(crate) dispatch: Dispatch,
    /// Features, from the ID registers.
    pub(crate) features: FeatureSet,
    /// The bits of SPSR_ELx that a return makes PSTATE from.
    pub(crate) spsr_bits: u64,
    /// What follows from the features for system registers.
    pub(crate) rules: Arc<Rules>,
    /// The number of this CPU in the machine.
    pub index: usize,
    /// The board and the other CPUs.
    pub machine: Arc<Machine>,
    /// The GIC's CPU interface, physical and virtual.
    pub gic: CpuInterface,
    /// What is derived from the registers of the generic timers.
    pub timers: Timers,
    /// What is derived from the registers of the performance monitor.
    pub(crate) pmu: crate::pmu::Pmu,
}

impl Vcpu {
    /// X`r`, where 31 is the zero register.
    #[inline(always)]
    #[must_use]
    pub fn x(&self, r: u32) -> u64 {
        if r < 31 { self.state.x[r as usize] } else { 0 }
    }

    /// Writes X`r`, where 31 is the zero register.
    #[inline(always)]
    pub fn set_x(&mut self, r: u32, value: u64) {
        if r < 31 {
            self.state.x[r as usize] = value;
        }
    }

    /// W`r`, where 31 is the zero register.
    #[inline(always)]
    #[must_use]
    pub fn w(&self, r: u32) -> u32 {
        self.x(r) as u32
    }

    /// Writes W`r` and clears the upper half, where 31 is the zero register.
    #[inline(always)]
    pub fn set_w(&mut self, r: u32, value: u32) {
        self.set_x(r, u64::from(value));
    }

    /// X`r`, where 31 is the stack pointer.
    #[inline(always)]
    #[must_use]
    pub fn xsp(&self, r: u32) -> u64 {
        if r < 31 { self.state.x[r as usize] } else { self.state.sp }
    }

    /// Writes X`r`, where 31 is the stack pointer.
    #[inline(always)]
    pub fn set_xsp(&mut self, r: u32, value: u64) {
        if r < 31 {
            self.state.x[r as usize] = value;
        } else {
            self.state.sp = value;
        }
    }

    /// V`r`.
    #[inline(always)]
    #[must_use]
    pub fn v(&self, r: u32) -> u128 {
        self.state.v[(r & 31) as usize]
    }

    /// Writes V`r`.
    #[inline(always)]
    pub fn set_v(&mut self, r: u32, value: u128) {
        self.state.v[(r & 31) as usize] = value;
    }

    /// The stored value of a system register, without side effects.
    #[inline(always)]
    #[must_use]
    pub fn sys(&self, r: SysReg) -> u64 {
        self.state.sys[r.index()]
    }

    /// Stores a system register's value, without side effects.
    #[inline(always)]
    pub fn set_sys(&mut self, r: SysReg, value: u64) {
        self.state.sys[r.index()] = value;
    }

    /// The current Exception level.
    #[inline(always)]
    #[must_use]
    pub fn el(&self) -> u8 {
        self.state.pstate.el
    }

    /// Whether the CPU has a feature.
    #[inline(always)]
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(feature)
    }

    /// Whether EL2 is implemented.
    #[inline(always)]
    #[must_use]
    pub fn has_el2(&self) -> bool {
        self.has(Feature::FEAT_EL2)
    }

    /// The effective value of HCR_EL2: zero without EL2; IMO, FMO and AMO set by TGE.
    #[inline]
    #[must_use]
    pub fn hcr(&self) -> u64 {
        if !self.has_el2() {
            return 0;
        }
        let mut hcr = self.sys(SysReg::HCR_EL2);
        if hcr_el2::TGE.is_set(hcr) {
            hcr |= hcr_el2::IMO.mask() | hcr_el2::FMO.mask() | hcr_el2::AMO.mask();
            // In the host regime the second stage and what depends on it are off for EL0.
            if hcr_el2::E2H.is_set(hcr) {
                hcr &= !(hcr_el2::VM.mask() | hcr_el2::DC.mask());
            }
        }
        hcr
    }

    /// Instructions retired so far, exact within a block too.
    #[inline]
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.state.insn_count + (self.state.pc.wrapping_sub(self.block_pc) >> 2)
    }

    /// Records an exception; the handler returns the [`Abort`] and the run loop takes the exception.
    #[inline]
    pub fn raise(&mut self, exception: Exception) -> Abort {
        self.abort = exception;
        Abort
    }

    /// Records that the current instruction is UNDEFINED.
    #[cold]
    pub fn undefined(&mut self) -> Abort {
        let target = self.default_target();
        self.raise(Exception::sync(target, 0, 0))
    }

    /// The Exception level that handles a synchronous exception of the current one, where nothing else
    /// routes it: EL2 from EL2 or from EL0 under TGE, else EL1.
    #[inline]
    #[must_use]
    pub fn default_target(&self) -> u8 {
        if self.mode.el == 2 || (self.mode.el == 0 && self.mode.tge) { 2 } else { 1 }
    }

    /// Raises the trap of FP and AdvSIMD instructions, if they trap here.
    #[inline(always)]
    pub fn check_fp(&mut self) -> Result<(), Abort> {
        match self.mode.fp {
            FpAccess::Allowed => Ok(()),
            FpAccess::Trap(target) => Err(self.fp_trap(target)),
        }
    }

    /// AArch64.AdvSIMDFPAccessTrap.
    #[cold]
    fn fp_trap(&mut self, target: u8) -> Abort {
        if target == 1 && self.mode.el == 0 && self.mode.tge {
            return self.raise(Exception::sync(2, 0, 0));
        }
        self.raise(Exception::sync(target, 0x07, 0x1e0_0000))
    }

    /// Recomputes what is derived from PSTATE and system registers. Whoever changes one of the
    /// registers that [`Mode`] or address translation is made from calls this.
    pub fn context_changed(&mut self) {
        self.forget_modes();
        self.tlb.distrust_registers();
        self.pstate_changed();
    }

    /// Recomputes what is derived from PSTATE, when no control register has changed since
    /// [`Vcpu::context_changed`].
    pub fn pstate_changed(&mut self) {
        if !self.enter_known_world() {
            self.enter_mode();
            self.mmu_pstate_changed();
            self.remember_world();
        }
    }

    /// A register has changed that [`Mode`] is made from.
    fn forget_modes(&mut self) {
        self.modes = [None; 3];
        self.worlds.void(false);
    }

    /// HCR_EL2 or CPTR_EL2 has changed, which switches between worlds write.
    pub(crate) fn world_changed(&mut self) {
        self.modes = [None; 3];
        // Of the regimes only EL1&0 depends on them.
        self.tlb.distrust(Regime::El10);
        self.pstate_changed();
    }

    /// A register of EL1 has changed, which EL2 does not depend on: the CPU follows when it is below.
    pub(crate) fn el1_changed(&mut self) {
        [self.modes[0], self.modes[1]] = [None; 2];
        self.el1_translation_changed();
    }

    /// The same for one that concerns translation alone.
    pub(crate) fn el1_translation_changed(&mut self) {
        self.worlds.void(true);
        self.tlb.distrust(Regime::El10);
        if self.state.pstate.el < 2 {
            self.pstate_changed();
        }
    }

    /// Selects the mode of the current Exception level. Cost: a copy of what was computed before.
    fn enter_mode(&mut self) {
        let el = usize::from(self.state.pstate.el).min(2);
        match &self.modes[el] {
            Some(mode) => self.mode = *mode,
            None => {
                self.mode = Mode::of(self);
                self.mode.pointers = self.native_pointers();
                self.modes[el] = Some(self.mode);
            }
        }
        // Debug exceptions depend on PSTATE.D too.
        self.mode.stepping = crate::debug::step::active(self);
        self.mode.breakpoints = crate::debug::breakpoint::armed(self);
        self.mode.by_instruction = self.mode.stepping || self.mode.breakpoints || self.state.pstate.il;
    }

    /// A context synchronisation event with another PSTATE. Register writes have taken effect before, when they were made.
    pub fn context_sync(&mut self) {
        self.pstate_changed();
    }

    /// Selects the stack pointer that PSTATE.{EL,SP} name, after [`Vcpu::bank_sp`].
    pub(crate) fn unbank_sp(&mut self) {
        self.state.sp = self.state.sp_el[self.sp_bank()];
    }

    /// Puts the stack pointer in use back into its bank; done before PSTATE.{EL,SP} change.
    pub(crate) fn bank_sp(&mut self) {
        let bank = self.sp_bank();
        self.state.sp_el[bank] = self.state.sp;
    }

    fn sp_bank(&self) -> usize {
        if self.state.pstate.spsel { usize::from(self.state.pstate.el) } else { 0 }
    }
}

impl droste_arch::expr::Facts for Vcpu {
    fn feature(&self, feature: Feature) -> bool {
        self.has(feature)
    }

    fn register(&self, register: SysReg) -> u64 {
        match register {
            SysReg::SPSel => u64::from(self.state.pstate.spsel),
            _ => self.sys(register),
        }
    }

    fn quantity(&self, quantity: Quantity) -> u64 {
        match quantity {
            Quantity::Breakpoints => id_aa64dfr0_el1::BRPs.get(self.sys(SysReg::ID_AA64DFR0_EL1)) + 1,
            Quantity::Watchpoints => id_aa64dfr0_el1::WRPs.get(self.sys(SysReg::ID_AA64DFR0_EL1)) + 1,
            Quantity::EventCounters => pmcr_el0::N.get(self.sys(SysReg::PMCR_EL0)),
            Quantity::EventCountersAccessible if self.has_el2() => {
                mdcr_el2::HPMN.get(self.sys(SysReg::MDCR_EL2))
            }
            Quantity::EventCountersAccessible => pmcr_el0::N.get(self.sys(SysReg::PMCR_EL0)),
            Quantity::ListRegisters => ich_vtr_el2::ListRegs.get(self.sys(SysReg::ICH_VTR_EL2)) + 1,
            Quantity::PriorityBits | Quantity::PreemptionBits => {
                ich_vtr_el2::PREbits.get(self.sys(SysReg::ICH_VTR_EL2)) + 1
            }
        }
    }
}
