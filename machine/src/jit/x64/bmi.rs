//! Integer instructions in VEX forms: of three operands, and all but ANDN leave the flags alone. They need BMI1 and BMI2.

use super::encode::Assembler;
use super::integer::Shift;
use super::operand::{Reg, Size};
use super::vex::Vex;

impl Assembler<'_> {
    /// `rorx dst, src, amount`, 32 or 64 bits.
    pub(crate) fn rorx(&mut self, size: Size, dst: Reg, src: Reg, amount: u8) {
        let op = Vex::integer(3, 3, 0xf0, size);
        self.vex_prefixed(op, dst as u8, 0, src.into(), [amount]);
    }

    /// `shlx`, `shrx` or `sarx dst, src, amount`, 32 or 64 bits. There is no rotation of this kind.
    pub(crate) fn shift_reg(&mut self, shift: Shift, size: Size, dst: Reg, src: Reg, amount: Reg) {
        let prefix = match shift {
            Shift::Shl => 1,
            Shift::Sar => 2,
            Shift::Shr => 3,
            Shift::Ror => unreachable!("rotations are by constants"),
        };
        self.vex_prefixed(Vex::integer(prefix, 2, 0xf7, size), dst as u8, amount as u8, src.into(), []);
    }

    /// `mulx high, low, src` of 64 bits: the product with RDX.
    pub(crate) fn mulx(&mut self, high: Reg, low: Reg, src: Reg) {
        self.vex_prefixed(Vex::integer(3, 2, 0xf6, Size::Q), high as u8, low as u8, src.into(), []);
    }

    /// `andn dst, inverted, src`, 32 or 64 bits.
    pub(crate) fn andn(&mut self, size: Size, dst: Reg, inverted: Reg, src: Reg) {
        self.vex_prefixed(Vex::integer(0, 2, 0xf2, size), dst as u8, inverted as u8, src.into(), []);
    }
}
