//! Two executors side by side: the same machine twice, in counted time, compared after every turn.
//!
//! A turn is some thousand instructions. When one ends differently, both machines are made again and run up to it; it
//! is then taken in small steps, so that what is reported is close to the instruction that was executed wrong.

use super::schedule::Turns;
use super::{Assembled, Outcome, Stop};
use crate::cpu::CpuState;
use crate::ram::GuestRam;
use droste_arch::sysreg::SysReg;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Turns between two comparisons of RAM, which take some tenth of a second.
const RAM_TURNS: u64 = 16384;
/// Instructions of a small step. Blocks are not cut, so that it may take longer.
const STEP: u64 = 16;
/// The most differences of one kind that are reported.
const REPORTED: usize = 16;

/// What a comparison has found.
pub enum Verdict {
    /// Nothing: both ended like this.
    Same(Box<Outcome>),
    /// The first difference.
    Different(Difference),
}

/// Where and how two executors differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the CPU that differs; none if only RAM does.
    pub cpu: Option<usize>,
    /// Where the CPU was when both were last seen equal: instructions retired, and the PC.
    pub from: (u64, u64),
    /// Where the reference was when they differed.
    pub to: (u64, u64),
    /// Whether it happens when a few instructions are executed at a time too.
    pub in_small_steps: bool,
    /// Registers by name, with the value of the reference and of the other one.
    pub registers: Vec<(String, u128, u128)>,
    /// Physical addresses of 64-bit words of RAM, with the same two values.
    pub ram: Vec<(u64, u64, u64)>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        match self.cpu {
            Some(cpu) => writeln!(
                f,
                "CPU {cpu} differs between instruction {} (PC {:#x}) and {} (PC {:#x}):",
                from.0, from.1, to.0, to.1
            )?,
            None => writeln!(f, "the machines differ after {} instructions of CPU 0:", to.0)?,
        }
        if !self.in_small_steps {
            writeln!(f, "  (not when a few instructions are executed at a time)")?;
        }
        for (name, reference, other) in &self.registers {
            writeln!(f, "  {name}: {reference:#x}, not {other:#x}")?;
        }
        for (pa, reference, other) in &self.ram {
            writeln!(f, "  RAM at {pa:#x}: {reference:#018x}, not {other:#018x}")?;
        }
        Ok(())
    }
}

/// Runs two machines that `make` makes, the reference first, and compares them until both stop, `stop` is set, or they
/// differ. They have to be alike but for their executors, to run in counted time, and to have no input.
///
/// # Errors
///
/// When `make` fails.
pub fn check<E>(make: impl FnMut(Role) -> Result<Assembled, E>, stop: &AtomicBool) -> Result<Verdict, E> {
    check_until(make, u64::MAX, stop)
}

/// As [`check`], and stops both machines when so many instructions have passed, as [`run_for`](super::run_for) counts them.
///
/// # Errors
///
/// When `make` fails.
pub fn check_for<E>(make: impl FnMut(Role) -> Result<Assembled, E>, instructions: u64) -> Result<Verdict, E> {
    check_until(make, instructions, &AtomicBool::new(false))
}

fn check_until<E>(
    mut make: impl FnMut(Role) -> Result<Assembled, E>,
    limit: u64,
    stop: &AtomicBool,
) -> Result<Verdict, E> {
    let mut pair = Pair::new(&mut make, limit)?;
    for turn in 0.. {
        if stop.load(Ordering::SeqCst) {
            pair.reference.machine().stop(Stop::Request);
            pair.subject.machine().stop(Stop::Request);
        }
        let going = pair.reference.advance();
        let other_going = pair.subject.advance();
        let ended = !going || !other_going;
        let looks_at_ram = ended || turn % RAM_TURNS == RAM_TURNS - 1;
        if going != other_going || pair.differing_cpu().is_some() {
            let after = pair.after_turn();
            drop(pair);
            return Ok(Verdict::Different(Pair::new(&mut make, limit)?.narrow(turn, after)));
        }
        if looks_at_ram && let Some(difference) = pair.ram_difference() {
            return Ok(Verdict::Different(difference));
        }
        if ended {
            break;
        }
    }
    let stop = pair.reference.machine().stopped().unwrap_or(Stop::Request);
    Ok(Verdict::Same(Box::new(Outcome { stop, cpus: pair.reference.into_states() })))
}

/// Which of two machines one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that is right.
    Reference,
    /// The one that is checked.
    Subject,
}

struct Pair {
    reference: Turns,
    subject: Turns,
}

impl Pair {
    fn new<E>(make: &mut impl FnMut(Role) -> Result<Assembled, E>, limit: u64) -> Result<Pair, E> {
        let mut turns = |role| {
            let made = make(role)?;
            Ok(Turns::new(&made.machine, &made.devices, limit))
        };
        Ok(Pair { reference: turns(Role::Reference)?, subject: turns(Role::Subject)? })
    }

