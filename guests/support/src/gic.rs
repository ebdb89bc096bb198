//! GICv3 without Security states: distributor, this CPU's redistributor, CPU interface.
#![allow(unsafe_code)] // device registers

use crate::board::{GICD, GICR};
use crate::sysreg::{cpu, current_el};
use crate::{instruction, mrs, msr};

/// The acknowledge register's value for "nothing pending".
pub const SPURIOUS: u64 = 1023;

const GICD_CTLR: usize = 0x0000;
const GICR_WAKER: usize = 0x0014;
const SGI_BASE: usize = 0x1_0000;
const IGROUPR: usize = 0x0080;
const ISENABLER: usize = 0x0100;
const ICENABLER: usize = 0x0180;
const ISPENDR: usize = 0x0200;
const ICPENDR: usize = 0x0280;
const IPRIORITYR: usize = 0x0400;

fn mmio_read(address: usize) -> u32 {
    // SAFETY: a GIC register.
    unsafe { (address as *const u32).read_volatile() }
}

fn mmio_write(address: usize, value: u32) {
    // SAFETY: a GIC register.
    unsafe { (address as *mut u32).write_volatile(value) };
}

fn redistributor() -> usize {
    GICR + cpu() * 0x2_0000
}

/// Enables affinity routing and group 1; once per machine.
pub fn enable_distributor() {
    // ARE, EnableGrp1 (and EnableGrp0)
    mmio_write(GICD + GICD_CTLR, 1 << 4);
    mmio_write(GICD + GICD_CTLR, 1 << 4 | 3);
}

/// Wakes this CPU's redistributor, puts SGIs and PPIs into group 1, and enables the CPU interface.
pub fn enable_cpu() {
    let base = redistributor();
    mmio_write(base + GICR_WAKER, mmio_read(base + GICR_WAKER) & !2);
    while mmio_read(base + GICR_WAKER) & 4 != 0 {}
    mmio_write(base + SGI_BASE + IGROUPR, !0);
    mmio_write(base + SGI_BASE + ICENABLER, !0);
    if current_el() == 2 {
        msr!("S3_4_C12_C9_5", 0xf); // ICC_SRE_EL2
    }
    msr!("S3_0_C12_C12_5", mrs!("S3_0_C12_C12_5") | 1); // ICC_SRE_EL1
    msr!("S3_0_C4_C6_0", 0xff); // ICC_PMR_EL1
    msr!("S3_0_C12_C12_3", 0); // ICC_BPR1_EL1
    msr!("S3_0_C12_C12_4", 0); // ICC_CTLR_EL1
    msr!("S3_0_C12_C12_7", 1); // ICC_IGRPEN1_EL1
}

/// Enables a SGI or PPI of this CPU, with a priority.
pub fn enable(intid: u32, priority: u8) {
    let base = redistributor() + SGI_BASE;
    let at = base + IPRIORITYR + (intid as usize & !3);
    let shift = (intid & 3) * 8;
    mmio_write(at, mmio_read(at) & !(0xff << shift) | u32::from(priority) << shift);
    mmio_write(base + ISENABLER, 1 << intid);
}

/// Enables an SPI in group 1, with a priority, for CPU 0.
pub fn enable_spi(intid: u32, priority: u8) {
    let (word, bit) = (4 * (intid as usize / 32), 1 << (intid % 32));
    let group = GICD + IGROUPR + word;
    mmio_write(group, mmio_read(group) | bit);
    let at = GICD + IPRIORITYR + (intid as usize & !3);
    let shift = (intid & 3) * 8;
    mmio_write(at, mmio_read(at) & !(0xff << shift) | u32::from(priority) << shift);
    mmio_write(GICD + ISENABLER + word, bit);
}

/// Disables a SGI or PPI of this CPU.
pub fn disable(intid: u32) {
    mmio_write(redistributor() + SGI_BASE + ICENABLER, 1 << intid);
}

/// Whether a SGI or PPI of this CPU is pending.
pub fn is_pending(intid: u32) -> bool {
    mmio_read(redistributor() + SGI_BASE + ISPENDR) & 1 << intid != 0
}

/// Makes a SGI or PPI of this CPU pending, or not.
pub fn set_pending(intid: u32, pending: bool) {
    let register = if pending { ISPENDR } else { ICPENDR };
    mmio_write(redistributor() + SGI_BASE + register, 1 << intid);
}

/// Sends a group 1 SGI to the CPUs of a mask (affinity 0.0.0.n).
pub fn send_sgi(intid: u32, cpus: u16) {
    instruction!("dsb ishst");
    msr!("S3_0_C12_C11_5", u64::from(intid) << 24 | u64::from(cpus)); // ICC_SGI1R_EL1
}

/// Acknowledges the pending group 1 interrupt of highest priority.
pub fn acknowledge() -> u64 {
    let intid = mrs!("S3_0_C12_C12_0"); // ICC_IAR1_EL1
    instruction!("dsb sy");
    intid & 0xff_ffff
}

/// Ends an interrupt.
pub fn end(intid: u64) {
    msr!("S3_0_C12_C12_1", intid); // ICC_EOIR1_EL1
}

/// Sets the priority mask.
pub fn set_mask(priority: u8) {
    msr!("S3_0_C4_C6_0", u64::from(priority)); // ICC_PMR_EL1
}

/// The running priority.
pub fn running_priority() -> u64 {
    mrs!("S3_0_C12_C11_3") // ICC_RPR_EL1
}
