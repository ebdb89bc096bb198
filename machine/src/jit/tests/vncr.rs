//! Register accesses that FEAT_NV2 makes accesses to memory: served by the inline table of EL2's regime, in every world
//! that a hypervisor may put the page into.

use super::memory::{SECOND, WORLDS, World};
use super::{CpuState, DATA, Pair, Random, STAY, VECTORS, random_state};
use crate::board::memory_map::RAM_BASE;
use crate::mmu::Route;
use droste_arch::fields::{hcr_el2, sctlr_el1};
use droste_arch::sysreg::SysReg;

/// Registers with a slot, by their EL2 names.
const SLOTS: [SysReg; 6] = [
    SysReg::HCR_EL2,
    SysReg::VTTBR_EL2,
    SysReg::CNTVOFF_EL2,
    SysReg::VNCR_EL2,
    SysReg::VTCR_EL2,
    SysReg::MDSCR_EL1,
];
const NV: u64 = hcr_el2::NV.mask() | hcr_el2::NV2.mask();

fn set(state: &mut CpuState, r: SysReg, value: u64) {
    state.sys[r.index()] = value;
}

fn access(r: SysReg, read: bool, rt: u32) -> u32 {
    0xd510_0000 | u32::from(r.encoding().0) << 5 | rt | u32::from(read) << 21
}

/// EL1 as a guest hypervisor whose page is in a world of EL2, or of EL2&0.
fn enter(world: World, e2h: bool, page: u64, state: &mut CpuState) {
    state.pstate.el = 1;
    set(state, SysReg::HCR_EL2, NV | if e2h { hcr_el2::E2H.mask() } else { 0 });
    set(state, SysReg::VNCR_EL2, page);
    set(state, SysReg::VBAR_EL2, VECTORS);
    set(state, SysReg::TTBR0_EL2, world.root() | if e2h { (world as u64 + 1) << 48 } else { 0 });
    let tcr = if e2h { 25 | 25 << 16 | 0b10 << 30 | 0b101 << 32 | 1 << 36 } else { 25 | 0b101 << 16 };
    set(state, SysReg::TCR_EL2, tcr);
    set(state, SysReg::MAIR_EL2, 0x04ff);
    set(state, SysReg::SCTLR_EL2, sctlr_el1::M.mask() | 1 << 23);
}

fn pair() -> Pair {
    let pair = Pair::new();
    for cpu in [&pair.reference, &pair.tested] {
        WORLDS.iter().for_each(|world| world.build(cpu));
    }
    pair
}

/// A state for code at `RAM_BASE`.
fn start(pair: &Pair, random: &mut Random) -> CpuState {
    let mut state = random_state(random, &pair.reference.state, RAM_BASE);
    state.insn_count = pair.reference.state.insn_count;
    state
}

/// Three accesses in a loop: a store, a load of what was stored, and a load of a value that is nowhere else.
fn write_loop(pair: &mut Pair) {
    let code = [
        access(SysReg::HCR_EL2, false, 1),
        access(SysReg::HCR_EL2, true, 2),
        access(SysReg::VTTBR_EL2, true, 3),
        0x17ff_fffd,
    ];
    for (i, word) in code.into_iter().enumerate() {
        pair.write(RAM_BASE + 4 * i as u64, word);
    }
}

#[test]
fn slots_are_inlined_under_either_regime_and_privileged_access_never() {
    let mut random = Random(0x5107_0001);
    let mut pair = pair();
    write_loop(&mut pair);
    for (world, e2h, inlined) in [
        (World::Plain, false, [true, true]),
        (World::Plain, true, [true, true]),
        (World::ReadOnly, true, [false, false]),
        (World::Device, true, [false, false]),
        (World::Swapped, false, [true, true]),
        (World::Missing, true, [false, false]),
    ] {
        let mut state = start(&pair, &mut random);
        enter(world, e2h, SECOND, &mut state);
        pair.start(&state);
        pair.run(40);
        let seen = format!("{world:?} with E2H = {e2h}");
        pair.compare(&seen);
        let found = [false, true].map(|write| pair.tested.tlb.inlined(SECOND, Route::Nv2, write).is_some());
        assert_eq!(found, inlined, "{seen}");
    }
}

