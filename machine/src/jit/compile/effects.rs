//! What instructions do to NZCV, as far as it is known without compiling them.

use super::integer::{bits, size_of};
use crate::interp::{Op, bitmask};
use crate::jit::x64::Size;
use droste_arch::a64::Group;

/// Whether nobody looks at NZCV as it is before these instructions of a block: it is replaced before any of them, or
/// anything outside of the block, may.
pub(super) fn are_dead(ops: &[Op]) -> bool {
    let first = ops.iter().map(effect).find(|effect| *effect != Effect::Nothing);
    first == Some(Effect::Replaces)
}

/// Whether an instruction may do anything.
pub(super) fn is_unknown(op: &Op) -> bool {
    effect(op) == Effect::Looks
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    /// Neither looks at it nor changes it, and always goes on behind itself.
    Nothing,
    /// Replaces it without a look, and goes on.
    Replaces,
    /// Looks at it, may take an exception, which saves it, or is not known.
    Looks,
}

fn effect(op: &Op) -> Effect {
    let Some(encoding) = op.encoding else { return Effect::Looks };
    let word = op.word;
    let size = size_of(word);
    // An amount or position that 32 bits do not have is UNDEFINED.
    let fits = |at: u32| size == Size::Q || word >> at & 0x20 == 0;
    let same_size = (size == Size::Q) == (word & 1 << 22 != 0);
    let replaces_or_nothing = |replaces: bool| if replaces { Effect::Replaces } else { Effect::Nothing };
    match encoding.group() {
        Group::DpimmAddsubImm => replaces_or_nothing(word & 1 << 29 != 0),
        Group::DpregAddsubShift if word >> 22 & 3 != 3 && fits(10) => {
            replaces_or_nothing(word & 1 << 29 != 0)
        }
        Group::DpregAddsubExt if word >> 10 & 7 <= 4 && word >> 22 & 3 == 0 => {
            replaces_or_nothing(word & 1 << 29 != 0)
        }
        Group::DpimmLogImm if bitmask(word).is_some() => replaces_or_nothing(word >> 29 & 3 == 3),
        Group::DpregLogShift if fits(10) => replaces_or_nothing(word >> 29 & 3 == 3),
        Group::DpimmMovewide if size == Size::Q || word >> 22 & 1 == 0 => Effect::Nothing,
        Group::DpimmBitfield if same_size && fits(10) && fits(16) => Effect::Nothing,
        Group::DpimmExtract if same_size && (word >> 10 & 63) < u32::from(bits(size)) => Effect::Nothing,
        // All but those of checked pointer arithmetic.
        Group::DpregDp3src if word >> 21 & 3 != 3 => Effect::Nothing,
        Group::DpimmPcreladdr => Effect::Nothing,
        _ => Effect::Looks,
    }
}
