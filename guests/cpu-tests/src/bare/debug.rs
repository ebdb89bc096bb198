//! Debug exceptions of EL1, routed to EL2, and of EL2: single step, breakpoints, watchpoints.

use super::catch::{Caught, catch, enter};
use super::harness::{beyond_qemu, equal};
use core::arch::global_asm;
use guest_support::lower::EL1;
use guest_support::{boot, mrs, msr};

const HCR_RW: u64 = 1 << 31;
const TDE: u64 = 1 << 8;
const TDA: u64 = 1 << 9;
const MDSCR_SS: u64 = 1;
const MDSCR_KDE: u64 = 1 << 13;
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
    .global dbg_load_pair
dbg_load_pair:
    ldp   x1, x2, [x0]
    hvc   #1
    .global dbg_load_user
dbg_load_user:
    ldtr  x1, [x0]
    hvc   #1
    .global dbg_add
dbg_add:
    .arch_extension lse
    ldadd xzr, x1, [x0]
    hvc   #1
    .global dbg_own
dbg_own:
    msr   daifclr, #8
    isb
    .global dbg_own_marked
dbg_own_marked:
    nop
    msr   daifset, #8
    .global dbg_own_masked
dbg_own_masked:
    nop
    ret
    .balign 64
    .global dbg_data
dbg_data:
    .skip 128
"#
);

