//! Random programs: a prologue that configures the CPU as a guest would, translation tables that are mostly
//! good, vectors, and code.

use super::entropy::Entropy;
use super::words::{Words, address, mov, mrs, msr, value};
use droste_arch::sysreg::SysReg;
use droste_machine::board::memory_map as map;
use droste_machine::cpu::CpuState;
use droste_machine::ram::GuestRam;

/// Where the CPUs begin: an Image is loaded here.
pub(crate) const PROLOGUES: u64 = map::RAM_BASE + 0x20_0000;
/// Room for the prologue of a CPU.
pub(crate) const PROLOGUE_BYTES: u64 = 0x4000;
/// Random code.
pub(crate) const CODE: u64 = PROLOGUES + 0x1_0000;
const CODE_BYTES: u64 = 0x8000;
/// Vectors that go on with the next instruction: for EL1, then for EL2.
pub(crate) const VECTORS: u64 = CODE + CODE_BYTES;
/// Translation tables: stage 1, then stage 2.
pub(crate) const TABLES: u64 = map::RAM_BASE + 0x10_0000;
const TABLES_BYTES: u64 = 0x4000;
/// Random data.
pub(crate) const DATA: u64 = map::RAM_BASE + 0x18_0000;
const DATA_BYTES: u64 = 0x4000;
/// Where the CPUs look for tables.
const TABLE_BASES: [SysReg; 5] =
    [SysReg::TTBR0_EL1, SysReg::TTBR1_EL1, SysReg::TTBR0_EL2, SysReg::TTBR1_EL2, SysReg::VTTBR_EL2];

/// What goes to RAM.
pub(crate) struct Program {
    parts: Vec<(u64, Vec<u8>)>,
    /// What the prologue of each CPU puts into the registers that hold the addresses of tables.
    table_bases: Vec<Vec<(SysReg, u64)>>,
}

impl Program {
    pub(crate) fn new(words: &Words, cpu_count: u32, has_el2: bool, entropy: &mut Entropy<'_>) -> Program {
        let mut parts = Vec::new();
        let mut table_bases = Vec::new();
        for cpu in 0..cpu_count {
            let others = if cpu == 0 { cpu_count } else { 0 };
            let (words, configuration) = prologue(words, others, has_el2, entropy);
            table_bases.push(configuration.into_iter().filter(|(r, _)| TABLE_BASES.contains(r)).collect());
            assert!(words.len() as u64 * 4 <= PROLOGUE_BYTES);
            parts.push((PROLOGUES + u64::from(cpu) * PROLOGUE_BYTES, bytes(words)));
        }
        parts.push((CODE, bytes((0..CODE_BYTES / 4).map(|_| words.word(entropy)).collect())));
        parts.push((VECTORS, bytes(vectors())));
        for (stage, at) in [(1, TABLES), (2, TABLES + TABLES_BYTES)] {
            parts.push((at, tables(stage, at, entropy).iter().flat_map(|d| d.to_le_bytes()).collect()));
        }
        parts.push((DATA, (0..DATA_BYTES / 8).flat_map(|_| value(entropy).to_le_bytes()).collect()));
        Program { parts, table_bases }
    }

    /// Whether tables are not as they were loaded, or not where the prologues have said. What a walk updates in them, the
    /// Access flag and the dirty state, does not count.
    pub(crate) fn is_remapped(&self, ram: &GuestRam, cpus: &[CpuState]) -> bool {
        const UPDATED: u64 = 1 << 10 | 1 << 7;
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        let tables = self.parts.iter().filter(|(pa, _)| (TABLES..DATA).contains(pa));
        let is_changed = |(pa, before): &(u64, Vec<u8>)| {
            let mut after = vec![0; before.len()];
            ram.copy_out(*pa, &mut after).expect("the parts are in RAM");
            let mut pairs = before.chunks(8).zip(after.chunks(8));
            pairs.any(|(before, after)| (word(before) ^ word(after)) & !UPDATED != 0)
        };
        let is_moved = |(cpu, bases): (&CpuState, &Vec<(SysReg, u64)>)| {
            bases.iter().any(|(register, base)| cpu.sys[register.index()] != *base)
        };
        tables.into_iter().any(is_changed) || cpus.iter().zip(&self.table_bases).any(is_moved)
    }

    pub(crate) fn load(&self, ram: &GuestRam) {
        for (pa, bytes) in &self.parts {
            ram.copy_in(*pa, bytes).expect("the parts are in RAM");
        }
    }
}

