//! Reads the boot arguments, runs one test, and says how many operations that were.
#![allow(unsafe_code)] // bare metal

mod cold;
mod el1;
mod el2;
mod parallel;
mod world;

use guest_support::{device_tree, mrs, println};

/// A test: how its loop is run, and how many operations one turn of the loop is.
struct Test {
    name: &'static str,
    operations: u64,
    run: Run,
}

/// What runs `iterations` turns.
enum Run {
    /// Nothing: what starting and ending the machine costs.
    Nothing,
    /// A loop at EL2, with two values that it may switch between.
    El2(unsafe extern "C" fn(), world::Pair),
    /// A loop at EL1 whose HVCs go to a vector table of its own, with two values that the handler may switch between.
    El1(unsafe extern "C" fn(), unsafe extern "C" fn(), world::Pair),
    /// Loops on all CPUs at once.
    Parallel(world::Data),
    /// A loop at EL1 that believes to be at EL2 (FEAT_NV2), and the vector table that its traps go to.
    Nested(unsafe extern "C" fn(), unsafe extern "C" fn()),
    /// A page of code that has never run, for each turn.
    Cold,
}

/// How long a calibration takes at least.
const CALIBRATION_MS: u64 = 20;

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    world::build();
    let mut words = device_tree::boot_arguments().split_ascii_whitespace();
    let (name, count) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let Some(test) = tests().find(|t| t.name == name) else {
        println!("FAIL: no test {name:?}; there are:");
        return tests().for_each(|t| println!("  {}", t.name));
    };
    if matches!(test.run, Run::Cold) {
        cold::fill();
    }
    let (iterations, ticks) = match count.parse() {
        Ok(iterations) => test.timed(iterations),
        Err(_) => test.calibrated(),
    };
    println!(
        "bench-micro {name} iterations={iterations} operations={} ticks={ticks} frequency={}",
        iterations * test.operations,
        mrs!("cntfrq_el0")
    );
}

fn tests() -> impl Iterator<Item = Test> {
    let nothing = Test { name: "nothing", operations: 1, run: Run::Nothing };
    let cold = Test { name: "cold-code", operations: cold::INSTRUCTIONS, run: Run::Cold };
    let parallel = |name, data| Test { name, operations: parallel::INSTRUCTIONS, run: Run::Parallel(data) };
    let (own, shared) =
        (parallel("parallel", world::Data::Own), parallel("parallel-shared", world::Data::Shared));
    [nothing, cold, own, shared].into_iter().chain(el2::tests()).chain(el1::tests())
}

impl Test {
    /// Runs some turns; returns how many they were, and the ticks of the counter that they took.
    fn timed(&self, iterations: u64) -> (u64, u64) {
        let iterations =
            if matches!(self.run, Run::Cold) { iterations.min(cold::left()) } else { iterations };
        let began = mrs!("cntvct_el0");
        match self.run {
            _ if iterations == 0 => {}
            Run::Nothing => {}
            Run::El2(code, pair) => world::run_el2(code, pair, world::Data::Own, iterations),
            Run::El1(code, vectors, pair) => world::run_el1(code, vectors, pair, 0, iterations),
            Run::Nested(code, vectors) => {
                world::run_el1(code, vectors, world::Pair::Nothing, world::NESTED, iterations);
            }
            Run::Parallel(data) => parallel::run(data, iterations),
            Run::Cold => cold::run(iterations),
        }
        (iterations, mrs!("cntvct_el0") - began)
    }

    /// Runs more and more turns until they take long enough to be counted.
    fn calibrated(&self) -> (u64, u64) {
        let enough = mrs!("cntfrq_el0") / 1000 * CALIBRATION_MS;
        let mut iterations = 16;
        loop {
            let (done, ticks) = self.timed(iterations);
            if ticks >= enough || done < iterations || matches!(self.run, Run::Nothing) {
                return (done, ticks);
            }
            iterations *= 2;
        }
    }
}
