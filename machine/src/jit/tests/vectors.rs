//! FP and AdvSIMD: every encoding, on the values and in the modes at which it changes its mind.

use super::*;
use crate::interp;
use crate::jit::compile::{self, Source};
use crate::jit::host::Host;
use crate::jit::key::Key;
use droste_arch::fields::{fpcr, fpsr};

/// The groups that have templates.
const GROUPS: [Group; 28] = [
    Group::SimdDpFloatdp1,
    Group::SimdDpFloatdp2,
    Group::SimdDpFloatdp3,
    Group::SimdDpFloatimm,
    Group::SimdDpFloatcmp,
    Group::SimdDpFloatccmp,
    Group::SimdDpFloatsel,
    Group::SimdDpFloat2int,
    Group::SimdDpFloat2fix,
    Group::SimdDpAsimdsame,
    Group::SimdDpAsisdsame,
    Group::SimdDpAsimdmisc,
    Group::SimdDpAsisdmisc,
    Group::SimdDpAsimdshf,
    Group::SimdDpAsisdshf,
    Group::SimdDpAsimdperm,
    Group::SimdDpAsimdext,
    Group::SimdDpAsimdtbl,
    Group::SimdDpAsimdins,
    Group::SimdDpAsisdone,
    Group::SimdDpAsimdimm,
    Group::SimdDpAsimdall,
    Group::SimdDpAsisdpair,
    Group::SimdDpAsimddiff,
    Group::SimdDpAsimdelem,
    Group::SimdDpAsisdelem,
    Group::SimdDpCryptoaes,
    Group::SimdDpCryptosha2,
];
const MORE: [Group; 2] = [Group::SimdDpCryptosha3, Group::SimdDpCrypto4];
const AROUND: [Group; 8] = [
    Group::LdstLdstPos,
    Group::LdstLdstpairOff,
    Group::LdstLdstUnscaled,
    Group::DpregAddsubShift,
    Group::DpregCondsel,
    Group::DpregCondcmpImm,
    Group::ControlCondbranch,
    Group::DpimmAddsubImm,
];

fn all() -> Vec<Encoding> {
    let mut list = encodings(&GROUPS);
    list.extend(encodings(&MORE));
    list
}

/// Numbers of double precision that matter, and of single precision.
fn double(random: &mut Random) -> u64 {
    const EDGES: [f64; 24] = [
        0.0,
        1.0,
        1.5,
        0.5,
        2.5,
        0.1,
        3.0,
        1e300,
        1e-300,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        1e-310,
        f64::INFINITY,
        2147483647.0,
        2147483648.0,
        4294967295.5,
        4294967296.0,
        9223372036854775807.0,
        18446744073709551615.0,
        4503599627370497.5,
        123456789.0,
        16777217.0,
        1e-40,
    ];
    let bits = match random.below(8) {
        0..=3 => EDGES[random.below(24) as usize].to_bits(),
        4 => f64::from(random.next() as i16).to_bits(),
        5 => f64::INFINITY.to_bits() | random.next() >> 12 >> random.below(52) | random.below(2) << 51,
        6 => f64::MIN_POSITIVE.to_bits().wrapping_add(random.below(5)).wrapping_sub(2),
        _ => random.next(),
    };
    bits ^ random.below(2) << 63
}

fn single(random: &mut Random) -> u64 {
    const EDGES: [f32; 20] = [
        0.0,
        1.0,
        1.5,
        0.5,
        2.5,
        0.1,
        3.0,
        1e38,
        1e-37,
        f32::MAX,
        f32::MIN_POSITIVE,
        1e-45,
        1e-40,
        f32::INFINITY,
        2147483647.0,
        4294967296.0,
        9223372036854775807.0,
        18446744073709551615.0,
        8388609.0,
        16777215.0,
    ];
    let bits = match random.below(8) {
        0..=3 => EDGES[random.below(20) as usize].to_bits(),
        4 => f32::from(random.next() as i16).to_bits(),
        5 => f32::INFINITY.to_bits() | (random.next() as u32) >> 9 >> random.below(23),
        6 => f32::MIN_POSITIVE.to_bits().wrapping_add(random.below(5) as u32).wrapping_sub(2),
        _ => random.next() as u32,
    };
    u64::from(bits) ^ random.below(2) << 31
}

fn half_register(random: &mut Random) -> u64 {
    match random.below(5) {
        0 | 1 => double(random),
        2 | 3 => single(random) | single(random) << 32,
        _ => random.value(),
    }
}

/// Registers with such numbers, and the modes and flags that operations look at; plain ones mostly.
fn vector_state(random: &mut Random, base: &CpuState, pc: u64) -> CpuState {
    let mut state = random_state(random, base, pc);
    for v in &mut state.v {
        let upper = if random.below(3) == 0 { 0 } else { half_register(random) };
        *v = u128::from(upper) << 64 | u128::from(half_register(random));
    }
    for r in 12..31 {
        if random.below(3) == 0 {
            state.x[r] = double(random);
        }
    }
    state.fpcr = match random.below(8) {
        0 => random.below(4) << 22,
        1 => fpcr::FZ.mask(),
        2 => fpcr::DN.mask(),
        3 => fpcr::AHP.mask() | fpcr::FZ16.mask(),
        4 => random.next() & (fpcr::RMode.mask() | fpcr::FZ.mask() | fpcr::DN.mask()),
        _ => 0,
    };
    state.fpsr = if random.below(3) == 0 { 0 } else { fpsr::IXC.mask() };
    state
}

