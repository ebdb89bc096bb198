//! Code that all blocks share, at the start of the region.

use super::layout::{
    BIAS, BLOCK_PC, BRANCH_CACHE, BTYPE, BUDGET, COUNT, CPU, END, PC, STATE_PC, TBI, TLB, WINDOW, fetch_id,
};
use super::pointers::{self, Pointers};
use super::x64::{Alu, Assembler, Cond, Fixup, Label, Mem, Reg, Shift, Size, Xmm};
use super::{constants, runtime, slots};

/// log2 of the entries of the branch cache.
pub(super) const BRANCH_CACHE_LOG2: u32 = 14;
/// log2 of the size of a [`Branch`].
const BRANCH_BYTES_LOG2: u8 = 5;

/// An entry of the branch cache: where the code at a virtual address is, as long as fetches have this id.
#[derive(Clone, Copy, Default)]
#[repr(C, align(32))]
pub(super) struct Branch {
    /// The PC.
    pub(super) tag: u64,
    /// The id of fetches, with PSTATE.BTYPE in its low bits.
    pub(super) fetch: u64,
    pub(super) code: u64,
}

const _: () = assert!(size_of::<Branch>() == 1 << BRANCH_BYTES_LOG2);

/// The slot of the branch cache for a PC.
pub(super) fn branch_slot(pc: u64) -> usize {
    ((pc as u32).wrapping_mul(HASH) >> (32 - BRANCH_CACHE_LOG2)) as usize
}

const HASH: u32 = 0x9e37_79b1;

/// Which kind of branch is looked up.
#[derive(Clone, Copy)]
pub(super) enum BranchType {
    /// PSTATE.BTYPE has this value now.
    Known(u8),
    /// It is in the CPU's state.
    InState,
}

/// Goes on at the PC in its register if the branch cache knows where that is; else jumps by the fixups that it answers.
/// Clobbers RCX and RDX, and RAX where the type is in the state. Cost: twelve instructions, five loads that hit.
pub(super) fn look_up(asm: &mut Assembler<'_>, branch_type: BranchType) -> [Fixup; 2] {
    asm.imul_imm(Size::D, Reg::Rcx, PC, HASH.cast_signed());
    asm.shift_imm(Shift::Shr, Size::D, Reg::Rcx, (32 - BRANCH_CACHE_LOG2 as u8) - BRANCH_BYTES_LOG2);
    asm.alu_imm(Alu::And, Size::D, Reg::Rcx, -1 << BRANCH_BYTES_LOG2);
    asm.alu_load(Alu::Add, Size::Q, Reg::Rcx, BRANCH_CACHE);
    asm.bit_test(Size::Q, PC, 55);
    asm.alu(Alu::Sbb, Size::Q, Reg::Rdx, Reg::Rdx);
    asm.load(Size::Q, Reg::Rdx, fetch_id(Reg::Rdx));
    match branch_type {
        BranchType::Known(0) => {}
        BranchType::Known(btype) => asm.alu_imm(Alu::Or, Size::Q, Reg::Rdx, i32::from(btype)),
        BranchType::InState => {
            asm.load(Size::B, Reg::Rax, BTYPE);
            asm.alu(Alu::Or, Size::Q, Reg::Rdx, Reg::Rax);
        }
    }
    asm.alu_load(Alu::Cmp, Size::Q, PC, Mem::new(Reg::Rcx, 0));
    let other_pc = asm.jcc_unbound(Cond::Ne);
    asm.alu_load(Alu::Cmp, Size::Q, Reg::Rdx, Mem::new(Reg::Rcx, 8));
    let other_id = asm.jcc_unbound(Cond::Ne);
    asm.jmp_mem(Mem::new(Reg::Rcx, 16));
    [other_pc, other_id]
}

