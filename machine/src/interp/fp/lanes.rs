//! Operands of floating-point handlers: fields, lanes of V registers, and how an operation is applied to
//! them.
//!
//! The operations are passed as function items, so each handler is compiled with its operation inlined.

use crate::cpu::Vcpu;
use crate::fp::{Double, Format, FpEnv, Single};
use crate::interp::operand::{ra, rd, rm, rn};
use crate::interp::{Abort, Exec, Flow};

/// The field `Q`: whether all 128 bits take part.
#[inline(always)]
pub(super) fn q(word: u32) -> bool {
    word >> 30 & 1 != 0
}

/// The field `sz`: double instead of single precision.
#[inline(always)]
pub(super) fn sz(word: u32) -> bool {
    word >> 22 & 1 != 0
}

/// Lane `index` of a register.
#[inline(always)]
pub(super) fn lane<F: Format>(value: u128, index: u32) -> u64 {
    (value >> (index * F::BITS)) as u64 & F::MASK
}

/// A register of which lane `index` is `value` and the others are zero.
#[inline(always)]
pub(super) fn at<F: Format>(value: u64, index: u32) -> u128 {
    u128::from(value) << (index * F::BITS)
}

/// Builds a vector lane by lane, from the lowest; the lanes above the vector are zero.
#[inline(always)]
pub(super) fn build<F: Format>(full: bool, mut value_of: impl FnMut(u32) -> u64) -> u128 {
    let mut result = 0;
    for index in 0..64 / F::BITS {
        result |= at::<F>(value_of(index), index);
    }
    if full {
        for index in 64 / F::BITS..128 / F::BITS {
            result |= at::<F>(value_of(index), index);
        }
    }
    result
}

/// Runs `f` with FPCR and FPSR, and keeps the flags that it accumulates.
#[inline(always)]
pub(super) fn with_env<R>(cpu: &mut Vcpu, f: impl FnOnce(&mut FpEnv) -> R) -> R {
    let mut env = FpEnv { fpcr: cpu.state.fpcr, fpsr: cpu.state.fpsr };
    let result = f(&mut env);
    cpu.state.fpsr = env.fpsr;
    result
}

/// Computes a whole V register and writes it to `Rd`.
#[inline(always)]
pub(super) fn write(cpu: &mut Vcpu, word: u32, f: impl FnOnce(&Vcpu, &mut FpEnv) -> u128) -> Exec {
    cpu.check_fp()?;
    let mut env = FpEnv { fpcr: cpu.state.fpcr, fpsr: cpu.state.fpsr };
    let result = f(cpu, &mut env);
    cpu.state.fpsr = env.fpsr;
    cpu.set_v(rd(word), result);
    Ok(Flow::Next)
}

/// Checks that the arrangement `sz:Q` exists; 1D does not.
#[inline(always)]
fn check_arrangement(cpu: &mut Vcpu, word: u32) -> Result<(), Abort> {
    if sz(word) && !q(word) { Err(cpu.undefined()) } else { Ok(()) }
}

/// `Rd = op(Rn)` on scalars; `F` is the format of the operand.
#[inline(always)]
pub(super) fn scalar1<F: Format>(cpu: &mut Vcpu, word: u32, op: impl Fn(u64, &mut FpEnv) -> u64) -> Exec {
    write(cpu, word, |cpu, env| u128::from(op(lane::<F>(cpu.v(rn(word)), 0), env)))
}

/// `Rd = op(Rn, Rm)` on scalars.
#[inline(always)]
pub(super) fn scalar2<F: Format>(
    cpu: &mut Vcpu,
    word: u32,
    op: impl Fn(u64, u64, &mut FpEnv) -> u64,
) -> Exec {
    write(cpu, word, |cpu, env| {
        u128::from(op(lane::<F>(cpu.v(rn(word)), 0), lane::<F>(cpu.v(rm(word)), 0), env))
    })
}

/// `Rd = op(Ra, Rn, Rm)` on scalars.
#[inline(always)]
pub(super) fn scalar3<F: Format>(
    cpu: &mut Vcpu,
    word: u32,
    op: impl Fn(u64, u64, u64, &mut FpEnv) -> u64,
) -> Exec {
    write(cpu, word, |cpu, env| {
        let [a, n, m] = [ra(word), rn(word), rm(word)].map(|r| lane::<F>(cpu.v(r), 0));
        u128::from(op(a, n, m, env))
    })
}

