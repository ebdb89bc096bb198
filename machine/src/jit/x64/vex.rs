//! Vector instructions in their VEX forms: three operands, of 128 bits or scalar. They need AVX, and what their feature
//! column in the host's manual says besides.

use super::encode::{Assembler, Part, Rm};
use super::operand::{Reg, Size, Xmm};

/// A vector instruction: mandatory prefix, opcode map, opcode, and the bit W.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vex {
    prefix: u8,
    map: u8,
    opcode: u8,
    wide: bool,
}

/// A shift by a constant: opcode and extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VexShift {
    opcode: u8,
    extension: u8,
}

macro_rules! vex {
    ($($prefix:literal $map:literal $wide:literal: $($name:ident = $opcode:literal)*;)*) => {
        #[allow(missing_docs, reason = "the names are those of the instructions")]
        impl Vex {
            $($(pub(crate) const $name: Vex =
                Vex { prefix: $prefix, map: $map, opcode: $opcode, wide: $wide };)*)*
        }
    };
}

// The prefix is 0 for none, 1 for 66, 2 for F3, 3 for F2; the map is 1 for 0F, 2 for 0F38, 3 for 0F3A.
vex! {
    0 1 false: ADDPS = 0x58 MULPS = 0x59 SUBPS = 0x5c MINPS = 0x5d DIVPS = 0x5e MAXPS = 0x5f SQRTPS = 0x51
        UCOMISS = 0x2e CMPPS = 0xc2 SHUFPS = 0xc6 CVTDQ2PS = 0x5b MOVAPS = 0x28;
    1 1 false: ADDPD = 0x58 MULPD = 0x59 SUBPD = 0x5c MINPD = 0x5d DIVPD = 0x5e MAXPD = 0x5f SQRTPD = 0x51
        UCOMISD = 0x2e CMPPD = 0xc2
        PAND = 0xdb PANDN = 0xdf POR = 0xeb PXOR = 0xef
        PADDB = 0xfc PADDW = 0xfd PADDD = 0xfe PADDQ = 0xd4 PSUBB = 0xf8 PSUBW = 0xf9 PSUBD = 0xfa PSUBQ = 0xfb
        PADDSB = 0xec PADDSW = 0xed PADDUSB = 0xdc PADDUSW = 0xdd
        PSUBSB = 0xe8 PSUBSW = 0xe9 PSUBUSB = 0xd8 PSUBUSW = 0xd9
        PCMPEQB = 0x74 PCMPEQW = 0x75 PCMPEQD = 0x76 PCMPGTB = 0x64 PCMPGTW = 0x65 PCMPGTD = 0x66
        PMAXUB = 0xde PMINUB = 0xda PMAXSW = 0xee PMINSW = 0xea PAVGB = 0xe0 PAVGW = 0xe3
        PMULLW = 0xd5 PMULUDQ = 0xf4 PMADDWD = 0xf5 PSADBW = 0xf6
        PUNPCKLBW = 0x60 PUNPCKLWD = 0x61 PUNPCKLDQ = 0x62 PUNPCKLQDQ = 0x6c
        PUNPCKHBW = 0x68 PUNPCKHWD = 0x69 PUNPCKHDQ = 0x6a PUNPCKHQDQ = 0x6d
        PACKUSWB = 0x67 PSHUFD = 0x70 PINSRW = 0xc4;
    2 1 false: ADDSS = 0x58 MULSS = 0x59 SUBSS = 0x5c MINSS = 0x5d DIVSS = 0x5e MAXSS = 0x5f SQRTSS = 0x51
        CVTSS2SD = 0x5a CVTTPS2DQ = 0x5b MOVQ = 0x7e;
    3 1 false: ADDSD = 0x58 MULSD = 0x59 SUBSD = 0x5c MINSD = 0x5d DIVSD = 0x5e MAXSD = 0x5f SQRTSD = 0x51
        CVTSD2SS = 0x5a;
    1 2 false: PSHUFB = 0x00 PMADDUBSW = 0x04
        PABSB = 0x1c PABSW = 0x1d PABSD = 0x1e PMULDQ = 0x28 PCMPEQQ = 0x29 PACKUSDW = 0x2b PCMPGTQ = 0x37
        PMINSB = 0x38 PMINSD = 0x39 PMINUW = 0x3a PMINUD = 0x3b
        PMAXSB = 0x3c PMAXSD = 0x3d PMAXUW = 0x3e PMAXUD = 0x3f PMULLD = 0x40 PTEST = 0x17
        PMOVSXBW = 0x20 PMOVSXWD = 0x23 PMOVSXDQ = 0x25 PMOVZXBW = 0x30 PMOVZXWD = 0x33 PMOVZXDQ = 0x35
        PBROADCASTB = 0x78 PBROADCASTW = 0x79
        FMADDS = 0xb8 FMADDSS = 0xb9 FMSUBSS = 0xbb FNMADDS = 0xbc FNMADDSS = 0xbd FNMSUBSS = 0xbf
        AESIMC = 0xdb AESENC = 0xdc AESENCLAST = 0xdd AESDECLAST = 0xdf;
    1 2 true: FMADDD = 0xb8 FMADDSD = 0xb9 FMSUBSD = 0xbb FNMADDD = 0xbc FNMADDSD = 0xbd FNMSUBSD = 0xbf;
    1 3 false: ROUNDPS = 0x08 ROUNDPD = 0x09 ROUNDSS = 0x0a ROUNDSD = 0x0b PALIGNR = 0x0f
        PINSRB = 0x20 INSERTPS = 0x21 PINSRD = 0x22 PCLMULQDQ = 0x44
        PEXTRB = 0x14 PEXTRW = 0x15 PEXTRD = 0x16;
    1 3 true: PINSRQ = 0x22 PEXTRQ = 0x16;
}

