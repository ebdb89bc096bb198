//! Stage 1 of this level with the 16 KiB and 64 KiB granules.

use super::catch::catch;
use super::harness::{equal, skip};
use super::mmu::TABLES;
use core::arch::asm;
use core::cell::UnsafeCell;
use guest_support::paging::{self, attr};
use guest_support::sysreg::current_el;
use guest_support::{instruction, mrs, msr};

/// Big enough and aligned for one table or page of either granule.
#[repr(C, align(65536))]
struct Chunk(UnsafeCell<[u64; 8192]>);
// SAFETY: used by one CPU.
unsafe impl Sync for Chunk {}
static ROOT: Chunk = Chunk(UnsafeCell::new([0; 8192]));
static LEAVES: Chunk = Chunk(UnsafeCell::new([0; 8192]));
static PAGE: Chunk = Chunk(UnsafeCell::new([0; 8192]));

struct Granule {
    name: &'static str,
    /// Bits of an offset in a page.
    page: u32,
    /// TCR_ELx.TG0.
    tg0: u64,
    /// Bits of the input address: one table at level 2.
    input: u64,
}

impl Chunk {
    fn address(&self) -> u64 {
        self.0.get() as u64
    }

    fn set(&self, index: u64, value: u64) {
        let at = (self.address() + index * 8) as *mut u64;
        // SAFETY: inside of the chunk.
        unsafe { at.write_volatile(value) };
    }
}

pub(crate) fn run() {
    let mmfr0 = mrs!("id_aa64mmfr0_el1");
    let all = [
        (Granule { name: "16K", page: 14, tg0: 2, input: 36 }, mmfr0 >> 20 & 0xf != 0),
        (Granule { name: "64K", page: 16, tg0: 1, input: 42 }, mmfr0 >> 24 & 0xf != 0xf),
    ];
    for (granule, exists) in all {
        guest_support::println!("granule of {}", granule.name);
        if exists { one(&granule) } else { skip("not implemented") }
    }
    TABLES.enable();
}

fn load(va: u64) -> u64 {
    let value;
    // SAFETY: an address of a test page, or a fault that is caught; then the register keeps its value.
    unsafe { asm!("ldr {0}, [{1}]", inout(reg) 0xdead_u64 => value, in(reg) va) };
    value
}

fn one(g: &Granule) {
    paging::disable();
    let block = 2 * g.page - 3;
    let res1 = if current_el() == 2 { attr::USER } else { 0 };
    for index in 0..8192 {
        ROOT.set(index, 0);
        LEAVES.set(index, 0);
    }
    PAGE.set(0, 0x1616);
    PAGE.set(2048, 0x6464);
    // Everything below 2 GiB as it is: devices below RAM.
    for index in 0..1 << (31 - block) {
        let at = index << block;
        let kind = if at < 0x4000_0000 { attr::DEVICE | attr::XN } else { attr::NORMAL };
        ROOT.set(index, at | kind | res1 | 1);
    }
    // Behind them a table of pages.
    let va = 1 << 32;
    ROOT.set(va >> block, LEAVES.address() | 3);
    LEAVES.set(3, PAGE.address() | attr::NORMAL | attr::XN | res1 | 3);
    LEAVES.set(4, PAGE.address() | attr::NORMAL | attr::XN | attr::READ_ONLY | res1 | 3);
    instruction!("dsb sy");
    enable(g);

    let (third, fourth) = (va + (3 << g.page), va + (4 << g.page));
    equal("   a page", (load(third), load(fourth)), (0x1616, 0x1616));
    if g.page == 16 {
        equal("   the far end of a page", load(third + 2048 * 8), 0x6464);
    }
    let fault = |va: u64| catch(|| _ = load(va)).map(|c| (c.class, c.iss & 0x7f, c.far));
    equal("   an unmapped page: level 3", fault(va), Some((0x25, 0x07, va)));
    let far = va + (1 << 33);
    equal("   an unmapped block: level 2", fault(far), Some((0x25, 0x06, far)));
    // SAFETY: faults.
    let write = catch(|| unsafe { asm!("str xzr, [{}]", in(reg) fourth) });
    equal(
        "   a read-only page: level 3",
        write.map(|c| (c.class, c.iss & 0x7f, c.far)),
        Some((0x25, 0x4f, fourth)),
    );
    if current_el() == 2 {
        // SAFETY: changes PAR_EL1 only.
        unsafe { asm!("at s1e2r, {}", "isb", in(reg) third + 8) };
    } else {
        // SAFETY: changes PAR_EL1 only.
        unsafe { asm!("at s1e1r, {}", "isb", in(reg) third + 8) };
    }
    equal("   AT", mrs!("par_el1") & 0xff_ffff_f001, PAGE.address());
    paging::disable();
}

fn enable(g: &Granule) {
    let common = (64 - g.input) | 1 << 8 | 1 << 10 | 3 << 12 | g.tg0 << 14;
    if current_el() == 2 {
        msr!("tcr_el2", common | 2 << 16 | 1 << 23 | 1 << 31);
        msr!("ttbr0_el2", ROOT.address());
        instruction!("tlbi alle2", "dsb sy", "isb");
        msr!("sctlr_el2", mrs!("sctlr_el2") | 1);
    } else {
        msr!("tcr_el1", common | 2 << 32 | 1 << 23);
        msr!("ttbr0_el1", ROOT.address());
        instruction!("tlbi vmalle1", "dsb sy", "isb");
        msr!("sctlr_el1", mrs!("sctlr_el1") | 1);
    }
}