macro_rules! program {
    ($name:ident) => {{
        // SAFETY: the assembly above has these symbols, of which only the address is used.
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
    linked_breakpoint();
    breakpoint_of_own_level();
    watchpoint();
    watchpoint_of_other_accesses();
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
    let hvc = code + 12;
    let got = with(MDSCR_SS, hvc, SPSR_SS, 0);
    equal("single step: a call is complete", (got.class, got.elr, got.spsr & SPSR_SS), (0x16, hvc + 4, 0));
    let brk = program!(dbg_brk);
    let got = with(MDSCR_SS, brk, SPSR_SS, 0);
    equal("single step: an instruction that faults is not", (got.class, got.spsr & SPSR_SS), (0x3c, SPSR_SS));
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
    // HMC: EL1 and EL2.
    msr!("dbgbcr0_el1", 1 | 1 << 1 | 0xf << 5 | 1 << 13);
    let got = with(MDSCR_MDE, program!(dbg_code), 0, 0);
    equal("breakpoint of EL1 and EL2", (got.class, got.elr), (0x30, marked));
    msr!("oslar_el1", 1);
    let got = with(MDSCR_MDE, program!(dbg_code), 0, 0);
    beyond_qemu("no breakpoint under the OS Lock", (got.class, got.x0), (0x16, 3));
    msr!("oslar_el1", 0);
    let got = with(MDSCR_MDE | MDSCR_SS, marked, SPSR_SS, 5);
    equal("breakpoint: in place of a step", (got.class, got.elr, got.x0), (0x30, marked, 5));
    let got = with(MDSCR_MDE | MDSCR_SS, marked, 0, 5);
    equal("single step comes before a breakpoint", (got.class, got.elr), (0x32, marked));
    msr!("dbgbcr0_el1", 0);
}

fn linked_breakpoint() {
    const CONTEXT: u64 = 0x1234_5677;
    let marked = program!(dbg_marked);
    let last = mrs!("id_aa64dfr0_el1") >> 12 & 0xf;
    if last != 5 {
        return super::harness::skip("linked breakpoint: this machine has not six breakpoints");
    }
    msr!("dbgbvr0_el1", marked);
    // BT = linked address, LBN = 5.
    msr!("dbgbcr0_el1", 1 | 1 << 1 | 0xf << 5 | 5 << 16 | 1 << 20);
    msr!("dbgbvr5_el1", CONTEXT);
    let old = mrs!("contextidr_el1");
    let of_context = |bt: u64, context: u64| {
        // Linked to, PMC and the like count for nothing.
        msr!("dbgbcr5_el1", 1 | 3 << 1 | 0xf << 5 | bt << 20);
        msr!("contextidr_el1", context);
        let got = with(MDSCR_MDE, program!(dbg_code), 0, 0);
        (got.class, got.x0)
    };
    equal("breakpoint linked to a context ID: the same", of_context(3, CONTEXT), (0x30, 1));
    equal("breakpoint linked to a context ID: another", of_context(3, CONTEXT + 1), (0x16, 3));
    equal("breakpoint linked to CONTEXTIDR_EL1", of_context(7, CONTEXT), (0x30, 1));
    // VMID 0, CONTEXTIDR_EL1.
    beyond_qemu("breakpoint linked to VMID and context ID", of_context(11, CONTEXT), (0x30, 1));
    msr!("dbgbvr5_el1", CONTEXT | 9 << 32);
    beyond_qemu("breakpoint linked to another VMID", of_context(11, CONTEXT), (0x16, 3));
    msr!("dbgbcr0_el1", 0);
    msr!("dbgbvr5_el1", CONTEXT);
    beyond_qemu("breakpoint by context ID alone", of_context(2, CONTEXT), (0x30, 0));
    msr!("dbgbcr5_el1", 0);
    msr!("contextidr_el1", old);
}

fn breakpoint_of_own_level() {
    // SAFETY: the assembly above has this function.
    unsafe extern "C" {
        fn dbg_own();
    }
    let marked = program!(dbg_own_marked);
    msr!("dbgbvr0_el1", marked);
    msr!("dbgbcr0_el1", 1 | 1 << 1 | 0xf << 5 | 1 << 13);
    msr!("dbgbvr1_el1", program!(dbg_own_masked));
    msr!("dbgbcr1_el1", 1 | 1 << 1 | 0xf << 5 | 1 << 13);
    let own = |mdscr: u64| {
        msr!("mdscr_el1", mdscr);
        // SAFETY: a few instructions that use no register; the handler goes on behind a breakpoint.
        let got = catch(|| unsafe { dbg_own() });
        msr!("mdscr_el1", 0);
        got.map(|got| (got.class, got.iss, got.elr))
    };
    equal("breakpoint of EL2 itself, unless masked", own(MDSCR_MDE | MDSCR_KDE), Some((0x31, 0x22, marked)));
    equal("no breakpoint of EL2 itself without MDSCR_EL1.KDE", own(MDSCR_MDE), None);
    msr!("dbgbcr0_el1", 0);
    msr!("dbgbcr1_el1", 0);
}

/// A watchpoint by control bits besides E and EL1, on an offset of the data; the access of `pc` is to `x0`.
fn watch(offset: u64, control: u64, pc: u64, x0: u64) -> (u64, u64, u64) {
    let data = program!(dbg_data);
    msr!("dbgwvr0_el1", data + offset);
    msr!("dbgwcr0_el1", 1 | control);
    let got = with(MDSCR_MDE, pc, 0, x0);
    msr!("dbgwcr0_el1", 0);
    if got.class == 0x16 {
        (got.class, 0, 0)
    } else {
        (got.class, got.iss & 0x1ff, got.far.wrapping_sub(data))
    }
}

fn watchpoint_of_other_accesses() {
    const EL1_ONLY: u64 = 1 << 1;
    const EL0_ONLY: u64 = 2 << 1;
    const LOADS: u64 = 1 << 3;
    const STORES: u64 = 2 << 3;
    const ALL: u64 = 0xff << 5;
    const NONE: (u64, u64, u64) = (0x16, 0, 0);
    let data = program!(dbg_data);
    let pair = program!(dbg_load_pair);
    equal("watchpoint: second half of a pair", watch(8, EL1_ONLY | LOADS | ALL, pair, data), (0x34, 0x22, 8));
    let range = 6 << 24;
    let load = program!(dbg_load);
    equal(
        "watchpoint: 64 bytes",
        watch(0, EL1_ONLY | LOADS | ALL | range, load, data + 48),
        (0x34, 0x22, 48),
    );
    equal("watchpoint: not after 64 bytes", watch(0, EL1_ONLY | LOADS | ALL | range, load, data + 64), NONE);
    let word = 3 << 5;
    equal("watchpoint: of a word's half", watch(4, EL1_ONLY | LOADS | word, load, data), (0x34, 0x22, 4));
    let user = program!(dbg_load_user);
    equal("watchpoint of EL0: LDTR at EL1", watch(0, EL0_ONLY | LOADS | ALL, user, data), (0x34, 0x22, 0));
    equal("watchpoint of EL0: LDR at EL1", watch(0, EL0_ONLY | LOADS | ALL, load, data), NONE);
    let add = program!(dbg_add);
    equal("watchpoint of stores: atomic", watch(0, EL1_ONLY | STORES | ALL, add, data), (0x34, 0x62, 0));
    let got = watch(0, EL1_ONLY | LOADS | ALL, add, data);
    beyond_qemu("watchpoint of loads: atomic", got, (0x34, 0x22, 0));
    let exclusive = program!(dbg_exclusive);
    equal("watchpoint: exclusive", watch(0, EL1_ONLY | LOADS | ALL, exclusive, data), (0x34, 0x22, 0));
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
