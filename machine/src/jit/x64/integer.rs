//! Integer instructions.

use super::encode::{Assembler, Part, Rm};
use super::operand::{Cond, Mem, Reg, Size};

/// The eight operations of the first opcode rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are those of the instructions")]
pub(crate) enum Alu {
    Add = 0,
    Or = 1,
    Adc = 2,
    Sbb = 3,
    And = 4,
    Sub = 5,
    Xor = 6,
    Cmp = 7,
}

/// Shifts and rotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are those of the instructions")]
pub(crate) enum Shift {
    Ror = 1,
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// One-operand arithmetic, on RDX:RAX where it is wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are those of the instructions")]
pub(crate) enum Unary {
    Not = 2,
    Neg = 3,
    Mul = 4,
    Imul = 5,
    Div = 6,
    Idiv = 7,
}

impl Assembler<'_> {
    /// `mov dst, src`.
    pub(crate) fn mov(&mut self, size: Size, dst: Reg, src: Reg) {
        self.op(size, 0x88, src as u8, dst.into());
    }

    /// `mov dst, imm` in the shortest form; the upper half is cleared or sign-extended to give exactly `imm`.
    pub(crate) fn mov_imm(&mut self, dst: Reg, imm: u64) {
        if imm == 0 {
            return self.alu(Alu::Xor, Size::D, dst, dst);
        }
        self.mov_imm_keep_flags(dst, imm);
    }

    /// [`Assembler::mov_imm`] that leaves the flags alone.
    pub(crate) fn mov_imm_keep_flags(&mut self, dst: Reg, imm: u64) {
        let r = dst as u8;
        if let Ok(imm) = u32::try_from(imm) {
            let opcode = Part::new([0x41, 0xb8 | (r & 7)]).first_if(r >= 8);
            self.write_short(opcode.with(imm.to_le_bytes()));
        } else if let Ok(imm) = i32::try_from(imm.cast_signed()) {
            self.write_short(Part::new([0x48 | r >> 3, 0xc7, 0xc0 | (r & 7)]).with(imm.to_le_bytes()));
        } else {
            self.put([0x48 | r >> 3, 0xb8 | (r & 7)]);
            self.put(imm.to_le_bytes());
        }
    }

    /// `mov dst, [mem]`; 8 and 16 bits are zero-extended, 32 bits clear the upper half.
    pub(crate) fn load(&mut self, size: Size, dst: Reg, mem: Mem) {
        match size {
            Size::B => self.op_0f(Size::D, 0xb6, dst as u8, mem.into(), false),
            Size::W => self.op_0f(Size::D, 0xb7, dst as u8, mem.into(), false),
            Size::D | Size::Q => self.op(size, 0x8a, dst as u8, mem.into()),
        }
    }

    /// `mov dst, [base + disp]`; the base is neither RSP nor R12.
    #[inline]
    pub(crate) fn load_near(&mut self, dst: Reg, base: Reg, disp: i8) {
        self.op_near(0x8b, dst, base, disp);
    }

    /// `mov [base + disp], src`; the base is neither RSP nor R12.
    #[inline]
    pub(crate) fn store_near(&mut self, base: Reg, disp: i8, src: Reg) {
        self.op_near(0x89, src, base, disp);
    }

    /// `movsx dst, [mem]` from `from` to `to`, which is 32 or 64 bits.
    pub(crate) fn load_signed(&mut self, from: Size, to: Size, dst: Reg, mem: Mem) {
        self.sign_extending(from, to, dst, mem.into());
    }

    /// `mov [mem], src`.
    pub(crate) fn store(&mut self, size: Size, mem: Mem, src: Reg) {
        self.op(size, 0x88, src as u8, mem.into());
    }

    /// `mov [mem], imm`, sign-extended to 64 bits.
    pub(crate) fn store_imm(&mut self, size: Size, mem: Mem, imm: i32) {
        self.op(size, 0xc6, 0, mem.into());
        self.immediate(size, imm);
    }

    /// `movzx dst, src` from 8 or 16 bits.
    pub(crate) fn zero_extend(&mut self, from: Size, dst: Reg, src: Reg) {
        match from {
            Size::B => self.op_0f(Size::D, 0xb6, dst as u8, src.into(), true),
            Size::W => self.op_0f(Size::D, 0xb7, dst as u8, src.into(), false),
            Size::D | Size::Q => self.mov(from, dst, src),
        }
    }

    /// `movsx dst, src` from `from` to `to`, which is 32 or 64 bits.
    pub(crate) fn sign_extend(&mut self, from: Size, to: Size, dst: Reg, src: Reg) {
        self.sign_extending(from, to, dst, src.into());
    }

