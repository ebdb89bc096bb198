//! Loads and stores of pairs, with and without write-back, and without a temporal hint. The manual's groups
//! `ldstpair_off`, `ldstpair_post`, `ldstpair_pre` and `ldstnapair_offs`.

use super::base;
use super::pair::{load_two, store_two};
use super::transfer::{Gpr, Signed64, Transfer, Vector};
use crate::cpu::Vcpu;
use crate::interp::operand::{ra, rd, rn, sbits};
use crate::interp::{Exec, Flow, Handler};
use crate::mmu::Access;
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::STNP_32_ldstnapair_offs => store_pair::<Offset, Gpr<u32>>,
        Encoding::LDNP_32_ldstnapair_offs => load_pair::<Offset, Gpr<u32>>,
        Encoding::STNP_S_ldstnapair_offs => store_pair::<Offset, Vector<u32>>,
        Encoding::LDNP_S_ldstnapair_offs => load_pair::<Offset, Vector<u32>>,
        Encoding::STNP_D_ldstnapair_offs => store_pair::<Offset, Vector<u64>>,
        Encoding::LDNP_D_ldstnapair_offs => load_pair::<Offset, Vector<u64>>,
        Encoding::STNP_64_ldstnapair_offs => store_pair::<Offset, Gpr<u64>>,
        Encoding::LDNP_64_ldstnapair_offs => load_pair::<Offset, Gpr<u64>>,
        Encoding::STNP_Q_ldstnapair_offs => store_pair::<Offset, Vector<u128>>,
        Encoding::LDNP_Q_ldstnapair_offs => load_pair::<Offset, Vector<u128>>,
        Encoding::STP_32_ldstpair_off => store_pair::<Offset, Gpr<u32>>,
        Encoding::LDP_32_ldstpair_off => load_pair::<Offset, Gpr<u32>>,
        Encoding::STP_S_ldstpair_off => store_pair::<Offset, Vector<u32>>,
        Encoding::LDP_S_ldstpair_off => load_pair::<Offset, Vector<u32>>,
        Encoding::LDPSW_64_ldstpair_off => load_pair::<Offset, Signed64<u32>>,
        Encoding::STP_D_ldstpair_off => store_pair::<Offset, Vector<u64>>,
        Encoding::LDP_D_ldstpair_off => load_pair::<Offset, Vector<u64>>,
        Encoding::STP_64_ldstpair_off => store_pair::<Offset, Gpr<u64>>,
        Encoding::LDP_64_ldstpair_off => load_pair::<Offset, Gpr<u64>>,
        Encoding::STP_Q_ldstpair_off => store_pair::<Offset, Vector<u128>>,
        Encoding::LDP_Q_ldstpair_off => load_pair::<Offset, Vector<u128>>,
        Encoding::STP_32_ldstpair_post => store_pair::<PostIndex, Gpr<u32>>,
        Encoding::LDP_32_ldstpair_post => load_pair::<PostIndex, Gpr<u32>>,
        Encoding::STP_S_ldstpair_post => store_pair::<PostIndex, Vector<u32>>,
        Encoding::LDP_S_ldstpair_post => load_pair::<PostIndex, Vector<u32>>,
        Encoding::LDPSW_64_ldstpair_post => load_pair::<PostIndex, Signed64<u32>>,
        Encoding::STP_D_ldstpair_post => store_pair::<PostIndex, Vector<u64>>,
        Encoding::LDP_D_ldstpair_post => load_pair::<PostIndex, Vector<u64>>,
        Encoding::STP_64_ldstpair_post => store_pair::<PostIndex, Gpr<u64>>,
        Encoding::LDP_64_ldstpair_post => load_pair::<PostIndex, Gpr<u64>>,
        Encoding::STP_Q_ldstpair_post => store_pair::<PostIndex, Vector<u128>>,
        Encoding::LDP_Q_ldstpair_post => load_pair::<PostIndex, Vector<u128>>,
        Encoding::STP_32_ldstpair_pre => store_pair::<PreIndex, Gpr<u32>>,
        Encoding::LDP_32_ldstpair_pre => load_pair::<PreIndex, Gpr<u32>>,
        Encoding::STP_S_ldstpair_pre => store_pair::<PreIndex, Vector<u32>>,
        Encoding::LDP_S_ldstpair_pre => load_pair::<PreIndex, Vector<u32>>,
        Encoding::LDPSW_64_ldstpair_pre => load_pair::<PreIndex, Signed64<u32>>,
        Encoding::STP_D_ldstpair_pre => store_pair::<PreIndex, Vector<u64>>,
        Encoding::LDP_D_ldstpair_pre => load_pair::<PreIndex, Vector<u64>>,
        Encoding::STP_64_ldstpair_pre => store_pair::<PreIndex, Gpr<u64>>,
        Encoding::LDP_64_ldstpair_pre => load_pair::<PreIndex, Gpr<u64>>,
        Encoding::STP_Q_ldstpair_pre => store_pair::<PreIndex, Vector<u128>>,
        Encoding::LDP_Q_ldstpair_pre => load_pair::<PreIndex, Vector<u128>>,
        _ => return None,
    })
}

/// An addressing mode of pairs.
trait PairAddressing: 'static {
    /// Whether the base register is written.
    const WRITEBACK: bool;
    /// Whether the offset applies to the access.
    const INDEX_FIRST: bool;
}

/// Base plus offset.
struct Offset;
/// Base, then base plus offset is written back.
struct PostIndex;
/// Base plus offset, which is written back.
struct PreIndex;

impl PairAddressing for Offset {
    const WRITEBACK: bool = false;
    const INDEX_FIRST: bool = true;
}

impl PairAddressing for PostIndex {
    const WRITEBACK: bool = true;
    const INDEX_FIRST: bool = false;
}

impl PairAddressing for PreIndex {
    const WRITEBACK: bool = true;
    const INDEX_FIRST: bool = true;
}

/// Returns the address of the first register, and the new base.
#[inline(always)]
fn addresses<A: PairAddressing, T: Transfer>(base: u64, insn: u32) -> (u64, u64) {
    let updated = base.wrapping_add(sbits::<15, 7>(insn) << T::SCALE);
    (if A::INDEX_FIRST { updated } else { base }, updated)
}

fn load_pair<A: PairAddressing, T: Transfer>(cpu: &mut Vcpu, insn: u32) -> Exec {
    T::check(cpu)?;
    let base = base(cpu, insn)?;
    let (address, updated) = addresses::<A, T>(base, insn);
    let (first, second) = load_two::<T::Unit>(cpu, address, Access::NORMAL)?;
    if A::WRITEBACK {
        cpu.set_xsp(rn(insn), updated);
    }
    T::set(cpu, rd(insn), first);
    T::set(cpu, ra(insn), second);
    Ok(Flow::Next)
}

fn store_pair<A: PairAddressing, T: Transfer>(cpu: &mut Vcpu, insn: u32) -> Exec {
    T::check(cpu)?;
    let base = base(cpu, insn)?;
    let (address, updated) = addresses::<A, T>(base, insn);
    let values = (T::get(cpu, rd(insn)), T::get(cpu, ra(insn)));
    store_two::<T::Unit>(cpu, address, values, Access::NORMAL)?;
    if A::WRITEBACK {
        cpu.set_xsp(rn(insn), updated);
    }
    Ok(Flow::Next)
}
