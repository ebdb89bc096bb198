//! The JIT against the interpreter: the same code and state, and the same state afterwards.

mod control;
mod flags;
mod memory;
mod system;
mod vectors;
mod vncr;
mod vncr_changes;

use super::Jit;
use crate::board::memory_map::RAM_BASE;
use crate::cpu::model::Model;
use crate::cpu::{CpuState, Vcpu};
use crate::interp::{BlockCache, run, run_with};
use crate::machine::testing::cpus;
use droste_arch::a64::{Encoding, Group};
use droste_arch::fields::cpacr_el1;
use droste_arch::sysreg::SysReg;

const VECTORS: u64 = RAM_BASE + 0x4_0000;
const DATA: u64 = RAM_BASE + 0x8_0000;
const DATA_BYTES: u64 = 0x2000;
/// `b .`
const STAY: u32 = 0x1400_0000;

/// The groups that have templates.
const GROUPS: [Group; 41] = [
    Group::DpimmAddsubImm,
    Group::DpregAddsubShift,
    Group::DpregAddsubExt,
    Group::DpregAddsubCarry,
    Group::DpimmLogImm,
    Group::DpregLogShift,
    Group::DpimmMovewide,
    Group::DpimmBitfield,
    Group::DpimmExtract,
    Group::DpimmPcreladdr,
    Group::DpregCondsel,
    Group::DpregCondcmpImm,
    Group::DpregCondcmpReg,
    Group::DpregDp3src,
    Group::DpregDp2src,
    Group::DpregDp1src,
    Group::ControlBranchImm,
    Group::ControlCondbranch,
    Group::ControlCompbranch,
    Group::ControlTestbranch,
    Group::ControlBranchReg,
    Group::ControlHints,
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
];

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 32) % n
    }

    /// Values at which arithmetic changes its mind, and others.
    fn value(&mut self) -> u64 {
        const EDGES: [u64; 10] = [
            0,
            1,
            u64::MAX,
            i64::MAX as u64,
            i64::MIN as u64,
            0xffff_ffff,
            0x7fff_ffff,
            0x8000_0000,
            31,
            0xffff_ffff_8000_0000,
        ];
        match self.below(3) {
            0 => EDGES[self.below(10) as usize],
            1 => self.next() >> self.below(64),
            _ => self.next(),
        }
    }
}

/// One CPU for each executor, on machines of their own.
struct Pair {
    reference: Vcpu,
    blocks: BlockCache,
    tested: Vcpu,
    jit: Jit,
}

impl Pair {
    fn new() -> Pair {
        Pair::of(|model| cpus(model, 1).remove(0))
    }

    fn of(make: impl Fn(Model) -> Vcpu) -> Pair {
        let cpu = || {
            let mut cpu = make(Model::parse("max").expect("the model exists"));
            cpu.state.pstate.el = 1;
            cpu.set_sys(SysReg::CPACR_EL1, cpacr_el1::FPEN.mask());
            cpu.set_sys(SysReg::CPTR_EL2, 0);
            cpu.set_sys(SysReg::VBAR_EL1, VECTORS);
            for vector in 0..16 {
                cpu.machine.ram.write(VECTORS + 0x80 * vector, STAY).expect("vectors");
            }
            cpu.context_changed();
            cpu
        };
        Pair {
            reference: cpu(),
            blocks: BlockCache::default(),
            tested: cpu(),
            jit: Jit::new(1).expect("code memory"),
        }
    }

    fn write(&mut self, pa: u64, word: u32) {
        for cpu in [&self.reference, &self.tested] {
            cpu.machine.ram.write(pa, word).expect("RAM");
        }
    }

    fn start(&mut self, state: &CpuState) {
        for cpu in [&mut self.reference, &mut self.tested] {
            cpu.state = state.clone();
            cpu.context_changed();
        }
    }

    fn run(&mut self, instructions: u64) {
        let limit = self.reference.state.insn_count + instructions;
        let exits = [
            run(&mut self.reference, &mut self.blocks, limit),
            run_with(&mut self.tested, &mut self.jit, limit),
        ];
        assert_eq!(exits[0], exits[1]);
    }

