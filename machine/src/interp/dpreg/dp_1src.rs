//! Data processing with one source: bit and byte reversal, counting, ABS, pointer authentication.

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, rd, rn};
use crate::interp::{Exec, Flow, Handler};
use crate::pauth::PacKey;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::RBIT_32_dp_1src => rbit::<u32>,
        Encoding::REV16_32_dp_1src => rev16::<u32>,
        Encoding::REV_32_dp_1src => rev32::<u32>,
        Encoding::CLZ_32_dp_1src => clz::<u32>,
        Encoding::CLS_32_dp_1src => cls::<u32>,
        Encoding::CTZ_32_dp_1src => ctz::<u32>,
        Encoding::CNT_32_dp_1src => cnt::<u32>,
        Encoding::ABS_32_dp_1src => abs::<u32>,
        Encoding::RBIT_64_dp_1src => rbit::<u64>,
        Encoding::REV16_64_dp_1src => rev16::<u64>,
        Encoding::REV32_64_dp_1src => rev32::<u64>,
        Encoding::REV_64_dp_1src => rev64,
        Encoding::CLZ_64_dp_1src => clz::<u64>,
        Encoding::CLS_64_dp_1src => cls::<u64>,
        Encoding::CTZ_64_dp_1src => ctz::<u64>,
        Encoding::CNT_64_dp_1src => cnt::<u64>,
        Encoding::ABS_64_dp_1src => abs::<u64>,
        Encoding::PACIA_64P_dp_1src => pac::<IA, false>,
        Encoding::PACIB_64P_dp_1src => pac::<IB, false>,
        Encoding::PACDA_64P_dp_1src => pac::<DA, false>,
        Encoding::PACDB_64P_dp_1src => pac::<DB, false>,
        Encoding::AUTIA_64P_dp_1src => aut::<IA, false>,
        Encoding::AUTIB_64P_dp_1src => aut::<IB, false>,
        Encoding::AUTDA_64P_dp_1src => aut::<DA, false>,
        Encoding::AUTDB_64P_dp_1src => aut::<DB, false>,
        Encoding::PACIZA_64Z_dp_1src => pac::<IA, true>,
        Encoding::PACIZB_64Z_dp_1src => pac::<IB, true>,
        Encoding::PACDZA_64Z_dp_1src => pac::<DA, true>,
        Encoding::PACDZB_64Z_dp_1src => pac::<DB, true>,
        Encoding::AUTIZA_64Z_dp_1src => aut::<IA, true>,
        Encoding::AUTIZB_64Z_dp_1src => aut::<IB, true>,
        Encoding::AUTDZA_64Z_dp_1src => aut::<DA, true>,
        Encoding::AUTDZB_64Z_dp_1src => aut::<DB, true>,
        Encoding::XPACI_64Z_dp_1src => xpac::<false>,
        Encoding::XPACD_64Z_dp_1src => xpac::<true>,
        _ => return None,
    })
}

macro_rules! unary {
    ($name:ident, |$x:ident| $result:expr) => {
        fn $name<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
            let $x = W::get(cpu, rn(insn));
            $result.set(cpu, rd(insn));
            Ok(Flow::Next)
        }
    };
}

unary!(rbit, |x| x.reverse_bits());
unary!(rev16, |x| {
    let x = x.widen();
    W::truncate((x & 0x00ff_00ff_00ff_00ff) << 8 | x >> 8 & 0x00ff_00ff_00ff_00ff)
});
unary!(rev32, |x| W::truncate(x.widen().swap_bytes().rotate_right(32)));
unary!(clz, |x| W::truncate(u64::from(x.clz())));
// The bits equal to the sign bit turn into leading zeros; the sign bit itself does not count.
unary!(cls, |x| W::truncate(u64::from((x ^ x.asr(W::BITS - 1)).clz() - 1)));
unary!(ctz, |x| W::truncate(u64::from(x.ctz())));
unary!(cnt, |x| W::truncate(u64::from(x.count_ones())));
unary!(abs, |x| if x.signed() < 0 { W::ZERO.sub(x) } else { x });

fn rev64(cpu: &mut Vcpu, insn: u32) -> Exec {
    cpu.set_x(rd(insn), cpu.x(rn(insn)).swap_bytes());
    Ok(Flow::Next)
}

const IA: u8 = 0;
const IB: u8 = 1;
const DA: u8 = 2;
const DB: u8 = 3;

#[inline(always)]
const fn key(number: u8) -> PacKey {
    match number {
        IA => PacKey::IA,
        IB => PacKey::IB,
        DA => PacKey::DA,
        _ => PacKey::DB,
    }
}

fn pac<const KEY: u8, const ZERO: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let modifier = if ZERO { 0 } else { cpu.xsp(rn(insn)) };
    let result = cpu.add_pac(key(KEY), cpu.x(rd(insn)), modifier)?;
    cpu.set_x(rd(insn), result);
    Ok(Flow::Next)
}

fn aut<const KEY: u8, const ZERO: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let modifier = if ZERO { 0 } else { cpu.xsp(rn(insn)) };
    let result = cpu.auth(key(KEY), cpu.x(rd(insn)), modifier, false)?;
    cpu.set_x(rd(insn), result);
    Ok(Flow::Next)
}

fn xpac<const DATA: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let result = cpu.strip(cpu.x(rd(insn)), DATA);
    cpu.set_x(rd(insn), result);
    Ok(Flow::Next)
}
