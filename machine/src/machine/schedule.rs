//! Who executes the CPUs: one host thread each, or all on one in counted time.

use super::{Machine, Stop};
use crate::board::Devices;
use crate::clock::ClockMode;
use crate::cpu::{CpuState, Vcpu};
use crate::engine::Executor;
use crate::interp::Exit;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Instructions between two looks at the timers, and a turn of a CPU in counted time.
const SLICE: u64 = 4096;
/// Time between two looks of the devices at the outside.
const POLL_INTERVAL: Duration = Duration::from_millis(4);
/// Turns between two looks of the devices at the outside, in counted time.
const POLL_TURNS: u64 = 256;
/// The longest sleep of a CPU that has no timer to wait for.
const LONG: Duration = Duration::from_secs(3600);

/// How a run ended.
pub struct Outcome {
    /// Why the machine stopped.
    pub stop: Stop,
    /// The final state of every CPU.
    pub cpus: Vec<CpuState>,
}

/// Runs all CPUs until the machine stops: in counted time on the calling thread, else on a thread each.
///
/// # Errors
///
/// When the host cannot make a thread.
pub fn run(machine: &Arc<Machine>, devices: &Arc<Devices>) -> std::io::Result<Outcome> {
    let cpus = if matches!(machine.clock.mode(), ClockMode::Counted { .. }) {
        run_in_turn(machine, devices, u64::MAX)
    } else {
        let (shared, polled) = (machine.clone(), devices.clone());
        let poller = thread::Builder::new().name("devices".into()).spawn(move || {
            while !shared.is_stopping() {
                polled.poll();
                thread::sleep(POLL_INTERVAL);
            }
        })?;
        let cpus = run_in_threads(machine);
        if !machine.is_stopping() {
            machine.stop(Stop::Request);
        }
        let _ = poller.join();
        cpus?
    };
    Ok(Outcome { stop: machine.stopped().unwrap_or(Stop::Request), cpus })
}

/// Runs all CPUs on the calling thread in counted time until the machine stops, or stops it when `instructions`
/// have passed on each CPU, counting those that it idled through. A turn that has begun is finished. When nothing
/// is left to wait for, the end has come too.
#[must_use]
pub fn run_for(machine: &Arc<Machine>, devices: &Arc<Devices>, instructions: u64) -> Outcome {
    let cpus = run_in_turn(machine, devices, instructions);
    Outcome { stop: machine.stopped().unwrap_or(Stop::Request), cpus }
}

