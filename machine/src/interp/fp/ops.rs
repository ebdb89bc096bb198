//! Operations that instructions name and that combine functions of [`crate::fp`].

use crate::fp::{self, Format, FpEnv, Rounding};

/// FNMUL: the negated product, NaNs included.
pub(super) fn nmul<F: Format>(n: u64, m: u64, env: &mut FpEnv) -> u64 {
    fp::neg::<F>(fp::mul::<F>(n, m, env))
}

/// FMADD, FMLA: `a + n * m`.
pub(super) fn mla<F: Format>(a: u64, n: u64, m: u64, env: &mut FpEnv) -> u64 {
    fp::mul_add::<F>(a, n, m, env)
}

/// FMSUB, FMLS: `a - n * m`.
pub(super) fn mls<F: Format>(a: u64, n: u64, m: u64, env: &mut FpEnv) -> u64 {
    fp::mul_add::<F>(a, fp::neg::<F>(n), m, env)
}

/// FNMADD: `-a - n * m`.
pub(super) fn nmadd<F: Format>(a: u64, n: u64, m: u64, env: &mut FpEnv) -> u64 {
    fp::mul_add::<F>(fp::neg::<F>(a), fp::neg::<F>(n), m, env)
}

/// FNMSUB: `-a + n * m`.
pub(super) fn nmsub<F: Format>(a: u64, n: u64, m: u64, env: &mut FpEnv) -> u64 {
    fp::mul_add::<F>(fp::neg::<F>(a), n, m, env)
}

/// Copies the operand.
pub(super) fn mov<F: Format>(n: u64, _: &mut FpEnv) -> u64 {
    n & F::MASK
}

/// FABS.
pub(super) fn abs<F: Format>(n: u64, _: &mut FpEnv) -> u64 {
    fp::abs::<F>(n)
}

/// FNEG.
pub(super) fn neg<F: Format>(n: u64, _: &mut FpEnv) -> u64 {
    fp::neg::<F>(n)
}

#[inline(always)]
fn mask<F: Format>(condition: bool) -> u64 {
    if condition { F::MASK } else { 0 }
}

/// FCMEQ.
pub(super) fn cmeq<F: Format>(n: u64, m: u64, env: &mut FpEnv) -> u64 {
    mask::<F>(fp::compare_eq::<F>(n, m, env))
}

/// FCMGE.
pub(super) fn cmge<F: Format>(n: u64, m: u64, env: &mut FpEnv) -> u64 {
    mask::<F>(fp::compare_ge::<F>(n, m, env))
}

/// FCMGT.
pub(super) fn cmgt<F: Format>(n: u64, m: u64, env: &mut FpEnv) -> u64 {
    mask::<F>(fp::compare_gt::<F>(n, m, env))
}

/// FACGE.
pub(super) fn acge<F: Format>(n: u64, m: u64, env: &mut FpEnv) -> u64 {
    mask::<F>(fp::compare_ge::<F>(fp::abs::<F>(n), fp::abs::<F>(m), env))
}

/// FACGT.
pub(super) fn acgt<F: Format>(n: u64, m: u64, env: &mut FpEnv) -> u64 {
    mask::<F>(fp::compare_gt::<F>(fp::abs::<F>(n), fp::abs::<F>(m), env))
}

/// FCMEQ with zero.
pub(super) fn cmeq_zero<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    cmeq::<F>(n, 0, env)
}

/// FCMGE with zero.
pub(super) fn cmge_zero<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    cmge::<F>(n, 0, env)
}

/// FCMGT with zero.
pub(super) fn cmgt_zero<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    cmgt::<F>(n, 0, env)
}

/// FCMLE with zero.
pub(super) fn cmle_zero<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    cmge::<F>(0, n, env)
}

/// FCMLT with zero.
pub(super) fn cmlt_zero<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    cmgt::<F>(0, n, env)
}

macro_rules! integral {
    ($($(#[$doc:meta])* $name:ident: $rounding:ident, $exact:literal;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
            fp::round_to_integral::<F>(n, Rounding::$rounding, $exact, env)
        }
    )*};
}