fn bytes(words: Vec<u32>) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// Vector tables. Synchronous exceptions skip the instruction, or go on somewhere in the code if it is lost
/// elsewhere or its address is what is wrong; interrupts are acknowledged.
fn vectors() -> Vec<u32> {
    const EL1: [SysReg; 3] = [SysReg::ESR_EL1, SysReg::ELR_EL1, SysReg::SPSR_EL1];
    const EL2: [SysReg; 3] = [SysReg::ESR_EL2, SysReg::ELR_EL2, SysReg::SPSR_EL2];
    // What is not used branches back into the code.
    let mut words = vec![0x1400_0000 | (CODE_BYTES / 4).wrapping_neg() as u32 & 0x3ff_ffff; 1024];
    for (table, registers) in words.chunks_mut(512).zip([EL1, EL2]) {
        for (index, vector) in table.chunks_mut(32).enumerate() {
            if index % 4 == 0 {
                let code = synchronous(registers);
                vector[..code.len()].copy_from_slice(&code);
            } else {
                let code = interrupt(registers);
                vector[..code.len()].copy_from_slice(&code);
            }
        }
    }
    words
}

const ERET: u32 = 0xd69f_03e0;

/// Acknowledges, sets both EL1 timers to fire again soon, and goes on somewhere in the code: most random code
/// ends in a loop. Masks IRQs now and then, as the line may be one that stays high.
fn interrupt([_, elr, spsr]: [SysReg; 3]) -> [u32; 17] {
    const ADD_X30_1024: u32 = 0x9110_03de;
    [
        mrs(SysReg::ICC_IAR1_EL1, 30),
        msr(SysReg::ICC_EOIR1_EL1, 30),
        mrs(SysReg::CNTPCT_EL0, 30),
        ADD_X30_1024,
        msr(SysReg::CNTP_CVAL_EL0, 30),
        mrs(SysReg::CNTVCT_EL0, 30),
        ADD_X30_1024,
        msr(SysReg::CNTV_CVAL_EL0, 30),
        // X29 = SPSR.I by a bit of the time.
        0x927d_03dd,
        0x9240_33de,
        0xd2a0_001c | ((CODE >> 16) as u32) << 5,
        0x8b1e_0b9e,
        msr(elr, 30),
        mrs(spsr, 30),
        0xaa1d_13de,
        msr(spsr, 30),
        ERET,
    ]
}

fn synchronous([esr, elr, spsr]: [SysReg; 3]) -> [u32; 24] {
    // B.cond to word 15.
    let lost_if = |condition: u32, at: u32| 0x5400_0000 | (15 - at) << 5 | condition;
    const LO: u32 = 3;
    const EQ: u32 = 0;
    const NE: u32 = 1;
    [
        // X30 = the exception class: instruction aborts, PC alignment and illegal state cannot be skipped.
        mrs(esr, 30),
        0xd35a_ffde,
        0xd100_83dd,
        0xf100_0fbf,
        lost_if(LO, 4),
        0xf100_3bdf,
        lost_if(EQ, 6),
        // X30 = the address, in the 128 KiB of prologues and code?
        mrs(elr, 30),
        0xd351_ffdd,
        0xd280_001c | ((CODE >> 17) as u32) << 5,
        0xeb1c_03bf,
        lost_if(NE, 11),
        // On with the next instruction.
        0x9100_13de,
        msr(elr, 30),
        ERET,
        // On with one that depends on the time, and without SPSR.IL.
        mrs(SysReg::CNTVCT_EL0, 30),
        0x9240_33de,
        0xd2a0_001d | ((CODE >> 16) as u32) << 5,
        0x8b1e_0bbe,
        msr(elr, 30),
        mrs(spsr, 29),
        0x926b_fbbd,
        msr(spsr, 29),
        ERET,
    ]
}

/// Four tables of 4 KiB for 39 bits of input: level 1, level 2 of the devices, level 2 of RAM, level 3 of the
/// code. All addresses map to themselves, where an entry is not random.
fn tables(stage: u8, base: u64, entropy: &mut Entropy<'_>) -> Vec<u64> {
    const TABLE: u64 = 3;
    const BLOCK: u64 = 1;
    let mut all = vec![0; 2048];
    // What EL0 may write, EL1 cannot execute: code is read-only, or for privileged levels only.
    let code = entropy.pick(&[0, 2, 3, 3]) << 6;
    let mut leaf = |pa: u64, kind: u64| {
        let access = if kind == TABLE { code } else { 1 << 6 };
        // AF; stage 1: memory type 0; stage 2: Normal, readable and writable.
        let good = pa | kind | 1 << 10 | if stage == 1 { access } else { 0xf << 2 | 3 << 6 };
        // A loop of instruction aborts in the vectors finds nothing, so most code pages are good.
        match entropy.below(if kind == TABLE { 150 } else { 12 }) {
            0 => good ^ 1 << entropy.below(64),
            1 => good ^ entropy.next() & 0xfff0_0000_0000_0ffc,
            2 => address(entropy) & !0xfff | entropy.next() & 0xfff0_0000_0000_0fff,
            _ => good,
        }
    };
    for index in 0..512 {
        all[512 + index] = leaf((index as u64) << 21, BLOCK);
        all[1024 + index] = leaf(map::RAM_BASE + ((index as u64) << 21), BLOCK);
        all[1536 + index] = leaf(PROLOGUES + ((index as u64) << 12), TABLE);
    }
    all[0] = (base + 0x1000) | TABLE;
    all[1] = (base + 0x2000) | TABLE;
    all[1024 + ((PROLOGUES - map::RAM_BASE) >> 21) as usize] = (base + 0x3000) | TABLE;
    if entropy.once_in(20) {
        all[entropy.below(2) as usize] = value(entropy);
    }
    // A table that contains itself.
    if entropy.once_in(4) {
        all[511] = base | TABLE;
    }
    all
}

