//! Block device (section 5.2). Requests are carried out before the notification returns.

mod request;

use super::super::disk::Disk;
use super::queue::RingError;
use super::{Rings, VirtioDevice, copy_config};
use request::{SECTOR_BYTES, serve};

/// VIRTIO_BLK_F_SEG_MAX.
const SEG_MAX: u64 = 1 << 2;
/// VIRTIO_BLK_F_RO.
const READ_ONLY: u64 = 1 << 5;
/// VIRTIO_BLK_F_BLK_SIZE.
const BLK_SIZE: u64 = 1 << 6;
/// VIRTIO_BLK_F_FLUSH.
const FLUSH: u64 = 1 << 9;
/// VIRTIO_BLK_F_WRITE_ZEROES.
const WRITE_ZEROES: u64 = 1 << 14;

const QUEUE_SIZE: u16 = 256;
/// The longest identification that VIRTIO_BLK_T_GET_ID gives.
const ID_BYTES: usize = 20;
/// The most sectors that one command may fill with zeros.
const ZEROES_LIMIT_SECTORS: u32 = 32 << 10;

/// A disk of the guest.
pub struct Block {
    disk: Box<dyn Disk>,
    id: [u8; ID_BYTES],
}

impl Block {
    /// Makes a device of `disk`, which the guest knows as `id`, cut at 20 bytes. A part of the disk that is
    /// smaller than a sector of 512 bytes is left out.
    pub fn new(disk: Box<dyn Disk>, id: &str) -> Self {
        let mut padded = [0; ID_BYTES];
        for (byte, value) in padded.iter_mut().zip(id.bytes()) {
            *byte = value;
        }
        Self { disk, id: padded }
    }

    fn capacity_sectors(&self) -> u64 {
        self.disk.size_bytes() / SECTOR_BYTES
    }
}

impl VirtioDevice for Block {
    fn device_id(&self) -> u32 {
        2
    }

    fn name(&self) -> &'static str {
        "virtio-block"
    }

    fn features(&self) -> u64 {
        let access = if self.disk.is_read_only() { READ_ONLY } else { FLUSH | WRITE_ZEROES };
        SEG_MAX | BLK_SIZE | access
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[QUEUE_SIZE]
    }

    fn read_config(&self, offset: u64, bytes: &mut [u8]) {
        let mut config = [0; 60];
        config[0..8].copy_from_slice(&self.capacity_sectors().to_le_bytes());
        // Header and status take a descriptor each.
        config[12..16].copy_from_slice(&u32::from(QUEUE_SIZE - 2).to_le_bytes());
        config[20..24].copy_from_slice(&(SECTOR_BYTES as u32).to_le_bytes());
        config[48..52].copy_from_slice(&ZEROES_LIMIT_SECTORS.to_le_bytes());
        config[52..56].copy_from_slice(&1_u32.to_le_bytes());
        copy_config(&config, offset, bytes);
    }

    fn notify(&mut self, index: usize, rings: &mut Rings<'_>) -> Result<(), RingError> {
        while let Some(chain) = rings.pop(index)? {
            let written_bytes = serve(self, &chain, rings.ram())?;
            rings.push(index, &chain, written_bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
