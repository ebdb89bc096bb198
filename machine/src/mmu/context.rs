//! Context ids: small numbers for everything that makes a translation valid besides its address.
//!
//! A context id (CID) is interned from {regime, VMID, ASID, the control bits that change walking, by value}.
//! TLB entries carry it in their tag, so a switch of any of these is a look-up and flushes nothing. TLBI by ASID,
//! VMID or all retires ids in O(1): the old ones can never match again. When the ids run out, everything is wiped.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::walk::{MmuFeatures, Regime, Registers, WalkConfig};

/// Ids fit into the page offset of a tag; 0 belongs to no context.
const CID_COUNT: usize = 4096;
/// Address spaces and configurations that are remembered before everything is wiped.
const SPACE_LIMIT: usize = 512;
const CONFIG_LIMIT: usize = 256;
/// In place of an ASID: pages with nG = 0, valid for all of them.
const GLOBAL: u32 = 1 << 16;

/// Why nothing was interned: the tables are full and the owner must wipe them and every TLB entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// One {regime, VMID}: what TLBI by VMID or all empties.
#[derive(Debug)]
struct Space {
    regime: Regime,
    vmid: u16,
    /// Part of the key of ids: incrementing it retires them all.
    epoch: u32,
    /// Configurations under which ids were given in this epoch.
    configs: Vec<u16>,
    /// Whether non-global pages were seen in the TTBR1 range, so that its ids must follow the ASID.
    upper_per_asid: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    space: u16,
    config: u16,
    epoch: u32,
    asid: u32,
}

/// What a CID stands for, as far as TLBI asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    /// Index of the address space.
    pub(crate) space: u16,
    /// The ASID, or `None` for global pages.
    pub(crate) asid: Option<u16>,
}

/// The ids that a set of registers selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ids {
    /// Index of the address space.
    pub(crate) space: u16,
    /// For pages of the ASID.
    pub(crate) asid: u16,
    /// For global pages.
    pub(crate) global: u16,
    /// Whether look-ups in the TTBR1 range must use `asid`.
    pub(crate) upper_per_asid: bool,
}

/// All interned contexts of one CPU.
#[derive(Debug)]
pub(crate) struct Contexts {
    spaces: Vec<Space>,
    configs: Vec<(Regime, Registers, WalkConfig)>,
    ids: HashMap<Key, u16, BuildHasherDefault<KeyHasher>>,
    /// By CID.
    owners: Vec<Owner>,
}

impl Default for Contexts {
    fn default() -> Self {
        let mut contexts =
            Self { spaces: Vec::new(), configs: Vec::new(), ids: HashMap::default(), owners: Vec::new() };
        contexts.clear();
        contexts
    }
}

impl Contexts {
    /// Forgets everything. Every TLB entry must go at the same time.
    pub(crate) fn clear(&mut self) {
        self.spaces.clear();
        self.configs.clear();
        self.ids.clear();
        self.owners.clear();
        self.owners.push(Owner { space: u16::MAX, asid: None });
    }

    /// The number of a configuration. `registers` holds only what is significant for the regime.
    pub(crate) fn config(
        &mut self,
        regime: Regime,
        registers: &Registers,
        features: &MmuFeatures,
    ) -> Result<u16, Exhausted> {
        let known = self.configs.iter().position(|(r, values, _)| *r == regime && values == registers);
        if let Some(index) = known {
            return Ok(index as u16);
        }
        if self.configs.len() >= CONFIG_LIMIT {
            return Err(Exhausted);
        }
        self.configs.push((regime, *registers, WalkConfig::new(regime, registers, features)));
        Ok((self.configs.len() - 1) as u16)
    }

    /// The decoded form of a configuration.
    pub(crate) fn walk_config(&self, config: u16) -> &WalkConfig {
        &self.configs[usize::from(config)].2
    }

    /// The ids of {regime, VMID, ASID} under a configuration.
    pub(crate) fn ids(
        &mut self,
        regime: Regime,
        vmid: u16,
        asid: u16,
        config: u16,
    ) -> Result<Ids, Exhausted> {
        let space = match self.spaces.iter().position(|s| s.regime == regime && s.vmid == vmid) {
            Some(index) => index as u16,
            None if self.spaces.len() >= SPACE_LIMIT => return Err(Exhausted),
            None => {
                self.spaces.push(Space {
                    regime,
                    vmid,
                    epoch: 0,
                    configs: Vec::new(),
                    upper_per_asid: false,
                });
                (self.spaces.len() - 1) as u16
            }
        };
        let upper_per_asid = self.spaces[usize::from(space)].upper_per_asid;
        let global = self.intern(space, config, GLOBAL)?;
        let asid =
            if regime.has_unprivileged() { self.intern(space, config, u32::from(asid))? } else { global };
        Ok(Ids { space, asid, global, upper_per_asid })
    }

