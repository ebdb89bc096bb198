//! Memory copy and memory set (FEAT_MOPS): CPYF*, CPY*, SET*.
//!
//! This is the manual's option B: PSTATE.C is set between the prologue and the epilogue, Xn counts down,
//! and the addresses move. The prologue fixes the direction and copies nothing, the main part does all of
//! it, a bounded piece each time it is executed, and the epilogue finishes what is left, if anything is.

use crate::cpu::Vcpu;
use crate::exception::Exception;
use crate::interp::operand::{bits, rd, rm, rn};
use crate::interp::{Abort, Exec, Flow, Handler};
use crate::mmu::Access;
use droste_arch::a64::{Encoding, Group};
use droste_arch::fields::{hcrx_el2, sctlr_el1};
use droste_arch::sysreg::SysReg;

/// Bytes that one execution of an instruction moves at most; interrupts are taken between.
const PIECE_BYTES: u64 = 4096;

const PROLOGUE: u8 = 0;
const MAIN: u8 = 1;
const EPILOGUE: u8 = 2;

pub(crate) fn handler(e: Encoding) -> Option<Handler> {
    if e.group() != Group::LdstMemcms {
        return None;
    }
    let word = e.value();
    let forward_only = word & 1 << 26 == 0;
    Some(match (bits::<22, 2>(word), forward_only) {
        (0, true) => copy::<PROLOGUE, true>,
        (1, true) => copy::<MAIN, true>,
        (2, true) => copy::<EPILOGUE, true>,
        (0, false) => copy::<PROLOGUE, false>,
        (1, false) => copy::<MAIN, false>,
        (2, false) => copy::<EPILOGUE, false>,
        // SETG* set allocation tags too (FEAT_MTE).
        (_, false) => return None,
        _ => match bits::<14, 2>(word) {
            0 => set::<PROLOGUE>,
            1 => set::<MAIN>,
            2 => set::<EPILOGUE>,
            _ => return None,
        },
    })
}

/// PSTATE.NZCV after a prologue: option B, upwards or downwards.
const FORWARD: u32 = 1 << 29;
const BACKWARD: u32 = 1 << 31 | 1 << 29;

/// Raises UNDEFINED where the instructions are disabled (CheckMOPSEnabled).
fn check_enabled(cpu: &mut Vcpu) -> Result<(), Abort> {
    let el = cpu.el();
    let host = cpu.mode.e2h && cpu.mode.tge;
    let by_el2 =
        el < 2 && !(el == 0 && host) && cpu.has_el2() && !hcrx_el2::MSCEn.is_set(cpu.sys(SysReg::HCRX_EL2));
    let by_sctlr = el == 0 && !sctlr_el1::MSCEn.is_set(cpu.mode.sctlr);
    if by_el2 || by_sctlr { Err(cpu.undefined()) } else { Ok(()) }
}

/// Raises the Memory Copy and Memory Set exception: the registers are not those of option B.
#[cold]
fn mismatch(cpu: &mut Vcpu, insn: u32, set: bool, stage: u8) -> Abort {
    let options = if set { bits::<12, 2>(insn) } else { bits::<12, 4>(insn) };
    let iss = u32::from(set) << 24
        | options << 19
        | u32::from(stage == EPILOGUE) << 18
        | 1 << 17
        | rd(insn) << 10
        | rm(insn) << 5
        | rn(insn);
    let el = cpu.el();
    let to_el2 = el == 1 && cpu.has_el2() && hcrx_el2::MCE2.is_set(cpu.sys(SysReg::HCRX_EL2));
    let target = if to_el2 { 2 } else { cpu.default_target() };
    cpu.raise(Exception::sync(target, 0x27, u64::from(iss)))
}

/// Ends the instruction, or executes it again after interrupts if bytes are left.
#[inline(always)]
fn again_if(unfinished: bool) -> Exec {
    Ok(if unfinished { Flow::Jump } else { Flow::Next })
}

/// Returns whether `address` and `bytes` left allow a doubleword at once.
#[inline(always)]
fn wide(cpu: &Vcpu, addresses: u64, bytes: u64) -> bool {
    bytes >= 8 && (addresses & 7 == 0 || !sctlr_el1::A.is_set(cpu.mode.sctlr))
}

fn unprivileged(on: bool) -> Access {
    if on { Access::UNPRIV } else { Access::NORMAL }
}

