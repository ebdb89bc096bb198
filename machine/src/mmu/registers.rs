//! From a CPU's registers to translation contexts.

use droste_arch::fields::{hcr_el2, sctlr_el1, tcr_el1, vtcr_el2};
use droste_arch::sysreg::SysReg;

use super::access::{Access, MAINTENANCE, NV2, UNPRIV};
use super::fault::Fault;
use super::resolve::RegimeRegisters;
use super::tlb::Entry;
use super::translate::Memory;
use super::walk::{Kind, MmuFeatures, PhysMem, Privilege, Regime, Registers, Tables};
use crate::cpu::Vcpu;
use crate::debug::watchpoint::{self, Watched};
use crate::interp::Abort;
use crate::machine::Machine;
use crate::ram::GuestRam;

/// Physical memory of a machine. Tables are read from RAM only: in device memory they are an External abort.
pub(super) struct Physical<'a> {
    ram: &'a GuestRam,
}

impl<'a> Physical<'a> {
    pub(super) fn of(machine: &'a Machine) -> Self {
        Self { ram: &machine.ram }
    }
}

impl PhysMem for Physical<'_> {
    fn read(&self, pa: u64) -> Option<u64> {
        self.ram.read(pa).ok()
    }

    fn compare_exchange(&self, pa: u64, expected: u64, new: u64) -> Option<u64> {
        self.ram.compare_exchange(pa, expected, new).ok()
    }
}

impl Memory for Physical<'_> {
    fn host_page(&self, pa: u64) -> *mut u8 {
        self.ram.host_page(pa).map_or(std::ptr::null_mut(), |page| page.as_ptr())
    }
}

impl Vcpu {
    /// The features of translation, from this CPU's ID registers.
    pub(crate) fn mmu_features(&self) -> MmuFeatures {
        let [r0, r1, r2, r3] = [
            SysReg::ID_AA64MMFR0_EL1,
            SysReg::ID_AA64MMFR1_EL1,
            SysReg::ID_AA64MMFR2_EL1,
            SysReg::ID_AA64MMFR3_EL1,
        ]
        .map(|r| self.sys(r));
        MmuFeatures::from_id_registers(r0, r1, r2, r3)
    }

    /// Makes the TLB follow the registers and PSTATE.
    pub(crate) fn mmu_context_changed(&mut self) {
        self.void_worlds();
        self.tlb.distrust_registers();
        self.mmu_pstate_changed();
    }

    /// Makes the TLB follow PSTATE: a change of Exception level copies a few words.
    pub(crate) fn mmu_pstate_changed(&mut self) {
        let regime = self.current_regime();
        let nv2 = self.nv2_regime();
        self.tlb.set_nv2(nv2);
        if let Some(nv2) = nv2 {
            self.resolve_regime(nv2);
        }
        // If ids run out now, those of the other regime are renewed, too.
        self.resolve_regime(regime);
        let nv1 = self.is_virtual_el2_without_vhe();
        let privilege = [false, true].map(|unprivileged| self.privilege_of_access(regime, unprivileged, nv1));
        let order = if self.el() == 0 { sctlr_el1::E0E } else { sctlr_el1::EE };
        let sctlr = self.mode.sctlr;
        self.tlb.select(regime, privilege, self.mode.level, order.is_set(sctlr), sctlr_el1::A.is_set(sctlr));
    }

    /// Drops all cached translations and reads the ID registers again: a reset.
    pub(crate) fn mmu_reset(&mut self) {
        let features = self.mmu_features();
        self.tlb.reset(features);
    }

    /// TranslationRegime of the current Exception level.
    fn current_regime(&self) -> Regime {
        match self.el() {
            _ if self.mode.in_host => Regime::El20,
            2 => Regime::El2,
            _ => Regime::El10,
        }
    }

    /// The regime that serves EL2.
    pub(super) fn el2_regime(&self) -> Regime {
        if hcr_el2::E2H.is_set(self.hcr()) { Regime::El20 } else { Regime::El2 }
    }

    /// Resolves the ids of a regime for the present register values.
    pub(super) fn resolve_regime(&mut self, regime: Regime) {
        if !self.tlb.is_resolved(regime) {
            let registers = self.regime_registers(regime);
            self.tlb.resolve(regime, registers);
        }
    }

    /// The regime of register accesses that FEAT_NV2 transforms, where it does and they are little-endian: only EL2 can
    /// change HCR_EL2 and the registers of that regime, so this holds as long as EL1 executes.
    fn nv2_regime(&self) -> Option<Regime> {
        let transforms = self.el() == 1 && hcr_el2::NV.is_set(self.hcr()) && !self.nv2_big_endian();
        transforms.then(|| self.el2_regime())
    }

    /// On whose behalf an access is made: AArch64.IsUnprivAccessPriv, and PSTATE.PAN without effect under
    /// HCR_EL2.{NV,NV1} = {1,1}.
    fn privilege_of_access(&self, regime: Regime, unprivileged: bool, nv1: bool) -> Privilege {
        let pstate = &self.state.pstate;
        let user = match pstate.el {
            0 => true,
            1 => unprivileged && !nv1 && !pstate.uao,
            _ => unprivileged && self.mode.e2h && self.mode.tge && !pstate.uao,
        };
        match () {
            () if user => Privilege::User,
            () if pstate.pan && regime.has_unprivileged() && !nv1 => Privilege::PrivilegedPan,
            () => Privilege::Privileged,
        }
    }

    /// Whether EL1 is a guest hypervisor to which HCR_EL2.{NV,NV1} = {1,1} shows the regime of an EL2 without EL0.
    fn is_virtual_el2_without_vhe(&self) -> bool {
        let hcr = self.hcr();
        self.el() == 1 && hcr_el2::NV.is_set(hcr) && hcr_el2::NV1.is_set(hcr)
    }

