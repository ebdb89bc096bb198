//! Exceptions of the host.

use super::memory::{Regime, lock};
use super::registers::{mrs, msr, read_el1, write_el1};
use super::state::{STATE, State};
use super::vectors::Frame;
use super::{cpu, firmware};
use droste_arch::esr::{Class, Esr};
use droste_arch::fields::hpfar_el2;
use droste_arch::smccc;
use droste_hyp_core::address::{PAGE_BYTES, Pa};
use droste_hyp_core::host_map::Plan;
use droste_hyp_core::inject::{self, Injection, Interrupted};
use droste_hyp_core::psci::Request;
use droste_hyp_core::smc::Verdict;
use droste_hyp_core::tables::stage2_attributes;

/// A synchronous exception from the host.
pub(crate) extern "C" fn exception(frame: &mut Frame, _vector: usize) {
    let state = STATE.get();
    let esr = Esr(mrs!("esr_el2"));
    match esr.class() {
        Class::SMC => call(state, frame, esr),
        // Nobody has told the host that there is something behind HVC.
        Class::HVC => frame.x[0] = smccc::NOT_SUPPORTED.cast_unsigned(),
        Class::DATA_ABORT_LOWER | Class::INSTRUCTION_ABORT_LOWER => abort(state, esr),
        // Whatever else is trapped by a bit that this hypervisor does not know.
        _ => inject(state, inject::undefined(interrupted(state), esr)),
    }
}

/// SMC, trapped: the instruction is skipped by hand.
fn call(state: &State, frame: &mut Frame, esr: Esr) {
    msr!("elr_el2", mrs!("elr_el2").wrapping_add(4));
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
            firmware::smc(&mut x);
            window.results(host, &x);
        }
        Verdict::Answer(value) => frame.x[0] = value.cast_unsigned(),
        Verdict::Refuse(_) => frame.x[0] = smccc::NOT_SUPPORTED.cast_unsigned(),
    }
}

/// An access that stage 2 does not map (yet).
fn abort(state: &State, esr: Esr) {
    let page = hpfar_el2::FIPA.get(mrs!("hpfar_el2")) * PAGE_BYTES;
    let Plan::Map(range, kind) = state.map.plan(page) else {
        return inject(state, inject::external_abort(interrupted(state), esr));
    };
    let mut memory = lock(Regime::Host);
    // Another core may have been faster.
    if state.stage2.walk(&memory, page).is_none() {
        let done = state.stage2.map(&mut memory, range, Pa(range.start), stage2_attributes(kind));
        drop(memory);
        if let Err(why) = done {
            panic!("cannot map {range} for the host: {why:?}");
        }
    }
}

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