    fn sign_extending(&mut self, from: Size, to: Size, dst: Reg, rm: Rm) {
        match from {
            Size::B => self.op_0f(to, 0xbe, dst as u8, rm, matches!(rm, Rm::Reg(_))),
            Size::W => self.op_0f(to, 0xbf, dst as u8, rm, false),
            Size::D | Size::Q => {
                // MOVSXD; at 32 bits it is a plain move.
                let opcode = if from == Size::D && to == Size::Q { 0x63 } else { 0x8b };
                self.op_sized(to, opcode, dst as u8, rm, []);
            }
        }
    }

    /// `op dst, src`.
    pub(crate) fn alu(&mut self, op: Alu, size: Size, dst: Reg, src: Reg) {
        self.op(size, (op as u8) << 3, src as u8, dst.into());
    }

    /// `op dst, [mem]`.
    pub(crate) fn alu_load(&mut self, op: Alu, size: Size, dst: Reg, mem: Mem) {
        self.op(size, (op as u8) << 3 | 2, dst as u8, mem.into());
    }

    /// `op [mem], src`.
    pub(crate) fn alu_store(&mut self, op: Alu, size: Size, mem: Mem, src: Reg) {
        self.op(size, (op as u8) << 3, src as u8, mem.into());
    }

    /// `op dst, imm`, sign-extended from 32 bits.
    pub(crate) fn alu_imm(&mut self, op: Alu, size: Size, dst: Reg, imm: i32) {
        self.alu_immediate(op, size, dst.into(), imm);
    }

    /// `op [mem], imm`, sign-extended from 32 bits.
    pub(crate) fn alu_mem_imm(&mut self, op: Alu, size: Size, mem: Mem, imm: i32) {
        self.alu_immediate(op, size, mem.into(), imm);
    }

    fn alu_immediate(&mut self, op: Alu, size: Size, rm: Rm, imm: i32) {
        match i8::try_from(imm) {
            Ok(short) if size != Size::B => {
                self.op_sized(size, 0x83, op as u8, rm, [short.cast_unsigned()]);
            }
            _ => {
                // The register field is an opcode extension, so no REX.R.
                self.op(size, 0x80, op as u8, rm);
                self.immediate(size, imm);
            }
        }
    }

    fn immediate(&mut self, size: Size, imm: i32) {
        let bytes = imm.to_le_bytes();
        match size {
            Size::B => self.byte(bytes[0]),
            Size::W => self.put([bytes[0], bytes[1]]),
            Size::D | Size::Q => self.put(bytes),
        }
    }

    /// `test a, b`.
    pub(crate) fn test(&mut self, size: Size, a: Reg, b: Reg) {
        self.op(size, 0x84, b as u8, a.into());
    }

    /// `test a, imm`, sign-extended from 32 bits.
    pub(crate) fn test_imm(&mut self, size: Size, a: Reg, imm: i32) {
        self.op(size, 0xf6, 0, a.into());
        self.immediate(size, imm);
    }

    /// `test [mem], imm`, sign-extended from 32 bits.
    pub(crate) fn test_mem_imm(&mut self, size: Size, mem: Mem, imm: i32) {
        self.op(size, 0xf6, 0, mem.into());
        self.immediate(size, imm);
    }

    /// `op dst, amount`.
    pub(crate) fn shift_imm(&mut self, op: Shift, size: Size, dst: Reg, amount: u8) {
        self.op_before(size, 0xc0, op as u8, dst.into(), [amount]);
    }

    /// `op dst, cl`.
    pub(crate) fn shift_cl(&mut self, op: Shift, size: Size, dst: Reg) {
        self.op(size, 0xd2, op as u8, dst.into());
    }

    /// `shld dst, src, amount` or, to the right, `shrd`.
    pub(crate) fn shift_double(&mut self, right: bool, size: Size, dst: Reg, src: Reg, amount: u8) {
        self.op_0f_before(size, if right { 0xac } else { 0xa4 }, src as u8, dst.into(), false, [amount]);
    }

    /// `not`, `neg`, or `mul` and `div` of RDX:RAX.
    pub(crate) fn unary(&mut self, op: Unary, size: Size, operand: Reg) {
        self.op(size, 0xf6, op as u8, operand.into());
    }

    /// `imul dst, src`.
    pub(crate) fn imul(&mut self, size: Size, dst: Reg, src: Reg) {
        self.op_0f(size, 0xaf, dst as u8, src.into(), false);
    }

    /// `cdq` or `cqo`: the sign of RAX into RDX.
    pub(crate) fn sign_to_rdx(&mut self, size: Size) {
        if size == Size::Q {
            self.byte(0x48);
        }
        self.byte(0x99);
    }

