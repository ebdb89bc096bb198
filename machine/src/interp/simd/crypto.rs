//! Cryptographic instructions: `cryptoaes`, `cryptosha2`, `cryptosha3`, `cryptosha512_2`,
//! `cryptosha512_3`, `crypto3_imm2`, `crypto3_imm6`, `crypto4`.

use super::fields::{rd, rm, rn};
use crate::cpu::Vcpu;
use crate::crypto::{aes, sha1, sha3, sha256, sha512, sm3, sm4};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    Some(match e {
        E::AESE_B_cryptoaes => |cpu, w| two(cpu, w, aes::encrypt_round),
        E::AESD_B_cryptoaes => |cpu, w| two(cpu, w, aes::decrypt_round),
        E::AESMC_B_cryptoaes => |cpu, w| two(cpu, w, |_, n| aes::mix_columns(n)),
        E::AESIMC_B_cryptoaes => |cpu, w| two(cpu, w, |_, n| aes::inverse_mix_columns(n)),

        E::SHA1H_SS_cryptosha2 => |cpu, w| two(cpu, w, |_, n| sha1::fixed_rotate(n as u32).into()),
        E::SHA1SU1_VV_cryptosha2 => |cpu, w| two(cpu, w, sha1::schedule1),
        E::SHA256SU0_VV_cryptosha2 => |cpu, w| two(cpu, w, sha256::schedule0),

        E::SHA1C_QSV_cryptosha3 => |cpu, w| three(cpu, w, |d, n, m| sha1::rounds_choose(d, n as u32, m)),
        E::SHA1P_QSV_cryptosha3 => |cpu, w| three(cpu, w, |d, n, m| sha1::rounds_parity(d, n as u32, m)),
        E::SHA1M_QSV_cryptosha3 => |cpu, w| three(cpu, w, |d, n, m| sha1::rounds_majority(d, n as u32, m)),
        E::SHA1SU0_VVV_cryptosha3 => |cpu, w| three(cpu, w, sha1::schedule0),
        E::SHA256H_QQV_cryptosha3 => |cpu, w| three(cpu, w, sha256::rounds_abcd),
        E::SHA256H2_QQV_cryptosha3 => |cpu, w| three(cpu, w, sha256::rounds_efgh),
        E::SHA256SU1_VVV_cryptosha3 => |cpu, w| three(cpu, w, sha256::schedule1),

        E::SHA512SU0_VV2_cryptosha512_2 => |cpu, w| two(cpu, w, sha512::schedule0),
        E::SM4E_VV4_cryptosha512_2 => |cpu, w| two(cpu, w, sm4::encrypt_rounds),

        E::SHA512H_QQV_cryptosha512_3 => |cpu, w| three(cpu, w, sha512::rounds1),
        E::SHA512H2_QQV_cryptosha512_3 => |cpu, w| three(cpu, w, sha512::rounds2),
        E::SHA512SU1_VVV2_cryptosha512_3 => |cpu, w| three(cpu, w, sha512::schedule1),
        E::RAX1_VVV2_cryptosha512_3 => |cpu, w| three(cpu, w, |_, n, m| sha3::rax1(n, m)),
        E::SM3PARTW1_VVV4_cryptosha512_3 => |cpu, w| three(cpu, w, sm3::expand1),
        E::SM3PARTW2_VVV4_cryptosha512_3 => |cpu, w| three(cpu, w, sm3::expand2),
        E::SM4EKEY_VVV4_cryptosha512_3 => |cpu, w| three(cpu, w, |_, n, m| sm4::expand_key(n, m)),

        E::SM3TT1A_VVV4_crypto3_imm2 => |cpu, w| three(cpu, w, |d, n, m| sm3::tt1a(d, n, m, imm2(w))),
        E::SM3TT1B_VVV4_crypto3_imm2 => |cpu, w| three(cpu, w, |d, n, m| sm3::tt1b(d, n, m, imm2(w))),
        E::SM3TT2A_VVV4_crypto3_imm2 => |cpu, w| three(cpu, w, |d, n, m| sm3::tt2a(d, n, m, imm2(w))),
        E::SM3TT2B_VVV_crypto3_imm2 => |cpu, w| three(cpu, w, |d, n, m| sm3::tt2b(d, n, m, imm2(w))),
        E::XAR_VVV2_crypto3_imm6 => |cpu, w| three(cpu, w, |_, n, m| sha3::xar(n, m, w >> 10 & 63)),

        E::EOR3_VVV16_crypto4 => |cpu, w| four(cpu, w, sha3::eor3),
        E::BCAX_VVV16_crypto4 => |cpu, w| four(cpu, w, sha3::bcax),
        E::SM3SS1_VVV4_crypto4 => |cpu, w| four(cpu, w, sm3::ss1),
        _ => return None,
    })
}

#[inline(always)]
fn imm2(w: u32) -> u32 {
    w >> 12 & 3
}

/// An operation on Vd and Vn.
#[inline(always)]
fn two(cpu: &mut Vcpu, w: u32, f: impl Fn(u128, u128) -> u128) -> Exec {
    cpu.check_fp()?;
    let r = f(cpu.v(rd(w)), cpu.v(rn(w)));
    cpu.set_v(rd(w), r);
    Ok(Flow::Next)
}

/// An operation on Vd, Vn and Vm.
#[inline(always)]
fn three(cpu: &mut Vcpu, w: u32, f: impl Fn(u128, u128, u128) -> u128) -> Exec {
    cpu.check_fp()?;
    let r = f(cpu.v(rd(w)), cpu.v(rn(w)), cpu.v(rm(w)));
    cpu.set_v(rd(w), r);
    Ok(Flow::Next)
}

/// An operation on Vn, Vm and Va.
#[inline(always)]
fn four(cpu: &mut Vcpu, w: u32, f: impl Fn(u128, u128, u128) -> u128) -> Exec {
    cpu.check_fp()?;
    let r = f(cpu.v(rn(w)), cpu.v(rm(w)), cpu.v(w >> 10 & 31));
    cpu.set_v(rd(w), r);
    Ok(Flow::Next)
}
