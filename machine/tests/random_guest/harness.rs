//! Random machines, and what has to hold of them.

use super::entropy::Entropy;
use super::program::Program;
use super::words::{Words, address, value};
use droste_arch::feature::Feature;
use droste_machine::board::memory_map as map;
use droste_machine::clock::{ClockMode, TimeOfDay};
use droste_machine::cpu::model::Model;
use droste_machine::devices::Console;
use droste_machine::devices::net::user::{UserNet, UserNetConfig};
use droste_machine::devices::virtio::{VirtioDevice, block::Block, console, net::Net, rng::Rng};
use droste_machine::engine::Engine;
use droste_machine::loader::Kernel;
use droste_machine::machine::{
    Assembled, Boot, MachineConfig, Stop, fingerprint, run as run_machine, run_for,
};
use droste_machine::trace::Tracer;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

const RAM_BYTES: u64 = 8 << 20;
pub(crate) const COUNTED: ClockMode = ClockMode::Counted { ps_per_instruction: 1000 };
const MODELS: [&str; 5] = ["max", "max", "neoverse-n2", "cortex-a76", "cortex-a57"];

static WORDS: LazyLock<Words> = LazyLock::new(Words::new);

struct Nowhere;

impl Console for Nowhere {
    fn output(&self, _: &[u8]) {}
}

/// The executors of this host: the interpreter, which the others have to agree with, and the JIT where there is one.
pub(crate) fn engines() -> impl Iterator<Item = Engine> {
    [Engine::Interp, Engine::Jit].into_iter().filter(|engine| engine.is_available())
}

/// A machine and what it executes.
pub(crate) struct Case {
    model: Model,
    cpu_count: u32,
    list_register_count: usize,
    program: Program,
}

/// What a run leaves behind, for comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trail {
    stop: Stop,
    /// What each CPU has executed.
    instructions: Vec<u64>,
    /// Of the registers of all CPUs, and of RAM.
    fingerprint: u64,
    /// Whether what translates addresses is not as the program's prologue has made it.
    pub(crate) remapped: bool,
}

impl Case {
    pub(crate) fn new(entropy: &mut Entropy<'_>) -> Case {
        let mut model = Model::parse(entropy.pick(&MODELS)).expect("the models exist");
        if entropy.once_in(5) {
            model = model.without_el2();
        }
        let cpu_count = 1 + entropy.below(2) as u32;
        let list_register_count = entropy.pick(&[4, 16]);
        let has_el2 = model.features().contains(Feature::FEAT_EL2);
        let program = Program::new(&WORDS, cpu_count, has_el2, entropy);
        Case { model, cpu_count, list_register_count, program }
    }

    /// Runs for about `budget` instructions in counted time.
    pub(crate) fn run(&self, engine: Engine, budget: u64) -> Trail {
        self.run_watched(engine, budget, None)
    }

    /// The same, with something that watches.
    pub(crate) fn run_watched(&self, engine: Engine, budget: u64, tracer: Option<Box<dyn Tracer>>) -> Trail {
        let Assembled { machine, devices, .. } = self.assemble(engine, COUNTED, tracer);
        let outcome = run_for(&machine, &devices, budget);
        for cpu in &outcome.cpus {
            // A turn and a block may pass the end.
            assert!(cpu.insn_count <= budget + 8192, "{} of {budget} instructions", cpu.insn_count);
        }
        Trail {
            stop: outcome.stop,
            instructions: outcome.cpus.iter().map(|cpu| cpu.insn_count).collect(),
            fingerprint: fingerprint(&machine, &outcome),
            remapped: self.program.is_remapped(&machine.ram, &outcome.cpus),
        }
    }

