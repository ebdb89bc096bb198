//! Control flow and the code cache: chains over changing translations, branch types, stores beside and over code, and
//! a region that is too small.

use super::{DATA, GROUPS, Pair, RAM_BASE, Random, STAY, encodings, random_state, word};
use crate::interp::run_with;
use crate::jit::Jit;
use droste_arch::fields::sctlr_el1;
use droste_arch::sysreg::SysReg;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const B: u32 = 0x1400_0000;
const RET: u32 = 0xd65f_03c0;
const NOP: u32 = 0xd503_201f;
const ISB: u32 = 0xd503_3fdf;
const DSB_ISH: u32 = 0xd503_3b9f;
const TLBI_VAAE1_X4: u32 = 0xd508_8764;
const MSR_TTBR0_X7: u32 = 0xd518_2007;

/// `add xd, xd, #imm`.
fn add(d: u32, imm: u32) -> u32 {
    0x9100_0000 | imm << 10 | d << 5 | d
}

/// `mov xd, xm`.
fn mov(d: u32, m: u32) -> u32 {
    0xaa00_03e0 | m << 16 | d
}

fn br(n: u32) -> u32 {
    0xd61f_0000 | n << 5
}

fn blr(n: u32) -> u32 {
    0xd63f_0000 | n << 5
}

/// `b` from one address to another.
fn b(from: u64, to: u64) -> u32 {
    B | ((to.wrapping_sub(from) >> 2) as u32 & 0x03ff_ffff)
}

const TABLES: u64 = RAM_BASE + 0x6_0000;
/// The virtual address of the pages that [`map`] maps; RAM is mapped one to one as well.
const WINDOW: u64 = 0x8000_0000;
const NON_GLOBAL: u64 = 1 << 11;
const GUARDED: u64 = 1 << 50;

/// A descriptor of a page of code, of EL1.
fn page(pa: u64, bits: u64) -> u64 {
    pa | bits | 1 << 10 | 3 << 8 | 3
}

/// The root of address space `n`, and where its first page descriptor is.
fn tables(n: u64) -> (u64, u64) {
    let root = TABLES + 0x3000 * n;
    (root, root + 0x2000)
}

impl Pair {
    fn program(&mut self, at: u64, words: &[u32]) {
        for (i, &word) in words.iter().enumerate() {
            self.write(at + 4 * i as u64, word);
        }
    }

    fn write_long(&mut self, pa: u64, value: u64) {
        self.write(pa, value as u32);
        self.write(pa + 4, (value >> 32) as u32);
    }

    /// Makes the tables of an address space whose window has these pages.
    fn map(&mut self, space: u64, pages: &[u64]) {
        let (root, leaf) = tables(space);
        self.write_long(root + 8, RAM_BASE | 1 << 10 | 3 << 8 | 1);
        self.write_long(root + 16, (root + 0x1000) | 3);
        self.write_long(root + 0x1000, leaf | 3);
        for (n, &descriptor) in pages.iter().enumerate() {
            self.write_long(leaf + 8 * n as u64, descriptor);
        }
    }

    /// Turns the MMU on, with address space 0 and ASID 1.
    fn translate(&mut self) {
        for cpu in [&mut self.reference, &mut self.tested] {
            cpu.set_sys(SysReg::MAIR_EL1, 0xff);
            // 39 bits in the low half, none in the high one, 40 of output.
            cpu.set_sys(SysReg::TCR_EL1, 25 | 1 << 23 | 0b10 << 32);
            cpu.set_sys(SysReg::TTBR0_EL1, tables(0).0 | 1 << 48);
            let sctlr = cpu.sys(SysReg::SCTLR_EL1);
            cpu.set_sys(SysReg::SCTLR_EL1, sctlr | sctlr_el1::M.mask());
            cpu.context_changed();
        }
    }

    fn restart(&mut self, pc: u64, x: &[(usize, u64)]) {
        let mut state = self.reference.state.clone();
        state.pc = pc;
        for &(r, value) in x {
            state.x[r] = value;
        }
        self.start(&state);
    }
}

