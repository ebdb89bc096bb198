//! From encodings to handlers: each of the manual's groups has its file.

use super::{Handler, branch, dpimm, dpreg, fp, ldst, simd};
use droste_arch::a64::{Encoding, Group};

/// Returns the handler of an encoding, or `None` if the interpreter does not implement it.
pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    match e.group() {
        Group::DpimmPcreladdr => dpimm::pcreladdr::handler(e),
        Group::DpimmAddsubImm => dpimm::addsub_imm::handler(e),
        Group::DpimmMinmaxImm => dpimm::minmax_imm::handler(e),
        Group::DpimmLogImm => dpimm::log_imm::handler(e),
        Group::DpimmMovewide => dpimm::movewide::handler(e),
        Group::DpimmBitfield => dpimm::bitfield::handler(e),
        Group::DpimmExtract => dpimm::extract::handler(e),

        Group::DpregAddsubCarry => dpreg::addsub_carry::handler(e),
        Group::DpregAddsubExt => dpreg::addsub_ext::handler(e),
        Group::DpregAddsubShift => dpreg::addsub_shift::handler(e),
        Group::DpregCondcmpImm | Group::DpregCondcmpReg => dpreg::condcmp::handler(e),
        Group::DpregCondsel => dpreg::condsel::handler(e),
        Group::DpregDp1src => dpreg::dp_1src::handler(e),
        Group::DpregDp2src => dpreg::dp_2src::handler(e),
        Group::DpregDp3src => dpreg::dp_3src::handler(e),
        Group::DpregLogShift => dpreg::log_shift::handler(e),
        Group::DpregRmif | Group::DpregSetf => dpreg::flags::handler(e),

        Group::ControlBarriers => branch::barriers::handler(e),
        Group::ControlBranchImm => branch::branch_imm::handler(e),
        Group::ControlBranchReg => branch::branch_reg::handler(e),
        Group::ControlCompbranch => branch::compbranch::handler(e),
        Group::ControlCompbranchImm | Group::ControlCompbranchRegs | Group::ControlCompbranchRegs2 => {
            branch::compbranch_regs::handler(e)
        }
        Group::ControlCondbranch => branch::condbranch::handler(e),
        Group::ControlException | Group::ReservedPermUndef => branch::exception::handler(e),
        Group::ControlHints => branch::hints::handler(e),
        Group::ControlPstate => branch::pstate::handler(e),
        Group::ControlSysteminstrswithreg => branch::wfxt::handler(e),
        Group::ControlTestbranch => branch::testbranch::handler(e),
        Group::ControlSystemmove
        | Group::ControlSysteminstrs
        | Group::ControlSystemmovepr
        | Group::ControlSyspairinstrs
        | Group::ControlSystemresult => crate::sysreg::handler(e),

        Group::LdstComswap | Group::LdstComswappr => ldst::comswap::handler(e),
        Group::LdstLdapstlSimd
        | Group::LdstLdapstlUnscaled
        | Group::LdstLdapstlWriteback
        | Group::LdstLdiappstilp => ldst::ldapstl::handler(e),
        Group::LdstLdstImmpost => ldst::ldst_immpost::handler(e),
        Group::LdstLdstImmpre => ldst::ldst_immpre::handler(e),
        Group::LdstLdstPac => ldst::ldst_pac::handler(e),
        Group::LdstLdstPos => ldst::ldst_pos::handler(e),
        Group::LdstLdstRegoff => ldst::ldst_regoff::handler(e),
        Group::LdstLdstUnpriv => ldst::ldst_unpriv::handler(e),
        Group::LdstLdstUnscaled => ldst::ldst_unscaled::handler(e),
        Group::LdstLdstexclp | Group::LdstLdstexclr => ldst::ldstexcl::handler(e),
        Group::LdstLdstord => ldst::ldstord::handler(e),
        Group::LdstLdstnapairOffs
        | Group::LdstLdstpairOff
        | Group::LdstLdstpairPost
        | Group::LdstLdstpairPre => ldst::ldstpair::handler(e),
        Group::LdstLoadlit => ldst::loadlit::handler(e),
        Group::LdstMemcms => ldst::memcms::handler(e),
        Group::LdstMemop => ldst::memop::handler(e),
        Group::LdstMemop128 => ldst::memop_128::handler(e),

        // Advanced SIMD groups mix integer and floating-point encodings.
        _ => simd::handler(e).or_else(|| fp::handler(e)),
    }
}
