//! Logical operations with a bitmask immediate: AND, ORR, EOR, ANDS.

use crate::cpu::Vcpu;
use crate::interp::operand::{Width, bits, rd, rn};
use crate::interp::{Exec, Flow, Handler};
use droste_arch::a64::Encoding;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    Some(match e {
        Encoding::AND_32_log_imm => and::<u32>,
        Encoding::ORR_32_log_imm => orr::<u32>,
        Encoding::EOR_32_log_imm => eor::<u32>,
        Encoding::ANDS_32S_log_imm => ands::<u32>,
        Encoding::AND_64_log_imm => and::<u64>,
        Encoding::ORR_64_log_imm => orr::<u64>,
        Encoding::EOR_64_log_imm => eor::<u64>,
        Encoding::ANDS_64S_log_imm => ands::<u64>,
        _ => return None,
    })
}

/// Returns the bitmask that N:immr:imms encodes, or `None` for the reserved values (DecodeBitMasks).
///
/// A replicated element rotated as one 64-bit value is the element rotated on its own, so one multiply
/// and one rotate do for all element sizes.
#[inline(always)]
pub(crate) fn bitmask(insn: u32) -> Option<u64> {
    /// One bit in each element, for elements of 2^index bits.
    const REPLICATE: [u64; 8] = [
        u64::MAX,
        0x5555_5555_5555_5555,
        0x1111_1111_1111_1111,
        0x0101_0101_0101_0101,
        0x0001_0001_0001_0001,
        0x0000_0001_0000_0001,
        1,
        0,
    ];
    let (imms, immr) = (bits::<10, 6>(insn), bits::<16, 6>(insn));
    let selector = bits::<22, 1>(insn) << 6 | (!imms & 0x3f);
    if selector < 2 {
        return None;
    }
    let length = selector.ilog2();
    let levels = (1 << length) - 1;
    let ones = imms & levels;
    if ones == levels {
        return None;
    }
    Some((u64::MAX >> (63 - ones)).wrapping_mul(REPLICATE[(length & 7) as usize]).rotate_right(immr))
}

macro_rules! logical {
    ($name:ident, $op:tt) => {
        fn $name<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
            let Some(mask) = bitmask(insn) else { return Err(cpu.undefined()) };
            (W::get(cpu, rn(insn)) $op W::truncate(mask)).set_sp(cpu, rd(insn));
            Ok(Flow::Next)
        }
    };
}

logical!(and, &);
logical!(orr, |);
logical!(eor, ^);

fn ands<W: Width>(cpu: &mut Vcpu, insn: u32) -> Exec {
    let Some(mask) = bitmask(insn) else { return Err(cpu.undefined()) };
    let result = W::get(cpu, rn(insn)) & W::truncate(mask);
    cpu.state.nzcv.set(result.logic_flags());
    result.set(cpu, rd(insn));
    Ok(Flow::Next)
}

#[cfg(test)]
mod tests {
    use super::bitmask;

    /// DecodeBitMasks as the manual writes it: rotate one element, then replicate it.
    fn reference(n: u32, immr: u32, imms: u32) -> Option<u64> {
        let combined = n << 6 | (!imms & 0x3f);
        let length = (0..7).rev().find(|&bit| combined >> bit & 1 != 0)?;
        if length < 1 {
            return None;
        }
        let size = 1u32 << length;
        let (s, r) = (imms & (size - 1), immr & (size - 1));
        if s == size - 1 {
            return None;
        }
        let mut element = 0u64;
        for bit in 0..=s {
            element |= 1 << ((bit + size - r) % size);
        }
        Some((0..64 / size).fold(0, |mask, copy| mask | element << (copy * size)))
    }

    #[test]
    fn bitmask_matches_the_definition_for_every_encoding() {
        for n in 0..2 {
            for immr in 0..64 {
                for imms in 0..64 {
                    let insn = n << 22 | immr << 16 | imms << 10;
                    assert_eq!(bitmask(insn), reference(n, immr, imms), "N {n} immr {immr} imms {imms}");
                }
            }
        }
    }
}
