//! Advanced SIMD permute and extract: `asimdperm` (UZP, TRN, ZIP) and `asimdext`.

use super::asimdsame::is_reserved;
use super::fields::{low, q, rm, rn, set_vector, size, sizes, v};
use super::lanes::{Int, lanes, lanes_mut};
use crate::cpu::Vcpu;
use crate::interp::{Exec, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    use Encoding as E;
    Some(match e {
        E::UZP1_asimdperm_only => permute::<Unzip<0>>,
        E::UZP2_asimdperm_only => permute::<Unzip<1>>,
        E::TRN1_asimdperm_only => permute::<Transpose<0>>,
        E::TRN2_asimdperm_only => permute::<Transpose<1>>,
        E::ZIP1_asimdperm_only => permute::<Zip<0>>,
        E::ZIP2_asimdperm_only => permute::<Zip<1>>,
        E::EXT_asimdext_only => ext,
        _ => return None,
    })
}

/// Which lanes a result takes from two registers.
trait Permutation {
    /// The source of lane `i` of `count`: `(from the second register, lane)`.
    fn source(i: usize, count: usize) -> (bool, usize);
}

struct Unzip<const PART: usize>;
struct Transpose<const PART: usize>;
struct Zip<const PART: usize>;

impl<const PART: usize> Permutation for Unzip<PART> {
    #[inline(always)]
    fn source(i: usize, count: usize) -> (bool, usize) {
        (i >= count / 2, 2 * (i % (count / 2)) + PART)
    }
}

impl<const PART: usize> Permutation for Transpose<PART> {
    #[inline(always)]
    fn source(i: usize, _: usize) -> (bool, usize) {
        (i % 2 == 1, i / 2 * 2 + PART)
    }
}

impl<const PART: usize> Permutation for Zip<PART> {
    #[inline(always)]
    fn source(i: usize, count: usize) -> (bool, usize) {
        (i % 2 == 1, PART * count / 2 + i / 2)
    }
}

/// A short vector is permuted on its own in lanes `0..COUNT / 2`.
#[inline(never)]
fn gather<P: Permutation, T: Int, const Q: bool>(r: &mut u128, n: &u128, m: &u128) {
    let count = if Q { T::COUNT } else { T::COUNT / 2 };
    for i in 0..count {
        let (second, lane) = P::source(i, count);
        lanes_mut::<T>(r)[i] = lanes(if second { m } else { n })[lane];
    }
}

fn permute<P: Permutation>(cpu: &mut Vcpu, w: u32) -> Exec {
    if is_reserved(w, sizes::ALL) {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let (n, m) = (v(cpu, rn(w)), v(cpu, rm(w)));
    let mut r = 0;
    match (q(w), size(w)) {
        (true, 0) => gather::<P, u8, true>(&mut r, n, m),
        (true, 1) => gather::<P, u16, true>(&mut r, n, m),
        (true, 2) => gather::<P, u32, true>(&mut r, n, m),
        (true, _) => gather::<P, u64, true>(&mut r, n, m),
        (false, 0) => gather::<P, u8, false>(&mut r, n, m),
        (false, 1) => gather::<P, u16, false>(&mut r, n, m),
        (false, _) => gather::<P, u32, false>(&mut r, n, m),
    }
    set_vector(cpu, w, r)
}

fn ext(cpu: &mut Vcpu, w: u32) -> Exec {
    let position = w >> 11 & 15;
    if !q(w) && position >= 8 {
        return Err(cpu.undefined());
    }
    cpu.check_fp()?;
    let (n, m, by) = (cpu.v(rn(w)), cpu.v(rm(w)), 8 * position);
    let r = if !q(w) {
        (n & low(64) | m << 64) >> by
    } else if by == 0 {
        n
    } else {
        n >> by | m << (128 - by)
    };
    set_vector(cpu, w, r)
}
