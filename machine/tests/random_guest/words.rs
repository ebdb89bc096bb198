//! Random instruction words and register values.

use super::entropy::Entropy;
use super::program::{CODE, DATA, PROLOGUE_BYTES, PROLOGUES, TABLES, VECTORS};
use droste_arch::a64::{Encoding, Group};
use droste_arch::sysreg::{SysInsn, SysReg};
use droste_machine::board::memory_map as map;

/// The encodings and registers that words are made of.
pub(crate) struct Words {
    all: Vec<Encoding>,
    memory: Vec<Encoding>,
    control: Vec<Encoding>,
    registers: Vec<SysReg>,
    operations: Vec<SysInsn>,
}

/// `MSR register, Xt`.
pub(crate) fn msr(register: SysReg, t: u32) -> u32 {
    0xd500_0000 | u32::from(register.encoding().0) << 5 | t
}

/// `MRS Xt, register`.
pub(crate) fn mrs(register: SysReg, t: u32) -> u32 {
    msr(register, t) | 1 << 21
}

/// `MOVZ` and `MOVK`s that put `value` into `Xd`.
pub(crate) fn mov(d: u32, value: u64) -> impl Iterator<Item = u32> {
    (0..4_u32).map(move |half| {
        let immediate = (value >> (16 * half)) as u32 & 0xffff;
        let opcode = if half == 0 { 0xd280_0000 } else { 0xf280_0000 };
        opcode | half << 21 | immediate << 5 | d
    })
}

impl Words {
    pub(crate) fn new() -> Words {
        // SVE and SME are most of the table and of no machine here.
        let all: Vec<_> = Encoding::all()
            .filter(|e| !["sve", "sme", "mortlach"].iter().any(|p| e.group().path().starts_with(p)))
            .collect();
        let memory = all.iter().copied().filter(|e| e.group().path().starts_with("ldst")).collect();
        let control = all
            .iter()
            .copied()
            .filter(|e| {
                matches!(
                    e.group(),
                    Group::ControlBranchReg
                        | Group::ControlException
                        | Group::ControlHints
                        | Group::ControlPstate
                        | Group::ControlSysteminstrswithreg
                )
            })
            .collect();
        Words {
            all,
            memory,
            control,
            registers: SysReg::all().collect(),
            operations: SysInsn::all().collect(),
        }
    }

    /// One instruction.
    pub(crate) fn word(&self, entropy: &mut Entropy<'_>) -> u32 {
        let any = entropy.next() as u32;
        // Branches go a few instructions forward: any further and they end where there is no code.
        let open = |e: Encoding| match e.group() {
            Group::ControlBranchImm => 0xff,
            Group::ControlCondbranch | Group::ControlCompbranch => 0x1fff,
            Group::ControlTestbranch => 0xfff8_1fff,
            _ => !0,
        };
        let fill = |e: Encoding| e.value() | any & !e.mask() & open(e);
        let t = any & 31;
        match entropy.below(100) {
            0..10 => any,
            10..30 => fill(entropy.pick(&self.all)),
            30..40 => mrs(entropy.pick(&self.registers), t),
            40..50 => msr(entropy.pick(&self.registers), t),
            50..57 => 0xd500_0000 | u32::from(entropy.pick(&self.operations).encoding().0) << 5 | t,
            57..63 => fill(entropy.pick(&self.control)),
            63..85 => fill(entropy.pick(&self.memory)),
            // An address into a register that is likely to be used: MOVZ Xd, #page, LSL #16.
            85..95 => 0xd2a0_0000 | ((address(entropy) >> 16 & 0xffff) as u32) << 5 | t,
            // Small numbers into one: sizes, INTIDs, offsets.
            95..98 => 0xd280_0000 | (any >> 8 & 0x3ff) << 5 | t,
            // All ones below or above a bit: ORR Xd, XZR, #mask.
            _ => 0xb240_03e0 | (any >> 8 & 0xfff) << 10 | t,
        }
    }

    /// Any system register.
    pub(crate) fn register(&self, entropy: &mut Entropy<'_>) -> SysReg {
        entropy.pick(&self.registers)
    }
}

/// An address that means something: RAM, tables, code, or a device.
pub(crate) fn address(entropy: &mut Entropy<'_>) -> u64 {
    let bases = [
        DATA,
        DATA,
        CODE,
        TABLES,
        VECTORS,
        PROLOGUES + PROLOGUE_BYTES,
        map::RAM_BASE,
        map::RAM_BASE + 0x80_0000 - 0x1000,
        map::GICD.start,
        map::ITS.start,
        map::ITS.start + 0x1_0000,
        map::GICR.start,
        map::GICR.start + 0x1_0000,
        map::GICR.start + 0x2_0000,
        map::UART.start,
        map::RTC.start,
        map::FW_CFG.start,
        map::GPIO.start,
        map::virtio_window(entropy.below(6) as u32).start,
    ];
    entropy.pick(&bases) + entropy.below(0x1000)
}

/// A value for a register.
pub(crate) fn value(entropy: &mut Entropy<'_>) -> u64 {
    let bit = 1_u64 << entropy.below(64);
    match entropy.below(14) {
        0 => 0,
        1 => !0,
        2 => bit,
        3 => !bit,
        4 => bit - 1,
        5 => entropy.below(64),
        6 => entropy.below(0x1_0000),
        7 => address(entropy),
        8 => address(entropy) & !0xfff,
        // The same in the upper half, and with a tag.
        9 => address(entropy) | 0xffff_ffff_0000_0000,
        10 => address(entropy) | entropy.next() << 56,
        // PSCI and SMCCC functions.
        11 => 0x8400_0000 | entropy.below(0x20) | entropy.below(2) << 30,
        12 => bit | 1 << entropy.below(64),
        _ => entropy.next(),
    }
}