#[test]
fn page_that_may_only_be_read_serves_loads_inline() {
    let mut random = Random(0x5107_0002);
    let mut pair = pair();
    for (i, word) in [access(SysReg::HCR_EL2, true, 2), 0x17ff_ffff].into_iter().enumerate() {
        pair.write(RAM_BASE + 4 * i as u64, word);
    }
    let mut state = start(&pair, &mut random);
    enter(World::ReadOnly, true, SECOND, &mut state);
    pair.start(&state);
    pair.run(40);
    pair.compare(&"loads");
    let found = [false, true].map(|write| pair.tested.tlb.inlined(SECOND, Route::Nv2, write).is_some());
    assert_eq!(found, [true, false]);
}

#[test]
fn big_endian_slots_are_not_inlined() {
    let mut random = Random(0x5107_0003);
    let mut pair = pair();
    write_loop(&mut pair);
    for big in [false, true, false] {
        let mut state = start(&pair, &mut random);
        enter(World::Plain, true, DATA, &mut state);
        state.sys[SysReg::SCTLR_EL2.index()] |= if big { sctlr_el1::EE.mask() } else { 0 };
        pair.start(&state);
        pair.run(40);
        pair.compare(&big);
        assert_eq!(pair.tested.tlb.inlined(DATA, Route::Nv2, true).is_some(), !big);
    }
}

#[test]
fn random_accesses_do_what_the_interpreter_does_in_every_world() {
    let mut random = Random(0x5107_0004);
    let mut pair = pair();
    for case in 0..1500 {
        let pc = RAM_BASE + 0x1000 * random.below(16) + 4 * random.below(1024 - 16);
        let mut listing = String::new();
        for i in 0..6 {
            let r = SLOTS[random.below(SLOTS.len() as u64) as usize];
            let rt = [0, 1, 2, 12, 31][random.below(5) as usize];
            let word = match random.below(8) {
                0 => 0xf900_0020 | rt, // str xN, [x1]
                1 => 0xf940_0020 | rt, // ldr xN, [x1]
                _ => access(r, random.below(2) == 0, rt),
            };
            pair.write(pc + 4 * i, word);
            listing += &format!("\n  {word:08x}");
        }
        for i in 6..14 {
            pair.write(pc + 4 * i, STAY);
        }
        for turn in 0..4 {
            let mut state = random_state(&mut random, &pair.reference.state, pc);
            state.insn_count = pair.reference.state.insn_count;
            let world = WORLDS[random.below(WORLDS.len() as u64) as usize];
            let page = match random.below(8) {
                0 => DATA | 1 << 63,
                1 => pc & !0xfff,
                2..=4 => SECOND,
                _ => DATA,
            };
            let e2h = random.below(2) == 0;
            enter(world, e2h, page, &mut state);
            let hcr = [NV, NV, NV, hcr_el2::NV.mask(), NV | hcr_el2::NV1.mask(), 0];
            let fate = hcr[random.below(hcr.len() as u64) as usize];
            state.sys[SysReg::HCR_EL2.index()] &= !NV;
            state.sys[SysReg::HCR_EL2.index()] |= fate;
            state.pstate.pan = random.below(2) == 0;
            if random.below(8) == 0 {
                state.sys[SysReg::SCTLR_EL2.index()] |= sctlr_el1::EE.mask();
            }
            state.x[1] = [DATA, SECOND][random.below(2) as usize] + 0x78;
            pair.start(&state);
            pair.run(16);
            pair.compare(&format!("case {case} turn {turn}, {world:?}, page {page:x}, E2H {e2h}:{listing}"));
        }
    }
}