    /// PSTATE.PAN, which acts as 0 there.
    pub(super) fn pan_is_effective(&self) -> bool {
        self.state.pstate.pan && !self.is_virtual_el2_without_vhe()
    }

    /// Whether accesses transformed by FEAT_NV2 are big-endian.
    pub(super) fn nv2_big_endian(&self) -> bool {
        sctlr_el1::EE.is_set(self.sys(SysReg::SCTLR_EL2))
    }

    /// Collects the registers of a regime.
    pub(super) fn regime_registers(&self, regime: Regime) -> RegimeRegisters {
        let sys = |r| self.sys(r);
        let features = self.tlb.features();
        let (control, ttbr) = if regime == Regime::El10 {
            let tcr2 = self.tcr2_if_enabled();
            let control = Registers {
                sctlr: sys(SysReg::SCTLR_EL1),
                tcr: sys(SysReg::TCR_EL1),
                tcr2,
                mair: sys(SysReg::MAIR_EL1),
                pir: sys(SysReg::PIR_EL1),
                pire0: sys(SysReg::PIRE0_EL1),
                hcr: self.hcr(),
                vtcr: if self.has_el2() { sys(SysReg::VTCR_EL2) } else { 0 },
                s2pir: if features.s2pie { sys(SysReg::S2PIR_EL2) } else { 0 },
            };
            (control, [sys(SysReg::TTBR0_EL1), sys(SysReg::TTBR1_EL1)])
        } else {
            let control = Registers {
                sctlr: sys(SysReg::SCTLR_EL2),
                tcr: sys(SysReg::TCR_EL2),
                tcr2: if features.s1pie { sys(SysReg::TCR2_EL2) } else { 0 },
                mair: sys(SysReg::MAIR_EL2),
                pir: sys(SysReg::PIR_EL2),
                pire0: sys(SysReg::PIRE0_EL2),
                ..Registers::default()
            };
            let ttbr1 = if regime == Regime::El20 { SysReg::TTBR1_EL2 } else { SysReg::TTBR0_EL2 };
            (control, [sys(SysReg::TTBR0_EL2), sys(ttbr1)])
        };
        let vttbr = if regime == Regime::El10 && self.has_el2() { sys(SysReg::VTTBR_EL2) } else { 0 };
        RegimeRegisters {
            control,
            tables: Tables { ttbr, vttbr },
            asid: asid(regime, &control, ttbr, features),
            vmid: if regime == Regime::El10 { self.vmid() } else { 0 },
        }
    }

    /// TCR2_EL1, which HCRX_EL2.TCR2En = 0 makes 0.
    fn tcr2_if_enabled(&self) -> u64 {
        use droste_arch::fields::hcrx_el2::TCR2En;
        let enabled = !self.has_el2() || TCR2En.is_set(self.sys(SysReg::HCRX_EL2));
        if self.tlb.features().s1pie && enabled { self.sys(SysReg::TCR2_EL1) } else { 0 }
    }

    /// The current VMID.
    pub(super) fn vmid(&self) -> u16 {
        if !self.has_el2() {
            return 0;
        }
        let vmid = (self.sys(SysReg::VTTBR_EL2) >> 48) as u16;
        let wide = self.tlb.features().vmid16 && vtcr_el2::VS.is_set(self.sys(SysReg::VTCR_EL2));
        if wide { vmid } else { vmid & 0xff }
    }

    /// Translates through the TLB, in a regime that is resolved.
    #[inline]
    pub(super) fn translate(
        &mut self,
        regime: Regime,
        va: u64,
        kind: Kind,
        privilege: Privilege,
    ) -> Result<Entry, Fault> {
        self.tlb.translate(&Physical::of(&self.machine), regime, va, kind, privilege)
    }

    /// The entry for a data access, or the data abort.
    pub(super) fn data_entry(&mut self, va: u64, kind: Kind, how: Access) -> Result<Entry, Abort> {
        let (regime, privilege) = if how.is(NV2) {
            let regime = self.el2_regime();
            self.resolve_regime(regime);
            (regime, Privilege::Privileged)
        } else {
            (self.tlb.current(), self.tlb.privilege(how.is(UNPRIV)))
        };
        self.translate(regime, va, kind, privilege).map_err(|fault| self.data_abort(va, fault, how))
    }

    /// Raises the watchpoint exception of an access to `size` bytes of one page, after all that may fault. Cost when
    /// nothing is watched: one compare, out of the inline path.
    #[inline]
    pub(super) fn check_watchpoints(
        &mut self,
        va: u64,
        size: u64,
        write: bool,
        how: Access,
    ) -> Result<(), Abort> {
        if self.tlb.is_watching() { self.watchpoint(va, size, write, how) } else { Ok(()) }
    }

    #[cold]
    fn watchpoint(&mut self, va: u64, size: u64, write: bool, how: Access) -> Result<(), Abort> {
        let user = self.tlb.privilege(how.is(UNPRIV)) == Privilege::User;
        let (nv2, maintenance) = (how.is(NV2), how.is(MAINTENANCE));
        match watchpoint::check(self, Watched { va, size, write, user, nv2, maintenance }) {
            Some(exception) => Err(self.raise(exception)),
            None => Ok(()),
        }
    }
}

/// The current ASID: TCR_ELx.A1 says where it is and AS how wide.
fn asid(regime: Regime, control: &Registers, ttbr: [u64; 2], features: &MmuFeatures) -> u16 {
    if !regime.has_unprivileged() {
        return 0;
    }
    let asid = (ttbr[usize::from(tcr_el1::A1.is_set(control.tcr))] >> 48) as u16;
    if features.asid16 && tcr_el1::AS.is_set(control.tcr) { asid } else { asid & 0xff }
}