/// A value for a translation control register, mostly usable.
fn translation_control(usable: u64, entropy: &mut Entropy<'_>) -> u64 {
    match entropy.below(40) {
        0 => value(entropy),
        1 => usable ^ 1 << entropy.below(64),
        2 => usable ^ entropy.next() & 0x3f,
        _ => usable,
    }
}

/// Everything up to the ERET to random code, and the registers that it sets last.
fn prologue(
    words: &Words,
    cpu_count: u32,
    has_el2: bool,
    entropy: &mut Entropy<'_>,
) -> (Vec<u32>, Vec<(SysReg, u64)>) {
    const SMC: u32 = 0xd400_0003;
    const HVC: u32 = 0xd400_0002;
    let mut out = Vec::new();
    let set = |out: &mut Vec<u32>, r: SysReg, v: u64| {
        out.extend(mov(0, v));
        out.push(msr(r, 0));
    };
    set(
        &mut out,
        if has_el2 { SysReg::VBAR_EL2 } else { SysReg::VBAR_EL1 },
        VECTORS + if has_el2 { 0x800 } else { 0 },
    );
    for cpu in 1..cpu_count {
        for (r, v) in [(0, 0xc400_0003), (1, cpu.into()), (2, PROLOGUES + u64::from(cpu) * PROLOGUE_BYTES)] {
            out.extend(mov(r, v));
        }
        out.push(if has_el2 { SMC } else { HVC });
    }
    // Any registers; what is UNDEFINED is skipped.
    for _ in 0..entropy.below(60) {
        let register = words.register(entropy);
        if !matches!(register, SysReg::VBAR_EL1 | SysReg::VBAR_EL2 | SysReg::SCTLR_EL1 | SysReg::SCTLR_EL2) {
            set(&mut out, register, value(entropy));
        }
    }
    // Any device registers, after the interrupt controller is on.
    let mut stores = vec![(map::GICD.start, 0x12)];
    for cpu in 0..2 {
        let frame = map::GICR.start + cpu * 0x2_0000;
        // Awake; LPIs now and then; all SGIs and PPIs in Group 1 and enabled.
        stores.extend([
            (frame + 0x14, 0),
            (frame, entropy.below(2)),
            (frame + 0x1_0080, !0),
            (frame + 0x1_0100, !0),
        ]);
    }
    let known_count = stores.len();
    stores.extend((0..entropy.below(40)).map(|_| (address(entropy), value(entropy))));
    for (index, (pa, v)) in stores.into_iter().enumerate() {
        // STRB, STRH, STR Wt, STR Xt.
        let any_size = entropy.pick(&[0x3900_0022, 0x7900_0022, 0xb900_0022, 0xb900_0022, 0xf900_0022]);
        out.extend(mov(1, pa));
        out.extend(mov(2, v));
        out.push(if index < known_count { 0xb900_0022 } else { any_size });
    }
    let configuration = configuration(has_el2, entropy);
    for &(r, v) in &configuration {
        set(&mut out, r, v);
    }
    let el = if has_el2 { entropy.pick(&[0, 4, 5, 5, 8, 9, 9]) } else { entropy.pick(&[0, 4, 5]) };
    let spsr = el | (entropy.next() & 0x3c0) | if entropy.once_in(8) { 1 << entropy.below(32) } else { 0 };
    let start = CODE + (entropy.below(CODE_BYTES) & !3);
    let (elr, saved) =
        if has_el2 { (SysReg::ELR_EL2, SysReg::SPSR_EL2) } else { (SysReg::ELR_EL1, SysReg::SPSR_EL1) };
    for register in 0..32 {
        // FMOV Dn, X0.
        out.extend(mov(0, value(entropy)));
        out.push(0x9e67_0000 | register);
    }
    // Nothing from here on raises an exception, which would change these.
    set(&mut out, elr, start);
    set(&mut out, saved, spsr);
    for register in 0..31 {
        out.extend(mov(register, value(entropy)));
    }
    out.push(ERET);
    (out, configuration)
}

