//! What is printed when the hypervisor cannot go on, and the stop.

use super::console::{Console, say};
use super::firmware;
use super::registers::{affinity, current_el, instruction, mrs};
use super::state::{STATE, image_base, is_in_stack};
use super::vectors::Frame;
use core::fmt::Write as _;
use core::panic::PanicInfo;
use droste_arch::esr::Esr;
use droste_arch::psci;
use droste_hyp_core::address::PaRange;
use droste_hyp_core::boot_file::REGION_BYTES;
use droste_hyp_core::symbols::{self, Symbols};

const VECTORS: [&str; 4] = ["synchronous exception", "IRQ", "FIQ", "SError"];
const FROM: [&str; 4] = ["EL2 with SP_EL0", "EL2", "the host", "the host in AArch32"];

/// An exception that has no handler.
pub(crate) extern "C" fn unexpected(frame: &Frame, vector: usize) -> ! {
    let name = |names: [&'static str; 4], n: usize| names.get(n & 3).copied().unwrap_or("?");
    let (esr, elr, far) = (Esr(mrs!("esr_el2")), mrs!("elr_el2"), mrs!("far_el2"));
    say!("PANIC: {} from {}", name(VECTORS, vector), name(FROM, vector >> 2));
    say!("ESR_EL2 {:#x}: {esr}", esr.0);
    say!("ELR_EL2 {elr:#x} FAR_EL2 {far:#x} SPSR_EL2 {:#x}", mrs!("spsr_el2"));
    for (n, chunk) in frame.x.chunks(4).enumerate() {
        let mut console = Console;
        let _ = write!(console, "droste:");
        for (m, value) in chunk.iter().enumerate() {
            let number = n * 4 + m;
            let _ = if number == 31 { write!(console, "  SP") } else { write!(console, " X{number:02}") };
            let _ = write!(console, " {value:016x}");
        }
        let _ = write!(console, "\r\n");
    }
    trace(elr, frame.x[29]);
    stop()
}

/// Names the functions that led here: `pc`, and what the chain of frame records says.
fn trace(pc: u64, frame: u64) {
    let base = image_base();
    let region = PaRange { start: base, end: base + REGION_BYTES };
    let table = (base + symbols::OFFSET as u64) as *const u8;
    // SAFETY: a part of the region that is mapped and that nothing writes.
    let symbols = Symbols::read(unsafe { core::slice::from_raw_parts(table, symbols::BYTES) });
    let (mut pc, mut frame) = (pc, frame);
    for _ in 0..TRACE_LENGTH {
        if !region.contains(pc) {
            return;
        }
        match symbols.and_then(|s| s.find(pc - base)) {
            Some((name, offset)) => say!("  {:#x} {name}+{offset:#x}", pc - base),
            None => say!("  {:#x}", pc - base),
        }
        // A damaged chain must not fault again: records are in a stack, and never in a guard page.
        if !frame.is_multiple_of(16) || !is_in_stack(frame) {
            return;
        }
        let record = frame as *const [u64; 2];
        // SAFETY: 16 bytes of a stack.
        let [next, return_address] = unsafe { record.read() };
        // The call is before the address to return to.
        pc = return_address.wrapping_sub(4);
        frame = next;
    }
}

/// More frames than any path has.
const TRACE_LENGTH: usize = 24;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say!("PANIC on core {:#x}: {}", affinity(), info.message());
    if let Some(place) = info.location() {
        say!("at {place}");
    }
    let (pc, frame): (u64, u64);
    // SAFETY: reads two registers.
    unsafe {
        core::arch::asm!("adr {}, .", "mov {}, x29", out(reg) pc, out(reg) frame, options(nomem, nostack))
    };
    trace(pc, frame);
    stop()
}

/// Refuses to boot.
pub(crate) fn refuse(why: core::fmt::Arguments<'_>) -> ! {
    say!("cannot boot: {why}");
    stop()
}

/// Powers off where that is possible, and waits for ever.
fn stop() -> ! {
    if STATE.is_set() {
        let state = STATE.get();
        say!("{}; refused SMCs: {}", state.counters, state.filter);
    }
    if current_el() == 2 {
        firmware::call(psci::SYSTEM_OFF, [0; 3]);
    }
    loop {
        instruction!("wfi");
    }
}
