//! Who executes the CPUs: one host thread each.

use super::{Machine, Stop};
use crate::cpu::Vcpu;
use crate::interp::{BlockCache, Exit, run as execute};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Instructions between two looks at the timers.
const SLICE: u64 = 4096;
/// The longest sleep of a CPU that has no timer to wait for.
const LONG: Duration = Duration::from_secs(3600);

/// Runs all CPUs until the machine stops; CPU 0 starts as its slot says.
///
/// # Errors
///
/// When the host cannot make a thread.
pub fn run(machine: &Arc<Machine>) -> std::io::Result<Stop> {
    let mut threads = Vec::new();
    for index in 0..machine.slots.len() {
        let shared = machine.clone();
        let name = format!("cpu{index}");
        threads.push(thread::Builder::new().name(name).spawn(move || run_cpu(&shared, index))?);
    }
    for thread in threads {
        if let Err(panic) = thread.join() {
            machine.stop(Stop::Request);
            std::panic::resume_unwind(panic);
        }
    }
    Ok(machine.stopped().unwrap_or(Stop::Request))
}

/// Stops the machine if the thread of a CPU panics, so that the others end too.
struct StopOnPanic<'a>(&'a Machine);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop(Stop::Request);
        }
    }
}

/// The life of one CPU: off, then on, and so on.
fn run_cpu(machine: &Arc<Machine>, index: usize) {
    let _guard = StopOnPanic(machine);
    let mut cpu = Vcpu::new(machine.clone(), index);
    let mut blocks = BlockCache::default();
    while !machine.is_stopping() {
        match machine.cpu(index).take_start() {
            Some(start) => {
                cpu.start(start);
                run_while_on(&mut cpu, &mut blocks);
            }
            None => machine.cpu(index).park(LONG),
        }
    }
}

/// Executes slices until the CPU is switched off or the machine stops.
fn run_while_on(cpu: &mut Vcpu, blocks: &mut BlockCache) {
    loop {
        crate::timer::poll(cpu);
        let limit = cpu.state.insn_count + SLICE;
        match execute(cpu, blocks, limit) {
            Exit::Budget => {}
            Exit::Yield => thread::yield_now(),
            Exit::Waiting => {
                let limit = crate::timer::next_deadline(cpu)
                    .map_or(LONG, |at| cpu.machine.clock.time_until(at, cpu.time_input()));
                cpu.slot().park(limit.min(LONG));
            }
            Exit::Stopped => return,
        }
    }
}
