//! Instructions on registers, run on another implementation of the architecture, with what came out.
//!
//! A line of `integer.txt` is `word kind result`, numbers hexadecimal: the result is V0's (`v`), V0's with
//! FPSR.QC set (`q`), or X0's (`x`). Registers before are those of [`fill`] for the number of the line,
//! lines with `#`, which name the encoding, not counted. The results are those of QEMU 10.0's user-mode
//! `-cpu max`.

use super::fill;
use crate::cpu::Vcpu;
use crate::interp::tests::single::Single;
use crate::interp::{fp, simd};
use droste_arch::a64::{self, Encoding};
use std::collections::HashSet;

const RECORDED: &str = include_str!("integer.txt");

#[test]
fn instructions_agree_with_recorded_results() {
    Single::all().for_each(check_recorded);
}

fn check_recorded(mut executor: Single) {
    let mut cpu = Vcpu::for_tests();
    let mut failures = Vec::new();
    let lines = RECORDED.lines().filter(|line| !line.starts_with('#'));
    for (seed, line) in (0..).zip(lines) {
        let word = u32::from_str_radix(&line[..8], 16).expect("a line begins with a word");
        fill(&mut cpu, seed);
        cpu.state.fpsr = 0;
        let name = a64::decode(word).map_or("unallocated", Encoding::name);
        let before = cpu.state.v;
        let actual = match executor.execute(&mut cpu, word) {
            Ok(()) if line.as_bytes()[9] == b'x' => format!("x {:x}", cpu.x(0)),
            Ok(()) if cpu.state.fpsr == 0 => format!("v {:x}", cpu.v(0)),
            Ok(()) if cpu.state.fpsr == 1 << 27 => format!("q {:x}", cpu.v(0)),
            other => format!("{other:?}"),
        };
        if actual != line[9..] {
            failures.push(format!("{name}: {line}\n                     gave {actual}"));
        }
        assert_eq!(cpu.state.v[1..], before[1..], "{name} changes other registers");
    }
    let by = executor.name();
    assert!(failures.is_empty(), "{} failures by the {by}\n{}", failures.len(), failures.join("\n"));
}

/// Sizes and immh values that leave an encoding's instruction undefined, found by a disassembler.
#[test]
fn reserved_field_values_are_undefined() {
    for mut executor in Single::all() {
        let mut cpu = Vcpu::for_tests();
        for line in include_str!("reserved.txt").lines() {
            let word = u32::from_str_radix(&line[..8], 16).expect("a line begins with a word");
            fill(&mut cpu, 1);
            let before = cpu.state.v;
            let outcome = executor.execute(&mut cpu, word);
            assert_eq!((outcome, cpu.state.v), (Err(0), before), "{line} by the {}", executor.name());
        }
    }
}

#[test]
fn every_integer_encoding_has_a_handler_and_a_recorded_case() {
    let recorded: HashSet<&str> = RECORDED.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    let groups = Encoding::all().filter(|e| e.group().path().starts_with("simd_dp/"));
    let mut count = 0;
    for e in groups.filter(|e| fp::handler(*e).is_none()) {
        let needs = format!("{:?}", e.feature());
        let floating = e.name().starts_with('F') || e.name().starts_with("BF");
        // Of Armv9.5 or later, or not in the feature table.
        let newer = ["FEAT_LUT", "FEAT_FPRCVT", "Const(false)"];
        if floating || newer.iter().any(|f| needs.contains(f)) {
            continue;
        }
        assert!(simd::handler(e).is_some(), "{e} has no handler; it needs {needs}");
        assert!(recorded.contains(e.name()), "{e} has no recorded case");
        count += 1;
    }
    assert!(count > 300, "{count}");
}

#[test]
fn floating_point_encodings_are_left_alone() {
    for e in Encoding::all() {
        let both = simd::handler(e).is_some() && fp::handler(e).is_some();
        assert!(!both, "{e} has two handlers");
    }
}
