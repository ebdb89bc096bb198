//! What a load or store moves: the register kind, the memory size and the extension.

use crate::cpu::Vcpu;
use crate::interp::Abort;
use crate::mmu::{Access, Iss};
use crate::ram::Mem;
use core::marker::PhantomData;

/// A memory unit that fits a general-purpose register.
pub(crate) trait Word: Mem {
    /// log2 of the size in bytes.
    const SCALE: u32;
    /// Keeps the low bits of `value`.
    fn truncate(value: u64) -> Self;
    /// Zero-extends.
    fn zero_extend(self) -> u64;
    /// Sign-extends.
    fn sign_extend(self) -> u64;
}

macro_rules! word {
    ($($t:ty, $signed:ty;)*) => {$(
        impl Word for $t {
            const SCALE: u32 = (<$t>::BITS / 8).ilog2();
            #[inline(always)]
            fn truncate(value: u64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn zero_extend(self) -> u64 {
                u64::from(self)
            }
            #[inline(always)]
            fn sign_extend(self) -> u64 {
                i64::from(self as $signed) as u64
            }
        }
    )*};
}

word! {
    u8, i8;
    u16, i16;
    u32, i32;
    u64, i64;
}

/// How a value goes between memory and the register Rt.
pub(crate) trait Transfer: 'static {
    /// The unit of memory.
    type Unit: Mem;
    /// log2 of the size in bytes.
    const SCALE: u32;
    /// ISS.SSE and ISS.SF of a data abort, or none where the syndrome describes no register.
    const SYNDROME: Option<(bool, bool)>;

    /// Raises the trap of FP registers.
    fn check(cpu: &mut Vcpu) -> Result<(), Abort>;
    /// Reads the register for a store.
    fn get(cpu: &Vcpu, rt: u32) -> Self::Unit;
    /// Writes the register with a loaded value.
    fn set(cpu: &mut Vcpu, rt: u32, value: Self::Unit);
}

/// A general-purpose register, zero-extended: LDRB, LDRH, LDR, and all stores.
pub(crate) struct Gpr<T>(PhantomData<T>);
/// A W register with a sign-extended value: LDRSB and LDRSH with a W destination.
pub(crate) struct Signed32<T>(PhantomData<T>);
/// An X register with a sign-extended value: LDRSB, LDRSH and LDRSW.
pub(crate) struct Signed64<T>(PhantomData<T>);
/// An FP and AdvSIMD register, with the bits above the unit cleared by loads.
pub(crate) struct Vector<T>(PhantomData<T>);

impl<T: Word> Transfer for Gpr<T> {
    type Unit = T;
    const SCALE: u32 = T::SCALE;
    const SYNDROME: Option<(bool, bool)> = Some((false, T::SCALE == 3));

    #[inline(always)]
    fn check(_cpu: &mut Vcpu) -> Result<(), Abort> {
        Ok(())
    }
    #[inline(always)]
    fn get(cpu: &Vcpu, rt: u32) -> T {
        T::truncate(cpu.x(rt))
    }
    #[inline(always)]
    fn set(cpu: &mut Vcpu, rt: u32, value: T) {
        cpu.set_x(rt, value.zero_extend());
    }
}

impl<T: Word> Transfer for Signed32<T> {
    type Unit = T;
    const SCALE: u32 = T::SCALE;
    const SYNDROME: Option<(bool, bool)> = Some((true, false));

    #[inline(always)]
    fn check(_cpu: &mut Vcpu) -> Result<(), Abort> {
        Ok(())
    }
    #[inline(always)]
    fn get(cpu: &Vcpu, rt: u32) -> T {
        T::truncate(cpu.x(rt))
    }
    #[inline(always)]
    fn set(cpu: &mut Vcpu, rt: u32, value: T) {
        cpu.set_w(rt, value.sign_extend() as u32);
    }
}

impl<T: Word> Transfer for Signed64<T> {
    type Unit = T;
    const SCALE: u32 = T::SCALE;
    const SYNDROME: Option<(bool, bool)> = Some((true, true));

    #[inline(always)]
    fn check(_cpu: &mut Vcpu) -> Result<(), Abort> {
        Ok(())
    }
    #[inline(always)]
    fn get(cpu: &Vcpu, rt: u32) -> T {
        T::truncate(cpu.x(rt))
    }
    #[inline(always)]
    fn set(cpu: &mut Vcpu, rt: u32, value: T) {
        cpu.set_x(rt, value.sign_extend());
    }
}

impl<T: Mem> Transfer for Vector<T> {
    type Unit = T;
    const SCALE: u32 = T::SIZE.ilog2();
    const SYNDROME: Option<(bool, bool)> = None;

    #[inline(always)]
    fn check(cpu: &mut Vcpu) -> Result<(), Abort> {
        cpu.check_fp()
    }
    #[inline(always)]
    fn get(cpu: &Vcpu, rt: u32) -> T {
        T::from_u128(cpu.v(rt))
    }
    #[inline(always)]
    fn set(cpu: &mut Vcpu, rt: u32, value: T) {
        cpu.set_v(rt, value.to_u128());
    }
}

/// Adds to `how` what ESR_EL2.ISS says of a load or store of Rt without write-back.
#[inline(always)]
pub(crate) fn with_syndrome<T: Transfer>(how: Access, rt: u32, ordered: bool) -> Access {
    match T::SYNDROME {
        Some((sse, sf)) => how.with_iss(Iss { sas: T::SCALE as u8, sse, srt: rt as u8, sf, ar: ordered }),
        None => how,
    }
}
