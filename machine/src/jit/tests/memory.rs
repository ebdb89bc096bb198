//! Loads and stores under stage 1: what the inline table serves, and everything that it must not.

use super::{DATA, Pair, Random, STAY, encodings, random_state, word};
use crate::board::memory_map::RAM_BASE;
use crate::clock::ClockMode;
use crate::cpu::{CpuState, Vcpu};
use crate::machine::testing::{cpus, cpus_in};
use droste_arch::a64::{Encoding, Group};
use droste_arch::fields::sctlr_el1;
use droste_arch::sysreg::SysReg;

const TABLES: u64 = RAM_BASE + 0xc_0000;
/// The second page of data, which the worlds map in their own ways.
pub(super) const SECOND: u64 = DATA + 0x1000;

const VALID_PAGE: u64 = 3 | 1 << 10 | 1 << 11;
const USER: u64 = 1 << 6;
const READ_ONLY: u64 = 1 << 7;
const DEVICE: u64 = 1 << 2;
const NOT_FOR_EL1: u64 = 1 << 53;

/// What TTBR0_EL1 may point to: one address space each, told apart by ASIDs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum World {
    /// Everything is readable and writable.
    Plain,
    /// The second page of data is read-only.
    ReadOnly,
    /// It is not there.
    Missing,
    /// Both pages of data are in each other's place.
    Swapped,
    /// It is Device memory.
    Device,
    /// Both pages are EL0's too.
    UserData,
    /// Everything is EL0's.
    User,
}

pub(super) const WORLDS: [World; 7] = [
    World::Plain,
    World::ReadOnly,
    World::Missing,
    World::Swapped,
    World::Device,
    World::UserData,
    World::User,
];

impl World {
    pub(super) fn root(self) -> u64 {
        TABLES + self as u64 * 0x3000
    }

    fn page(self, va: u64) -> u64 {
        let is_data = va == DATA || va == SECOND;
        let plain = va | VALID_PAGE;
        match self {
            World::ReadOnly if va == SECOND => plain | READ_ONLY,
            World::Missing if va == SECOND => 0,
            World::Swapped if is_data => (va ^ 0x1000) | VALID_PAGE,
            World::Device if va == SECOND => plain | DEVICE,
            World::UserData if is_data => plain | USER,
            World::User => plain | USER | NOT_FOR_EL1,
            _ => plain,
        }
    }

    pub(super) fn build(self, cpu: &Vcpu) {
        let ram = &cpu.machine.ram;
        let root = self.root();
        ram.write(root + 8 * (RAM_BASE >> 30), (root + 0x1000) | 3).expect("tables");
        ram.write(root + 0x1000, (root + 0x2000) | 3).expect("tables");
        for n in 0..256 {
            ram.write(root + 0x2000 + 8 * n, self.page(RAM_BASE + 0x1000 * n)).expect("tables");
        }
    }

    /// Puts a CPU's state into this world.
    fn enter(self, random: &mut Random, state: &mut CpuState) {
        let mut set = |r: SysReg, value| state.sys[r.index()] = value;
        set(SysReg::TTBR0_EL1, self.root() | (self as u64 + 1) << 48);
        set(SysReg::TCR_EL1, 25 | 25 << 16 | 0b10 << 30 | 0b101 << 32 | 1 << 36 | 1 << 37);
        set(SysReg::MAIR_EL1, 0x04ff);
        let mut sctlr = sctlr_el1::M.mask() | 1 << 23;
        for (field, one_in) in [
            (sctlr_el1::SA, 2),
            (sctlr_el1::SA0, 2),
            (sctlr_el1::A, 8),
            (sctlr_el1::EE, 16),
            (sctlr_el1::E0E, 16),
        ] {
            if random.below(one_in) == 0 {
                sctlr |= field.mask();
            }
        }
        set(SysReg::SCTLR_EL1, sctlr);
        state.pstate.el = u8::from(self != World::User);
        state.pstate.pan = random.below(4) == 0;
    }
}

fn on_one_thread() -> Pair {
    Pair::of(|model| cpus(model, 1).remove(0))
}

/// As on a machine whose CPUs run at the same time.
fn on_threads() -> Pair {
    Pair::of(|model| cpus_in(ClockMode::Real, model, 2).remove(0))
}

