//! Branches, calls and labels.

use super::encode::{Assembler, Part};
use super::operand::{Cond, Mem, Reg, Size};

/// A place in the code, bound before or after the branches to it. Until it is bound, the displacement of each branch to
/// it holds the offset of the branch before, so that labels take no memory.
#[derive(Debug, Default)]
pub(crate) struct Label {
    at: Option<usize>,
    last: Option<Fixup>,
}

/// In place of the offset of a branch before the first one: no displacement is there.
const FIRST: u32 = u32::MAX;

/// The 32-bit displacement of a branch, at an offset in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fixup(pub(crate) usize);

impl Assembler<'_> {
    /// Binds `label` to the next instruction.
    pub(crate) fn bind(&mut self, label: &mut Label) {
        let here = self.offset();
        label.at = Some(here);
        let mut next = label.last.take();
        while let Some(fixup) = next {
            let before = self.read_u32(fixup.0) as usize;
            self.patch(fixup, here);
            // Each is before the last, unless the buffer was too short and the code is of no use.
            next = (before < fixup.0).then_some(Fixup(before));
        }
    }

    /// Lets the branch at `fixup` go to `target`.
    pub(crate) fn patch(&mut self, fixup: Fixup, target: usize) {
        let from = fixup.0 + 4;
        // Buffers are far smaller than 2 GiB.
        self.patch_u32(fixup.0, (target as u32).wrapping_sub(from as u32));
    }

    /// The displacement from the end of an instruction of so many bytes, which is written next.
    fn displacement(&self, target: usize, len: usize) -> [u8; 4] {
        (target as u32).wrapping_sub((self.offset() + len) as u32).to_le_bytes()
    }

    fn displacement_to(&mut self, label: &mut Label) {
        let fixup = Fixup(self.offset());
        match label.at {
            Some(at) => {
                self.put([0; 4]);
                self.patch(fixup, at);
            }
            None => {
                let before = label.last.replace(fixup);
                self.put(before.map_or(FIRST, |fixup| fixup.0 as u32).to_le_bytes());
            }
        }
    }

    /// `jmp label`.
    pub(crate) fn jmp(&mut self, label: &mut Label) {
        self.byte(0xe9);
        self.displacement_to(label);
    }

    /// `jcc label`.
    pub(crate) fn jcc(&mut self, cond: Cond, label: &mut Label) {
        self.put([0x0f, 0x80 | cond as u8]);
        self.displacement_to(label);
    }

    /// `jmp` to the next instruction, to be patched later.
    pub(crate) fn jmp_unbound(&mut self) -> Fixup {
        self.write_short(Part::new([0xe9, 0, 0, 0, 0]));
        Fixup(self.offset() - 4)
    }

    /// `jcc` to the next instruction, to be patched later.
    pub(crate) fn jcc_unbound(&mut self, cond: Cond) -> Fixup {
        self.write_short(Part::new([0x0f, 0x80 | cond as u8, 0, 0, 0, 0]));
        Fixup(self.offset() - 4)
    }

    /// `jmp reg`.
    pub(crate) fn jmp_reg(&mut self, reg: Reg) {
        self.op_sized(Size::D, 0xff, 4, reg.into(), []);
    }

    /// `jmp [mem]`.
    pub(crate) fn jmp_mem(&mut self, mem: Mem) {
        self.op_sized(Size::D, 0xff, 4, mem.into(), []);
    }

    /// `call` of an offset from the start of the buffer, which may lie outside of it.
    pub(crate) fn call_offset(&mut self, target: usize) {
        let displacement = self.displacement(target, 5);
        self.write_short(Part::new([0xe8]).with(displacement));
    }

    /// `jmp` to an offset from the start of the buffer, which may lie outside of it.
    pub(crate) fn jmp_offset(&mut self, target: usize) {
        let displacement = self.displacement(target, 5);
        self.write_short(Part::new([0xe9]).with(displacement));
    }

    /// `jcc` to an offset from the start of the buffer, which may lie outside of it.
    pub(crate) fn jcc_offset(&mut self, cond: Cond, target: usize) {
        let displacement = self.displacement(target, 6);
        self.write_short(Part::new([0x0f, 0x80 | cond as u8]).with(displacement));
    }

    /// `call reg`.
    pub(crate) fn call_reg(&mut self, reg: Reg) {
        self.op_sized(Size::D, 0xff, 2, reg.into(), []);
    }

    /// `ret`.
    pub(crate) fn ret(&mut self) {
        self.byte(0xc3);
    }
}
