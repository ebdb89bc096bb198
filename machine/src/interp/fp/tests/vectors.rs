//! Instructions run on another implementation of the architecture, with what came out.
//!
//! A line of `vectors.txt` reads
//! `word fpcr fpsr nzcv x1 v0 v1 v2 v3 = fpsr nzcv x0 v0`, all hexadecimal, or ends in `undefined`. Before
//! the instruction, Vn holds the value named v(n mod 4), and the other general registers are zero; lines
//! with `#` name the encoding. The operands are pseudo-random, with a preference for special values and
//! for magnitudes near each other; the results are those of QEMU 10.0's user-mode `-cpu max`.

use crate::cpu::Vcpu;
use crate::interp::tests::single::Single;

#[test]
fn instructions_agree_with_recorded_results() {
    let failures = check(include_str!("vectors.txt"));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The same with a longer file, named by the variable DROSTE_FP_VECTORS.
#[test]
#[ignore = "needs a file"]
fn instructions_agree_with_a_file_of_recorded_results() {
    let path = std::env::var_os("DROSTE_FP_VECTORS").expect("DROSTE_FP_VECTORS names a file of vectors");
    let failures = check(&std::fs::read_to_string(path).expect("the file is readable"));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs every line by each executor; returns the lines that came out differently.
fn check(text: &str) -> Vec<String> {
    Single::all().flat_map(|executor| check_on(executor, text)).collect()
}

fn check_on(mut executor: Single, text: &str) -> Vec<String> {
    let mut cpu = Vcpu::for_tests();
    let mut failures = Vec::new();
    let mut encoding = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('#') {
            encoding = name;
            continue;
        }
        let (inputs, expected) = line.split_once(" = ").expect("a line has an equals sign");
        let inputs: Vec<u128> = inputs.split(' ').map(hexadecimal).collect();
        let [word, fpcr, fpsr, nzcv, x1, v @ ..] = inputs.as_slice() else {
            panic!("too few inputs: {line}");
        };
        cpu.state.fpcr = *fpcr as u64;
        cpu.state.fpsr = *fpsr as u64;
        cpu.state.nzcv.set((*nzcv as u32) << 28);
        cpu.state.x = [0; 31];
        cpu.state.x[1] = *x1 as u64;
        cpu.state.v = core::array::from_fn(|i| v[i % 4]);
        let outcome = executor.execute(&mut cpu, *word as u32);
        let state = &cpu.state;
        let actual = match outcome {
            Ok(()) => {
                format!("{:x} {:x} {:x} {:x}", state.fpsr, state.nzcv.bits() >> 28, state.x[0], state.v[0])
            }
            Err(0) => "undefined".to_owned(),
            Err(class) => format!("exception class {class:x}"),
        };
        if actual != expected {
            failures.push(format!("{encoding}: {line}\n  gave {actual} by the {}", executor.name()));
        }
    }
    failures
}

fn hexadecimal(text: &str) -> u128 {
    u128::from_str_radix(text, 16).expect("a hexadecimal number")
}
