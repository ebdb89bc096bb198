//! Data processing with two sources: division, variable shifts, CRC32, PACGA, minimum and maximum.

use crate::cpu::Vcpu;
use crate::crypto::crc32 as checksum;
use crate::interp::operand::{Width, rd, rm, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::UDIV_32_dp_2src => udiv::<u32>,
        Encoding::SDIV_32_dp_2src => sdiv::<u32>,
        Encoding::LSLV_32_dp_2src => lslv::<u32>,
        Encoding::LSRV_32_dp_2src => lsrv::<u32>,
        Encoding::ASRV_32_dp_2src => asrv::<u32>,
        Encoding::RORV_32_dp_2src => rorv::<u32>,
        Encoding::CRC32B_32C_dp_2src => crc32::<1>,
        Encoding::CRC32H_32C_dp_2src => crc32::<2>,
        Encoding::CRC32W_32C_dp_2src => crc32::<4>,
        Encoding::CRC32X_64C_dp_2src => crc32::<8>,
        Encoding::CRC32CB_32C_dp_2src => crc32c::<1>,
        Encoding::CRC32CH_32C_dp_2src => crc32c::<2>,
        Encoding::CRC32CW_32C_dp_2src => crc32c::<4>,
        Encoding::CRC32CX_64C_dp_2src => crc32c::<8>,
        Encoding::SMAX_32_dp_2src => smax::<u32>,
        Encoding::UMAX_32_dp_2src => umax::<u32>,
        Encoding::SMIN_32_dp_2src => smin::<u32>,
        Encoding::UMIN_32_dp_2src => umin::<u32>,
        Encoding::UDIV_64_dp_2src => udiv::<u64>,
        Encoding::SDIV_64_dp_2src => sdiv::<u64>,
        Encoding::LSLV_64_dp_2src => lslv::<u64>,
        Encoding::LSRV_64_dp_2src => lsrv::<u64>,
        Encoding::ASRV_64_dp_2src => asrv::<u64>,
        Encoding::RORV_64_dp_2src => rorv::<u64>,
        Encoding::PACGA_64P_dp_2src => pacga,
        Encoding::SMAX_64_dp_2src => smax::<u64>,
        Encoding::UMAX_64_dp_2src => umax::<u64>,
        Encoding::SMIN_64_dp_2src => smin::<u64>,
        Encoding::UMIN_64_dp_2src => umin::<u64>,
        _ => return None,
    })
}

macro_rules! binary {
    ($name:ident, |$x:ident, $y:ident| $result:expr) => {
        fn $name<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
            let ($x, $y) = (W::get(cpu, rn(insn)), W::get(cpu, rm(insn)));
            $result.set(cpu, rd(insn));
            Ok(Flow::Next)
        }
    };
}

binary!(udiv, |x, y| x.udiv(y));
binary!(sdiv, |x, y| x.sdiv(y));
binary!(lslv, |x, y| x.lsl(y.widen() as u32));
binary!(lsrv, |x, y| x.lsr(y.widen() as u32));
binary!(asrv, |x, y| x.asr(y.widen() as u32));
binary!(rorv, |x, y| x.ror(y.widen() as u32 & (W::BITS - 1)));
binary!(smax, |x, y| if x.signed() > y.signed() { x } else { y });
binary!(smin, |x, y| if x.signed() < y.signed() { x } else { y });
binary!(umax, |x, y| x.max(y));
binary!(umin, |x, y| x.min(y));

fn crc32<const BYTES: u32>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let result = checksum::crc32(cpu.w(rn(insn)), cpu.x(rm(insn)), BYTES);
    cpu.set_w(rd(insn), result);
    Ok(Flow::Next)
}

fn crc32c<const BYTES: u32>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let result = checksum::crc32c(cpu.w(rn(insn)), cpu.x(rm(insn)), BYTES);
    cpu.set_w(rd(insn), result);
    Ok(Flow::Next)
}

fn pacga(cpu: &mut Vcpu, insn: u32) -> Exec {
    let result = cpu.pacga(cpu.x(rn(insn)), cpu.xsp(rm(insn)))?;
    cpu.set_x(rd(insn), result);
    Ok(Flow::Next)
}