fn pair_on(host: Host) -> Pair {
    let mut pair = Pair::new();
    pair.jit.host = host;
    pair
}

fn compare_on(host: Host, seed: u64, count: u32, length: u64, encodings: &[Encoding]) {
    compare_programs_with(&mut pair_on(host), vector_state, seed, count, length, encodings);
}

#[test]
fn vector_instructions_do_what_the_interpreter_does() {
    let mut pair = pair_on(Host::detect());
    for (n, encoding) in all().into_iter().enumerate() {
        compare_programs_with(&mut pair, vector_state, 0x9e37_79b9 + n as u64, 150, 1, &[encoding]);
    }
}

#[test]
fn vector_sequences_do_what_the_interpreter_does() {
    let mut list = all();
    let around = encodings(&AROUND);
    for _ in 0..4 {
        list.extend(&around);
    }
    compare_on(Host::detect(), 0x5eed_f00d, 8000, 12, &list);
}

#[test]
fn float_sequences_do_what_the_interpreter_does() {
    // Few registers, so that results become operands.
    compare_on(Host::detect(), 0xf10a7, 6000, 16, &encodings(&GROUPS[..9]));
}

#[test]
fn hosts_that_lack_features_execute_the_same() {
    let whole = Host::detect();
    let hosts = [
        Host::default(),
        Host { fma: false, ..whole },
        Host { aes: false, sha: false, carryless: false, crc32: false, ..whole },
    ];
    let mut list = all();
    list.extend(encodings(&[Group::DpregDp2src]));
    for (n, host) in hosts.into_iter().enumerate() {
        compare_on(host, 0xbadc_0de5 + n as u64, 2500, 8, &list);
    }
}

#[test]
fn float_trap_is_taken_by_the_first_instruction_with_its_flags() {
    let mut pair = pair_on(Host::detect());
    for cpu in [&mut pair.reference, &mut pair.tested] {
        cpu.set_sys(SysReg::CPACR_EL1, 0);
        cpu.context_changed();
    }
    for fp in [0x1e62_2820, 0x4e22_8420, 0x1e60_2020, 0x3d80_0040, 0x9e66_0001, 0x4f00_0400] {
        // cmp x3, x4; add x5, x5, #1; then fadd, add (vector), fcmp, str q0, fmov x1 and movi.
        for (i, word) in [0xeb04_007f, 0x9100_04a5, fp, STAY].into_iter().enumerate() {
            pair.write(RAM_BASE + 4 * i as u64, word);
        }
        let mut state = pair.reference.state.clone();
        (state.pc, state.x[2], state.x[3], state.x[4]) = (RAM_BASE, DATA, 1, 2);
        state.pstate.el = 1;
        pair.start(&state);
        pair.run(3);
        pair.compare(&format!("{fp:08x}"));
        assert_eq!(pair.tested.state.pc & !0xfff, VECTORS, "{fp:08x} traps");
    }
}

/// Whether a word has a template on this host.
fn is_native(pair: &mut Pair, word: u32) -> bool {
    pair.write(RAM_BASE, word);
    let cpu = &pair.tested;
    let mut ops = Vec::new();
    interp::Decoder::default().block_into(&mut ops, cpu, &cpu.machine.ram, RAM_BASE);
    let key = Key::new(RAM_BASE, false, false, cpu.mode.level);
    let (ops, host) = (&ops[..1], pair.jit.host);
    let (has_bti, has_pmull, alone, physical_less_host) = (true, true, true, 0);
    let source = Source { cpu, key, ops, has_bti, has_pmull, host, alone, physical_less_host };
    compile::has_template(&pair.jit.stubs, &source)
}

/// Comparisons with the interpreter would not notice a template that is never used.
#[test]
fn frequent_encodings_have_templates() {
    let host =
        Host { vectors: true, fma: true, aes: true, carryless: true, sha: true, crc32: true, bmi: true };
    let mut pair = pair_on(host);
    let mut random = Random(4);
    let (native, missing): (Vec<Encoding>, Vec<Encoding>) =
        all().into_iter().partition(|&e| (0..200).any(|_| is_native(&mut pair, word(&mut random, e))));
    // What is left are half precision, saturating and rounding shifts, estimates and the like.
    let left: Vec<&str> = missing.into_iter().map(Encoding::name).collect();
    assert!(native.len() >= 323, "{} have templates; none have {left:?}", native.len());
    let mut without = pair_on(Host::default());
    // fadd d0, d1, d2
    assert!(is_native(&mut pair, 0x1e62_2820) && !is_native(&mut without, 0x1e62_2820));
}

#[test]
fn vectors_in_registers_survive_a_store_to_code() {
    let mut pair = pair_on(Host::detect());
    // add v1.4s, v2.4s, v3.4s; str x5 over an instruction that was executed; add v4.4s, v1.4s, v1.4s.
    let code = [0x4ea3_8441, 0xf900_0045, 0x4ea1_8424, STAY, 0xd503_201f, 0xd503_201f];
    for (i, word) in code.into_iter().enumerate() {
        pair.write(RAM_BASE + 4 * i as u64, word);
    }
    let mut random = Random(77);
    let base = pair.reference.state.clone();
    let mut state = vector_state(&mut random, &base, RAM_BASE);
    (state.x[2], state.x[5]) = (RAM_BASE + 16, 0xd503_201f_d503_201f);
    pair.start(&state);
    pair.run(4);
    pair.compare(&"a store to code");
    let one = state.v[2] as u32;
    assert_eq!(pair.tested.state.v[4] as u32, one.wrapping_add(state.v[3] as u32).wrapping_mul(2));
}
