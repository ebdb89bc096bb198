//! Prefixes, ModRM, SIB, displacement and immediates.

use super::operand::{Mem, Reg, Size, Xmm};

/// Writes instructions into a buffer. Where the buffer is full further bytes are dropped, and
/// [`Assembler::is_full`] says so: the caller checks once a block.
pub(crate) struct Assembler<'a> {
    buffer: &'a mut [u8],
    at: usize,
}

/// The register or memory operand of ModRM.
#[derive(Clone, Copy)]
pub(crate) enum Rm {
    Reg(u8),
    Mem(Mem),
    /// Memory relative to the code, as an offset from the start of the buffer, which may lie outside of it.
    Code(usize),
}

impl From<Xmm> for Rm {
    fn from(reg: Xmm) -> Rm {
        Rm::Reg(reg.0)
    }
}

impl From<Reg> for Rm {
    fn from(reg: Reg) -> Rm {
        Rm::Reg(reg as u8)
    }
}

impl From<Mem> for Rm {
    fn from(mem: Mem) -> Rm {
        Rm::Mem(mem)
    }
}

impl<'a> Assembler<'a> {
    /// Starts at the beginning of `buffer`.
    pub(crate) fn new(buffer: &'a mut [u8]) -> Assembler<'a> {
        Assembler { buffer, at: 0 }
    }

    /// Goes back to the beginning.
    pub(crate) fn rewind(&mut self) {
        self.at = 0;
    }

    /// The offset of the next byte.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Whether bytes were dropped for want of room.
    pub(crate) fn is_full(&self) -> bool {
        self.at > self.buffer.len()
    }

    /// The bytes so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.at.min(self.buffer.len())]
    }

    #[inline(always)]
    pub(super) fn byte(&mut self, byte: u8) {
        if let Some(slot) = self.buffer.get_mut(self.at) {
            *slot = byte;
        }
        self.at += 1;
    }

    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some(slot) = self.buffer.get_mut(self.at..self.at + N) {
            slot.copy_from_slice(&bytes);
        }
        self.at += N;
    }

    /// Fills up to a multiple of `alignment` bytes, with data that nothing executes.
    pub(crate) fn align(&mut self, alignment: usize) {
        while !self.at.is_multiple_of(alignment) {
            self.byte(0xcc);
        }
    }

    /// Puts data beside the code.
    pub(crate) fn data<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put(bytes);
    }

    /// Replaces four bytes at `offset`.
    pub(super) fn patch_u32(&mut self, offset: usize, value: u32) {
        if let Some(slot) = self.buffer.get_mut(offset..offset + 4) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// `[66] [REX] opcode ModRM`: a one-byte opcode; the byte form is `opcode`, the others `opcode | 1` where
    /// `has_byte_form`.
    #[inline(always)]
    pub(super) fn op(&mut self, size: Size, opcode: u8, reg: u8, rm: Rm) {
        let opcode = if size == Size::B { opcode } else { opcode | 1 };
        self.prefix(size, reg, rm, size == Size::B);
        self.byte(opcode);
        self.modrm(reg, rm);
    }

    /// `[66] [REX] 0F opcode ModRM` at one operand size.
    #[inline(always)]
    pub(super) fn op_0f(&mut self, size: Size, opcode: u8, reg: u8, rm: Rm, byte_rm: bool) {
        self.prefix(size, reg, rm, byte_rm);
        self.put([0x0f, opcode]);
        self.modrm(reg, rm);
    }

    /// `mandatory [REX] 0F opcode ModRM`.
    #[inline(always)]
    pub(super) fn op_mandatory(&mut self, mandatory: Option<u8>, wide: bool, opcode: &[u8], reg: u8, rm: Rm) {
        if let Some(prefix) = mandatory {
            self.byte(prefix);
        }
        self.rex(wide, reg, rm, false);
        self.byte(0x0f);
        for &byte in opcode {
            self.byte(byte);
        }
        self.modrm(reg, rm);
    }

    #[inline(always)]
    pub(super) fn prefix(&mut self, size: Size, reg: u8, rm: Rm, byte_regs: bool) {
        if size == Size::W {
            self.byte(0x66);
        }
        self.rex(size == Size::Q, reg, rm, byte_regs);
    }

    /// REX, where it is needed; `byte_regs` asks for SPL..DIL instead of AH..BH.
    #[inline(always)]
    fn rex(&mut self, wide: bool, reg: u8, rm: Rm, byte_regs: bool) {
        let (x, b, low) = match rm {
            Rm::Reg(r) => (0, r >> 3, r),
            Rm::Mem(m) => (m.index.map_or(0, |(i, _)| i as u8 >> 3), m.base as u8 >> 3, 0),
            Rm::Code(_) => (0, 0, 0),
        };
        let rex = 0x40 | u8::from(wide) << 3 | (reg >> 3) << 2 | x << 1 | b;
        if rex != 0x40 || (byte_regs && (reg >= 4 || low >= 4)) {
            self.byte(rex);
        }
    }

    #[inline(always)]
    pub(super) fn modrm(&mut self, reg: u8, rm: Rm) {
        self.modrm_before(reg, rm, 0);
    }

    /// ModRM and what belongs to it, before `trailing` bytes of immediate.
    #[inline(always)]
    pub(super) fn modrm_before(&mut self, reg: u8, rm: Rm, trailing: u8) {
        let reg = (reg & 7) << 3;
        match rm {
            Rm::Reg(r) => self.byte(0xc0 | reg | (r & 7)),
            Rm::Mem(m) => self.modrm_memory(reg, m),
            Rm::Code(target) => {
                self.byte(reg | 5);
                let end = self.at + 4 + usize::from(trailing);
                // The region is far smaller than 2 GiB.
                self.put((target.wrapping_sub(end) as u32).to_le_bytes());
            }
        }
    }

    /// The F2 form of CRC32.
    pub(super) fn op_crc32(&mut self, size: Size, opcode: u8, reg: u8, rm: Rm) {
        self.byte(0xf2);
        self.rex(size == Size::Q, reg, rm, size == Size::B);
        self.put([0x0f, 0x38, opcode]);
        self.modrm(reg, rm);
    }

    #[inline(always)]
    fn modrm_memory(&mut self, reg: u8, m: Mem) {
        let base = m.base as u8 & 7;
        let short = i8::try_from(m.disp);
        // RBP and R13 have no form without displacement.
        let mode = match short {
            Ok(0) if base != 5 => 0x00,
            Ok(_) => 0x40,
            Err(_) => 0x80,
        };
        match m.index {
            None if base != 4 => self.byte(mode | reg | base),
            None => self.put([mode | reg | 4, 0x24]),
            Some((index, scale)) => self.put([mode | reg | 4, scale << 6 | (index as u8 & 7) << 3 | base]),
        }
        match (mode, short) {
            (0x40, Ok(disp)) => self.byte(disp.cast_unsigned()),
            (0x80, _) => self.put(m.disp.to_le_bytes()),
            _ => {}
        }
    }
}
