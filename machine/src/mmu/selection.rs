//! What ordinary accesses and fetches use of the TLB: a resolved regime, as an Exception level sees it.

use super::tlb::{NEVER, Range};
use super::walk::{Kind, Permissions, Privilege, Regime};
use crate::cpu::Level;

/// Who makes ordinary accesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accessor {
    /// On whose behalf: ordinary accesses, and unprivileged ones.
    pub(super) privilege: [Privilege; 2],
    /// For whom fetches are remembered.
    pub(super) level: Level,
    pub(super) big_endian: bool,
    /// What unaligned accesses ask for in addition: memory that is not Device, or the impossible.
    pub(super) unaligned: u16,
}

/// What is looked at by every access, copied to one place: aligned, as hosts store sixteen bytes slowly across their boundary.
#[derive(Debug, Clone, Copy)]
#[repr(align(16))]
pub(super) struct Selection {
    pub(super) regime: Regime,
    /// The regime's ranges.
    pub(super) data: [Range; 2],
    pub(super) fetch: [Range; 2],
    /// Permissions to ask for: ordinary and unprivileged accesses, read, write, and both.
    pub(super) need: [[u16; 3]; 2],
    pub(super) by: Accessor,
    /// When this was made, as the TLB counts.
    pub(super) epoch: u64,
}

impl Selection {
    /// Nothing: every access takes the slow path.
    pub(super) const NONE: Self = Self {
        regime: Regime::El2,
        data: [Range::NONE; 2],
        fetch: [Range::NONE; 2],
        need: [[NEVER; 3]; 2],
        by: Accessor {
            privilege: [Privilege::Privileged; 2],
            level: Level::from_bits(0),
            big_endian: false,
            unaligned: NEVER,
        },
        epoch: u64::MAX,
    };

    /// A regime with these ranges, for `by`.
    pub(super) fn new(
        regime: Regime,
        data: [Range; 2],
        fetch: [Range; 2],
        by: Accessor,
        epoch: u64,
    ) -> Selection {
        // Byte swapping is not worth a test in the inline path.
        let swap = if by.big_endian { NEVER } else { 0 };
        let one = |privilege, kind| Permissions::only(privilege, kind).bits() | swap;
        let need = by.privilege.map(|p| {
            let (read, write) = (one(p, Kind::Read), one(p, Kind::Write));
            [read, write, read | write]
        });
        Selection { regime, data, fetch, need, by, epoch }
    }
}
