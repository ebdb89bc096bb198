//! Spans: accesses of a block off one base register, near each other, that one check serves.
//!
//! The first access of a span checks all bytes between the lowest and the highest that any of them accesses: one page,
//! one permission. The others only test whether that succeeded; where it did not, each is checked by itself. Nothing
//! between the accesses of a span can change a translation.

use super::decode::{self, Access, Address, Unit};
use crate::interp::Op;
use crate::jit::compile::integer::{rd, rm, rn};
use crate::jit::compile::registers::SP;
use crate::jit::layout::SPAN_SLOTS;
use droste_arch::a64::Group;

/// Bytes of a span of few accesses, and those that each further access allows: the longer it is the likelier are two
/// pages, which cost more than no span does.
const LENGTH: i32 = 1024;
const LENGTH_EACH: i32 = 256;

/// An access as part of a span. Distances are from the base register at this instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jit::compile) struct Member {
    /// Number of the span in the block, less than 64.
    pub(super) span: u8,
    /// Whether it checks the span.
    pub(super) leads: bool,
    /// Whether a register has the addend, not the slot.
    pub(in crate::jit::compile) register: bool,
    pub(super) slot: usize,
    /// Whether any of the accesses stores.
    pub(super) writes: bool,
    /// What the span accesses.
    pub(super) low: i32,
    pub(super) high: i32,
    /// What this one accesses.
    pub(super) disp: i32,
    /// First byte and length of what this store and stores just before it wrote, if this is where to look for code.
    pub(super) look: Option<(i32, i32)>,
}

struct Part {
    index: usize,
    /// How far the base register had moved since the span began.
    moved: i32,
    disp: i32,
    len: i32,
    store: bool,
    vector: bool,
}

struct Span {
    base: u8,
    moved: i32,
    low: i32,
    high: i32,
    parts: Vec<Part>,
}

/// Finds the spans of a block: the member that each instruction is.
pub(in crate::jit::compile) fn plan(ops: &[Op]) -> Vec<Option<Member>> {
    // Most short blocks have nothing to share.
    if ops.iter().filter(|op| is_load_or_store(op.word)).count() < 2 {
        return Vec::new();
    }
    let (mut open, mut done) = (Vec::new(), Vec::new());
    for (index, op) in ops.iter().enumerate() {
        match step(op) {
            Step::Access(access) => {
                let n = rn(op.word);
                add(&mut open, &mut done, n, index, &access);
                if !access.store {
                    for r in access.general_registers(op.word) {
                        close(&mut open, &mut done, |span| span.base == r);
                    }
                }
                if let Address::PostIndex(imm) | Address::PreIndex(imm) = access.address {
                    advance(&mut open, &mut done, n, imm);
                }
            }
            Step::Add(r, imm) => advance(&mut open, &mut done, r, imm),
            Step::Writes(registers) => close(&mut open, &mut done, |span| registers >> span.base & 1 != 0),
            Step::Ends => close(&mut open, &mut done, |_| true),
        }
    }
    close(&mut open, &mut done, |_| true);
    place(done, ops.len())
}

fn is_load_or_store(word: u32) -> bool {
    word >> 25 & 5 == 4
}

/// What an instruction means to open spans.
enum Step {
    Access(Access),
    /// Adds to a register.
    Add(u8, i32),
    /// Writes some of these registers.
    Writes(u32),
    /// May change translations, or anything.
    Ends,
}

fn step(op: &Op) -> Step {
    let word = op.word;
    let bit = |r: u8| 1 << r;
    // X31 as a destination is SP in some instructions; elsewhere it is none.
    let general = |r: u8| if r == 31 { 0 } else { bit(r) };
    match word >> 25 & 15 {
        // Data processing of immediates.
        8 | 9 => {
            let (d, n) = (rd(word), rn(word));
            let add = word >> 23 & 7 == 2;
            let logical = word >> 23 & 7 == 4;
            let tags = word >> 23 & 7 == 3;
            let to_sp = (add && word & 1 << 29 == 0) || (logical && word >> 29 & 3 != 3) || tags;
            if add && d == n && word >> 31 != 0 && word & 1 << 29 == 0 {
                let imm = ((word >> 10 & 0xfff) << (12 * (word >> 22 & 1))).cast_signed();
                return Step::Add(d, if word & 1 << 30 != 0 { -imm } else { imm });
            }
            Step::Writes(if to_sp { bit(d) } else { general(d) })
        }
        // Of registers; of those the addition of an extended register writes SP, and that of a checked pointer.
        5 | 13 => {
            let extended = word >> 24 & 31 == 11 && word & 1 << 21 != 0 && word & 1 << 29 == 0;
            let to_sp = extended || word >> 21 & 0xff == 0xd0;
            Step::Writes(if to_sp { bit(rd(word)) } else { general(rd(word)) })
        }
        // FP and AdvSIMD.
        7 | 15 => Step::Writes(general(rd(word))),
        class if class & 5 == 4 => {
            let access = op.encoding.and_then(|e| decode::access(e.group(), word));
            match access {
                Some(access) if may_share(&access) => Step::Access(access),
                _ => {
                    let second = (word >> 10 & 31) as u8;
                    Step::Writes(bit(rd(word)) | bit(rn(word)) | bit(rm(word)) | bit(second))
                }
            }
        }
        _ => match op.encoding.map(|e| e.group()) {
            Some(Group::ControlCondbranch | Group::ControlCompbranch | Group::ControlTestbranch) => {
                Step::Writes(0)
            }
            // Authentication codes of X30 and X17.
            Some(Group::ControlHints) => Step::Writes(1 << 30 | 1 << 17),
            _ => Step::Ends,
        },
    }
}

