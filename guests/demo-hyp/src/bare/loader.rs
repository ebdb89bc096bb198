//! Copies the guest's ELF segments into its RAM.

use core::{ptr, slice};

/// Loads and returns the entry point, an IPA.
pub(crate) fn load(elf: &[u8], ipa: u64, pa: u64, size: u64) -> u64 {
    assert!(
        elf.len() > 64 && elf.starts_with(b"\x7fELF\x02\x01"),
        "no guest is built in: use `cargo xtask demo`"
    );
    let (headers, each, count) = (u64_at(elf, 32) as usize, u16_at(elf, 54), u16_at(elf, 56));
    for n in 0..count {
        let header = &elf[headers + n * each..][..each];
        if header[..4] != [1, 0, 0, 0] {
            continue;
        }
        let (offset, at) = (u64_at(header, 8) as usize, u64_at(header, 24));
        let (in_file, in_memory) = (u64_at(header, 32) as usize, u64_at(header, 40));
        assert!(at >= ipa && at + in_memory <= ipa + size, "a segment of the guest is outside of its RAM");
        let to = (pa + (at - ipa)) as *mut u8;
        // SAFETY: the guest's RAM, which nothing else uses.
        let memory = unsafe { slice::from_raw_parts_mut(to, in_memory as usize) };
        memory[..in_file].copy_from_slice(&elf[offset..offset + in_file]);
        memory[in_file..].fill(0);
    }
    // Code has been written as data.
    for line in (pa..pa + size).step_by(64).take(1 << 16) {
        clean(ptr::with_exposed_provenance(line as usize));
    }
    guest_support::instruction!("dsb sy", "ic iallu", "dsb sy", "isb");
    u64_at(elf, 24)
}

fn clean(line: *const u8) {
    // SAFETY: cache maintenance on the guest's RAM changes no value.
    unsafe { core::arch::asm!("dc cvau, {}", in(reg) line, options(nostack)) };
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |value, b| value << 8 | u64::from(*b))
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(bytes[at]) | usize::from(bytes[at + 1]) << 8
}
