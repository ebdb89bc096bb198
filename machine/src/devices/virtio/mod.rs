//! Virtio devices (Virtual I/O Device specification, version 1.2) on the MMIO transport.
//!
//! [`Transport`] is the register window that the guest sees and [`queue`] the rings in guest memory; a
//! [`VirtioDevice`] does the work behind them. Work is done on the thread of the vCPU that notifies, so
//! that what happens does not depend on host timing; what comes from outside is taken in by
//! [`Transport::poll`].
//!
//! Everything in guest memory is an allegation. A ring that breaks the rules stops the device, which then
//! asks to be reset, as the specification wants it.

pub mod block;
pub mod console;
pub mod net;
pub mod queue;
mod rings;
pub mod rng;
mod transport;

pub use rings::Rings;
pub use transport::Transport;

use queue::RingError;

/// Feature bits that belong to no device type.
pub mod feature {
    /// VIRTIO_F_INDIRECT_DESC: descriptors may lead to tables of descriptors.
    pub const INDIRECT_DESC: u64 = 1 << 28;
    /// VIRTIO_F_EVENT_IDX: either side says at which index it wants to hear from the other.
    pub const EVENT_IDX: u64 = 1 << 29;
    /// VIRTIO_F_VERSION_1: not the legacy interface.
    pub const VERSION_1: u64 = 1 << 32;
}

/// The work behind a transport.
pub trait VirtioDevice: Send {
    /// The device ID of section 5.
    fn device_id(&self) -> u32;

    /// The name in messages and traces.
    fn name(&self) -> &'static str;

    /// The feature bits of the device type; those of [`feature`] are added.
    fn features(&self) -> u64 {
        0
    }

    /// The largest size of each virtqueue, powers of two.
    fn queue_sizes(&self) -> &'static [u16];

    /// Fills `bytes` from `offset` of the device's configuration space. They are zero before.
    fn read_config(&self, offset: u64, bytes: &mut [u8]) {
        let _ = (offset, bytes);
    }

    /// Takes a write of `bytes` at `offset` of the device's configuration space.
    fn write_config(&mut self, offset: u64, bytes: &[u8]) {
        let _ = (offset, bytes);
    }

    /// Starts to work: the driver has agreed on `features` and is ready.
    fn activate(&mut self, features: u64) {
        let _ = features;
    }

    /// Forgets everything that is about the driver.
    fn reset(&mut self) {}

    /// Serves virtqueue `index`, which the driver has filled.
    fn notify(&mut self, index: usize, rings: &mut Rings<'_>) -> Result<(), RingError>;

    /// Looks for work that comes from outside. Called only while the driver is ready.
    fn poll(&mut self, rings: &mut Rings<'_>) -> Result<(), RingError> {
        let _ = rings;
        Ok(())
    }
}

/// Copies the part of the configuration space `config` that starts at `offset`.
fn copy_config(config: &[u8], offset: u64, bytes: &mut [u8]) {
    let rest = usize::try_from(offset).ok().and_then(|offset| config.get(offset..)).unwrap_or_default();
    for (byte, &value) in bytes.iter_mut().zip(rest) {
        *byte = value;
    }
}

#[cfg(test)]
mod testing;