integral! {
    /// FRINTN.
    rintn: TieEven, false;
    /// FRINTP.
    rintp: PosInf, false;
    /// FRINTM.
    rintm: NegInf, false;
    /// FRINTZ.
    rintz: Zero, false;
    /// FRINTA.
    rinta: TieAway, false;
}

/// FRINTI: the rounding mode of FPCR.
pub(super) fn rinti<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    fp::round_to_integral::<F>(n, env.rounding(), false, env)
}

/// FRINTX: the rounding mode of FPCR, and IXC if the operand is not integral.
pub(super) fn rintx<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    fp::round_to_integral::<F>(n, env.rounding(), true, env)
}

/// FRINT32Z.
pub(super) fn rint32z<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    fp::round_to_integral_sized::<F>(n, Rounding::Zero, 32, env)
}

/// FRINT32X.
pub(super) fn rint32x<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    fp::round_to_integral_sized::<F>(n, env.rounding(), 32, env)
}

/// FRINT64Z.
pub(super) fn rint64z<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    fp::round_to_integral_sized::<F>(n, Rounding::Zero, 64, env)
}

/// FRINT64X.
pub(super) fn rint64x<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    fp::round_to_integral_sized::<F>(n, env.rounding(), 64, env)
}

macro_rules! to_int {
    ($($(#[$doc:meta])* $signed:ident, $unsigned:ident: $rounding:ident;)*) => {$(
        $(#[$doc])*
        pub(super) fn $signed<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
            fp::to_fixed::<F>(n, 0, false, F::BITS, Rounding::$rounding, env)
        }
        $(#[$doc])*
        pub(super) fn $unsigned<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
            fp::to_fixed::<F>(n, 0, true, F::BITS, Rounding::$rounding, env)
        }
    )*};
}

to_int! {
    /// FCVTNS, FCVTNU to an integer of the same width.
    cvtns, cvtnu: TieEven;
    /// FCVTPS, FCVTPU to an integer of the same width.
    cvtps, cvtpu: PosInf;
    /// FCVTMS, FCVTMU to an integer of the same width.
    cvtms, cvtmu: NegInf;
    /// FCVTZS, FCVTZU to an integer of the same width.
    cvtzs, cvtzu: Zero;
    /// FCVTAS, FCVTAU to an integer of the same width.
    cvtas, cvtau: TieAway;
}

/// SCVTF from an integer of the same width.
pub(super) fn scvtf<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    fp::from_fixed::<F>(n, 0, false, F::BITS, env)
}

/// UCVTF from an integer of the same width.
pub(super) fn ucvtf<F: Format>(n: u64, env: &mut FpEnv) -> u64 {
    fp::from_fixed::<F>(n, 0, true, F::BITS, env)
}

/// URECPE.
pub(super) fn urecpe(n: u64, _: &mut FpEnv) -> u64 {
    fp::unsigned_recip_estimate(n as u32).into()
}

/// URSQRTE.
pub(super) fn ursqrte(n: u64, _: &mut FpEnv) -> u64 {
    fp::unsigned_rsqrt_estimate(n as u32).into()
}

/// The 8-bit immediate of FMOV as a number (`VFPExpandImm`).
pub(super) fn expand_imm<F: Format>(imm8: u32) -> u64 {
    let exponent_bits = F::BITS - F::FRAC - 1;
    let sign = u64::from(imm8 >> 7 & 1) << (F::BITS - 1);
    // The exponent is NOT(b) : b repeated : cd.
    let b = u64::from(imm8 >> 6 & 1);
    let repeated = if b == 1 { ((1 << (exponent_bits - 3)) - 1) << 2 } else { 0 };
    let exponent = (1 - b) << (exponent_bits - 1) | repeated | u64::from(imm8 >> 4 & 3);
    sign | exponent << F::FRAC | u64::from(imm8 & 15) << (F::FRAC - 4)
}