    fn compare(&self, what: &dyn std::fmt::Display) {
        let (a, b) = (&self.reference.state, &self.tested.state);
        for r in 0..31 {
            assert_eq!(a.x[r], b.x[r], "x{r}: {:x} {:x} in {what}", a.x[r], b.x[r]);
        }
        assert_eq!((a.pc, a.sp), (b.pc, b.sp), "pc, sp in {what}");
        assert_eq!(a.nzcv, b.nzcv, "nzcv in {what}");
        assert_eq!(a.insn_count, b.insn_count, "count in {what}");
        for r in 0..32 {
            assert_eq!(a.v[r], b.v[r], "v{r}: {:032x} {:032x} in {what}", a.v[r], b.v[r]);
        }
        assert_eq!((a.fpcr, a.fpsr), (b.fpcr, b.fpsr), "fpcr, fpsr in {what}");
        assert_eq!(a.pstate, b.pstate, "pstate in {what}");
        assert_eq!(a.sys, b.sys, "system registers in {what}");
        let memory = |cpu: &Vcpu| {
            let mut bytes = vec![0; DATA_BYTES as usize];
            cpu.machine.ram.copy_out(DATA, &mut bytes).expect("RAM");
            bytes
        };
        assert!(memory(&self.reference) == memory(&self.tested), "memory in {what}");
    }
}

/// A random word of an encoding that stays within the test's code and data mostly.
fn word(random: &mut Random, encoding: Encoding) -> u32 {
    let mut word = encoding.value() | random.next() as u32 & !encoding.mask();
    let mut field = |low: u32, width: u32, value: u64| {
        let mask = ((1u32 << width) - 1) << low & !encoding.mask();
        word = word & !mask | (value as u32) << low & mask;
    };
    match encoding.group() {
        Group::ControlBranchImm => field(0, 26, 1 + random.below(3)),
        Group::ControlCondbranch | Group::ControlCompbranch => field(5, 19, 1 + random.below(3)),
        Group::ControlTestbranch => field(5, 14, 1 + random.below(3)),
        Group::ControlBranchReg => field(5, 5, 8 + random.below(2)),
        Group::LdstLoadlit => field(5, 19, random.below(8)),
        Group::LdstLdstPos => {
            field(10, 12, random.below(32));
            field(5, 5, if random.below(8) == 0 { 31 } else { random.below(8) });
        }
        group if format!("{group:?}").starts_with("Ldst") => {
            field(5, 5, if random.below(8) == 0 { 31 } else { random.below(8) });
        }
        _ => {}
    }
    if encoding.group() == Group::LdstLdstRegoff {
        word = word & !(31 << 16) | (10 + random.below(2) as u32) << 16;
    }
    word
}

fn random_state(random: &mut Random, base: &CpuState, pc: u64) -> CpuState {
    let mut state = base.clone();
    for r in 0..31 {
        state.x[r] = random.value();
    }
    for r in 0..8 {
        let align = [1, 4, 8, 16, 16, 16][random.below(6) as usize];
        state.x[r] = DATA + 0x800 + (random.below(0x1000) & !(align - 1));
    }
    state.x[8] = pc + 4 * random.below(8);
    state.x[9] = pc + 4 * random.below(8);
    state.x[10] = random.below(64);
    state.x[11] = random.below(64).wrapping_neg();
    state.sp = DATA + 0x1000 + 16 * random.below(16) + 8 * (random.below(8) / 7);
    state.nzcv.set((random.next() as u32) & 0xf000_0000);
    for v in &mut state.v {
        *v = u128::from(random.next()) << 64 | u128::from(random.next());
    }
    state.pc = pc;
    state
}

/// Programs of `length` instructions of these encodings.
fn compare_programs(seed: u64, count: u32, length: u64, encodings: &[Encoding]) {
    compare_programs_with(&mut Pair::new(), random_state, seed, count, length, encodings);
}

/// The same with states from a function.
fn compare_programs_with(
    pair: &mut Pair,
    state_of: impl Fn(&mut Random, &CpuState, u64) -> CpuState,
    seed: u64,
    count: u32,
    length: u64,
    encodings: &[Encoding],
) {
    let mut random = Random(seed);
    let base = pair.reference.state.clone();
    for case in 0..count {
        let pc = RAM_BASE + 0x1000 * random.below(16) + 4 * random.below(1024 - 16);
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
        let mut state = state_of(&mut random, &base, pc);
        state.insn_count = pair.reference.state.insn_count;
        pair.start(&state);
        let shown = format!(
            "case {case} at {pc:x}:{listing}\n nzcv {:x} fpcr {:x} fpsr {:x} x {:x?} v {:x?}",
            state.nzcv.bits(),
            state.fpcr,
            state.fpsr,
            state.x,
            state.v
        );
        pair.run(2 * length + 4);
        pair.compare(&shown);
    }
}