/// Offsets of the shared code in the region.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Stubs {
    /// Called by [`runtime::enter`].
    pub(super) enter: usize,
    /// Leaves with everything retired and the PC in its register.
    pub(super) leave: usize,
    /// The same with the id of a link in EAX.
    pub(super) leave_to_link: usize,
    /// Ends a block at its EDX-th instruction, which answered EAX; its PC is stored. Goes on if it can.
    pub(super) leave_after: usize,
    /// Ends a block by the handler RCX for its EDX-th instruction, ESI, whose PC is stored. Goes on if it can.
    pub(super) call_last: usize,
    /// Leaves after a branch to a register.
    pub(super) leave_indirect: usize,
    /// Calls the handler RDX for the instruction ESI, whose PC is stored.
    pub(super) call_handler: usize,
    /// The same for the target of an indirect branch.
    pub(super) call_target: usize,
    /// The same for a load or store at RCX by the route R8D: the next one may need no handler.
    pub(super) call_access: usize,
    /// Tells that ESI bytes at the host address RCX, in a page that holds code, were written. Changes RCX and RSI.
    pub(super) wrote_code: usize,
    /// Find VNCR_EL2's page for loads and for stores, see [`slots::emit`].
    pub(super) slot_pages: [usize; 2],
    /// Signs or checks a pointer.
    pub(super) pointers: Pointers,
    /// Goes on at the PC in its register, and leaves to link EAX if it is not known where that is.
    pub(super) branch_or_link: usize,
    /// Goes on at the PC in its register, with BTYPE in the state.
    pub(super) branch: usize,
    /// The same after a branch to a register: the PC may have a top byte to ignore, and may be misaligned.
    pub(super) branch_indirect: usize,
    /// The table of [`constants`](super::constants).
    pub(super) constants: usize,
}

const SAVED: [Reg; 6] = [Reg::Rbx, Reg::Rbp, Reg::R12, Reg::R13, Reg::R14, Reg::R15];
/// What a call does not keep: the cached registers, and those that an access has results in. An odd number, as the
/// stack is aligned at calls.
const CALLER_SAVED: [Reg; 7] = [Reg::Rdi, Reg::R8, Reg::R9, Reg::R10, Reg::R11, Reg::Rax, Reg::Rdx];
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
    asm.mov(Size::Q, PC, Reg::Rdx);
    asm.load(Size::Q, TLB, WINDOW);
    load_budget(asm);
    asm.jmp_reg(Reg::Rsi);

    let mut out = Label::default();
    let mut with_pc = Label::default();
    let mut go_on = Label::default();
    stubs.leave_to_link = asm.offset();
    asm.mov(Size::D, Reg::Rdx, Reg::Rax);
    asm.mov_imm(Reg::Rax, u64::from(runtime::LINK));
    asm.store(Size::Q, STATE_PC, PC);
    asm.shift_imm(Shift::Shl, Size::Q, Reg::Rdx, 8);
    asm.alu(Alu::Or, Size::Q, Reg::Rax, Reg::Rdx);
    asm.jmp(&mut out);

    let mut end = Label::default();
    stubs.call_last = asm.offset();
    asm.mov_imm(Reg::Rax, runtime::call_last as *const () as u64);
    asm.jmp(&mut end);
    stubs.leave_after = asm.offset();
    asm.mov(Size::D, Reg::Rsi, Reg::Rax);
    asm.mov_imm(Reg::Rax, runtime::settle as *const () as u64);
    asm.bind(&mut end);
    asm.store(Size::Q, BLOCK_PC, PC);
    store_count(asm, Reg::R8);
    asm.lea(Size::Q, Reg::Rdi, Mem::new(CPU, -(BIAS as i32)));
    asm.call_reg(Reg::Rax);
    load_budget(asm);
    // An exception or a return selects another address space.
    asm.load(Size::Q, TLB, WINDOW);
    asm.load(Size::Q, PC, STATE_PC);
    asm.test(Size::D, Reg::Rax, Reg::Rax);
    asm.jcc(Cond::Ne, &mut with_pc);
    asm.alu_imm(Alu::Cmp, Size::Q, BUDGET, 0);
    asm.jcc(Cond::G, &mut go_on);
    asm.jmp(&mut with_pc);

    stubs.leave_indirect = asm.offset();
    ignore_top_byte(asm);
    asm.jmp(&mut with_pc);
    stubs.leave = asm.offset();
    asm.bind(&mut with_pc);
    asm.mov_imm(Reg::Rax, u64::from(runtime::DONE));
    asm.store(Size::Q, STATE_PC, PC);
    asm.bind(&mut out);
    store_count(asm, Reg::Rcx);
    asm.alu_imm(Alu::Add, Size::Q, Reg::Rsp, 8);
    for reg in SAVED.into_iter().rev() {
        asm.pop(reg);
    }
    asm.ret();

    stubs.call_handler = call(asm, runtime::call_handler as *const () as u64);
    stubs.call_target = call(asm, runtime::call_target as *const () as u64);
    stubs.call_access = call(asm, runtime::call_access as *const () as u64);

    stubs.wrote_code = asm.offset();
    for reg in CALLER_SAVED {
        asm.push(reg);
    }
    store_count(asm, Reg::Rax);
    asm.alu_imm(Alu::Sub, Size::Q, Reg::Rsp, VECTORS_BYTES);
    for n in CALLER_SAVED_VECTORS {
        asm.store_vector(Mem::new(Reg::Rsp, 16 * i32::from(n)), Xmm(n));
    }
    asm.lea(Size::Q, Reg::Rdi, Mem::new(CPU, -(BIAS as i32)));
    asm.mov(Size::Q, Reg::Rdx, Reg::Rsi);
    asm.mov(Size::Q, Reg::Rsi, Reg::Rcx);
    asm.mov_imm(Reg::Rax, runtime::wrote_code as *const () as u64);
    asm.call_reg(Reg::Rax);
    for n in CALLER_SAVED_VECTORS {
        asm.load_vector(Xmm(n), Mem::new(Reg::Rsp, 16 * i32::from(n)));
    }
    asm.alu_imm(Alu::Add, Size::Q, Reg::Rsp, VECTORS_BYTES);
    load_budget(asm);
    for reg in CALLER_SAVED.into_iter().rev() {
        asm.pop(reg);
    }
    asm.ret();

    stubs.slot_pages = [false, true].map(|stores| slots::emit(asm, stores));
    stubs.pointers = pointers::emit(asm);

    stubs.branch_or_link = asm.offset();
    for fixup in look_up(asm, BranchType::Known(0)) {
        asm.patch(fixup, stubs.leave_to_link);
    }
    stubs.branch_indirect = asm.offset();
    ignore_top_byte(asm);
    stubs.branch = asm.offset();
    asm.bind(&mut go_on);
    for fixup in look_up(asm, BranchType::InState) {
        asm.patch(fixup, stubs.leave);
    }
    asm.align(16);
    stubs.constants = asm.offset();
    for constant in constants::table() {
        asm.data(constant.to_le_bytes());
    }
    stubs
}

