//! Atomic operations on a quadword (FEAT_LSE128): LDCLRP, LDSETP, SWPP.

use super::base;
use crate::cpu::Vcpu;
use crate::interp::operand::{rd, rm};
use crate::interp::{Exec, Flow, Handler};
use crate::mmu::Access;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::LDCLRP_128_memop_128
        | Encoding::LDCLRPL_128_memop_128
        | Encoding::LDCLRPA_128_memop_128
        | Encoding::LDCLRPAL_128_memop_128 => atomic::<CLEAR>,
        Encoding::LDSETP_128_memop_128
        | Encoding::LDSETPL_128_memop_128
        | Encoding::LDSETPA_128_memop_128
        | Encoding::LDSETPAL_128_memop_128 => atomic::<SET>,
        Encoding::SWPP_128_memop_128
        | Encoding::SWPPL_128_memop_128
        | Encoding::SWPPA_128_memop_128
        | Encoding::SWPPAL_128_memop_128 => atomic::<SWAP>,
        _ => return None,
    })
}

const CLEAR: u8 = 0;
const SET: u8 = 1;
const SWAP: u8 = 2;

fn atomic<const OP: u8>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let (t, t2) = (rd(insn), rm(insn));
    if t == 31 || t2 == 31 {
        return Err(cpu.undefined());
    }
    let address = base(cpu, insn)?;
    let operand = cpu.join_64(cpu.x(t), cpu.x(t2));
    let old = cpu.rmw::<u128>(address, Access::ATOMIC, |old| match OP {
        CLEAR => old & !operand,
        SET => old | operand,
        _ => operand,
    })?;
    let (first, second) = cpu.split_64(old);
    cpu.set_x(t, first);
    cpu.set_x(t2, second);
    Ok(Flow::Next)
}
