//! Registers, memory operands, conditions and sizes.

/// A general-purpose register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub(crate) enum Reg {
    Rax,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

/// A vector register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Xmm(pub(crate) u8);

/// The operand size of an integer instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// 8 bits.
    B,
    /// 16 bits.
    W,
    /// 32 bits; a register's upper half is cleared.
    D,
    /// 64 bits.
    Q,
}

/// A memory operand: `base + index * scale + disp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mem {
    pub(super) base: Reg,
    pub(super) index: Option<(Reg, u8)>,
    pub(super) disp: i32,
}

impl Mem {
    /// `[base + disp]`.
    pub(crate) const fn new(base: Reg, disp: i32) -> Mem {
        Mem { base, index: None, disp }
    }

    /// Whether it is at this distance from a register.
    pub(crate) const fn is_at(self, base: Reg, disp: i8) -> bool {
        self.base as u8 == base as u8 && self.index.is_none() && self.disp == disp as i32
    }

    /// The memory at a distance behind it.
    pub(crate) const fn plus(self, bytes: i32) -> Mem {
        Mem { disp: self.disp + bytes, ..self }
    }

    /// `[base + index * 2^scale_log2 + disp]`; `index` is not RSP.
    pub(crate) const fn indexed(base: Reg, index: Reg, scale_log2: u8, disp: i32) -> Mem {
        Mem { base, index: Some((index, scale_log2)), disp }
    }
}

/// A condition, by its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are those of the instructions")]
pub(crate) enum Cond {
    O = 0,
    No = 1,
    B = 2,
    Ae = 3,
    E = 4,
    Ne = 5,
    Be = 6,
    A = 7,
    S = 8,
    Ns = 9,
    P = 10,
    Np = 11,
    L = 12,
    Ge = 13,
    Le = 14,
    G = 15,
}

impl Cond {
    /// The opposite condition.
    pub(crate) const fn invert(self) -> Cond {
        use Cond::{A, Ae, B, Be, E, G, Ge, L, Le, Ne, No, Np, Ns, O, P, S};
        match self {
            O => No,
            No => O,
            B => Ae,
            Ae => B,
            E => Ne,
            Ne => E,
            Be => A,
            A => Be,
            S => Ns,
            Ns => S,
            P => Np,
            Np => P,
            L => Ge,
            Ge => L,
            Le => G,
            G => Le,
        }
    }
}
