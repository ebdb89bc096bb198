//! Vector instructions: SSE2 to SSE4.1.

use super::encode::{Assembler, Rm};
use super::operand::{Mem, Reg, Size, Xmm};

/// Two-operand vector instructions `op dst, src`: mandatory prefix and opcode after 0F.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sse {
    prefix: Option<u8>,
    opcode: u16,
}

macro_rules! sse {
    ($($name:ident = $prefix:expr, $opcode:literal;)*) => {
        #[allow(missing_docs, reason = "the names are those of the instructions")]
        impl Sse {
            $(pub(crate) const $name: Sse = Sse { prefix: $prefix, opcode: $opcode };)*
        }
    };
}

sse! {
    PXOR = Some(0x66), 0xef; PUNPCKLQDQ = Some(0x66), 0x6c; PUNPCKHQDQ = Some(0x66), 0x6d;
    AESENC = Some(0x66), 0x38dc; MOVAPS = None, 0x28; MOVQ = Some(0xf3), 0x7e;
}

impl Assembler<'_> {
    /// `op dst, src`.
    pub(crate) fn sse(&mut self, op: Sse, dst: Xmm, src: Xmm) {
        self.sse_rm(op, dst, Rm::Reg(src.0));
    }

    fn sse_rm(&mut self, op: Sse, dst: Xmm, rm: Rm) {
        let [high, low] = op.opcode.to_be_bytes();
        if high == 0 {
            self.op_mandatory(op.prefix, false, [low], dst.0, rm);
        } else {
            self.op_mandatory(op.prefix, false, [high, low], dst.0, rm);
        }
    }

    /// `movups dst, [mem]`: 16 bytes.
    pub(crate) fn load_vector(&mut self, dst: Xmm, mem: Mem) {
        self.op_mandatory(None, false, [0x10], dst.0, mem.into());
    }

    /// `movups [mem], src`: 16 bytes.
    pub(crate) fn store_vector(&mut self, mem: Mem, src: Xmm) {
        self.op_mandatory(None, false, [0x11], src.0, mem.into());
    }

    /// `movss` or `movsd dst, [mem]`: 4 or 8 bytes, the rest cleared.
    pub(crate) fn load_scalar(&mut self, size: Size, dst: Xmm, mem: Mem) {
        let prefix = if size == Size::Q { 0xf2 } else { 0xf3 };
        self.op_mandatory(Some(prefix), false, [0x10], dst.0, mem.into());
    }

    /// `movss` or `movsd [mem], src`.
    pub(crate) fn store_scalar(&mut self, size: Size, mem: Mem, src: Xmm) {
        let prefix = if size == Size::Q { 0xf2 } else { 0xf3 };
        self.op_mandatory(Some(prefix), false, [0x11], src.0, mem.into());
    }

    /// `movd` or `movq dst, src` from a general register.
    pub(crate) fn mov_to_vector(&mut self, size: Size, dst: Xmm, src: Reg) {
        self.op_mandatory(Some(0x66), size == Size::Q, [0x6e], dst.0, src.into());
    }

    /// `movd` or `movq dst, src` to a general register.
    pub(crate) fn mov_from_vector(&mut self, size: Size, dst: Reg, src: Xmm) {
        self.op_mandatory(Some(0x66), size == Size::Q, [0x7e], src.0, dst.into());
    }
}
