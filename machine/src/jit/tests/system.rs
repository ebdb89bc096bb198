//! System registers, exceptions and pointer authentication: what decides them changes between two runs of one code.

use super::*;
use crate::jit::Counts;
use droste_arch::fields::{hcr_el2, sctlr_el1, tcr_el1};
use droste_arch::sysreg::SysReg;

/// Runs programs of `length` random words, each several times in states that `prepare` has changed; answers how often
/// the JIT did what should be rare.
fn compare_states(
    seed: u64,
    count: u32,
    length: u64,
    word: impl Fn(&mut Random) -> u32,
    prepare: impl Fn(&mut Random, &mut CpuState),
) -> Counts {
    let mut random = Random(seed);
    let mut pair = Pair::new();
    let base = pair.reference.state.clone();
    for case in 0..count {
        let pc = RAM_BASE + 0x1000 * random.below(16) + 4 * random.below(1024 - 16);
        let mut listing = String::new();
        for i in 0..length {
            let word = word(&mut random);
            pair.write(pc + 4 * i, word);
            listing += &format!("\n  {word:08x}");
        }
        for i in length..length + 8 {
            pair.write(pc + 4 * i, STAY);
        }
        for turn in 0..6 {
            let mut state = random_state(&mut random, &base, pc);
            prepare(&mut random, &mut state);
            state.insn_count = pair.reference.state.insn_count;
            pair.start(&state);
            let (el, hcr) = (state.pstate.el, state.sys[SysReg::HCR_EL2.index()]);
            let shown = format!("case {case} turn {turn} at {pc:x}, EL{el}, HCR_EL2 {hcr:x}:{listing}");
            pair.run(2 * length + 4);
            pair.compare(&shown);
        }
    }
    pair.jit.counts()
}

fn set(state: &mut CpuState, r: SysReg, value: u64) {
    state.sys[r.index()] = value;
}

/// A random Exception level, some of the bits that decide accesses, and vectors that stay.
fn at_any_level(random: &mut Random, state: &mut CpuState) {
    state.pstate.el = random.below(3) as u8;
    state.pstate.spsel = state.pstate.el > 0 && random.below(4) > 0;
    state.pstate.daif = random.below(16) as u8;
    let bits = [
        hcr_el2::NV,
        hcr_el2::NV1,
        hcr_el2::NV2,
        hcr_el2::TVM,
        hcr_el2::TRVM,
        hcr_el2::TID3,
        hcr_el2::TGE,
        hcr_el2::API,
        hcr_el2::APK,
        hcr_el2::IMO,
    ];
    let hcr = bits.iter().filter(|_| random.below(3) == 0).fold(0, |hcr, bit| hcr | bit.mask());
    set(state, SysReg::HCR_EL2, hcr);
    set(state, SysReg::VBAR_EL2, VECTORS);
    set(state, SysReg::VNCR_EL2, DATA);
    let fine = random.next() & random.next();
    set(state, SysReg::HFGRTR_EL2, if random.below(2) == 0 { fine } else { 0 });
    set(state, SysReg::HFGWTR_EL2, if random.below(2) == 0 { fine } else { 0 });
    let unmask = if random.below(2) == 0 { sctlr_el1::UMA.mask() } else { 0 };
    set(state, SysReg::SCTLR_EL1, unmask);
    set(state, SysReg::SCTLR_EL2, unmask);
    set(state, SysReg::SPSR_EL1, (random.below(16) << 6) | (random.below(2) * 5));
    set(state, SysReg::SPSR_EL2, (random.below(16) << 6) | (random.below(3) * 4) | random.below(2));
    set(state, SysReg::ELR_EL1, state.pc + 4 * random.below(8));
    set(state, SysReg::ELR_EL2, state.pc + 4 * random.below(8));
}

/// MRS or MSR of any register, an immediate to PSTATE, ISB, or an instruction that changes the Exception level.
fn system_word(random: &mut Random) -> u32 {
    let registers: Vec<SysReg> = SysReg::all().collect();
    let rt = random.below(32) as u32;
    match random.below(16) {
        0 => 0xd503_3fdf,                                          // isb
        1 => 0xd503_40df | (random.below(16) as u32) << 8,         // msr daifset
        2 => 0xd503_40ff | (random.below(16) as u32) << 8,         // msr daifclr
        3 => 0xd69f_03e0,                                          // eret
        4 => [0xd400_0001, 0xd400_0002][random.below(2) as usize], // svc, hvc
        5 => 0xd51b_4220 | rt,                                     // msr daif
        6 => 0xd538_4100 | rt | (random.below(2) as u32) << 21,    // mrs sp_el0
        n => {
            let often = [SysReg::TPIDR_EL0, SysReg::TPIDR_EL1, SysReg::TPIDR_EL2, SysReg::NZCV, SysReg::DAIF];
            let r = if n < 9 {
                often[random.below(often.len() as u64) as usize]
            } else {
                registers[random.below(registers.len() as u64) as usize]
            };
            0xd510_0000 | u32::from(r.encoding().0) << 5 | rt | (random.below(2) as u32) << 21
        }
    }
}

#[test]
fn accesses_are_decided_anew_when_what_decides_them_changes() {
    compare_states(0x5e5e_0001, 4000, 3, system_word, at_any_level);
}