/// Two pages that are one behind the other in the window, of which the first jumps to the second, which adds to X0 and
/// returns; there are two candidates for the second.
fn two_pages(pair: &mut Pair) -> [u64; 3] {
    let [first, one, other] = [0x1_0000, 0x1_1000, 0x1_3000].map(|offset| RAM_BASE + offset);
    pair.program(first, &[b(0, 0x1000)]);
    pair.program(one, &[add(0, 1), RET]);
    pair.program(other, &[add(0, 0x100), RET]);
    [first, one, other]
}

#[test]
fn a_jump_to_another_page_follows_the_translation_when_a_tlbi_says_so() {
    let mut pair = Pair::new();
    let [first, one, other] = two_pages(&mut pair);
    pair.map(0, &[page(first, 0), page(one, 0)]);
    let store_x3_to_x2 = 0xf900_0043;
    let mut program = vec![blr(1), blr(1), store_x3_to_x2, DSB_ISH, TLBI_VAAE1_X4, DSB_ISH, ISB, blr(1)];
    program.extend([mov(6, 3), mov(3, 5), mov(5, 6), b(4 * 11, 0)]);
    pair.program(RAM_BASE, &program);
    pair.translate();
    let entry = tables(0).1 + 8;
    let x = [(0, 0), (1, WINDOW), (2, entry), (3, page(other, 0)), (4, (WINDOW + 0x1000) >> 12)];
    pair.restart(RAM_BASE, &x);
    pair.reference.state.x[5] = page(one, 0);
    pair.tested.state.x[5] = page(one, 0);
    for _ in 0..20 {
        pair.run(7);
        pair.compare(&"remapped code");
    }
    let sum = pair.tested.state.x[0];
    assert!(sum & 0xff > 3 && sum >> 8 > 3, "both pages were executed: {sum:x}");
}

#[test]
fn a_jump_to_another_page_follows_the_address_space() {
    let mut pair = Pair::new();
    let [first, one, other] = two_pages(&mut pair);
    pair.map(0, &[page(first, NON_GLOBAL), page(one, NON_GLOBAL)]);
    pair.map(1, &[page(first, NON_GLOBAL), page(other, NON_GLOBAL)]);
    let swap = [mov(6, 7), mov(7, 8), mov(8, 6)];
    let mut program = vec![blr(1), blr(1), MSR_TTBR0_X7, ISB];
    program.extend(swap);
    program.push(b(4 * 7, 0));
    pair.program(RAM_BASE, &program);
    pair.translate();
    let roots = [tables(1).0 | 2 << 48, tables(0).0 | 1 << 48];
    pair.restart(RAM_BASE, &[(0, 0), (1, WINDOW), (7, roots[0]), (8, roots[1])]);
    for _ in 0..30 {
        pair.run(9);
        pair.compare(&"two address spaces");
    }
    let sum = pair.tested.state.x[0];
    assert!(sum & 0xff > 3 && sum >> 8 > 3, "both pages were executed: {sum:x}");
}

#[test]
fn a_jump_to_another_page_follows_the_address_that_its_own_page_is_executed_at() {
    let mut pair = Pair::new();
    let [first, one, other] = two_pages(&mut pair);
    // The first page is mapped twice, each time before another second page.
    pair.map(0, &[page(first, 0), page(one, 0), page(first, 0), page(other, 0)]);
    pair.program(RAM_BASE, &[blr(1), blr(2), blr(2), b(12, 0)]);
    pair.translate();
    pair.restart(RAM_BASE, &[(0, 0), (1, WINDOW), (2, WINDOW + 0x2000)]);
    for _ in 0..30 {
        pair.run(7);
        pair.compare(&"one page at two addresses");
    }
    let sum = pair.tested.state.x[0];
    assert_eq!(sum >> 8 & 0xff, 2 * (sum & 0xff));
}

