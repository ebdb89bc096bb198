//! Loads and stores: the look-up in the TLB inline, everything else by the interpreter's handler out of line.

use super::Compiler;
use super::Slow;
use super::integer::{rd, rm, rn};
use super::registers::SP;
use super::vectors::Width;
use crate::jit::layout::{
    CODE_TABLE, ENTRY_BYTES_LOG2, ENTRY_FAST, ENTRY_HOST, ENTRY_TAG, FIRST_MASK, FP_TRAPS, NEED_READ,
    NEED_WRITE, PC, RANGE_MASK, RANGE_OR, RANGE_SALT, TLB, data_range,
};
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Shift, Size, Sse, Unary, Xmm};
use droste_arch::a64::{Encoding, Group};

/// The host address of a guest byte, after a look-up.
const HOST: Mem = Mem::indexed(Reg::Rsi, Reg::Rdx, 0, 0);
const HOST_SECOND: Mem = Mem::indexed(Reg::Rsi, Reg::Rdx, 0, 16);

/// What moves between memory and registers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Zero-extended.
    Plain(Size),
    /// Sign-extended to 32 or 64 bits.
    Signed(Size, Size),
    /// A vector register of so many bytes as a power of two.
    Vector(u32),
}

/// How the address is made.
#[derive(Clone, Copy)]
enum Address {
    Offset(i32),
    PostIndex(i32),
    PreIndex(i32),
    /// Base plus Rm, extended by an option and shifted.
    Register {
        m: u8,
        option: u32,
        shift: u8,
    },
    /// Relative to the PC.
    Literal(i32),
}

struct Access {
    store: bool,
    unit: Unit,
    /// The second register of a pair.
    second: Option<u8>,
    address: Address,
    /// Load-acquire or store-release.
    ordered: bool,
}

impl Access {
    fn bytes(&self) -> i32 {
        match self.unit {
            Unit::Plain(size) | Unit::Signed(size, _) => 1 << size as u32,
            Unit::Vector(log2) => 1 << log2,
        }
    }
}

/// Sizes by the field of the encoding.
const SIZES: [Size; 4] = [Size::B, Size::W, Size::D, Size::Q];