#[allow(missing_docs, reason = "the names are those of the instructions")]
impl VexShift {
    pub(crate) const PSRLW: VexShift = VexShift { opcode: 0x71, extension: 2 };
    pub(crate) const PSRAW: VexShift = VexShift { opcode: 0x71, extension: 4 };
    pub(crate) const PSLLW: VexShift = VexShift { opcode: 0x71, extension: 6 };
    pub(crate) const PSRLD: VexShift = VexShift { opcode: 0x72, extension: 2 };
    pub(crate) const PSRAD: VexShift = VexShift { opcode: 0x72, extension: 4 };
    pub(crate) const PSLLD: VexShift = VexShift { opcode: 0x72, extension: 6 };
    pub(crate) const PSRLQ: VexShift = VexShift { opcode: 0x73, extension: 2 };
    /// Of the whole register, by bytes.
    pub(crate) const PSRLDQ: VexShift = VexShift { opcode: 0x73, extension: 3 };
    pub(crate) const PSLLQ: VexShift = VexShift { opcode: 0x73, extension: 6 };
}

impl Vex {
    /// An instruction of general registers, of 32 or 64 bits.
    pub(super) const fn integer(prefix: u8, map: u8, opcode: u8, size: Size) -> Vex {
        Vex { prefix, map, opcode, wide: matches!(size, Size::Q) }
    }
}

/// XMM0, which stands for no operand.
const NONE: Xmm = Xmm(0);

