//! Register offsets of the GICv3 frames, from IHI 0069.

/// The distributor.
pub mod gicd {
    /// Control.
    pub const CTLR: u64 = 0x0000;
    /// Type.
    pub const TYPER: u64 = 0x0004;
    /// Implementer.
    pub const IIDR: u64 = 0x0008;
    /// Type 2.
    pub const TYPER2: u64 = 0x000c;
    /// Error report.
    pub const STATUSR: u64 = 0x0010;
    /// Sets an SPI pending, Non-secure.
    pub const SETSPI_NSR: u64 = 0x0040;
    /// Clears a pending SPI, Non-secure.
    pub const CLRSPI_NSR: u64 = 0x0048;
    /// Interrupt groups, one bit each.
    pub const IGROUPR: u64 = 0x0080;
    /// Set-enable.
    pub const ISENABLER: u64 = 0x0100;
    /// Clear-enable.
    pub const ICENABLER: u64 = 0x0180;
    /// Set-pending.
    pub const ISPENDR: u64 = 0x0200;
    /// Clear-pending.
    pub const ICPENDR: u64 = 0x0280;
    /// Set-active.
    pub const ISACTIVER: u64 = 0x0300;
    /// Clear-active.
    pub const ICACTIVER: u64 = 0x0380;
    /// Priorities, one byte each.
    pub const IPRIORITYR: u64 = 0x0400;
    /// Configuration, two bits each.
    pub const ICFGR: u64 = 0x0c00;
    /// Group modifiers.
    pub const IGRPMODR: u64 = 0x0d00;
    /// Affinity routing, 64 bits each, from SPI 32 on.
    pub const IROUTER: u64 = 0x6000;
    /// Identification registers.
    pub const PIDR2: u64 = 0xffe8;
}

/// A redistributor: RD_base, and SGI_base 64 KiB above it.
pub mod gicr {
    /// Control.
    pub const CTLR: u64 = 0x0000;
    /// Implementer.
    pub const IIDR: u64 = 0x0004;
    /// Type, 64 bits.
    pub const TYPER: u64 = 0x0008;
    /// Error report.
    pub const STATUSR: u64 = 0x0010;
    /// Power.
    pub const WAKER: u64 = 0x0014;
    /// LPI configuration table, 64 bits.
    pub const PROPBASER: u64 = 0x0070;
    /// LPI pending table, 64 bits.
    pub const PENDBASER: u64 = 0x0078;
    /// Identification registers.
    pub const PIDR2: u64 = 0xffe8;
    /// Where SGI_base begins; the offsets of the distributor's banked registers apply there.
    pub const SGI_BASE: u64 = 0x1_0000;
    /// One redistributor without virtual LPIs.
    pub const FRAME_BYTES: u64 = 0x2_0000;
}

/// The interrupt translation service.
pub mod gits {
    /// Control.
    pub const CTLR: u64 = 0x0000;
    /// Implementer.
    pub const IIDR: u64 = 0x0004;
    /// Type, 64 bits.
    pub const TYPER: u64 = 0x0008;
    /// Command queue, 64 bits.
    pub const CBASER: u64 = 0x0080;
    /// Command write pointer, 64 bits.
    pub const CWRITER: u64 = 0x0088;
    /// Command read pointer, 64 bits.
    pub const CREADR: u64 = 0x0090;
    /// Tables, eight of 64 bits.
    pub const BASER: u64 = 0x0100;
    /// Identification registers.
    pub const PIDR2: u64 = 0xffe8;
    /// Where a device writes its event, in the second 64 KiB.
    pub const TRANSLATER: u64 = 0x1_0040;
}
