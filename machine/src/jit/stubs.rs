//! Code that all blocks share, at the start of the region.

use super::layout::{BIAS, BLOCK_PC, BRANCH_CACHE, BTYPE, CODE_TABLE, CPU, FETCH_ID, PC, STATE_PC, TBI, TLB};
use super::runtime;
use super::x64::{Alu, Assembler, Cond, Label, Mem, Reg, Shift, Size, Xmm};

/// log2 of the entries of the branch cache.
pub(super) const BRANCH_CACHE_LOG2: u32 = 12;
/// log2 of the size of a [`Branch`].
const BRANCH_BYTES_LOG2: u8 = 5;

/// An entry of the branch cache: where the code at a virtual address is, as long as fetches have this id.
#[derive(Clone, Copy, Default)]
#[repr(C, align(32))]
pub(super) struct Branch {
    /// The PC, with PSTATE.BTYPE in its low bits.
    pub(super) tag: u64,
    pub(super) fetch_id: u64,
    pub(super) code: u64,
}

const _: () = assert!(size_of::<Branch>() == 1 << BRANCH_BYTES_LOG2);

/// The slot of the branch cache for a PC.
pub(super) fn branch_slot(pc: u64) -> usize {
    (pc >> 2 ^ pc >> 14) as usize & ((1 << BRANCH_CACHE_LOG2) - 1)
}

/// Offsets of the shared code in the region.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Stubs {
    /// Called by [`runtime::enter`].
    pub(super) enter: usize,
    /// Leaves with everything retired and the PC in its register.
    pub(super) leave: usize,
    /// The same with the answer in RAX.
    pub(super) leave_with: usize,
    /// Leaves after an instruction that answered EAX as the EDX-th of its block; its PC is stored.
    pub(super) leave_after: usize,
    /// Calls the handler RDX for the instruction ESI, whose PC is stored.
    pub(super) call_handler: usize,
    /// The same for the target of an indirect branch.
    pub(super) call_target: usize,
    /// Tells that the host page RCX, which holds code, was written. Keeps the cached registers.
    pub(super) wrote_code: usize,
    /// Goes on at the PC in its register.
    pub(super) branch: usize,
    /// The same after an indirect branch: with a top byte to ignore and with BTYPE.
    pub(super) branch_indirect: usize,
    /// Where blocks begin.
    pub(super) end: usize,
}

const SAVED: [Reg; 6] = [Reg::Rbx, Reg::Rbp, Reg::R12, Reg::R13, Reg::R14, Reg::R15];
/// The cached registers that a call does not keep.
const CALLER_SAVED: [Reg; 5] = [Reg::Rdi, Reg::R8, Reg::R9, Reg::R10, Reg::R11];
/// The same of the vector registers: XMM4 to XMM15.
const CALLER_SAVED_VECTORS: std::ops::Range<u8> = 4..16;
const VECTORS_BYTES: i32 = 16 * CALLER_SAVED_VECTORS.end as i32;

