//! Interrupt signals: from devices to the interrupt controller, and from it to a CPU.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What interrupt lines end in: the interrupt controller.
pub trait InterruptSink: Send + Sync {
    /// Sets the level of the input for interrupt `intid`.
    fn set_level(&self, intid: u32, level: bool);
}

/// A device's interrupt output, wired to one input of the interrupt controller.
#[derive(Clone)]
pub struct IrqLine {
    sink: Arc<dyn InterruptSink>,
    intid: u32,
}

impl IrqLine {
    /// Wires a line to the input `intid` of `sink`. SPI n of the board is INTID 32 + n.
    pub fn new(sink: Arc<dyn InterruptSink>, intid: u32) -> Self {
        Self { sink, intid }
    }

    /// A line that leads nowhere, for devices under test.
    pub fn unconnected() -> Self {
        struct Nowhere;
        impl InterruptSink for Nowhere {
            fn set_level(&self, _intid: u32, _level: bool) {}
        }
        Self::new(Arc::new(Nowhere), 0)
    }

    /// The INTID of the input.
    pub fn intid(&self) -> u32 {
        self.intid
    }

    /// Drives the line high or low. A device may repeat a level.
    pub fn set(&self, level: bool) {
        self.sink.set_level(self.intid, level);
    }

    /// Drives the line high and low again: one event on an edge-triggered input.
    pub fn pulse(&self) {
        self.set(true);
        self.set(false);
    }
}

impl fmt::Debug for IrqLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IrqLine").field("intid", &self.intid).finish_non_exhaustive()
    }
}

/// Wakes the thread of a vCPU that sleeps because its guest executed WFI or WFE.
pub trait Waker: Send + Sync {
    /// Makes the thread look at its [`IrqPins`] again.
    fn wake(&self);
}

/// The interrupt inputs of one CPU, readable as one atomic word.
///
/// Only the vCPU's own thread sets or clears [`IRQ`](Self::IRQ), [`FIQ`](Self::FIQ),
/// [`VIRQ`](Self::VIRQ) and [`VFIQ`](Self::VFIQ), because they depend on its private CPU interface. Other
/// threads set [`ATTENTION`](Self::ATTENTION) and wake the vCPU, which then brings the four up to date
/// ([`CpuInterface::refresh`](crate::gic::CpuInterface::refresh)). A run loop therefore looks at the word at every block boundary, and
/// a vCPU that sleeps goes on sleeping if nothing but ATTENTION was set and no input came of it.
pub struct IrqPins {
    word: AtomicU32,
    waker: Arc<dyn Waker>,
}

impl IrqPins {
    /// Physical IRQ: the highest priority pending Group 1 interrupt is to be taken.
    pub const IRQ: u32 = 1 << 0;
    /// Physical FIQ: the highest priority pending Group 0 interrupt is to be taken.
    pub const FIQ: u32 = 1 << 1;
    /// Virtual IRQ from the virtual CPU interface; HCR_EL2.VI is not included.
    pub const VIRQ: u32 = 1 << 2;
    /// Virtual FIQ from the virtual CPU interface; HCR_EL2.VF is not included.
    pub const VFIQ: u32 = 1 << 3;
    /// The interrupt controller has news for this CPU: refresh before believing the other bits.
    pub const ATTENTION: u32 = 1 << 4;

    /// Makes pins that are all low.
    pub fn new(waker: Arc<dyn Waker>) -> Self {
        Self { word: AtomicU32::new(0), waker }
    }

    /// The pins as a word of the constants above. Costs one plain load on x86-64.
    #[inline]
    pub fn load(&self) -> u32 {
        self.word.load(Ordering::Acquire)
    }

    /// Asks the vCPU to refresh its pins, and wakes it. Any thread may call it.
    pub fn request_attention(&self) {
        // SeqCst pairs with the vCPU's clear: whoever comes later sees the other's data.
        if self.word.fetch_or(Self::ATTENTION, Ordering::SeqCst) & Self::ATTENTION == 0 {
            self.waker.wake();
        }
    }

    /// Lowers all pins, between two runs of the CPU.
    pub(crate) fn reset(&self) {
        self.word.store(0, Ordering::SeqCst);
    }

    /// Takes the request for attention back before the vCPU's thread reads what it was about.
    pub(crate) fn take_attention(&self) {
        if self.load() & Self::ATTENTION != 0 {
            self.word.fetch_and(!Self::ATTENTION, Ordering::SeqCst);
        }
    }

    /// Replaces the bits of `mask` by those of `bits`. Only the vCPU's own thread may call it.
    #[inline]
    pub(crate) fn set(&self, mask: u32, bits: u32) {
        let changed = (self.load() ^ bits) & mask;
        if changed != 0 {
            self.word.fetch_xor(changed, Ordering::Release);
        }
    }
}

impl fmt::Debug for IrqPins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IrqPins({:#07b})", self.load())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Log(Mutex<Vec<(u32, bool)>>, AtomicU32);

    impl InterruptSink for Log {
        fn set_level(&self, intid: u32, level: bool) {
            self.0.lock().unwrap().push((intid, level));
        }
    }

    impl Waker for Log {
        fn wake(&self) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn pulse_drives_the_line_high_then_low() {
        let log = Arc::new(Log::default());
        let line = IrqLine::new(log.clone(), 33);
        line.pulse();
        assert_eq!(*log.0.lock().unwrap(), [(33, true), (33, false)]);
    }

    #[test]
    fn attention_wakes_once_until_it_is_taken() {
        let log = Arc::new(Log::default());
        let pins = IrqPins::new(log.clone());
        pins.request_attention();
        pins.request_attention();
        assert_eq!(log.1.load(Ordering::Relaxed), 1);
        pins.take_attention();
        assert_eq!(pins.load(), 0);
        pins.request_attention();
        assert_eq!(log.1.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn set_changes_only_the_masked_pins() {
        let pins = IrqPins::new(Arc::new(Log::default()));
        pins.request_attention();
        pins.set(IrqPins::IRQ | IrqPins::FIQ, IrqPins::IRQ | IrqPins::VIRQ);
        assert_eq!(pins.load(), IrqPins::ATTENTION | IrqPins::IRQ);
        pins.set(IrqPins::IRQ, 0);
        assert_eq!(pins.load(), IrqPins::ATTENTION);
    }
}
