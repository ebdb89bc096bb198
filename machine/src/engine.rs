//! The executors of one instruction set, behind one interface.

use crate::cpu::Vcpu;
use crate::interp::{self, BlockCache, Exit};

/// Which executor a machine's CPUs use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The reference interpreter.
    #[default]
    Interp,
    /// The template JIT, on x86-64 hosts.
    Jit,
}

impl Engine {
    /// The fastest engine that this host has.
    #[must_use]
    pub fn best() -> Engine {
        if Engine::Jit.is_available() { Engine::Jit } else { Engine::Interp }
    }

    /// The engine that a user names.
    #[must_use]
    pub fn named(name: &str) -> Option<Engine> {
        match name {
            "interp" => Some(Engine::Interp),
            "jit" => Some(Engine::Jit),
            _ => None,
        }
    }

    /// Whether this host has the engine.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Engine::Interp => true,
            #[cfg(target_arch = "x86_64")]
            Engine::Jit => crate::jit::is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Engine::Jit => false,
        }
    }
}

/// What executes one CPU, with the code that it has translated.
pub(crate) enum Executor {
    Interp(BlockCache),
    #[cfg(target_arch = "x86_64")]
    Jit(Box<crate::jit::Jit>),
}

impl Executor {
    /// An executor without any code yet, for one of so many CPUs. Where the host refuses code memory the interpreter takes over.
    pub(crate) fn new(engine: Engine, cpu_count: usize) -> Executor {
        match engine {
            Engine::Interp => Executor::Interp(BlockCache::default()),
            #[cfg(target_arch = "x86_64")]
            Engine::Jit => match crate::jit::Jit::new(cpu_count) {
                Ok(jit) => Executor::Jit(Box::new(jit)),
                Err(_) => Executor::Interp(BlockCache::default()),
            },
            #[cfg(not(target_arch = "x86_64"))]
            Engine::Jit => Executor::Interp(BlockCache::default()),
        }
    }

    /// Executes until `limit` instructions have been retired since reset, or something else needs attention.
    pub(crate) fn run(&mut self, cpu: &mut Vcpu, limit: u64) -> Exit {
        match self {
            Executor::Interp(blocks) => interp::run(cpu, blocks, limit),
            #[cfg(target_arch = "x86_64")]
            Executor::Jit(jit) => interp::run_with(cpu, &mut **jit, limit),
        }
    }
}

/// What generated code and what it calls know of each other, besides the state of the CPU.
#[derive(Debug, Default)]
pub(crate) struct Dispatch {
    /// What FP templates must look out for, bit 0: FPCR asks for what the host does not do by itself, bit 1: FPSR.IXC is
    /// clear. Whoever changes FPCR or FPSR under generated code keeps it.
    pub(crate) fp_careful: u8,
    /// The instruction count to stop at: the limit, or less if something needs attention before.
    pub(crate) end: u64,
    /// The interrupt inputs that have been looked at.
    pub(crate) seen_pins: u32,
    /// The epoch of decoded code that has been looked at.
    pub(crate) seen_code: u64,
    /// Address of the branch cache.
    pub(crate) branch_cache: u64,
    /// The block in which an access was decided in another way than when it was compiled, if not zero.
    pub(crate) stale: u64,
    pub(crate) slot_page: SlotPage,
    /// Of the block that is executing.
    pub(crate) spans: [Span; Dispatch::SPANS],
}

impl Dispatch {
    /// Spans of a block at a time.
    pub(crate) const SPANS: usize = 4;
}

/// The page of register accesses that FEAT_NV2 transforms, as generated code has found it. Whatever else may change what
/// it depends on forgets it: everything that generated code calls and that is more than a look at memory.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct SlotPage {
    /// Its host address for loads and for stores; 0 if that has to be looked up.
    pub(crate) loads: u64,
    pub(crate) stores: u64,
    /// With that for stores, the address of the byte that tells whether the page holds decoded code.
    pub(crate) code: u64,
}

impl SlotPage {
    /// Has the page looked up again.
    #[inline]
    pub(crate) fn forget(&mut self) {
        (self.loads, self.stores) = (0, 0);
    }
}

/// The page of a run of accesses off one base register, which are checked together.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Span {
    /// Host address less guest address; 0 if they must be checked one by one.
    pub(crate) addend: u64,
    /// Address of the byte that tells whether the page holds decoded code.
    pub(crate) code: u64,
}