impl Compiler<'_> {
    /// Emits a load or store, if it has a template.
    pub(super) fn memory(&mut self, encoding: Encoding, word: u32) -> bool {
        if encoding.name().starts_with("PRFM") && encoding.group() != Group::LdstMemop {
            return true;
        }
        let access = match encoding.group() {
            Group::LdstLdstPos => {
                single(word, |scale| Address::Offset(((word >> 10 & 0xfff) << scale) as i32))
            }
            Group::LdstLdstUnscaled => single(word, |_| Address::Offset(imm9(word))),
            Group::LdstLdstImmpost => single(word, |_| Address::PostIndex(imm9(word))),
            Group::LdstLdstImmpre => single(word, |_| Address::PreIndex(imm9(word))),
            Group::LdstLdstRegoff if word & 1 << 14 != 0 => single(word, |scale| Address::Register {
                m: rm(word),
                option: word >> 13 & 7,
                shift: (scale * (word >> 12 & 1)) as u8,
            }),
            Group::LdstLdstpairOff | Group::LdstLdstnapairOffs => pair(word, Address::Offset),
            Group::LdstLdstpairPost => pair(word, Address::PostIndex),
            Group::LdstLdstpairPre => pair(word, Address::PreIndex),
            Group::LdstLoadlit => literal(word),
            // LDAR and STLR, not LDLAR and STLLR, which not every CPU has.
            Group::LdstLdstord if word & 1 << 15 != 0 => Some(Access {
                store: word & 1 << 22 == 0,
                unit: Unit::Plain(SIZES[(word >> 30) as usize]),
                second: None,
                address: Address::Offset(0),
                ordered: true,
            }),
            _ => None,
        };
        let Some(access) = access else { return false };
        self.access(word, &access);
        true
    }

    fn access(&mut self, word: u32, access: &Access) {
        self.clobber_flags();
        let (t, n) = (rd(word), rn(word));
        let is_literal = matches!(access.address, Address::Literal(_));
        let base = if is_literal { PC } else { self.read(n) };
        let offset = match access.address {
            Address::Register { m, .. } if m != 31 => Some(self.read(m)),
            _ => None,
        };
        let is_vector = matches!(access.unit, Unit::Vector(_));
        let data: Vec<u8> =
            [Some(t), access.second].into_iter().flatten().filter(|&r| !is_vector && r != 31).collect();
        for &r in &data {
            if access.store {
                self.read(r)
            } else {
                self.prepare(r)
            };
        }
        for r in [Some(t), access.second].into_iter().flatten().filter(|_| is_vector) {
            if access.store {
                self.read_vector(r)
            } else {
                self.prepare_vector(r)
            };
        }
        let before = self.cache;
        let mut slow = Label::default();

        if is_vector && !self.fp_checked {
            self.asm.alu_mem_imm(Alu::Cmp, Size::B, FP_TRAPS, 0);
            self.asm.jcc(Cond::Ne, &mut slow);
            self.fp_checked = true;
        }
        if !is_literal && n == SP {
            self.asm.test_imm(Size::Q, base, 15);
            self.asm.jcc(Cond::Ne, &mut slow);
        }
        self.virtual_address(access, base, offset);
        self.look_up(access, &mut slow);
        if access.store {
            self.store_data(t, access);
        }
        if let Address::PostIndex(imm) | Address::PreIndex(imm) = access.address {
            self.asm.lea(Size::Q, base, Mem::new(base, imm));
            self.wrote(n);
        }
        if access.store {
            self.check_code(access);
        } else {
            self.load_data(t, access);
            for r in data {
                self.wrote(r);
            }
        }
        self.slow.push(Slow {
            entry: slow,
            index: self.index,
            before,
            flags: self.flags,
            after: self.cache,
            back: self.asm.offset(),
        });
    }

    /// The address into RDX.
    fn virtual_address(&mut self, access: &Access, base: Reg, offset: Option<Reg>) {
        match access.address {
            Address::Offset(0) | Address::PostIndex(_) => self.asm.mov(Size::Q, Reg::Rdx, base),
            Address::Offset(imm) | Address::PreIndex(imm) => {
                self.asm.lea(Size::Q, Reg::Rdx, Mem::new(base, imm));
            }
            Address::Literal(imm) => {
                self.asm.lea(Size::Q, Reg::Rdx, Mem::new(base, imm + 4 * self.index.cast_signed()));
            }
            Address::Register { option, shift, .. } => match offset {
                None => self.asm.mov(Size::Q, Reg::Rdx, base),
                Some(m) => {
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
                }
            },
        }
    }

    /// From the address in RDX to the host page in RSI and the offset in RDX, or to `slow`. Clobbers RAX and RCX. Cost:
    /// some twenty instructions, six loads that hit, three or four branches that are not taken.
    fn look_up(&mut self, access: &Access, slow: &mut Label) {
        let bytes = access.bytes();
        let asm = &mut self.asm;
        if bytes > 1 {
            asm.test_imm(Size::B, Reg::Rdx, bytes - 1);
            asm.jcc(Cond::Ne, slow);
        }
        if access.second.is_some() {
            // The second register's address is in the same page.
            asm.lea(Size::D, Reg::Rcx, Mem::new(Reg::Rdx, bytes));
            asm.test_imm(Size::D, Reg::Rcx, 0xfff);
            asm.jcc(Cond::E, slow);
        }
        // Bit 55 chooses the range, whose number times three is the index.
        asm.mov(Size::Q, Reg::Rcx, Reg::Rdx);
        asm.shift_imm(Shift::Shr, Size::Q, Reg::Rcx, 55);
        asm.alu_imm(Alu::And, Size::D, Reg::Rcx, 1);
        asm.lea(Size::D, Reg::Rcx, Mem::indexed(Reg::Rcx, Reg::Rcx, 1, 0));
        asm.mov(Size::Q, Reg::Rax, Reg::Rdx);
        asm.shift_imm(Shift::Shr, Size::Q, Reg::Rax, 12);
        asm.alu_load(Alu::Xor, Size::Q, Reg::Rax, data_range(Reg::Rcx, RANGE_SALT));
        asm.alu_imm(Alu::And, Size::D, Reg::Rax, FIRST_MASK);
        asm.shift_imm(Shift::Shl, Size::D, Reg::Rax, ENTRY_BYTES_LOG2);
        asm.alu(Alu::Add, Size::Q, Reg::Rax, TLB);
        asm.mov(Size::Q, Reg::Rsi, Reg::Rdx);
        asm.alu_load(Alu::And, Size::Q, Reg::Rsi, data_range(Reg::Rcx, RANGE_MASK));
        asm.alu_load(Alu::Or, Size::Q, Reg::Rsi, data_range(Reg::Rcx, RANGE_OR));
        asm.alu_load(Alu::Cmp, Size::Q, Reg::Rsi, Mem::new(Reg::Rax, ENTRY_TAG));
        asm.jcc(Cond::Ne, slow);
        // Slow if anything that is needed is not there.
        asm.load(Size::W, Reg::Rcx, Mem::new(Reg::Rax, ENTRY_FAST));
        asm.unary(Unary::Not, Size::D, Reg::Rcx);
        asm.alu_load(Alu::And, Size::W, Reg::Rcx, if access.store { NEED_WRITE } else { NEED_READ });
        asm.jcc(Cond::Ne, slow);
        asm.load(Size::Q, Reg::Rsi, Mem::new(Reg::Rax, ENTRY_HOST));
        asm.alu_imm(Alu::And, Size::D, Reg::Rdx, 0xfff);
    }

    fn load_data(&mut self, t: u8, access: &Access) {
        match (access.unit, access.second) {
            (Unit::Plain(size), None) => {
                let to = if t == 31 { Reg::Rax } else { self.prepare(t) };
                self.asm.load(size, to, HOST);
            }
            (Unit::Signed(from, to_size), None) => {
                let to = if t == 31 { Reg::Rax } else { self.prepare(t) };
                self.asm.load_signed(from, to_size, to, HOST);
            }
            (Unit::Plain(Size::Q), Some(second)) => {
                self.asm.load_vector(Xmm(0), HOST);
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
            (Unit::Plain(_) | Unit::Signed(..), Some(second)) => {
                self.asm.load(Size::Q, Reg::Rax, HOST);
                self.asm.mov(Size::Q, Reg::Rcx, Reg::Rax);
                self.asm.shift_imm(Shift::Shr, Size::Q, Reg::Rcx, 32);
                let signed = matches!(access.unit, Unit::Signed(..));
                for (r, from) in [(t, Reg::Rax), (second, Reg::Rcx)] {
                    if r == 31 {
                        continue;
                    }
                    let to = self.prepare(r);
                    if signed {
                        self.asm.sign_extend(Size::D, Size::Q, to, from);
                    } else {
                        self.asm.mov(Size::D, to, from);
                    }
                }
            }
            (Unit::Vector(4), second) => {
                let to = self.write_vector(t, Width::Full);
                self.asm.load_vector(to, HOST);
                // The second register wins where both are the same.
                if let Some(second) = second {
                    let to = self.write_vector(second, Width::Full);
                    self.asm.load_vector(to, HOST_SECOND);
                }
            }
            (Unit::Vector(_), Some(second)) => {
                self.asm.load_vector(Xmm(0), HOST);
                let to = self.write_vector(t, Width::Double);
                self.asm.sse(Sse::MOVQ, to, Xmm(0));
                self.asm.sse(Sse::PUNPCKHQDQ, Xmm(0), Xmm(0));
                let to = self.write_vector(second, Width::Double);
                self.asm.sse(Sse::MOVQ, to, Xmm(0));
            }
            (Unit::Vector(3), None) => {
                let to = self.write_vector(t, Width::Double);
                self.asm.load_scalar(Size::Q, to, HOST);
            }
            (Unit::Vector(2), None) => {
                let to = self.write_vector(t, Width::Single);
                self.asm.load_scalar(Size::D, to, HOST);
            }
            (Unit::Vector(log2), None) => {
                let to = self.write_vector(t, Width::Single);
                self.asm.load(SIZES[log2 as usize], Reg::Rax, HOST);
                self.asm.mov_to_vector(Size::D, to, Reg::Rax);
            }
        }
    }

    fn store_data(&mut self, t: u8, access: &Access) {
        match (access.unit, access.second) {
            (Unit::Plain(size) | Unit::Signed(size, _), None) => {
                let from = self.read_zr(t, Reg::Rax);
                self.asm.store(size, HOST, from);
                if access.ordered {
                    self.asm.full_barrier();
                }
            }
            (Unit::Plain(Size::Q), Some(second)) => {
                let from = self.read_zr(t, Reg::Rax);
                self.asm.mov_to_vector(Size::Q, Xmm(0), from);
                let from = self.read_zr(second, Reg::Rax);
                self.asm.mov_to_vector(Size::Q, Xmm(1), from);
                self.asm.sse(Sse::PUNPCKLQDQ, Xmm(0), Xmm(1));
                self.asm.store_vector(HOST, Xmm(0));
            }
            (Unit::Plain(_) | Unit::Signed(..), Some(second)) => {
                self.copy(Size::D, Reg::Rax, t);
                self.copy(Size::D, Reg::Rcx, second);
                self.asm.shift_imm(Shift::Shl, Size::Q, Reg::Rcx, 32);
                self.asm.alu(Alu::Or, Size::Q, Reg::Rax, Reg::Rcx);
                self.asm.store(Size::Q, HOST, Reg::Rax);
            }
            (Unit::Vector(4), second) => {
                let from = self.read_vector(t);
                self.asm.store_vector(HOST, from);
                if let Some(second) = second {
                    let from = self.read_vector(second);
                    self.asm.store_vector(HOST_SECOND, from);
                }
            }
            (Unit::Vector(_), Some(second)) => {
                let from = self.read_vector(t);
                self.asm.sse(Sse::MOVAPS, Xmm(0), from);
                let from = self.read_vector(second);
                self.asm.sse(Sse::PUNPCKLQDQ, Xmm(0), from);
                self.asm.store_vector(HOST, Xmm(0));
            }
            (Unit::Vector(log2 @ 2..), None) => {
                let from = self.read_vector(t);
                self.asm.store_scalar(SIZES[log2 as usize], HOST, from);
            }
            (Unit::Vector(log2), None) => {
                let from = self.read_vector(t);
                self.asm.mov_from_vector(Size::D, Reg::Rax, from);
                self.asm.store(SIZES[log2 as usize], HOST, Reg::Rax);
            }
        }
    }

    /// Tells if the page that was just written holds decoded code.
    fn check_code(&mut self, access: &Access) {
        self.asm.mov(Size::Q, Reg::Rcx, Reg::Rsi);
        self.asm.shift_imm(Shift::Shr, Size::Q, Reg::Rcx, 12);
        self.asm.alu_mem_imm(Alu::Cmp, Size::B, Mem::indexed(CODE_TABLE, Reg::Rcx, 0, 0), 0);
        let from = self.asm.jcc_unbound(Cond::Ne);
        let bytes = access.bytes() as u32 * if access.second.is_some() { 2 } else { 1 };
        self.code_writes.push((from, bytes, self.asm.offset()));
    }
}

