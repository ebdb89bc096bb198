//! The loops over the matrix, and what is printed.

mod cell;
mod enter;
mod fields;
mod hardware;
mod policy;
mod report;
mod wait;

use cell::Cell;
use core::cell::UnsafeCell;
use droste_arch::fields::hcr_el2::{E2H, NV, NV1, NV2, RW, TGE};
use droste_arch::outcome::{self, Operation, State};
use droste_arch::sysreg::{COUNT, SysReg};
use fields::{Asked, Few};
use guest_support::{mrs, msr, println};
use hardware::Hardware;
use report::Report;

/// {NV,NV1} = {0,1} is CONSTRAINED UNPREDICTABLE: the tables take the choice that it is {0,0} (D8.14.4).
const NESTED: [u64; 7] = [
    NV2.mask(),
    NV1.mask(),
    NV1.mask() | NV2.mask(),
    NV.mask(),
    NV.mask() | NV1.mask(),
    NV.mask() | NV2.mask(),
    NV.mask() | NV1.mask() | NV2.mask(),
];
const ALL_NESTED: u64 = NV.mask() | NV1.mask() | NV2.mask();
const HOST: [u64; 4] = [0, E2H.mask(), TGE.mask(), E2H.mask() | TGE.mask()];

struct Own<T>(UnsafeCell<T>);
// SAFETY: one CPU, and each is borrowed once, by `guest_main`.
#[allow(unsafe_code, reason = "what is too large for the stack")]
unsafe impl<T> Sync for Own<T> {}
static HARDWARE: Own<Hardware> = Own(UnsafeCell::new(Hardware::new()));
static REPORT: Own<Report> = Own(UnsafeCell::new(Report::new()));
static IDS: Own<[u64; COUNT]> = Own(UnsafeCell::new([0; COUNT]));

