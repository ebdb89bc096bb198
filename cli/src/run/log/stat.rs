//! Who trapped what, from which nesting level to which Exception level, how often, and what it cost.

use droste_arch::esr::{Class, Esr, abort};
use droste_machine::trace::{ExceptionReturned, ExceptionTaken, class_name};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The immediate of HVC, SMC and SVC in ISS.
const IMMEDIATE: u64 = 0xffff;
/// Rt in the ISS of a system register access.
const RT: u64 = 0x1f << 5;
/// The instruction in the ISS of WFI, WFE, WFIT and WFET.
const TRAPPED_WAIT: u64 = 3;

/// A kind of exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reason {
    level: u8,
    from: u8,
    to: u8,
    class: &'static str,
    ec: u8,
    /// The part of ISS that tells what was done, not with which register or where.
    iss: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    count: u64,
    /// How often the same level went on.
    resumed: u64,
    /// The CPU's instructions until then, at all levels.
    cost: u64,
}

#[derive(Debug, Default)]
struct Cpu {
    level: u8,
    el: u8,
    /// The count at the last event.
    at: u64,
    /// By level: the exception that took it off the CPU, and when.
    left: BTreeMap<u8, (Reason, u64)>,
}

/// The events of a run so far, counted.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    reasons: BTreeMap<Reason, Tally>,
    /// Instructions by nesting level and Exception level.
    instructions: BTreeMap<(u8, u8), u64>,
    cpus: BTreeMap<usize, Cpu>,
}

impl Statistics {
    /// Notes an exception that interrupts `level`.
    pub(super) fn taken(&mut self, level: u8, e: &ExceptionTaken) {
        let x = &e.exception;
        let reason = Reason {
            level,
            from: e.from,
            to: x.target,
            class: class_name(x),
            ec: x.ec,
            iss: telling_part(Class(x.ec), x.iss),
        };
        self.reasons.entry(reason).or_default().count += 1;
        self.executed(e.cpu, e.instructions, (level, e.from));
        let cpu = self.cpus.entry(e.cpu).or_default();
        let leaves = x.target == 2 && e.from < 2 && level > 0;
        if leaves {
            cpu.left.insert(level, (reason, e.instructions));
        }
        cpu.level = if x.target == 2 { 0 } else { level };
        cpu.el = x.target;
    }

    /// Notes a return to `level`.
    pub(super) fn returned(&mut self, level: u8, e: &ExceptionReturned) {
        let before = if e.from == 2 { 0 } else { level };
        self.executed(e.cpu, e.instructions, (before, e.from));
        let cpu = self.cpus.entry(e.cpu).or_default();
        (cpu.level, cpu.el) = (level, e.to);
        if let Some((reason, at)) = cpu.left.remove(&level) {
            let tally = self.reasons.entry(reason).or_default();
            tally.resumed += 1;
            tally.cost += e.instructions.saturating_sub(at);
        }
    }

    fn executed(&mut self, cpu: usize, now: u64, place: (u8, u8)) {
        let at = &mut self.cpus.entry(cpu).or_default().at;
        *self.instructions.entry(place).or_default() += now.saturating_sub(*at);
        *at = now;
    }

