//! Advanced SIMD table lookup: `asimdtbl` (TBL, TBX).

use super::fields::{rd, rm, rn, set_vector, v};
use super::lanes::{lanes, lanes_mut};
use crate::cpu::Vcpu;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    Some(match e {
        E::TBL_asimdtbl_L1_1 => lookup::<1, false>,
        E::TBL_asimdtbl_L2_2 => lookup::<2, false>,
        E::TBL_asimdtbl_L3_3 => lookup::<3, false>,
        E::TBL_asimdtbl_L4_4 => lookup::<4, false>,
        E::TBX_asimdtbl_L1_1 => lookup::<1, true>,
        E::TBX_asimdtbl_L2_2 => lookup::<2, true>,
        E::TBX_asimdtbl_L3_3 => lookup::<3, true>,
        E::TBX_asimdtbl_L4_4 => lookup::<4, true>,
        _ => return None,
    })
}

/// Looks the bytes of Vm up in `REGISTERS` registers from Vn; bytes out of range give zero or stay.
fn lookup<const REGISTERS: usize, const KEEP: bool>(cpu: &mut Vcpu, w: u32) -> Exec {
    cpu.check_fp()?;
    // Indices are below 64 after masking, so that no lookup needs a bounds check.
    let mut table = [[0u8; 16]; 4];
    for (i, part) in (0..).zip(&mut table[..REGISTERS]) {
        *part = v(cpu, rn(w) + i).to_le_bytes();
    }
    let table = table.as_flattened();
    let mut r = if KEEP { cpu.v(rd(w)) } else { 0 };
    for (out, index) in lanes_mut::<u8>(&mut r).iter_mut().zip(lanes::<u8>(v(cpu, rm(w)))) {
        if usize::from(*index) < 16 * REGISTERS {
            *out = table[usize::from(index & 63)];
        }
    }
    set_vector(cpu, w, r)
}
