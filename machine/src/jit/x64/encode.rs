//! Prefixes, ModRM, SIB, displacement and immediates.

use super::operand::{Mem, Reg, Size, Xmm};

/// Writes instructions into a buffer. Where the buffer is full further bytes are dropped, and
/// [`Assembler::is_full`] says so: the caller checks once a block. Up to [`SLACK_BYTES`] behind the last instruction are
/// overwritten too.
pub(crate) struct Assembler<'a> {
    buffer: &'a mut [u8],
    at: usize,
}

/// The bytes that are written at once, whatever an instruction's length is.
const SLACK_BYTES: usize = 16;

/// Up to eight bytes of an instruction, in a register until they are written.
#[derive(Clone, Copy, Default)]
pub(super) struct Part {
    bytes: u64,
    len: u32,
}

impl Part {
    #[inline(always)]
    pub(super) const fn new<const N: usize>(bytes: [u8; N]) -> Part {
        Part { bytes: 0, len: 0 }.with(bytes)
    }

    /// The same with more bytes behind.
    #[inline(always)]
    pub(super) const fn with<const N: usize>(self, bytes: [u8; N]) -> Part {
        let mut wide = [0; 8];
        let mut i = 0;
        while i < N {
            wide[i] = bytes[i];
            i += 1;
        }
        let more = u64::from_le_bytes(wide);
        Part { bytes: self.bytes | more << (8 * self.len), len: self.len + N as u32 }
    }

    /// Without the first byte, unless that is wanted.
    #[inline(always)]
    pub(super) fn first_if(self, wanted: bool) -> Part {
        if wanted { self } else { Part { bytes: self.bytes >> 8, len: self.len - 1 } }
    }
}

/// REX, and whether it is needed; `byte_regs` asks for SPL..DIL instead of AH..BH.
#[inline(always)]
fn rex(wide: bool, reg: u8, rm: Rm, byte_regs: bool) -> (u8, bool) {
    let (x, b, low) = match rm {
        Rm::Reg(r) => (0, r >> 3, r),
        Rm::Mem(m) => (m.index.map_or(0, |(i, _)| i as u8 >> 3), m.base as u8 >> 3, 0),
        Rm::Code(_) => (0, 0, 0),
    };
    let rex = 0x40 | u8::from(wide) << 3 | (reg >> 3) << 2 | x << 1 | b;
    (rex, rex != 0x40 || (byte_regs && (reg >= 4 || low >= 4)))
}

/// ModRM of registers.
#[inline(always)]
fn register(reg: u8, rm: u8) -> u8 {
    0xc0 | (reg & 7) << 3 | (rm & 7)
}

