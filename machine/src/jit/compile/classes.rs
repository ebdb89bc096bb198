//! What the words of instructions say about the blocks that they are in.

/// Whether an instruction leaves the block, always or not, by a template that raises no exception: branches, but those to
/// authenticated addresses.
pub(super) fn leaves_by_template(word: u32) -> bool {
    let conditional = word & 0x7e00_0000 == 0x3400_0000 || word & 0x7e00_0000 == 0x3600_0000;
    let conditional = conditional || word & 0xff00_0000 == 0x5400_0000;
    conditional || (always_leaves(word) && !(is_register_branch(word) && is_authenticated(word)))
}

/// Whether an instruction's template or helper never goes on with the next instruction of the block.
pub(super) fn always_leaves(word: u32) -> bool {
    // B and BL; branches to a register.
    word & 0x7c00_0000 == 0x1400_0000 || is_register_branch(word)
}

/// Whether a branch to a register authenticates its target.
pub(super) fn is_authenticated(word: u32) -> bool {
    word & 0x0100_0800 != 0
}

/// Data processing of FP and AdvSIMD.
pub(super) fn is_vector(word: u32) -> bool {
    word >> 25 & 7 == 7
}

/// BR, BLR, RET and their authenticated forms.
pub(super) fn is_register_branch(word: u32) -> bool {
    word & 0xfe00_0000 == 0xd600_0000 && matches!(word >> 21 & 0xf, 0..=2 | 8..=10)
}
