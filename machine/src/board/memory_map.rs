//! Where things are in the physical address space, and which interrupt they have.

use std::ops::Range;

/// GIC distributor.
pub const GICD: Range<u64> = 0x0800_0000..0x0801_0000;
/// GIC interrupt translation service: control and translation frames.
pub const ITS: Range<u64> = 0x0808_0000..0x080a_0000;
/// GIC redistributors, two 64 KiB frames for each CPU.
pub const GICR: Range<u64> = 0x080a_0000..0x0900_0000;
/// PL011 serial port.
pub const UART: Range<u64> = 0x0900_0000..0x0900_1000;
/// PL031 real-time clock.
pub const RTC: Range<u64> = 0x0901_0000..0x0901_1000;
/// QEMU's firmware configuration device.
pub const FW_CFG: Range<u64> = 0x0902_0000..0x0902_0018;
/// PL061 GPIO, with the power button on pin [`POWER_BUTTON_PIN`].
pub const GPIO: Range<u64> = 0x0903_0000..0x0903_1000;
/// The virtio-mmio transports, [`VIRTIO_STRIDE_BYTES`] each.
pub const VIRTIO: Range<u64> = 0x0a00_0000..0x0a00_4000;
/// The first address of RAM.
pub const RAM_BASE: u64 = 0x4000_0000;

/// The size of the register window of a virtio-mmio transport.
pub const VIRTIO_STRIDE_BYTES: u64 = 0x200;
/// The number of virtio-mmio transports.
pub const VIRTIO_COUNT: u32 = 32;
/// The most CPUs whose redistributors fit into [`GICR`].
pub const CPU_LIMIT: u32 = 123;
/// The GPIO pin of the power button.
pub const POWER_BUTTON_PIN: u32 = 3;

/// SPI of the serial port.
pub const UART_SPI: u32 = 1;
/// SPI of the real-time clock.
pub const RTC_SPI: u32 = 2;
/// SPI of the GPIO controller.
pub const GPIO_SPI: u32 = 7;
/// SPI of the first virtio-mmio transport; the others follow.
pub const VIRTIO_SPI: u32 = 16;

/// PPI of the PMU.
pub const PMU_PPI: u32 = 7;
/// PPI of the GIC's maintenance interrupt.
pub const MAINTENANCE_PPI: u32 = 9;
/// PPI of the EL2 physical timer.
pub const TIMER_EL2_PHYSICAL_PPI: u32 = 10;
/// PPI of the EL1 virtual timer.
pub const TIMER_VIRTUAL_PPI: u32 = 11;
/// PPI of the EL2 virtual timer.
pub const TIMER_EL2_VIRTUAL_PPI: u32 = 12;
/// PPI of the Secure EL1 physical timer.
pub const TIMER_SECURE_PPI: u32 = 13;
/// PPI of the Non-secure EL1 physical timer.
pub const TIMER_PHYSICAL_PPI: u32 = 14;

/// The INTID of a shared peripheral interrupt.
pub const fn spi_intid(spi: u32) -> u32 {
    32 + spi
}

/// The INTID of a private peripheral interrupt.
pub const fn ppi_intid(ppi: u32) -> u32 {
    16 + ppi
}

/// The register window of a virtio-mmio transport.
pub fn virtio_window(index: u32) -> Range<u64> {
    let start = VIRTIO.start + u64::from(index) * VIRTIO_STRIDE_BYTES;
    start..start + VIRTIO_STRIDE_BYTES
}
