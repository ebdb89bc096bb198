//! From a guest address to a host address.

use crate::jit::compile::Compiler;
use crate::jit::layout::{
    ADDEND, CODE, COMPARAND_SHIFT, OFFSET_MASK, OFFSET_SHIFT, READ, TLB, WRITE, comparand_id, comparand_mask,
};
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Shift, Size};
use crate::mmu::Route;

/// A guest address: a register and a displacement.
#[derive(Clone, Copy)]
pub(in crate::jit::compile) struct Site {
    pub(super) base: Reg,
    pub(super) disp: i32,
}

impl Site {
    /// The address itself.
    pub(in crate::jit::compile) fn mem(self) -> Mem {
        Mem::new(self.base, self.disp)
    }

    fn end(self, len: i32) -> Mem {
        Mem::new(self.base, self.disp + len - 1)
    }
}

/// The host address of a guest address: the addend is in a register.
#[derive(Clone, Copy)]
pub(super) struct Host {
    pub(super) site: Site,
    pub(super) addend: Reg,
}

impl Host {
    /// The memory at a distance from the address.
    pub(super) fn mem(self, offset: i32) -> Mem {
        Mem::indexed(self.site.base, self.addend, 0, self.site.disp + offset)
    }
}

/// A field of the entry whose offset is in RCX.
pub(super) fn entry(field: i32) -> Mem {
    Mem::indexed(TLB, Reg::Rcx, 0, field)
}

impl Compiler<'_> {
    /// The base plus Rm, extended by an option and shifted, in RDX.
    pub(super) fn indexed_site(&mut self, n: u8, m: u8, option: u32, shift: u8) -> Site {
        let (base, m) = (self.read(n), self.read(m));
        let index = match option {
            2 => {
                self.asm.mov(Size::D, Reg::Rdx, m);
                Reg::Rdx
            }
            6 => {
                self.asm.sign_extend(Size::D, Size::Q, Reg::Rdx, m);
                Reg::Rdx
            }
            _ => m,
        };
        if shift == 4 {
            self.asm.mov(Size::Q, Reg::Rdx, index);
            self.asm.shift_imm(Shift::Shl, Size::Q, Reg::Rdx, 4);
            self.asm.alu(Alu::Add, Size::Q, Reg::Rdx, base);
        } else {
            self.asm.lea(Size::Q, Reg::Rdx, Mem::indexed(base, index, shift, 0));
        }
        Site { base: Reg::Rdx, disp: 0 }
    }

    /// Finds the entry for `len` bytes, which gives its offset in RCX, or goes to `slow`: the entry is that of the first
    /// byte, the comparison asks for the last one, so both are in one page. Changes RSI. Cost: nine instructions, three
    /// loads that hit, one branch that is not taken.
    pub(super) fn compare_page(
        &mut self,
        site: Site,
        len: i32,
        comparand: i32,
        route: Route,
        slow: &mut Label,
    ) {
        let asm = &mut self.asm;
        if site.disp == 0 {
            asm.mov(Size::D, Reg::Rcx, site.base);
        } else {
            asm.lea(Size::D, Reg::Rcx, site.mem());
        }
        asm.shift_imm(Shift::Shr, Size::D, Reg::Rcx, OFFSET_SHIFT);
        asm.alu_imm(Alu::And, Size::D, Reg::Rcx, OFFSET_MASK);
        if site.disp + len == 1 {
            asm.mov(Size::Q, Reg::Rsi, site.base);
        } else {
            asm.lea(Size::Q, Reg::Rsi, site.end(len));
        }
        asm.shift_imm(Shift::Sar, Size::Q, Reg::Rsi, COMPARAND_SHIFT);
        asm.alu_load(Alu::And, Size::Q, Reg::Rsi, comparand_mask(route));
        asm.alu_load(Alu::Xor, Size::Q, Reg::Rsi, comparand_id(route));
        asm.alu_load(Alu::Cmp, Size::Q, Reg::Rsi, entry(comparand));
        asm.jcc(Cond::Ne, slow);
    }

    /// The host address of `len` bytes, whose addend is in RSI, or `slow`. For a write the address of the page's code
    /// mark is in RCX, otherwise that changes.
    pub(super) fn look_up(
        &mut self,
        site: Site,
        len: i32,
        write: bool,
        route: Route,
        slow: &mut Label,
    ) -> Host {
        self.compare_page(site, len, if write { WRITE } else { READ }, route, slow);
        self.asm.load(Size::Q, Reg::Rsi, entry(ADDEND));
        if write {
            self.asm.load(Size::Q, Reg::Rcx, entry(CODE));
        }
        Host { site, addend: Reg::Rsi }
    }

    /// Goes to `slow` unless an address is aligned to `len` bytes.
    pub(super) fn check_alignment(&mut self, site: Site, len: i32, slow: &mut Label) {
        if len == 1 {
            return;
        }
        if site.disp & (len - 1) == 0 {
            self.asm.test_imm(Size::B, site.base, len - 1);
        } else {
            self.asm.lea(Size::D, Reg::Rcx, site.mem());
            self.asm.test_imm(Size::B, Reg::Rcx, len - 1);
        }
        self.asm.jcc(Cond::Ne, slow);
    }
}
