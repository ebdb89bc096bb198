//! Pointer authentication: shared code signs and checks pointers of the implementation defined algorithm; whatever else
//! there is (other algorithms, disabled keys, traps, pointers that are not canonical, codes that are wrong) is left to the
//! interpreter's handler.

use super::integer::{rd, rn};
use super::registers::SP;
use super::{Compiler, Slow};
use crate::jit::x64::{Cond, Label, Reg, Size};
use crate::pauth::PacKey;
use droste_arch::a64::Encoding;
use droste_arch::feature::Feature;

/// An instruction that signs or checks one register.
struct Operation {
    auth: bool,
    key: PacKey,
    pointer: u8,
    /// Nothing for zero.
    modifier: Option<u8>,
}

/// What an instruction does, if it is one of them.
fn operation(encoding: Encoding, word: u32) -> Option<Operation> {
    use Encoding as E;
    use PacKey::{DA, DB, IA, IB};
    let op = |auth, key, pointer, modifier| Some(Operation { auth, key, pointer, modifier });
    let (d, n) = (rd(word), Some(rn(word)));
    match encoding {
        E::PACIASP_HI_hints => op(false, IA, 30, Some(SP)),
        E::PACIBSP_HI_hints => op(false, IB, 30, Some(SP)),
        E::AUTIASP_HI_hints => op(true, IA, 30, Some(SP)),
        E::AUTIBSP_HI_hints => op(true, IB, 30, Some(SP)),
        E::PACIAZ_HI_hints => op(false, IA, 30, None),
        E::PACIBZ_HI_hints => op(false, IB, 30, None),
        E::AUTIAZ_HI_hints => op(true, IA, 30, None),
        E::AUTIBZ_HI_hints => op(true, IB, 30, None),
        E::PACIA1716_HI_hints => op(false, IA, 17, Some(16)),
        E::PACIB1716_HI_hints => op(false, IB, 17, Some(16)),
        E::AUTIA1716_HI_hints => op(true, IA, 17, Some(16)),
        E::AUTIB1716_HI_hints => op(true, IB, 17, Some(16)),
        _ if d == 31 => None,
        E::PACIA_64P_dp_1src => op(false, IA, d, n),
        E::PACIB_64P_dp_1src => op(false, IB, d, n),
        E::PACDA_64P_dp_1src => op(false, DA, d, n),
        E::PACDB_64P_dp_1src => op(false, DB, d, n),
        E::AUTIA_64P_dp_1src => op(true, IA, d, n),
        E::AUTIB_64P_dp_1src => op(true, IB, d, n),
        E::AUTDA_64P_dp_1src => op(true, DA, d, n),
        E::AUTDB_64P_dp_1src => op(true, DB, d, n),
        E::PACIZA_64Z_dp_1src => op(false, IA, d, None),
        E::PACIZB_64Z_dp_1src => op(false, IB, d, None),
        E::PACDZA_64Z_dp_1src => op(false, DA, d, None),
        E::PACDZB_64Z_dp_1src => op(false, DB, d, None),
        E::AUTIZA_64Z_dp_1src => op(true, IA, d, None),
        E::AUTIZB_64Z_dp_1src => op(true, IB, d, None),
        E::AUTDZA_64Z_dp_1src => op(true, DA, d, None),
        E::AUTDZB_64Z_dp_1src => op(true, DB, d, None),
        _ => None,
    }
}

impl Compiler<'_> {
    /// PAC* and AUT*.
    pub(super) fn pointer(&mut self, encoding: Encoding, word: u32) -> bool {
        let Some(op) = operation(encoding, word) else { return false };
        if !self.source.cpu.has(Feature::FEAT_PAuth) {
            return false;
        }
        self.clobber_flags();
        let pointer = self.read(op.pointer);
        let modifier = op.modifier.map(|r| self.read(r));
        let before = self.cache;
        let mut slow = Label::default();
        self.asm.mov(Size::Q, Reg::Rsi, pointer);
        match modifier {
            Some(modifier) => self.asm.mov(Size::Q, Reg::Rdx, modifier),
            None => self.asm.mov_imm(Reg::Rdx, 0),
        }
        let stub = self.outside(self.stubs.pointers[usize::from(op.auth)][op.key as usize]);
        self.asm.call_offset(stub);
        self.asm.jcc(Cond::Ne, &mut slow);
        self.asm.mov(Size::Q, pointer, Reg::Rax);
        self.wrote(op.pointer);
        self.slow.push(Slow {
            access: None,
            entry: slow,
            index: self.index,
            before,
            flags: self.flags,
            after: self.cache,
            back: self.asm.offset(),
        });
        true
    }
}
