//! Code that runs once: every page of a large area is filled before the time is taken, and used up from then on.

use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};
use guest_support::instruction;

const PAGES: u64 = 16384;
const PAGE_WORDS: usize = 1024;
/// Instructions in a page: blocks of seven data-processing instructions and a branch to the next block.
pub(crate) const INSTRUCTIONS: u64 = PAGE_WORDS as u64;
/// RAM behind the program.
const AREA: u64 = 0x4400_0000;

static USED: AtomicU64 = AtomicU64::new(0);

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u32; PAGE_WORDS]>);
// SAFETY: used by one CPU.
unsafe impl Sync for Page {}
static TEMPLATE: Page = Page(UnsafeCell::new([0; PAGE_WORDS]));

global_asm!(
    r#"
    .text
    .balign 64
    .global bench_cold_block
bench_cold_block:
    add   x2, x2, #1
    eor   x3, x3, x2
    add   x4, x4, x3
    sub   x5, x5, x4
    orr   x6, x6, x5
    and   x7, x7, x6
    add   x8, x8, x7
    b     .+4
    .global bench_cold_end
bench_cold_end:
    ret
    .global bench_cold
bench_cold:
    mov   x9, x30
1:  blr   x1
    add   x1, x1, #1, lsl #12
    subs  x0, x0, #1
    b.ne  1b
    ret   x9
"#
);

// SAFETY: the assembly above has these symbols, with these signatures.
unsafe extern "C" {
    fn bench_cold_block();
    fn bench_cold_end();
    fn bench_cold(pages: u64, first: u64);
}

/// Pages that have not run yet.
pub(crate) fn left() -> u64 {
    PAGES - USED.load(Ordering::Relaxed)
}

/// Fills the area. What it costs is the same for every number of turns.
pub(crate) fn fill() {
    let block = bench_cold_block as *const () as *const [u32; 8];
    let end = bench_cold_end as *const () as *const u32;
    // SAFETY: nothing else refers to the template.
    let template = unsafe { &mut *TEMPLATE.0.get() };
    for words in template.chunks_exact_mut(8) {
        // SAFETY: the eight instructions above.
        words.copy_from_slice(unsafe { &*block });
    }
    // SAFETY: the instruction above.
    template[PAGE_WORDS - 1] = unsafe { *end };
    for page in 0..PAGES {
        let at = (AREA + page * 4096) as *mut [u32; PAGE_WORDS];
        // SAFETY: RAM that nothing else uses.
        unsafe { at.write(*template) };
    }
    instruction!("dsb ish", "ic iallu", "dsb ish", "isb");
}

/// Runs pages, each for the first time.
pub(crate) fn run(pages: u64) {
    let first = AREA + USED.fetch_add(pages, Ordering::Relaxed) * 4096;
    // SAFETY: the code in the area changes X2 to X8 only.
    unsafe { bench_cold(pages, first) };
}
