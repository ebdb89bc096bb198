//! From the register values of a regime to the ids under which its translations are cached.

use super::context::{Exhausted, Ids};
use super::selection::Selection;
use super::tlb::{Range, salt};
use super::translate::Tlb;
use super::walk::{Regime, Registers, Tables};

/// The register values that one regime's translations depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RegimeRegisters {
    pub(crate) control: Registers,
    pub(crate) tables: Tables,
    /// The current ASID, 0 without ASIDs.
    pub(crate) asid: u16,
    /// The current VMID, 0 outside of EL1&0.
    pub(crate) vmid: u16,
}

/// What is resolved for one regime.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolved {
    /// Whether the rest holds for `registers`.
    pub(super) valid: bool,
    /// Whether `registers` are known to be the CPU's.
    pub(super) fresh: bool,
    pub(super) registers: RegimeRegisters,
    pub(super) config: u16,
    pub(super) ids: Ids,
    pub(super) data: [Range; 2],
    pub(super) fetch: [Range; 2],
}

impl Tlb {
    /// Resolves what is selected anew, for the same registers.
    pub(super) fn renew_selection(&mut self) {
        let Selection { regime, epoch, .. } = self.now;
        if epoch == Selection::NONE.epoch {
            return self.select_fetch();
        }
        for regime in [Some(regime), self.nv2].into_iter().flatten() {
            let Resolved { valid, fresh, registers, .. } = self.regimes[regime as usize];
            if !valid {
                self.resolve_changed(regime, registers);
                self.regimes[regime as usize].fresh = fresh;
            }
        }
        self.select_again();
    }

    /// Makes every regime look its ids up again.
    pub(super) fn invalidate_resolved(&mut self) {
        for (resolved, generation) in self.regimes.iter_mut().zip(&mut self.generations) {
            resolved.valid = false;
            *generation += 1;
        }
    }

    /// Registers may have changed: every regime compares them before it is used again.
    pub(crate) fn distrust_registers(&mut self) {
        for resolved in &mut self.regimes {
            resolved.fresh = false;
        }
    }

    /// Registers of one regime may have changed, which is not the one in use.
    pub(crate) fn distrust(&mut self, regime: Regime) {
        self.regimes[regime as usize].fresh = false;
    }

    /// Whether a regime can be used as it is.
    #[inline]
    pub(super) fn is_resolved(&self, regime: Regime) -> bool {
        let resolved = &self.regimes[regime as usize];
        resolved.valid && resolved.fresh
    }

    /// Resolves the ids of a regime for these register values.
    pub(crate) fn resolve(&mut self, regime: Regime, registers: RegimeRegisters) {
        let resolved = &mut self.regimes[regime as usize];
        resolved.fresh = true;
        if !resolved.valid || resolved.registers != registers {
            self.resolve_changed(regime, registers);
        }
    }

    #[cold]
    pub(super) fn resolve_changed(&mut self, regime: Regime, registers: RegimeRegisters) {
        let mut exhausted = false;
        let fresh = self.intern(regime, &registers).unwrap_or_else(|Exhausted| {
            exhausted = true;
            self.drop_all();
            self.intern(regime, &registers).unwrap_or_else(|Exhausted| unreachable!("empty tables have room"))
        });
        let (config, ids) = fresh;
        let stage1 = &self.contexts.walk_config(config).stage1;
        let range = |upper: bool, tbi: bool| {
            let cid = if upper && !ids.upper_per_asid { ids.global } else { ids.asid };
            let top = 0xff << 56;
            let sign = upper && regime.has_unprivileged();
            Range {
                mask: !0xfff & if tbi { !top } else { u64::MAX },
                or: u64::from(cid) | if tbi && sign { top } else { 0 },
                salt: salt(ids.space),
            }
        };
        let [low, high] = &stage1.halves;
        let data = [range(false, low.tbi_data), range(true, high.tbi_data)];
        let fetch = [range(false, low.tbi_instruction), range(true, high.tbi_instruction)];
        self.epoch += 1;
        self.generations[regime as usize] += 1;
        self.regimes[regime as usize] =
            Resolved { valid: true, fresh: true, registers, config, ids, data, fetch };
        if exhausted {
            // Another regime may be in use, whose ids are void now too.
            self.renew_selection();
        }
    }

    fn intern(&mut self, regime: Regime, registers: &RegimeRegisters) -> Result<(u16, Ids), Exhausted> {
        let control = registers.control.significant(regime);
        let config = self.contexts.config(regime, &control, &self.features)?;
        let ids = self.contexts.ids(regime, registers.vmid, registers.asid, config)?;
        Ok((config, ids))
    }
}