    /// Runs in real time on a thread for each CPU, and asks the machine to stop after `time`.
    #[allow(dead_code, reason = "the fuzz target runs in counted time only")]
    pub(crate) fn run_on_threads(&self, engine: Engine, time: Duration) {
        let Assembled { machine, devices, .. } = self.assemble(engine, ClockMode::Real, None);
        let running = machine.clone();
        let runner = thread::spawn(move || run_machine(&running, &devices).map(|_| ()));
        thread::sleep(time);
        machine.stop(Stop::Request);
        runner.join().expect("no thread panics").expect("the host has threads");
    }

    pub(crate) fn assemble(
        &self,
        engine: Engine,
        clock: ClockMode,
        tracer: Option<Box<dyn Tracer>>,
    ) -> Assembled {
        // Restricted, so that nothing leaves this host.
        let net = UserNetConfig { restricted: true, ..UserNetConfig::default() };
        let virtio: Vec<Box<dyn VirtioDevice>> = vec![
            Box::new(Block::new(Box::new(vec![0_u8; 0x1_0000]), "disk")),
            Box::new(console::Console::new(Arc::new(Nowhere), console::Input::default())),
            Box::new(Rng::new(1)),
            Box::new(Net::new(Box::new(UserNet::new(&net).expect("a network without forwards")), [2; 6])),
        ];
        let config = MachineConfig {
            model: self.model.clone(),
            cpu_count: self.cpu_count,
            ram_bytes: RAM_BYTES,
            list_register_count: self.list_register_count,
            clock,
            engine,
            seed: 1,
            time_of_day: TimeOfDay::From(1),
            virtio,
            console: Arc::new(Nowhere),
            diagnostics: Box::new(|_| {}),
            tracer,
        };
        // An Image that is only its header; the program is put over it.
        let mut image = vec![0; 64];
        image[16..24].copy_from_slice(&0x1000_u64.to_le_bytes());
        image[56..60].copy_from_slice(b"ARM\x64");
        let boot = Boot {
            kernel: Kernel::parse(image, RAM_BYTES).expect("a good Image"),
            initrd: None,
            command_line: String::new(),
            device_tree: None,
        };
        let assembled = config.build(&boot).expect("everything fits");
        self.program.load(&assembled.machine.ram);
        assembled
    }
}

/// Random accesses of four threads to the whole physical address space, while a random guest runs.
#[allow(dead_code, reason = "the fuzz target runs in counted time only")]
pub(crate) fn hammer(engine: Engine, seed: u64, accesses: u64) {
    let Assembled { machine, devices, .. } =
        Case::new(&mut Entropy::seeded(seed)).assemble(engine, ClockMode::Real, None);
    let running = machine.clone();
    let runner = thread::spawn(move || run_machine(&running, &devices).map(|_| ()));
    thread::scope(|scope| {
        for index in 0..4 {
            let machine = &machine;
            scope.spawn(move || {
                let mut entropy = Entropy::seeded(seed << 8 | index);
                for _ in 0..accesses {
                    access(machine, &mut entropy);
                }
            });
        }
    });
    machine.stop(Stop::Request);
    runner.join().expect("no thread panics").expect("the host has threads");
}

fn access(machine: &droste_machine::machine::Machine, entropy: &mut Entropy<'_>) {
    let pa = match entropy.below(16) {
        0 => entropy.next(),
        1 => entropy.below(map::RAM_BASE),
        2 => map::GICD.start + entropy.below(0x1_0000),
        3 => map::ITS.start + entropy.below(0x2_0000),
        4 => map::GICR.start + entropy.below(0x4_0000),
        _ => address(entropy),
    };
    let size: u8 = entropy.pick(&[1, 2, 4, 4, 8]);
    let pa = if entropy.once_in(4) { pa } else { pa & !(u64::from(size) - 1) };
    // What no device claims is an error, and that is an answer too.
    if entropy.once_in(2) {
        let _ = machine.bus.read(pa, size);
    } else {
        let mask = u64::MAX >> (64 - 8 * u32::from(size));
        let _ = machine.bus.write(pa, size, value(entropy) & mask);
    }
}
