//! What the loader left in the device tree.
#![allow(unsafe_code)] // read where the loader put it

use crate::board;

const MAGIC: u32 = 0xd00d_feed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;

fn byte(at: usize) -> u8 {
    // SAFETY: a byte of RAM, or of the device tree in it.
    unsafe { (at as *const u8).read_volatile() }
}

fn word(at: usize) -> u32 {
    // SAFETY: an aligned word of the device tree in RAM.
    u32::from_be(unsafe { (at as *const u32).read_volatile() })
}

/// Length of a string without its final NUL.
fn length(at: usize) -> usize {
    (0..).take_while(|&n| byte(at + n) != 0).count()
}

fn text(at: usize, length: usize) -> &'static str {
    // SAFETY: a string of the device tree, which nothing changes.
    let bytes = unsafe { core::slice::from_raw_parts(at as *const u8, length) };
    core::str::from_utf8(bytes).unwrap_or_default()
}

/// The boot arguments; empty if the loader left none. For programs that are loaded as ELF files, whose device tree is at
/// the start of RAM.
pub fn boot_arguments() -> &'static str {
    let base = board::RAM;
    if word(base) != MAGIC {
        return "";
    }
    let (mut at, strings) = (base + word(base + 8) as usize, base + word(base + 12) as usize);
    loop {
        let token = word(at);
        at += 4;
        match token {
            BEGIN_NODE => at += (length(at) + 4) & !3,
            END_NODE | NOP => {}
            PROP => {
                let (size, name) = (word(at) as usize, strings + word(at + 4) as usize);
                if text(name, length(name)) == "bootargs" {
                    return text(at + 8, length(at + 8).min(size));
                }
                at += 8 + ((size + 3) & !3);
            }
            _ => return "",
        }
    }
}