/// Borrows a static, once.
#[allow(unsafe_code, clippy::mut_from_ref, reason = "what is too large for the stack")]
fn only<T>(own: &'static Own<T>) -> &'static mut T {
    // SAFETY: each static is asked for once.
    unsafe { &mut *own.0.get() }
}

#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the entry's name")]
extern "Rust" fn guest_main() {
    let el = guest_support::sysreg::current_el();
    println!("conformance-nv at EL{el}");
    if el != 2 {
        println!("conformance-nv: it has to be entered at EL2");
        return;
    }
    let (vectors_el1, vectors_el2) = enter::vectors();
    msr!("vbar_el2", vectors_el2);
    msr!("hcr_el2", enter::HARNESS);
    let hardware = only(&HARDWARE);
    hardware.prepare();
    let mut state = identified(hardware, only(&IDS));
    state.put(SysReg::HCR_EL2, mrs!("hcr_el2"));
    state.put(SysReg::SPSel, 1);
    state.trap_nothing();
    hardware.find_accessors(&state);
    hardware.write(SysReg::VBAR_EL1, enter::HARNESS, vectors_el1);
    hardware.write(SysReg::VNCR_EL2, enter::HARNESS, enter::vncr_page());
    enter::fill_page();
    wait::prepare();
    println!("features: {}", state.features().count());

    let report = only(&REPORT);
    each_setting(|el, hcr| setting(&mut state, hardware, el, hcr, report));
    report.summary(&state);
}

/// The CPU's state after a reset, by its ID registers.
fn identified(hardware: &Hardware, ids: &'static mut [u64; COUNT]) -> State {
    for r in SysReg::all() {
        let wanted = !r.is_writable() || r == SysReg::PMCR_EL0;
        let changes = matches!(policy::value(r), policy::Value::Only(_)) || r.name().starts_with("TRC");
        if wanted && r.is_readable() && !changes {
            ids[r.index()] = hardware.read(r, enter::HARNESS).unwrap_or(0);
        }
    }
    let ids: &[u64; COUNT] = ids;
    State::reset(|r| ids[r.index()])
}

/// Calls for every level and setting of HCR_EL2.{NV2,NV1,NV,E2H,TGE} that there may be at it.
fn each_setting(mut call: impl FnMut(u8, u64)) {
    for e2h in [0, E2H.mask()] {
        call(1, e2h);
        NESTED.iter().for_each(|nested| call(1, e2h | nested));
    }
    for el in [0, 2] {
        for host in HOST {
            call(el, host);
            call(el, host | ALL_NESTED);
        }
    }
}

/// Executes all operations at a level under one setting.
fn setting(state: &mut State, hardware: &Hardware, el: u8, bits: u64, report: &mut Report) {
    state.put(SysReg::HCR_EL2, RW.mask() | bits);
    state.trap_nothing();
    let wanted = state.get(SysReg::HCR_EL2);
    let hcr = hardware.read(SysReg::HCR_EL2, wanted).unwrap_or(0);
    state.put(SysReg::HCR_EL2, hcr);
    if hcr & (ALL_NESTED | E2H.mask() | TGE.mask()) != bits {
        report.setting_is_not_there(el, bits);
        return;
    }
    // Some of them let others be written.
    for _ in 0..2 {
        for r in State::controls().filter(|r| *r != SysReg::HCR_EL2) {
            hardware.write(r, hardware::layout(r, hcr), state.get(r));
        }
    }
    for r in State::controls().filter(|r| *r != SysReg::HCR_EL2) {
        state.put(r, hardware.read(r, hardware::layout(r, hcr)).unwrap_or(0));
    }
    for (number, operation) in Operation::all().enumerate() {
        let Some(plain) = outcome::decide(operation.word(0), el, &*state).filter(|d| !d.rules.is_empty())
        else {
            continue;
        };
        if fields::is_absent(operation, state) {
            report.absent();
            continue;
        }
        let mut bench = Bench { state, hardware, report };
        let judge = |bench: &mut Bench<'_>, hcr: u64, asked: &[Asked]| {
            let cell = Cell { operation, number, el, hcr, state: bench.state, hardware: bench.hardware };
            let difference = cell.judge();
            bench.report.judged(&cell, asked, difference);
        };
        judge(&mut bench, hcr, &[]);
        // The values that decide by themselves: of two of them, the order of the rules decides.
        let mut deciding = Few::new();
        fields::each(operation.rules(el), |asked| {
            let old = asked.field.get(bench.state.get(asked.register));
            for value in asked.values().filter(|v| *v != old) {
                let asked = Asked { value, ..asked };
                bench.with(hcr, &asked, |bench, hcr| {
                    judge(bench, hcr, &[asked]);
                    let now = outcome::decide(operation.word(0), el, &*bench.state).map(|d| d.decisive);
                    if now != Some(plain.decisive) {
                        deciding.push(asked);
                    }
                });
            }
        });
        deciding.each_pair(|a, b| {
            bench.with(hcr, &a, |bench, hcr| {
                bench.with(hcr, &b, |bench, hcr| judge(bench, hcr, &[a, b]));
            });
        });
    }
}

/// What a cell is executed on.
struct Bench<'a> {
    state: &'a mut State,
    hardware: &'a Hardware,
    report: &'a mut Report,
}

impl Bench<'_> {
    /// Runs something while a field has another value, if the CPU holds it; `hcr` is HCR_EL2 before, and is handed on as
    /// it is then.
    fn with(&mut self, hcr: u64, asked: &Asked, run: impl FnOnce(&mut Self, u64)) {
        let r = asked.register;
        let old = self.state.get(r);
        let layout = hardware::layout(r, hcr);
        if self.hardware.read(r, layout).is_none() {
            return self.report.absent();
        }
        let wanted = asked.field.with(old, asked.value);
        let (held, hcr) = if r == SysReg::HCR_EL2 {
            let held = self.hardware.read(r, wanted).unwrap_or(0);
            (held, held)
        } else {
            self.hardware.write(r, layout, wanted);
            (self.hardware.read(r, layout).unwrap_or(0), hcr)
        };
        if asked.field.get(held) == asked.value {
            self.state.put(r, held);
            run(self, hcr);
        } else {
            self.report.not_held(asked, self.state);
        }
        self.state.put(r, old);
        if r != SysReg::HCR_EL2 {
            self.hardware.write(r, layout, old);
        }
    }
}