fn imm9(word: u32) -> i32 {
    (word << 11).cast_signed() >> 23
}

/// The fields `size`, `V` and `opc` of a load or store of one register. `address` is given log2 of the size.
fn single(word: u32, address: impl FnOnce(u32) -> Address) -> Option<Access> {
    let (size, opc) = (word >> 30, word >> 22 & 3);
    let (store, unit, scale) = if word & 1 << 26 != 0 {
        let log2 = (opc >> 1) << 2 | size;
        if log2 > 4 {
            return None;
        }
        (opc & 1 == 0, Unit::Vector(log2), log2)
    } else {
        let memory = SIZES[size as usize];
        let unit = match opc {
            0 | 1 => Unit::Plain(memory),
            2 if size < 3 => Unit::Signed(memory, Size::Q),
            3 if size < 2 => Unit::Signed(memory, Size::D),
            _ => return None,
        };
        (opc == 0, unit, size)
    };
    Some(Access { store, unit, second: None, address: address(scale), ordered: false })
}

/// The fields of a load or store of a pair.
fn pair(word: u32, address: impl FnOnce(i32) -> Address) -> Option<Access> {
    let opc = word >> 30;
    let store = word & 1 << 22 == 0;
    let (unit, scale) = match (word & 1 << 26 != 0, opc) {
        (false, 0) => (Unit::Plain(Size::D), 2),
        (false, 1) if !store => (Unit::Signed(Size::D, Size::Q), 2),
        (false, 2) => (Unit::Plain(Size::Q), 3),
        (true, 1) => (Unit::Vector(3), 3),
        (true, 2) => (Unit::Vector(4), 4),
        _ => return None,
    };
    let imm = ((word << 10).cast_signed() >> 25) << scale;
    let second = Some((word >> 10 & 31) as u8);
    Some(Access { store, unit, second, address: address(imm), ordered: false })
}

/// The fields of a load relative to the PC.
fn literal(word: u32) -> Option<Access> {
    let unit = match (word & 1 << 26 != 0, word >> 30) {
        (false, 0) => Unit::Plain(Size::D),
        (false, 1) => Unit::Plain(Size::Q),
        (false, 2) => Unit::Signed(Size::D, Size::Q),
        (true, log2 @ 0..=2) => Unit::Vector(log2 + 2),
        _ => return None,
    };
    let imm = ((word << 8).cast_signed() >> 13) * 4;
    Some(Access { store: false, unit, second: None, address: Address::Literal(imm), ordered: false })
}
