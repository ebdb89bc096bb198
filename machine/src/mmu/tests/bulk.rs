//! Memory copy and memory set over two pages that are not neighbours in RAM.

use super::*;
use crate::interp::{Flow, table};
use droste_arch::a64;
use proptest::prelude::*;

/// Bytes of the two pages.
const BYTES: usize = 0x2000;
/// Prologue, main part and epilogue with X0 to write, X1 to read or the byte, and X2 bytes.
const COPY_UP: [u32; 3] = [0x1901_0440, 0x1941_0440, 0x1981_0440];
const COPY: [u32; 3] = [0x1d01_0440, 0x1d41_0440, 0x1d81_0440];
const SET: [u32; 3] = [0x19c1_0440, 0x19c1_4440, 0x19c1_8440];

/// The two pages, each byte other than its neighbours.
fn pattern() -> Vec<u8> {
    (0..BYTES).map(|n| (n ^ n >> 8).to_le_bytes()[0]).collect()
}

fn bench() -> Bench {
    let bench = Bench::new();
    let bytes = pattern();
    bench.cpu.machine.ram.copy_in(PA, &bytes[..0x1000]).unwrap();
    bench.cpu.machine.ram.copy_in(NEXT_PA, &bytes[0x1000..]).unwrap();
    bench.cpu.machine.ram.fill(RAM + 0x6_0000, 0x1000, 0).unwrap();
    bench
}

fn contents(bench: &Bench) -> Vec<u8> {
    let mut bytes = vec![0; BYTES];
    bench.cpu.machine.ram.copy_out(PA, &mut bytes[..0x1000]).unwrap();
    bench.cpu.machine.ram.copy_out(NEXT_PA, &mut bytes[0x1000..]).unwrap();
    bytes
}

/// Executes three instructions, each until it is done; an exception is left in `cpu.abort`.
fn run(bench: &mut Bench, words: [u32; 3], x: [u64; 3]) -> Result<(), Abort> {
    (0..).zip(x).for_each(|(n, value)| bench.cpu.set_x(n, value));
    bench.set_bits(SysReg::SCTLR_EL1, droste_arch::fields::sctlr_el1::MSCEn.mask());
    bench.set_bits(SysReg::HCRX_EL2, droste_arch::fields::hcrx_el2::MSCEn.mask());
    for word in words {
        let handler = table::handler(a64::decode(word).unwrap()).unwrap();
        while handler(&mut bench.cpu, word)? == Flow::Jump {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn copies_move_their_bytes_whatever_overlaps(to in 0..BYTES, from in 0..BYTES, len in 0..BYTES, up: bool) {
        let len = len.min(BYTES - to).min(BYTES - from);
        // An upward copy is for ranges that do not overlap in this way.
        let up = up && !(to > from && to - from < len);
        let mut bench = bench();
        let x = [VA + to as u64, VA + from as u64, len as u64];
        run(&mut bench, if up { COPY_UP } else { COPY }, x).unwrap();
        let mut expected = pattern();
        expected.copy_within(from..from + len, to);
        prop_assert!(contents(&bench) == expected, "{len} bytes from {from:#x} to {to:#x}");
        prop_assert_eq!(bench.cpu.x(2), 0);
    }

    #[test]
    fn sets_write_their_bytes_and_no_other(to in 0..BYTES, len in 0..BYTES, byte: u8) {
        let len = len.min(BYTES - to);
        let mut bench = bench();
        run(&mut bench, SET, [VA + to as u64, u64::from(byte), len as u64]).unwrap();
        let mut expected = pattern();
        expected[to..to + len].fill(byte);
        prop_assert!(contents(&bench) == expected, "{len} bytes to {to:#x}");
    }
}

#[test]
fn an_upward_copy_onto_its_own_source_repeats_doublewords() {
    let mut bench = bench();
    run(&mut bench, COPY_UP, [VA + 8, VA, 0x100]).unwrap();
    let first = &pattern()[..8];
    assert!(contents(&bench)[..0x108].chunks(8).all(|chunk| chunk == first));
}

#[test]
fn a_fault_in_the_second_page_leaves_the_registers_at_it() {
    let mut bench = bench();
    bench.map(VA + 0x1000, NEXT_PA, bit::READ_ONLY);
    let result = run(&mut bench, SET, [VA + 0xf00, 0xaa, 0x200]);
    assert_eq!(bench.raised(result).far, Some(VA + 0x1000));
    assert_eq!([bench.cpu.x(0), bench.cpu.x(2)], [VA + 0x1000, 0x100]);
    assert!(contents(&bench)[0xf00..0x1000].iter().all(|byte| *byte == 0xaa));
}

#[test]
fn a_copy_over_code_makes_it_stale() {
    let mut bench = bench();
    let page = bench.cpu.machine.ram.page(NEXT_PA).unwrap();
    let before = bench.cpu.machine.ram.mark_code(page, NEXT_PA, 0x1000);
    run(&mut bench, COPY_UP, [VA + 0x1000, VA, 0x40]).unwrap();
    assert_ne!(bench.cpu.machine.ram.generation(page), before);
}