    fn intern(&mut self, space: u16, config: u16, asid: u32) -> Result<u16, Exhausted> {
        let row = &mut self.spaces[usize::from(space)];
        let key = Key { space, config, epoch: row.epoch, asid };
        if let Some(&cid) = self.ids.get(&key) {
            return Ok(cid);
        }
        if self.owners.len() >= CID_COUNT {
            return Err(Exhausted);
        }
        if !row.configs.contains(&config) {
            row.configs.push(config);
        }
        let cid = self.owners.len() as u16;
        self.owners.push(Owner { space, asid: (asid != GLOBAL).then_some(asid as u16) });
        self.ids.insert(key, cid);
        Ok(cid)
    }

    /// What a CID stands for.
    pub(crate) fn owner(&self, cid: u16) -> Owner {
        self.owners[usize::from(cid)]
    }

    /// The address space of {regime, VMID}, if anything was translated in it.
    pub(crate) fn space(&self, regime: Regime, vmid: u16) -> Option<u16> {
        self.spaces.iter().position(|s| s.regime == regime && s.vmid == vmid).map(|i| i as u16)
    }

    /// Records that the TTBR1 range of a space has non-global pages.
    pub(crate) fn set_upper_per_asid(&mut self, space: u16) {
        self.spaces[usize::from(space)].upper_per_asid = true;
    }

    /// Retires all ids of one VMID of a regime, or of all VMIDs.
    pub(crate) fn retire_spaces(&mut self, regime: Regime, vmid: Option<u16>) {
        for space in &mut self.spaces {
            if space.regime == regime && vmid.is_none_or(|vmid| space.vmid == vmid) {
                space.epoch = space.epoch.wrapping_add(1);
                space.configs.clear();
                space.upper_per_asid = false;
            }
        }
    }

    /// Retires the ids of one ASID; global pages stay.
    pub(crate) fn retire_asid(&mut self, regime: Regime, vmid: u16, asid: u16) {
        let Some(index) = self.space(regime, vmid) else {
            return;
        };
        let space = &self.spaces[usize::from(index)];
        for &config in &space.configs {
            self.ids.remove(&Key { space: index, config, epoch: space.epoch, asid: u32::from(asid) });
        }
    }
}

/// A multiplicative hash for the twelve bytes of a [`Key`], which an adversary gains nothing from colliding.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(contexts: &mut Contexts, vmid: u16, asid: u16) -> Ids {
        let config = contexts
            .config(Regime::El10, &Registers::default(), &MmuFeatures::default())
            .expect("room for one");
        contexts.ids(Regime::El10, vmid, asid, config).expect("room for a few")
    }

    #[test]
    fn equal_values_give_equal_ids_and_others_differ() {
        let mut contexts = Contexts::default();
        let first = ids(&mut contexts, 1, 7);
        assert_eq!(ids(&mut contexts, 1, 7), first);
        let other_asid = ids(&mut contexts, 1, 8);
        assert_ne!(other_asid.asid, first.asid);
        assert_eq!(other_asid.global, first.global);
        assert_ne!(ids(&mut contexts, 2, 7).global, first.global);
    }

    #[test]
    fn retiring_an_asid_spares_global_pages_and_other_asids() {
        let mut contexts = Contexts::default();
        let (seven, eight, foreign) =
            (ids(&mut contexts, 1, 7), ids(&mut contexts, 1, 8), ids(&mut contexts, 2, 7));
        contexts.retire_asid(Regime::El10, 1, 7);
        let again = ids(&mut contexts, 1, 7);
        assert_ne!(again.asid, seven.asid);
        assert_eq!(again.global, seven.global);
        assert_eq!(ids(&mut contexts, 1, 8), eight);
        assert_eq!(ids(&mut contexts, 2, 7), foreign);
    }

    #[test]
    fn retiring_a_vmid_spares_the_others() {
        let mut contexts = Contexts::default();
        let (one, two) = (ids(&mut contexts, 1, 7), ids(&mut contexts, 2, 7));
        contexts.retire_spaces(Regime::El10, Some(1));
        assert_eq!(ids(&mut contexts, 2, 7), two);
        let again = ids(&mut contexts, 1, 7);
        assert_ne!(again.asid, one.asid);
        assert_ne!(again.global, one.global);
        contexts.retire_spaces(Regime::El10, None);
        assert_ne!(ids(&mut contexts, 2, 7).asid, two.asid);
    }

    #[test]
    fn running_out_of_ids_is_reported() {
        let mut contexts = Contexts::default();
        let config = contexts.config(Regime::El10, &Registers::default(), &MmuFeatures::default()).unwrap();
        let result = (0..5000).try_for_each(|asid| contexts.ids(Regime::El10, 0, asid, config).map(|_| ()));
        assert_eq!(result, Err(Exhausted));
        contexts.clear();
        ids(&mut contexts, 0, 0);
    }
}
