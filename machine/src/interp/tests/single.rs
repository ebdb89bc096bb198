//! Instructions one at a time, by each executor.

use super::table;
use crate::cpu::Vcpu;
use crate::engine::{Engine, Executor};
use crate::interp::Flow;
use droste_arch::a64;
use droste_arch::sysreg::SysReg;

/// The address of an instruction that generated code executes, and of vectors that stay: the first half MiB of RAM is free
/// for data, and addresses have to be physical ones.
const CODE: u64 = super::RAM + 0x8_0000;
const VECTORS: u64 = super::RAM + 0x9_0000;
const VECTORS_BYTES: u64 = 0x800;
/// `b .`
const STAY: u32 = 0x1400_0000;

/// What executes instructions one at a time.
pub(in crate::interp) enum Single {
    /// The interpreter's handlers, called as its loop does.
    Handler,
    /// The JIT: a block of one instruction.
    Jit(Box<Executor>),
}

impl Single {
    /// The executors of this host.
    pub(in crate::interp) fn all() -> impl Iterator<Item = Single> {
        let jit = Engine::Jit.is_available().then(|| Single::Jit(Box::new(Executor::new(Engine::Jit, 1))));
        std::iter::once(Single::Handler).chain(jit)
    }

    pub(in crate::interp) fn name(&self) -> &'static str {
        match self {
            Single::Handler => "interpreter",
            Single::Jit(_) => "JIT",
        }
    }

    /// Executes one instruction of a CPU at EL1, after which the PC is behind it.
    ///
    /// # Errors
    ///
    /// The exception class, if there was an exception. It is not taken.
    pub(in crate::interp) fn execute(&mut self, cpu: &mut Vcpu, word: u32) -> Result<(), u32> {
        match self {
            Single::Handler => {
                let handler = a64::decode(word).and_then(table::handler).ok_or(0_u32)?;
                match handler(cpu, word) {
                    Ok(Flow::Jump) => Ok(()),
                    Ok(_) => {
                        cpu.state.pc = cpu.state.pc.wrapping_add(4);
                        Ok(())
                    }
                    Err(_) => Err(cpu.abort.ec.into()),
                }
            }
            Single::Jit(jit) => generated(jit, cpu, word),
        }
    }
}

fn generated(jit: &mut Executor, cpu: &mut Vcpu, word: u32) -> Result<(), u32> {
    let ram = cpu.machine.ram.clone();
    let put = |pa, word: u32| {
        if ram.read::<u32>(pa) != Ok(word) {
            ram.write(pa, word).expect("RAM");
        }
    };
    (VECTORS..VECTORS + VECTORS_BYTES).step_by(0x80).for_each(|pa| put(pa, STAY));
    put(CODE, word);
    put(CODE + 4, STAY);
    cpu.set_sys(SysReg::VBAR_EL1, VECTORS);
    let (pc, pstate) = (cpu.state.pc, cpu.state.pstate);
    cpu.state.pc = CODE;
    jit.run(cpu, cpu.state.insn_count + 1);
    let at = cpu.state.pc;
    cpu.state.pc = pc.wrapping_add(at.wrapping_sub(CODE));
    if !(VECTORS..VECTORS + VECTORS_BYTES).contains(&at) {
        return Ok(());
    }
    (cpu.state.pc, cpu.state.pstate) = (pc, pstate);
    cpu.context_changed();
    Err((cpu.sys(SysReg::ESR_EL1) >> 26) as u32)
}
