//! Translation as a CPU sees it, and the TLB on its own.

mod aborts;
mod accesses;
mod bulk;
mod cost;
mod fetches;
mod instructions;
mod maintenance;
mod random;
mod watchpoints;
mod world;

use std::sync::Arc;

use droste_arch::fields::hcr_el2;
use droste_arch::sysreg::{SysEncoding, SysInsn, SysReg};

use super::walk::tests::bit;
use crate::cpu::model::Model;
use crate::cpu::{CpuState, Vcpu};
use crate::exception::Exception;
use crate::interp::Abort;

/// RAM of the test machine is 1 MiB from here; the first 64 KiB hold tables.
const RAM: u64 = 0x4000_0000;
/// A virtual page that [`Bench`] maps to the RAM page at `RAM + 0x2_0000`, and the next one to `RAM + 0x4_0000`.
const VA: u64 = 0x12_3456_7000;
const PA: u64 = RAM + 0x2_0000;
const NEXT_PA: u64 = RAM + 0x4_0000;
/// Attribute index 1: Device-nGnRE.
const DEVICE: u64 = 1 << 2;

/// A CPU of model `max` at EL1 with stage 1 on, 39-bit addresses, and tables in RAM.
struct Bench {
    cpu: Vcpu,
    next_table: u64,
}

impl Bench {
    fn new() -> Self {
        let mut cpu = Vcpu::for_tests();
        let model = Model::parse("max").expect("a model");
        cpu.features = *model.features();
        let machine = Arc::get_mut(&mut cpu.machine).expect("nobody else has it");
        machine.features = *model.features();
        machine.model = model;
        cpu.state = CpuState::reset(2);
        cpu.reset();
        cpu.set_sys(SysReg::SCTLR_EL1, 1 | 1 << 2 | 1 << 12 | 1 << 23);
        // T0SZ = T1SZ = 25, 4 KiB, 48-bit output, 16-bit ASIDs.
        cpu.set_sys(SysReg::TCR_EL1, 25 | 25 << 16 | 0b10 << 30 | 0b101 << 32 | 1 << 36);
        cpu.set_sys(SysReg::MAIR_EL1, 0x04ff);
        cpu.set_sys(SysReg::HCR_EL2, hcr_el2::RW.mask());
        let mut bench = Self { cpu, next_table: RAM };
        let root = bench.table();
        bench.cpu.set_sys(SysReg::TTBR0_EL1, root);
        bench.cpu.set_sys(SysReg::TTBR1_EL1, root);
        bench.map(VA, PA, 0);
        bench.map(VA + 0x1000, NEXT_PA, 0);
        bench.at_el(1);
        bench
    }

    fn table(&mut self) -> u64 {
        self.next_table += 0x1000;
        assert!(self.next_table < PA, "room for tables");
        self.next_table - 0x1000
    }

    fn at_el(&mut self, el: u8) {
        self.cpu.state.pstate.el = el;
        self.cpu.context_changed();
    }

    fn set(&mut self, r: SysReg, value: u64) {
        self.cpu.set_sys(r, value);
        self.cpu.context_changed();
    }

    fn set_bits(&mut self, r: SysReg, bits: u64) {
        self.set(r, self.cpu.sys(r) | bits);
    }

    /// Maps a page under a three-level tree whose root is at `root`.
    fn map_under(&mut self, root: u64, address: u64, leaf: u64) {
        let mut table = root;
        for shift in [30, 21] {
            let slot = table + 8 * (address >> shift & 511);
            let old: u64 = self.cpu.machine.ram.read(slot).unwrap();
            table = if old & 1 == 0 { self.table() } else { old & !0xfff };
            self.cpu.machine.ram.write(slot, table | 3).unwrap();
        }
        self.cpu.machine.ram.write(table + 8 * (address >> 12 & 511), leaf | 3).unwrap();
    }

    /// Maps a page in stage 1 and drops what was cached.
    fn map(&mut self, va: u64, pa: u64, bits: u64) {
        let root = self.cpu.sys(SysReg::TTBR0_EL1) & 0xffff_ffff_f000;
        self.map_under(root, va, pa | bits | bit::AF);
        self.cpu.tlb.wipe();
        self.cpu.context_changed();
    }

    /// Turns stage 2 on with identity mappings of the tables and of `PA`.
    fn with_stage2(&mut self) -> u64 {
        let root = self.table();
        self.cpu.set_sys(SysReg::VTTBR_EL2, root);
        // 39-bit input from level 1, 48-bit output.
        self.cpu.set_sys(SysReg::VTCR_EL2, 25 | 1 << 6 | 0b101 << 16);
        for n in 0..32 {
            let page = RAM + n * 0x1000;
            self.map_under(root, page, page | bit::S2_RW);
        }
        self.map_under(root, PA, PA | bit::S2_RW);
        self.set_bits(SysReg::HCR_EL2, hcr_el2::VM.mask());
        root
    }

    fn raised<T>(&self, result: Result<T, Abort>) -> Exception {
        assert!(result.is_err(), "an exception is expected");
        self.cpu.abort
    }

    fn perform(&mut self, name: &str, operand: u64) -> Result<(), Abort> {
        let insn = SysInsn::all().find(|i| i.name() == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(SysInsn::from_encoding(SysEncoding(insn.encoding().0)), Some(insn));
        match name.split(' ').next() {
            Some("TLBI") => super::tlbi(&mut self.cpu, insn, operand),
            Some("AT") => super::at(&mut self.cpu, insn, operand)?,
            Some("DC") => super::dc(&mut self.cpu, insn, operand)?,
            _ => super::ic(&mut self.cpu, insn, operand)?,
        }
        Ok(())
    }
}