    /// The table, the most frequent exceptions first.
    pub(super) fn table(&self) -> String {
        let mut out = String::new();
        let all: u64 = self.instructions.values().sum();
        out += "instructions by nesting level and Exception level, up to the last exception or return\n";
        for ((level, el), count) in &self.instructions {
            let share = *count as f64 * 100.0 / all.max(1) as f64;
            // Writing to a String does not fail.
            let _ = writeln!(out, "L{level} EL{el} {count:>16} {share:>5.1} %");
        }
        out += "\nexceptions: count, mean instructions until the same level went on, and what\n";
        let mut rows: Vec<_> = self.reasons.iter().collect();
        rows.sort_by_key(|(reason, tally)| (std::cmp::Reverse(tally.count), **reason));
        for (reason, tally) in rows {
            let cost = tally.cost.checked_div(tally.resumed).map_or_else(|| "-".into(), |n| n.to_string());
            let Reason { level, from, to, class, .. } = reason;
            let detail = detail(reason);
            let line = format!("{:>10} {cost:>9}  L{level} EL{from}->EL{to} {class} {detail}", tally.count);
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out
    }
}

/// The part of ISS that a row of the table is about.
fn telling_part(class: Class, iss: u64) -> u64 {
    match class {
        Class::SYSREG => iss & !RT,
        Class::HVC | Class::SMC | Class::SVC => iss & IMMEDIATE,
        Class::WFX => iss & TRAPPED_WAIT,
        Class::DATA_ABORT_LOWER | Class::DATA_ABORT_SAME => iss & (abort::WNR.mask() | abort::VNCR.mask()),
        _ => 0,
    }
}

/// What that part says.
fn detail(reason: &Reason) -> String {
    let class = Class(reason.ec);
    match class {
        Class::SYSREG => {
            let access = Esr::new(class, reason.iss as u32).sysreg_access();
            access.map(|a| a.to_string().replace("X0, ", "").replace(", X0", "")).unwrap_or_default()
        }
        Class::HVC | Class::SMC | Class::SVC => format!("#{}", reason.iss),
        Class::WFX => ["WFI", "WFE", "WFIT", "WFET"][(reason.iss & TRAPPED_WAIT) as usize].to_owned(),
        Class::DATA_ABORT_LOWER | Class::DATA_ABORT_SAME => {
            let what = if abort::WNR.is_set(reason.iss) { "write" } else { "read" };
            if abort::VNCR.is_set(reason.iss) { format!("{what} by VNCR_EL2") } else { what.to_owned() }
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use droste_arch::sysreg::SysReg;
    use droste_machine::exception::Exception;

    fn taken(cpu: usize, instructions: u64, from: u8, exception: Exception) -> ExceptionTaken {
        ExceptionTaken { cpu, instructions, from, exception, elr: 0, spsr: 0, hcr: 0, vttbr: 0 }
    }

    fn returned(cpu: usize, instructions: u64, from: u8, to: u8) -> ExceptionReturned {
        ExceptionReturned { cpu, instructions, from, to, pc: 0, spsr: 0, hcr: 0, vttbr: 0 }
    }

    /// The syndrome of a trapped MRS of a register into X`rt`.
    fn mrs(register: SysReg, rt: u64) -> Exception {
        let n = register.encoding();
        let [op0, op1, crn, crm, op2] = [n.op0(), n.op1(), n.crn(), n.crm(), n.op2()].map(u64::from);
        Exception::sync(2, 0x18, op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 | crm << 1 | 1)
    }

    fn row<'a>(table: &'a str, what: &str) -> &'a str {
        table.lines().find(|line| line.ends_with(what)).unwrap_or_else(|| panic!("no {what:?} in {table}"))
    }

    #[test]
    fn cost_of_an_exit_lasts_until_the_same_level_goes_on() {
        let mut all = Statistics::default();
        all.returned(1, &returned(0, 100, 2, 1));
        all.returned(2, &returned(0, 200, 2, 1));
        // Level 2 traps; level 0 lets level 1 serve it.
        all.taken(2, &taken(0, 1000, 1, mrs(SysReg::MIDR_EL1, 3)));
        all.returned(1, &returned(0, 1500, 2, 1));
        all.taken(1, &taken(0, 1700, 1, Exception::sync(2, 0x1a, 0)));
        all.returned(2, &returned(0, 1800, 2, 1));
        let table = all.table();
        assert_eq!(row(&table, "MRS MIDR_EL1"), "         1       800  L2 EL1->EL2 SYS64 MRS MIDR_EL1");
        assert_eq!(row(&table, "ERET"), "         1         -  L1 EL1->EL2 ERET");
        assert!(table.contains("\nL2 EL1              800  44.4 %\n"), "{table}");
    }

    #[test]
    fn the_register_of_a_transfer_makes_no_new_row() {
        let mut all = Statistics::default();
        for rt in 0..3 {
            all.taken(1, &taken(0, rt, 1, mrs(SysReg::CNTPCT_EL0, rt)));
        }
        assert!(row(&all.table(), "MRS CNTPCT_EL0").trim_start().starts_with("3 "));
    }

    #[test]
    fn cpus_are_counted_by_themselves() {
        let mut all = Statistics::default();
        all.taken(1, &taken(0, 100, 1, Exception::sync(2, 0x16, 0)));
        all.taken(1, &taken(1, 5000, 1, Exception::sync(2, 0x16, 0)));
        all.returned(1, &returned(1, 5300, 2, 1));
        all.returned(1, &returned(0, 200, 2, 1));
        assert_eq!(row(&all.table(), "HVC64 #0"), "         2       200  L1 EL1->EL2 HVC64 #0");
    }
}