fn set<const STAGE: u8>(cpu: &mut Vcpu, insn: u32) -> Exec {
    check_enabled(cpu)?;
    let (d, n, s) = (rd(insn), rn(insn), rm(insn));
    if d == 31 || n == 31 || d == n || s == d || s == n || insn >> 30 != 0 {
        return Err(cpu.undefined());
    }
    let mut left = cpu.x(n);
    if STAGE == PROLOGUE {
        cpu.set_x(n, left.min(i64::MAX as u64));
        cpu.state.nzcv.set(FORWARD);
        return Ok(Flow::Next);
    }
    if left != 0 && cpu.state.nzcv.bits() & 1 << 29 == 0 {
        return Err(mismatch(cpu, insn, true, STAGE));
    }
    let how = unprivileged(insn & 1 << 12 != 0);
    let pattern = (cpu.x(s) & 0xff) * 0x0101_0101_0101_0101;
    let mut to = cpu.x(d);
    let stop = left.saturating_sub(PIECE_BYTES);
    while left > stop {
        let step = match cpu.fill_bulk(to, left - stop, pattern as u8, how) {
            0 if wide(cpu, to, left) => {
                cpu.store::<u64>(to, pattern, how)?;
                8
            }
            0 => {
                cpu.store::<u8>(to, pattern as u8, how)?;
                1
            }
            many => many,
        };
        to = to.wrapping_add(step);
        left -= step;
        cpu.set_x(d, to);
        cpu.set_x(n, left);
    }
    again_if(left != 0)
}

fn copy<const STAGE: u8, const FORWARD_ONLY: bool>(cpu: &mut Vcpu, insn: u32) -> Exec {
    check_enabled(cpu)?;
    let (d, n, s) = (rd(insn), rn(insn), rm(insn));
    if d == 31 || n == 31 || s == 31 || d == n || s == d || s == n || insn >> 30 != 0 {
        return Err(cpu.undefined());
    }
    if STAGE == PROLOGUE {
        begin_copy::<FORWARD_ONLY>(cpu, d, n, s);
        return Ok(Flow::Next);
    }
    if cpu.x(n) != 0 && cpu.state.nzcv.bits() & 1 << 29 == 0 {
        return Err(mismatch(cpu, insn, false, STAGE));
    }
    let (to_how, from_how) = (unprivileged(insn & 1 << 12 != 0), unprivileged(insn & 1 << 13 != 0));
    let (mut to, mut from, mut left) = (cpu.x(d), cpu.x(s), cpu.x(n));
    let backward = !FORWARD_ONLY && cpu.state.nzcv.bits() >> 31 != 0;
    let stop = left.saturating_sub(PIECE_BYTES);
    while left > stop {
        let (target, source) = ((to, to_how), (from, from_how));
        let many = match backward {
            true => cpu.copy_bulk_down(target, source, left - stop),
            false => cpu.copy_bulk_up(target, source, left - stop),
        };
        let step = match many {
            0 if wide(cpu, to | from, left) => 8,
            0 => 1,
            many => many,
        };
        if backward {
            to = to.wrapping_sub(step);
            from = from.wrapping_sub(step);
        }
        if many == 0 && step == 8 {
            let value = cpu.load::<u64>(from, from_how)?;
            cpu.store::<u64>(to, value, to_how)?;
        } else if many == 0 {
            let value = cpu.load::<u8>(from, from_how)?;
            cpu.store::<u8>(to, value, to_how)?;
        }
        if !backward {
            to = to.wrapping_add(step);
            from = from.wrapping_add(step);
        }
        left -= step;
        cpu.set_x(d, to);
        cpu.set_x(s, from);
        cpu.set_x(n, left);
    }
    again_if(left != 0)
}

/// Chooses the direction and saturates the size (MemCpyDirectionChoice and the limits of the prologue).
fn begin_copy<const FORWARD_ONLY: bool>(cpu: &mut Vcpu, d: u32, n: u32, s: u32) {
    const ADDRESS: u64 = (1 << 56) - 1;
    let (to, from) = (cpu.x(d), cpu.x(s));
    let limit = if FORWARD_ONLY { i64::MAX as u64 } else { ADDRESS >> 1 };
    let size = cpu.x(n).min(limit);
    let (to_offset, from_offset) = (to & ADDRESS, from & ADDRESS);
    let backward = !FORWARD_ONLY && from_offset < to_offset && from_offset + size > to_offset;
    cpu.set_x(n, size);
    if backward {
        cpu.set_x(d, to.wrapping_add(size));
        cpu.set_x(s, from.wrapping_add(size));
    }
    cpu.state.nzcv.set(if backward { BACKWARD } else { FORWARD });
}