fn may_share(access: &Access) -> bool {
    let near = matches!(access.address, Address::Offset(_) | Address::PostIndex(_) | Address::PreIndex(_));
    near && !access.ordered && !access.unprivileged
}

fn close(open: &mut Vec<Span>, done: &mut Vec<Span>, which: impl Fn(&Span) -> bool) {
    done.extend(open.extract_if(.., |span| which(span)).filter(|span| span.parts.len() > 1));
}

fn advance(open: &mut Vec<Span>, done: &mut Vec<Span>, r: u8, imm: i32) {
    if r == SP && imm % 16 != 0 {
        // SP may be misaligned from now on.
        return close(open, done, |span| span.base == SP);
    }
    for span in open.iter_mut().filter(|span| span.base == r) {
        span.moved += imm;
    }
}

fn add(open: &mut Vec<Span>, done: &mut Vec<Span>, base: u8, index: usize, access: &Access) {
    let disp = match access.address {
        Address::Offset(imm) | Address::PreIndex(imm) => imm,
        _ => 0,
    };
    let len = access.bytes();
    let part = |moved| Part {
        index,
        moved,
        disp,
        len,
        store: access.store,
        vector: matches!(access.unit, Unit::Vector(_)),
    };
    if let Some(span) = open.iter_mut().find(|span| span.base == base) {
        let at = span.moved + disp;
        let (low, high) = (span.low.min(at), span.high.max(at + len));
        if high - low <= LENGTH + LENGTH_EACH * span.parts.len() as i32 {
            (span.low, span.high) = (low, high);
            let moved = span.moved;
            span.parts.push(part(moved));
            return;
        }
        close(open, done, |span| span.base == base);
    }
    open.push(Span { base, moved: 0, low: disp, high: disp + len, parts: vec![part(0)] });
}

/// Gives spans the register or slots, the ones with most accesses first.
fn place(mut spans: Vec<Span>, length: usize) -> Vec<Option<Member>> {
    spans.sort_by_key(|span| (usize::MAX - span.parts.len(), span.parts[0].index));
    let mut members = vec![None; length];
    // For each place, the instructions in which it is used.
    let mut used: [u64; 1 + SPAN_SLOTS] = [0; 1 + SPAN_SLOTS];
    for (number, span) in spans.into_iter().enumerate().take(64) {
        let (first, last) = (span.parts[0].index, span.parts[span.parts.len() - 1].index);
        if last >= 64 {
            continue;
        }
        let during = u64::MAX >> (63 - (last - first)) << first;
        let is_free = |place: &usize| used[*place] & during == 0;
        let register = is_free(&0);
        // A span in the register needs the slot for its code mark.
        let Some(slot) = (1..=SPAN_SLOTS).find(is_free) else { continue };
        used[slot] |= during;
        if register {
            used[0] |= during;
        }
        enter(&mut members, number as u8, &span, register, slot - 1);
    }
    members
}

fn enter(members: &mut [Option<Member>], number: u8, span: &Span, register: bool, slot: usize) {
    let writes = span.parts.iter().any(|part| part.store);
    let mut written: Option<(i32, i32)> = None;
    let mut vectors_checked = false;
    for (n, part) in span.parts.iter().enumerate() {
        let at = part.moved + part.disp;
        let mut look = None;
        vectors_checked |= part.vector;
        if part.store {
            let (low, high) = written.unwrap_or((at, at));
            let (low, high) = (low.min(at), high.max(at + part.len));
            // The store after this one may look for both if nothing can leave the block in between.
            let follows = span.parts.get(n + 1).is_some_and(|next| {
                next.store && next.index == part.index + 1 && (!next.vector || vectors_checked)
            });
            if follows {
                written = Some((low, high));
            } else {
                look = Some((low - part.moved, high - low));
                written = None;
            }
        }
        members[part.index] = Some(Member {
            span: number,
            leads: n == 0,
            register,
            slot,
            writes,
            low: span.low - part.moved,
            high: span.high - part.moved,
            disp: part.disp,
            look,
        });
    }
}
