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
    ADDSD = Some(0xf2), 0x58; SUBSD = Some(0xf2), 0x5c; MULSD = Some(0xf2), 0x59; DIVSD = Some(0xf2), 0x5e;
    SQRTSD = Some(0xf2), 0x51; UCOMISD = Some(0x66), 0x2e; CVTSD2SS = Some(0xf2), 0x5a;
    ADDSS = Some(0xf3), 0x58; SUBSS = Some(0xf3), 0x5c; MULSS = Some(0xf3), 0x59; DIVSS = Some(0xf3), 0x5e;
    SQRTSS = Some(0xf3), 0x51; UCOMISS = None, 0x2e; CVTSS2SD = Some(0xf3), 0x5a;
    ANDPS = None, 0x54; ANDNPS = None, 0x55; ORPS = None, 0x56; XORPS = None, 0x57;
    PAND = Some(0x66), 0xdb; PANDN = Some(0x66), 0xdf; POR = Some(0x66), 0xeb; PXOR = Some(0x66), 0xef;
    PADDB = Some(0x66), 0xfc; PADDW = Some(0x66), 0xfd; PADDD = Some(0x66), 0xfe; PADDQ = Some(0x66), 0xd4;
    PSUBB = Some(0x66), 0xf8; PSUBW = Some(0x66), 0xf9; PSUBD = Some(0x66), 0xfa; PSUBQ = Some(0x66), 0xfb;
    PCMPEQB = Some(0x66), 0x74; PCMPEQW = Some(0x66), 0x75; PCMPEQD = Some(0x66), 0x76; PCMPEQQ = Some(0x66), 0x3829;
    PCMPGTB = Some(0x66), 0x64; PCMPGTW = Some(0x66), 0x65; PCMPGTD = Some(0x66), 0x66;
    PMAXUB = Some(0x66), 0xde; PMINUB = Some(0x66), 0xda;
    PUNPCKLBW = Some(0x66), 0x60; PUNPCKLWD = Some(0x66), 0x61; PUNPCKLDQ = Some(0x66), 0x62; PUNPCKLQDQ = Some(0x66), 0x6c;
    PUNPCKHBW = Some(0x66), 0x68; PUNPCKHWD = Some(0x66), 0x69; PUNPCKHDQ = Some(0x66), 0x6a; PUNPCKHQDQ = Some(0x66), 0x6d;
    PSHUFB = Some(0x66), 0x3800; AESENC = Some(0x66), 0x38dc; MOVAPS = None, 0x28; MOVQ = Some(0xf3), 0x7e;
}

impl Assembler<'_> {
    /// `op dst, src`.
    pub(crate) fn sse(&mut self, op: Sse, dst: Xmm, src: Xmm) {
        self.sse_rm(op, dst, Rm::Reg(src.0));
    }

    /// `op dst, [mem]`; 16-byte operands are aligned where the instruction wants it.
    pub(crate) fn sse_load(&mut self, op: Sse, dst: Xmm, mem: Mem) {
        self.sse_rm(op, dst, mem.into());
    }

    fn sse_rm(&mut self, op: Sse, dst: Xmm, rm: Rm) {
        let [high, low] = op.opcode.to_be_bytes();
        if high == 0 {
            self.op_mandatory(op.prefix, false, &[low], dst.0, rm);
        } else {
            self.op_mandatory(op.prefix, false, &[high, low], dst.0, rm);
        }
    }

    /// `movups dst, [mem]`: 16 bytes.
    pub(crate) fn load_vector(&mut self, dst: Xmm, mem: Mem) {
        self.op_mandatory(None, false, &[0x10], dst.0, mem.into());
    }

    /// `movups [mem], src`: 16 bytes.
    pub(crate) fn store_vector(&mut self, mem: Mem, src: Xmm) {
        self.op_mandatory(None, false, &[0x11], src.0, mem.into());
    }

    /// `movss` or `movsd dst, [mem]`: 4 or 8 bytes, the rest cleared.
    pub(crate) fn load_scalar(&mut self, size: Size, dst: Xmm, mem: Mem) {
        let prefix = if size == Size::Q { 0xf2 } else { 0xf3 };
        self.op_mandatory(Some(prefix), false, &[0x10], dst.0, mem.into());
    }

    /// `movss` or `movsd [mem], src`.
    pub(crate) fn store_scalar(&mut self, size: Size, mem: Mem, src: Xmm) {
        let prefix = if size == Size::Q { 0xf2 } else { 0xf3 };
        self.op_mandatory(Some(prefix), false, &[0x11], src.0, mem.into());
    }

    /// `movd` or `movq dst, src` from a general register.
    pub(crate) fn mov_to_vector(&mut self, size: Size, dst: Xmm, src: Reg) {
        self.op_mandatory(Some(0x66), size == Size::Q, &[0x6e], dst.0, src.into());
    }

    /// `movd` or `movq dst, src` to a general register.
    pub(crate) fn mov_from_vector(&mut self, size: Size, dst: Reg, src: Xmm) {
        self.op_mandatory(Some(0x66), size == Size::Q, &[0x7e], src.0, dst.into());
    }

    /// `cvtsi2sd` or `cvtsi2ss dst, src`, from 32 or 64 bits.
    pub(crate) fn int_to_float(&mut self, from: Size, to: Size, dst: Xmm, src: Reg) {
        let prefix = if to == Size::Q { 0xf2 } else { 0xf3 };
        self.op_mandatory(Some(prefix), from == Size::Q, &[0x2a], dst.0, src.into());
    }

    /// `cvttsd2si` or `cvttss2si dst, src`, to 32 or 64 bits.
    pub(crate) fn float_to_int(&mut self, from: Size, to: Size, dst: Reg, src: Xmm) {
        let prefix = if from == Size::Q { 0xf2 } else { 0xf3 };
        self.op_mandatory(Some(prefix), to == Size::Q, &[0x2c], dst as u8, Rm::Reg(src.0));
    }
}
