//! A hypervisor that changes what register accesses of its guest hypervisor depend on, by the instructions that are
//! meant for it: nothing but those tells the executor.

use super::memory::{SECOND, WORLDS, World};
use super::vncr::{NV, access, enter};
use super::{CpuState, DATA, Pair, Random, VECTORS, random_state};
use crate::board::memory_map::RAM_BASE;
use crate::cpu::Vcpu;
use crate::machine::testing::cpus;
use crate::mmu::{Route, tlbi};
use droste_arch::fields::{hcr_el2, mdcr_el2, mdscr_el1, sctlr_el1};
use droste_arch::sysreg::{SysInsn, SysReg};

const ISB: u32 = 0xd503_3fdf;
const DSB: u32 = 0xd503_3f9f;
const ERET: u32 = 0xd69f_03e0;
const HANDLER: u64 = RAM_BASE + 0x2000;
/// Tables like those of [`World::Plain`], for big-endian walks.
const BIG_ENDIAN: u64 = RAM_BASE + 0xe_0000;
/// Where the loop at EL1 counts its turns: X0.
const TURNS: usize = 0;

fn msr(r: SysReg, rt: u32) -> u32 {
    access(r, false, rt)
}

fn maintenance(name: &str) -> SysInsn {
    SysInsn::all().find(|insn| insn.name() == name).unwrap_or_else(|| panic!("no {name}"))
}

fn sys(name: &str, rt: u32) -> u32 {
    0xd500_0000 | u32::from(maintenance(name).encoding().0) << 5 | rt
}

/// `xA, xB = xB, xA`
fn swap(a: u32, b: u32) -> [u32; 3] {
    let eor = |d: u32, n: u32, m: u32| 0xca00_0000 | m << 16 | n << 5 | d;
    [eor(a, a, b), eor(b, a, b), eor(a, a, b)]
}

/// Writes a register with one of two values in turn.
fn alternate(r: SysReg, [a, b]: [u32; 2]) -> Vec<u32> {
    [vec![msr(r, a)], swap(a, b).to_vec()].concat()
}

// Registers of the handler.
const TTBR: [u32; 2] = [10, 11];
const HCR: [u32; 2] = [12, 13];
const VNCR: [u32; 2] = [14, 15];
const PTE: [u32; 3] = [16, 17, 18];
const TCR: [u32; 2] = [19, 20];
const MAIR: [u32; 2] = [21, 22];
const WATCH: [u32; 2] = [23, 24];
const PAGE: u32 = 25;
const TEMPORARY: u32 = 26;
/// SCTLR_EL2 without translation, as it is, and big-endian; the root for that.
const SCTLR: [u32; 3] = [27, 28, 29];
const BIG_ROOT: u32 = 30;

/// What a hypervisor may do between two entries of its guest. One that may be big-endian keeps to tables for that.
fn deed(random: &mut Random, may_be_big: bool) -> Vec<u32> {
    let invalidate = ["TLBI VAE2", "TLBI VAE2IS", "TLBI ALLE2", "TLBI ALLE2IS"][random.below(4) as usize];
    match random.below(9) {
        0 if !may_be_big => alternate(SysReg::TTBR0_EL2, TTBR),
        1 => alternate(SysReg::HCR_EL2, HCR),
        2 => alternate(SysReg::VNCR_EL2, VNCR),
        3 | 4 if !may_be_big => {
            // str x17, [x16]
            let store = 0xf900_0000 | PTE[0] << 5 | PTE[1];
            let rest = [DSB, sys(invalidate, PAGE), DSB];
            [&[store], &swap(PTE[1], PTE[2])[..], &rest].concat()
        }
        5 => alternate(SysReg::TCR_EL2, TCR),
        6 => vec![0x8b00_0000 | MAIR[1] << 16 | MAIR[0] << 5 | MAIR[0], msr(SysReg::MAIR_EL2, MAIR[0])],
        7 => alternate(SysReg::DBGWCR0_EL1, WATCH),
        0 | 3 if may_be_big => vec![
            msr(SysReg::SCTLR_EL2, SCTLR[0]),
            msr(SysReg::TTBR0_EL2, BIG_ROOT),
            ISB,
            msr(SysReg::SCTLR_EL2, SCTLR[2]),
        ],
        4 if may_be_big => vec![
            msr(SysReg::SCTLR_EL2, SCTLR[0]),
            msr(SysReg::TTBR0_EL2, TTBR[0]),
            ISB,
            msr(SysReg::SCTLR_EL2, SCTLR[1]),
        ],
        _ => vec![sys(["TLBI ALLE1", "TLBI VMALLS12E1", "TLBI VMALLE1IS"][random.below(3) as usize], 31)],
    }
}

