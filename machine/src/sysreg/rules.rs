//! The access rules of one kind of CPU, compiled.
//!
//! The rules of an accessor at an Exception level become a decision graph: what depends on features is
//! folded away, and each node that is left tests some bits of one register. Most accesses are decided
//! without any test, the others by one to five, each a load, a mask and a compare.

use crate::cpu::Vcpu;
use droste_arch::expr::{Expr, FieldTest, Test};
use droste_arch::feature::FeatureSet;
use droste_arch::outcome::Operation;
use droste_arch::sysreg::access::{self, Action, Rule};
use droste_arch::sysreg::reserved::{self, Masks};
use droste_arch::sysreg::{SysEncoding, SysInsn, SysInsnKind, SysReg};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::plan::{Guard, View};
use super::registers::{self, Behaviour};

/// Where a decision goes on: a node, or with [`ACTION`] set, the action.
type Target = u16;
const ACTION: Target = 1 << 15;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Check {
    /// Whether the bits of a register under a mask have a value.
    Bits { register: u16, mask: u64, value: u64 },
    /// Anything else, by its index among the conditions.
    Slow(u16),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Node {
    check: Check,
    yes: Target,
    no: Target,
}

/// What an encoding names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Register(SysReg),
    Insn(SysInsn),
}

/// How the accesses at an encoding are decided at EL0, EL1 and EL2.
struct Accessor {
    read: [Target; 3],
    write: [Target; 3],
}

/// The rules of a CPU with a set of features.
pub(crate) struct Rules {
    /// Accessors by [`SysEncoding`], plus one, reserved encodings among them; zero where nothing is known.
    by_encoding: Vec<u16>,
    accessors: Vec<Accessor>,
    nodes: Vec<Node>,
    actions: Vec<Action>,
    slow: Vec<&'static Expr>,
    behaviours: Vec<Behaviour>,
    masks: Vec<Masks>,
}

impl Rules {
    /// The rules for a set of features; the same for all CPUs that have them.
    pub(crate) fn of(features: &FeatureSet) -> Arc<Self> {
        static KNOWN: Mutex<Vec<(FeatureSet, Arc<Rules>)>> = Mutex::new(Vec::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rules)) = known.iter().find(|(f, _)| f == features) {
            return rules.clone();
        }
        let rules = Arc::new(Compiler::compile(features));
        known.push((*features, rules.clone()));
        rules
    }

    /// What an MRS, or SYSL, with this encoding does now; nothing if nobody knows the encoding.
    #[inline]
    pub(super) fn read(&self, cpu: &Vcpu, encoding: SysEncoding) -> Option<Action> {
        let accessor = self.accessor(encoding)?;
        Some(self.decide(cpu, accessor.read[usize::from(cpu.el())]))
    }

    /// What an MSR, or SYS, with this encoding does now; nothing if nobody knows the encoding.
    #[inline]
    pub(super) fn write(&self, cpu: &Vcpu, encoding: SysEncoding) -> Option<Action> {
        let accessor = self.accessor(encoding)?;
        Some(self.decide(cpu, accessor.write[usize::from(cpu.el())]))
    }

    #[inline]
    fn accessor(&self, encoding: SysEncoding) -> Option<&Accessor> {
        let number = self.by_encoding[usize::from(encoding.0)];
        self.accessors.get(usize::from(number).wrapping_sub(1))
    }

    #[inline]
    fn decide(&self, cpu: &Vcpu, mut target: Target) -> Action {
        while target & ACTION == 0 {
            let node = &self.nodes[usize::from(target)];
            let holds = self.holds(cpu, node.check);
            target = if holds { node.yes } else { node.no };
        }
        self.actions[usize::from(target & !ACTION)]
    }

    /// The tests that decide an access now, with their answers, and the decision; nothing if nobody knows the encoding or
    /// a test is more than a comparison of bits.
    pub(super) fn path(
        &self,
        cpu: &Vcpu,
        encoding: SysEncoding,
        write: bool,
    ) -> Option<(Vec<Guard>, Action)> {
        let accessor = self.accessor(encoding)?;
        let levels = if write { &accessor.write } else { &accessor.read };
        let mut target = levels[usize::from(cpu.el())];
        let mut guards = Vec::new();
        while target & ACTION == 0 {
            let node = &self.nodes[usize::from(target)];
            let holds = self.holds(cpu, node.check);
            guards.push(match node.check {
                Check::Bits { register, mask, value } => {
                    let view = View::stored(SysReg::from_index(usize::from(register))?);
                    Guard { view, mask, value, holds }
                }
                Check::Slow(i) => match self.slow[usize::from(i)] {
                    Expr::Field(FieldTest {
                        register: SysReg::SPSel,
                        lsb: 0,
                        width: 1,
                        test: Test::Is(value),
                    }) => Guard { view: View::SPSEL, mask: 1, value: *value, holds },
                    _ => return None,
                },
            });
            target = if holds { node.yes } else { node.no };
        }
        Some((guards, self.actions[usize::from(target & !ACTION)]))
    }

    #[inline]
    fn holds(&self, cpu: &Vcpu, check: Check) -> bool {
        match check {
            Check::Bits { register, mask, value } => cpu.state.sys[usize::from(register)] & mask == value,
            Check::Slow(i) => self.slow[usize::from(i)].holds(cpu),
        }
    }

    /// How a register is read and written.
    #[inline]
    pub(super) fn behaviour(&self, register: SysReg) -> Behaviour {
        self.behaviours[register.index()]
    }

    /// Which bits of a register hold what is written.
    #[inline]
    pub(super) fn masks(&self, register: SysReg) -> Masks {
        self.masks[register.index()]
    }
}

