//! ICC_SGI0R_EL1, ICC_SGI1R_EL1 and ICC_ASGI1R_EL1: software-generated interrupts.

use super::CpuInterface;
use crate::gic::Affinity;
use droste_arch::fields::icc_sgi1r_el1 as sgi;

impl CpuInterface {
    /// Generates the SGI that a write of `value` to one of the registers asks for, on the CPUs whose
    /// configuration of it is `group`. With one Security state, ICC_SGI1R generates Group 1 SGIs, the
    /// other two Group 0 ones.
    pub(super) fn generate_sgi(&mut self, group: u8, value: u64) {
        let intid = sgi::INTID.get(value) as u32;
        let this = self.cpu;
        if sgi::IRM.is_set(value) {
            self.gic.send_sgi(this, intid, group, |cpu, _| cpu != this);
        } else {
            self.gic.send_sgi(this, intid, group, |_, affinity| is_target(value, affinity));
        }
        self.refresh();
    }
}

/// Whether the target list and the affinity fields of `value` name a CPU.
fn is_target(value: u64, affinity: Affinity) -> bool {
    let packed = affinity.packed();
    let cluster = (sgi::Aff3.get(value) << 16 | sgi::Aff2.get(value) << 8 | sgi::Aff1.get(value)) as u32;
    let aff0 = packed & 0xff;
    // Range selectors other than 0 are not supported (ICC_CTLR_EL1.RSS = 0) and name no CPU.
    packed >> 8 == cluster
        && aff0 < 16
        && sgi::RS.get(value) == 0
        && sgi::TargetList.get(value) >> aff0 & 1 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_list_selects_within_its_cluster() {
        let cpu = |mpidr| Affinity::from_mpidr(mpidr);
        let value = 1 << 48 | 2 << 32 | 3 << 16 | 1 << 5;
        assert!(is_target(value, cpu(1 << 32 | 0x02_0305)));
        assert!(!is_target(value, cpu(1 << 32 | 0x02_0306)));
        assert!(!is_target(value, cpu(1 << 32 | 0x02_0405)));
        assert!(!is_target(value, cpu(0x02_0305)));
        assert!(!is_target(value, cpu(1 << 32 | 0x02_0315)));
    }
}
