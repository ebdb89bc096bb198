//! QEMU's firmware configuration device: a list of items that firmware reads, by register or by DMA.
//!
//! Items are read-only.

mod items;

use std::sync::{Arc, Mutex};

use super::lock;
use crate::bus::Device;
use crate::ram::GuestRam;
pub use items::{Items, key};

const DATA: u64 = 0x0;
const DATA_END: u64 = 0x8;
const SELECTOR: u64 = 0x8;
const DMA_HIGH: u64 = 0x10;
const DMA_LOW: u64 = 0x14;

/// What the DMA register reads as: `QEMU CFG`.
const DMA_SIGNATURE: u64 = u64::from_be_bytes(*b"QEMU CFG");

const CONTROL_ERROR: u32 = 1 << 0;
const CONTROL_READ: u32 = 1 << 1;
const CONTROL_SKIP: u32 = 1 << 2;
const CONTROL_SELECT: u32 = 1 << 3;
const CONTROL_WRITE: u32 = 1 << 4;

/// The firmware configuration device.
pub struct FwCfg {
    items: Items,
    ram: Arc<GuestRam>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    selector: u16,
    offset: u64,
    /// The high half of the DMA address, which waits for the low half.
    dma_high: u32,
}

impl FwCfg {
    /// Makes a device that shows `items`.
    pub fn new(items: Items, ram: Arc<GuestRam>) -> Self {
        Self { items, ram, state: Mutex::default() }
    }

    /// The bytes of the selected item from the current position on.
    fn rest(&self, state: &State) -> &[u8] {
        let item = self.items.get(state.selector);
        usize::try_from(state.offset).ok().and_then(|offset| item.get(offset..)).unwrap_or_default()
    }

    /// Carries out the DMA command at `pa`. A command that is not in RAM has nowhere to report that.
    fn dma(&self, state: &mut State, pa: u64) {
        let Ok(control) = self.ram.read::<u32>(pa).map(u32::from_be) else { return };
        let status = self.dma_command(state, pa, control).map_or(CONTROL_ERROR, |()| 0);
        // The address was readable just now.
        let _ = self.ram.write(pa, status.to_be());
    }

    fn dma_command(&self, state: &mut State, pa: u64, control: u32) -> Option<()> {
        let length = self.ram.read::<u32>(pa.checked_add(4)?).ok()?.swap_bytes();
        let address = self.ram.read::<u64>(pa.checked_add(8)?).ok()?.swap_bytes();
        if control & CONTROL_SELECT != 0 {
            state.selector = (control >> 16) as u16;
            state.offset = 0;
        }
        if control & CONTROL_WRITE != 0 {
            return None;
        }
        if control & CONTROL_READ != 0 {
            let rest = self.rest(state);
            let bytes = &rest[..rest.len().min(length as usize)];
            self.ram.copy_in(address, bytes).ok()?;
            // Beyond the end of an item there are zeros.
            let filled = bytes.len() as u64;
            if u64::from(length) > filled {
                self.ram.fill(address.checked_add(filled)?, u64::from(length) - filled, 0).ok()?;
            }
        }
        if control & (CONTROL_READ | CONTROL_SKIP) != 0 {
            state.offset = state.offset.saturating_add(length.into());
        }
        Some(())
    }
}

impl Device for FwCfg {
    fn read(&self, offset: u64, size: u8) -> u64 {
        let mut state = lock(&self.state);
        match offset {
            DATA..DATA_END => {
                // The register keeps the order of the bytes: the first one is at the lowest address.
                let mut bytes = [0; 8];
                for (byte, &item) in bytes.iter_mut().zip(self.rest(&state)).take(size.into()) {
                    *byte = item;
                }
                state.offset = state.offset.saturating_add(size.into());
                u64::from_le_bytes(bytes)
            }
            DMA_HIGH if size == 8 => DMA_SIGNATURE.swap_bytes(),
            DMA_HIGH => u64::from(((DMA_SIGNATURE >> 32) as u32).swap_bytes()),
            DMA_LOW => u64::from((DMA_SIGNATURE as u32).swap_bytes()),
            _ => 0,
        }
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        let mut state = lock(&self.state);
        match (offset, size) {
            (SELECTOR, 2) => {
                state.selector = (value as u16).swap_bytes();
                state.offset = 0;
            }
            (DMA_HIGH, 8) => self.dma(&mut state, value.swap_bytes()),
            (DMA_HIGH, 4) => state.dma_high = (value as u32).swap_bytes(),
            (DMA_LOW, 4) => {
                let pa = u64::from(state.dma_high) << 32 | u64::from((value as u32).swap_bytes());
                state.dma_high = 0;
                self.dma(&mut state, pa);
            }
            _ => {}
        }
    }