/// What an encoding names, if anything; of two registers with one encoding, the readable one.
pub(super) fn name(encoding: SysEncoding) -> Option<Name> {
    if encoding.op0() == 1 {
        SysInsn::from_encoding(encoding).map(Name::Insn)
    } else {
        SysReg::from_encoding(encoding).map(Name::Register)
    }
}

struct Compiler<'a> {
    features: &'a FeatureSet,
    nodes: Vec<Node>,
    known: HashMap<Node, Target>,
    actions: Vec<Action>,
    slow: Vec<&'static Expr>,
}

impl Compiler<'_> {
    fn compile(features: &FeatureSet) -> Rules {
        let mut compiler =
            Compiler { features, nodes: vec![], known: HashMap::new(), actions: vec![], slow: vec![] };
        let mut by_encoding = vec![0; 1 << 16];
        let mut accessors: Vec<Accessor> = Vec::new();
        let undefined = compiler.action(Action::Undefined);
        for r in SysReg::all() {
            // A register of a unit that is not modelled is as good as one without name; virtual registers
            // have the encodings of the physical ones.
            if [0, 1, 2].iter().all(|el| access::read(r, *el).is_empty() && access::write(r, *el).is_empty())
            {
                continue;
            }
            let levels = [0, 1, 2];
            let read = levels.map(|el| compiler.list(access::read(r, el)));
            let write = levels.map(|el| compiler.list(access::write(r, el)));
            let number = &mut by_encoding[usize::from(r.encoding().0)];
            match accessors.get_mut(usize::from(*number).wrapping_sub(1)) {
                Some(other) if r.is_readable() => other.read = read,
                Some(other) => other.write = write,
                None => {
                    accessors.push(Accessor { read, write });
                    *number = accessors.len() as u16;
                }
            }
        }
        for insn in SysInsn::all().filter(|i| i.kind() != SysInsnKind::Tlbip) {
            let write = [0, 1, 2].map(|el| compiler.list(access::perform(insn, el)));
            accessors.push(Accessor { read: [undefined; 3], write });
            by_encoding[usize::from(insn.encoding().0)] = accessors.len() as u16;
        }
        compiler.reserved(&mut by_encoding, &mut accessors);
        let facts = registers::Features(features);
        Rules {
            by_encoding,
            accessors,
            nodes: compiler.nodes,
            actions: compiler.actions,
            slow: compiler.slow,
            behaviours: SysReg::all().map(registers::behaviour).collect(),
            masks: SysReg::all().map(|r| reserved::masks(r, &facts)).collect(),
        }
    }

    /// The accessors of encodings without name that have rules: reserved ID registers, and those that are reserved for
    /// implementations.
    fn reserved(&mut self, by_encoding: &mut [u16], accessors: &mut Vec<Accessor>) {
        const READ: u32 = 1 << 21;
        let mut known = HashMap::new();
        for (encoding, number) in by_encoding.iter_mut().enumerate().filter(|(_, number)| **number == 0) {
            let word = 0xd500_0000 | (encoding as u32) << 5;
            let insns = [word | READ, word].map(|word| match Operation::from_word(word) {
                Some(Operation::Execute(insn)) => Some(insn),
                _ => None,
            });
            if insns == [None; 2] {
                continue;
            }
            *number = *known.entry(insns.map(|insn| insn.map(|insn| insn as u8))).or_insert_with(|| {
                let [read, write] = insns.map(|insn| {
                    [0, 1, 2].map(|el| self.list(insn.map_or(&[], |insn| access::execute(insn, el))))
                });
                accessors.push(Accessor { read, write });
                accessors.len() as u16
            });
        }
    }

    /// The decision of a list of rules; without rules the encoding is UNDEFINED.
    fn list(&mut self, rules: &[Rule]) -> Target {
        let mut target = self.action(Action::Undefined);
        for rule in rules.iter().rev() {
            let action = self.action(rule.action);
            target = self.condition(rule.when, action, target);
        }
        target
    }

    fn condition(&mut self, e: &'static Expr, yes: Target, no: Target) -> Target {
        if yes == no {
            return yes;
        }
        match e {
            Expr::Const(true) => yes,
            Expr::Const(false) => no,
            Expr::Feature(f) if self.features.contains(*f) => yes,
            Expr::Feature(_) => no,
            Expr::Not(e) => self.condition(e, no, yes),
            Expr::All(list) => list.iter().rev().fold(yes, |yes, e| self.condition(e, yes, no)),
            Expr::Any(list) => list.iter().rev().fold(no, |no, e| self.condition(e, yes, no)),
            Expr::Field(test) => match bits(test) {
                Some(check) => self.node(Node { check, yes, no }),
                None => self.slow(e, yes, no),
            },
            Expr::AtLeast(..) => self.slow(e, yes, no),
        }
    }

    fn slow(&mut self, e: &'static Expr, yes: Target, no: Target) -> Target {
        let at = self.slow.iter().position(|old| **old == *e).unwrap_or_else(|| {
            self.slow.push(e);
            self.slow.len() - 1
        });
        self.node(Node { check: Check::Slow(at as u16), yes, no })
    }

    fn node(&mut self, node: Node) -> Target {
        let nodes = &mut self.nodes;
        *self.known.entry(node).or_insert_with(|| {
            nodes.push(node);
            let target = (nodes.len() - 1) as Target;
            assert!(target & ACTION == 0 && nodes.len() < usize::from(ACTION), "too many nodes");
            target
        })
    }

    fn action(&mut self, action: Action) -> Target {
        let at = self.actions.iter().position(|a| *a == action).unwrap_or_else(|| {
            self.actions.push(action);
            self.actions.len() - 1
        });
        at as Target | ACTION
    }
}

/// The test as a comparison of bits of stored state; PSTATE.SP is stored elsewhere.
fn bits(test: &FieldTest) -> Option<Check> {
    if test.register == SysReg::SPSel {
        return None;
    }
    let all = u64::MAX >> (64 - u32::from(test.width));
    let (mask, value) = match test.test {
        Test::Is(value) => (all, value),
        Test::Matches(mask, value) => (mask & all, value),
        _ => return None,
    };
    let register = test.register.index() as u16;
    Some(Check::Bits { register, mask: mask << test.lsb, value: value << test.lsb })
}