/// Addresses that the inline table is asked for: some at the end of a page, tagged, or in the code itself.
fn spread(random: &mut Random, state: &mut CpuState) {
    for r in 0..8 {
        match random.below(24) {
            0 => state.x[r] = SECOND - 1 - random.below(20),
            1 => state.x[r] = DATA + 0x2000 - 1 - random.below(20),
            2 => state.x[r] |= random.below(256) << 56,
            3 => state.x[r] |= 1 << (47 + random.below(17)),
            4 => state.x[r] = (state.pc & !0xfff) + 8 * random.below(512),
            _ => {}
        }
    }
}

/// Random programs of `length` instructions, each in a random world, with one JIT that lives through them all.
fn compare_worlds(mut pair: Pair, seed: u64, count: u32, length: u64, encodings: &[Encoding]) {
    let mut random = Random(seed);
    for cpu in [&pair.reference, &pair.tested] {
        WORLDS.iter().for_each(|world| world.build(cpu));
    }
    let base = pair.reference.state.clone();
    for case in 0..count {
        let pc = RAM_BASE + 0x1000 * random.below(16) + 4 * random.below(1024 - 32);
        let mut listing = String::new();
        for i in 0..length {
            let encoding = encodings[random.below(encodings.len() as u64) as usize];
            let word = word(&mut random, encoding);
            pair.write(pc + 4 * i, word);
            listing += &format!("\n  {word:08x} {encoding}");
        }
        for i in length..length + 8 {
            pair.write(pc + 4 * i, STAY);
        }
        let world = WORLDS[random.below(WORLDS.len() as u64) as usize];
        let mut state = random_state(&mut random, &base, pc);
        world.enter(&mut random, &mut state);
        spread(&mut random, &mut state);
        state.insn_count = pair.reference.state.insn_count;
        pair.start(&state);
        let shown = format!(
            "case {case} at {pc:x} in {world:?}, sctlr {:x} pan {}:{listing}\n sp {:x} x {:x?}",
            state.sys[SysReg::SCTLR_EL1.index()],
            state.pstate.pan,
            state.sp,
            state.x
        );
        pair.run(2 * length + 4);
        pair.compare(&shown);
    }
}

const MEMORY: [Group; 20] = [
    Group::LdstLdstPos,
    Group::LdstLdstUnscaled,
    Group::LdstLdstImmpost,
    Group::LdstLdstImmpre,
    Group::LdstLdstRegoff,
    Group::LdstLdstpairOff,
    Group::LdstLdstnapairOffs,
    Group::LdstLdstpairPost,
    Group::LdstLdstpairPre,
    Group::LdstLoadlit,
    Group::LdstLdstord,
    Group::LdstLdstUnpriv,
    Group::LdstLdapstlUnscaled,
    Group::LdstMemop,
    Group::LdstComswap,
    Group::LdstComswappr,
    Group::LdstLdstexclr,
    Group::LdstLdstexclp,
    Group::ControlBarriers,
    Group::DpimmAddsubImm,
];

/// What spans are made of.
const NEAR: [Group; 9] = [
    Group::LdstLdstPos,
    Group::LdstLdstUnscaled,
    Group::LdstLdstImmpost,
    Group::LdstLdstImmpre,
    Group::LdstLdstpairOff,
    Group::LdstLdstpairPost,
    Group::LdstLdstpairPre,
    Group::DpimmAddsubImm,
    Group::ControlCondbranch,
];

#[test]
fn every_access_does_what_the_interpreter_does_in_every_world() {
    for (n, encoding) in encodings(&MEMORY).into_iter().enumerate() {
        compare_worlds(on_one_thread(), 0x3e30_0000_0001 + n as u64, 150, 1, &[encoding]);
    }
}

#[test]
fn atomic_forms_for_cpus_that_run_at_the_same_time_do_the_same() {
    for (n, encoding) in encodings(&MEMORY).into_iter().enumerate() {
        compare_worlds(on_threads(), 0x5a9e_0000_0001 + n as u64, 60, 1, &[encoding]);
    }
}

#[test]
fn sequences_of_accesses_do_what_the_interpreter_does() {
    compare_worlds(on_one_thread(), 0x5e90_0001, 6000, 10, &encodings(&MEMORY));
    compare_worlds(on_threads(), 0x5e90_0002, 3000, 10, &encodings(&MEMORY));
}

#[test]
fn accesses_that_share_a_check_do_what_the_interpreter_does() {
    compare_worlds(on_one_thread(), 0x59a0_0001, 10_000, 14, &encodings(&NEAR));
    compare_worlds(on_threads(), 0x59a0_0002, 4000, 14, &encodings(&NEAR));
}
