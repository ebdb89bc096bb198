//! The Image header, the entry of the first core, of started and of resumed ones, and the way into the host.

use super::state::{Block, STACK_BYTES, STACKS, Stacks};
use core::arch::global_asm;

global_asm!(
    r#"
    .section .head, "ax"
    .global _head
_head:
    b     entry_first
    .long 0
    .quad 0                         // text_offset
    .quad 0                         // image_size, set by the packer
    .quad 0xa                       // little-endian, 4 KiB pages, anywhere
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

    .text
entry_first:                        // X0: device tree
    msr   daifset, #15
    msr   spsel, #1
    mov   x19, x0
    adrp  x20, __image_start
    adrp  x2, __rela_start
    add   x2, x2, :lo12:__rela_start
    adrp  x3, __rela_end
    add   x3, x3, :lo12:__rela_end
1:  cmp   x2, x3
    b.hs  2f
    ldp   x4, x5, [x2], #16
    ldr   x6, [x2], #8
    cmp   w5, #1027                 // R_AARCH64_RELATIVE
    b.ne  1b
    add   x6, x6, x20
    str   x6, [x20, x4]
    b     1b
2:  adrp  x1, {stacks}
    add   x1, x1, :lo12:{stacks}
    mov   x2, #{stack_bytes}
    add   x1, x1, x2
    mov   sp, x1
    dsb   sy
    ic    iallu
    dsb   sy
    isb
    mov   x0, x19
    mov   x1, x20
    mov   x29, xzr
    mov   x30, xzr
    bl    {boot}
    b     .

    .global entry_started
entry_started:                      // X0: number of the core
    mov   x20, #0
    b     1f
    .global entry_resumed
entry_resumed:
    mov   x20, #1
1:  msr   daifset, #15
    msr   spsel, #1
    mov   x19, x0
    adrp  x1, {blocks}
    add   x1, x1, :lo12:{blocks}
    mov   x2, #{block_bytes}
    madd  x0, x0, x2, x1
    bl    entry_enable_mmu
    adrp  x1, {stacks}
    add   x1, x1, :lo12:{stacks}
    mov   x2, #{stack_bytes}
    add   x3, x19, #1
    madd  x1, x2, x3, x1
    mov   sp, x1
    mov   x0, x19
    mov   x1, x20
    mov   x29, xzr
    mov   x30, xzr
    bl    {other}
    b     .

    .global entry_enable_mmu
entry_enable_mmu:                   // X0: block; uses X0 to X5 only
    ldp   x1, x2, [x0]
    ldp   x3, x4, [x0, #16]
    ldr   x5, [x0, #32]
    msr   hcr_el2, x1
    isb
    msr   mair_el2, x2
    msr   tcr_el2, x3
    msr   ttbr0_el2, x4
    isb
    tlbi  alle2
    dsb   nsh
    ic    iallu
    dsb   nsh
    isb
    msr   sctlr_el2, x5
    isb
    ret

    .global entry_host
entry_host:                         // X0: PC, X1: X0 of the host, X2: SPSR, X3: our stack for later exceptions
    mov   sp, x3
    msr   elr_el2, x0
    msr   spsr_el2, x2
    mov   x0, x1
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    mov   x\n, xzr
    .endr
    isb
    eret

    .global entry_leave
entry_leave:                        // X0: PC, X1: X0 of the host, X2: SCTLR_EL2, X3: HCR_EL2; EL2 becomes the host's
    adrp  x4, stub_vectors
    add   x4, x4, :lo12:stub_vectors
    msr   vbar_el2, x4
    msr   sctlr_el2, x2
    isb
    msr   hcr_el2, x3
    isb
    tlbi  alle2
    dsb   nsh
    ic    iallu
    dsb   nsh
    isb
    mov   x30, x0
    mov   x0, x1
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29
    mov   x\n, xzr
    .endr
    ret

    // What is behind VBAR_EL2 until a host that has EL2 sets its own vectors (hyp-abi.rst). Uses X9 and X10.
    .balign 2048
    .global stub_vectors
stub_vectors:
    .rept 8
    .balign 128
    b     .
    .endr
    .balign 128                     // synchronous, from AArch64 at a lower level
    mrs   x9, esr_el2
    lsr   x9, x9, #26
    cmp   x9, #0x16                 // HVC
    b.ne  9f
    cbz   x0, 1f                    // HVC_SET_VECTORS
    cmp   x0, #1                    // HVC_SOFT_RESTART
    b.eq  2f
    cmp   x0, #2                    // HVC_RESET_VECTORS: they are ours
    b.eq  3f
    b     stub_refuse
1:  msr   vbar_el2, x1
    isb
3:  mov   x0, xzr
    eret
2:  mov   x9, x1
    mov   x0, x2
    mov   x1, x3
    mov   x2, x4
    br    x9                        // at EL2, whose MMU is off
9:  b     .
    .rept 7
    .balign 128
    b     .
    .endr
    .balign 128
stub_refuse:
    movz  x0, #0xca11
    movk  x0, #0xbad, lsl #16
    eret
"#,
    stacks = sym STACKS,
    stack_bytes = const STACK_BYTES,
    blocks = sym super::state::BLOCKS,
    block_bytes = const size_of::<Block>(),
    boot = sym super::boot::boot,
    other = sym super::cpu::other_core,
);

const _: () = assert!(size_of::<Block>() == 40 && size_of::<Stacks>().is_multiple_of(STACK_BYTES));

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn entry_started();
    fn entry_resumed();
    fn entry_enable_mmu(block: u64);
    fn entry_host(pc: u64, x0: u64, spsr: u64, stack: u64) -> !;
    fn entry_leave(pc: u64, x0: u64, sctlr: u64, hcr: u64) -> !;
}

/// Where a core that was started enters.
pub(crate) fn started() -> u64 {
    entry_started as *const () as u64
}

/// Where a core that was suspended enters.
pub(crate) fn resumed() -> u64 {
    entry_resumed as *const () as u64
}

/// Turns our stage 1 on, with the values in the first block.
pub(crate) fn enable_mmu() {
    let block = &raw const super::state::BLOCKS;
    // SAFETY: the map is an identity map of everything that runs now.
    unsafe { entry_enable_mmu(block as u64) }
}

/// PSTATE at the host's entry points: EL1 with its own stack pointer, everything masked.
pub(crate) const HOST_PSTATE: u64 = {
    use droste_arch::fields::spsr_el1 as p;
    p::M_3_0.with(p::D.mask() | p::A.mask() | p::I.mask() | p::F.mask(), droste_hyp_core::inject::EL1H)
};

/// Enters the host at EL1 with everything masked; never comes back here.
pub(crate) fn enter_host(pc: u64, x0: u64, stack: u64) -> ! {
    // SAFETY: the EL2 registers are those of the host's; its entry point is its own business.
    unsafe { entry_host(pc, x0, HOST_PSTATE, stack) }
}

/// Gives EL2 to the host, which is entered there with the MMU off and everything masked.
pub(crate) fn leave_el2_to_host(pc: u64, x0: u64) -> ! {
    use droste_arch::fields::hcr_el2;
    // SAFETY: nothing of the hypervisor runs after this; what it wrote for the host is clean to memory.
    unsafe { entry_leave(pc, x0, droste_hyp_core::el2::SCTLR_MMU_OFF, hcr_el2::RW.mask()) }
}