/// Calls a function whose second and third arguments are there.
fn call(asm: &mut Assembler<'_>, function: u64) -> usize {
    let at = asm.offset();
    asm.store(Size::Q, BLOCK_PC, PC);
    store_count(asm, Reg::Rax);
    asm.lea(Size::Q, Reg::Rdi, Mem::new(CPU, -(BIAS as i32)));
    asm.mov_imm(Reg::Rax, function);
    // A tail call but for the alignment of the stack.
    asm.alu_imm(Alu::Sub, Size::Q, Reg::Rsp, 8);
    asm.call_reg(Reg::Rax);
    asm.alu_imm(Alu::Add, Size::Q, Reg::Rsp, 8);
    // The handler may have switched address spaces.
    asm.load(Size::Q, TLB, WINDOW);
    load_budget(asm);
    asm.ret();
    at
}

/// Brings the count of retired instructions up to date.
fn store_count(asm: &mut Assembler<'_>, scratch: Reg) {
    asm.load(Size::Q, scratch, END);
    asm.alu(Alu::Sub, Size::Q, scratch, BUDGET);
    asm.store(Size::Q, COUNT, scratch);
}

/// Takes the budget from the count and the end, which something that was called may have brought near.
fn load_budget(asm: &mut Assembler<'_>) {
    asm.load(Size::Q, BUDGET, END);
    asm.alu_load(Alu::Sub, Size::Q, BUDGET, COUNT);
}

/// Makes the PC in its register canonical where a top byte is to be ignored.
fn ignore_top_byte(asm: &mut Assembler<'_>) {
    asm.alu_mem_imm(Alu::Cmp, Size::W, TBI, 0);
    let plain = asm.jcc_unbound(Cond::E);
    asm.lea(Size::Q, Reg::Rdi, Mem::new(CPU, -(BIAS as i32)));
    asm.mov(Size::Q, Reg::Rsi, PC);
    asm.mov_imm(Reg::Rax, runtime::branch_address as *const () as u64);
    asm.call_reg(Reg::Rax);
    asm.mov(Size::Q, PC, Reg::Rax);
    let here = asm.offset();
    asm.patch(plain, here);
}
