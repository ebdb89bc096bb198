//! Entry of the first CPU and of further ones, and what a panic does.
#![allow(unsafe_code)] // entry code

use crate::console::Console;
use crate::sysreg::{cpu, current_el};
use crate::{mrs, msr, println, psci, vectors};
use core::arch::global_asm;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU64, Ordering};

global_asm!(
    ".section .text.boot, \"ax\"",
    ".global _start",
    "_start:",
    "    msr   daifset, #15",
    "    msr   spsel, #1",
    "    adrp  x1, __stack_top",
    "    add   x1, x1, :lo12:__stack_top",
    "    mov   sp, x1",
    "    adrp  x1, __bss_start",
    "    add   x1, x1, :lo12:__bss_start",
    "    adrp  x2, __bss_end",
    "    add   x2, x2, :lo12:__bss_end",
    "1:  cmp   x1, x2",
    "    b.hs  2f",
    "    stp   xzr, xzr, [x1], #16",
    "    b     1b",
    "2:  mov   x29, xzr",
    "    mov   x30, xzr",
    "    bl    {first}",
    "    .global _start_secondary",
    "_start_secondary:",
    "    msr   daifset, #15",
    "    msr   spsel, #1",
    "    ldr   x1, [x0]",
    "    mov   sp, x1",
    "    ldr   x0, [x0, #8]",
    "    mov   x29, xzr",
    "    mov   x30, xzr",
    "    bl    {other}",
    ".previous",
    first = sym first,
    other = sym other,
);

// SAFETY: the assembly above and each guest have these symbols, with these signatures.
unsafe extern "Rust" {
    /// Every guest has one: `#[unsafe(no_mangle)] extern "Rust" fn guest_main()`.
    fn guest_main();
    /// Entry of further CPUs.
    fn _start_secondary();
}

extern "C" fn first() -> ! {
    Console::enable();
    INITIAL_VBAR
        .store(if current_el() == 2 { mrs!("vbar_el2") } else { mrs!("vbar_el1") }, Ordering::Relaxed);
    prepare_cpu();
    // SAFETY: defined by the program with this signature.
    unsafe { guest_main() };
    psci::system_off()
}

extern "C" fn other(work: usize) -> ! {
    prepare_cpu();
    // SAFETY: `start_cpu` stored a `fn()`.
    let work = unsafe { core::mem::transmute::<usize, fn()>(work) };
    work();
    psci::call(psci::CPU_OFF, 0, 0, 0);
    panic!("CPU_OFF returned");
}

/// HCR_EL2 for a program at EL2: EL1 is AArch64, and interrupts are taken to EL2.
pub const HCR_EL2: u64 = 1 << 31 | 7 << 3;

static INITIAL_VBAR: AtomicU64 = AtomicU64::new(0);

/// VBAR of the level that the program was entered at, as its loader left it.
pub fn initial_vbar() -> u64 {
    INITIAL_VBAR.load(Ordering::Relaxed)
}

/// Puts this CPU's registers into a known state: vectors, nothing trapped, EL1 is AArch64.
pub fn prepare_cpu() {
    if current_el() == 2 {
        msr!("hcr_el2", HCR_EL2);
        // TFP, TCPAC and TTA clear; the other bits are RES1 with HCR_EL2.E2H = 0.
        msr!("cptr_el2", 0x33ff & !(1 << 8));
        msr!("cnthctl_el2", 3);
        msr!("cntvoff_el2", 0);
        msr!("vttbr_el2", 0);
        msr!("vpidr_el2", mrs!("midr_el1"));
        msr!("vmpidr_el2", mrs!("mpidr_el1"));
        msr!("sctlr_el1", 0x30d0_0800);
        msr!("vbar_el1", vectors::address(1));
    }
    msr!("cpacr_el1", 3 << 20);
    vectors::install();
}

const STACK_SIZE: usize = 0x4000;
const CPUS: usize = 8;

#[repr(C, align(16))]
struct Stacks([[u8; STACK_SIZE]; CPUS]);
static mut STACKS: Stacks = Stacks([[0; STACK_SIZE]; CPUS]);
/// For each CPU the stack and the function that it starts with.
static STARTS: [[AtomicU64; 2]; CPUS] = [const { [const { AtomicU64::new(0) }; 2] }; CPUS];

/// Starts a function on another CPU, which powers itself off when the function returns. Returns PSCI's answer.
pub fn start_cpu(number: usize, work: fn()) -> i64 {
    assert!(number < CPUS && number != cpu());
    let top = (&raw mut STACKS) as u64 + ((number + 1) * STACK_SIZE) as u64;
    let start = &STARTS[number];
    start[0].store(top, Ordering::Relaxed);
    start[1].store(work as usize as u64, Ordering::Release);
    let entry = _start_secondary as *const () as u64;
    psci::call(psci::CPU_ON, number as u64, entry, start.as_ptr() as u64)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("FAIL panic on CPU {}: {}", cpu(), info.message());
    if let Some(place) = info.location() {
        println!("     at {place}");
    }
    psci::system_off()
}
