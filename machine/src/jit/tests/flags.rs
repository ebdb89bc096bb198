//! NZCV between the instructions that make it and those that look at it.

use super::{DATA, Pair, RAM_BASE, Random, STAY};
use crate::jit::host::Host;

/// Make NZCV from X16 and X17; the last leaves it as it was.
const PRODUCERS: [u32; 7] = [
    0xab11_0213, // adds x19, x16, x17
    0xeb11_0213, // subs x19, x16, x17
    0x6b11_021f, // cmp w16, w17
    0xea11_0213, // ands x19, x16, x17
    0xba11_0213, // adcs x19, x16, x17
    0x6a31_1e13, // bics w19, w16, w17, lsl #7
    0xaa10_03f3, // mov x19, x16
];

/// Stand in between: what needs the host's flags, what does without, and what leaves generated code.
const BETWEEN: [u32; 23] = [
    0xd503_201f, // nop
    0xca07_00c5, // eor x5, x6, x7
    0x8b07_14c5, // add x5, x6, x7, lsl #5
    0xcb87_24c5, // sub x5, x6, x7, asr #9
    0x4b07_00e7, // sub w7, w7, w7
    0xcb47_0fe5, // neg x5, x7, lsr #3
    0xaa27_03e5, // mvn x5, x7
    0x8ae7_1cc5, // bic x5, x6, x7, ror #7
    0xd343_a0c5, // ubfx x5, x6, #3, #38
    0x1307_50c5, // sbfx w5, w6, #7, #14
    0xd37a_e8c5, // lsl x5, x6, #6
    0x1346_8cc5, // a reserved form
    0x93c6_34c5, // ror x5, x6, #13
    0x93c7_34c5, // extr x5, x6, x7, #13
    0x9b07_7cc5, // mul x5, x6, x7
    0x1b07_40c5, // madd w5, w6, w7, w16
    0x1b07_c0c5, // msub w5, w6, w7, w16
    0x9ba7_40c5, // umaddl x5, w6, w7, x16
    0x9b27_7cc5, // smull x5, w6, w7
    0x9bc7_7cc6, // umulh x6, x6, x7
    0xf940_0045, // ldr x5, [x2]
    0xf940_0065, // ldr x5, [x3], in two pages
    0xf940_0185, // ldr x5, [x12], which faults
];

/// Look at NZCV, with a condition or at the carry.
fn consumers(condition: u32) -> [[u32; 2]; 10] {
    let c = condition << 12;
    let (nop, adc) = (0xd503_201f, 0x9a16_02b4);
    [
        [0x9a96_02b4 | c, nop],                     // csel x20, x21, x22
        [0x1a95_02d5 | c, nop],                     // csel w21, w22, w21
        [0x9a9f_07f4 | c, nop],                     // csinc x20, xzr, xzr
        [0xda96_06b5 | c, nop],                     // csneg x21, x21, x22
        [0xfa56_02a5 | c, adc],                     // ccmp x21, x22, #5
        [0x3a4a_0aa2 | c, 0x5400_0040 | condition], // ccmn w21, #10, #2; b.cond
        [0xfa40_0aaa | c, 0xfa56_02a0 | c],         // ccmp x21, #0, #10; ccmp x21, x22, #0
        [0x5400_0040 | condition, adc],             // b.cond
        [0xda16_02b4, nop],                         // sbc x20, x21, x22
        [0xba16_02b4, adc],                         // adcs x20, x21, x22; adc
    ]
}

#[test]
fn every_condition_sees_every_flag_through_everything_in_between() {
    for host in [Host::default(), Host::detect()] {
        compare_flags(host);
    }
}

fn compare_flags(host: Host) {
    let mut pair = Pair::new();
    pair.jit.host = host;
    let base = pair.reference.state.clone();
    let mut random = Random(0xca44_7000);
    let mut page = 0;
    for producer in PRODUCERS {
        for between in BETWEEN {
            for condition in 0..16 {
                for consumer in consumers(condition) {
                    page = (page + 1) % 64;
                    let pc = RAM_BASE + 0x400 * page;
                    // The last one reads NZCV.
                    let code = [producer, between, consumer[0], consumer[1], 0xd53b_4217, STAY, STAY];
                    for (i, word) in code.into_iter().enumerate() {
                        pair.write(pc + 4 * i as u64, word);
                    }
                    let mut state = base.clone();
                    for x in &mut state.x {
                        *x = random.value();
                    }
                    if random.below(3) == 0 {
                        state.x[22] = state.x[21];
                    }
                    (state.x[2], state.x[3], state.x[12]) = (DATA, DATA + 0xffc, 0xff00_0000_0000_0000);
                    state.nzcv.set(random.next() as u32);
                    (state.pc, state.insn_count) = (pc, pair.reference.state.insn_count);
                    pair.start(&state);
                    pair.run(8);
                    pair.compare(&format_args!(
                        "{producer:08x} {between:08x} {consumer:08x?} of {:x?} {:?}",
                        state.x, state.nzcv
                    ));
                }
            }
        }
    }
}

#[test]
fn carry_goes_through_the_turns_of_a_loop() {
    // A sum and a difference of numbers of many words.
    for first in [0xba04_0063, 0xfa04_0063] {
        let mut pair = Pair::new();
        let code = [
            0xf840_8443, // ldr x3, [x2], #8
            first,       // adcs or sbcs x3, x3, x4
            0xf81f_8043, // str x3, [x2, #-8]
            0xaa23_03e4, // mvn x4, x3
            0xd100_0421, // sub x1, x1, #1
            0xb5ff_ff61, // cbnz x1, .-20
            0x9a1f_03e0, // adc x0, xzr, xzr
            STAY,
        ];
        for (i, word) in code.into_iter().enumerate() {
            pair.write(RAM_BASE + 4 * i as u64, word);
        }
        let mut random = Random(0xb16_0000);
        for turns in 1..40 {
            let mut state = pair.reference.state.clone();
            (state.pc, state.x[1], state.x[2], state.x[4]) = (RAM_BASE, turns, DATA + 0xf00, random.value());
            state.nzcv.set(random.next() as u32);
            pair.start(&state);
            pair.run(1 + random.below(6 * turns + 2));
            pair.compare(&format_args!("{turns} turns of {first:08x}"));
        }
    }
}
