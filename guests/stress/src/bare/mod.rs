//! Reads the boot arguments, starts the other CPUs, and runs the groups of tests one after the other.
#![allow(unsafe_code)] // bare metal

mod apart;
mod atomics;
mod bits;
mod code;
mod crew;
mod events;
mod interrupts;
mod litmus;
mod mixed;
mod patch;
mod probe;
mod random;
mod report;
mod shapes;
mod stage1;
mod stage2;
mod storm;
mod tearing;
mod world;

use guest_support::{device_tree, println, sysreg};

/// A group of tests: its share of the time in hundredths, and what runs it for so many milliseconds.
struct Group {
    name: &'static str,
    share: u64,
    run: fn(u64),
}

const GROUPS: [Group; 8] = [
    Group { name: "litmus", share: 36, run: litmus::run },
    Group { name: "atomics", share: 10, run: atomics::run },
    Group { name: "bits", share: 5, run: bits::run },
    Group { name: "mixed", share: 6, run: mixed::run },
    Group { name: "tearing", share: 6, run: tearing::run },
    Group { name: "code", share: 12, run: code::run },
    Group { name: "translations", share: 19, run: storm::run },
    Group { name: "events", share: 6, run: events::run },
];

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    let seconds = argument("seconds=").and_then(|text| text.parse().ok()).unwrap_or(10_u64);
    let only = argument("only=");
    random::set_seed(argument("seed=").and_then(|text| text.parse().ok()).unwrap_or(1));
    if argument("apart").is_some() {
        apart::ask();
    }
    interrupts::install();
    crew::assemble();
    println!("stress at EL{}: {} CPUs, {seconds} s", sysreg::current_el(), crew::count());
    if let Some(name) = only
        && GROUPS.iter().all(|group| group.name != name)
    {
        println!("FAIL: no group {name:?}");
    }
    for group in &GROUPS {
        match only {
            None => (group.run)(seconds * 10 * group.share),
            Some(name) if name == group.name => (group.run)(seconds * 1000),
            Some(_) => {}
        }
    }
    crew::dismiss();
    interrupts::summary();
    report::summary();
}

/// The rest of the word of the boot arguments that begins so.
fn argument(name: &str) -> Option<&'static str> {
    device_tree::boot_arguments().split_ascii_whitespace().find_map(|word| word.strip_prefix(name))
}
