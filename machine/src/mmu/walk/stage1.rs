//! Stage 1: AArch64.S1Translate, AArch64.S1Walk.

use super::granule::FINAL_LEVEL;
use super::permissions::{Rwx, Stage1Leaf};
use super::{
    Attributes, Fault, Half, Kind, Permissions, PhysMem, Request, Stage1, Translation, WalkConfig, stage2,
};
use crate::mmu::fault::FaultKind;

/// The translation table base registers of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tables {
    /// TTBR0_ELx and TTBR1_ELx.
    pub ttbr: [u64; 2],
    /// VTTBR_EL2.
    pub vttbr: u64,
}

const ACCESS_FLAG: u64 = 1 << 10;
const READ_ONLY: u64 = 1 << 7;
const DIRTY_MODIFIER: u64 = 1 << 51;

/// Permission bits collected from table descriptors.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are descriptor bits")]
struct TableBits {
    no_user: bool,
    read_only: bool,
    uxn: bool,
    pxn: bool,
}

/// A leaf descriptor, where it was found, and what the tables above it say.
struct Leaf {
    descriptor: u64,
    /// Intermediate physical address of the descriptor.
    ipa: u64,
    pa: u64,
    level: i8,
    tables: TableBits,
}

pub(super) fn translate<M: PhysMem>(
    memory: &M,
    config: &WalkConfig,
    tables: &Tables,
    va: u64,
    request: Request,
) -> Result<Translation, Fault> {
    let s1 = &config.stage1;
    if !s1.enabled {
        return untranslated(s1, va, request);
    }
    let fault = |kind, level| Fault::stage1(kind, level, request.kind == Kind::Write);
    let upper = s1.regime.has_unprivileged() && va & 1 << 55 != 0;
    let half = &s1.halves[usize::from(upper)];
    let input_bits = half.input_bits.ok_or(fault(FaultKind::Translation, 0))?;
    let e0pd = half.e0pd && request.privilege == super::Privilege::User;
    if out_of_range(va, upper, half, input_bits, request.kind) || e0pd || half.epd {
        return Err(fault(FaultKind::Translation, 0));
    }
    let ttbr = tables.ttbr[usize::from(upper)];
    loop {
        let leaf = walk(memory, config, tables, half, ttbr, va & low_mask(input_bits), &fault)?;
        if let Some(translation) = finish(memory, config, tables, half, va, &leaf, request, &fault)? {
            return Ok(translation);
        }
        // The descriptor changed between the read and the update: look again.
    }
}

/// AArch64.S1DisabledOutput.
fn untranslated(s1: &Stage1, va: u64, request: Request) -> Result<Translation, Fault> {
    let half = &s1.halves[usize::from(s1.regime.has_unprivileged() && va & 1 << 55 != 0)];
    let tbi = if request.kind == Kind::Execute { half.tbi_instruction } else { half.tbi_data };
    let address = if tbi { va & low_mask(56) } else { va };
    if address >> s1.pa_bits != 0 {
        return Err(Fault::stage1(FaultKind::AddressSize, 0, request.kind == Kind::Write));
    }
    let attributes = match request.kind {
        _ if s1.default_cacheable => Attributes { mair: super::MAIR_NORMAL_WB, shareability: 0 },
        Kind::Execute if s1.instruction_cache => Attributes { mair: 0xaa, shareability: 2 },
        Kind::Execute => Attributes { mair: 0x44, shareability: 2 },
        Kind::Read | Kind::Write => Attributes::DEVICE,
    };
    Ok(Translation {
        pa: address,
        ipa: address,
        size_log2: 12,
        stage1_size_log2: 12,
        permissions: Permissions::ALL,
        attributes,
        global: false,
        guarded: false,
    })
}

/// AArch64.VAIsOutOfRange.
fn out_of_range(va: u64, upper: bool, half: &Half, input_bits: u8, kind: Kind) -> bool {
    let tbi = if kind == Kind::Execute { half.tbi_instruction } else { half.tbi_data };
    let top = if upper { !va } else { va };
    let top = if tbi { top & low_mask(56) } else { top };
    top >> input_bits != 0
}

