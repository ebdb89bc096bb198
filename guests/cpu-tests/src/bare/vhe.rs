//! EL2 with HCR_EL2.E2H = 1 and with TGE = 1: redirected registers, hosts' programs at EL0, the EL2 virtual timer.

use super::catch::{catch, caught, enter, received};
use super::harness::{check, equal, skip};
use super::interrupts::open;
use super::mmu::TABLES;
use core::arch::global_asm;
use guest_support::lower::EL0;
use guest_support::{boot, gic, instruction, mrs, msr, paging};

const E2H: u64 = 1 << 34;
const TGE: u64 = 1 << 27;
/// INTID of the EL2 virtual timer.
const CNTHV: usize = 28;

global_asm!(
    ".text",
    ".global el0_svc",
    "el0_svc:",
    "    mov x0, #77",
    "    svc #0x55",
    ".global el0_hvc",
    "el0_hvc:",
    "    hvc #1",
    ".global el0_undefined",
    "el0_undefined:",
    "    mrs x0, vbar_el1",
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn el0_svc();
    fn el0_hvc();
    fn el0_undefined();
}

pub(crate) fn run() {
    if mrs!("id_aa64mmfr1_el1") >> 8 & 0xf == 0 {
        skip("vhe: not implemented");
        return;
    }
    paging::disable();
    let without = caught!("mrs {}, S3_5_C1_C0_0", out(reg) _);
    equal("E2H = 0: SCTLR_EL12 is undefined", without.map(|c| (c.class, c.iss)), Some((0, 0)));
    programs("E2H = 0, TGE = 1: SVC at EL0 comes to EL2", TGE);
    msr!("hcr_el2", boot::HCR_EL2 | E2H);
    // FPEN = 3: nothing traps. The layout of CPTR_EL2 is now that of CPACR_EL1.
    msr!("cptr_el2", 3 << 20);
    redirection();
    timers();
    programs("E2H = 1, TGE = 1: SVC at EL0 comes to EL2", E2H | TGE);
    msr!("hcr_el2", boot::HCR_EL2);
    msr!("cptr_el2", 0x33ff & !(1 << 8));
    TABLES.enable();
    check("back with E2H = 0", mrs!("hcr_el2") & (E2H | TGE) == 0);
}

fn redirection() {
    let (el1, el2) = (0x4030_0800, mrs!("vbar_el2"));
    equal("E2H: VBAR_EL1 is VBAR_EL2", mrs!("vbar_el1"), el2);
    let old = mrs!("S3_5_C12_C0_0");
    msr!("S3_5_C12_C0_0", el1);
    equal("E2H: VBAR_EL12 is VBAR_EL1", (mrs!("S3_5_C12_C0_0"), mrs!("vbar_el2")), (el1, el2));
    msr!("S3_5_C12_C0_0", old);
    msr!("contextidr_el1", 0x1234);
    equal("E2H: CONTEXTIDR_EL1 is CONTEXTIDR_EL2", mrs!("S3_4_C13_C0_1"), 0x1234);
    msr!("elr_el1", 0x5678);
    equal("E2H: ELR_EL1 is ELR_EL2", mrs!("elr_el2"), 0x5678);
    msr!("far_el1", 0x9abc);
    equal("E2H: FAR_EL1 is FAR_EL2", mrs!("far_el2"), 0x9abc);
    let fp = caught!(".arch_extension fp", "fmov d0, xzr", ".arch_extension nofp");
    check("E2H: CPACR layout, FPEN = 3: no trap", fp.is_none());
    msr!("cpacr_el1", 0);
    equal("E2H: CPACR_EL1 is CPTR_EL2", mrs!("cptr_el2") & 3 << 20, 0);
    let fp = caught!(".arch_extension fp", "fmov d0, xzr", ".arch_extension nofp");
    equal("E2H: FPEN = 0: trap", fp.map(|c| c.class), Some(0x07));
    msr!("cpacr_el1", 3 << 20);
    // TTBR1_EL2 exists, and TCR_EL1 has the layout of EL1's.
    msr!("ttbr1_el1", 0x4040_0000);
    equal("E2H: TTBR1_EL1 is TTBR1_EL2", mrs!("S3_4_C2_C0_1"), 0x4040_0000);
    msr!("ttbr1_el1", 0);
}

fn timers() {
    msr!("S3_5_C14_C3_1", 2); // CNTV_CTL_EL02
    msr!("cntv_cval_el0", mrs!("cntpct_el0"));
    msr!("cntv_ctl_el0", 3);
    equal("E2H: CNTV_CTL_EL0 is CNTHV_CTL_EL2, condition met", mrs!("S3_4_C14_C3_1"), 7);
    equal("E2H: CNTV_CTL_EL02 is EL1's", mrs!("S3_5_C14_C3_1") & 3, 2);
    gic::enable(CNTHV as u32, 0x80);
    msr!("cntv_ctl_el0", 1);
    open();
    equal("E2H: the EL2 virtual timer interrupts", received(CNTHV), 1);
    msr!("cntv_ctl_el0", 0);
    msr!("S3_5_C14_C3_1", 0);
}

/// Runs programs at EL0 with these bits of HCR_EL2.
fn programs(name: &str, hcr: u64) {
    let old = mrs!("hcr_el2");
    let run = |program: unsafe extern "C" fn()| {
        msr!("hcr_el2", boot::HCR_EL2 | hcr);
        let seen = enter(program as *const () as u64, EL0, 0, 0);
        msr!("hcr_el2", old);
        seen
    };
    let svc = run(el0_svc);
    equal(name, (svc.class, svc.iss, svc.x0, svc.spsr & 0xf), (0x15, 0x55, 77, 0));
    equal("   HVC at EL0 is undefined", run(el0_hvc).class, 0);
    equal("   VBAR_EL1 at EL0 is undefined", run(el0_undefined).class, 0);
    instruction!("isb");
    check("   and EL2 goes on", catch(|| ()).is_none());
}