/// A handler of everything that EL1 does: steps over what did not work, does these deeds, and returns.
fn handler(deeds: &[Vec<u32>]) -> Vec<u32> {
    let temporary = TEMPORARY;
    let mut code = vec![
        access(SysReg::ESR_EL2, true, temporary),
        0xd35a_fc00 | temporary << 5 | temporary, // lsr #26
        0xf100_581f | temporary << 5,             // cmp #0x16
        0x5400_0080,                              // b.eq past the next three
        access(SysReg::ELR_EL2, true, temporary),
        0x9100_1000 | temporary << 5 | temporary, // add #4
        msr(SysReg::ELR_EL2, temporary),
    ];
    code.extend(deeds.concat());
    code.push(ERET);
    code
}

fn write(pair: &mut Pair, at: u64, code: &[u32]) {
    for (i, &word) in code.iter().enumerate() {
        pair.write(at + 4 * i as u64, word);
    }
}

/// A loop at EL1 that loads and stores slots, in EL1's regime too, and has ids run out from time to time.
const LOOP: fn() -> Vec<u32> = || {
    vec![
        access(SysReg::HCR_EL2, true, 2),
        0xca02_00a5, // eor x5, x5, x2
        msr(SysReg::VTTBR_EL2, 3),
        0x9100_0463, // add x3, x3, #1
        access(SysReg::VTCR_EL2, true, 4),
        0xca04_00a5, // eor x5, x5, x4
        msr(SysReg::MAIR_EL1, 8),
        0x8b16_0108, // add x8, x8, x22
        0xf940_0026, // ldr x6, [x1]
        0xca06_00a5, // eor x5, x5, x6
        0x9100_0400, // add x0, x0, #1
        0xd400_0002, // hvc #0
        0x17ff_fff4, // b to the start
    ]
};

fn pair() -> Pair {
    // Another CPU may ask for TLB maintenance.
    let mut pair = Pair::of(|model| cpus(model, 2).remove(0));
    for cpu in [&pair.reference, &pair.tested] {
        build(cpu);
        // What is undefined at EL1 asks EL2, and steps over it when EL2 lets it.
        for (i, word) in [
            0xd400_0002, // hvc #0
            access(SysReg::ELR_EL1, true, 9),
            0x9100_1129, // add x9, x9, #4
            msr(SysReg::ELR_EL1, 9),
            ERET,
            0x17ff_fffb, // b to the first
        ]
        .into_iter()
        .enumerate()
        {
            cpu.machine.ram.write(VECTORS + 0x200 + 4 * i as u64, word).expect("vectors");
        }
        for vector in 8..16 {
            let at = VECTORS + 0x80 * vector;
            let distance = (HANDLER.wrapping_sub(at) >> 2) as u32 & 0x3ff_ffff;
            cpu.machine.ram.write(at, 0x1400_0000 | distance).expect("vectors");
        }
    }
    write(&mut pair, RAM_BASE, &LOOP());
    pair
}

fn build(cpu: &Vcpu) {
    WORLDS.iter().for_each(|world| world.build(cpu));
    let ram = &cpu.machine.ram;
    for at in (0..0x3000).step_by(8) {
        let entry: u64 = ram.read(World::Plain.root() + at).expect("tables");
        let moved = if entry != 0 && at < 0x2000 { entry - World::Plain.root() + BIG_ENDIAN } else { entry };
        ram.write(BIG_ENDIAN + at, moved.swap_bytes()).expect("tables");
    }
}

fn set(state: &mut CpuState, registers: &[u32], values: &[u64]) {
    for (&r, &value) in registers.iter().zip(values) {
        state.x[r as usize] = value;
    }
}

