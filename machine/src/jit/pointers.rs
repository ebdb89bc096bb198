//! Shared code of pointer authentication: the algorithm of `pauth::fast` on the host's AES instructions, and the layout of
//! pointers of FEAT_PAuth2.

use super::layout::{PAC_KEYS, PAC_ROUNDS, pac_range, state};
use super::x64::{Alu, Assembler, Cond, Label, Mem, Reg, Shift, Size, Sse, Xmm};
use crate::pauth::{PacKey, PointerRange};
use crate::sysreg::View;
use std::mem::offset_of;

/// Offset of the code by whether it checks, and by key.
pub(super) type Pointers = [[usize; 4]; 2];

const ABOVE: i32 = offset_of!(PointerRange, above) as i32;
const FIELD: i32 = offset_of!(PointerRange, field) as i32;
/// The addressing scales by this.
const RANGE_BYTES_LOG2: u8 = 4;
const _: () = assert!(size_of::<PointerRange>() == 1 << RANGE_BYTES_LOG2);

/// Emits the code for every key. Called with a pointer in RSI and a modifier in RDX; RAX is the result if ZF is set on
/// return. Clobbers RCX, RDX, RSI and XMM0 to XMM3. Cost: the latency of three AES rounds and of two moves between
/// register files; a check is not on the path of its result.
pub(super) fn emit(asm: &mut Assembler<'_>) -> Pointers {
    [false, true].map(|auth| [PacKey::IA, PacKey::IB, PacKey::DA, PacKey::DB].map(|key| one(asm, auth, key)))
}

fn one(asm: &mut Assembler<'_>, auth: bool, key: PacKey) -> usize {
    let at = asm.offset();
    let mut fail = Label::default();
    asm.test_mem_imm(Size::B, PAC_KEYS, 1 << key as i32);
    asm.jcc(Cond::E, &mut fail);
    asm.mov_to_vector(Size::Q, Xmm(1), Reg::Rdx);
    let range = |asm: &mut Assembler<'_>, field| {
        asm.mov(Size::Q, Reg::Rax, Reg::Rsi);
        asm.shift_imm(Shift::Shr, Size::Q, Reg::Rax, 55);
        asm.alu_imm(Alu::And, Size::D, Reg::Rax, 1);
        asm.shift_imm(Shift::Shl, Size::D, Reg::Rax, RANGE_BYTES_LOG2);
        asm.load(Size::Q, Reg::Rcx, pac_range(key.is_data(), Reg::Rax, field));
    };
    asm.mov(Size::Q, Reg::Rdx, Reg::Rsi);
    if auth {
        // The pointer without its code: its field filled with bit 55.
        range(asm, FIELD);
        asm.shift_imm(Shift::Shl, Size::Q, Reg::Rdx, 8);
        asm.shift_imm(Shift::Sar, Size::Q, Reg::Rdx, 63);
        asm.alu(Alu::Xor, Size::Q, Reg::Rdx, Reg::Rsi);
        asm.alu(Alu::And, Size::Q, Reg::Rdx, Reg::Rcx);
        asm.alu(Alu::Xor, Size::Q, Reg::Rdx, Reg::Rsi);
        asm.mov_to_vector(Size::Q, Xmm(0), Reg::Rdx);
    } else {
        // Canonical: all bits above the address are the same.
        range(asm, ABOVE);
        asm.mov_to_vector(Size::Q, Xmm(0), Reg::Rsi);
        asm.shift_imm(Shift::Sar, Size::Q, Reg::Rdx, 63);
        asm.alu(Alu::Xor, Size::Q, Reg::Rdx, Reg::Rsi);
        asm.test(Size::Q, Reg::Rdx, Reg::Rcx);
        asm.jcc(Cond::Ne, &mut fail);
        asm.load(Size::Q, Reg::Rcx, pac_range(key.is_data(), Reg::Rax, FIELD));
    }
    let [high, low] = key.registers().map(|r| state(View::stored(r).offset));
    asm.load_scalar(Size::Q, Xmm(2), low);
    asm.load_scalar(Size::Q, Xmm(3), high);
    asm.sse(Sse::PUNPCKLQDQ, Xmm(2), Xmm(3));
    asm.sse(Sse::PUNPCKLQDQ, Xmm(0), Xmm(1));
    asm.sse(Sse::PXOR, Xmm(0), Xmm(2));
    asm.mov_imm(Reg::Rax, PAC_ROUNDS.as_ptr().addr() as u64);
    for round in 0..PAC_ROUNDS.len() {
        asm.load_vector(Xmm(1), Mem::new(Reg::Rax, 16 * round as i32));
        asm.sse(Sse::PXOR, Xmm(1), Xmm(2));
        asm.sse(Sse::AESENC, Xmm(0), Xmm(1));
    }
    asm.sse(Sse::MOVAPS, Xmm(1), Xmm(0));
    asm.sse(Sse::PUNPCKHQDQ, Xmm(1), Xmm(1));
    asm.sse(Sse::PXOR, Xmm(0), Xmm(1));
    asm.mov_from_vector(Size::Q, Reg::Rax, Xmm(0));
    if auth {
        asm.alu(Alu::Xor, Size::Q, Reg::Rax, Reg::Rsi);
        asm.alu(Alu::Xor, Size::Q, Reg::Rax, Reg::Rdx);
        asm.test(Size::Q, Reg::Rax, Reg::Rcx);
        asm.jcc(Cond::Ne, &mut fail);
        asm.mov(Size::Q, Reg::Rax, Reg::Rdx);
    } else {
        asm.alu(Alu::And, Size::Q, Reg::Rax, Reg::Rcx);
        asm.alu(Alu::Xor, Size::Q, Reg::Rax, Reg::Rsi);
    }
    asm.alu(Alu::Cmp, Size::D, Reg::Rax, Reg::Rax);
    asm.ret();
    asm.bind(&mut fail);
    // Never zero.
    asm.test(Size::Q, Reg::Rsp, Reg::Rsp);
    asm.ret();
    at
}
