//! The kinds of work, and how each is timed: as many times as take a tenth of a second.
#![allow(unsafe_code)] // bare metal

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use guest_support::lower::{self, EL1};
use guest_support::paging::{self, Tables, attr};
use guest_support::vectors::{self, Frame, From, Kind};
use guest_support::{board, boot, instruction, mrs, msr, println, sysreg};

static TABLES: Tables<16> = Tables::new();
static STAGE_2: Tables<8> = Tables::new();

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u64; 512]>);
// SAFETY: used by one CPU.
unsafe impl Sync for Page {}
static VNCR: Page = Page(UnsafeCell::new([0; 512]));

const HCR_RW: u64 = 1 << 31;
const VTCR: u64 = 25 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | 1 << 31;
/// An IPA that stage 2 does not map.
const NOWHERE: u64 = 0xc000_0000;
/// Where 2 MiB of pages are mapped, one by one.
const PAGES: u64 = 0x10_0000_0000;

// Programs for EL1, MMU off; X0 is theirs. Each ends with an exception to EL2 that `back` leaves by.
global_asm!(
    r#"
    .text
    .balign 16
    .global bench_hvc
bench_hvc:
    hvc   #0
    subs  x0, x0, #1
    b.ne  bench_hvc
    hvc   #1
    .global bench_mmio
bench_mmio:
    ldr   w2, [x1]
    subs  x0, x0, #1
    b.ne  bench_mmio
    hvc   #1
    .global bench_trap
bench_trap:
    mrs   x2, id_aa64isar0_el1
    subs  x0, x0, #1
    b.ne  bench_trap
    hvc   #1
    .global bench_vncr
bench_vncr:
    mrs   x2, hcr_el2
    subs  x0, x0, #1
    b.ne  bench_vncr
    hvc   #1
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

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    assert!(sysreg::current_el() == 2, "start this at EL2");
    println!("micro-bench at EL2");
    vectors::set_handler(handler);
    let ram = board::RAM as u64;
    TABLES.map(ram, ram, 64 << 20, attr::NORMAL | attr::USER);
    TABLES.map(board::UART as u64, board::UART as u64, 0x1000, attr::DEVICE | attr::XN | attr::USER);
    for at in (0..2 << 20).step_by(4096) {
        TABLES.set(PAGES + at, 3, (ram + (32 << 20) + at) | attr::NORMAL | attr::USER | attr::XN | 3);
    }
    TABLES.enable();
    STAGE_2.map(ram, ram, 64 << 20, attr::S2_NORMAL);
    msr!("vtcr_el2", VTCR);
    msr!("vttbr_el2", STAGE_2.root() | 1 << 48);
    instruction!("dsb sy", "tlbi alle1", "dsb sy", "isb");

    time("integer", integer);
    time("call", calls);
    time("load-store", memory);
    time("atomic", atomics);
    time("svc", exceptions);
    time("page-table-walk", walks);
    time("tlbi-and-load", flushes);
    time("hvc-round-trip", |n| guest(1, program!(bench_hvc), n));
    time("trapped-mrs", |n| guest(1 | 1 << 18, program!(bench_trap), n));
    time("stage-2-fault", |n| guest(1, program!(bench_mmio), n));
    time("world-switch", switches);
    if mrs!("id_aa64mmfr2_el1") >> 24 & 0xf >= 2 {
        msr!("S3_4_C2_C2_0", VNCR.0.get() as u64);
        time("vncr-access", |n| guest(1 | 1 << 42 | 1 << 45, program!(bench_vncr), n));
    }
    println!("micro-bench: done");
}

/// Prints the nanoseconds of one of many, from a run that takes a tenth of a second.
fn time(name: &str, work: impl Fn(u64)) {
    let frequency = mrs!("cntfrq_el0");
    let mut count = 64;
    loop {
        let began = mrs!("cntpct_el0");
        work(count);
        let ticks = mrs!("cntpct_el0") - began;
        if ticks > frequency / 10 || count > 1 << 40 {
            let tenths = u128::from(ticks) * 10_000_000_000 / u128::from(frequency) / u128::from(count);
            println!("BENCH {name} {}.{}", tenths / 10, tenths % 10);
            return;
        }
        count *= if ticks < frequency / 100 { 8 } else { 2 };
    }
}