/// Follows table descriptors to a leaf (AArch64.S1Walk).
fn walk<M: PhysMem>(
    memory: &M,
    config: &WalkConfig,
    tables: &Tables,
    half: &Half,
    ttbr: u64,
    input: u64,
    fault: &impl Fn(FaultKind, i8) -> Fault,
) -> Result<Leaf, Fault> {
    let s1 = &config.stage1;
    let granule = half.granule;
    // `translate` has checked that there is a valid input size; its bits above are clear in `input`.
    let input_bits = half.input_bits.unwrap_or(48);
    let mut level = granule.start_level(input_bits);
    let start_bits = input_bits.saturating_sub(granule.block_log2(level));
    let mut base = granule.table_base(ttbr, start_bits, s1.output_bits, half.ds);
    if base >> s1.output_bits != 0 {
        return Err(fault(FaultKind::AddressSize, 0));
    }
    let mut bits = TableBits::default();
    loop {
        let index = input >> granule.block_log2(level) & low_mask(granule.stride());
        let ipa = base | index << 3;
        let pa = match &config.stage2 {
            Some(s2) => stage2::translate(memory, s2, tables.vttbr, ipa, stage2::Access::table_read())?.pa,
            None => ipa,
        };
        let descriptor = memory.read(pa).ok_or(fault(FaultKind::ExternalOnWalk, level))?;
        let descriptor = if s1.big_endian { descriptor.swap_bytes() } else { descriptor };
        match descriptor & 3 {
            3 if level < FINAL_LEVEL => {
                base = granule.descriptor_address(descriptor, half.ds, s1.lpa);
                if base >> s1.output_bits != 0 {
                    return Err(fault(FaultKind::AddressSize, level));
                }
                bits.collect(s1, half, descriptor);
                level += 1;
            }
            3 => return Ok(Leaf { descriptor, ipa, pa, level, tables: bits }),
            1 if granule.block_allowed(level, block_wide(s1, half)) => {
                return Ok(Leaf { descriptor, ipa, pa, level, tables: bits });
            }
            _ => return Err(fault(FaultKind::Translation, level)),
        }
    }
}

fn block_wide(s1: &Stage1, half: &Half) -> bool {
    half.ds || (half.granule == super::Granule::K64 && s1.lpa)
}

impl TableBits {
    /// Hierarchical permissions (AArch64.S1ApplyTablePerms); rule E2 of nested virtualization moves the bits.
    fn collect(&mut self, s1: &Stage1, half: &Half, descriptor: u64) {
        if half.hpd || s1.indirect.is_some() {
            return;
        }
        let bit = |n: u8| descriptor >> n & 1 != 0;
        self.read_only |= bit(62);
        if s1.nv1 {
            self.pxn |= bit(60);
        } else {
            self.no_user |= bit(61);
            self.uxn |= bit(60);
            self.pxn |= bit(59);
        }
    }
}

/// Checks the leaf, updates Access flag and dirty state; `None` if the descriptor has changed meanwhile.
#[expect(clippy::too_many_arguments, reason = "one step of `translate`, which has them all at hand")]
fn finish<M: PhysMem>(
    memory: &M,
    config: &WalkConfig,
    tables: &Tables,
    half: &Half,
    va: u64,
    leaf: &Leaf,
    request: Request,
    fault: &impl Fn(FaultKind, i8) -> Fault,
) -> Result<Option<Translation>, Fault> {
    let s1 = &config.stage1;
    let Leaf { descriptor, level, .. } = *leaf;
    let size_log2 = half.granule.block_log2(level);
    let offset_mask = low_mask(size_log2);
    let oa = half.granule.descriptor_address(descriptor, half.ds, s1.lpa) & !offset_mask | va & offset_mask;
    if oa >> s1.output_bits != 0 {
        return Err(fault(FaultKind::AddressSize, level));
    }
    if descriptor & ACCESS_FLAG == 0 && !s1.ha {
        return Err(fault(FaultKind::AccessFlag, level));
    }
    let managed = s1.hd && (s1.indirect.is_some() || descriptor & DIRTY_MODIFIER != 0);
    let permissions = permissions(s1, leaf, managed);
    let allowed = permissions.allows(request.privilege, request.kind);
    let clean_indirect = s1.indirect.is_some() && descriptor & READ_ONLY != 0 && !s1.hd;
    if request.check && !allowed {
        return Err(fault(FaultKind::Permission, level));
    }
    if request.check && request.kind == Kind::Write && clean_indirect {
        return Err(Fault { dirty_bit: true, ..fault(FaultKind::Permission, level) });
    }
    let mut updated = descriptor | ACCESS_FLAG;
    if managed && request.kind == Kind::Write && request.update {
        updated &= !READ_ONLY;
    }
    if updated != descriptor && !update(memory, config, tables, leaf, updated, fault)? {
        return Ok(None);
    }
    let dirty = updated & READ_ONLY == 0 || !(managed || clean_indirect);
    let index = (descriptor >> 2 & 7) as u32;
    let shareability = if half.ds { half.sh } else { (descriptor >> 8 & 3) as u8 };
    let attributes = Attributes::from_mair((s1.mair >> (8 * index)) as u8, shareability);
    let cached = if request.kind == Kind::Execute { s1.instruction_cache } else { s1.data_cache };
    Ok(Some(Translation {
        pa: oa,
        ipa: oa,
        size_log2,
        stage1_size_log2: size_log2,
        permissions: if dirty { permissions } else { permissions.without_write() },
        attributes: if cached || attributes.is_device() {
            attributes
        } else {
            Attributes::from_mair(0x44, 2)
        },
        global: !(s1.regime.has_unprivileged() && descriptor & 1 << 11 != 0),
        guarded: descriptor & 1 << 50 != 0,
    }))
}