/// `Rd = op(Rn)` lane by lane.
#[inline(always)]
pub(super) fn vector1<F: Format>(cpu: &mut Vcpu, word: u32, op: impl Fn(u64, &mut FpEnv) -> u64) -> Exec {
    write(cpu, word, |cpu, env| {
        let n = cpu.v(rn(word));
        build::<F>(q(word), |i| op(lane::<F>(n, i), env))
    })
}

/// `Rd = op(Rn, Rm)` lane by lane.
#[inline(always)]
pub(super) fn vector2<F: Format>(
    cpu: &mut Vcpu,
    word: u32,
    op: impl Fn(u64, u64, &mut FpEnv) -> u64,
) -> Exec {
    write(cpu, word, |cpu, env| {
        let (n, m) = (cpu.v(rn(word)), cpu.v(rm(word)));
        build::<F>(q(word), |i| op(lane::<F>(n, i), lane::<F>(m, i), env))
    })
}

/// `Rd = op(Rd, Rn, Rm)` lane by lane.
#[inline(always)]
pub(super) fn vector3<F: Format>(
    cpu: &mut Vcpu,
    word: u32,
    op: impl Fn(u64, u64, u64, &mut FpEnv) -> u64,
) -> Exec {
    write(cpu, word, |cpu, env| {
        let (d, n, m) = (cpu.v(rd(word)), cpu.v(rn(word)), cpu.v(rm(word)));
        build::<F>(q(word), |i| op(lane::<F>(d, i), lane::<F>(n, i), lane::<F>(m, i), env))
    })
}

/// `Rd = op` of neighbouring lanes, of `Rn` in the lower half of the result and of `Rm` in the upper.
#[inline(always)]
pub(super) fn pairwise<F: Format>(
    cpu: &mut Vcpu,
    word: u32,
    op: impl Fn(u64, u64, &mut FpEnv) -> u64,
) -> Exec {
    write(cpu, word, |cpu, env| {
        let (n, m) = (cpu.v(rn(word)), cpu.v(rm(word)));
        let half = if q(word) { 64 } else { 32 } / F::BITS;
        build::<F>(q(word), |i| {
            let (source, pair) = if i < half { (n, i) } else { (m, i - half) };
            op(lane::<F>(source, 2 * pair), lane::<F>(source, 2 * pair + 1), env)
        })
    })
}

/// `Rd = op` of the two lowest lanes of `Rn`, as a scalar.
#[inline(always)]
pub(super) fn scalar_pair<F: Format>(
    cpu: &mut Vcpu,
    word: u32,
    op: impl Fn(u64, u64, &mut FpEnv) -> u64,
) -> Exec {
    write(cpu, word, |cpu, env| {
        let n = cpu.v(rn(word));
        u128::from(op(lane::<F>(n, 0), lane::<F>(n, 1), env))
    })
}

/// `Rd = op` over all lanes of `Rn` as a balanced tree (`Reduce`): NaN selection depends on the order.
#[inline(always)]
pub(super) fn reduce<F: Format>(cpu: &mut Vcpu, word: u32, op: impl Fn(u64, u64, &mut FpEnv) -> u64) -> Exec {
    write(cpu, word, |cpu, env| {
        let n = cpu.v(rn(word));
        let mut count = if q(word) { 128 } else { 64 } / F::BITS;
        let mut values = [0; 8];
        for (i, value) in values.iter_mut().enumerate().take(count as usize) {
            *value = lane::<F>(n, i as u32);
        }
        while count > 1 {
            count /= 2;
            for i in 0..count as usize {
                values[i] = op(values[2 * i], values[2 * i + 1], env);
            }
        }
        u128::from(values[0])
    })
}

/// The element operand of an indexed instruction: its register and index, for lanes of `F`.
/// `None` if the index bits are reserved.
#[inline(always)]
pub(super) fn element<F: Format>(word: u32) -> Option<(u32, u32)> {
    let (l, m, h) = (word >> 21 & 1, word >> 20 & 1, word >> 11 & 1);
    let low = word >> 16 & 15;
    match (F::BITS, l) {
        (16, _) => Some((low, h << 2 | l << 1 | m)),
        (32, _) => Some((m << 4 | low, h << 1 | l)),
        (_, 0) => Some((m << 4 | low, h)),
        _ => None,
    }
}

