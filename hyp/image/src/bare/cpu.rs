//! The registers of one core, and what cores other than the first do.

use super::clock;
use super::console::{log, say};
use super::entry;
use super::firmware;
use super::memory::clean_to_memory;
use super::registers::{affinity, instruction, mrs, msr, write_el1};
use super::state::{BLOCKS, STATE, State, stack_top};
use super::vectors;
use droste_arch::fields::{id_aa64dfr0_el1, pmcr_el0};
use droste_arch::psci;
use droste_hyp_core::counters::Event;
use droste_hyp_core::el2::{IdRegisters, Registers};

/// Reads the ID registers of this core.
pub(crate) fn identify() -> IdRegisters {
    let dfr0 = mrs!("id_aa64dfr0_el1");
    let version = id_aa64dfr0_el1::PMUVer.get(dfr0);
    // 0xf is an implementation defined PMU, which has no PMCR_EL0.
    let has_pmu = version != 0 && version != 0xf;
    IdRegisters {
        pfr0: mrs!("id_aa64pfr0_el1"),
        pfr1: mrs!("id_aa64pfr1_el1"),
        dfr0,
        mmfr0: mrs!("id_aa64mmfr0_el1"),
        mmfr1: mrs!("id_aa64mmfr1_el1"),
        mmfr3: mrs!("S3_0_C0_C7_3"),
        counter_count: if has_pmu { pmcr_el0::N.get(mrs!("pmcr_el0")) } else { 0 },
    }
}

/// Sets every EL2 register that the host's behaviour depends on, and the EL1 registers that a reset would set.
pub(crate) fn prepare_for_host(state: &State, r: &Registers) {
    vectors::install();
    msr!("hcr_el2", r.hcr);
    msr!("cptr_el2", r.cptr);
    msr!("mdcr_el2", r.mdcr);
    msr!("hstr_el2", 0);
    msr!("cnthctl_el2", r.cnthctl);
    msr!("cntvoff_el2", 0);
    msr!("vpidr_el2", mrs!("midr_el1"));
    msr!("vmpidr_el2", mrs!("mpidr_el1"));
    msr!("vtcr_el2", r.vtcr);
    msr!("vttbr_el2", state.stage2.root().0);
    if let Some(zcr) = r.zcr {
        msr!("S3_4_C1_C2_0", zcr);
    }
    if let Some(smcr) = r.smcr {
        msr!("S3_4_C1_C2_6", smcr);
    }
    if let Some(hcrx) = r.hcrx {
        msr!("S3_4_C1_C2_2", hcrx);
    }
    if let Some(icc_sre) = r.icc_sre {
        msr!("S3_4_C12_C9_5", icc_sre);
        msr!("S3_4_C12_C11_0", 0); // ICH_HCR_EL2
    }
    if let Some(fine) = r.fine_grained {
        msr!("S3_4_C1_C1_4", fine.hfgrtr);
        msr!("S3_4_C1_C1_5", fine.hfgrtr); // HFGWTR_EL2, whose bits are at the same places
        msr!("S3_4_C1_C1_6", fine.hfgitr);
        msr!("S3_4_C3_C1_4", fine.hdfgrtr);
        msr!("S3_4_C3_C1_5", fine.hdfgwtr);
    }
    if r.has_fgt2 {
        msr!("S3_4_C3_C1_2", u64::MAX); // HFGRTR2_EL2
        msr!("S3_4_C3_C1_3", u64::MAX); // HFGWTR2_EL2
        msr!("S3_4_C3_C1_0", u64::MAX); // HDFGRTR2_EL2
        msr!("S3_4_C3_C1_1", u64::MAX); // HDFGWTR2_EL2
    }
    if r.has_mpam {
        msr!("S3_4_C10_C5_0", 0); // MPAM2_EL2
    }
    write_el1!(r.e2h, "sctlr_el1", "S3_5_C1_C0_0", r.host_sctlr);
    write_el1!(r.e2h, "cpacr_el1", "S3_5_C1_C0_2", 0);
    write_el1!(r.e2h, "cntkctl_el1", "S3_5_C14_C1_0", 0);
    instruction!("tlbi alle1", "dsb nsh", "isb");
}

/// Remembers the number of this core where handlers find it.
pub(crate) fn set_number(cpu: usize) {
    msr!("tpidr_el2", cpu as u64);
}

/// The number of this core.
pub(crate) fn number() -> usize {
    mrs!("tpidr_el2") as usize
}

/// A core that was started (0) or resumed (1), with its MMU on and on its own stack.
pub(crate) extern "C" fn other_core(cpu: usize, is_resumed: u64) -> ! {
    let state = STATE.get();
    set_number(cpu);
    clock::begin();
    let registers = match registers_beside(state) {
        Ok(registers) => registers,
        Err(why) => refuse(state, cpu, why),
    };
    let (start, end) = BLOCKS.set(cpu, |block| block.sctlr = registers.sctlr);
    clean_to_memory(start, end);
    prepare_for_host(state, &registers);
    let arguments = if is_resumed == 0 { state.relay.arrive(cpu) } else { state.relay.resume(cpu) };
    let Some(arguments) = arguments else { panic!("core {:#x} runs, but nobody started it", affinity()) };
    state.counters.count(Event::CoreEntered);
    log!(Debug, "core {:#x} enters the host at {:#x}", affinity(), arguments.entry);
    clock::end();
    entry::enter_host(arguments.entry, arguments.context, stack_top(cpu))
}

/// The values for this core. Cores differ: what is shared is that of the first.
fn registers_beside(state: &State) -> Result<Registers, &'static str> {
    use droste_hyp_core::el2::Mismatch;
    let own = Registers::new(&identify()).map_err(|_| "the 4 KiB granule is missing")?;
    state.registers.beside(own).map_err(|why| match why {
        Mismatch::Vhe => "the first core and this one do not agree on FEAT_VHE",
        Mismatch::PhysicalAddresses => "it has fewer bits of physical address",
    })
}

/// Switches this core off again: it cannot have the host without the hypervisor.
fn refuse(state: &State, cpu: usize, why: &str) -> ! {
    log!(Warn, "core {:#x} stays off: {why}", affinity());
    let _ = state.relay.arrive(cpu);
    if let Some(power) = state.relay.power(cpu) {
        power.depart();
    }
    firmware::call(psci::CPU_OFF, [0; 3]);
    say!("core {:#x} cannot be switched off", affinity());
    loop {
        instruction!("wfi");
    }
}
