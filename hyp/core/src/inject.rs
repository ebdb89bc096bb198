//! Exceptions that the hypervisor takes to the host's EL1 (AArch64.TakeException).

use droste_arch::esr::{Class, Esr, abort};
use droste_arch::fields::{Field, sctlr_el1, spsr_el1};

/// The host's state at the instruction that gets the exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// ELR_EL2.
    pub pc: u64,
    /// SPSR_EL2.
    pub pstate: u64,
    /// VBAR_EL1.
    pub vbar: u64,
    /// SCTLR_EL1.
    pub sctlr: u64,
}

/// What to write: ELR_EL1 and SPSR_EL1 take the interrupted PC and PSTATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injection {
    /// ESR_EL1.
    pub esr: Esr,
    /// The vector, for ELR_EL2.
    pub pc: u64,
    /// PSTATE at the vector, for SPSR_EL2.
    pub pstate: u64,
}

/// `M[3:0]` of EL1 with its own stack pointer.
pub const EL1H: u64 = 0b0101;
const EL1T: u64 = 0b0100;
const EXTERNAL_ABORT: u64 = 0x10;

/// A synchronous external abort in place of a stage 2 abort with the syndrome `esr`.
#[must_use]
pub fn external_abort(at: Interrupted, esr: Esr) -> Injection {
    let is_instruction = esr.class() == Class::INSTRUCTION_ABORT_LOWER;
    let class = match (is_instruction, from_el1(at)) {
        (true, true) => Class::INSTRUCTION_ABORT_SAME,
        (true, false) => Class::INSTRUCTION_ABORT_LOWER,
        (false, true) => Class::DATA_ABORT_SAME,
        (false, false) => Class::DATA_ABORT_LOWER,
    };
    let from = u64::from(esr.iss());
    let mut code = EXTERNAL_ABORT;
    if abort::S1PTW.is_set(from) {
        // On a walk: 0x14 and the level of the descriptor.
        code = 0x14 | (abort::FSC.get(from) & 3);
    }
    let mut iss = abort::FSC.with(0, code);
    if !is_instruction {
        iss |= from & (abort::WNR.mask() | abort::CM.mask());
    }
    inject(at, Esr::new(class, iss as u32), esr)
}

/// An Undefined Instruction exception.
#[must_use]
pub fn undefined(at: Interrupted, esr: Esr) -> Injection {
    inject(at, Esr::new(Class::UNKNOWN, 0), esr)
}

fn from_el1(at: Interrupted) -> bool {
    matches!(spsr_el1::M_3_0.get(at.pstate), EL1H | EL1T)
}

fn inject(at: Interrupted, esr: Esr, original: Esr) -> Injection {
    let is_aarch32 = spsr_el1::M_4.is_set(at.pstate);
    let offset = match spsr_el1::M_3_0.get(at.pstate) {
        _ if is_aarch32 => 0x600,
        EL1H => 0x200,
        EL1T => 0x000,
        _ => 0x400,
    };
    // The length of the instruction is that of the original trap.
    let esr = Esr(esr.0 & !INSTRUCTION_LENGTH | original.0 & INSTRUCTION_LENGTH);
    Injection { esr, pc: at.vbar.wrapping_add(offset), pstate: pstate_at_vector(at, is_aarch32) }
}

/// SPSR_ELx.SSBS from AArch64 state.
const SSBS: Field = Field::new(12, 12);
const INSTRUCTION_LENGTH: u64 = 0x0200_0000;

/// PSTATE as an exception to EL1 leaves it: flags and DIT stay, PAN follows SCTLR_EL1.SPAN, SSBS SCTLR_EL1.DSSBS.
fn pstate_at_vector(at: Interrupted, was_aarch32: bool) -> u64 {
    let keep = spsr_el1::N.mask() | spsr_el1::Z.mask() | spsr_el1::C.mask() | spsr_el1::V.mask();
    let keep = if was_aarch32 { keep } else { keep | spsr_el1::DIT.mask() };
    let mut new = at.pstate & keep;
    new |= spsr_el1::D.mask() | spsr_el1::A.mask() | spsr_el1::I.mask() | spsr_el1::F.mask();
    if spsr_el1::PAN.is_set(at.pstate) || !sctlr_el1::SPAN.is_set(at.sctlr) {
        new |= spsr_el1::PAN.mask();
    }
    if sctlr_el1::DSSBS.is_set(at.sctlr) {
        new |= SSBS.mask();
    }
    spsr_el1::M_3_0.with(new, EL1H)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Interrupted = Interrupted { pc: 0x1000, pstate: 0x6000_0005, vbar: 0xffff_0000, sctlr: 0 };

    fn data_abort(iss: u32) -> Esr {
        Esr::new(Class::DATA_ABORT_LOWER, iss)
    }

    #[test]
    fn read_of_protected_memory_by_the_kernel_is_an_external_abort_at_its_own_level() {
        let i = external_abort(AT, data_abort(0x0180_0006));
        assert_eq!((i.esr.class(), i.esr.iss()), (Class::DATA_ABORT_SAME, 0x10));
        assert_eq!(i.pc, 0xffff_0200);
        // Flags kept, DAIF masked, PAN set as SPAN is clear, EL1h.
        assert_eq!(i.pstate, 0x6000_0000 | 1 << 22 | 0x3c0 | 5);
    }

    #[test]
    fn write_from_el0_goes_to_the_vector_of_lower_levels_and_keeps_wnr() {
        let at = Interrupted { pstate: 0, sctlr: sctlr_el1::SPAN.mask(), ..AT };
        let i = external_abort(at, data_abort(0x46));
        assert_eq!((i.esr.class(), i.esr.iss()), (Class::DATA_ABORT_LOWER, 0x50));
        assert_eq!((i.pc, i.pstate), (0xffff_0400, 0x3c5));
    }

    #[test]
    fn instruction_fetch_and_walk_have_their_own_codes() {
        let i = external_abort(AT, Esr::new(Class::INSTRUCTION_ABORT_LOWER, 0x86));
        assert_eq!((i.esr.class(), i.esr.iss()), (Class::INSTRUCTION_ABORT_SAME, 0x16));
    }

    #[test]
    fn aarch32_user_goes_to_the_fourth_group_of_vectors() {
        let at = Interrupted { pstate: 0x10, ..AT };
        assert_eq!(undefined(at, Esr::new(Class::HVC, 0)).pc, 0xffff_0600);
    }
}