    /// `lea dst, [mem]`.
    pub(crate) fn lea(&mut self, size: Size, dst: Reg, mem: Mem) {
        self.op_sized(size, 0x8d, dst as u8, mem.into(), []);
    }

    /// `bswap dst`, 32 or 64 bits.
    pub(crate) fn bswap(&mut self, size: Size, dst: Reg) {
        let r = dst as u8;
        let rex = 0x40 | u8::from(size == Size::Q) << 3 | r >> 3;
        if rex != 0x40 {
            self.byte(rex);
        }
        self.put([0x0f, 0xc8 | (r & 7)]);
    }

    /// `lzcnt dst, src`.
    pub(crate) fn lzcnt(&mut self, size: Size, dst: Reg, src: Reg) {
        self.op_mandatory(Some(0xf3), size == Size::Q, [0xbd], dst as u8, src.into());
    }

    /// `bt src, bit`: the bit into the carry flag.
    pub(crate) fn bit_test(&mut self, size: Size, src: Reg, bit: u8) {
        self.op_0f_before(size, 0xba, 4, src.into(), false, [bit]);
    }

    /// `bt [mem], bit`.
    pub(crate) fn bit_test_mem(&mut self, size: Size, mem: Mem, bit: u8) {
        self.op_0f(size, 0xba, 4, mem.into(), false);
        self.byte(bit);
    }

    /// `imul dst, src, imm`.
    pub(crate) fn imul_imm(&mut self, size: Size, dst: Reg, src: Reg, imm: i32) {
        self.op_sized(size, 0x69, dst as u8, src.into(), imm.to_le_bytes());
    }

    /// `lahf`: SF, ZF, AF, PF and CF into AH.
    pub(crate) fn load_flags(&mut self) {
        self.byte(0x9f);
    }

    /// `sahf`: AH into SF, ZF, AF, PF and CF.
    pub(crate) fn store_flags(&mut self) {
        self.byte(0x9e);
    }

    /// `cmc`: inverts the carry flag.
    pub(crate) fn complement_carry(&mut self) {
        self.byte(0xf5);
    }

    /// `setcc dst`, the low byte.
    pub(crate) fn set(&mut self, cond: Cond, dst: Reg) {
        self.op_0f(Size::B, 0x90 | cond as u8, 0, dst.into(), true);
    }

    /// `cmovcc dst, src`, 32 or 64 bits.
    pub(crate) fn cmov(&mut self, cond: Cond, size: Size, dst: Reg, src: Reg) {
        self.op_0f(size, 0x40 | cond as u8, dst as u8, src.into(), false);
    }

    /// `push`.
    pub(crate) fn push(&mut self, reg: Reg) {
        if reg as u8 >= 8 {
            self.byte(0x41);
        }
        self.byte(0x50 | (reg as u8 & 7));
    }

    /// `pop`.
    pub(crate) fn pop(&mut self, reg: Reg) {
        if reg as u8 >= 8 {
            self.byte(0x41);
        }
        self.byte(0x58 | (reg as u8 & 7));
    }

    /// `xchg [mem], reg`: atomic, and a full barrier.
    pub(crate) fn xchg(&mut self, size: Size, mem: Mem, reg: Reg) {
        self.op(size, 0x86, reg as u8, mem.into());
    }

    /// `lock xadd [mem], reg`.
    pub(crate) fn lock_xadd(&mut self, size: Size, mem: Mem, reg: Reg) {
        self.lock();
        let byte = size == Size::B;
        self.op_0f(size, if byte { 0xc0 } else { 0xc1 }, reg as u8, mem.into(), byte);
    }

    /// `lock cmpxchg [mem], reg` with RAX.
    pub(crate) fn lock_cmpxchg(&mut self, size: Size, mem: Mem, reg: Reg) {
        self.lock();
        let byte = size == Size::B;
        self.op_0f(size, if byte { 0xb0 } else { 0xb1 }, reg as u8, mem.into(), byte);
    }

    /// `lock cmpxchg16b [mem]` with RDX:RAX and RCX:RBX.
    pub(crate) fn lock_cmpxchg16b(&mut self, mem: Mem) {
        self.lock();
        self.op_0f(Size::Q, 0xc7, 1, mem.into(), false);
    }

    /// `lock`, before an instruction that changes memory.
    pub(crate) fn lock(&mut self) {
        self.byte(0xf0);
    }

    /// A full barrier: `lock or dword [rsp], 0`, cheaper than `mfence`.
    pub(crate) fn full_barrier(&mut self) {
        self.lock();
        self.alu_mem_imm(Alu::Or, Size::D, Mem::new(Reg::Rsp, 0), 0);
    }
}
