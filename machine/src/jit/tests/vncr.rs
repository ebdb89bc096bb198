//! Register accesses that FEAT_NV2 makes accesses to memory: served by the inline table of EL2's regime, in every world
//! that a hypervisor may put the page into, and on pages with something about them.

use super::memory::{SECOND, WORLDS, World};
use super::{CpuState, DATA, Pair, Random, STAY, VECTORS, random_state};
use crate::board::memory_map::RAM_BASE;
use crate::interp::run_with;
use crate::mmu::Route;
use droste_arch::fields::{hcr_el2, mdcr_el2, mdscr_el1, sctlr_el1};
use droste_arch::sysreg::SysReg;
use std::time::{Duration, Instant};

/// Registers with a slot, by their EL2 names.
const SLOTS: [SysReg; 6] = [
    SysReg::HCR_EL2,
    SysReg::VTTBR_EL2,
    SysReg::CNTVOFF_EL2,
    SysReg::VNCR_EL2,
    SysReg::VTCR_EL2,
    SysReg::MDSCR_EL1,
];
pub(super) const NV: u64 = hcr_el2::NV.mask() | hcr_el2::NV2.mask();

fn set(state: &mut CpuState, r: SysReg, value: u64) {
    state.sys[r.index()] = value;
}

pub(super) fn access(r: SysReg, read: bool, rt: u32) -> u32 {
    0xd510_0000 | u32::from(r.encoding().0) << 5 | rt | u32::from(read) << 21
}

/// EL1 as a guest hypervisor whose page is in a world of EL2, or of EL2&0.
pub(super) fn enter(world: World, e2h: bool, page: u64, state: &mut CpuState) {
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
    write(pair, RAM_BASE, &code);
}

#[test]
fn slots_are_inlined_under_either_regime_and_privileged_access_never() {
    let mut random = Random(0x5107_0001);
    let mut pair = pair();
    write_loop(&mut pair);
    for (world, e2h, expected) in [
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
        assert_eq!(inlined(&pair, SECOND), expected, "{seen}");
    }
}

