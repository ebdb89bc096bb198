//! What is printed when the hypervisor cannot go on, and the stop.

use super::console::{Console, say};
use super::firmware;
use super::registers::{affinity, current_el, instruction, mrs};
use super::state::STATE;
use super::vectors::Frame;
use core::fmt::Write as _;
use core::panic::PanicInfo;
use droste_arch::esr::Esr;
use droste_arch::psci;

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
    stop()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say!("PANIC on core {:#x}: {}", affinity(), info.message());
    if let Some(place) = info.location() {
        say!("at {place}");
    }
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
        say!("refused SMCs: {}", STATE.get().filter);
    }
    if current_el() == 2 {
        firmware::call(psci::SYSTEM_OFF, [0; 3]);
    }
    loop {
        instruction!("wfi");
    }
}
