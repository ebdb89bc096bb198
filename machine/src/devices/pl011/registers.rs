//! Offsets and fields of the UART's registers.

pub(super) const DR: u64 = 0x000;
pub(super) const RSR: u64 = 0x004;
pub(super) const FR: u64 = 0x018;
pub(super) const ILPR: u64 = 0x020;
pub(super) const IBRD: u64 = 0x024;
pub(super) const FBRD: u64 = 0x028;
pub(super) const LCR_H: u64 = 0x02c;
pub(super) const CR: u64 = 0x030;
pub(super) const IFLS: u64 = 0x034;
pub(super) const IMSC: u64 = 0x038;
pub(super) const RIS: u64 = 0x03c;
pub(super) const MIS: u64 = 0x040;
pub(super) const ICR: u64 = 0x044;
pub(super) const DMACR: u64 = 0x048;

/// UARTFR: clear to send.
pub(super) const FR_CTS: u32 = 1 << 0;
/// UARTFR: data set ready.
pub(super) const FR_DSR: u32 = 1 << 1;
/// UARTFR: data carrier detect.
pub(super) const FR_DCD: u32 = 1 << 2;
/// UARTFR: receive FIFO empty.
pub(super) const FR_RXFE: u32 = 1 << 4;
/// UARTFR: receive FIFO full.
pub(super) const FR_RXFF: u32 = 1 << 6;
/// UARTFR: transmit FIFO empty.
pub(super) const FR_TXFE: u32 = 1 << 7;

/// UARTLCR_H: FIFOs enabled.
pub(super) const LCR_H_FEN: u32 = 1 << 4;

/// UARTCR: the UART is enabled.
pub(super) const CR_UARTEN: u32 = 1 << 0;
/// UARTCR: loopback.
pub(super) const CR_LBE: u32 = 1 << 7;
/// UARTCR: reception is enabled.
pub(super) const CR_RXE: u32 = 1 << 9;
/// UARTCR after reset: transmission and reception enabled, the UART not.
pub(super) const CR_RESET: u32 = 0x300;

/// UARTIFLS after reset: both FIFOs at half.
pub(super) const IFLS_RESET: u32 = 0x12;

/// Interrupt: receive FIFO at its trigger level.
pub(super) const INT_RX: u32 = 1 << 4;
/// Interrupt: transmit FIFO at its trigger level.
pub(super) const INT_TX: u32 = 1 << 5;
/// Interrupt: receive timeout.
pub(super) const INT_RT: u32 = 1 << 6;
/// The implemented interrupt bits.
pub(super) const INT_ALL: u32 = 0x7ff;
