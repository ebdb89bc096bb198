//! Loads and stores: a look into the inline table, everything that it does not serve by the interpreter's handler out
//! of line.

mod atomic;
mod barrier;
mod decode;
mod exclusive;
mod lookup;
mod span;
mod transfer;

use self::decode::{Access, Address, Unit};
use self::lookup::Host;
pub(super) use self::lookup::Site;
pub(super) use self::span::{Member, plan};
use super::Compiler;
use super::flags::Flags;
use super::integer::{rd, rn};
use super::registers::{Cache, SP};
use super::{Accessed, Slow};
use crate::jit::layout::{ADDEND, CODE, FP_TRAPS, PC, READ, SPAN, WRITE, span_addend, span_code};
use crate::jit::x64::{Alu, Cond, Label, Mem, Reg, Size};
use crate::mmu::Route;
use droste_arch::a64::{Encoding, Group};

/// An access that is made by itself, as the check of its span has failed.
pub(super) struct Detour {
    from: Label,
    /// Whether it is the one that checks.
    leads: bool,
    member: Member,
    index: u32,
    word: u32,
    access: Access,
    /// The registers and flags before the access, and what was checked.
    before: Cache,
    flags: Flags,
    fp_checked: bool,
    sp_checked: bool,
    /// The registers after it, and where to go on.
    after: Cache,
    back: usize,
}

/// How an access asks whether the page that it wrote holds decoded code.
#[derive(Clone, Copy)]
enum Look {
    /// Not at all: the next store of the span asks.
    Later,
    /// The address of the mark is in RCX.
    Loaded,
    /// It is in a slot; so many bytes were written from this distance on from the base.
    Span { slot: usize, start: i32, len: i32 },
}