fn encodings(groups: &[Group]) -> Vec<Encoding> {
    Encoding::all().filter(|e| groups.contains(&e.group())).collect()
}

#[test]
fn single_instructions_do_what_the_interpreter_does() {
    for (n, encoding) in encodings(&GROUPS).into_iter().enumerate() {
        compare_programs(0x1234_5678_9abc + n as u64, 60, 1, &[encoding]);
    }
}

#[test]
fn sequences_do_what_the_interpreter_does() {
    compare_programs(0xfeed_5eed, 6000, 8, &encodings(&GROUPS));
}

#[test]
fn flags_survive_everything_between_their_producer_and_their_consumer() {
    let groups = [
        Group::DpimmAddsubImm,
        Group::DpregAddsubShift,
        Group::DpregAddsubCarry,
        Group::DpimmLogImm,
        Group::DpregCondsel,
        Group::DpregCondcmpImm,
        Group::DpregCondcmpReg,
        Group::ControlCondbranch,
        Group::LdstLdstPos,
    ];
    compare_programs(0xf1a6_5000, 6000, 10, &encodings(&groups));
}

#[test]
fn loops_stop_at_the_limit_as_the_interpreter_does() {
    let mut pair = Pair::new();
    // add x0, x0, #1; cbnz x1, .-4; and a store on the way.
    for (i, word) in [0x9100_0400, 0xf900_0040, 0x3500_0001 | 0x7_fffe << 5, STAY].into_iter().enumerate() {
        pair.write(RAM_BASE + 4 * i as u64, word);
    }
    for limit in [1, 2, 3, 100, 1001] {
        let mut state = pair.reference.state.clone();
        (state.pc, state.x[0], state.x[1], state.x[2]) = (RAM_BASE, 0, 1, DATA);
        pair.start(&state);
        pair.run(limit);
        pair.compare(&limit);
    }
}

#[test]
fn code_that_rewrites_its_own_page_executes_what_it_wrote() {
    let mut pair = Pair::new();
    // Each turn stores x3 over the add that the next turn executes, and swaps the two candidates.
    let code = [
        0x9100_0400, // add x0, x0, #1
        0xb900_0043, // str w3, [x2]
        0xaa03_03e5, // mov x5, x3
        0xaa04_03e3, // mov x3, x4
        0xaa05_03e4, // mov x4, x5
        0x17ff_fffb, // b .-20
    ];
    for (i, word) in code.into_iter().enumerate() {
        pair.write(RAM_BASE + 4 * i as u64, word);
    }
    let mut state = pair.reference.state.clone();
    (state.pc, state.x[0], state.x[2]) = (RAM_BASE, 0, RAM_BASE);
    (state.x[3], state.x[4]) = (0x9100_0800, 0x9100_1000); // add x0, x0, #2 and #4
    pair.start(&state);
    pair.run(60);
    pair.compare(&"self-modifying code");
    assert_eq!(pair.tested.state.x[0], 1 + 2 + 4 + 2 + 4 + 2 + 4 + 2 + 4 + 2);
}

#[test]
fn code_that_a_device_replaces_is_compiled_again() {
    let mut pair = Pair::new();
    pair.write(RAM_BASE, 0x9100_0400);
    pair.write(RAM_BASE + 4, 0x17ff_ffff);
    let mut state = pair.reference.state.clone();
    state.pc = RAM_BASE;
    pair.start(&state);
    pair.run(100);
    pair.write(RAM_BASE, 0x9100_0800);
    pair.run(100);
    pair.compare(&"replaced code");
}

#[test]
fn calls_and_returns_across_pages_end_where_they_should() {
    let mut pair = Pair::new();
    // blr x1 twice, to a function in another page that adds and returns; then again.
    for (at, word) in
        [(0, 0xd63f_0020), (4, 0xd63f_0020), (8, 0x17ff_fffe), (0x1000, 0x9100_0400), (0x1004, 0xd65f_03c0)]
    {
        pair.write(RAM_BASE + at, word);
    }
    let mut state = pair.reference.state.clone();
    (state.pc, state.x[0], state.x[1]) = (RAM_BASE, 0, RAM_BASE + 0x1000);
    pair.start(&state);
    for _ in 0..50 {
        pair.run(7);
        pair.compare(&"calls");
    }
    assert!(pair.tested.state.x[0] > 40);
}