/// Eight dependent integer operations and a branch.
fn integer(count: u64) {
    // SAFETY: registers only.
    unsafe {
        asm!("2: madd {a}, {a}, {b}, {n}", "eor {b}, {b}, {a}, lsr #7", "add {a}, {a}, {b}, lsl #3", "orr {b}, {b}, #1",
             "sub {a}, {a}, {b}", "ror {b}, {b}, #11", "and {a}, {a}, #0xffffffff", "subs {n}, {n}, #1", "b.ne 2b",
             a = inout(reg) 3_u64 => _, b = inout(reg) 5_u64 => _, n = inout(reg) count => _, options(nostack));
    }
}

#[inline(never)]
fn leaf(value: u64) -> u64 {
    core::hint::black_box(value) ^ 1
}

fn calls(count: u64) {
    let mut value = 0;
    for _ in 0..count {
        value = leaf(value);
    }
    core::hint::black_box(value);
}

/// Two loads and two stores in 4 KiB.
fn memory(count: u64) {
    // SAFETY: the pages at `PAGES` are plain memory.
    unsafe {
        asm!("2: and {o}, {n}, #0xff8", "ldr {v}, [{p}, {o}]", "add {v}, {v}, {n}", "str {v}, [{p}, {o}]",
             "ldp {v}, {w}, [{p}]", "stp {w}, {v}, [{p}, #16]", "subs {n}, {n}, #1", "b.ne 2b",
             o = out(reg) _, v = out(reg) _, w = out(reg) _, p = in(reg) PAGES, n = inout(reg) count => _, options(nostack));
    }
}

/// One LDADD and one pair of exclusives.
fn atomics(count: u64) {
    // SAFETY: the pages at `PAGES` are plain memory.
    unsafe {
        asm!(".arch_extension lse", "2: ldadd {n}, {v}, [{p}]", "3: ldxr {v}, [{p}]", "stxr {s:w}, {v}, [{p}]", "cbnz {s:w}, 3b",
             "subs {n}, {n}, #1", "b.ne 2b", ".arch_extension nolse",
             v = out(reg) _, s = out(reg) _, p = in(reg) PAGES, n = inout(reg) count => _, options(nostack));
    }
}

/// SVC to the same level and back.
fn exceptions(count: u64) {
    for _ in 0..count {
        // SAFETY: the handler comes back.
        unsafe { asm!("svc #0") };
    }
}

/// One load from each of 512 pages in turn.
fn walks(count: u64) {
    for n in 0..count {
        touch(PAGES + (n & 511) * 4096);
    }
}

/// A TLBI of everything, and a load.
fn flushes(count: u64) {
    for n in 0..count {
        paging::flush();
        touch(PAGES + (n & 511) * 4096);
    }
}

fn touch(va: u64) {
    // SAFETY: a mapped page.
    unsafe { asm!("ldr {0}, [{1}]", out(reg) _, in(reg) va, options(nostack, readonly)) };
}

/// Runs a program at EL1 that makes `count` exits.
fn guest(hcr: u64, program: u64, count: u64) {
    msr!("hcr_el2", HCR_RW | hcr);
    lower::enter(program, EL1, count, NOWHERE);
    msr!("hcr_el2", boot::HCR_EL2);
}

/// Into a guest for one exit and out again, with another VMID each time.
fn switches(count: u64) {
    for n in 0..count {
        msr!("vttbr_el2", STAGE_2.root() | (n % 4 + 1) << 48);
        guest(1, program!(bench_hvc), 1);
    }
}

fn handler(frame: &mut Frame, from: From, _: Kind) {
    match (from, frame.class()) {
        (From::Current, 0x15) => {}
        (From::Lower, 0x16) if frame.iss() == 0 => {}
        (From::Lower, 0x16) => lower::leave(frame),
        (From::Lower, 0x18 | 0x24) => frame.elr += 4,
        _ => panic!("{from:?}: ESR {:#x}, ELR {:#x}, FAR {:#x}", frame.esr, frame.elr, frame.far),
    }
}
