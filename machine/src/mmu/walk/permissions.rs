//! Who may do what: stage 1 and stage 2 permissions as one set of nine bits.

use std::ops::BitAnd;

/// The three kinds of access that permissions distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Data read.
    Read = 0,
    /// Data write, or a read-modify-write's write.
    Write = 1,
    /// Instruction fetch.
    Execute = 2,
}

/// On whose behalf an access is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privilege {
    /// EL0, or LDTR and STTR at a higher level.
    User = 0,
    /// EL1 or EL2 with PSTATE.PAN = 0.
    #[default]
    Privileged = 1,
    /// EL1 or EL2 with PSTATE.PAN = 1.
    PrivilegedPan = 2,
}

/// Permission of each [`Privilege`] for each [`Kind`]. A kernel entry changes which bits are looked at, not the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u16);

impl Permissions {
    /// Everything.
    pub const ALL: Self = Self(0x1ff);
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// The set with just one permission.
    #[must_use]
    pub const fn only(privilege: Privilege, kind: Kind) -> Self {
        Self(1 << (privilege as u16 * 3 + kind as u16))
    }

    /// One [`Kind`] for two kinds of software: EL0, and the higher level with or without PAN.
    const fn each(kind: Kind, user: bool, privileged: bool, privileged_pan: bool) -> u16 {
        (Self::only(Privilege::User, kind).0 * user as u16)
            | (Self::only(Privilege::Privileged, kind).0 * privileged as u16)
            | (Self::only(Privilege::PrivilegedPan, kind).0 * privileged_pan as u16)
    }

    /// Tells whether every permission of `other` is in `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Tells whether `privilege` may do `kind`.
    #[must_use]
    pub const fn allows(self, privilege: Privilege, kind: Kind) -> bool {
        self.contains(Self::only(privilege, kind))
    }

    /// The set without any write permission: what a clean page with hardware dirty state is cached with.
    #[must_use]
    pub fn without_write(self) -> Self {
        Self(self.0 & !Self::each(Kind::Write, true, true, true))
    }

    /// The set without what EL0 may do.
    #[must_use]
    pub fn without_user(self) -> Self {
        Self(self.0 & !0b111)
    }

    /// The nine bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set of the nine bits.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }

    /// Stage 1 of a regime that serves EL0 (AArch64.S1DirectBasePermissions, AArch64.S1ComputePermissions).
    pub(super) fn stage1_two_levels(leaf: Stage1Leaf, wxn: bool, epan: bool) -> Self {
        let Stage1Leaf { user, read_only, uxn, pxn } = leaf;
        let writable = !read_only;
        let user_write = user && writable;
        let user_execute = !(uxn || (wxn && user_write));
        let execute = !(pxn || user_write || (wxn && writable));
        Self::two_levels(
            Rwx { read: user, write: user_write, execute: user_execute },
            Rwx { read: true, write: writable, execute },
            user || (epan && !uxn),
        )
    }

    /// Combines what EL0 and the higher level may do; `user_memory` is what PAN keeps the higher level's data accesses from.
    pub(super) fn two_levels(user: Rwx, privileged: Rwx, user_memory: bool) -> Self {
        let Rwx { read, write, execute } = privileged;
        Self(
            Self::each(Kind::Read, user.read, read, read && !user_memory)
                | Self::each(Kind::Write, user.write, write, write && !user_memory)
                | Self::each(Kind::Execute, user.execute, execute, execute),
        )
    }

    /// Stage 1 of the EL2 regime.
    pub(super) fn stage1_one_level(leaf: Stage1Leaf, wxn: bool) -> Self {
        let writable = !leaf.read_only;
        let execute = !(leaf.uxn || (wxn && writable));
        Self::one_level(Rwx { read: true, write: writable, execute })
    }

    /// The same for every privilege.
    pub(super) fn one_level(rwx: Rwx) -> Self {
        let Rwx { read, write, execute } = rwx;
        Self(
            Self::each(Kind::Read, read, read, read)
                | Self::each(Kind::Write, write, write, write)
                | Self::each(Kind::Execute, execute, execute, execute),
        )
    }

    /// Stage 2: data permissions are the same for EL0 and EL1, FEAT_XNX tells their execution apart (AArch64.S2DirectBasePermissions).
    pub(super) fn stage2(read: bool, write: bool, user_execute: bool, execute: bool) -> Self {
        Self(
            Self::each(Kind::Read, read, read, read)
                | Self::each(Kind::Write, write, write, write)
                | Self::each(Kind::Execute, user_execute, execute, execute),
        )
    }
}

impl BitAnd for Permissions {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// Read, write and execute permission of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rwx {
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) execute: bool,
}

/// The permission bits of a stage 1 leaf with those of the tables above it applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stage1Leaf {
    /// `AP[1]`: EL0 has access.
    pub(super) user: bool,
    /// `AP[2]`.
    pub(super) read_only: bool,
    /// UXN, or XN in the EL2 regime.
    pub(super) uxn: bool,
    /// PXN.
    pub(super) pxn: bool,
}