impl Assembler<'_> {
    /// `op dst, a, b`; `b` may be memory of any alignment.
    pub(crate) fn vex(&mut self, op: Vex, dst: Xmm, a: Xmm, b: impl Into<Rm>) {
        self.vex_prefixed(op, dst.0, a.0, b.into(), []);
    }

    /// `op dst, a, b, imm`.
    pub(crate) fn vex_imm(&mut self, op: Vex, dst: Xmm, a: Xmm, b: impl Into<Rm>, imm: u8) {
        self.vex_prefixed(op, dst.0, a.0, b.into(), [imm]);
    }

    /// `op dst, b`, for instructions of two operands.
    pub(crate) fn vex2(&mut self, op: Vex, dst: Xmm, b: impl Into<Rm>) {
        self.vex(op, dst, NONE, b);
    }

    /// `op dst, b, imm`, for instructions of two operands.
    pub(crate) fn vex2_imm(&mut self, op: Vex, dst: Xmm, b: impl Into<Rm>, imm: u8) {
        self.vex_imm(op, dst, NONE, b, imm);
    }

    /// `op dst, src, imm`.
    pub(crate) fn vex_shift(&mut self, op: VexShift, dst: Xmm, src: Xmm, imm: u8) {
        let row = Vex { prefix: 1, map: 1, opcode: op.opcode, wide: false };
        self.vex_imm(row, Xmm(op.extension), dst, src, imm);
    }

    /// `vmovaps dst, src`, unless they are the same.
    pub(crate) fn vex_move(&mut self, dst: Xmm, src: Xmm) {
        if dst != src {
            self.vex2(Vex::MOVAPS, dst, src);
        }
    }

    /// `vpextrb`, `vpextrw`, `vpextrd` or `vpextrq dst, src, index`, zero-extended.
    pub(crate) fn vex_extract(&mut self, size: Size, dst: Reg, src: Xmm, index: u8) {
        let op = [Vex::PEXTRB, Vex::PEXTRW, Vex::PEXTRD, Vex::PEXTRQ][size as usize];
        self.vex_imm(op, src, NONE, dst, index);
    }

    /// `vpinsrb`, `vpinsrw`, `vpinsrd` or `vpinsrq dst, a, src, index`.
    pub(crate) fn vex_insert(&mut self, size: Size, dst: Xmm, a: Xmm, src: Reg, index: u8) {
        let op = [Vex::PINSRB, Vex::PINSRW, Vex::PINSRD, Vex::PINSRQ][size as usize];
        self.vex_imm(op, dst, a, src, index);
    }

    /// `vmovd` or `vmovq dst, src` from a general register.
    pub(crate) fn vex_from_reg(&mut self, size: Size, dst: Xmm, src: Reg) {
        self.vex2(Vex { prefix: 1, map: 1, opcode: 0x6e, wide: size == Size::Q }, dst, src);
    }

    /// `vmovd` or `vmovq dst, src` to a general register.
    pub(crate) fn vex_to_reg(&mut self, size: Size, dst: Reg, src: Xmm) {
        self.vex2(Vex { prefix: 1, map: 1, opcode: 0x7e, wide: size == Size::Q }, src, dst);
    }

    /// `vmovmskps` or `vmovmskpd dst, src`.
    pub(crate) fn vex_sign_mask(&mut self, double: bool, dst: Reg, src: Xmm) {
        self.vex2(Vex { prefix: u8::from(double), map: 1, opcode: 0x50, wide: false }, Xmm(dst as u8), src);
    }

    /// `vcvtsi2sd` or `vcvtsi2ss dst, a, src`, from 32 or 64 bits; the bits above come from `a`.
    pub(crate) fn vex_from_int(&mut self, from: Size, to: Size, dst: Xmm, a: Xmm, src: Reg) {
        let prefix = if to == Size::Q { 3 } else { 2 };
        self.vex(Vex { prefix, map: 1, opcode: 0x2a, wide: from == Size::Q }, dst, a, src);
    }

    /// `vcvttsd2si` or `vcvttss2si dst, src`, to 32 or 64 bits.
    pub(crate) fn vex_to_int(&mut self, from: Size, to: Size, dst: Reg, src: Xmm) {
        let prefix = if from == Size::Q { 3 } else { 2 };
        self.vex2(Vex { prefix, map: 1, opcode: 0x2c, wide: to == Size::Q }, Xmm(dst as u8), src);
    }

    /// `sha256rnds2 dst, src, xmm0`.
    pub(crate) fn sha256_rounds(&mut self, dst: Xmm, src: Xmm) {
        self.op_mandatory(None, false, [0x38, 0xcb], dst.0, src.into());
    }

    /// `sha256msg1 dst, src`.
    pub(crate) fn sha256_message1(&mut self, dst: Xmm, src: Xmm) {
        self.op_mandatory(None, false, [0x38, 0xcc], dst.0, src.into());
    }

    /// `sha256msg2 dst, src`.
    pub(crate) fn sha256_message2(&mut self, dst: Xmm, src: Xmm) {
        self.op_mandatory(None, false, [0x38, 0xcd], dst.0, src.into());
    }

    /// `crc32 dst, src`: the Castagnoli polynomial, of 1 to 8 bytes.
    pub(crate) fn crc32(&mut self, size: Size, dst: Reg, src: Reg) {
        let opcode = if size == Size::B { 0xf0 } else { 0xf1 };
        self.op_crc32(size, opcode, dst as u8, src.into());
    }

    #[inline(always)]
    pub(super) fn vex_prefixed<const N: usize>(
        &mut self,
        op: Vex,
        reg: u8,
        second: u8,
        rm: Rm,
        last: [u8; N],
    ) {
        let (x, b) = match rm {
            Rm::Reg(r) => (0, r >> 3),
            Rm::Mem(m) => (m.index.map_or(0, |(i, _)| i as u8 >> 3), m.base as u8 >> 3),
            Rm::Code(_) => (0, 0),
        };
        // R, X, B and vvvv are inverted.
        let r = (reg >> 3 ^ 1) << 7;
        let low = (second ^ 15) << 3 | op.prefix;
        let head = if op.map == 1 && !op.wide && x == 0 && b == 0 {
            Part::new([0xc5, r | low])
        } else {
            let inverted = r | (x ^ 1) << 6 | (b ^ 1) << 5 | op.map;
            Part::new([0xc4, inverted, u8::from(op.wide) << 7 | low])
        };
        self.write_operand(head.with([op.opcode]), reg, rm, last);
    }
}
