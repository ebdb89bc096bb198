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
entry_enable_mmu:                   // uses X0 to X5 only
    adrp  x0, {block}
    add   x0, x0, :lo12:{block}
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
"#,
    stacks = sym STACKS,
    stack_bytes = const STACK_BYTES,
    block = sym super::state::BLOCK,
    boot = sym super::boot::boot,
    other = sym super::cpu::other_core,
);

const _: () = assert!(size_of::<Block>() == 40 && size_of::<Stacks>().is_multiple_of(STACK_BYTES));

unsafe extern "C" {
    fn entry_started();
    fn entry_resumed();
    fn entry_enable_mmu();
    fn entry_host(pc: u64, x0: u64, spsr: u64, stack: u64) -> !;
}

/// Where a core that was started enters.
pub(crate) fn started() -> u64 {
    entry_started as *const () as u64
}

/// Where a core that was suspended enters.
pub(crate) fn resumed() -> u64 {
    entry_resumed as *const () as u64
}

/// Turns our stage 1 on, with the values in the block.
pub(crate) fn enable_mmu() {
    // SAFETY: the map is an identity map of everything that runs now.
    unsafe { entry_enable_mmu() }
}

/// Enters the host at EL1 with everything masked; never comes back here.
pub(crate) fn enter_host(pc: u64, x0: u64, stack: u64) -> ! {
    use droste_arch::fields::spsr_el1 as p;
    let masked = p::D.mask() | p::A.mask() | p::I.mask() | p::F.mask();
    let spsr = p::M_3_0.with(masked, droste_hyp_core::inject::EL1H);
    // SAFETY: the EL2 registers are those of the host's; its entry point is its own business.
    unsafe { entry_host(pc, x0, spsr, stack) }
}
