//! What moves between registers and host memory. Uses RAX, XMM0 and XMM1 besides the registers that it moves, and for
//! pairs RDX.

use super::decode::{Access, SIZES, Unit};
use super::lookup::Host;
use crate::jit::compile::Compiler;
use crate::jit::compile::vectors::Width;
use crate::jit::x64::{Alu, Reg, Shift, Size, Sse, Xmm};

impl Compiler<'_> {
    /// Loads the registers, in whose places nothing is needed any more but the base of the address, which may be one of
    /// them.
    pub(super) fn load_data(&mut self, t: u8, access: &Access, host: Host) {
        match (access.unit, access.second) {
            (Unit::Plain(Size::Q), Some(second)) if !self.source.alone => {
                // One access where it is aligned, as FEAT_LSE2 has it.
                self.asm.load_vector(Xmm(0), host.mem(0));
                if t != 31 {
                    let to = self.prepare(t);
                    self.asm.mov_from_vector(Size::Q, to, Xmm(0));
                }
                if second != 31 {
                    self.asm.sse(Sse::PUNPCKHQDQ, Xmm(0), Xmm(0));
                    let to = self.prepare(second);
                    self.asm.mov_from_vector(Size::Q, to, Xmm(0));
                }
            }
            (Unit::Plain(Size::D) | Unit::Signed(Size::D, _) | Unit::Vector(2), Some(second))
                if !self.source.alone =>
            {
                // The same for words, within 16 aligned bytes.
                self.asm.load(Size::Q, Reg::Rax, host.mem(0));
                self.take_word(t, access.unit);
                self.asm.shift_imm(Shift::Shr, Size::Q, Reg::Rax, 32);
                self.take_word(second, access.unit);
            }
            (Unit::Plain(_) | Unit::Signed(..), None) => self.load_general(t, access.unit, host, 0),
            (Unit::Plain(_) | Unit::Signed(..), Some(second)) => {
                let offset = access.unit_bytes();
                // The register of the base comes last; of two loads of one register only the second counts.
                if t == second {
                    self.load_general(second, access.unit, host, offset);
                } else if t != 31 && self.read(t) == host.site.base {
                    self.load_general(second, access.unit, host, offset);
                    self.load_general(t, access.unit, host, 0);
                } else {
                    self.load_general(t, access.unit, host, 0);
                    self.load_general(second, access.unit, host, offset);
                }
            }
            (Unit::Vector(3), Some(second)) if !self.source.alone => {
                self.asm.load_vector(Xmm(0), host.mem(0));
                let to = self.write_vector(t, Width::Double);
                self.asm.sse(Sse::MOVQ, to, Xmm(0));
                self.asm.sse(Sse::PUNPCKHQDQ, Xmm(0), Xmm(0));
                let to = self.write_vector(second, Width::Double);
                self.asm.sse(Sse::MOVQ, to, Xmm(0));
            }
            (Unit::Vector(log2), second) => {
                self.load_one_vector(t, log2, host, 0);
                if let Some(second) = second {
                    // The second register wins where both are the same.
                    self.load_one_vector(second, log2, host, access.unit_bytes());
                }
            }
        }
    }

    /// Gives a register the word in RAX.
    fn take_word(&mut self, t: u8, unit: Unit) {
        match unit {
            Unit::Vector(_) => {
                let to = self.write_vector(t, Width::Single);
                self.asm.mov_to_vector(Size::D, to, Reg::Rax);
            }
            _ if t == 31 => {}
            Unit::Signed(..) => {
                let to = self.prepare(t);
                self.asm.sign_extend(Size::D, Size::Q, to, Reg::Rax);
            }
            Unit::Plain(_) => {
                let to = self.prepare(t);
                self.asm.mov(Size::D, to, Reg::Rax);
            }
        }
    }

    /// The word of a register in `to`.
    fn give_word(&mut self, t: u8, unit: Unit, to: Reg) {
        if matches!(unit, Unit::Vector(_)) {
            let from = self.read_vector(t);
            self.asm.mov_from_vector(Size::D, to, from);
        } else {
            let from = self.read_zr(t, to);
            self.asm.mov(Size::D, to, from);
        }
    }

    fn load_general(&mut self, t: u8, unit: Unit, host: Host, offset: i32) {
        let to = if t == 31 { Reg::Rax } else { self.prepare(t) };
        match unit {
            Unit::Signed(from, to_size) => self.asm.load_signed(from, to_size, to, host.mem(offset)),
            Unit::Plain(size) => self.asm.load(size, to, host.mem(offset)),
            Unit::Vector(_) => unreachable!("a general register"),
        }
    }

    fn load_one_vector(&mut self, t: u8, log2: u32, host: Host, offset: i32) {
        let width = match log2 {
            4 => Width::Full,
            3 => Width::Double,
            _ => Width::Single,
        };
        let to = self.write_vector(t, width);
        match log2 {
            4 => self.asm.load_vector(to, host.mem(offset)),
            2 | 3 => self.asm.load_scalar(SIZES[log2 as usize], to, host.mem(offset)),
            _ => {
                self.asm.load(SIZES[log2 as usize], Reg::Rax, host.mem(offset));
                self.asm.mov_to_vector(Size::D, to, Reg::Rax);
            }
        }
    }

    /// Stores the registers.
    pub(super) fn store_data(&mut self, t: u8, access: &Access, host: Host) {
        let offset = access.unit_bytes();
        match (access.unit, access.second) {
            (Unit::Plain(Size::Q), Some(second)) if !self.source.alone => {
                // One access where it is aligned, as FEAT_LSE2 has it.
                let from = self.read_zr(t, Reg::Rax);
                self.asm.mov_to_vector(Size::Q, Xmm(0), from);
                let from = self.read_zr(second, Reg::Rax);
                self.asm.mov_to_vector(Size::Q, Xmm(1), from);
                self.asm.sse(Sse::PUNPCKLQDQ, Xmm(0), Xmm(1));
                self.asm.store_vector(host.mem(0), Xmm(0));
            }
            (Unit::Plain(Size::D) | Unit::Vector(2), Some(second)) if !self.source.alone => {
                self.give_word(second, access.unit, Reg::Rdx);
                self.asm.shift_imm(Shift::Shl, Size::Q, Reg::Rdx, 32);
                self.give_word(t, access.unit, Reg::Rax);
                self.asm.alu(Alu::Or, Size::Q, Reg::Rax, Reg::Rdx);
                self.asm.store(Size::Q, host.mem(0), Reg::Rax);
            }
            (Unit::Plain(size) | Unit::Signed(size, _), second) => {
                self.store_general(t, size, host, 0);
                if let Some(second) = second {
                    self.store_general(second, size, host, offset);
                }
                if access.ordered && !self.source.alone {
                    // A load-acquire must not come before a store-release.
                    self.asm.full_barrier();
                }
            }
            (Unit::Vector(3), Some(second)) if !self.source.alone => {
                let from = self.read_vector(t);
                self.asm.sse(Sse::MOVAPS, Xmm(0), from);
                let from = self.read_vector(second);
                self.asm.sse(Sse::PUNPCKLQDQ, Xmm(0), from);
                self.asm.store_vector(host.mem(0), Xmm(0));
            }
            (Unit::Vector(log2), second) => {
                self.store_one_vector(t, log2, host, 0);
                if let Some(second) = second {
                    self.store_one_vector(second, log2, host, offset);
                }
            }
        }
    }

    fn store_general(&mut self, t: u8, size: Size, host: Host, offset: i32) {
        if t == 31 {
            self.asm.store_imm(size, host.mem(offset), 0);
        } else {
            let from = self.read(t);
            self.asm.store(size, host.mem(offset), from);
        }
    }

    fn store_one_vector(&mut self, t: u8, log2: u32, host: Host, offset: i32) {
        let from = self.read_vector(t);
        match log2 {
            4 => self.asm.store_vector(host.mem(offset), from),
            2 | 3 => self.asm.store_scalar(SIZES[log2 as usize], host.mem(offset), from),
            _ => {
                self.asm.mov_from_vector(Size::D, Reg::Rax, from);
                self.asm.store(SIZES[log2 as usize], host.mem(offset), Reg::Rax);
            }
        }
    }
}
