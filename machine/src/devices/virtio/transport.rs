//! The MMIO transport (section 4.2, version 2): the register window of one device.

use std::sync::{Arc, Mutex};

use super::super::lock;
use super::queue::{Queue, RingError};
use super::{Rings, VirtioDevice, feature};
use crate::bus::Device;
use crate::irq::IrqLine;
use crate::ram::GuestRam;

const MAGIC_VALUE: u64 = 0x000;
const VERSION: u64 = 0x004;
const DEVICE_ID: u64 = 0x008;
const VENDOR_ID: u64 = 0x00c;
const DEVICE_FEATURES: u64 = 0x010;
const DEVICE_FEATURES_SEL: u64 = 0x014;
const DRIVER_FEATURES: u64 = 0x020;
const DRIVER_FEATURES_SEL: u64 = 0x024;
const QUEUE_SEL: u64 = 0x030;
const QUEUE_NUM_MAX: u64 = 0x034;
const QUEUE_NUM: u64 = 0x038;
const QUEUE_READY: u64 = 0x044;
const QUEUE_NOTIFY: u64 = 0x050;
const INTERRUPT_STATUS: u64 = 0x060;
const INTERRUPT_ACK: u64 = 0x064;
const STATUS: u64 = 0x070;
const QUEUE_DESC_LOW: u64 = 0x080;
const QUEUE_DESC_HIGH: u64 = 0x084;
const QUEUE_DRIVER_LOW: u64 = 0x090;
const QUEUE_DRIVER_HIGH: u64 = 0x094;
const QUEUE_DEVICE_LOW: u64 = 0x0a0;
const QUEUE_DEVICE_HIGH: u64 = 0x0a4;
const SHM_LEN_LOW: u64 = 0x0b0;
const SHM_BASE_HIGH: u64 = 0x0bc;
const CONFIG_GENERATION: u64 = 0x0fc;
const CONFIG: u64 = 0x100;

/// What MagicValue reads as: `virt`.
const MAGIC: u32 = u32::from_le_bytes(*b"virt");
/// The vendor that QEMU's devices name: `QEMU`.
const VENDOR: u32 = u32::from_le_bytes(*b"QEMU");

const STATUS_FEATURES_OK: u32 = 8;
const STATUS_DRIVER_OK: u32 = 4;
const STATUS_NEEDS_RESET: u32 = 0x40;

const INTERRUPT_RING: u32 = 1;
const INTERRUPT_CONFIG: u32 = 2;

/// One register window, with or without a device behind it.
pub struct Transport {
    name: &'static str,
    state: Mutex<State>,
    irq: IrqLine,
    ram: Arc<GuestRam>,
}

struct State {
    device: Option<Box<dyn VirtioDevice>>,
    queues: Vec<Queue>,
    device_features: u64,
    driver_features: u64,
    device_features_word: u32,
    driver_features_word: u32,
    selected_queue: u32,
    interrupts: u32,
    status: u32,
    /// The rule that the driver has broken, which stopped the device.
    broken: Option<RingError>,
}

impl Transport {
    /// A window with `device` behind it.
    pub fn new(device: Box<dyn VirtioDevice>, irq: IrqLine, ram: Arc<GuestRam>) -> Self {
        let common = feature::INDIRECT_DESC | feature::EVENT_IDX | feature::VERSION_1;
        let state = State {
            queues: device.queue_sizes().iter().map(|&size| Queue::new(size)).collect(),
            device_features: device.features() | common,
            ..State::without_device()
        };
        let name = device.name();
        Self { name, state: Mutex::new(State { device: Some(device), ..state }), irq, ram }
    }

    /// A window that says that there is no device.
    pub fn empty(irq: IrqLine, ram: Arc<GuestRam>) -> Self {
        Self { name: "virtio-empty", state: Mutex::new(State::without_device()), irq, ram }
    }

    /// Lets the device take in what has come from outside. To be called between slices of execution or by
    /// an I/O thread.
    pub fn poll(&self) {
        let mut state = lock(&self.state);
        state.work(&self.ram, |device, rings| device.poll(rings));
        self.irq.set(state.interrupts != 0);
    }

    /// The rule of virtqueues that the driver has broken, since when the device has not worked.
    pub fn broken(&self) -> Option<RingError> {
        lock(&self.state).broken
    }
}

impl Device for Transport {
    fn read(&self, offset: u64, size: u8) -> u64 {
        let state = lock(&self.state);
        if let Some(offset) = offset.checked_sub(CONFIG) {
            return state.read_config(offset, size);
        }
        // Registers are 32 bits wide and are only accessed as such.
        if size == 4 { state.read(offset).into() } else { 0 }
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        let mut state = lock(&self.state);
        if let Some(offset) = offset.checked_sub(CONFIG) {
            if let Some(device) = &mut state.device {
                device.write_config(offset, &value.to_le_bytes()[..usize::from(size.min(8))]);
            }
        } else if size == 4 {
            state.write(offset, value as u32, &self.ram);
        }
        self.irq.set(state.interrupts != 0);
    }

    fn reset(&self) {
        let mut state = lock(&self.state);
        state.reset();
        self.irq.set(false);
    }

    fn name(&self) -> &str {
        self.name
    }
}

impl State {
    fn without_device() -> Self {
        Self {
            device: None,
            queues: Vec::new(),
            device_features: 0,
            driver_features: 0,
            device_features_word: 0,
            driver_features_word: 0,
            selected_queue: 0,
            interrupts: 0,
            status: 0,
            broken: None,
        }
    }