    fn differing_cpu(&self) -> Option<usize> {
        self.reference.states().zip(self.subject.states()).position(|(a, b)| !is_same(a, b))
    }

    /// How the machines differ at the end of a turn.
    fn after_turn(&self) -> Difference {
        let cpu = self.differing_cpu();
        let at = places(&self.reference).get(cpu.unwrap_or_default()).copied().unwrap_or_default();
        self.difference(cpu, at, at)
    }

    /// Runs up to a turn that is known to end differently, as `after` says, and takes it in small steps.
    fn narrow(mut self, turn: u64, after: Difference) -> Difference {
        for _ in 0..turn {
            self.reference.advance();
            self.subject.advance();
        }
        let before = places(&self.reference);
        if let (Some(until), Some(_)) = (self.reference.begin(), self.subject.begin()) {
            for (index, &start) in before.iter().enumerate() {
                let mut from = start;
                while self.reference.time(index) < until {
                    let step = (self.reference.time(index) + STEP).min(until);
                    self.reference.play(index, step);
                    self.subject.play(index, step);
                    let to = places(&self.reference)[index];
                    if self.differing_cpu() == Some(index) {
                        return self.difference(Some(index), from, to);
                    }
                    from = to;
                }
            }
        }
        // In small steps it did not happen: it takes an executor that goes on from block to block by itself.
        let from = before.get(after.cpu.unwrap_or_default()).copied().unwrap_or_default();
        Difference { from, in_small_steps: false, ..after }
    }

    fn ram_difference(&self) -> Option<Difference> {
        let at = places(&self.reference).first().copied().unwrap_or_default();
        Some(self.difference(None, at, at)).filter(|difference| !difference.ram.is_empty())
    }

    fn difference(&self, cpu: Option<usize>, from: (u64, u64), to: (u64, u64)) -> Difference {
        let states = cpu.and_then(|n| self.reference.states().nth(n).zip(self.subject.states().nth(n)));
        let registers = states.map_or_else(Vec::new, |(a, b)| differing_registers(a, b));
        let ram = differing_words(&self.reference.machine().ram, &self.subject.machine().ram);
        Difference { cpu, from, to, in_small_steps: true, registers, ram }
    }
}

/// Instructions retired and PC of each CPU.
fn places(turns: &Turns) -> Vec<(u64, u64)> {
    turns.states().map(|state| (state.insn_count, state.pc)).collect()
}

/// Whether two CPUs are in the same state.
fn is_same(a: &CpuState, b: &CpuState) -> bool {
    a.x == b.x && a.v == b.v && a.sys == b.sys && named(a).eq(named(b))
}

