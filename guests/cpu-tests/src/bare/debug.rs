//! Debug exceptions of EL1, routed to EL2: single step, breakpoints, watchpoints.

use super::catch::{Caught, enter};
use super::harness::equal;
use core::arch::global_asm;
use guest_support::lower::EL1;
use guest_support::{boot, mrs, msr};

const HCR_RW: u64 = 1 << 31;
const TDE: u64 = 1 << 8;
const TDA: u64 = 1 << 9;
const MDSCR_SS: u64 = 1;
const MDSCR_MDE: u64 = 1 << 15;
const SPSR_SS: u64 = 1 << 21;

global_asm!(
    r#"
    .text
    .balign 16
    .global dbg_code
dbg_code:
    nop
    add   x0, x0, #1
    .global dbg_marked
dbg_marked:
    add   x0, x0, #2
    hvc   #1
    .global dbg_exclusive
dbg_exclusive:
    ldxr  x1, [x0]
    hvc   #1
    .global dbg_store
dbg_store:
    strb  w1, [x0, #3]
    hvc   #1
    .global dbg_load
dbg_load:
    ldr   x1, [x0]
    hvc   #1
    .global dbg_brk
dbg_brk:
    brk   #9
    .global dbg_mdscr
dbg_mdscr:
    mrs   x3, mdscr_el1
    hvc   #1
    .balign 8
    .global dbg_data
dbg_data:
    .quad 0
"#
);

macro_rules! program {
    ($name:ident) => {{
        unsafe extern "C" {
            fn $name();
        }
        $name as *const () as u64
    }};
}

pub(crate) fn run() {
    let mdcr = mrs!("mdcr_el2");
    msr!("oslar_el1", 0);
    msr!("osdlr_el1", 0);
    msr!("mdcr_el2", mdcr | TDE);
    step();
    breakpoint();
    watchpoint();
    let brk = with(0, program!(dbg_brk), 0, 0);
    equal(
        "BRK at EL1 with MDCR_EL2.TDE: to EL2",
        (brk.class, brk.iss, brk.elr),
        (0x3c, 9, program!(dbg_brk)),
    );
    msr!("mdcr_el2", mdcr | TDE | TDA);
    let trap = with(0, program!(dbg_mdscr), 0, 0);
    // Op0 2, Op2 2, Op1 0, CRn 0, Rt 3, CRm 2, read.
    equal(
        "MDCR_EL2.TDA: MRS MDSCR_EL1",
        (trap.class, trap.iss),
        (0x18, 2 << 20 | 2 << 17 | 3 << 5 | 2 << 1 | 1),
    );
    msr!("mdcr_el2", mdcr);
}

fn with(mdscr: u64, pc: u64, spsr: u64, x0: u64) -> Caught {
    msr!("mdscr_el1", mdscr);
    msr!("hcr_el2", HCR_RW);
    let caught = enter(pc, EL1 | spsr, x0, 0);
    msr!("hcr_el2", boot::HCR_EL2);
    msr!("mdscr_el1", 0);
    caught
}

fn step() {
    let code = program!(dbg_code);
    let got = with(MDSCR_SS, code, SPSR_SS, 0);
    equal("single step: one instruction", (got.class, got.iss, got.elr), (0x32, 1 << 24 | 0x22, code + 4));
    equal("single step: SPSR.SS is clear", got.spsr & SPSR_SS, 0);
    let got = with(MDSCR_SS, code + 4, SPSR_SS, 5);
    equal("single step: the instruction was executed", (got.elr, got.x0), (code + 8, 6));
    let exclusive = program!(dbg_exclusive);
    let got = with(MDSCR_SS, exclusive, SPSR_SS, program!(dbg_data));
    equal("single step: of a load-exclusive", (got.iss, got.elr), (1 << 24 | 1 << 6 | 0x22, exclusive + 4));
    let got = with(MDSCR_SS, code + 4, 0, 5);
    equal("single step: SPSR.SS = 0: nothing is executed", (got.class, got.elr, got.x0), (0x32, code + 4, 5));
    let got = with(0, code, SPSR_SS, 0);
    equal("no single step without MDSCR_EL1.SS", (got.class, got.x0), (0x16, 3));
}

fn breakpoint() {
    let marked = program!(dbg_marked);
    msr!("dbgbvr0_el1", marked);
    // E, PMC = EL1, BAS.
    msr!("dbgbcr0_el1", 1 | 1 << 1 | 0xf << 5);
    let got = with(MDSCR_MDE, program!(dbg_code), 0, 0);
    equal("breakpoint", (got.class, got.iss, got.elr, got.x0), (0x30, 0x22, marked, 1));
    let got = with(0, program!(dbg_code), 0, 0);
    equal("no breakpoint without MDSCR_EL1.MDE", (got.class, got.x0), (0x16, 3));
    // PMC = EL0.
    msr!("dbgbcr0_el1", 1 | 2 << 1 | 0xf << 5);
    let got = with(MDSCR_MDE, program!(dbg_code), 0, 0);
    equal("no breakpoint of another level", (got.class, got.x0), (0x16, 3));
    msr!("dbgbcr0_el1", 0);
}

fn watchpoint() {
    let data = program!(dbg_data);
    msr!("dbgwvr0_el1", data);
    // E, PAC = EL1, LSC = store, BAS = byte 3.
    msr!("dbgwcr0_el1", 1 | 1 << 1 | 2 << 3 | 1 << 8);
    let got = with(MDSCR_MDE, program!(dbg_store), 0, data);
    let seen = (got.class, got.iss & 0x7f, got.far, got.elr);
    equal("watchpoint: store of the byte", seen, (0x34, 1 << 6 | 0x22, data + 3, program!(dbg_store)));
    let got = with(MDSCR_MDE, program!(dbg_load), 0, data);
    equal("watchpoint of stores: not for a load", got.class, 0x16);
    // LSC = load, BAS = all.
    msr!("dbgwcr0_el1", 1 | 1 << 1 | 1 << 3 | 0xff << 5);
    let got = with(MDSCR_MDE, program!(dbg_load), 0, data);
    equal("watchpoint: load", (got.class, got.iss & 0x7f, got.far), (0x34, 0x22, data));
    let got = with(MDSCR_MDE, program!(dbg_load), 0, data - 8);
    equal("watchpoint: not for a neighbour", got.class, 0x16);
    msr!("dbgwcr0_el1", 0);
}