    fn read(&self, offset: u64) -> u32 {
        let queue = || self.queues.get(self.selected_queue as usize);
        match offset {
            MAGIC_VALUE => MAGIC,
            VERSION => 2,
            DEVICE_ID => self.device.as_ref().map_or(0, |device| device.device_id()),
            VENDOR_ID => VENDOR,
            DEVICE_FEATURES => word(self.device_features, self.device_features_word),
            QUEUE_NUM_MAX => queue().map_or(0, |queue| queue.size_limit().into()),
            QUEUE_READY => queue().is_some_and(|queue| queue.ready).into(),
            INTERRUPT_STATUS => self.interrupts,
            STATUS => self.status,
            // There is no shared memory: its length and base read as all ones.
            SHM_LEN_LOW..=SHM_BASE_HIGH => u32::MAX,
            // No configuration field changes after creation but single words.
            CONFIG_GENERATION => 0,
            _ => 0,
        }
    }

    fn write(&mut self, offset: u64, value: u32, ram: &GuestRam) {
        match offset {
            DEVICE_FEATURES_SEL => self.device_features_word = value,
            DRIVER_FEATURES_SEL => self.driver_features_word = value,
            DRIVER_FEATURES if self.status & STATUS_FEATURES_OK == 0 => {
                set_word(&mut self.driver_features, self.driver_features_word, value);
            }
            QUEUE_SEL => self.selected_queue = value,
            QUEUE_NOTIFY => {
                self.work(ram, |device, rings| device.notify(value as usize, rings));
            }
            INTERRUPT_ACK => self.interrupts &= !value,
            STATUS => self.write_status(value),
            QUEUE_NUM..=QUEUE_READY | QUEUE_DESC_LOW..=QUEUE_DEVICE_HIGH => self.write_queue(offset, value),
            _ => {}
        }
    }

    fn write_queue(&mut self, offset: u64, value: u32) {
        let Some(queue) = self.queues.get_mut(self.selected_queue as usize) else { return };
        // A queue in use keeps its place and size.
        match offset {
            QUEUE_READY => queue.ready = value & 1 != 0,
            _ if queue.ready => {}
            QUEUE_NUM => queue.set_size(value),
            QUEUE_DESC_LOW => set_word(&mut queue.descriptors, 0, value),
            QUEUE_DESC_HIGH => set_word(&mut queue.descriptors, 1, value),
            QUEUE_DRIVER_LOW => set_word(&mut queue.avail, 0, value),
            QUEUE_DRIVER_HIGH => set_word(&mut queue.avail, 1, value),
            QUEUE_DEVICE_LOW => set_word(&mut queue.used, 0, value),
            QUEUE_DEVICE_HIGH => set_word(&mut queue.used, 1, value),
            _ => {}
        }
    }

    fn write_status(&mut self, value: u32) {
        if value == 0 {
            return self.reset();
        }
        let set = value & !self.status;
        self.status = value & 0xff | self.status & STATUS_NEEDS_RESET;
        if set & STATUS_FEATURES_OK != 0 {
            // Only what was offered, and the new interface, can be agreed on.
            let offered = self.driver_features & !self.device_features == 0;
            if !offered || self.driver_features & feature::VERSION_1 == 0 {
                self.status &= !STATUS_FEATURES_OK;
            }
        }
        if set & STATUS_DRIVER_OK != 0 {
            let features = self.driver_features;
            for queue in &mut self.queues {
                queue.indirect = features & feature::INDIRECT_DESC != 0;
                queue.event_index = features & feature::EVENT_IDX != 0;
            }
            if let Some(device) = &mut self.device {
                device.activate(features);
            }
        }
    }

    fn reset(&mut self) {
        self.queues.iter_mut().for_each(Queue::reset);
        if let Some(device) = &mut self.device {
            device.reset();
        }
        let State { device, queues, device_features, .. } = std::mem::replace(self, Self::without_device());
        *self = Self { device, queues, device_features, ..Self::without_device() };
    }

    /// Lets the device work if the driver is ready and has kept the rules so far.
    fn work(
        &mut self,
        ram: &GuestRam,
        work: impl FnOnce(&mut dyn VirtioDevice, &mut Rings<'_>) -> Result<(), RingError>,
    ) {
        let Some(device) = &mut self.device else { return };
        if self.status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET) != STATUS_DRIVER_OK {
            return;
        }
        let mut rings = Rings::new(&mut self.queues, ram);
        match work(&mut **device, &mut rings).and_then(|()| rings.wants_interrupt()) {
            Ok(true) => self.interrupts |= INTERRUPT_RING,
            Ok(false) => {}
            Err(error) => {
                self.broken = Some(error);
                self.status |= STATUS_NEEDS_RESET;
                self.interrupts |= INTERRUPT_CONFIG;
            }
        }
    }

    fn read_config(&self, offset: u64, size: u8) -> u64 {
        let mut bytes = [0; 8];
        if let Some(device) = &self.device {
            device.read_config(offset, &mut bytes[..usize::from(size.min(8))]);
        }
        u64::from_le_bytes(bytes)
    }
}

/// A 32-bit word of a 64-bit value by its number; words that do not exist are zero.
fn word(value: u64, number: u32) -> u32 {
    match number {
        0 => value as u32,
        1 => (value >> 32) as u32,
        _ => 0,
    }
}

/// Replaces a 32-bit word of a 64-bit value.
fn set_word(value: &mut u64, number: u32, word: u32) {
    match number {
        0 => *value = *value & !0xffff_ffff | u64::from(word),
        1 => *value = *value & 0xffff_ffff | u64::from(word) << 32,
        _ => {}
    }
}

#[cfg(test)]
mod tests;
