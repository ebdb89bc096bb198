//! The physical address space outside RAM: which device answers at which address.
//!
//! The map is fixed once the board is built, so that a look-up takes no lock. An access that no device
//! claims as a whole is a [`BusError`], which the CPU reports as a synchronous External abort.

use std::fmt;
use std::sync::Arc;

/// A memory-mapped device. Methods take `&self`: each device has its own lock.
pub trait Device: Send + Sync {
    /// Reads `size` bytes (1, 2, 4 or 8) at `offset` from the start of the device's window. Bits above
    /// the size are ignored by the bus.
    fn read(&self, offset: u64, size: u8) -> u64;

    /// Writes the low `size` bytes (1, 2, 4 or 8) of `value` at `offset`. Higher bits are zero.
    fn write(&self, offset: u64, size: u8, value: u64);

    /// Puts the device into the state that it has when the machine is switched on. What stands for the world
    /// outside stays: the contents of disks, input that nobody has read, the time of day.
    fn reset(&self);

    /// The name of the device in messages and traces.
    fn name(&self) -> &str;
}

/// An access that no device claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no device answers an access of {size} bytes at physical address {pa:#x}")]
pub struct BusError {
    /// The physical address of the access.
    pub pa: u64,
    /// The size of the access in bytes.
    pub size: u8,
}

struct Window {
    first: u64,
    /// Inclusive, so that a window may end at the top of the address space.
    last: u64,
    device: Arc<dyn Device>,
}

/// The devices of a board by physical address.
#[derive(Default)]
pub struct Bus {
    /// Sorted by address, without overlap.
    windows: Vec<Window>,
}

impl Bus {
    /// Makes a bus without devices.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `device` answer for `size` bytes from `base`.
    ///
    /// # Panics
    ///
    /// When the window is empty, passes the end of the address space or overlaps another: the board that
    /// is being built is wrong.
    pub fn map(&mut self, base: u64, size: u64, device: Arc<dyn Device>) {
        let last = size.checked_sub(1).and_then(|span| base.checked_add(span)).unwrap_or_else(|| {
            panic!("{}: {size:#x} bytes at {base:#x} are not a window of the bus", device.name())
        });
        let at = self.windows.partition_point(|window| window.first <= last);
        if let Some(below) = at.checked_sub(1).map(|index| &self.windows[index]) {
            assert!(below.last < base, "{} overlaps {} at {base:#x}", device.name(), below.device.name());
        }
        self.windows.insert(at, Window { first: base, last, device });
    }

    /// Reads `size` bytes (1, 2, 4 or 8) at physical address `pa`.
    #[inline]
    pub fn read(&self, pa: u64, size: u8) -> Result<u64, BusError> {
        let window = self.window(pa, size)?;
        Ok(window.device.read(pa - window.first, size) & value_mask(size))
    }

    /// Writes the low `size` bytes (1, 2, 4 or 8) of `value` at physical address `pa`.
    #[inline]
    pub fn write(&self, pa: u64, size: u8, value: u64) -> Result<(), BusError> {
        let window = self.window(pa, size)?;
        window.device.write(pa - window.first, size, value & value_mask(size));
        Ok(())
    }

    /// The device that answers an access of `size` bytes at `pa`.
    pub fn device_at(&self, pa: u64, size: u8) -> Option<&dyn Device> {
        self.window(pa, size).ok().map(|window| &*window.device)
    }

    /// Resets every device.
    pub(crate) fn reset(&self) {
        for window in &self.windows {
            window.device.reset();
        }
    }

    /// The windows in address order: first address, last address and device.
    pub fn windows(&self) -> impl Iterator<Item = (u64, u64, &dyn Device)> {
        self.windows.iter().map(|window| (window.first, window.last, &*window.device))
    }

    #[inline]
    fn window(&self, pa: u64, size: u8) -> Result<&Window, BusError> {
        debug_assert!(matches!(size, 1 | 2 | 4 | 8));
        let at = self.windows.partition_point(|window| window.first <= pa);
        let window = at.checked_sub(1).map(|index| &self.windows[index]);
        window
            .filter(|window| pa <= window.last && u64::from(size) - 1 <= window.last - pa)
            .ok_or(BusError { pa, size })
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for window in &self.windows {
            map.entry(&format_args!("{:#x}..={:#x}", window.first, window.last), &window.device.name());
        }
        map.finish()
    }
}

const fn value_mask(size: u8) -> u64 {
    if size >= 8 { u64::MAX } else { (1 << (size * 8)) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    struct Probe {
        name: &'static str,
        last: Mutex<(u64, u8, u64)>,
    }

    impl Device for Probe {
        fn reset(&self) {}

        fn read(&self, offset: u64, _size: u8) -> u64 {
            0xffff_ffff_ffff_ff00 | offset
        }
        fn write(&self, offset: u64, size: u8, value: u64) {
            *self.last.lock().unwrap() = (offset, size, value);
        }
        fn name(&self) -> &str {
            self.name
        }
    }

    fn probe(name: &'static str) -> Arc<Probe> {
        Arc::new(Probe { name, last: Mutex::default() })
    }

    #[test]
    fn access_reaches_the_device_with_its_offset() {
        let (low, high) = (probe("low"), probe("high"));
        let mut bus = Bus::new();
        bus.map(0x2000, 0x1000, high.clone());
        bus.map(0x1000, 0x1000, low.clone());
        assert_eq!(bus.read(0x1004, 4), Ok(0xffff_ff04));
        bus.write(0x2008, 2, 0x1_2345).unwrap();
        assert_eq!(*high.last.lock().unwrap(), (8, 2, 0x2345));
        assert_eq!(*low.last.lock().unwrap(), (0, 0, 0));
    }

    #[test]
    fn unmapped_access_is_an_error() {
        let mut bus = Bus::new();
        assert_eq!(bus.read(0, 4), Err(BusError { pa: 0, size: 4 }));
        bus.map(0x1000, 0x10, probe("one"));
        for pa in [0xfff, 0x1010, u64::MAX] {
            assert_eq!(bus.write(pa, 1, 0), Err(BusError { pa, size: 1 }));
        }
    }

    #[test]
    fn access_across_the_end_of_a_window_is_an_error() {
        let mut bus = Bus::new();
        bus.map(u64::MAX - 7, 8, probe("top"));
        assert!(bus.read(u64::MAX - 7, 8).is_ok());
        assert!(bus.read(u64::MAX - 6, 8).is_err());
    }

    #[test]
    #[should_panic(expected = "second overlaps first")]
    fn overlapping_windows_are_refused() {
        let mut bus = Bus::new();
        bus.map(0x1000, 0x1000, probe("first"));
        bus.map(0x1fff, 0x10, probe("second"));
    }

    #[test]
    #[should_panic(expected = "overlaps")]
    fn window_around_another_is_refused() {
        let mut bus = Bus::new();
        bus.map(0x1800, 0x10, probe("first"));
        bus.map(0x1000, 0x1000, probe("second"));
    }
}
