//! The devices of the board, wired up.

use std::sync::Arc;

use super::memory_map as map;
use crate::bus::{Bus, Device};
use crate::clock::Clock;
use crate::devices::Console;
use crate::devices::fw_cfg::{FwCfg, Items};
use crate::devices::pl011::Pl011;
use crate::devices::pl031::{Pl031, TimeOfDay};
use crate::devices::pl061::Pl061;
use crate::devices::virtio::{Transport, VirtioDevice};
use crate::irq::{InterruptSink, IrqLine};
use crate::ram::GuestRam;

/// How long the power button is held.
const PRESS_TIME: std::time::Duration = std::time::Duration::from_millis(150);

/// What the board's devices are connected to.
pub struct Connections {
    /// Guest RAM, for devices that read and write it themselves.
    pub ram: Arc<GuestRam>,
    /// Where interrupts go.
    pub interrupts: Arc<dyn InterruptSink>,
    /// Where the serial port's output goes.
    pub console: Arc<dyn Console>,
    /// The real-time clock's time.
    pub time: TimeOfDay,
    /// What the firmware configuration device shows.
    pub firmware_items: Items,
    /// Devices for the virtio-mmio transports, from the first one on; at most
    /// [`VIRTIO_COUNT`](map::VIRTIO_COUNT), more are left out.
    pub virtio: Vec<Box<dyn VirtioDevice>>,
}

/// The devices that the outside talks to once the guest runs.
pub struct Devices {
    /// The serial port, for input.
    pub uart: Arc<Pl011>,
    gpio: Arc<Pl061>,
    rtc: Arc<Pl031>,
    virtio: Vec<Arc<Transport>>,
}

impl Devices {
    /// Makes all devices of the board but the interrupt controller, and maps them on `bus`.
    pub fn new(connections: Connections, bus: &mut Bus) -> Self {
        let Connections { ram, interrupts, console, time, firmware_items, virtio } = connections;
        let line = |spi| IrqLine::new(interrupts.clone(), map::spi_intid(spi));
        let mut place = |window: &std::ops::Range<u64>, device: Arc<dyn Device>| {
            bus.map(window.start, window.end - window.start, device);
        };
        let uart = Arc::new(Pl011::new(line(map::UART_SPI), console));
        let rtc = Arc::new(Pl031::new(line(map::RTC_SPI), time));
        let gpio = Arc::new(Pl061::new(line(map::GPIO_SPI)));
        place(&map::UART, uart.clone());
        place(&map::RTC, rtc.clone());
        place(&map::GPIO, gpio.clone());
        place(&map::FW_CFG, Arc::new(FwCfg::new(firmware_items, ram.clone())));
        let mut devices = virtio.into_iter();
        let mut transports = Vec::new();
        for index in 0..map::VIRTIO_COUNT {
            let irq = line(map::VIRTIO_SPI + index);
            let transport = match devices.next() {
                Some(device) => {
                    let transport = Arc::new(Transport::new(device, irq, ram.clone()));
                    transports.push(transport.clone());
                    transport
                }
                None => Arc::new(Transport::empty(irq, ram.clone())),
            };
            place(&map::virtio_window(index), transport);
        }
        Self { uart, gpio, rtc, virtio: transports }
    }

    /// The system count at which a device has something to do, if one waits for a time of `clock`. Only what is shown
    /// as time that the machine counts itself can be foretold.
    pub fn next_deadline(&self, clock: &Clock) -> Option<u64> {
        self.rtc.alarm_in().map(|ahead| clock.count_at(clock.seconds() + u64::from(ahead)))
    }

    /// Presses the power button and lets it go, after the tenth of a second that a driver takes for a bounce.
    /// Returns then.
    pub fn press_power_button(&self) {
        self.gpio.set_input(map::POWER_BUTTON_PIN, true);
        std::thread::sleep(PRESS_TIME);
        self.gpio.set_input(map::POWER_BUTTON_PIN, false);
    }

    /// Lets every device look at the time and at what has come from outside. To be called by an I/O thread
    /// or between slices of execution, some hundred times a second.
    pub fn poll(&self) {
        self.rtc.poll();
        for transport in &self.virtio {
            transport.poll();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::BusError;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Outside {
        text: Mutex<Vec<u8>>,
        levels: Mutex<Vec<(u32, bool)>>,
    }

    impl Console for Outside {
        fn output(&self, bytes: &[u8]) {
            self.text.lock().unwrap().extend_from_slice(bytes);
        }
    }

    impl InterruptSink for Outside {
        fn set_level(&self, intid: u32, level: bool) {
            self.levels.lock().unwrap().push((intid, level));
        }
    }

    fn board() -> (Bus, Devices, Arc<Outside>) {
        let outside = Arc::new(Outside::default());
        let mut bus = Bus::new();
        let devices = Devices::new(
            Connections {
                ram: Arc::new(GuestRam::new(map::RAM_BASE, 1 << 20).unwrap()),
                interrupts: outside.clone(),
                console: outside.clone(),
                time: Box::new(|| 1_000_000),
                firmware_items: Items::new(),
                virtio: Vec::new(),
            },
            &mut bus,
        );
        (bus, devices, outside)
    }

    #[test]
    fn devices_answer_at_their_addresses() {
        let (bus, ..) = board();
        assert_eq!(bus.read(0x0900_0fe0, 4), Ok(0x11));
        assert_eq!(bus.read(0x0901_0000, 4), Ok(1_000_000));
        assert_eq!(bus.read(0x0902_0010, 8), Ok(u64::from_le_bytes(*b"QEMU CFG")));
        assert_eq!(bus.read(0x0903_0fe0, 4), Ok(0x61));
        assert_eq!(bus.read(0x0a00_3e00, 4), Ok(0x7472_6976));
        assert_eq!(bus.read(0x0a00_3e08, 4), Ok(0), "the slot is empty");
        assert_eq!(bus.read(0x0a00_4000, 4), Err(BusError { pa: 0x0a00_4000, size: 4 }));
    }

    #[test]
    fn serial_port_is_wired_to_console_and_interrupt() {
        let (bus, devices, outside) = board();
        bus.write(0x0900_0000, 1, b'x'.into()).unwrap();
        assert_eq!(*outside.text.lock().unwrap(), b"x");
        bus.write(0x0900_0030, 4, 0x301).unwrap();
        bus.write(0x0900_0038, 4, 0x10).unwrap();
        devices.uart.push_input(b"y");
        assert_eq!(outside.levels.lock().unwrap().last(), Some(&(33, true)));
        devices.poll();
    }
}