/// `Rd = op(Rn, element)` lane by lane, or on scalars.
#[inline(always)]
pub(super) fn indexed2<F: Format, const SCALAR: bool>(
    cpu: &mut Vcpu,
    word: u32,
    op: impl Fn(u64, u64, &mut FpEnv) -> u64,
) -> Exec {
    indexed3::<F, SCALAR>(cpu, word, |_, n, m, env| op(n, m, env))
}

/// `Rd = op(Rd, Rn, element)` lane by lane, or on scalars.
#[inline(always)]
pub(super) fn indexed3<F: Format, const SCALAR: bool>(
    cpu: &mut Vcpu,
    word: u32,
    op: impl Fn(u64, u64, u64, &mut FpEnv) -> u64,
) -> Exec {
    let Some((register, index)) = element::<F>(word) else {
        return Err(cpu.undefined());
    };
    write(cpu, word, |cpu, env| {
        let (d, n, m) = (cpu.v(rd(word)), cpu.v(rn(word)), lane::<F>(cpu.v(register), index));
        if SCALAR {
            u128::from(op(lane::<F>(d, 0), lane::<F>(n, 0), m, env))
        } else {
            build::<F>(q(word), |i| op(lane::<F>(d, i), lane::<F>(n, i), m, env))
        }
    })
}

/// The formats of `sz`, for operations that come as a pair of instances.
pub(super) mod by_size {
    use super::{Double, Exec, FpEnv, Single, Vcpu, check_arrangement, sz};

    macro_rules! by_size {
        ($($name:ident($($operand:ty),*) $check:literal;)*) => {$(
            /// The same with the format that `sz` selects.
            #[inline(always)]
            pub(in super::super) fn $name(
                cpu: &mut Vcpu,
                word: u32,
                single: impl Fn($($operand,)* &mut FpEnv) -> u64,
                double: impl Fn($($operand,)* &mut FpEnv) -> u64,
            ) -> Exec {
                if $check {
                    check_arrangement(cpu, word)?;
                }
                if sz(word) {
                    super::$name::<Double>(cpu, word, double)
                } else {
                    super::$name::<Single>(cpu, word, single)
                }
            }
        )*};
    }

    by_size! {
        scalar1(u64) false;
        scalar2(u64, u64) false;
        scalar_pair(u64, u64) false;
        vector1(u64) true;
        vector2(u64, u64) true;
        vector3(u64, u64, u64) true;
        pairwise(u64, u64) true;
    }

    /// The same with the format that `sz` selects.
    #[inline(always)]
    pub(in super::super) fn indexed2<const SCALAR: bool>(
        cpu: &mut Vcpu,
        word: u32,
        single: impl Fn(u64, u64, &mut FpEnv) -> u64,
        double: impl Fn(u64, u64, &mut FpEnv) -> u64,
    ) -> Exec {
        indexed3::<SCALAR>(cpu, word, |_, n, m, env| single(n, m, env), |_, n, m, env| double(n, m, env))
    }

    /// The same with the format that `sz` selects.
    #[inline(always)]
    pub(in super::super) fn indexed3<const SCALAR: bool>(
        cpu: &mut Vcpu,
        word: u32,
        single: impl Fn(u64, u64, u64, &mut FpEnv) -> u64,
        double: impl Fn(u64, u64, u64, &mut FpEnv) -> u64,
    ) -> Exec {
        if !SCALAR {
            check_arrangement(cpu, word)?;
        }
        if sz(word) {
            super::indexed3::<Double, SCALAR>(cpu, word, double)
        } else {
            super::indexed3::<Single, SCALAR>(cpu, word, single)
        }
    }
}

/// Makes a handler: `on!(scalar2::<Half>, fp::add)` applies `fp::add::<Half>`; `on!(by_size vector2, fp::add)`
/// chooses single or double by `sz`.
macro_rules! on {
    (by_size $apply:ident $(::<$flag:literal>)?, $($op:ident)::+) => {
        |cpu, word| {
            $crate::interp::fp::lanes::by_size::$apply $(::<$flag>)? (
                cpu,
                word,
                $($op)::+::<$crate::fp::Single>,
                $($op)::+::<$crate::fp::Double>,
            )
        }
    };
    ($apply:ident::<$format:ident $(, $flag:literal)?>, $($op:ident)::+) => {
        |cpu, word| {
            $crate::interp::fp::lanes::$apply::<$crate::fp::$format $(, $flag)?>(
                cpu,
                word,
                $($op)::+::<$crate::fp::$format>,
            )
        }
    };
}
pub(super) use on;
