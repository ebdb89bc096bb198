//! Branches, calls and labels.

use super::encode::Assembler;
use super::operand::{Cond, Mem, Reg, Size};

/// A place in the code, bound before or after the branches to it.
#[derive(Debug, Default)]
pub(crate) struct Label {
    at: Option<usize>,
    fixups: Vec<Fixup>,
}

/// The 32-bit displacement of a branch, at an offset in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fixup(pub(crate) usize);

impl Label {
    /// The branches to a label that is not bound.
    pub(crate) fn take_fixups(self) -> Vec<Fixup> {
        self.fixups
    }
}

impl Assembler<'_> {
    /// Binds `label` to the next instruction.
    pub(crate) fn bind(&mut self, label: &mut Label) {
        let here = self.offset();
        label.at = Some(here);
        for fixup in label.fixups.drain(..) {
            self.patch(fixup, here);
        }
    }

    /// Lets the branch at `fixup` go to `target`.
    pub(crate) fn patch(&mut self, fixup: Fixup, target: usize) {
        let from = fixup.0 + 4;
        // Buffers are far smaller than 2 GiB.
        self.patch_u32(fixup.0, (target as u32).wrapping_sub(from as u32));
    }

    fn displacement_to(&mut self, label: &mut Label) {
        let fixup = Fixup(self.offset());
        self.put([0; 4]);
        match label.at {
            Some(at) => self.patch(fixup, at),
            None => label.fixups.push(fixup),
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
        self.byte(0xe9);
        let fixup = Fixup(self.offset());
        self.put([0; 4]);
        fixup
    }

    /// `jcc` to the next instruction, to be patched later.
    pub(crate) fn jcc_unbound(&mut self, cond: Cond) -> Fixup {
        self.put([0x0f, 0x80 | cond as u8]);
        let fixup = Fixup(self.offset());
        self.put([0; 4]);
        fixup
    }

    /// `jmp reg`.
    pub(crate) fn jmp_reg(&mut self, reg: Reg) {
        self.prefix(Size::D, 4, reg.into(), false);
        self.byte(0xff);
        self.modrm(4, reg.into());
    }

    /// `jmp [mem]`.
    pub(crate) fn jmp_mem(&mut self, mem: Mem) {
        self.prefix(Size::D, 4, mem.into(), false);
        self.byte(0xff);
        self.modrm(4, mem.into());
    }

    /// `call` of an offset from the start of the buffer, which may lie outside of it.
    pub(crate) fn call_offset(&mut self, target: usize) {
        self.byte(0xe8);
        let fixup = Fixup(self.offset());
        self.put([0; 4]);
        self.patch(fixup, target);
    }

    /// `jmp` to an offset from the start of the buffer, which may lie outside of it.
    pub(crate) fn jmp_offset(&mut self, target: usize) {
        let fixup = self.jmp_unbound();
        self.patch(fixup, target);
    }

    /// `jcc` to an offset from the start of the buffer, which may lie outside of it.
    pub(crate) fn jcc_offset(&mut self, cond: Cond, target: usize) {
        let fixup = self.jcc_unbound(cond);
        self.patch(fixup, target);
    }

    /// `call reg`.
    pub(crate) fn call_reg(&mut self, reg: Reg) {
        self.prefix(Size::D, 2, reg.into(), false);
        self.byte(0xff);
        self.modrm(2, reg.into());
    }

    /// `ret`.
    pub(crate) fn ret(&mut self) {
        self.byte(0xc3);
    }
}
