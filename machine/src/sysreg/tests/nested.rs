//! FEAT_NV and its successors: what depends on how the ID registers announce them.

use super::*;
use droste_arch::fields::hcr_el2::{E2H, NV, NV1, NV2, TGE, TTLB, TTLBIS};
use droste_arch::fields::hcrx_el2::{NVTGE, NVnTTLB, NVnTTLBIS};

fn guest_hypervisor(model: &str, hcr: u64, hcrx: u64) -> Vcpu {
    let mut cpu = cpu(model);
    write(&mut cpu, SysReg::HCR_EL2, hcr).unwrap();
    write(&mut cpu, SysReg::HCRX_EL2, hcrx).unwrap();
    at_el(&mut cpu, 1);
    cpu
}

fn decided(cpu: &Vcpu, r: SysReg) -> Option<Action> {
    cpu.rules.read(cpu, r.encoding())
}

const TRAP: Option<Action> = Some(Action::Trap { el: 2, ec: 0x18 });

#[test]
fn e2h_is_one_and_nv1_zero_where_the_id_register_says_so() {
    let held = |model| {
        let mut cpu = cpu(model);
        let reset = read(&mut cpu, SysReg::HCR_EL2).unwrap();
        write(&mut cpu, SysReg::HCR_EL2, NV1.mask()).unwrap();
        let value = read(&mut cpu, SysReg::HCR_EL2).unwrap();
        (E2H.is_set(reset), E2H.is_set(value), NV1.is_set(value))
    };
    assert_eq!(held("max"), (false, false, true));
    assert_eq!(held("max,-e2h0"), (true, true, true));
    assert_eq!(held("max,-nv1"), (true, true, false));
}

#[test]
fn nv2_is_effective_without_its_bit_where_there_is_nothing_else() {
    let action = |model| decided(&guest_hypervisor(model, NV.mask(), 0), SysReg::HCR_EL2);
    assert_eq!(action("max"), TRAP);
    for model in ["max,+nv2_only", "max,+nv2p1", "max,+nv3"] {
        assert_eq!(action(model), Some(Action::Memory(0x78)), "{model}");
    }
    // {NV,NV1} = {1,1} is memory too, and no trap of FEAT_NV alone.
    let both = guest_hypervisor("max,+nv2_only", NV.mask() | NV1.mask(), 0);
    assert_eq!(decided(&both, SysReg::VBAR_EL1), Some(Action::Memory(0x250)));
    let alone = guest_hypervisor("max", NV.mask() | NV1.mask(), 0);
    assert_eq!(decided(&alone, SysReg::VBAR_EL1), TRAP);
    // NV1 and NV2 do nothing without NV.
    let none = guest_hypervisor("max,+nv2_only", NV1.mask() | NV2.mask(), 0);
    assert_eq!(decided(&none, SysReg::HCR_EL2), Some(Action::Undefined));
}

#[test]
fn nvtge_gives_hcr_el2_a_register_and_nvhcr_el2_the_slot() {
    let both = NV.mask() | NV2.mask();
    let without = guest_hypervisor("max,+nv3", both, 0);
    assert_eq!(decided(&without, SysReg::HCR_EL2), Some(Action::Memory(0x78)));
    assert_eq!(decided(&without, SysReg::NVHCR_EL2), TRAP);
    let mut with = guest_hypervisor("max,+nv3", both, NVTGE.mask());
    assert_eq!(decided(&with, SysReg::HCR_EL2), Some(Action::Register(SysReg::NVHCR_EL2)));
    assert_eq!(decided(&with, SysReg::NVHCR_EL2), Some(Action::Memory(0x78)));
    write(&mut with, SysReg::HCR_EL2, TGE.mask()).unwrap();
    assert_eq!(
        (with.sys(SysReg::NVHCR_EL2) & TGE.mask(), with.sys(SysReg::HCR_EL2) & TGE.mask()),
        (TGE.mask(), 0)
    );
    // Without FEAT_NV3 the bit is RES0 and the register UNDEFINED at every level.
    let mut older = guest_hypervisor("max,+nv2p1", both, NVTGE.mask());
    assert_eq!(decided(&older, SysReg::HCR_EL2), Some(Action::Memory(0x78)));
    assert_eq!(decided(&older, SysReg::NVHCR_EL2), Some(Action::Undefined));
    at_el(&mut older, 2);
    assert_eq!(decided(&older, SysReg::NVHCR_EL2), Some(Action::Undefined));
}

#[test]
fn tlbi_is_not_trapped_while_the_guest_hypervisor_has_tge() {
    let tlbi = |cpu: &Vcpu, insn: SysInsn| cpu.rules.write(cpu, insn.encoding());
    let hcr = NV.mask() | NV2.mask() | TTLB.mask();
    let mut cpu = guest_hypervisor("max,+nv3", hcr, NVTGE.mask() | NVnTTLB.mask());
    assert_eq!(tlbi(&cpu, SysInsn::TLBI_VMALLE1), TRAP);
    write(&mut cpu, SysReg::HCR_EL2, E2H.mask() | TGE.mask()).unwrap();
    assert_eq!(tlbi(&cpu, SysInsn::TLBI_VMALLE1), Some(Action::Perform));
    // TTLBIS has its own bit.
    cpu.set_sys(SysReg::HCR_EL2, hcr | TTLBIS.mask());
    assert_eq!(tlbi(&cpu, SysInsn::TLBI_VMALLE1IS), TRAP);
    cpu.set_sys(SysReg::HCRX_EL2, NVTGE.mask() | NVnTTLB.mask() | NVnTTLBIS.mask());
    assert_eq!(tlbi(&cpu, SysInsn::TLBI_VMALLE1IS), Some(Action::Perform));
}

#[test]
fn nv2p1_makes_el1_registers_hold_bits_of_their_el2_siblings() {
    let held = |model, r| {
        let mut cpu = cpu(model);
        at_el(&mut cpu, 1);
        write(&mut cpu, r, u64::MAX).unwrap();
        read(&mut cpu, r).unwrap()
    };
    // TCPAC; TAM needs FEAT_AMUv1.
    assert_eq!(held("max", SysReg::CPACR_EL1) >> 30, 0);
    assert_eq!(held("max,+nv2p1", SysReg::CPACR_EL1) >> 30, 0b10);
    // EL1PCTEN to EL1NVVCT; EVNTIS is of FEAT_ECV.
    assert_eq!(held("max", SysReg::CNTKCTL_EL1) >> 10, 0x80);
    assert_eq!(held("max,+nv2p1", SysReg::CNTKCTL_EL1) >> 10, 0xff);
}
