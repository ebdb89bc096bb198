//! Effects of instructions as QEMU 10.0 recorded them, over boundary values and random ones.
//!
//! Each line of `recorded.txt` is: words, state before, what differs after, and the assembly for the reader.
//! `xN`, `vN`, `sp` and `nzcv` are registers, all of them zero where the line does not say; `mN` are bytes
//! of a 128-byte buffer from offset N, whose byte i is 37i + 11; `ec` is the class of the exception taken.

use super::single::Single;
use super::{RAM, coverage, cpu_of};
use crate::cpu::Vcpu;
use droste_arch::a64;
use droste_arch::sysreg::SysReg;
use std::fmt::Write;

const CASES: &str = include_str!("recorded.txt");

const BUFFER_PA: u64 = RAM + 0x10_0000;
const BUFFER_BYTES: usize = 128;

fn pattern() -> [u8; BUFFER_BYTES] {
    std::array::from_fn(|i| (i * 37 + 11) as u8)
}

/// A CPU at EL1 with the MMU on: RAM at its place for EL1 and again at the buffer's for EL0.
fn cpu_with_tables() -> Vcpu {
    const TABLE: u64 = RAM + 0x1000;
    let mut cpu = cpu_of(coverage::implemented());
    cpu.state.pstate.el = 1;
    for (index, entry) in [(1, 0x4000_0705u64), (2, 0x4000_0745)] {
        cpu.machine.ram.write::<u64>(TABLE + 8 * index, entry).expect("table");
    }
    cpu.set_sys(SysReg::TTBR0_EL1, TABLE);
    cpu.set_sys(SysReg::MAIR_EL1, 0xff00);
    // A 39-bit space of 4 KiB pages below, none above.
    cpu.set_sys(SysReg::TCR_EL1, 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32);
    // M, C, SA, I, and what makes FEAT_MOPS and FP work at EL1.
    cpu.set_sys(SysReg::SCTLR_EL1, 1 | 1 << 2 | 1 << 3 | 1 << 12);
    cpu.set_sys(SysReg::CPACR_EL1, 3 << 20);
    cpu.set_sys(SysReg::CPTR_EL2, 0);
    cpu.set_sys(SysReg::HCRX_EL2, u64::MAX);
    cpu.context_changed();
    cpu
}

fn set_before(cpu: &mut Vcpu, before: &str) {
    cpu.state.x = [0; 31];
    cpu.state.v = [0; 32];
    cpu.state.nzcv.set(0);
    cpu.state.sp = 0;
    cpu.state.exclusive.valid = false;
    for item in before.split_whitespace() {
        let (name, value) = item.split_once('=').expect("name=value");
        let value = u128::from_str_radix(value, 16).expect("hexadecimal");
        match name.split_at(1) {
            ("x", n) => cpu.state.x[n.parse::<usize>().expect("register")] = value as u64,
            ("v", n) => cpu.state.v[n.parse::<usize>().expect("register")] = value,
            ("n", "zcv") => cpu.state.nzcv.set((value as u32) << 28),
            ("s", "p") => cpu.state.sp = value as u64,
            _ => panic!("{name}"),
        }
    }
}

/// What differs from `old`, written as in the cases.
fn changes(old: &Vcpu, new: &Vcpu, buffer: &[u8]) -> String {
    let (old, new) = (&old.state, &new.state);
    let mut out = String::new();
    for n in 0..5 {
        if new.x[n] != old.x[n] {
            write!(out, " x{n}={:x}", new.x[n]).expect("string");
        }
    }
    if new.nzcv != old.nzcv {
        write!(out, " nzcv={:x}", new.nzcv.bits() >> 28).expect("string");
    }
    if new.sp != old.sp {
        write!(out, " sp={:x}", new.sp).expect("string");
    }
    for n in 0..2 {
        if new.v[n] != old.v[n] {
            write!(out, " v{n}={:x}", new.v[n]).expect("string");
        }
    }
    let pattern = pattern();
    let mut i = 0;
    while i < buffer.len() {
        if buffer[i] == pattern[i] {
            i += 1;
            continue;
        }
        write!(out, " m{i:x}=").expect("string");
        while i < buffer.len() && buffer[i] != pattern[i] {
            write!(out, "{:02x}", buffer[i]).expect("string");
            i += 1;
        }
    }
    out.trim_start().to_owned()
}

/// Executes the words of a case and returns what they changed.
fn run(executor: &mut Single, cpu: &mut Vcpu, words: &str, before: &str) -> String {
    let ram = cpu.machine.ram.clone();
    ram.copy_in(BUFFER_PA, &pattern()).expect("buffer");
    set_before(cpu, before);
    let mut old = Vcpu::new(cpu.machine.clone(), 0);
    old.state = cpu.state.clone();
    for word in words.split(',') {
        let word = u32::from_str_radix(word, 16).expect("instruction word");
        let pc = cpu.state.pc;
        while cpu.state.pc == pc {
            if let Err(class) = executor.execute(cpu, word) {
                return format!("ec={class:x}");
            }
        }
        let encoding = a64::decode(word).expect("encoding");
        if matches!(encoding.group(), a64::Group::LdstMemcms) {
            // The option is the implementation's choice, and the flags after the last part say nothing.
            old.state.nzcv = cpu.state.nzcv;
        }
    }
    let mut buffer = [0; BUFFER_BYTES];
    ram.copy_out(BUFFER_PA, &mut buffer).expect("buffer");
    changes(&old, cpu, &buffer)
}

/// Runs the cases whose first word is a load or store, or is not.
fn check(loads_and_stores: bool) {
    Single::all().for_each(|executor| check_on(executor, loads_and_stores));
}

fn check_on(mut executor: Single, loads_and_stores: bool) {
    let mut cpu = cpu_with_tables();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in CASES.lines() {
        let [words, before, after, assembly] =
            line.split('|').map(str::trim).collect::<Vec<_>>()[..].try_into().expect("four columns");
        let first = u32::from_str_radix(&words[..8], 16).expect("instruction word");
        // Bits 27 and 25 of the word are the major group.
        if (first >> 27 & 1 != 0 && first >> 25 & 1 == 0) != loads_and_stores {
            continue;
        }
        let got = run(&mut executor, &mut cpu, words, before);
        if got != after {
            wrong.push(format!("{words} {assembly}\n  before {before}\n  expected {after}\n  got {got}"));
        }
        count += 1;
    }
    let by = executor.name();
    assert!(count > 400, "{count} cases");
    assert!(wrong.is_empty(), "{} of {count} cases differ by the {by}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn recorded_data_processing_has_the_recorded_effects() {
    check(false);
}

#[test]
fn recorded_loads_and_stores_have_the_recorded_effects() {
    check(true);
}
