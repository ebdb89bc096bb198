//! x86-64: AES-NI, SHA extensions, PCLMULQDQ, SSE4.2's CRC32. The features are looked up once by the
//! standard library; after that a check is one load and one test.

// Unsafe: reinterpreting 128-bit values, and calling a function compiled for an instruction set extension, after testing for it.
#![allow(unsafe_code)]

use std::arch::is_x86_feature_detected as detected;
use std::arch::x86_64::*;

#[inline(always)]
fn vector(x: u128) -> __m128i {
    // SAFETY: both are 16 bytes without padding, and every bit pattern is valid.
    unsafe { std::mem::transmute(x) }
}

#[inline(always)]
fn register(v: __m128i) -> u128 {
    // SAFETY: both are 16 bytes without padding, and every bit pattern is valid.
    unsafe { std::mem::transmute(v) }
}

#[inline(always)]
pub(in crate::crypto) fn aes_encrypt_last(x: u128) -> Option<u128> {
    #[target_feature(enable = "aes")]
    fn run(x: u128) -> u128 {
        register(_mm_aesenclast_si128(vector(x), _mm_setzero_si128()))
    }
    // SAFETY: the host has the AES instructions.
    detected!("aes").then(|| unsafe { run(x) })
}

#[inline(always)]
pub(in crate::crypto) fn aes_decrypt_last(x: u128) -> Option<u128> {
    #[target_feature(enable = "aes")]
    fn run(x: u128) -> u128 {
        register(_mm_aesdeclast_si128(vector(x), _mm_setzero_si128()))
    }
    // SAFETY: the host has the AES instructions.
    detected!("aes").then(|| unsafe { run(x) })
}

#[inline(always)]
pub(in crate::crypto) fn aes_mix_columns(x: u128) -> Option<u128> {
    // The inverse of the last round's SubBytes and ShiftRows, then a full round: MixColumns remains.
    #[target_feature(enable = "aes")]
    fn run(x: u128) -> u128 {
        let zero = _mm_setzero_si128();
        register(_mm_aesenc_si128(_mm_aesdeclast_si128(vector(x), zero), zero))
    }
    // SAFETY: the host has the AES instructions.
    detected!("aes").then(|| unsafe { run(x) })
}

#[inline(always)]
pub(in crate::crypto) fn aes_inverse_mix_columns(x: u128) -> Option<u128> {
    #[target_feature(enable = "aes")]
    fn run(x: u128) -> u128 {
        register(_mm_aesimc_si128(vector(x)))
    }
    // SAFETY: the host has the AES instructions.
    detected!("aes").then(|| unsafe { run(x) })
}

#[inline(always)]
pub(in crate::crypto) fn aes_three_rounds(x: u128, key: u128, constants: &[u128; 3]) -> Option<u128> {
    #[target_feature(enable = "aes")]
    fn run(x: u128, key: u128, constants: &[u128; 3]) -> u128 {
        let key = vector(key);
        let round = |state, constant| _mm_aesenc_si128(state, _mm_xor_si128(key, vector(constant)));
        register(constants.iter().fold(vector(x), |state, constant| round(state, *constant)))
    }
    // SAFETY: the host has the AES instructions.
    detected!("aes").then(|| unsafe { run(x, key, constants) })
}

/// Four SHA-1 rounds with function `F` (0 choose, 1 parity, 2 majority).
#[inline(always)]
pub(in crate::crypto) fn sha1_rounds<const F: i32>(abcd: u128, e: u32, wk: u128) -> Option<u128> {
    // x86 keeps A in the top lane, adds the round constant itself, and takes E inside the first word.
    // Its function 3 is parity with the last constant, so the constants of 0, 1 and 2 are enough.
    const REVERSE: i32 = 0b00_01_10_11;
    const CONSTANT: [u32; 3] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc];
    #[target_feature(enable = "sha,sse2")]
    fn run<const F: i32>(abcd: u128, e: u32, wk: u128) -> u128 {
        let state = _mm_shuffle_epi32(vector(abcd), REVERSE);
        let w = _mm_sub_epi32(vector(wk), _mm_set1_epi32(CONSTANT[F as usize] as i32));
        let w = _mm_add_epi32(w, _mm_cvtsi32_si128(e as i32));
        let w = _mm_shuffle_epi32(w, REVERSE);
        register(_mm_shuffle_epi32(_mm_sha1rnds4_epu32(state, w, F), REVERSE))
    }
    // SAFETY: the host has the SHA instructions.
    detected!("sha").then(|| unsafe { run::<F>(abcd, e, wk) })
}

/// Four SHA-256 rounds, returning the new {A..D} and {E..H}.
#[inline(always)]
pub(in crate::crypto) fn sha256_rounds(abcd: u128, efgh: u128, wk: u128) -> Option<(u128, u128)> {
    #[target_feature(enable = "sha,sse2")]
    fn run(abcd: u128, efgh: u128, wk: u128) -> (u128, u128) {
        // x86 keeps {F, E, B, A} and {H, G, D, C}, lane 0 first.
        let (abcd, efgh, wk) = (vector(abcd), vector(efgh), vector(wk));
        let badc = _mm_shuffle_epi32(abcd, 0b10_11_00_01);
        let fehg = _mm_shuffle_epi32(efgh, 0b10_11_00_01);
        let feba = _mm_unpacklo_epi64(fehg, badc);
        let hgdc = _mm_unpackhi_epi64(fehg, badc);
        let after2 = _mm_sha256rnds2_epu32(hgdc, feba, wk);
        let after4 = _mm_sha256rnds2_epu32(feba, after2, _mm_unpackhi_epi64(wk, wk));
        // After four rounds the older pair of registers is the one of two rounds ago.
        let badc = _mm_unpackhi_epi64(after4, after2);
        let fehg = _mm_unpacklo_epi64(after4, after2);
        let abcd = _mm_shuffle_epi32(badc, 0b10_11_00_01);
        let efgh = _mm_shuffle_epi32(fehg, 0b10_11_00_01);
        (register(abcd), register(efgh))
    }
    // SAFETY: the host has the SHA instructions.
    detected!("sha").then(|| unsafe { run(abcd, efgh, wk) })
}

#[inline(always)]
pub(in crate::crypto) fn carryless_multiply(a: u64, b: u64) -> Option<u128> {
    #[target_feature(enable = "pclmulqdq")]
    fn run(a: u64, b: u64) -> u128 {
        register(_mm_clmulepi64_si128(vector(a.into()), vector(b.into()), 0))
    }
    // SAFETY: the host has PCLMULQDQ.
    detected!("pclmulqdq").then(|| unsafe { run(a, b) })
}

#[inline(always)]
pub(in crate::crypto) fn crc32c(acc: u32, value: u64, bytes: u32) -> Option<u32> {
    #[target_feature(enable = "sse4.2")]
    fn run(acc: u32, value: u64, bytes: u32) -> u32 {
        match bytes {
            1 => _mm_crc32_u8(acc, value as u8),
            2 => _mm_crc32_u16(acc, value as u16),
            4 => _mm_crc32_u32(acc, value as u32),
            _ => _mm_crc32_u64(acc.into(), value) as u32,
        }
    }
    // SAFETY: the host has the CRC32 instructions of SSE4.2.
    detected!("sse4.2").then(|| unsafe { run(acc, value, bytes) })
}
