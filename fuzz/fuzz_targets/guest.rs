//! A guest made from the fuzzer's bytes: it must neither panic nor hang the emulator, and the interpreter and the JIT must
//! do the same.
#![no_main]

#[path = "../../machine/tests/random_guest/compare.rs"]
mod compare;
#[path = "../../machine/tests/random_guest/entropy.rs"]
mod entropy;
#[path = "../../machine/tests/random_guest/harness.rs"]
mod harness;
#[path = "../../machine/tests/random_guest/program.rs"]
mod program;
#[path = "../../machine/tests/random_guest/words.rs"]
mod words;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(difference) = harness::Case::new(&mut entropy::Entropy::from_bytes(bytes)).compare(16_000) {
        panic!("{difference}");
    }
});
