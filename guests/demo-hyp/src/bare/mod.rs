//! The hypervisor: stage 2, one guest, and an answer to each of its exits.
#![allow(unsafe_code)] // bare metal

mod console;
mod exits;
mod loader;

use guest_support::paging::{Tables, attr};
use guest_support::{gic, instruction, lower, mrs, msr, println, psci, sysreg, vectors};

/// The guest's RAM, as the guest sees it.
const GUEST_IPA: u64 = 0x4000_0000;
/// Where that RAM really is.
const GUEST_PA: u64 = 0x4800_0000;
const GUEST_RAM_BYTES: u64 = 16 << 20;

static STAGE_2: Tables<8> = Tables::new();
/// The ELF file of `demo-guest`.
static GUEST: &[u8] = include_bytes!(env!("DEMO_GUEST_PATH"));

/// HCR_EL2: EL1 is AArch64; stage 2 on; physical interrupts come here; WFI and reads of ID registers trap.
const HCR: u64 = 1 << 31 | 1 | 1 << 3 | 1 << 4 | 1 << 13 | 1 << 18;
/// VTCR_EL2: 39-bit IPA, walks from level 1, 4 KiB granule, 40-bit PA, write-back inner shareable walks; bit 31 is RES1.
const VTCR: u64 = 25 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | 1 << 31;

#[unsafe(no_mangle)]
extern "Rust" fn guest_main() {
    assert!(sysreg::current_el() == 2, "this is a hypervisor: it has to be started at EL2");
    println!("EL2 | demo-hyp: a hypervisor at EL2");
    let entry = loader::load(GUEST, GUEST_IPA, GUEST_PA, GUEST_RAM_BYTES);

    STAGE_2.map(GUEST_IPA, GUEST_PA, GUEST_RAM_BYTES, attr::S2_NORMAL);
    msr!("vtcr_el2", VTCR);
    msr!("vttbr_el2", STAGE_2.root() | 1 << 48);
    msr!("hcr_el2", HCR);
    instruction!("tlbi vmalls12e1", "dsb sy", "isb");
    println!(
        "EL2 | stage 2 on: the guest's {} MiB at IPA {GUEST_IPA:#x} are at PA {GUEST_PA:#x}",
        GUEST_RAM_BYTES >> 20
    );

    gic::enable_distributor();
    gic::enable_cpu();
    gic::enable(exits::TIMER, 0x80);
    // EOImode = 1: this level drops the priority, the guest's own end of interrupt deactivates.
    msr!("S3_0_C12_C12_4", 1 << 1); // ICC_CTLR_EL1
    msr!("S3_4_C12_C11_0", 1); // ICH_HCR_EL2: virtual CPU interface on
    msr!("vpidr_el2", mrs!("midr_el1"));
    msr!("vmpidr_el2", 1 << 31);

    vectors::set_handler(exits::on_exit);
    println!("EL2 | starting the guest at {entry:#x}, EL1");
    lower::enter(entry, lower::EL1, 0, 0);

    println!("EL2 | the guest is off; its exits: {}", exits::Counts);
    println!("EL2 | demo-hyp: done, switching the machine off");
    psci::system_off();
}
