//! Runs litmus tests: each CPU is a thread of one, many instances in a batch, and the outcomes are counted.

use super::crew::{self, CPUS};
use super::random::Random;
use super::report;
use super::shapes::{SHAPES, Shape};
use core::fmt;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use guest_support::sysreg::cpu;

/// Instances of a batch.
const INSTANCES: usize = 1024;
/// Instances after which threads wait for each other, but not for long: so they stay close.
const STRIDE: usize = 8;
const PATIENCE: u32 = 60;
/// Groups of two CPUs at most.
const GROUPS: usize = CPUS / 2;
const THREADS: usize = 4;
/// Words of an instance: two lines for each of the two locations.
const WORDS: usize = 32;

struct Arena {
    memory: [[AtomicU64; WORDS]; INSTANCES],
    results: [[[AtomicU64; 2]; THREADS]; INSTANCES],
    progress: [Progress; THREADS],
}

/// In a line of its own.
#[repr(align(64))]
struct Progress(AtomicUsize);

static ARENAS: [Arena; GROUPS] = [const {
    Arena {
        memory: [const { [const { AtomicU64::new(0) }; WORDS] }; INSTANCES],
        results: [const { [const { [const { AtomicU64::new(0) }; 2] }; THREADS] }; INSTANCES],
        progress: [const { Progress(AtomicUsize::new(0)) }; THREADS],
    }
}; GROUPS];

/// Values of an outcome at most; each is less than three.
const VALUES: usize = 4;
const KINDS: usize = 81;
static COUNTS: [AtomicU64; KINDS] = [const { AtomicU64::new(0) }; KINDS];
static SHAPE: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn run(milliseconds: u64) {
    let fitting = SHAPES.iter().filter(|shape| shape.bodies.len() <= crew::count()).count() as u64;
    for (number, shape) in SHAPES.iter().enumerate() {
        if shape.bodies.len() > crew::count() {
            report::skip(shape.name, "not enough CPUs");
            continue;
        }
        for count in &COUNTS {
            count.store(0, Ordering::Relaxed);
        }
        SHAPE.store(number, Ordering::Relaxed);
        crew::run(milliseconds / fitting, job);
        let interesting = COUNTS[key(shape.interesting)].load(Ordering::Relaxed);
        if interesting != 0 && !shape.is_allowed {
            report::violation(format_args!("{interesting} times {:?}", shape.interesting));
        }
        report::done(shape.name, format_args!("{}", Outcomes(shape)));
    }
}

fn job() {
    let shape = &SHAPES[SHAPE.load(Ordering::Relaxed)];
    let threads = shape.bodies.len();
    let mut random = Random::new(1);
    let mut batch = 0;
    while crew::goes_on() {
        // Another CPU begins each time.
        let place = (cpu() + batch) % crew::count();
        let (group, thread) = (place / threads, place % threads);
        let arena = (group < crew::count() / threads).then(|| &ARENAS[group]);
        if let Some(arena) = arena
            && thread == 0
        {
            clear(arena);
        }
        crew::meet();
        if let Some(arena) = arena {
            execute(shape, arena, thread, batch, &mut random);
        }
        crew::meet();
        if let Some(arena) = arena
            && thread == 0
        {
            classify(shape, arena, batch);
        }
        batch += 1;
    }
}

fn clear(arena: &Arena) {
    for word in arena.memory.iter().flatten() {
        word.store(0, Ordering::Relaxed);
    }
    for progress in &arena.progress {
        progress.0.store(0, Ordering::Relaxed);
    }
}

/// Where the two locations of an instance are: aligned, and otherwise different each time.
fn locations(arena: &Arena, instance: usize, batch: usize) -> [&AtomicU64; 2] {
    let memory = &arena.memory[instance];
    [&memory[(instance + batch) % 8], &memory[16 + (3 * instance + batch / 8) % 8]]
}

fn execute(shape: &Shape, arena: &Arena, thread: usize, batch: usize, random: &mut Random) {
    let threads = shape.bodies.len();
    let body = shape.bodies[thread];
    for instance in 0..INSTANCES {
        if instance % STRIDE == 0 {
            arena.progress[thread].0.store(instance + 1, Ordering::Relaxed);
            let behind = || arena.progress[..threads].iter().any(|p| p.0.load(Ordering::Relaxed) <= instance);
            let mut looks = 0;
            while behind() && looks < PATIENCE {
                looks += 1;
                core::hint::spin_loop();
            }
            random.pause(4);
        }
        let [x, y] = locations(arena, instance, batch);
        let results = body(x.as_ptr(), y.as_ptr());
        for (to, value) in arena.results[instance][thread].iter().zip(results) {
            to.store(value, Ordering::Relaxed);
        }
    }
}

fn classify(shape: &Shape, arena: &Arena, batch: usize) {
    for instance in 0..INSTANCES {
        let mut values = [0; VALUES];
        let results = &arena.results[instance];
        let reads = shape.reads.iter().map(|&(thread, n)| &results[thread][n]);
        let finals = locations(arena, instance, batch).into_iter().filter(|_| shape.finals);
        let all = reads.chain(finals).map(|value| value.load(Ordering::Relaxed));
        for (to, value) in values.iter_mut().zip(all) {
            *to = value;
            if value > 2 {
                report::violation(format_args!("a value that nobody stored: {value:#x}"));
                *to = 0;
            }
        }
        COUNTS[key(&values)].fetch_add(1, Ordering::Relaxed);
    }
}

/// The number of an outcome.
fn key(values: &[u64]) -> usize {
    values.iter().rev().fold(0, |sum, &value| 3 * sum + value as usize)
}

/// How often each outcome was seen.
struct Outcomes<'a>(&'a Shape);

impl fmt::Display for Outcomes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.interesting.len();
        let interesting = COUNTS[key(self.0.interesting)].load(Ordering::Relaxed);
        let word = if self.0.is_allowed { "allowed" } else { "forbidden" };
        write!(f, "{interesting} {word};")?;
        for (number, count) in COUNTS.iter().map(|c| c.load(Ordering::Relaxed)).enumerate() {
            if count != 0 {
                write!(f, " ")?;
                (0..length).try_for_each(|n| write!(f, "{}", number / 3_usize.pow(n as u32) % 3))?;
                write!(f, "={count}")?;
            }
        }
        Ok(())
    }
}