/// AArch64.S1ApplyOutputPerms and the base permissions; `managed` treats a clean page as writable.
fn permissions(s1: &Stage1, leaf: &Leaf, managed: bool) -> Permissions {
    let bit = |n: u8| leaf.descriptor >> n & 1 != 0;
    if let Some((pir, pire0)) = s1.indirect {
        let index =
            u32::from(bit(54)) << 3 | u32::from(bit(53)) << 2 | u32::from(bit(51)) << 1 | u32::from(bit(6));
        return indirect_permissions(
            s1,
            (pir >> (4 * index) & 0xf) as u8,
            (pire0 >> (4 * index) & 0xf) as u8,
        );
    }
    let read_only = (bit(7) && !managed) || leaf.tables.read_only;
    if !s1.regime.has_unprivileged() {
        let xn = Stage1Leaf { user: false, read_only, uxn: bit(54) || leaf.tables.uxn, pxn: false };
        return Permissions::stage1_one_level(xn, s1.wxn);
    }
    let user = bit(6) && !s1.nv1 && !leaf.tables.no_user;
    let (uxn, pxn) = if s1.nv1 { (false, bit(54)) } else { (bit(54), bit(53)) };
    let leaf = Stage1Leaf { user, read_only, uxn: uxn || leaf.tables.uxn, pxn: pxn || leaf.tables.pxn };
    Permissions::stage1_two_levels(leaf, s1.wxn, s1.epan)
}

/// AArch64.S1IndirectBasePermissions, without overlays and GCS.
fn indirect_permissions(s1: &Stage1, privileged: u8, user: u8) -> Permissions {
    let decode = |code: u8| Rwx {
        read: matches!(code, 1 | 3 | 5..=10 | 12 | 14),
        write: matches!(code, 5..=7 | 12 | 14),
        // 0b0110 is RWX with WXN semantics: it does not execute.
        execute: matches!(code, 2 | 3 | 7 | 10 | 14),
    };
    let privileged = decode(privileged);
    if !s1.regime.has_unprivileged() {
        return Permissions::one_level(privileged);
    }
    let pan = user != 0;
    let user = decode(user);
    if privileged.execute && user.write {
        return Permissions::NONE;
    }
    Permissions::two_levels(user, privileged, pan)
}

/// Writes a descriptor back if it is still what was read (AArch64.MemSwapTableDesc).
fn update<M: PhysMem>(
    memory: &M,
    config: &WalkConfig,
    tables: &Tables,
    leaf: &Leaf,
    updated: u64,
    fault: &impl Fn(FaultKind, i8) -> Fault,
) -> Result<bool, Fault> {
    if let Some(s2) = &config.stage2 {
        stage2::translate(memory, s2, tables.vttbr, leaf.ipa, stage2::Access::table_update())?;
    }
    let order = |value: u64| if config.stage1.big_endian { value.swap_bytes() } else { value };
    let old = order(leaf.descriptor);
    let found = memory.compare_exchange(leaf.pa, old, order(updated));
    Ok(found.ok_or(fault(FaultKind::ExternalOnWalk, leaf.level))? == old)
}

/// The lowest `bits` bits.
pub(super) fn low_mask(bits: u8) -> u64 {
    u64::MAX >> (64 - bits)
}
