//! Read-modify-write instructions (FEAT_LSE). On a machine whose CPUs do not run at the same time plain instructions do.
//! Every form acquires and releases: host atomics do, and order does not matter to a CPU alone.

use super::Look;
use super::decode::SIZES;
use super::lookup::{Host, Site};
use crate::jit::compile::Compiler;
use crate::jit::compile::integer::{rd, rm, rn};
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Size, Unary};
use crate::mmu::Route;

/// What is stored, of the old value and Rs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Add,
    Clear,
    Eor,
    Set,
    /// Keeps the old value where the condition holds of it and Rs.
    Keep(Cond),
    Swap,
}

impl Operation {
    /// The fields `o3` and `opc`.
    fn of(word: u32) -> Option<Operation> {
        Some(match word >> 12 & 15 {
            0 => Operation::Add,
            1 => Operation::Clear,
            2 => Operation::Eor,
            3 => Operation::Set,
            4 => Operation::Keep(Cond::Ge),
            5 => Operation::Keep(Cond::Le),
            6 => Operation::Keep(Cond::Ae),
            7 => Operation::Keep(Cond::Be),
            8 => Operation::Swap,
            _ => return None,
        })
    }

    /// The host's instruction that does it to memory, where nobody wants the old value.
    fn in_memory(self) -> Option<Alu> {
        match self {
            Operation::Add => Some(Alu::Add),
            Operation::Eor => Some(Alu::Xor),
            Operation::Set => Some(Alu::Or),
            _ => None,
        }
    }
}

