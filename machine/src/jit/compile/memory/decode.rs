//! What a load or store moves, and how its address is made.

use crate::jit::compile::integer::{rd, rm};
use crate::jit::x64::Size;
use crate::mmu::Route;
use droste_arch::a64::Group;

/// What moves between memory and registers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Zero-extended.
    Plain(Size),
    /// Sign-extended to 32 or 64 bits.
    Signed(Size, Size),
    /// A vector register of so many bytes as a power of two.
    Vector(u32),
}

/// How the address is made.
#[derive(Clone, Copy)]
pub(super) enum Address {
    Offset(i32),
    PostIndex(i32),
    PreIndex(i32),
    /// Base plus Rm, extended by an option and shifted.
    Register {
        m: u8,
        option: u32,
        shift: u8,
    },
    /// Relative to the PC.
    Literal(i32),
}

#[derive(Clone, Copy)]
pub(super) struct Access {
    pub(super) store: bool,
    pub(super) unit: Unit,
    /// The second register of a pair.
    pub(super) second: Option<u8>,
    pub(super) address: Address,
    /// Load-acquire or store-release.
    pub(super) ordered: bool,
    /// With the permissions of EL0.
    pub(super) unprivileged: bool,
}

impl Access {
    /// Which comparison finds its page.
    pub(super) fn route(&self) -> Route {
        if self.unprivileged { Route::Unprivileged } else { Route::Ordinary }
    }

    /// Length of the access.
    pub(super) fn bytes(&self) -> i32 {
        self.unit_bytes() << i32::from(self.second.is_some())
    }

    pub(super) fn unit_bytes(&self) -> i32 {
        match self.unit {
            Unit::Plain(size) | Unit::Signed(size, _) => 1 << size as u32,
            Unit::Vector(log2) => 1 << log2,
        }
    }

    /// The vector registers that are loaded or stored.
    pub(super) fn vector_registers(&self, word: u32) -> impl Iterator<Item = u8> + use<> {
        let is_vector = matches!(self.unit, Unit::Vector(_));
        [Some(rd(word)), self.second].into_iter().flatten().filter(move |_| is_vector)
    }

    /// The general-purpose registers that are loaded or stored.
    pub(super) fn general_registers(&self, word: u32) -> impl Iterator<Item = u8> + use<> {
        let is_vector = matches!(self.unit, Unit::Vector(_));
        [Some(rd(word)), self.second].into_iter().flatten().filter(move |&r| !is_vector && r != 31)
    }
}

/// Sizes by the field of the encoding.
pub(super) const SIZES: [Size; 4] = [Size::B, Size::W, Size::D, Size::Q];

/// The load or store that a word of a group is, unless it is none with a template.
pub(super) fn access(group: Group, word: u32) -> Option<Access> {
    match group {
        Group::LdstLdstPos => {
            single(word, |scale| Address::Offset(((word >> 10 & 0xfff) << scale).cast_signed()))
        }
        Group::LdstLdstUnscaled => single(word, |_| Address::Offset(imm9(word))),
        Group::LdstLdstImmpost => single(word, |_| Address::PostIndex(imm9(word))),
        Group::LdstLdstImmpre => single(word, |_| Address::PreIndex(imm9(word))),
        Group::LdstLdstUnpriv => {
            single(word, |_| Address::Offset(imm9(word))).map(|a| Access { unprivileged: true, ..a })
        }
        Group::LdstLdstRegoff if word & 1 << 14 != 0 => single(word, |scale| Address::Register {
            m: rm(word),
            option: word >> 13 & 7,
            shift: (scale * (word >> 12 & 1)) as u8,
        }),
        Group::LdstLdstpairOff | Group::LdstLdstnapairOffs => pair(word, Address::Offset),
        Group::LdstLdstpairPost => pair(word, Address::PostIndex),
        Group::LdstLdstpairPre => pair(word, Address::PreIndex),
        Group::LdstLoadlit => literal(word),
        // LDAR and STLR, not LDLAR and STLLR, which not every CPU has.
        Group::LdstLdstord if word & 1 << 15 != 0 => Some(ordered(word, word & 1 << 22 == 0)),
        // LDAPR.
        Group::LdstMemop if word & 1 << 26 == 0 => Some(ordered(word, false)),
        // STLUR, LDAPUR and the sign-extending forms.
        Group::LdstLdapstlUnscaled => {
            single(word, |_| Address::Offset(imm9(word))).map(|a| Access { ordered: true, ..a })
        }
        _ => None,
    }
}

fn ordered(word: u32, store: bool) -> Access {
    let unit = Unit::Plain(SIZES[(word >> 30) as usize]);
    Access { store, unit, second: None, address: Address::Offset(0), ordered: true, unprivileged: false }
}

/// Whether a word of the group `memop` is a read-modify-write, not LDAPR.
pub(super) fn is_atomic(word: u32) -> bool {
    word >> 12 & 0xf != 0xc
}

fn imm9(word: u32) -> i32 {
    (word << 11).cast_signed() >> 23
}

/// The fields `size`, `V` and `opc` of a load or store of one register. `address` is given log2 of the size.
fn single(word: u32, address: impl FnOnce(u32) -> Address) -> Option<Access> {
    let (size, opc) = (word >> 30, word >> 22 & 3);
    let (store, unit, scale) = if word & 1 << 26 != 0 {
        let log2 = (opc >> 1) << 2 | size;
        if log2 > 4 {
            return None;
        }
        (opc & 1 == 0, Unit::Vector(log2), log2)
    } else {
        let memory = SIZES[size as usize];
        let unit = match opc {
            0 | 1 => Unit::Plain(memory),
            2 if size < 3 => Unit::Signed(memory, Size::Q),
            3 if size < 2 => Unit::Signed(memory, Size::D),
            _ => return None,
        };
        (opc == 0, unit, size)
    };
    let address = address(scale);
    Some(Access { store, unit, second: None, address, ordered: false, unprivileged: false })
}

/// The fields of a load or store of a pair.
fn pair(word: u32, address: impl FnOnce(i32) -> Address) -> Option<Access> {
    let opc = word >> 30;
    let store = word & 1 << 22 == 0;
    let (unit, scale) = match (word & 1 << 26 != 0, opc) {
        (false, 0) => (Unit::Plain(Size::D), 2),
        (false, 1) if !store => (Unit::Signed(Size::D, Size::Q), 2),
        (false, 2) => (Unit::Plain(Size::Q), 3),
        (true, 0) => (Unit::Vector(2), 2),
        (true, 1) => (Unit::Vector(3), 3),
        (true, 2) => (Unit::Vector(4), 4),
        _ => return None,
    };
    let imm = ((word << 10).cast_signed() >> 25) << scale;
    let second = Some((word >> 10 & 31) as u8);
    Some(Access { store, unit, second, address: address(imm), ordered: false, unprivileged: false })
}

/// The fields of a load relative to the PC.
fn literal(word: u32) -> Option<Access> {
    let unit = match (word & 1 << 26 != 0, word >> 30) {
        (false, 0) => Unit::Plain(Size::D),
        (false, 1) => Unit::Plain(Size::Q),
        (false, 2) => Unit::Signed(Size::D, Size::Q),
        (true, log2 @ 0..=2) => Unit::Vector(log2 + 2),
        _ => return None,
    };
    let address = Address::Literal(((word << 8).cast_signed() >> 13) * 4);
    Some(Access { store: false, unit, second: None, address, ordered: false, unprivileged: false })
}
