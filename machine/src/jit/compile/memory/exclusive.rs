//! Load-exclusive and store-exclusive: the monitor remembers address and value, and a store compares.

use super::Look;
use super::decode::SIZES;
use super::lookup::{Host, Site};
use crate::jit::compile::Compiler;
use crate::jit::compile::integer::{rd, rm, rn};
use crate::jit::layout::{MONITOR_PA, MONITOR_SIZE, MONITOR_VALID, monitor_value};
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Size};
use crate::mmu::Route;

impl Compiler<'_> {
    /// LDXR, LDAXR, STXR, STLXR, and those of pairs of doublewords where no other CPU runs.
    pub(super) fn exclusive(&mut self, word: u32) -> bool {
        let pair = word & 1 << 21 != 0;
        if pair && (word & 1 << 30 == 0 || !self.source.alone) {
            return false;
        }
        self.clobber_flags();
        let second = pair.then_some((word >> 10 & 31) as u8);
        if word & 1 << 22 != 0 {
            self.load_exclusive(word, second)
        } else {
            self.store_exclusive(word, second)
        }
        true
    }

    fn load_exclusive(&mut self, word: u32, second: Option<u8>) {
        let (size, t, n) = (SIZES[(word >> 30) as usize], rd(word), rn(word));
        let len = (1 << size as u32) << i32::from(second.is_some());
        self.read(n);
        for r in [Some(t), second].into_iter().flatten().filter(|&r| r != 31) {
            self.prepare(r);
        }
        let before = self.cache;
        let mut slow = Label::default();
        let host = self.exclusive_address(n, len, false, &mut slow);
        self.asm.load(size, Reg::Rax, host.mem(0));
        self.asm.store(Size::Q, monitor_value(0), Reg::Rax);
        if let Some(second) = second {
            self.asm.load(Size::Q, Reg::Rcx, host.mem(8));
            self.asm.store(Size::Q, monitor_value(1), Reg::Rcx);
            self.physical_address(host);
            self.assign(Size::Q, t, Reg::Rax);
            self.assign(Size::Q, second, Reg::Rcx);
        } else {
            self.asm.store_imm(Size::Q, monitor_value(1), 0);
            self.physical_address(host);
            self.assign(Size::Q, t, Reg::Rax);
        }
        self.asm.store(Size::Q, MONITOR_PA, Reg::Rdx);
        self.asm.store_imm(Size::B, MONITOR_SIZE, len);
        self.asm.store_imm(Size::B, MONITOR_VALID, 1);
        self.push_slow(slow, host.site, Route::Ordinary, before);
    }

    fn store_exclusive(&mut self, word: u32, second: Option<u8>) {
        let (size, t, s, n) = (SIZES[(word >> 30) as usize], rd(word), rm(word), rn(word));
        let len = (1 << size as u32) << i32::from(second.is_some());
        self.read(n);
        for r in [Some(t), second].into_iter().flatten().filter(|&r| r != 31) {
            self.read(r);
        }
        if s != 31 {
            self.prepare(s);
        }
        let before = self.cache;
        let mut slow = Label::default();
        let host = self.exclusive_address(n, len, true, &mut slow);
        let (mut failed, mut done) = (Label::default(), Label::default());
        self.asm.alu_mem_imm(Alu::Cmp, Size::B, MONITOR_VALID, 0);
        self.asm.jcc(Cond::E, &mut failed);
        self.asm.store_imm(Size::B, MONITOR_VALID, 0);
        self.physical_address(host);
        self.asm.alu_load(Alu::Cmp, Size::Q, Reg::Rdx, MONITOR_PA);
        self.asm.jcc(Cond::Ne, &mut failed);
        self.asm.alu_mem_imm(Alu::Cmp, Size::B, MONITOR_SIZE, len);
        self.asm.jcc(Cond::Ne, &mut failed);
        self.asm.load(Size::Q, Reg::Rax, monitor_value(0));
        if self.source.alone {
            self.asm.alu_load(Alu::Cmp, size, Reg::Rax, host.mem(0));
            self.asm.jcc(Cond::Ne, &mut failed);
            if let Some(second) = second {
                self.asm.load(Size::Q, Reg::Rax, monitor_value(1));
                self.asm.alu_load(Alu::Cmp, Size::Q, Reg::Rax, host.mem(8));
                self.asm.jcc(Cond::Ne, &mut failed);
                let from = self.read_zr(second, Reg::Rax);
                self.asm.store(Size::Q, host.mem(8), from);
            }
            let from = self.read_zr(t, Reg::Rax);
            self.asm.store(size, host.mem(0), from);
        } else {
            let from = self.read_zr(t, Reg::Rdx);
            self.asm.lock_cmpxchg(size, host.mem(0), from);
            self.asm.jcc(Cond::Ne, &mut failed);
        }
        self.look_for_code(host, len, Look::Loaded);
        self.asm.mov_imm(Reg::Rax, 0);
        self.asm.jmp(&mut done);
        self.asm.bind(&mut failed);
        self.asm.mov_imm(Reg::Rax, 1);
        self.asm.bind(&mut done);
        self.assign(Size::Q, s, Reg::Rax);
        self.push_slow(slow, host.site, Route::Ordinary, before);
    }

    fn exclusive_address(&mut self, n: u8, len: i32, write: bool, slow: &mut Label) -> Host {
        let site = Site { base: self.read(n), disp: 0 };
        self.check_sp(n, slow);
        self.check_alignment(site, len, slow);
        self.look_up(site, len, write, Route::Ordinary, slow)
    }

    /// The guest's physical address of a host address, in RDX.
    fn physical_address(&mut self, host: Host) {
        self.asm.mov_imm(Reg::Rdx, self.source.physical_less_host);
        self.asm.alu(Alu::Add, Size::Q, Reg::Rdx, host.addend);
        self.asm.lea(Size::Q, Reg::Rdx, Mem::indexed(Reg::Rdx, host.site.base, 0, host.site.disp));
    }
}
