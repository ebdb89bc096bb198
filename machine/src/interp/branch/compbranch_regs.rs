//! Compare and branch (FEAT_CMPBR): CB, CBB, CBH. The manual's groups `compbranch_imm`, `compbranch_regs`
//! and `compbranch_regs2`.

use super::jump_by;
use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, rd, rm, sbits};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

const GT: u8 = 0;
const GE: u8 = 1;
const HI: u8 = 2;
const HS: u8 = 3;
const EQ: u8 = 4;
const NE: u8 = 5;
const LT: u8 = 6;
const LO: u8 = 7;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::CBGT_32_imm => immediate::<u32, GT>,
        Encoding::CBLT_32_imm => immediate::<u32, LT>,
        Encoding::CBHI_32_imm => immediate::<u32, HI>,
        Encoding::CBLO_32_imm => immediate::<u32, LO>,
        Encoding::CBEQ_32_imm => immediate::<u32, EQ>,
        Encoding::CBNE_32_imm => immediate::<u32, NE>,
        Encoding::CBGT_64_imm => immediate::<u64, GT>,
        Encoding::CBLT_64_imm => immediate::<u64, LT>,
        Encoding::CBHI_64_imm => immediate::<u64, HI>,
        Encoding::CBLO_64_imm => immediate::<u64, LO>,
        Encoding::CBEQ_64_imm => immediate::<u64, EQ>,
        Encoding::CBNE_64_imm => immediate::<u64, NE>,
        Encoding::CBGT_32_regs => registers::<32, GT>,
        Encoding::CBGE_32_regs => registers::<32, GE>,
        Encoding::CBHI_32_regs => registers::<32, HI>,
        Encoding::CBHS_32_regs => registers::<32, HS>,
        Encoding::CBEQ_32_regs => registers::<32, EQ>,
        Encoding::CBNE_32_regs => registers::<32, NE>,
        Encoding::CBGT_64_regs => registers::<64, GT>,
        Encoding::CBGE_64_regs => registers::<64, GE>,
        Encoding::CBHI_64_regs => registers::<64, HI>,
        Encoding::CBHS_64_regs => registers::<64, HS>,
        Encoding::CBEQ_64_regs => registers::<64, EQ>,
        Encoding::CBNE_64_regs => registers::<64, NE>,
        Encoding::CBBGT_8_regs => registers::<8, GT>,
        Encoding::CBBGE_8_regs => registers::<8, GE>,
        Encoding::CBBHI_8_regs => registers::<8, HI>,
        Encoding::CBBHS_8_regs => registers::<8, HS>,
        Encoding::CBBEQ_8_regs => registers::<8, EQ>,
        Encoding::CBBNE_8_regs => registers::<8, NE>,
        Encoding::CBHGT_16_regs => registers::<16, GT>,
        Encoding::CBHGE_16_regs => registers::<16, GE>,
        Encoding::CBHHI_16_regs => registers::<16, HI>,
        Encoding::CBHHS_16_regs => registers::<16, HS>,
        Encoding::CBHEQ_16_regs => registers::<16, EQ>,
        Encoding::CBHNE_16_regs => registers::<16, NE>,
        _ => return None,
    })
}

/// Compares values that stand in the top bits of a doubleword, where both orders work at any size.
#[inline(always)]
fn branch_if<const COND: u8>(cpu: &mut Vcpu, insn: u32, x: u64, y: u64) -> Exec {
    let holds = match COND {
        GT => x as i64 > y as i64,
        GE => x as i64 >= y as i64,
        LT => (x as i64) < y as i64,
        HI => x > y,
        HS => x >= y,
        LO => x < y,
        EQ => x == y,
        _ => x != y,
    };
    if holds { jump_by(cpu, sbits::<5, 9>(insn) << 2) } else { Ok(Flow::Next) }
}

fn registers<const SIZE: u32, const COND: u8>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let (x, y) = (cpu.x(rd(insn)) << (64 - SIZE), cpu.x(rm(insn)) << (64 - SIZE));
    branch_if::<COND>(cpu, insn, x, y)
}

fn immediate<W: Width, const COND: u8>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let top = 64 - W::BITS;
    let (x, y) = (cpu.x(rd(insn)) << top, u64::from(bits::<15, 6>(insn)) << top);
    branch_if::<COND>(cpu, insn, x, y)
}