    fn reset(&self) {
        *lock(&self.state) = State::default();
    }

    fn name(&self) -> &str {
        "fw_cfg"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x4000_0000;

    fn device() -> FwCfg {
        let mut items = Items::new();
        items.add_file("etc/one", b"one".to_vec());
        items.add_file("opt/two", (0..100).collect());
        FwCfg::new(items, Arc::new(GuestRam::new(BASE, 0x10000).unwrap()))
    }

    fn select(device: &FwCfg, key: u16) {
        device.write(SELECTOR, 2, key.swap_bytes().into());
    }

    /// Puts a DMA command at `BASE` and starts it; returns the status.
    fn dma(device: &FwCfg, control: u32, length: u32, address: u64) -> u32 {
        device.ram.write(BASE, control.to_be()).unwrap();
        device.ram.write(BASE + 4, length.to_be()).unwrap();
        device.ram.write(BASE + 8, address.to_be()).unwrap();
        device.write(DMA_HIGH, 4, 0);
        device.write(DMA_LOW, 4, (BASE as u32).swap_bytes().into());
        u32::from_be(device.ram.read(BASE).unwrap())
    }

    #[test]
    fn signature_and_features_are_found() {
        let device = device();
        select(&device, key::SIGNATURE);
        assert_eq!(device.read(DATA, 4), u64::from(u32::from_le_bytes(*b"QEMU")));
        select(&device, key::ID);
        assert_eq!(device.read(DATA, 4), 3);
        assert_eq!(device.read(DMA_HIGH, 8), u64::from_le_bytes(*b"QEMU CFG"));
    }

    #[test]
    fn items_are_read_in_order_and_end_in_zeros() {
        let device = device();
        select(&device, key::FIRST_FILE);
        assert_eq!(device.read(DATA, 1), u64::from(b'o'));
        assert_eq!(device.read(DATA, 8), u64::from_le_bytes(*b"ne\0\0\0\0\0\0"));
        assert_eq!(device.read(DATA, 2), 0);
        select(&device, key::FIRST_FILE);
        assert_eq!(device.read(DATA, 1), u64::from(b'o'));
    }

    #[test]
    fn directory_names_every_file_with_its_key() {
        let device = device();
        select(&device, key::DIRECTORY);
        let mut bytes = Vec::new();
        bytes.resize_with(4 + 2 * 64, || device.read(DATA, 1) as u8);
        assert_eq!(bytes[..4], 2_u32.to_be_bytes());
        let second = &bytes[68..];
        assert_eq!(second[..4], 100_u32.to_be_bytes());
        assert_eq!(second[4..6], (key::FIRST_FILE + 1).to_be_bytes());
        assert_eq!(&second[8..16], b"opt/two\0");
    }

    #[test]
    fn dma_selects_skips_and_reads() {
        let device = device();
        let select = u32::from(key::FIRST_FILE + 1) << 16 | CONTROL_SELECT;
        assert_eq!(dma(&device, select | CONTROL_SKIP, 90, 0), 0);
        device.ram.fill(BASE + 0x100, 32, 0xff).unwrap();
        assert_eq!(dma(&device, CONTROL_READ, 20, BASE + 0x100), 0);
        let mut bytes = [0; 21];
        device.ram.copy_out(BASE + 0x100, &mut bytes).unwrap();
        assert_eq!(bytes[..10], [90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
        assert_eq!(bytes[10..], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff]);
    }

    #[test]
    fn dma_outside_ram_or_of_a_write_reports_an_error() {
        let device = device();
        let select = u32::from(key::FIRST_FILE) << 16 | CONTROL_SELECT;
        assert_eq!(dma(&device, select | CONTROL_READ, 8, 0x1000), CONTROL_ERROR);
        assert_eq!(dma(&device, select | CONTROL_READ, 8, u64::MAX), CONTROL_ERROR);
        assert_eq!(dma(&device, select | CONTROL_READ, u32::MAX, BASE), CONTROL_ERROR);
        assert_eq!(dma(&device, select | CONTROL_WRITE, 3, BASE + 0x100), CONTROL_ERROR);
        device.write(DMA_HIGH, 8, u64::MAX);
    }

    #[test]
    fn unknown_item_is_empty() {
        let device = device();
        select(&device, 0x7777);
        assert_eq!(device.read(DATA, 8), 0);
    }
}