/// One thread for each CPU.
fn run_in_threads(machine: &Arc<Machine>) -> std::io::Result<Vec<CpuState>> {
    let mut threads = Vec::new();
    for index in 0..machine.slots.len() {
        let shared = machine.clone();
        let name = format!("cpu{index}");
        threads.push(thread::Builder::new().name(name).spawn(move || run_cpu(&shared, index))?);
    }
    let mut cpus = Vec::new();
    for thread in threads {
        match thread.join() {
            Ok(state) => cpus.push(state),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    Ok(cpus)
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
fn run_cpu(machine: &Arc<Machine>, index: usize) -> CpuState {
    let _guard = StopOnPanic(machine);
    let mut cpu = Vcpu::new(machine.clone(), index);
    let mut executor = Executor::new(machine.engine, machine.slots.len());
    while !machine.is_stopping() {
        match machine.cpu(index).take_start() {
            Some(start) => {
                cpu.start(start);
                run_while_on(&mut cpu, &mut executor);
            }
            None => machine.cpu(index).park(LONG),
        }
    }
    cpu.state
}

/// Executes slices until the CPU is switched off or the machine stops.
fn run_while_on(cpu: &mut Vcpu, executor: &mut Executor) {
    loop {
        crate::timer::poll(cpu);
        crate::pmu::poll(cpu);
        let limit = (cpu.state.insn_count + SLICE).min(crate::pmu::overflow_at(cpu));
        match executor.run(cpu, limit) {
            Exit::Budget => {}
            Exit::Yield => crate::exception::give_way(cpu),
            Exit::Waiting => {
                let limit = crate::timer::next_deadline(cpu)
                    .map_or(LONG, |at| cpu.machine.clock.time_until(at, cpu.time_input()));
                cpu.slot().park(limit.min(LONG));
            }
            Exit::Stopped => return,
        }
    }
}

/// A CPU that takes turns with the others.
struct Player {
    cpu: Vcpu,
    executor: Executor,
    on: bool,
}

/// All CPUs on one thread, in turns of [`SLICE`] instructions of counted time. What happens depends on nothing but
/// the machine's input.
pub(super) struct Turns {
    machine: Arc<Machine>,
    devices: Arc<Devices>,
    players: Vec<Player>,
    /// The number of turns that have begun.
    count: u64,
    /// The common time at which the turn ends that has begun last.
    ends: u64,
    /// The common time at which the run ends.
    limit: u64,
    /// Whether nobody was busy in the last turn.
    idle: bool,
}

impl Turns {
    pub(super) fn new(machine: &Arc<Machine>, devices: &Arc<Devices>, limit: u64) -> Turns {
        machine.clock.restart();
        let player = |index| Player {
            cpu: Vcpu::new(machine.clone(), index),
            executor: Executor::new(machine.engine, machine.slots.len()),
            on: false,
        };
        Turns {
            machine: machine.clone(),
            devices: devices.clone(),
            players: (0..machine.slots.len()).map(player).collect(),
            count: 0,
            ends: 0,
            limit,
            idle: false,
        }
    }

    /// Runs one turn; answers whether there is another one to run.
    pub(super) fn advance(&mut self) -> bool {
        let Some(until) = self.begin() else { return false };
        let mut busy = false;
        for index in 0..self.players.len() {
            busy |= self.play(index, until);
        }
        self.finish(busy);
        true
    }

    /// Begins a turn and answers when it ends, unless the machine has stopped.
    pub(super) fn begin(&mut self) -> Option<u64> {
        self.machine.clock.reach(self.ends);
        if self.ends >= self.limit {
            self.machine.stop(Stop::Request);
        }
        if self.machine.is_stopping() {
            return None;
        }
        if self.idle || self.count.is_multiple_of(POLL_TURNS) {
            self.devices.poll();
        }
        self.count += 1;
        self.ends += SLICE;
        Some(self.ends)
    }

    /// Executes one CPU up to the common time `until`; answers whether it has more to do.
    pub(super) fn play(&mut self, index: usize, until: u64) -> bool {
        play(&mut self.players[index], until)
    }

    /// Ends a turn in which some CPU was `busy`, or none.
    pub(super) fn finish(&mut self, busy: bool) {
        self.idle = !busy;
        if busy {
            return;
        }
        match skip_idle(&self.machine, &self.devices, &self.players, self.ends) {
            Some(next) => self.ends = next,
            None if self.limit < u64::MAX => self.ends = self.limit,
            // Only input from outside can go on from here.
            None => self.machine.cpu(0).park(Duration::from_millis(10)),
        }
    }

    /// The state of every CPU.
    pub(super) fn states(&self) -> impl Iterator<Item = &CpuState> {
        self.players.iter().map(|player| &player.cpu.state)
    }

    /// The common time of a CPU.
    pub(super) fn time(&self, index: usize) -> u64 {
        self.players[index].cpu.time_input()
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(super) fn into_states(self) -> Vec<CpuState> {
        self.players.into_iter().map(|player| player.cpu.state).collect()
    }
}

/// Runs all CPUs on this thread until the machine stops, or to the common time `limit`.
fn run_in_turn(machine: &Arc<Machine>, devices: &Arc<Devices>, limit: u64) -> Vec<CpuState> {
    let mut turns = Turns::new(machine, devices, limit);
    while turns.advance() {}
    turns.into_states()
}

/// As [`Turns::play`].
fn play(player: &mut Player, until: u64) -> bool {
    let cpu = &mut player.cpu;
    let mut busy = true;
    while cpu.time_input() < until {
        if !player.on {
            let Some(start) = cpu.slot().take_start() else {
                busy = false;
                break;
            };
            cpu.start(start);
            player.on = true;
        }
        crate::timer::poll(cpu);
        crate::pmu::poll(cpu);
        // The turn is cut where the next timer fires or a counter overflows, so that both are exact.
        let fires = crate::timer::next_deadline(cpu).and_then(|at| cpu.machine.clock.retired_at(at));
        let overflows = match cpu.state.waiting {
            false => crate::pmu::overflow_at(cpu).saturating_add(cpu.state.idle_count),
            true => u64::MAX,
        };
        let now = cpu.time_input();
        let stop_at = fires.filter(|&at| at > now).map_or(until, |at| at.min(until)).min(overflows);
        match player.executor.run(cpu, cpu.state.insn_count + (stop_at - now)) {
            Exit::Budget => {}
            Exit::Yield => break,
            Exit::Waiting if stop_at < until => {
                cpu.state.idle_count += stop_at.saturating_sub(cpu.time_input())
            }
            Exit::Waiting => {
                busy = false;
                break;
            }
            Exit::Stopped => {
                player.on = false;
                if cpu.machine.is_stopping() {
                    return true;
                }
            }
        }
    }
    cpu.state.idle_count += until.saturating_sub(cpu.time_input());
    busy
}

/// Nobody has anything to do before the next timer or alarm: answers the time, at or after `now`, to go on from.
fn skip_idle(machine: &Machine, devices: &Devices, players: &[Player], now: u64) -> Option<u64> {
    let next = players
        .iter()
        .filter(|p| p.on)
        .filter_map(|p| crate::timer::next_deadline(&p.cpu))
        .chain(devices.next_deadline(&machine.clock))
        .filter_map(|at| machine.clock.retired_at(at))
        .min();
    next.map(|at| now.max(at.saturating_sub(SLICE)))
}