/// EL1 as the guest of a handler's deeds, in a random world.
fn start(pair: &mut Pair, random: &mut Random) -> World {
    // Not the last, where EL2 has no code.
    let of = |random: &mut Random| WORLDS[random.below(WORLDS.len() as u64 - 1) as usize];
    let (world, other) = (of(random), of(random));
    let e2h = random.below(2) == 0;
    let page = [DATA, SECOND][random.below(2) as usize];
    let mut state = random_state(random, &pair.reference.state, RAM_BASE);
    enter(world, e2h, page, &mut state);
    let sys = |r: SysReg| state.sys[r.index()];
    let (hcr, ttbr, tcr, sctlr) =
        (sys(SysReg::HCR_EL2), sys(SysReg::TTBR0_EL2), sys(SysReg::TCR_EL2), sys(SysReg::SCTLR_EL2));
    let asid = if e2h { (other as u64 + 1) << 48 } else { 0 };
    let e2h_bit = hcr_el2::E2H.mask();
    let other_hcr = [
        hcr ^ hcr_el2::NV2.mask(),
        hcr & !NV,
        hcr | hcr_el2::NV1.mask(),
        hcr,
        // Both forms of TCR_EL2 have this value in common.
        hcr ^ e2h_bit,
    ][random.below(5) as usize];
    let both = 25 | 25 << 16 | 0b10 << 30 | 0b101 << 32 | 1 << 36;
    let tcr = if (hcr ^ other_hcr) & e2h_bit != 0 { both } else { tcr };
    state.sys[SysReg::TCR_EL2.index()] = tcr;
    let leaf = world.root() + 0x2000 + 8 * ((page - RAM_BASE) >> 12);
    let entry: u64 = pair.reference.machine.ram.read(leaf).expect("tables");
    let other_entry = [entry ^ 0x1000, 0, entry | 1 << 7, entry ^ 1 << 2][random.below(4) as usize];
    let watch = 1 | 0b11 << 3 | 0xff << 5 | 1 << 13 | 3 << 14;
    set(&mut state, &TTBR, &[other.root() | asid, ttbr]);
    set(&mut state, &HCR, &[other_hcr, hcr]);
    set(&mut state, &VNCR, &[page ^ 0x1000, page]);
    set(&mut state, &PTE, &[leaf, other_entry, entry]);
    let tbi = 1 << if hcr & e2h_bit == 0 { 20 } else { 37 };
    set(&mut state, &TCR, &[tcr ^ tbi, tcr]);
    set(&mut state, &MAIR, &[0x04ff, 1 << 16]);
    set(&mut state, &WATCH, &[watch, 0]);
    set(&mut state, &[PAGE], &[page >> 12]);
    set(&mut state, &SCTLR, &[sctlr & !1, sctlr, sctlr | sctlr_el1::EE.mask()]);
    set(&mut state, &[BIG_ROOT], &[BIG_ENDIAN]);
    // EL1 translates too, and looks at a slot as data.
    let mut set = |r: SysReg, value| state.sys[r.index()] = value;
    set(SysReg::TTBR0_EL1, World::Plain.root() | 1 << 48);
    set(SysReg::TCR_EL1, both);
    set(SysReg::SCTLR_EL1, sctlr_el1::M.mask() | 1 << 23);
    set(SysReg::MAIR_EL1, 0x04ff);
    set(SysReg::OSLSR_EL1, 1 << 3);
    set(SysReg::MDSCR_EL1, mdscr_el1::MDE.mask() | mdscr_el1::KDE.mask());
    set(SysReg::MDCR_EL2, mdcr_el2::TDE.mask());
    set(SysReg::DBGWVR0_EL1, page + 0x20);
    set(SysReg::DBGWCR0_EL1, 0);
    (state.x[TURNS], state.x[1], state.x[3], state.x[5], state.x[8]) = (0, page + 0x20, 0, 0, 0x04ff);
    state.insn_count = pair.reference.state.insn_count;
    pair.start(&state);
    for cpu in [&mut pair.reference, &mut pair.tested] {
        crate::debug::registers_changed(cpu);
    }
    world
}

/// Another CPU's maintenance.
fn broadcast(pair: &Pair, name: &str) {
    for cpu in [&pair.reference, &pair.tested] {
        let mut other = Vcpu::new(cpu.machine.clone(), 1);
        other.state = cpu.state.clone();
        other.state.pstate.el = 2;
        other.context_changed();
        tlbi(&mut other, maintenance(name), 0);
    }
}

#[test]
fn slots_follow_everything_that_a_hypervisor_does_between_entries() {
    let mut random = Random(0x5107_0005);
    let mut pair = pair();
    let (mut inlined, mut turns) = (0, 0);
    for case in 0..400 {
        for cpu in [&pair.reference, &pair.tested] {
            build(cpu);
        }
        let deeds: Vec<Vec<u32>> =
            (0..random.below(3) + 1).map(|_| deed(&mut random, case % 3 == 0)).collect();
        write(&mut pair, HANDLER, &handler(&deeds));
        let world = start(&mut pair, &mut random);
        for turn in 0..6 {
            pair.run(10 + random.below(600));
            pair.compare(&format!("case {case} turn {turn} in {world:?}: {deeds:08x?}"));
            let tlb = &pair.tested.tlb;
            inlined +=
                u32::from([DATA, SECOND].iter().any(|&va| tlb.inlined(va, Route::Nv2, false).is_some()));
            if random.below(3) == 0 {
                broadcast(&pair, ["TLBI ALLE2IS", "TLBI ALLE1IS"][random.below(2) as usize]);
            }
        }
        turns += pair.tested.state.x[TURNS];
    }
    assert!(inlined > 300 && turns > 15_000, "inline accesses are tested: {inlined} of 2400, {turns} turns");
}

