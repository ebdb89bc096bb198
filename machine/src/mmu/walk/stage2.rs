//! Stage 2: AArch64.S2Translate, AArch64.S2Walk.

use super::attributes::Stage2Attributes;
use super::granule::FINAL_LEVEL;
use super::stage1::low_mask;
use super::{Fault, Kind, Permissions, PhysMem, Privilege, Request, Stage2};
use crate::mmu::fault::{FaultKind, Stage2Fault};

/// What stage 2 is asked to translate for.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties of an access")]
pub(super) struct Access {
    read: bool,
    write: bool,
    execute: bool,
    user: bool,
    /// The access reads or updates a stage 1 descriptor.
    table_walk: bool,
    /// Whether the dirty state may be set.
    update: bool,
    check: bool,
}

impl Access {
    const NONE: Self = Self {
        read: false,
        write: false,
        execute: false,
        user: false,
        table_walk: false,
        update: true,
        check: true,
    };

    pub(super) fn table_read() -> Self {
        Self { read: true, table_walk: true, ..Self::NONE }
    }

    pub(super) fn table_update() -> Self {
        Self { read: true, write: true, table_walk: true, ..Self::NONE }
    }

    /// Whether an earlier result permits this access. Anything out of the ordinary walks again.
    fn is_served_by(self, s2: &Stage2, page: &Stage2Page) -> bool {
        let privilege = if self.user { Privilege::User } else { Privilege::Privileged };
        let allowed = |asked: bool, kind| !asked || page.permissions.allows(privilege, kind);
        allowed(self.read, Kind::Read)
            && allowed(self.write, Kind::Write)
            && allowed(self.execute, Kind::Execute)
            && !(self.table_walk && (s2.protect_walks || self.write))
            && self.check
    }
}

impl From<Request> for Access {
    fn from(request: Request) -> Self {
        Self {
            read: request.kind == Kind::Read,
            write: request.kind == Kind::Write,
            execute: request.kind == Kind::Execute,
            user: request.privilege == Privilege::User,
            table_walk: false,
            update: request.update,
            check: request.check,
        }
    }
}

/// What stage 2 contributes to a translation.
#[derive(Debug, Clone, Copy)]
pub struct Stage2Page {
    /// Output physical address.
    pub pa: u64,
    /// log2 of the block or page.
    pub size_log2: u8,
    pub(super) permissions: Permissions,
    pub(super) attributes: Stage2Attributes,
}

const ACCESS_FLAG: u64 = 1 << 10;
const WRITABLE: u64 = 1 << 7;
const DIRTY_MODIFIER: u64 = 1 << 51;

pub(super) fn translate<M: PhysMem>(
    memory: &M,
    s2: &Stage2,
    vttbr: u64,
    ipa: u64,
    access: Access,
) -> Result<Stage2Page, Fault> {
    if let Some(page) = memory.cached_stage2(ipa)
        && access.is_served_by(s2, &page)
    {
        return Ok(Stage2Page { pa: page.pa & !0xfff | ipa & 0xfff, ..page });
    }
    let page = translate_uncached(memory, s2, vttbr, ipa, access)?;
    memory.cache_stage2(ipa, page);
    Ok(page)
}

fn translate_uncached<M: PhysMem>(
    memory: &M,
    s2: &Stage2,
    vttbr: u64,
    ipa: u64,
    access: Access,
) -> Result<Stage2Page, Fault> {
    let fault = |kind, level| Fault {
        kind,
        level,
        stage2: Some(Stage2Fault { ipa, table_walk: access.table_walk }),
        write: access.write,
        dirty_bit: false,
    };
    let input_bits = s2.input_bits.ok_or(fault(FaultKind::Translation, 0))?;
    if ipa >> input_bits != 0 {
        return Err(fault(FaultKind::Translation, 0));
    }
    loop {
        let (descriptor, at, level) = walk(memory, s2, vttbr, ipa, input_bits, &fault)?;
        if let Some(output) = finish(memory, s2, ipa, descriptor, at, level, access, &fault)? {
            return Ok(output);
        }
        // The descriptor changed between the read and the update: look again.
    }
}