#[test]
fn branch_types_and_guarded_pages_let_in_what_they_should() {
    let targets = [
        ("bti", 0xd503_241f),
        ("bti c", 0xd503_245f),
        ("bti j", 0xd503_249f),
        ("bti jc", 0xd503_24df),
        ("nop", NOP),
        ("paciasp", 0xd503_233f),
        ("add", add(0, 1)),
        ("brk", 0xd420_0000),
    ];
    let branches = [("br x1", br(1)), ("br x16", br(16)), ("blr x1", blr(1)), ("ret x1", 0xd65f_0020)];
    let mut pair = Pair::new();
    let (from, to) = (RAM_BASE + 0x1_0000, RAM_BASE + 0x1_2000);
    let pages = [from, from, to, to].into_iter().enumerate();
    let pages: Vec<u64> = pages.map(|(n, pa)| page(pa, if n & 1 != 0 { GUARDED } else { 0 })).collect();
    pair.map(0, &pages);
    for (n, (_, target)) in targets.iter().enumerate() {
        pair.program(to + 0x20 * n as u64, &[*target, add(0, 1), STAY]);
    }
    for (n, (_, branch)) in branches.iter().enumerate() {
        pair.program(from + 0x20 * n as u64, &[add(0, 2), *branch]);
    }
    pair.translate();
    // Three times, so that the branch cache knows what it may know.
    for case in 0..3 * 4 * branches.len() * targets.len() {
        let (guards, branch, target) = (case % 4, case / 4 % branches.len(), case / 16 % targets.len());
        let start = WINDOW + 0x1000 * (guards as u64 & 1) + 0x20 * branch as u64;
        let end = WINDOW + 0x2000 + 0x1000 * (guards as u64 >> 1) + 0x20 * target as u64;
        for cpu in [&mut pair.reference, &mut pair.tested] {
            cpu.state.pstate.el = 1;
            cpu.state.pstate.btype = 0;
        }
        pair.restart(start, &[(1, end), (16, end)]);
        pair.run(6);
        pair.compare(&format!("{} to {}, guarded {guards:02b}", branches[branch].0, targets[target].0));
    }
}

#[test]
fn stores_beside_code_leave_it_alone_and_stores_over_it_do_not() {
    let mut pair = Pair::new();
    // A loop that stores to its own page, 512 bytes on; then the same over its first instruction.
    let program = [add(0, 1), 0xf900_0043, b(8, 0)];
    pair.program(RAM_BASE, &program);
    pair.restart(RAM_BASE, &[(0, 0), (2, RAM_BASE + 0x200), (3, 0)]);
    pair.run(3000);
    pair.compare(&"data beside code");
    let counts = pair.jit.counts();
    assert_eq!((counts.compiled, counts.overwritten), (1, 0));
    let word = u64::from(add(0, 1)) | u64::from(program[1]) << 32;
    pair.restart(RAM_BASE, &[(0, 0), (2, RAM_BASE), (3, word)]);
    pair.run(300);
    pair.compare(&"data over code");
    let counts = pair.jit.counts();
    assert!(counts.overwritten > 90, "{counts:?}");
    assert_eq!(pair.tested.state.x[0], 100);
}

#[test]
fn a_region_that_is_too_small_is_used_again_and_again() {
    let mut pair = Pair::new();
    pair.jit = Jit::with_region(1 << 20).expect("code memory");
    // Blocks all over 56 pages, each of which jumps to the next; the last returns to a loop that calls the first.
    let (first, end) = (RAM_BASE + 0x1000, RAM_BASE + 0x3_9000);
    let mut at = first;
    while at < end {
        let next = at + 16;
        let last = if next < end { b(at + 12, next) } else { RET };
        pair.program(at, &[add(0, 1), add(3, 2), 0xf900_0043, last]);
        at = next;
    }
    pair.program(RAM_BASE, &[blr(1), b(4, 0)]);
    pair.restart(RAM_BASE, &[(0, 0), (1, first), (2, DATA), (3, 0)]);
    for n in 0..4 {
        pair.run(50_000);
        pair.compare(&n);
    }
    let counts = pair.jit.counts();
    assert!(counts.reclaimed > 16, "{counts:?}");
    assert_eq!(counts.overwritten, 0);
}