#[test]
fn page_that_may_only_be_read_serves_loads_inline() {
    let mut random = Random(0x5107_0002);
    let mut pair = pair();
    write(&mut pair, RAM_BASE, &[access(SysReg::HCR_EL2, true, 2), 0x17ff_ffff]);
    let mut state = start(&pair, &mut random);
    enter(World::ReadOnly, true, SECOND, &mut state);
    pair.start(&state);
    pair.run(40);
    pair.compare(&"loads");
    assert_eq!(inlined(&pair, SECOND), [true, false]);
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

fn write(pair: &mut Pair, at: u64, code: &[u32]) {
    for (i, &word) in code.iter().enumerate() {
        pair.write(at + 4 * i as u64, word);
    }
}

fn inlined(pair: &Pair, page: u64) -> [bool; 2] {
    [false, true].map(|write| pair.tested.tlb.inlined(page, Route::Nv2, write).is_some())
}

#[test]
fn watched_slots_raise_their_exception_and_return_to_the_inline_path() {
    let mut random = Random(0x5107_0010);
    let mut pair = pair();
    write_loop(&mut pair);
    let mut state = start(&pair, &mut random);
    enter(World::Plain, true, SECOND, &mut state);
    set(&mut state, SysReg::OSLSR_EL1, 1 << 3);
    set(&mut state, SysReg::MDSCR_EL1, mdscr_el1::MDE.mask());
    set(&mut state, SysReg::MDCR_EL2, mdcr_el2::TDE.mask());
    set(&mut state, SysReg::DBGWVR0_EL1, SECOND + 0x78);
    pair.start(&state);
    pair.run(40);
    assert_eq!(inlined(&pair, SECOND), [true; 2]);
    for (lsc, kde, taken) in [(1, true, Some(0)), (2, true, Some(1)), (3, false, None), (0, true, None)] {
        let mut state = state.clone();
        state.insn_count = pair.reference.state.insn_count;
        // HMC, SSC = 0b11, PAC = 0b00: EL2 alone, as which such an access is made; all bytes of the doubleword.
        set(&mut state, SysReg::DBGWCR0_EL1, 1 | lsc << 3 | 0xff << 5 | 1 << 13 | 3 << 14);
        let kde = if kde { mdscr_el1::KDE.mask() } else { 0 };
        set(&mut state, SysReg::MDSCR_EL1, mdscr_el1::MDE.mask() | kde);
        pair.start(&state);
        for cpu in [&mut pair.reference, &mut pair.tested] {
            crate::debug::registers_changed(cpu);
        }
        pair.run(40);
        pair.compare(&lsc);
        let cpu = &pair.tested.state;
        let syndrome = [SysReg::ESR_EL2, SysReg::FAR_EL2, SysReg::ELR_EL2].map(|r| cpu.sys[r.index()]);
        let esr = 0x35 << 26 | 1 << 25 | 1 << 13 | 0x22;
        // The store is the first access of the loop.
        match taken {
            Some(0) => assert_eq!(syndrome, [esr, SECOND + 0x78, RAM_BASE + 4]),
            Some(_) => assert_eq!(syndrome, [esr | 1 << 6, SECOND + 0x78, RAM_BASE]),
            None => assert_eq!(cpu.pstate.el, 1, "no exception"),
        }
    }
    for cpu in [&mut pair.reference, &mut pair.tested] {
        cpu.set_sys(SysReg::DBGWCR0_EL1, 0);
        crate::debug::registers_changed(cpu);
    }
    pair.run(40);
    pair.compare(&"nothing is watched");
    assert_eq!(inlined(&pair, SECOND), [true; 2]);
}

#[test]
fn slots_in_a_page_of_code_change_the_code() {
    let mut random = Random(0x5107_0011);
    let mut pair = pair();
    // At the slot of HCR_EL2, which the store at the end of each turn replaces: add x0, x0, #1; mov x5, x3.
    let code = [
        0x9100_0400,
        0xaa03_03e5,
        0xaa04_03e3, // mov x3, x4
        0xaa05_03e4, // mov x4, x5
        access(SysReg::HCR_EL2, false, 3),
        0x17ff_fffb, // b to the first
    ];
    write(&mut pair, RAM_BASE + 0x78, &code);
    let mut state = start(&pair, &mut random);
    enter(World::Plain, true, RAM_BASE, &mut state);
    state.pc = RAM_BASE + 0x78;
    let add = |n: u64| 0xaa03_03e5 << 32 | 0x9100_0000 | n << 10;
    (state.x[0], state.x[3], state.x[4]) = (0, add(2), add(4));
    pair.start(&state);
    pair.run(60);
    pair.compare(&"code in slots");
    assert_eq!(pair.tested.state.x[0], 1 + 4 + 2 + 4 + 2 + 4 + 2 + 4 + 2 + 4);
    assert_eq!(inlined(&pair, RAM_BASE), [true; 2]);
}

#[test]
fn access_flag_and_dirty_state_of_the_page_are_managed() {
    let (af, read_only, dbm) = (1 << 10, 1 << 7, 1 << 51);
    let mut random = Random(0x5107_0012);
    let mut pair = pair();
    let leaf = World::Plain.root() + 0x2000 + 8 * ((DATA - RAM_BASE) >> 12);
    for e2h in [false, true] {
        for cpu in [&pair.reference, &pair.tested] {
            let ram = &cpu.machine.ram;
            let entry: u64 = ram.read(leaf).expect("tables");
            ram.write(leaf, entry & !af | read_only | dbm).expect("tables");
        }
        // A load twice, a branch that ends the block, and a store twice.
        let [load, store] = [true, false].map(|read| access(SysReg::HCR_EL2, read, 2));
        write(&mut pair, RAM_BASE, &[load, load, 0x1400_0001, store, store, STAY]);
        let mut state = start(&pair, &mut random);
        enter(World::Plain, e2h, DATA, &mut state);
        state.sys[SysReg::TCR_EL2.index()] |= 0b11 << if e2h { 39 } else { 21 };
        pair.start(&state);
        for (count, set, clear, inline) in
            [(3, af | read_only, 0, [true, false]), (3, af, read_only, [true, true])]
        {
            pair.run(count);
            pair.compare(&e2h);
            for cpu in [&pair.reference, &pair.tested] {
                let entry: u64 = cpu.machine.ram.read(leaf).expect("tables");
                assert_eq!((entry & set, entry & clear), (set, 0), "E2H {e2h}: {entry:x}");
            }
            assert_eq!(inlined(&pair, DATA), inline, "E2H {e2h}");
        }
    }
}

#[test]
fn slots_are_single_copy_atomic_to_another_cpu() {
    const HALVES_DIFFER: u32 = 0xcac0_0000 | 2 << 16 | 32 << 10 | 2 << 5 | 6;
    let mut random = Random(0x5107_0013);
    let mut pair = pair();
    // A store of x3 and of x4, and a load whose halves are compared; x5 collects the differences.
    let code = [
        access(SysReg::VTTBR_EL2, false, 3),
        access(SysReg::VTTBR_EL2, false, 4),
        access(SysReg::HCR_EL2, true, 2),
        HALVES_DIFFER,
        0xaa06_00a5, // orr x5, x5, x6
        0x17ff_fffb, // b to the first
    ];
    write(&mut pair, RAM_BASE, &code);
    let mut state = start(&pair, &mut random);
    enter(World::Plain, true, DATA, &mut state);
    (state.x[3], state.x[4], state.x[5]) = (u64::MAX, 0, 0);
    pair.start(&state);
    let ram = pair.tested.machine.ram.clone();
    let slots = [0x20, 0x78].map(|offset| DATA + offset);
    slots.iter().for_each(|&slot| ram.write(slot, 0_u64).expect("RAM"));
    std::thread::scope(|threads| {
        let other = threads.spawn(|| {
            let deadline = Instant::now() + Duration::from_secs(20);
            let mut seen = [0; 2];
            while seen.iter().any(|&count| count < 1000) {
                for value in [u64::MAX, 0] {
                    ram.write(slots[1], value).expect("RAM");
                    let found: u64 = ram.read(slots[0]).expect("RAM");
                    assert!(found == 0 || found == u64::MAX, "torn: {found:x}");
                    seen[usize::from(found == 0)] += 1;
                }
                assert!(Instant::now() < deadline, "both values are seen: {seen:?}");
            }
        });
        while !other.is_finished() {
            let limit = pair.tested.state.insn_count + 100_000;
            run_with(&mut pair.tested, &mut pair.jit, limit);
        }
        other.join().expect("no torn value");
    });
    assert_eq!(pair.tested.state.x[5], 0, "a torn load");
    assert_eq!(inlined(&pair, DATA), [true; 2]);
}