/// Registers that decide what random code can reach, translation last.
fn configuration(has_el2: bool, entropy: &mut Entropy<'_>) -> Vec<(SysReg, u64)> {
    /// T0SZ and T1SZ of 39 bits, 4 KiB granules, 40 bits of output.
    const TCR: u64 = 25 | 25 << 16 | 2 << 30 | 2 << 32;
    const SCTLR: u64 = 0x30d0_0800;
    let vectors = |good: u64, entropy: &mut Entropy<'_>| {
        if entropy.once_in(12) { CODE + (entropy.below(CODE_BYTES) & !0x7ff) } else { good }
    };
    let mut list = vec![
        (SysReg::CPACR_EL1, if entropy.once_in(6) { value(entropy) } else { 3 << 20 }),
        (SysReg::ICC_SRE_EL1, 7),
        (SysReg::ICC_PMR_EL1, 0xff),
        (SysReg::ICC_IGRPEN1_EL1, 1),
        (SysReg::CNTV_CVAL_EL0, 4000 + entropy.below(1000)),
        (SysReg::CNTV_CTL_EL0, 1),
        (SysReg::CNTP_CVAL_EL0, value(entropy)),
        (SysReg::CNTP_CTL_EL0, entropy.below(4)),
        (SysReg::MAIR_EL1, if entropy.once_in(4) { value(entropy) } else { 0xff00_44ff_04ff_00ff }),
        (SysReg::TCR_EL1, translation_control(TCR, entropy)),
        (SysReg::TTBR0_EL1, translation_control(TABLES, entropy)),
        (SysReg::TTBR1_EL1, translation_control(TABLES, entropy)),
        (SysReg::VBAR_EL1, vectors(VECTORS, entropy)),
        (SysReg::SP_EL0, value(entropy)),
    ];
    let random_bits = if entropy.once_in(3) { entropy.next() & entropy.next() & entropy.next() } else { 0 };
    let sctlr = |entropy: &mut Entropy<'_>| SCTLR | entropy.below(2) | random_bits & !0x200_0000;
    if has_el2 {
        let mut hcr = 1 << 31;
        // VM, SWIO, FMO, IMO, AMO, TGE, E2H, NV, NV1, AT, NV2; others now and then.
        for bit in [0, 1, 3, 4, 5, 27, 34, 42, 43, 44, 45] {
            hcr |= entropy.below(2) << bit;
        }
        if entropy.once_in(3) {
            hcr ^= entropy.next() & entropy.next() & entropy.next();
        }
        list.extend([
            (SysReg::CPTR_EL2, if entropy.once_in(4) { value(entropy) } else { 0x33ff }),
            (SysReg::ICC_SRE_EL2, 0xf),
            (SysReg::ICH_HCR_EL2, value(entropy) | 1),
            (SysReg::ICH_LR0_EL2, entropy.below(4) << 62 | 1 << 60 | entropy.below(0x40)),
            (SysReg::CNTHCTL_EL2, value(entropy)),
            (SysReg::CNTVOFF_EL2, value(entropy)),
            (SysReg::MDCR_EL2, value(entropy)),
            (SysReg::VNCR_EL2, address(entropy) & !0xfff),
            (SysReg::MAIR_EL2, 0xff00_44ff_04ff_00ff),
            (SysReg::TTBR0_EL2, translation_control(TABLES, entropy)),
            (SysReg::TTBR1_EL2, translation_control(TABLES, entropy)),
            (SysReg::VTCR_EL2, translation_control(25 | 1 << 6 | 2 << 16 | 1 << 31, entropy)),
            (SysReg::VTTBR_EL2, translation_control(TABLES + TABLES_BYTES, entropy)),
            (SysReg::VMPIDR_EL2, value(entropy)),
            (SysReg::HCR_EL2, hcr),
            (
                SysReg::TCR_EL2,
                translation_control(if hcr >> 34 & 1 == 1 { TCR } else { 25 | 2 << 16 }, entropy),
            ),
            (SysReg::SCTLR_EL1, sctlr(entropy)),
            (SysReg::VBAR_EL2, vectors(VECTORS + 0x800, entropy)),
            (SysReg::SCTLR_EL2, sctlr(entropy)),
        ]);
    } else {
        list.push((SysReg::SCTLR_EL1, sctlr(entropy)));
    }
    list
}
