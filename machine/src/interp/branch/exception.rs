//! Exception generation: SVC, HVC, SMC, BRK, HLT, DCPS, UDF.

use crate::cpu::Vcpu;
use crate::exception;
use crate::interp::operand::bits;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::SVC_EX_exception => |cpu, insn| exception::svc(cpu, bits::<5, 16>(insn)),
        Encoding::HVC_EX_exception => |cpu, insn| exception::hvc(cpu, bits::<5, 16>(insn)),
        Encoding::SMC_EX_exception => |cpu, insn| exception::smc(cpu, bits::<5, 16>(insn)),
        Encoding::BRK_EX_exception => |cpu, insn| exception::brk(cpu, bits::<5, 16>(insn)),
        Encoding::HLT_EX_exception => |cpu, insn| exception::hlt(cpu, bits::<5, 16>(insn)),
        // Only defined in Debug state, which the machine does not have.
        Encoding::DCPS1_DC_exception | Encoding::DCPS2_DC_exception | Encoding::DCPS3_DC_exception => udf,
        Encoding::UDF_only_perm_undef => udf,
        _ => return None,
    })
}

fn udf(cpu: &mut Vcpu, _insn: u32) -> Exec {
    Err(cpu.undefined())
}
