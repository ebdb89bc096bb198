//! Logical operations, shifted register: AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS.

use super::{reserved_amount, shifted};
use crate::cpu::Vcpu;
use crate::interp::operand::{Width, rd, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::AND_32_log_shift => and::<u32>,
        Encoding::BIC_32_log_shift => bic::<u32>,
        Encoding::ORR_32_log_shift => orr::<u32>,
        Encoding::ORN_32_log_shift => orn::<u32>,
        Encoding::EOR_32_log_shift => eor::<u32>,
        Encoding::EON_32_log_shift => eon::<u32>,
        Encoding::ANDS_32_log_shift => ands::<u32>,
        Encoding::BICS_32_log_shift => bics::<u32>,
        Encoding::AND_64_log_shift => and::<u64>,
        Encoding::BIC_64_log_shift => bic::<u64>,
        Encoding::ORR_64_log_shift => orr::<u64>,
        Encoding::ORN_64_log_shift => orn::<u64>,
        Encoding::EOR_64_log_shift => eor::<u64>,
        Encoding::EON_64_log_shift => eon::<u64>,
        Encoding::ANDS_64_log_shift => ands::<u64>,
        Encoding::BICS_64_log_shift => bics::<u64>,
        _ => return None,
    })
}

macro_rules! logical {
    ($name:ident, $flags:expr, |$x:ident, $y:ident| $result:expr) => {
        fn $name<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
            if reserved_amount::<W>(insn) {
                return Err(cpu.undefined());
            }
            let ($x, $y) = (W::get(cpu, rn(insn)), shifted::<W>(cpu, insn));
            let result: W = $result;
            if $flags {
                cpu.state.nzcv.set(result.logic_flags());
            }
            result.set(cpu, rd(insn));
            Ok(Flow::Next)
        }
    };
}

logical!(and, false, |x, y| x & y);
logical!(bic, false, |x, y| x & !y);
logical!(orr, false, |x, y| x | y);
logical!(orn, false, |x, y| x | !y);
logical!(eor, false, |x, y| x ^ y);
logical!(eon, false, |x, y| x ^ !y);
logical!(ands, true, |x, y| x & y);
logical!(bics, true, |x, y| x & !y);
