//! Atomic memory operations (FEAT_LSE) and LDAPR (FEAT_LRCPC). The order forms share a handler: host
//! atomics are sequentially consistent.

use super::base;
use super::transfer::{Gpr, Word, with_syndrome};
use crate::cpu::Vcpu;
use crate::interp::operand::{rd, rm};
use crate::interp::{Exec, Flow, Handler};
use crate::mmu::Access;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::LDAPRB_32L_memop => ldapr::<u8>,
        Encoding::LDAPRH_32L_memop => ldapr::<u16>,
        Encoding::LDAPR_32L_memop => ldapr::<u32>,
        Encoding::LDAPR_64L_memop => ldapr::<u64>,
        Encoding::LDADDB_32_memop
        | Encoding::LDADDLB_32_memop
        | Encoding::LDADDAB_32_memop
        | Encoding::LDADDALB_32_memop => atomic::<u8, Add>,
        Encoding::LDCLRB_32_memop
        | Encoding::LDCLRLB_32_memop
        | Encoding::LDCLRAB_32_memop
        | Encoding::LDCLRALB_32_memop => atomic::<u8, Clear>,
        Encoding::LDEORB_32_memop
        | Encoding::LDEORLB_32_memop
        | Encoding::LDEORAB_32_memop
        | Encoding::LDEORALB_32_memop => atomic::<u8, Eor>,
        Encoding::LDSETB_32_memop
        | Encoding::LDSETLB_32_memop
        | Encoding::LDSETAB_32_memop
        | Encoding::LDSETALB_32_memop => atomic::<u8, Set>,
        Encoding::LDSMAXB_32_memop
        | Encoding::LDSMAXLB_32_memop
        | Encoding::LDSMAXAB_32_memop
        | Encoding::LDSMAXALB_32_memop => atomic::<u8, SignedMax>,
        Encoding::LDSMINB_32_memop
        | Encoding::LDSMINLB_32_memop
        | Encoding::LDSMINAB_32_memop
        | Encoding::LDSMINALB_32_memop => atomic::<u8, SignedMin>,
        Encoding::LDUMAXB_32_memop
        | Encoding::LDUMAXLB_32_memop
        | Encoding::LDUMAXAB_32_memop
        | Encoding::LDUMAXALB_32_memop => atomic::<u8, UnsignedMax>,
        Encoding::LDUMINB_32_memop
        | Encoding::LDUMINLB_32_memop
        | Encoding::LDUMINAB_32_memop
        | Encoding::LDUMINALB_32_memop => atomic::<u8, UnsignedMin>,
        Encoding::SWPB_32_memop
        | Encoding::SWPLB_32_memop
        | Encoding::SWPAB_32_memop
        | Encoding::SWPALB_32_memop => atomic::<u8, Swap>,
        Encoding::LDADDH_32_memop
        | Encoding::LDADDLH_32_memop
        | Encoding::LDADDAH_32_memop
        | Encoding::LDADDALH_32_memop => atomic::<u16, Add>,
        Encoding::LDCLRH_32_memop
        | Encoding::LDCLRLH_32_memop
        | Encoding::LDCLRAH_32_memop
        | Encoding::LDCLRALH_32_memop => atomic::<u16, Clear>,
        Encoding::LDEORH_32_memop
        | Encoding::LDEORLH_32_memop
        | Encoding::LDEORAH_32_memop
        | Encoding::LDEORALH_32_memop => atomic::<u16, Eor>,
        Encoding::LDSETH_32_memop
        | Encoding::LDSETLH_32_memop
        | Encoding::LDSETAH_32_memop
        | Encoding::LDSETALH_32_memop => atomic::<u16, Set>,
        Encoding::LDSMAXH_32_memop
        | Encoding::LDSMAXLH_32_memop
        | Encoding::LDSMAXAH_32_memop
        | Encoding::LDSMAXALH_32_memop => atomic::<u16, SignedMax>,
        Encoding::LDSMINH_32_memop
        | Encoding::LDSMINLH_32_memop
        | Encoding::LDSMINAH_32_memop
        | Encoding::LDSMINALH_32_memop => atomic::<u16, SignedMin>,
        Encoding::LDUMAXH_32_memop
        | Encoding::LDUMAXLH_32_memop
        | Encoding::LDUMAXAH_32_memop
        | Encoding::LDUMAXALH_32_memop => atomic::<u16, UnsignedMax>,
        Encoding::LDUMINH_32_memop
        | Encoding::LDUMINLH_32_memop
        | Encoding::LDUMINAH_32_memop
        | Encoding::LDUMINALH_32_memop => atomic::<u16, UnsignedMin>,
        Encoding::SWPH_32_memop
        | Encoding::SWPLH_32_memop
        | Encoding::SWPAH_32_memop
        | Encoding::SWPALH_32_memop => atomic::<u16, Swap>,
        Encoding::LDADD_32_memop
        | Encoding::LDADDL_32_memop
        | Encoding::LDADDA_32_memop
        | Encoding::LDADDAL_32_memop => atomic::<u32, Add>,
        Encoding::LDCLR_32_memop
        | Encoding::LDCLRL_32_memop
        | Encoding::LDCLRA_32_memop
        | Encoding::LDCLRAL_32_memop => atomic::<u32, Clear>,
        Encoding::LDEOR_32_memop
        | Encoding::LDEORL_32_memop
        | Encoding::LDEORA_32_memop
        | Encoding::LDEORAL_32_memop => atomic::<u32, Eor>,
        Encoding::LDSET_32_memop
        | Encoding::LDSETL_32_memop
        | Encoding::LDSETA_32_memop
        | Encoding::LDSETAL_32_memop => atomic::<u32, Set>,
        Encoding::LDSMAX_32_memop
        | Encoding::LDSMAXL_32_memop
        | Encoding::LDSMAXA_32_memop
        | Encoding::LDSMAXAL_32_memop => atomic::<u32, SignedMax>,
        Encoding::LDSMIN_32_memop
        | Encoding::LDSMINL_32_memop
        | Encoding::LDSMINA_32_memop
        | Encoding::LDSMINAL_32_memop => atomic::<u32, SignedMin>,
        Encoding::LDUMAX_32_memop
        | Encoding::LDUMAXL_32_memop
        | Encoding::LDUMAXA_32_memop
        | Encoding::LDUMAXAL_32_memop => atomic::<u32, UnsignedMax>,
        Encoding::LDUMIN_32_memop
        | Encoding::LDUMINL_32_memop
        | Encoding::LDUMINA_32_memop
        | Encoding::LDUMINAL_32_memop => atomic::<u32, UnsignedMin>,
        Encoding::SWP_32_memop
        | Encoding::SWPL_32_memop
        | Encoding::SWPA_32_memop
        | Encoding::SWPAL_32_memop => atomic::<u32, Swap>,
        Encoding::LDADD_64_memop
        | Encoding::LDADDL_64_memop
        | Encoding::LDADDA_64_memop
        | Encoding::LDADDAL_64_memop => atomic::<u64, Add>,
        Encoding::LDCLR_64_memop
        | Encoding::LDCLRL_64_memop
        | Encoding::LDCLRA_64_memop
        | Encoding::LDCLRAL_64_memop => atomic::<u64, Clear>,
        Encoding::LDEOR_64_memop
        | Encoding::LDEORL_64_memop
        | Encoding::LDEORA_64_memop
        | Encoding::LDEORAL_64_memop => atomic::<u64, Eor>,
        Encoding::LDSET_64_memop
        | Encoding::LDSETL_64_memop
        | Encoding::LDSETA_64_memop
        | Encoding::LDSETAL_64_memop => atomic::<u64, Set>,
        Encoding::LDSMAX_64_memop
        | Encoding::LDSMAXL_64_memop
        | Encoding::LDSMAXA_64_memop
        | Encoding::LDSMAXAL_64_memop => atomic::<u64, SignedMax>,
        Encoding::LDSMIN_64_memop
        | Encoding::LDSMINL_64_memop
        | Encoding::LDSMINA_64_memop
        | Encoding::LDSMINAL_64_memop => atomic::<u64, SignedMin>,
        Encoding::LDUMAX_64_memop
        | Encoding::LDUMAXL_64_memop
        | Encoding::LDUMAXA_64_memop
        | Encoding::LDUMAXAL_64_memop => atomic::<u64, UnsignedMax>,
        Encoding::LDUMIN_64_memop
        | Encoding::LDUMINL_64_memop
        | Encoding::LDUMINA_64_memop
        | Encoding::LDUMINAL_64_memop => atomic::<u64, UnsignedMin>,
        Encoding::SWP_64_memop
        | Encoding::SWPL_64_memop
        | Encoding::SWPA_64_memop
        | Encoding::SWPAL_64_memop => atomic::<u64, Swap>,
        _ => return None,
    })
}