/// ModRM, SIB and displacement.
#[inline(always)]
fn memory(reg: u8, m: Mem) -> Part {
    let (reg, base) = ((reg & 7) << 3, m.base as u8 & 7);
    // RBP and R13 have no form without displacement.
    let (mode, len) = match i8::try_from(m.disp) {
        Ok(0) if base != 5 => (0x00, 0),
        Ok(_) => (0x40, 1),
        Err(_) => (0x80, 4),
    };
    let head = match m.index {
        None if base != 4 => Part::new([mode | reg | base]),
        None => Part::new([mode | reg | 4, 0x24]),
        Some((index, scale)) => Part::new([mode | reg | 4, scale << 6 | (index as u8 & 7) << 3 | base]),
    };
    let whole = head.with(m.disp.to_le_bytes());
    // What is above the length is overwritten.
    Part { bytes: whole.bytes, len: head.len + len }
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

    /// Whether bytes were dropped for want of room, or nearly.
    pub(crate) fn is_full(&self) -> bool {
        self.at + SLACK_BYTES > self.buffer.len()
    }

    /// The bytes so far.
    #[cfg(test)]
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

    /// Four bytes at `offset`; zero where they were dropped.
    pub(super) fn read_u32(&self, offset: usize) -> u32 {
        let bytes = self.buffer.get(offset..offset + 4).and_then(|bytes| bytes.try_into().ok());
        u32::from_le_bytes(bytes.unwrap_or_default())
    }

    /// Replaces four bytes at `offset`.
    pub(super) fn patch_u32(&mut self, offset: usize, value: u32) {
        if let Some(slot) = self.buffer.get_mut(offset..offset + 4) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// Writes the parts of an instruction: its prefixes and opcode, and what follows.
    #[inline(always)]
    pub(super) fn write(&mut self, first: Part, second: Part) {
        if let Some(slot) = self.buffer.get_mut(self.at..self.at + SLACK_BYTES) {
            slot[..8].copy_from_slice(&first.bytes.to_le_bytes());
            let between = (first.len & 7) as usize;
            slot[between..between + 8].copy_from_slice(&second.bytes.to_le_bytes());
        }
        self.at += (first.len + second.len) as usize;
    }

    /// The same of an instruction that has eight bytes at most.
    #[inline(always)]
    pub(super) fn write_short(&mut self, part: Part) {
        if let Some(slot) = self.buffer.get_mut(self.at..self.at + 8) {
            slot.copy_from_slice(&part.bytes.to_le_bytes());
        }
        self.at += part.len as usize;
    }

    /// Writes `first`, ModRM with what belongs to it, and the bytes of `last`: one at most where there may be memory.
    #[inline(always)]
    pub(super) fn write_operand<const N: usize>(&mut self, first: Part, reg: u8, rm: Rm, last: [u8; N]) {
        match rm {
            Rm::Reg(r) => self.write_short(first.with([register(reg, r)]).with(last)),
            Rm::Mem(m) => self.write_memory(first, reg, m, last),
            Rm::Code(target) => {
                let end = self.at + first.len as usize + 5 + N;
                // The region is far smaller than 2 GiB.
                let displacement = (target.wrapping_sub(end) as u32).to_le_bytes();
                self.write(first, Part::new([(reg & 7) << 3 | 5]).with(displacement).with(last));
            }
        }
    }

    #[inline(always)]
    fn write_memory<const N: usize>(&mut self, first: Part, reg: u8, m: Mem, last: [u8; N]) {
        let mut operand = memory(reg, m);
        if N != 0 {
            operand.bytes &= u64::MAX >> (64 - 8 * operand.len);
            operand = operand.with(last);
        }
        self.write(first, operand);
    }

    /// `[66] [REX] opcode`: what comes before ModRM, for a one-byte opcode.
    #[inline(always)]
    fn opcode(size: Size, opcode: u8, reg: u8, rm: Rm, byte_regs: bool) -> Part {
        if matches!(size, Size::B | Size::W) || byte_regs {
            return Self::opcode_narrow(size, opcode, reg, rm, byte_regs);
        }
        let (rex, needed) = rex(size == Size::Q, reg, rm, false);
        Part::new([rex, opcode]).first_if(needed)
    }

    /// The same for 8 and 16 bits.
    #[inline(never)]
    fn opcode_narrow(size: Size, opcode: u8, reg: u8, rm: Rm, byte_regs: bool) -> Part {
        let (rex, needed) = rex(size == Size::Q, reg, rm, byte_regs);
        let plain = Part::new([rex, opcode]).first_if(needed);
        if size == Size::W { Part { bytes: plain.bytes << 8 | 0x66, len: plain.len + 1 } } else { plain }
    }

    /// `[66] [REX] opcode ModRM`: a one-byte opcode; the byte form is `opcode`, the others `opcode | 1` where
    /// `has_byte_form`.
    #[inline(always)]
    pub(super) fn op(&mut self, size: Size, opcode: u8, reg: u8, rm: Rm) {
        self.op_before(size, opcode, reg, rm, []);
    }

    /// The same with an immediate of one byte behind.
    #[inline(always)]
    pub(super) fn op_before<const N: usize>(
        &mut self,
        size: Size,
        opcode: u8,
        reg: u8,
        rm: Rm,
        last: [u8; N],
    ) {
        let opcode = if size == Size::B { opcode } else { opcode | 1 };
        self.write_operand(Self::opcode(size, opcode, reg, rm, size == Size::B), reg, rm, last);
    }

    /// `[66] [REX] opcode ModRM` of an opcode that is the same for all sizes, and an immediate of one byte or none.
    #[inline(always)]
    pub(super) fn op_sized<const N: usize>(
        &mut self,
        size: Size,
        opcode: u8,
        reg: u8,
        rm: Rm,
        last: [u8; N],
    ) {
        self.write_operand(Self::opcode(size, opcode, reg, rm, false), reg, rm, last);
    }

    /// `[66] [REX] 0F opcode ModRM` at one operand size.
    #[inline(always)]
    pub(super) fn op_0f(&mut self, size: Size, opcode: u8, reg: u8, rm: Rm, byte_rm: bool) {
        self.op_0f_before(size, opcode, reg, rm, byte_rm, []);
    }

    /// The same with an immediate of one byte behind.
    #[inline(always)]
    pub(super) fn op_0f_before<const N: usize>(
        &mut self,
        size: Size,
        opcode: u8,
        reg: u8,
        rm: Rm,
        byte_rm: bool,
        last: [u8; N],
    ) {
        let first = Self::opcode(size, 0x0f, reg, rm, byte_rm).with([opcode]);
        self.write_operand(first, reg, rm, last);
    }

    /// `mandatory [REX] 0F opcode ModRM`.
    #[inline(always)]
    pub(super) fn op_mandatory<const N: usize>(
        &mut self,
        mandatory: Option<u8>,
        wide: bool,
        opcode: [u8; N],
        reg: u8,
        rm: Rm,
    ) {
        let (rex, needed) = rex(wide, reg, rm, false);
        let opcode = Part::new([rex, 0x0f]).first_if(needed).with(opcode);
        let first = match mandatory {
            Some(prefix) => Part { bytes: opcode.bytes << 8 | u64::from(prefix), len: opcode.len + 1 },
            None => opcode,
        };
        self.write_operand(first, reg, rm, []);
    }

    /// The F2 form of CRC32.
    pub(super) fn op_crc32(&mut self, size: Size, opcode: u8, reg: u8, rm: Rm) {
        if size == Size::W {
            self.byte(0x66);
        }
        let size = if size == Size::W { Size::D } else { size };
        let op = Self::opcode(size, 0x0f, reg, rm, size == Size::B).with([0x38, opcode]);
        self.write_operand(Part { bytes: op.bytes << 8 | 0xf2, len: op.len + 1 }, reg, rm, []);
    }

    /// `[REX.W] opcode ModRM disp8`: 64 bits at a distance from a register that is neither RSP nor R12.
    #[inline(always)]
    pub(super) fn op_near(&mut self, opcode: u8, reg: Reg, base: Reg, disp: i8) {
        debug_assert!(base as u8 & 7 != 4, "they need another form");
        let (reg, base) = (reg as u8, base as u8);
        let rex = 0x48 | reg >> 3 << 2 | base >> 3;
        let modrm = 0x40 | (reg & 7) << 3 | base & 7;
        self.write_short(Part::new([rex, opcode, modrm, disp.cast_unsigned()]));
    }
}