/// Emits the shared code to the start of the region.
pub(super) fn emit(asm: &mut Assembler<'_>) -> Stubs {
    let mut stubs = Stubs { enter: asm.offset(), ..Stubs::default() };
    for reg in SAVED {
        asm.push(reg);
    }
    // The stack is aligned to 16 bytes in blocks.
    asm.alu_imm(Alu::Sub, Size::Q, Reg::Rsp, 8);
    asm.mov(Size::Q, CPU, Reg::Rdi);
    asm.mov(Size::Q, TLB, Reg::Rdx);
    asm.mov(Size::Q, CODE_TABLE, Reg::Rcx);
    asm.mov(Size::Q, PC, Reg::R8);
    asm.jmp_reg(Reg::Rsi);

    stubs.leave_after = asm.offset();
    asm.shift_imm(Shift::Shl, Size::Q, Reg::Rdx, 8);
    asm.alu(Alu::Or, Size::Q, Reg::Rax, Reg::Rdx);
    let mut out = Label::default();
    asm.jmp(&mut out);

    stubs.leave = asm.offset();
    asm.mov_imm(Reg::Rax, u64::from(runtime::DONE));
    stubs.leave_with = asm.offset();
    asm.store(Size::Q, STATE_PC, PC);
    asm.bind(&mut out);
    asm.alu_imm(Alu::Add, Size::Q, Reg::Rsp, 8);
    for reg in SAVED.into_iter().rev() {
        asm.pop(reg);
    }
    asm.ret();

    let call = |asm: &mut Assembler<'_>, function: u64| {
        let at = asm.offset();
        asm.store(Size::Q, BLOCK_PC, PC);
        asm.lea(Size::Q, Reg::Rdi, Mem::new(CPU, -(BIAS as i32)));
        asm.mov_imm(Reg::Rax, function);
        // A tail call but for the alignment of the stack.
        asm.alu_imm(Alu::Sub, Size::Q, Reg::Rsp, 8);
        asm.call_reg(Reg::Rax);
        asm.alu_imm(Alu::Add, Size::Q, Reg::Rsp, 8);
        asm.ret();
        at
    };
    stubs.call_handler = call(asm, runtime::call_handler as *const () as u64);
    stubs.call_target = call(asm, runtime::call_target as *const () as u64);

    stubs.wrote_code = asm.offset();
    for reg in CALLER_SAVED {
        asm.push(reg);
    }
    asm.alu_imm(Alu::Sub, Size::Q, Reg::Rsp, VECTORS_BYTES);
    for n in CALLER_SAVED_VECTORS {
        asm.store_vector(Mem::new(Reg::Rsp, 16 * i32::from(n)), Xmm(n));
    }
    asm.lea(Size::Q, Reg::Rdi, Mem::new(CPU, -(BIAS as i32)));
    asm.mov(Size::Q, Reg::Rsi, Reg::Rcx);
    asm.mov_imm(Reg::Rax, runtime::wrote_code as *const () as u64);
    asm.call_reg(Reg::Rax);
    for n in CALLER_SAVED_VECTORS {
        asm.load_vector(Xmm(n), Mem::new(Reg::Rsp, 16 * i32::from(n)));
    }
    asm.alu_imm(Alu::Add, Size::Q, Reg::Rsp, VECTORS_BYTES);
    for reg in CALLER_SAVED.into_iter().rev() {
        asm.pop(reg);
    }
    asm.ret();

    let mut look_up = Label::default();
    stubs.branch_indirect = asm.offset();
    asm.alu_mem_imm(Alu::Cmp, Size::W, TBI, 0);
    let plain = asm.jcc_unbound(Cond::E);
    asm.lea(Size::Q, Reg::Rdi, Mem::new(CPU, -(BIAS as i32)));
    asm.mov(Size::Q, Reg::Rsi, PC);
    asm.mov_imm(Reg::Rax, runtime::branch_address as *const () as u64);
    asm.call_reg(Reg::Rax);
    asm.mov(Size::Q, PC, Reg::Rax);
    let here = asm.offset();
    asm.patch(plain, here);
    asm.test_imm(Size::B, PC, 3);
    asm.jcc_offset(Cond::Ne, stubs.leave);
    asm.load(Size::B, Reg::Rcx, BTYPE);
    asm.alu(Alu::Or, Size::Q, Reg::Rcx, PC);
    asm.jmp(&mut look_up);

    stubs.branch = asm.offset();
    asm.mov(Size::Q, Reg::Rcx, PC);
    asm.bind(&mut look_up);
    asm.mov(Size::Q, Reg::Rax, PC);
    asm.mov(Size::Q, Reg::Rdx, PC);
    asm.shift_imm(Shift::Shr, Size::Q, Reg::Rax, 2);
    asm.shift_imm(Shift::Shr, Size::Q, Reg::Rdx, 14);
    asm.alu(Alu::Xor, Size::D, Reg::Rax, Reg::Rdx);
    asm.alu_imm(Alu::And, Size::D, Reg::Rax, (1 << BRANCH_CACHE_LOG2) - 1);
    asm.shift_imm(Shift::Shl, Size::D, Reg::Rax, BRANCH_BYTES_LOG2);
    asm.alu_load(Alu::Add, Size::Q, Reg::Rax, BRANCH_CACHE);
    asm.alu_load(Alu::Cmp, Size::Q, Reg::Rcx, Mem::new(Reg::Rax, 0));
    asm.jcc_offset(Cond::Ne, stubs.leave);
    asm.load(Size::Q, Reg::Rcx, FETCH_ID);
    asm.alu_load(Alu::Cmp, Size::Q, Reg::Rcx, Mem::new(Reg::Rax, 8));
    asm.jcc_offset(Cond::Ne, stubs.leave);
    asm.jmp_mem(Mem::new(Reg::Rax, 16));
    stubs.end = asm.offset();
    stubs
}