#[test]
fn slots_follow_vncr_el2_where_generated_code_goes_on_across_levels() {
    let mut random = Random(0x5107_0008);
    let mut pair = pair();
    let load = access(SysReg::HCR_EL2, true, 2);
    let code = [load, 0x8b02_00a5, load, 0x8b02_00a5, 0xd400_0002, 0x17ff_fffb]; // add x5, x5, x2; hvc; b
    write(&mut pair, RAM_BASE, &code);
    write(&mut pair, HANDLER, &[alternate(SysReg::VNCR_EL2, VNCR), vec![ERET]].concat());
    let mut state = random_state(&mut random, &pair.reference.state, RAM_BASE);
    enter(World::Plain, false, DATA, &mut state);
    set(&mut state, &VNCR, &[SECOND, DATA]);
    state.x[5] = 0;
    state.insn_count = pair.reference.state.insn_count;
    for cpu in [&pair.reference, &pair.tested] {
        let ram = &cpu.machine.ram;
        ram.write(DATA + 0x78, 1_u64).and(ram.write(SECOND + 0x78, 1_u64 << 32)).expect("RAM");
    }
    pair.start(&state);
    // Twelve instructions a turn, in which X5 grows by twice the word of one page, then of the other.
    pair.run(12 * 1000);
    pair.compare(&"turns");
    assert_eq!(pair.tested.state.x[5], 1000 << 32 | 1000);
}

#[test]
fn another_cpus_maintenance_reaches_slots_that_are_in_use() {
    let mut random = Random(0x5107_0006);
    let mut pair = pair();
    write(&mut pair, HANDLER, &[ERET]);
    let mut state = random_state(&mut random, &pair.reference.state, RAM_BASE);
    enter(World::Plain, true, DATA, &mut state);
    pair.write(RAM_BASE, access(SysReg::HCR_EL2, true, 2));
    pair.write(RAM_BASE + 4, 0x17ff_ffff);
    pair.start(&state);
    let leaf = World::Plain.root() + 0x2000 + 8 * ((DATA - RAM_BASE) >> 12);
    let expect = |pair: &mut Pair, value: u64, when: &str| {
        pair.run(100);
        pair.compare(&when);
        assert_eq!(pair.tested.state.x[2], value, "{when}");
        assert!(pair.tested.tlb.inlined(DATA, Route::Nv2, false).is_some(), "{when}");
    };
    for (value, frame) in [(1, DATA), (2, SECOND), (1, DATA)] {
        for cpu in [&pair.reference, &pair.tested] {
            let ram = &cpu.machine.ram;
            ram.write(DATA + 0x78, 1_u64).and(ram.write(SECOND + 0x78, 2_u64)).expect("RAM");
            let entry: u64 = ram.read(leaf).expect("tables");
            ram.write(leaf, entry & !0xff_f000 | frame & 0xff_f000).expect("tables");
        }
        broadcast(&pair, "TLBI ALLE2IS");
        expect(&mut pair, value, "maintenance of EL2");
        broadcast(&pair, "TLBI ALLE1IS");
        expect(&mut pair, value, "maintenance of EL1");
    }
}

#[test]
fn slots_stay_inline_when_ids_run_out() {
    let mut random = Random(0x5107_0007);
    let mut pair = pair();
    // add x8, x8, x22; the values of MAIR_EL1 use up the numbers of configurations.
    let code = [0x8b16_0108, msr(SysReg::MAIR_EL1, 8), access(SysReg::HCR_EL2, true, 2), 0x17ff_fffd];
    write(&mut pair, RAM_BASE, &code);
    let mut state = random_state(&mut random, &pair.reference.state, RAM_BASE);
    enter(World::Plain, true, DATA, &mut state);
    let mut set = |r: SysReg, value| state.sys[r.index()] = value;
    set(SysReg::TTBR0_EL1, World::Plain.root() | 1 << 48);
    set(SysReg::TCR_EL1, 25 | 25 << 16 | 0b10 << 30 | 0b101 << 32 | 1 << 36);
    set(SysReg::SCTLR_EL1, sctlr_el1::M.mask() | 1 << 23);
    (state.x[8], state.x[22]) = (0x04ff, 1 << 16);
    pair.start(&state);
    for turn in 0..600 {
        pair.run(4);
        pair.compare(&turn);
        assert!(pair.tested.tlb.inlined(DATA, Route::Nv2, false).is_some(), "turn {turn}");
    }
}
