//! Exceptions of the host.

use super::console::log;
use super::memory::{Regime, lock};
use super::registers::{mrs, msr, read_el1, write_el1};
use super::state::{STATE, State};
use super::vectors::Frame;
use super::{clock, cpu, entry, firmware};
use droste_arch::esr::{Class, Esr, abort};
use droste_arch::fields::hpfar_el2;
use droste_arch::smccc;
use droste_hyp_core::address::{PAGE_BYTES, Pa, PaRange};
use droste_hyp_core::counters::Event;
use droste_hyp_core::host_map::Plan;
use droste_hyp_core::inject::{self, Injection, Interrupted};
use droste_hyp_core::psci::Request;
use droste_hyp_core::smc::Verdict;
use droste_hyp_core::stub;
use droste_hyp_core::tables::{MapError, stage2_attributes};

/// A synchronous exception from the host.
pub(crate) extern "C" fn exception(frame: &mut Frame, _vector: usize) {
    clock::begin();
    let state = STATE.get();
    let esr = Esr(mrs!("esr_el2"));
    log!(Trace, "core {}: {esr} at {:#x}", cpu::number(), mrs!("elr_el2"));
    match esr.class() {
        Class::SMC => call(state, frame, esr),
        Class::HVC => hypervisor_call(state, frame, esr),
        Class::DATA_ABORT_LOWER | Class::INSTRUCTION_ABORT_LOWER => abort(state, esr),
        // Whatever else is trapped by a bit that this hypervisor does not know.
        _ => {
            state.counters.count(Event::Undefined);
            log!(Debug, "core {}: {esr}: undefined", cpu::number());
            inject(state, inject::undefined(interrupted(state), esr));
        }
    }
    clock::end();
}

/// SMC, trapped: the instruction is skipped by hand.
fn call(state: &State, frame: &mut Frame, esr: Esr) {
    msr!("elr_el2", mrs!("elr_el2").wrapping_add(4));
    state.counters.count(Event::Smc);
    let immediate = (esr.iss() & 0xffff) as u16;
    let [x0, x1, x2, x3, ..] = frame.x;
    match state.filter.judge(immediate, x0, x1) {
        Verdict::Psci(number) => {
            let request = Request { number, arguments: [x1, x2, x3] };
            frame.x[0] = state.relay.call(&mut firmware::Psci, cpu::number(), request);
        }
        Verdict::Forward(number, window) => {
            let Some(host) = frame.x.first_chunk_mut::<18>() else { return };
            let mut x = window.arguments(number, host);
            clock::end();
            firmware::smc(&mut x);
            clock::begin();
            window.results(host, &x);
        }
        Verdict::Answer(value) => frame.x[0] = value.cast_unsigned(),
        Verdict::Refuse(why) => {
            log!(Debug, "core {}: SMC #{immediate} {x0:#x} is refused: {why:?}", cpu::number());
            frame.x[0] = smccc::NOT_SUPPORTED.cast_unsigned();
        }
    }
}

/// HVC. Nobody has told the host that there is something behind it, except for the stub calls of the boot protocol.
fn hypervisor_call(state: &State, frame: &mut Frame, esr: Esr) {
    state.counters.count(Event::Hvc);
    let immediate = (esr.iss() & 0xffff) as u16;
    let [x0, x1, x2, x3, x4, ..] = frame.x;
    log!(Debug, "core {}: HVC #{immediate} {x0:#x}", cpu::number());
    match stub::answer(immediate, [x0, x1, x2, x3, x4]) {
        stub::Answer::Return(value) => frame.x[0] = value,
        stub::Answer::NotAStubCall => frame.x[0] = smccc::NOT_SUPPORTED.cast_unsigned(),
        stub::Answer::Restart { entry, arguments } => {
            let [a, b, c] = arguments;
            [frame.x[0], frame.x[1], frame.x[2]] = [a, b, c];
            write_el1!(state.registers.e2h, "sctlr_el1", "S3_5_C1_C0_0", state.registers.host_sctlr);
            msr!("elr_el2", entry);
            msr!("spsr_el2", entry::HOST_PSTATE);
        }
    }
}

/// An access that stage 2 does not map (yet).
fn abort(state: &State, esr: Esr) {
    let page = hpfar_el2::FIPA.get(mrs!("hpfar_el2")) * PAGE_BYTES;
    let mut memory = lock(Regime::Host);
    // Whatever is mapped is mapped for good: anything but a missing translation will not go away by another try.
    let plan = if abort::FSC.get(u64::from(esr.iss())) & !3 == TRANSLATION_FAULT {
        state.map.plan(memory.ledger(), page)
    } else {
        Plan::Refuse
    };
    let Plan::Map(range, kind) = plan else {
        drop(memory);
        state.counters.count(Event::Denied);
        log!(Debug, "core {}: no access to {page:#x}", cpu::number());
        return inject(state, inject::external_abort(interrupted(state), esr));
    };
    // Another core may have been faster.
    if state.stage2.walk(&memory, page).is_some() {
        return;
    }
    state.counters.count(Event::Mapped);
    let attributes = stage2_attributes(kind);
    let mut done = state.stage2.map(&mut memory, range, Pa(range.start), attributes);
    if done == Err(MapError::OutOfTables) {
        // The map is made of first accesses: all of it can be forgotten.
        let all = PaRange { start: 0, end: state.stage2.input_end() };
        done = state.stage2.unmap(&mut memory, all);
        if done.is_ok() {
            done = state.stage2.map(&mut memory, range, Pa(range.start), attributes);
        }
    }
    drop(memory);
    if let Err(why) = done {
        log!(Warn, "{range} cannot be mapped for the host: {why:?}");
        inject(state, inject::external_abort(interrupted(state), esr));
    }
}

/// ESR_ELx.ISS.FSC of a translation fault at level 0.
const TRANSLATION_FAULT: u64 = 0b00_0100;

fn interrupted(state: &State) -> Interrupted {
    let e2h = state.registers.e2h;
    Interrupted {
        pc: mrs!("elr_el2"),
        pstate: mrs!("spsr_el2"),
        vbar: read_el1!(e2h, "vbar_el1", "S3_5_C12_C0_0"),
        sctlr: read_el1!(e2h, "sctlr_el1", "S3_5_C1_C0_0"),
    }
}

/// Makes the host continue at its own vector.
fn inject(state: &State, to: Injection) {
    let e2h = state.registers.e2h;
    write_el1!(e2h, "elr_el1", "S3_5_C4_C0_1", mrs!("elr_el2"));
    write_el1!(e2h, "spsr_el1", "S3_5_C4_C0_0", mrs!("spsr_el2"));
    write_el1!(e2h, "esr_el1", "S3_5_C5_C2_0", to.esr.0);
    write_el1!(e2h, "far_el1", "S3_5_C6_C0_0", mrs!("far_el2"));
    msr!("elr_el2", to.pc);
    msr!("spsr_el2", to.pstate);
}