#[test]
fn loops_of_one_block_do_what_the_interpreter_does() {
    let groups: Vec<_> =
        GROUPS.into_iter().filter(|group| !format!("{group:?}").starts_with("Control")).collect();
    let bodies = encodings(&groups);
    let mut random = Random(0x1009_1009);
    let mut pair = Pair::new();
    let base = pair.reference.state.clone();
    for case in 0..4000 {
        let pc = RAM_BASE + 0x1000 * random.below(16) + 4 * random.below(1000);
        let length = 1 + random.below(12);
        let mut listing = String::new();
        let mut at = pc;
        for _ in 0..length {
            let encoding = bodies[random.below(bodies.len() as u64) as usize];
            let word = word(&mut random, encoding);
            pair.write(at, word);
            listing += &format!("\n  {word:08x} {encoding}");
            at += 4;
        }
        // Two branches to the start: B.cond, CBNZ, TBZ or B, the first of which may not be taken for ever.
        let back = |from: u64| (pc.wrapping_sub(from) >> 2) as u32;
        for _ in 0..2 {
            let bit = random.next() as u32;
            let word = match random.below(4) {
                0 => 0x5400_0000 | (back(at) & 0x7_ffff) << 5 | bit & 15,
                1 => 0x3500_0000 | (bit & 1) << 31 | (back(at) & 0x7_ffff) << 5 | bit >> 8 & 31,
                2 => 0x3600_0000 | (back(at) & 0x3fff) << 5 | bit & 31 | (bit >> 8 & 31) << 19,
                _ => b(at, pc),
            };
            pair.write(at, word);
            listing += &format!("\n  {word:08x}");
            at += 4;
        }
        for i in 0..8 {
            pair.write(at + 4 * i, STAY);
        }
        let mut state = random_state(&mut random, &base, pc);
        state.insn_count = pair.reference.state.insn_count;
        pair.start(&state);
        let shown =
            format!("case {case} at {pc:x}:{listing}\n nzcv {:x} x {:x?}", state.nzcv.bits(), state.x);
        for _ in 0..3 {
            pair.run(1 + random.below(100));
            pair.compare(&shown);
        }
    }
}

#[test]
fn a_reset_does_not_bring_ids_of_fetches_back() {
    let mut pair = Pair::new();
    let cpu = &mut pair.tested;
    let before = cpu.tlb.fetch_id(RAM_BASE);
    cpu.mmu_reset();
    cpu.context_changed();
    assert!(cpu.tlb.fetch_id(RAM_BASE) > before);
}

#[test]
fn code_that_another_cpu_replaces_is_executed_after_an_isb() {
    const ROUNDS: u32 = 500;
    let (function, flag, answer) = (RAM_BASE + 0x1_0000, DATA, DATA + 0x40);
    let mut pair = Pair::new();
    // Waits for the flag to be W6, calls the function, answers X0, and goes on to the next.
    let wait = [0x88df_fca4, 0x6b06_009f, 0x54ff_ffc1, ISB]; // ldar w4, [x5]; cmp w4, w6; b.ne .-8; isb
    let call = [blr(1), 0xc89f_fce0, 0x1100_04c6, b(28, 0)]; // blr x1; stlr x0, [x7]; add w6, w6, #1; b
    pair.program(RAM_BASE, &[wait, call].concat());
    pair.program(function, &[NOP, RET]);
    pair.restart(RAM_BASE, &[(1, function), (5, flag), (6, 1), (7, answer)]);
    let ram = pair.tested.machine.ram.clone();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let deadline = Instant::now() + Duration::from_secs(20);
            let outcome = (1..=ROUNDS).find_map(|n| {
                ram.write(function, 0xd280_0000 | n << 5).expect("RAM"); // mov x0, #n
                ram.write(flag, n).expect("RAM");
                loop {
                    match ram.read::<u64>(answer).expect("RAM") {
                        found if found == u64::from(n) => return None,
                        found if found != u64::from(n - 1) => return Some(format!("{found} in round {n}")),
                        _ if Instant::now() > deadline => return Some(format!("no answer in round {n}")),
                        _ => std::thread::yield_now(),
                    }
                }
            });
            done.store(true, Ordering::SeqCst);
            outcome
        });
        while !done.load(Ordering::SeqCst) {
            let limit = pair.tested.state.insn_count + 4096;
            run_with(&mut pair.tested, &mut pair.jit, limit);
        }
        assert_eq!(writer.join().expect("no panic"), None);
    });
    assert!(pair.jit.counts().overwritten >= u64::from(ROUNDS) - 1);
}