#[test]
fn retranslated_accesses_do_what_the_interpreter_does() {
    // One program often enough for every revision of its code: at EL2, HCR_EL2.E2H says what SCTLR_EL1 names.
    let sctlr = |_: &mut Random| 0xd538_1000;
    let counts = compare_states(0x5e5e_0002, 40, 2, sctlr, |random, state| {
        at_any_level(random, state);
        state.pstate.el = 2;
        state.sys[SysReg::HCR_EL2.index()] ^= random.below(2) * hcr_el2::E2H.mask();
    });
    assert!(counts.revised > 10, "{counts:?}");
}

#[test]
fn nearer_deadline_of_a_timer_ends_the_slice() {
    let mut pair = Pair::new();
    // msr cntv_cval_el0, x0; msr cntv_ctl_el0, x1; and a loop.
    for (i, word) in [0xd51b_e340, 0xd51b_e321, STAY].into_iter().enumerate() {
        pair.write(RAM_BASE + 4 * i as u64, word);
    }
    let mut state = pair.reference.state.clone();
    (state.pc, state.x[0], state.x[1]) = (RAM_BASE, 500, 1);
    pair.start(&state);
    let begin = state.insn_count;
    pair.run(1000);
    pair.compare(&"a timer that is set");
    assert_eq!(pair.tested.state.insn_count - begin, 2, "the run ends where the deadline was set");
    assert_eq!(crate::timer::next_deadline(&pair.tested), Some(500));
    pair.run(1000);
    pair.compare(&"a timer that is known");
    assert!(pair.tested.state.insn_count - begin >= 1000, "the next slice is a whole one");
}

#[test]
fn pointers_are_signed_and_checked_as_by_the_interpreter() {
    let groups = [Group::ControlHints, Group::DpregDp1src];
    let encodings: Vec<Encoding> = encodings(&groups)
        .into_iter()
        .filter(|e| e.name().starts_with("PAC") || e.name().starts_with("AUT"))
        .collect();
    assert!(encodings.len() > 20, "the names say which they are");
    let any = |random: &mut Random| {
        let encoding = encodings[random.below(encodings.len() as u64) as usize];
        // Few registers, so that what was signed is checked.
        let fields = if encoding.group() == Group::ControlHints { 0 } else { random.next() as u32 & 0x63 };
        encoding.value() | fields & !encoding.mask()
    };
    compare_states(0x9ac0_0001, 4000, 6, any, |random, state| {
        at_any_level(random, state);
        let keys =
            sctlr_el1::EnIA.mask() | sctlr_el1::EnIB.mask() | sctlr_el1::EnDA.mask() | sctlr_el1::EnDB.mask();
        let some = if random.below(4) == 0 { random.next() } else { u64::MAX };
        set(state, SysReg::SCTLR_EL1, keys & some);
        set(state, SysReg::SCTLR_EL2, keys & some);
        if random.below(8) != 0 {
            state.sys[SysReg::HCR_EL2.index()] |= hcr_el2::API.mask();
        }
        let sizes =
            tcr_el1::T0SZ.with(0, 16 + random.below(20)) | tcr_el1::T1SZ.with(0, 16 + random.below(20));
        let ignored = tcr_el1::TBI0.mask() | tcr_el1::TBI1.mask() | tcr_el1::TBID0.mask();
        set(state, SysReg::TCR_EL1, sizes | random.next() & ignored);
        set(state, SysReg::TCR_EL2, sizes | random.next() & ignored);
        for r in [SysReg::APIAKeyHi_EL1, SysReg::APIAKeyLo_EL1, SysReg::APDBKeyHi_EL1, SysReg::APDBKeyLo_EL1]
        {
            set(state, r, random.next());
        }
        for r in [0, 1, 2, 3, 16, 17, 30] {
            state.x[r] = match random.below(3) {
                0 => random.value(),
                1 => 0xffff_8000_0000_0000 | random.next() >> 17,
                _ => random.next() >> 17,
            };
        }
    });
}

#[test]
fn code_that_runs_at_several_levels_is_compiled_for_each_and_kept() {
    let mut random = Random(0x5e5e_0003);
    let mut pair = Pair::new();
    // mrs x0, tpidr_el1; mrs x1, vttbr_el2; b back.
    for (i, word) in [0xd538_d080, 0xd53c_2101, 0x17ff_fffe].into_iter().enumerate() {
        pair.write(RAM_BASE + 4 * i as u64, word);
    }
    let nv = [hcr_el2::NV, hcr_el2::NV1, hcr_el2::NV2].map(|bit| bit.mask());
    let levels = [
        (2, 0, true),
        (1, 0, false),
        (1, nv[0], false),
        (1, nv[0] | nv[2], true),
        (1, nv[0] | nv[1] | nv[2], true),
    ];
    for turn in 0..4 {
        for (el, hcr, goes_on) in levels {
            let mut state = random_state(&mut random, &pair.reference.state, RAM_BASE);
            state.insn_count = pair.reference.state.insn_count;
            state.pstate.el = el;
            set(&mut state, SysReg::HCR_EL2, hcr);
            set(&mut state, SysReg::VNCR_EL2, DATA);
            set(&mut state, SysReg::VBAR_EL2, VECTORS);
            pair.start(&state);
            pair.run(30);
            pair.compare(&format!("EL{el}, HCR_EL2 {hcr:x}"));
            assert_eq!(pair.tested.state.pc & !0xfff == RAM_BASE, goes_on, "EL{el}, HCR_EL2 {hcr:x}");
        }
        let counts = pair.jit.counts();
        assert_eq!(counts.revised, 0);
        // The loop for each level, and the vectors of EL1 and of EL2.
        assert_eq!(counts.compiled, levels.len() as u64 + 2, "turn {turn}: {counts:?}");
    }
}