/// What is not in an array.
fn named(state: &CpuState) -> impl Iterator<Item = (&'static str, u128)> + '_ {
    let pstate = state.pstate.to_spsr(state.nzcv.bits());
    let exclusive = state.exclusive;
    [
        ("SP", u128::from(state.sp)),
        ("PC", state.pc.into()),
        ("PSTATE", pstate.into()),
        ("FPCR", state.fpcr.into()),
        ("FPSR", state.fpsr.into()),
        ("SP_EL0", state.sp_el[0].into()),
        ("SP_EL1", state.sp_el[1].into()),
        ("SP_EL2", state.sp_el[2].into()),
        ("instructions", state.insn_count.into()),
        ("idle time", state.idle_count.into()),
        ("waiting", state.waiting.into()),
        ("event", state.event.into()),
        ("exclusive monitor", exclusive.valid.into()),
        ("exclusive address", if exclusive.valid { exclusive.pa.into() } else { 0 }),
        ("exclusive value", if exclusive.valid { exclusive.value } else { 0 }),
    ]
    .into_iter()
}

fn differing_registers(a: &CpuState, b: &CpuState) -> Vec<(String, u128, u128)> {
    let general = (0..).zip(a.x.iter().zip(&b.x)).map(|(n, (&a, &b))| (format!("X{n}"), a.into(), b.into()));
    let vectors = (0..).zip(a.v.iter().zip(&b.v)).map(|(n, (&a, &b))| (format!("V{n}"), a, b));
    let single = named(a).zip(named(b)).map(|((name, a), (_, b))| (name.to_owned(), a, b));
    let system = SysReg::all().map(|r| {
        let value = |state: &CpuState| u128::from(state.sys[r.index()]);
        (r.name().to_owned(), value(a), value(b))
    });
    let all = general.chain(single).chain(vectors).chain(system);
    all.filter(|(_, a, b)| a != b).take(REPORTED).collect()
}

fn differing_words(a: &GuestRam, b: &GuestRam) -> Vec<(u64, u64, u64)> {
    const CHUNK_BYTES: usize = 1 << 16;
    let (mut left, mut right) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let mut found = Vec::new();
    let (mut at, end) = (a.base(), a.base() + a.size_bytes());
    while at < end && found.len() < REPORTED {
        let size = CHUNK_BYTES.min(usize::try_from(end - at).unwrap_or(CHUNK_BYTES));
        let both = a.copy_out(at, &mut left[..size]).is_ok() && b.copy_out(at, &mut right[..size]).is_ok();
        if both && left[..size] != right[..size] {
            let words =
                left[..size].chunks_exact(8).zip(right[..size].chunks_exact(8)).zip((at..).step_by(8));
            let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
            found.extend(words.filter(|((a, b), _)| a != b).map(|((a, b), pa)| (pa, word(a), word(b))));
        }
        at += size as u64;
    }
    found.truncate(REPORTED);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockMode;
    use crate::cpu::model::Model;
    use crate::devices::Console;
    use crate::engine::Engine;
    use crate::loader::Kernel;
    use crate::machine::{Boot, BuildError, MachineConfig};
    use std::sync::Arc;

    struct Silent;

    impl Console for Silent {
        fn output(&self, _bytes: &[u8]) {}
    }

    /// A kernel that executes `words` and then SYSTEM_OFF by SMC, with a word behind it that nobody reads.
    fn machine(words: &[u32], last: u32) -> Result<Assembled, BuildError> {
        const SYSTEM_OFF: [u32; 3] = [0xd2b0_8000, 0xf280_0100, 0xd400_0003];
        let mut image = vec![0_u8; 64];
        // B to behind the header.
        image[..4].copy_from_slice(&0x1400_0010_u32.to_le_bytes());
        image[56..60].copy_from_slice(b"ARM\x64");
        for word in words.iter().chain(&SYSTEM_OFF).chain(&[last]) {
            image.extend(word.to_le_bytes());
        }
        image[16..24].copy_from_slice(&4096_u64.to_le_bytes());
        let boot = Boot {
            kernel: Kernel::parse(image, 1 << 24)?,
            initrd: None,
            command_line: String::new(),
            device_tree: None,
        };
        let config = MachineConfig {
            model: Model::parse("max").expect("the model exists"),
            cpu_count: 1,
            ram_bytes: 16 << 20,
            list_register_count: 4,
            clock: ClockMode::Counted { ps_per_instruction: 1000 },
            engine: Engine::Interp,
            seed: 0,
            time_of_day: crate::clock::TimeOfDay::From(0),
            virtio: Vec::new(),
            console: Arc::new(Silent),
            diagnostics: Box::new(|_| {}),
            tracer: None,
        };
        config.build(&boot)
    }

    /// `x1 = 0x20000; do x1 -= 1 while (x1)`, `last`, `x3 = 1`.
    fn program(last: u32) -> [u32; 5] {
        [0xd2a0_0041, 0xd100_0421, 0xb5ff_ffe1, last, 0xd280_0023]
    }

    const MOV_X2_5: u32 = 0xd280_00a2;
    const MOV_X2_6: u32 = 0xd280_00c2;
    const NOP: u32 = 0xd503_201f;

    fn verdict(reference: &[u32], subject: &[u32]) -> Verdict {
        let make = |role| machine(if role == Role::Reference { reference } else { subject }, 0);
        check(make, &AtomicBool::new(false)).unwrap()
    }

    #[test]
    fn equal_machines_are_the_same_to_their_end() {
        let Verdict::Same(outcome) = verdict(&program(NOP), &program(NOP)) else {
            panic!("no difference was expected");
        };
        assert_eq!(outcome.stop, Stop::PowerOff);
        assert_eq!(outcome.cpus[0].x[3], 1);
    }

    #[test]
    fn first_difference_is_found_where_it_happens() {
        let Verdict::Different(found) = verdict(&program(MOV_X2_5), &program(MOV_X2_6)) else {
            panic!("a difference was expected");
        };
        assert_eq!((found.cpu, found.registers.first()), (Some(0), Some(&("X2".to_owned(), 5, 6))));
        assert!(found.to.0 - found.from.0 <= 2 * STEP, "{found}");
        assert!(found.from.0 >= 0x3_fff0, "{found}");
        assert!(found.to_string().contains("X2: 0x5, not 0x6"), "{found}");
    }

    #[test]
    fn a_difference_of_ram_is_found_at_the_end() {
        let make = |role| machine(&[NOP], u32::from(role == Role::Reference));
        let Verdict::Different(found) = check(make, &AtomicBool::new(false)).unwrap() else {
            panic!("a difference was expected");
        };
        assert_eq!((found.cpu, found.registers.len(), found.ram.len()), (None, 0, 1), "{found}");
    }
}