impl Compiler<'_> {
    /// LDADD, LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN, SWP, and their forms without a result.
    pub(super) fn atomic(&mut self, word: u32) -> bool {
        let Some(operation) = Operation::of(word).filter(|_| word & 1 << 26 == 0) else { return false };
        self.clobber_flags();
        let (size, t, s, n) = (SIZES[(word >> 30) as usize], rd(word), rm(word), rn(word));
        for r in [n, s].into_iter().filter(|&r| r == n || r != 31) {
            self.read(r);
        }
        if t != 31 {
            self.prepare(t);
        }
        let before = self.cache;
        let mut slow = Label::default();
        let host = self.atomic_address(n, 1 << size as u32, &mut slow);
        if t == 31 && operation.in_memory().is_some() {
            self.in_memory(operation, size, s, host);
        } else if self.source.alone {
            self.asm.load(size, Reg::Rax, host.mem(0));
            self.new_value(operation, size, s);
            self.asm.store(size, host.mem(0), Reg::Rdx);
        } else {
            self.exchange(operation, size, s, host);
        }
        self.look_for_code(host, 1 << size as u32, Look::Loaded);
        self.assign(Size::Q, t, Reg::Rax);
        self.push_slow(slow, host.site, Route::Ordinary, before);
        true
    }

    /// Rs, where 31 is zero, in RDX.
    fn operand(&mut self, s: u8) {
        self.copy(Size::Q, Reg::Rdx, s);
    }

    fn in_memory(&mut self, operation: Operation, size: Size, s: u8, host: Host) {
        let Some(alu) = operation.in_memory() else { return };
        let from = self.read_zr(s, Reg::Rdx);
        if !self.source.alone {
            self.asm.lock();
        }
        self.asm.alu_store(alu, size, host.mem(0), from);
    }

    /// From the old value in RAX and Rs to the new one in RDX.
    fn new_value(&mut self, operation: Operation, size: Size, s: u8) {
        self.operand(s);
        let asm = &mut self.asm;
        match operation {
            Operation::Add => asm.alu(Alu::Add, Size::Q, Reg::Rdx, Reg::Rax),
            Operation::Clear => {
                asm.unary(Unary::Not, Size::Q, Reg::Rdx);
                asm.alu(Alu::And, Size::Q, Reg::Rdx, Reg::Rax);
            }
            Operation::Eor => asm.alu(Alu::Xor, Size::Q, Reg::Rdx, Reg::Rax),
            Operation::Set => asm.alu(Alu::Or, Size::Q, Reg::Rdx, Reg::Rax),
            Operation::Keep(cond) => {
                asm.alu(Alu::Cmp, size, Reg::Rax, Reg::Rdx);
                asm.cmov(cond, Size::Q, Reg::Rdx, Reg::Rax);
            }
            Operation::Swap => {}
        }
    }

    /// The atomic form: the old value, zero-extended, into RAX.
    fn exchange(&mut self, operation: Operation, size: Size, s: u8, host: Host) {
        match operation {
            Operation::Add | Operation::Swap => {
                self.copy(Size::Q, Reg::Rax, s);
                if operation == Operation::Add {
                    self.asm.lock_xadd(size, host.mem(0), Reg::Rax);
                } else {
                    self.asm.xchg(size, host.mem(0), Reg::Rax);
                }
                self.zero_extend_result(size);
            }
            _ => {
                self.asm.load(size, Reg::Rax, host.mem(0));
                let mut again = Label::default();
                self.asm.bind(&mut again);
                self.new_value(operation, size, s);
                self.asm.lock_cmpxchg(size, host.mem(0), Reg::Rdx);
                self.asm.jcc(Cond::Ne, &mut again);
                self.zero_extend_result(size);
            }
        }
    }

    fn zero_extend_result(&mut self, size: Size) {
        if size != Size::Q {
            self.asm.zero_extend(size, Reg::Rax, Reg::Rax);
        }
    }

    /// The host address of an aligned write of `len` bytes at Xn or SP.
    fn atomic_address(&mut self, n: u8, len: i32, slow: &mut Label) -> Host {
        let site = Site { base: self.read(n), disp: 0 };
        self.check_sp(n, slow);
        self.check_alignment(site, len, slow);
        self.look_up(site, len, true, Route::Ordinary, slow)
    }

    /// CAS.
    pub(super) fn compare_and_swap(&mut self, word: u32) -> bool {
        self.clobber_flags();
        let (size, t, s, n) = (SIZES[(word >> 30) as usize], rd(word), rm(word), rn(word));
        for r in [n, s, t].into_iter().enumerate().filter(|&(i, r)| i == 0 || r != 31) {
            self.read(r.1);
        }
        let before = self.cache;
        let mut slow = Label::default();
        let host = self.atomic_address(n, 1 << size as u32, &mut slow);
        let new = self.read_zr(t, Reg::Rdx);
        if self.source.alone {
            self.asm.load(size, Reg::Rax, host.mem(0));
            let mut differs = Label::default();
            self.compare_with(size, Reg::Rax, s);
            self.asm.jcc(Cond::Ne, &mut differs);
            self.asm.store(size, host.mem(0), new);
            self.asm.bind(&mut differs);
        } else {
            self.copy(Size::Q, Reg::Rax, s);
            self.asm.lock_cmpxchg(size, host.mem(0), new);
            self.zero_extend_result(size);
        }
        self.look_for_code(host, 1 << size as u32, Look::Loaded);
        self.assign(Size::Q, s, Reg::Rax);
        self.push_slow(slow, host.site, Route::Ordinary, before);
        true
    }

    /// Compares with X`r`, where 31 is zero.
    fn compare_with(&mut self, size: Size, value: Reg, r: u8) {
        if r == 31 {
            self.asm.test(size, value, value);
        } else {
            let with = self.read(r);
            self.asm.alu(Alu::Cmp, size, value, with);
        }
    }

    /// CASP of doublewords. Words, which hardly any software compares in pairs, are left to the handler.
    pub(super) fn compare_and_swap_pair(&mut self, word: u32) -> bool {
        let (t, s, n) = (rd(word), rm(word), rn(word));
        if word & 1 << 30 == 0 || (t | s) & 1 != 0 || !(self.source.alone || has_cmpxchg16b()) {
            return false;
        }
        self.clobber_flags();
        self.read(n);
        for r in [s, s + 1, t, t + 1].into_iter().filter(|&r| r != 31) {
            self.read(r);
        }
        let before = self.cache;
        let mut slow = Label::default();
        let host = self.atomic_address(n, 16, &mut slow);
        if self.source.alone {
            self.asm.load(Size::Q, Reg::Rax, host.mem(0));
            self.asm.load(Size::Q, Reg::Rdx, host.mem(8));
            let mut differs = Label::default();
            for (value, r) in [(Reg::Rax, s), (Reg::Rdx, s + 1)] {
                self.compare_with(Size::Q, value, r);
                self.asm.jcc(Cond::Ne, &mut differs);
            }
            for (offset, r) in [(0, t), (8, t + 1)] {
                if r == 31 {
                    self.asm.store_imm(Size::Q, host.mem(offset), 0);
                } else {
                    let from = self.read(r);
                    self.asm.store(Size::Q, host.mem(offset), from);
                }
            }
            self.asm.bind(&mut differs);
        } else {
            self.copy(Size::Q, Reg::Rax, s);
            self.copy(Size::Q, Reg::Rdx, s + 1);
            self.cmpxchg16b(host, t);
        }
        self.look_for_code(host, 16, Look::Loaded);
        self.assign(Size::Q, s, Reg::Rax);
        self.assign(Size::Q, s + 1, Reg::Rdx);
        self.push_slow(slow, host.site, Route::Ordinary, before);
        true
    }

    /// Compares 16 bytes with RDX:RAX and replaces them by X`t+1`:X`t`. RBX and RCX, where the instruction wants the
    /// new value, keep theirs.
    fn cmpxchg16b(&mut self, host: Host, t: u8) {
        self.asm.push(Reg::Rsi);
        self.asm.push(Reg::Rcx);
        self.asm.push(Reg::Rbx);
        self.asm.lea(Size::Q, Reg::Rsi, host.mem(0));
        self.copy(Size::Q, Reg::Rcx, t + 1);
        // The last read of a cached register: RBX may be one.
        self.copy(Size::Q, Reg::Rbx, t);
        self.asm.lock_cmpxchg16b(Mem::new(Reg::Rsi, 0));
        self.asm.pop(Reg::Rbx);
        self.asm.pop(Reg::Rcx);
        self.asm.pop(Reg::Rsi);
    }
}

pub(super) fn has_cmpxchg16b() -> bool {
    std::arch::is_x86_feature_detected!("cmpxchg16b")
}