/// Follows table descriptors to a leaf; gives it, its physical address and its level.
fn walk<M: PhysMem>(
    memory: &M,
    s2: &Stage2,
    vttbr: u64,
    ipa: u64,
    input_bits: u8,
    fault: &impl Fn(FaultKind, i8) -> Fault,
) -> Result<(u64, u64, i8), Fault> {
    let granule = s2.granule;
    let mut level = s2.start_level;
    // Up to sixteen concatenated tables: the first index may have four bits more than the stride.
    let mut index_bits = input_bits - granule.block_log2(level);
    let mut base = granule.table_base(vttbr, index_bits, s2.output_bits, s2.ds);
    if base >> s2.output_bits != 0 {
        return Err(fault(FaultKind::AddressSize, 0));
    }
    loop {
        let at = base | (ipa >> granule.block_log2(level) & low_mask(index_bits)) << 3;
        let descriptor = memory.read(at).ok_or(fault(FaultKind::ExternalOnWalk, level))?;
        let descriptor = if s2.big_endian { descriptor.swap_bytes() } else { descriptor };
        let wide = s2.ds || (granule == super::Granule::K64 && s2.lpa);
        match descriptor & 3 {
            3 if level < FINAL_LEVEL => {
                base = granule.descriptor_address(descriptor, s2.ds, s2.lpa);
                if base >> s2.output_bits != 0 {
                    return Err(fault(FaultKind::AddressSize, level));
                }
                level += 1;
                index_bits = granule.stride();
            }
            3 => return Ok((descriptor, at, level)),
            1 if granule.block_allowed(level, wide) => return Ok((descriptor, at, level)),
            _ => return Err(fault(FaultKind::Translation, level)),
        }
    }
}

/// Checks the leaf, updates Access flag and dirty state; `None` if the descriptor has changed meanwhile.
#[expect(clippy::too_many_arguments, reason = "one step of `translate`, which has them all at hand")]
fn finish<M: PhysMem>(
    memory: &M,
    s2: &Stage2,
    ipa: u64,
    descriptor: u64,
    at: u64,
    level: i8,
    access: Access,
    fault: &impl Fn(FaultKind, i8) -> Fault,
) -> Result<Option<Stage2Page>, Fault> {
    let size_log2 = s2.granule.block_log2(level);
    let offset_mask = low_mask(size_log2);
    let pa = s2.granule.descriptor_address(descriptor, s2.ds, s2.lpa) & !offset_mask | ipa & offset_mask;
    if pa >> s2.output_bits != 0 {
        return Err(fault(FaultKind::AddressSize, level));
    }
    if descriptor & ACCESS_FLAG == 0 && !s2.ha {
        return Err(fault(FaultKind::AccessFlag, level));
    }
    let managed = s2.hd && (s2.indirect.is_some() || descriptor & DIRTY_MODIFIER != 0);
    let leaf = leaf_permissions(s2, descriptor, managed);
    let attributes = Stage2Attributes {
        mem_attr: (descriptor >> 2 & 0xf) as u8,
        shareability: if s2.ds { s2.sh } else { (descriptor >> 8 & 3) as u8 },
    };
    check(s2, &leaf, attributes, access).map_err(|dirty_bit| {
        // Reading is judged before writing, and the syndrome tells which of them failed.
        let write = access.write && (leaf.read || !access.read);
        Fault { dirty_bit, write, ..fault(FaultKind::Permission, level) }
    })?;
    let mut updated = descriptor | ACCESS_FLAG;
    if managed && access.write && access.update {
        updated |= WRITABLE;
    }
    if updated != descriptor {
        let order = |value: u64| if s2.big_endian { value.swap_bytes() } else { value };
        let found = memory.compare_exchange(at, order(descriptor), order(updated));
        if found.ok_or(fault(FaultKind::ExternalOnWalk, level))? != order(descriptor) {
            return Ok(None);
        }
    }
    let dirty = updated & WRITABLE != 0;
    let permissions =
        Permissions::stage2(leaf.read, leaf.write && dirty, leaf.user_execute, leaf.privileged_execute);
    Ok(Some(Stage2Page { pa, size_log2, permissions, attributes }))
}

