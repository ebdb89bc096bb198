//! Loads with pointer authentication of the base: LDRAA, LDRAB.

use super::base;
use super::transfer::{Gpr, with_syndrome};
use crate::cpu::Vcpu;
use crate::interp::operand::{bits, rd, rn, sbits};
use crate::interp::{Exec, Flow, Handler};
use crate::mmu::Access;
use crate::pauth::PacKey;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::LDRAA_64_ldst_pac => ldra::<false, false>,
        Encoding::LDRAA_64W_ldst_pac => ldra::<false, true>,
        Encoding::LDRAB_64_ldst_pac => ldra::<true, false>,
        Encoding::LDRAB_64W_ldst_pac => ldra::<true, true>,
        _ => return None,
    })
}

fn ldra<const B: bool, const WRITEBACK: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let offset = (sbits::<22, 1>(insn) << 9 | u64::from(bits::<12, 9>(insn))) << 3;
    let base = base(cpu, insn)?;
    let address = cpu.auth(if B { PacKey::DB } else { PacKey::DA }, base, 0, true)?.wrapping_add(offset);
    let how =
        if WRITEBACK { Access::NORMAL } else { with_syndrome::<Gpr<u64>>(Access::NORMAL, rd(insn), false) };
    let value = cpu.load::<u64>(address, how)?;
    if WRITEBACK {
        cpu.set_xsp(rn(insn), address);
    }
    cpu.set_x(rd(insn), value);
    Ok(Flow::Next)
}
