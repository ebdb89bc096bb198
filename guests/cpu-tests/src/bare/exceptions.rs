//! Synchronous exceptions to the same level: class, syndrome, return address.

use super::catch::{Caught, catch, caught};
use super::harness::{beyond_qemu, check, equal};
use core::arch::asm;
use guest_support::sysreg::current_el;
use guest_support::{mrs, msr};

fn class_and_iss(caught: Option<Caught>) -> Option<(u64, u64)> {
    caught.map(|c| (c.class, c.iss))
}

pub(crate) fn run() {
    let svc = caught!("svc #0x1234");
    equal("svc: class and immediate", class_and_iss(svc), Some((0x15, 0x1234)));
    let brk = caught!("brk #0x77");
    equal("brk: class and comment", class_and_iss(brk), Some((0x3c, 0x77)));
    let udf = caught!("udf #0");
    equal("udf: unknown reason, no syndrome", class_and_iss(udf), Some((0, 0)));
    let none = caught!("mrs {}, S3_0_C8_C3_3", out(reg) _);
    equal("mrs of an unallocated encoding: unknown reason", class_and_iss(none), Some((0, 0)));
    let el3 = caught!("mrs {}, scr_el3", out(reg) _);
    equal("mrs of an EL3 register: unknown reason", class_and_iss(el3), Some((0, 0)));
    if current_el() == 2 {
        let hvc = caught!("hvc #0x99");
        equal("hvc: class and immediate", class_and_iss(hvc), Some((0x16, 0x99)));
    } else {
        let el2 = caught!("mrs {}, hcr_el2", out(reg) _);
        equal("mrs of an EL2 register: unknown reason", class_and_iss(el2), Some((0, 0)));
    }
    return_address();
    alignment();
    fp_trap();
    pstate();
}

fn return_address() {
    let (at_brk, at_svc): (u64, u64);
    let mut elr = [0; 2];
    let brk = catch(|| {
        // SAFETY: the handler goes on behind the instruction and changes no register.
        unsafe { asm!("adr {0}, 2f", "2: brk #0", out(reg) elr[0]) }
    });
    at_brk = brk.map_or(0, |c| c.elr);
    let svc = catch(|| {
        // SAFETY: the handler goes on behind the instruction and changes no register.
        unsafe { asm!("adr {0}, 2f", "2: svc #0", out(reg) elr[1]) }
    });
    at_svc = svc.map_or(0, |c| c.elr);
    equal("brk: the return address is the instruction", at_brk, elr[0]);
    equal("svc: the return address is behind the instruction", at_svc, elr[1] + 4);
    let mode = if current_el() == 2 { 9 } else { 5 };
    equal("spsr: the level and stack pointer that it came from", brk.map(|c| c.spsr & 0xf), Some(mode));
    equal("spsr: all of DAIF was set", brk.map(|c| c.spsr >> 6 & 0xf), Some(0xf));
    let flags = caught!("msr nzcv, {}", "brk #0", in(reg) 0xa000_0000_u64);
    equal("spsr: condition flags", flags.map(|c| c.spsr >> 28), Some(0xa));
}

fn alignment() {
    let pc = catch(|| {
        // SAFETY: the handler returns to X30.
        unsafe { asm!("blr {}", in(reg) 0x4020_0002_u64, out("x30") _, clobber_abi("C")) }
    });
    equal(
        "branch to an odd address: PC alignment, FAR",
        pc.map(|c| (c.class, c.far)),
        Some((0x22, 0x4020_0002)),
    );
    let word = [0u64; 4];
    // The MMU is off: every access is to Device memory, where alignment always counts.
    let at = word.as_ptr() as u64 + 1;
    let data = caught!("ldr {}, [{}]", out(reg) _, in(reg) at);
    let (class, far) = data.map_or((0, 0), |c| (c.class, c.far));
    equal("unaligned load from Device memory: class and FAR", (class, far), (0x25, at));
    equal("unaligned load from Device memory: DFSC", data.map(|c| c.iss & 0x3f), Some(0x21));
    let store = caught!("strh wzr, [{}]", in(reg) at);
    equal("unaligned store: WnR", store.map(|c| c.iss & 0x7f), Some(0x61));
    // SCTLR_ELx.SA; its reset value is not defined.
    if current_el() == 2 {
        msr!("sctlr_el2", mrs!("sctlr_el2") | 1 << 3);
    } else {
        msr!("sctlr_el1", mrs!("sctlr_el1") | 1 << 3);
    }
    let sp = catch(|| {
        // SAFETY: the handler goes on behind the instruction and changes no register; SP_EL0 is misaligned only for the one load.
        unsafe {
            asm!(
                "mov {old}, sp", "msr spsel, #0", "add {t}, {old}, #8", "mov sp, {t}", "ldr {t}, [sp]", "msr spsel, #1",
                old = out(reg) _, t = out(reg) _
            )
        }
    });
    beyond_qemu("load through a misaligned SP", sp.map(|c| (c.class, c.iss)), Some((0x26, 0)));
}

fn fp_trap() {
    // SAFETY: the handler goes on behind the instruction and changes no register; the register is not used by this soft-float program.
    let fp = || unsafe { asm!(".arch_extension fp", "fmov d0, xzr", ".arch_extension nofp") };
    if current_el() == 2 {
        let old = mrs!("cptr_el2");
        msr!("cptr_el2", old | 1 << 10);
        let caught = catch(fp);
        msr!("cptr_el2", old);
        // CV and COND are 1 and 0b1110 for an A64 instruction.
        equal("fmov with CPTR_EL2.TFP", class_and_iss(caught), Some((0x07, 0x1e0_0000)));
    } else {
        let old = mrs!("cpacr_el1");
        msr!("cpacr_el1", old & !(3 << 20));
        let caught = catch(fp);
        msr!("cpacr_el1", old | 3 << 20);
        equal("fmov with CPACR_EL1.FPEN = 0", class_and_iss(caught), Some((0x07, 0x1e0_0000)));
    }
    check("fmov without a trap", catch(fp).is_none());
}

fn pstate() {
    equal("CurrentEL", mrs!("CurrentEL") & !0xc, 0);
    equal("SPSel", mrs!("spsel"), 1);
    equal("DAIF", mrs!("daif"), 0x3c0);
    let nzcv: u64;
    // SAFETY: changes the flags only.
    unsafe { asm!("cmp {0}, {0}", "mrs {1}, nzcv", in(reg) 5_u64, out(reg) nzcv) };
    equal("cmp of equal values: Z and C", nzcv, 0x6000_0000);
    let illegal = illegal_return();
    equal(
        "return to an illegal mode: illegal execution state",
        illegal.map(|c| (c.class, c.iss)),
        Some((0x0e, 0)),
    );
    equal("return to an illegal mode: IL in SPSR", illegal.map(|c| c.spsr >> 20 & 1), Some(1));
    equal(
        "return to an illegal mode: the level stays",
        illegal.map(|c| c.spsr & 0xc),
        Some(mrs!("CurrentEL")),
    );
}

/// ERET with M = 0b1101, EL3, from a lower level. The next instruction traps; the handler goes on behind it.
fn illegal_return() -> Option<Caught> {
    if current_el() == 2 {
        caught!("adr {t}, 2f", "msr elr_el2, {t}", "msr spsr_el2, {s}", "isb", "eret", "2: nop",
                t = out(reg) _, s = in(reg) 0x3cd_u64)
    } else {
        caught!("adr {t}, 2f", "msr elr_el1, {t}", "msr spsr_el1, {s}", "isb", "eret", "2: nop",
                t = out(reg) _, s = in(reg) 0x3cd_u64)
    }
}