#[expect(clippy::struct_excessive_bools, reason = "a row of the permission table")]
struct LeafPermissions {
    read: bool,
    write: bool,
    user_execute: bool,
    privileged_execute: bool,
    /// Permissions of stage 1 walks, which FEAT_S2PIE can give apart.
    walk_read: bool,
    walk_write: bool,
    /// Writing is refused for want of the dirty state.
    clean: bool,
}

/// AArch64.S2DirectBasePermissions, AArch64.S2IndirectBasePermissions.
fn leaf_permissions(s2: &Stage2, descriptor: u64, managed: bool) -> LeafPermissions {
    let bit = |n: u8| descriptor >> n & 1 != 0;
    if let Some(pir) = s2.indirect {
        let index =
            u32::from(bit(54)) << 3 | u32::from(bit(53)) << 2 | u32::from(bit(51)) << 1 | u32::from(bit(6));
        return indirect(pir >> (4 * index) & 0xf, !bit(7) && !managed);
    }
    let (user_execute, privileged_execute) = match (bit(54), bit(53)) {
        (xn, _) if !s2.xnx => (!xn, !xn),
        (false, false) => (true, true),
        (false, true) => (true, false),
        (true, false) => (false, false),
        (true, true) => (false, true),
    };
    let (read, write) = (bit(6), bit(7) || managed);
    LeafPermissions {
        read,
        write,
        user_execute,
        privileged_execute,
        walk_read: read,
        walk_write: write,
        clean: false,
    }
}

/// The sixteen rows of S2PIR_EL2; MRO rows let only table walks write.
fn indirect(code: u64, clean: bool) -> LeafPermissions {
    let row = |read, write, user_execute, privileged_execute| LeafPermissions {
        read,
        write,
        user_execute,
        privileged_execute,
        walk_read: read,
        walk_write: write,
        clean,
    };
    let most_read_only = |user_execute, privileged_execute| LeafPermissions {
        walk_write: true,
        ..row(true, false, user_execute, privileged_execute)
    };
    match code {
        0b0010 | 0b0011 => most_read_only(false, false),
        0b0100 => row(false, true, false, false),
        0b0110 => most_read_only(true, false),
        0b0111 => most_read_only(false, true),
        0b1000 => row(true, false, false, false),
        0b1001 => row(true, false, false, true),
        0b1010 => row(true, false, true, false),
        0b1011 => row(true, false, true, true),
        0b1100 => row(true, true, false, false),
        0b1101 => row(true, true, false, true),
        0b1110 => row(true, true, true, false),
        0b1111 => row(true, true, true, true),
        _ => row(false, false, false, false),
    }
}

/// AArch64.S2CheckPermissions. The error tells whether only the dirty state was missing.
fn check(
    s2: &Stage2,
    leaf: &LeafPermissions,
    attributes: Stage2Attributes,
    access: Access,
) -> Result<(), bool> {
    let device = is_device(attributes, s2.fwb);
    let (read, write) =
        if access.table_walk { (leaf.walk_read, leaf.walk_write) } else { (leaf.read, leaf.write) };
    let execute = if access.user { leaf.user_execute } else { leaf.privileged_execute };
    let refused = (access.table_walk && s2.protect_walks && device)
        || (access.read && !read)
        || (access.write && !write)
        || (access.execute && !execute);
    if access.check && refused {
        return Err(false);
    }
    if access.check && access.write && leaf.clean { Err(true) } else { Ok(()) }
}

/// Tells whether stage 2 alone makes memory Device.
fn is_device(attributes: Stage2Attributes, fwb: bool) -> bool {
    if fwb { attributes.mem_attr & 0b0100 == 0 } else { attributes.mem_attr & 0b1100 == 0 }
}