impl Compiler<'_> {
    /// Emits a load or store, if it has a template.
    pub(super) fn memory(&mut self, encoding: Encoding, word: u32) -> bool {
        match encoding.group() {
            Group::LdstMemop if decode::is_atomic(word) => self.atomic(word),
            Group::LdstComswap => self.compare_and_swap(word),
            Group::LdstComswappr => self.compare_and_swap_pair(word),
            Group::LdstLdstexclr | Group::LdstLdstexclp => self.exclusive(word),
            Group::ControlBarriers => self.barrier(encoding, word),
            group => match decode::access(group, word) {
                Some(access) => {
                    self.access(word, access);
                    true
                }
                None => encoding.name().starts_with("PRFM") || encoding.name().starts_with("PRFUM"),
            },
        }
    }

    fn access(&mut self, word: u32, access: Access) {
        self.clobber_flags();
        let n = rn(word);
        if !matches!(access.address, Address::Literal(_)) {
            self.read(n);
        }
        if let Address::Register { m, .. } = access.address
            && m != 31
        {
            self.read(m);
        }
        for r in access.general_registers(word) {
            if access.store {
                self.read(r);
            } else {
                self.prepare(r);
            }
        }
        for r in access.vector_registers(word) {
            if access.store {
                self.read_vector(r);
            } else {
                self.prepare_vector(r);
            }
        }
        let before = self.cache;
        let (fp_checked, sp_checked) = (self.fp_checked, self.sp_checked);
        let member = self.spans.get(self.index as usize).copied().flatten();
        // A handler may have executed the instruction that was to lead.
        let member = member.filter(|m| m.leads || self.led >> m.span & 1 != 0);
        let Some(member) = member else {
            let mut slow = Label::default();
            let host = self.checked_access(word, &access, &mut slow);
            self.make_access(word, &access, host, Look::Loaded);
            return self.push_slow(slow, host.site, access.route(), before);
        };
        let mut detour = Label::default();
        if member.leads {
            self.led |= 1 << member.span;
            self.before_access(word, &access, &mut detour);
        } else if matches!(access.unit, Unit::Vector(_)) {
            self.check_fp_before(&mut detour);
        }
        let host = self.span_host(word, &member, &mut detour);
        let look = match member.look {
            Some((start, len)) => Look::Span { slot: member.slot, start, len },
            None => Look::Later,
        };
        self.make_access(word, &access, host, look);
        let (after, back) = (self.cache, self.asm.offset());
        self.detours.push(Detour {
            from: detour,
            leads: member.leads,
            member,
            index: self.index,
            word,
            access,
            before,
            flags: self.flags,
            fp_checked,
            sp_checked,
            after,
            back,
        });
    }

    /// Emits the accesses that are made by themselves.
    pub(super) fn detours(&mut self) {
        let mut detours = std::mem::take(&mut self.detours);
        for mut detour in detours.drain(..) {
            self.asm.bind(&mut detour.from);
            self.index = detour.index;
            self.cache = detour.before;
            self.flags = detour.flags;
            (self.fp_checked, self.sp_checked) = (detour.fp_checked, detour.sp_checked);
            if detour.leads {
                if detour.member.register {
                    self.asm.mov_imm(SPAN, 0);
                } else {
                    self.asm.store_imm(Size::Q, span_addend(detour.member.slot), 0);
                }
            }
            let mut slow = Label::default();
            let host = self.checked_access(detour.word, &detour.access, &mut slow);
            self.make_access(detour.word, &detour.access, host, Look::Loaded);
            self.asm.jmp_offset(detour.back);
            self.slow.push(Slow {
                entry: slow,
                index: detour.index,
                before: detour.before,
                flags: detour.flags,
                after: detour.after,
                back: detour.back,
                access: Some(Accessed::At(host.site, detour.access.route())),
            });
        }
        self.detours = detours;
    }

    /// Lets the handler execute the current instruction from `slow` on.
    fn push_slow(&mut self, slow: Label, site: Site, route: Route, before: Cache) {
        self.slow.push(Slow {
            entry: slow,
            index: self.index,
            before,
            flags: self.flags,
            after: self.cache,
            back: self.asm.offset(),
            access: Some(Accessed::At(site, route)),
        });
    }

    /// The same where no address is looked at.
    fn push_slow_handler(&mut self, slow: Label, before: Cache) {
        self.slow.push(Slow {
            entry: slow,
            index: self.index,
            before,
            flags: self.flags,
            after: self.cache,
            back: self.asm.offset(),
            access: None,
        });
    }

    /// Goes to `slow` for what comes before the address is looked at.
    fn before_access(&mut self, word: u32, access: &Access, slow: &mut Label) {
        if matches!(access.unit, Unit::Vector(_)) {
            self.check_fp_before(slow);
        }
        if !matches!(access.address, Address::Literal(_)) {
            self.check_sp(rn(word), slow);
        }
    }

    /// Goes to `slow` if FP and AdvSIMD instructions trap.
    fn check_fp_before(&mut self, slow: &mut Label) {
        if !self.fp_checked {
            self.asm.alu_mem_imm(Alu::Cmp, Size::B, FP_TRAPS, 0);
            self.asm.jcc(Cond::Ne, slow);
            self.fp_checked = true;
        }
    }

    /// Goes to `slow` if the base register is a misaligned SP.
    fn check_sp(&mut self, n: u8, slow: &mut Label) {
        if n == SP && !self.sp_checked {
            let base = self.read(SP);
            self.asm.test_imm(Size::B, base, 15);
            self.asm.jcc(Cond::Ne, slow);
            self.sp_checked = true;
        }
    }

    /// Checks an access by itself.
    fn checked_access(&mut self, word: u32, access: &Access, slow: &mut Label) -> Host {
        self.before_access(word, access, slow);
        let site = self.site(word, access);
        let len = access.bytes();
        if access.ordered && len > 1 {
            self.check_alignment(site, len, slow);
        }
        self.look_up(site, len, access.store, access.route(), slow)
    }

    /// The host address of a member of a span; checks the span if the member leads it.
    fn span_host(&mut self, word: u32, member: &Member, detour: &mut Label) -> Host {
        let site = Site { base: self.read(rn(word)), disp: member.disp };
        let addend = if member.register { SPAN } else { Reg::Rsi };
        if member.leads {
            let comparand = if member.writes { WRITE } else { READ };
            let first = Site { disp: member.low, ..site };
            self.compare_page(first, member.high - member.low, comparand, Route::Ordinary, detour);
            self.asm.load(Size::Q, addend, lookup::entry(ADDEND));
            if !member.register {
                self.asm.store(Size::Q, span_addend(member.slot), addend);
            }
            if member.writes {
                self.asm.load(Size::Q, Reg::Rcx, lookup::entry(CODE));
                self.asm.store(Size::Q, span_code(member.slot), Reg::Rcx);
            }
        } else {
            if !member.register {
                self.asm.load(Size::Q, addend, span_addend(member.slot));
            }
            self.asm.test(Size::Q, addend, addend);
            self.asm.jcc(Cond::E, detour);
        }
        Host { site, addend }
    }

    /// Makes an access whose host address is known, and writes the base register.
    fn make_access(&mut self, word: u32, access: &Access, host: Host, look: Look) {
        let (t, n) = (rd(word), rn(word));
        if access.store {
            self.store_data(t, access, host);
            self.look_for_code(host, access.bytes(), look);
        } else {
            self.load_data(t, access, host);
        }
        if let Address::PostIndex(imm) | Address::PreIndex(imm) = access.address {
            // A loaded value wins over the new base.
            if access.store || !access.general_registers(word).any(|r| r == n) {
                let base = self.read(n);
                self.asm.lea(Size::Q, base, Mem::new(base, imm));
                let sp = self.sp_checked;
                self.wrote(n);
                self.sp_checked |= n == SP && sp && imm % 16 == 0;
            }
        }
        if !access.store {
            for r in access.general_registers(word) {
                self.wrote(r);
            }
        }
    }

    /// Tells if the page that was just written holds decoded code. Cost: three instructions.
    fn look_for_code(&mut self, host: Host, len: i32, look: Look) {
        let (start, len) = match look {
            Look::Later => return,
            Look::Loaded => (host.site.disp, len),
            Look::Span { slot, start, len } => {
                self.asm.load(Size::Q, Reg::Rcx, span_code(slot));
                (start, len)
            }
        };
        self.asm.alu_mem_imm(Alu::Cmp, Size::B, Mem::new(Reg::Rcx, 0), 0);
        let from = self.asm.jcc_unbound(Cond::Ne);
        let first = Mem::indexed(host.site.base, host.addend, 0, start);
        self.code_writes.push(super::CodeWrite { from, first, len, back: self.asm.offset() });
    }

    /// The guest address of an access. Changes RDX if it has an index.
    fn site(&mut self, word: u32, access: &Access) -> Site {
        match access.address {
            Address::Literal(imm) => Site { base: PC, disp: imm + 4 * self.index.cast_signed() },
            Address::Offset(disp) | Address::PreIndex(disp) => Site { base: self.read(rn(word)), disp },
            Address::PostIndex(_) => Site { base: self.read(rn(word)), disp: 0 },
            Address::Register { m: 31, .. } => Site { base: self.read(rn(word)), disp: 0 },
            Address::Register { m, option, shift } => self.indexed_site(rn(word), m, option, shift),
        }
    }
}