/// What an atomic operation stores, given the old value and Rs.
trait Operation: 'static {
    fn apply<T: Word>(old: T, operand: T) -> T;
}

macro_rules! operations {
    ($($name:ident: $doc:literal, |$old:ident, $operand:ident| $result:expr;)*) => {$(
        #[doc = $doc]
        struct $name;
        impl Operation for $name {
            #[inline(always)]
            fn apply<T: Word>($old: T, $operand: T) -> T {
                $result
            }
        }
    )*};
}

operations! {
    Add: "LDADD.", |x, y| T::truncate(x.zero_extend().wrapping_add(y.zero_extend()));
    Clear: "LDCLR.", |x, y| T::truncate(x.zero_extend() & !y.zero_extend());
    Eor: "LDEOR.", |x, y| T::truncate(x.zero_extend() ^ y.zero_extend());
    Set: "LDSET.", |x, y| T::truncate(x.zero_extend() | y.zero_extend());
    SignedMax: "LDSMAX.", |x, y| if x.sign_extend() as i64 >= y.sign_extend() as i64 { x } else { y };
    SignedMin: "LDSMIN.", |x, y| if x.sign_extend() as i64 <= y.sign_extend() as i64 { x } else { y };
    UnsignedMax: "LDUMAX.", |x, y| if x.zero_extend() >= y.zero_extend() { x } else { y };
    UnsignedMin: "LDUMIN.", |x, y| if x.zero_extend() <= y.zero_extend() { x } else { y };
    Swap: "SWP.", |_x, y| y;
}

fn atomic<T: Word, O: Operation>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let operand = T::truncate(cpu.x(rm(insn)));
    let old = cpu.rmw::<T>(address, Access::ATOMIC, |old| O::apply(old, operand))?;
    cpu.set_x(rd(insn), old.zero_extend());
    Ok(Flow::Next)
}

fn ldapr<T: Word>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let address = base(cpu, insn)?;
    let value = cpu.load::<T>(address, with_syndrome::<Gpr<T>>(Access::ORDERED, rd(insn), true))?;
    cpu.set_x(rd(insn), value.zero_extend());
    Ok(Flow::Next)
}
