//! The first core, from its first instruction to the host's. What goes where is `boot_plan`'s decision.

use super::console::{self, log};
use super::memory::{self, Regime, clean_to_memory, stage2_root};
use super::own_map::{self, OwnMap};
use super::panic::refuse;
use super::registers::{affinity, current_el};
use super::state::{STATE, State, stack_top};
use super::{clock, cpu, entry, firmware, vectors};
use core::slice;
use droste_hyp_core::address::{PAGE_BYTES, PaRange};
use droste_hyp_core::boot_file::{self, BootFile, BootFileError};
use droste_hyp_core::boot_plan::{BootPlan, KERNEL_HEADER_BYTES, Situation};
use droste_hyp_core::counters::Counters;
use droste_hyp_core::device_tree::{self, Blob, Edit, Platform};
use droste_hyp_core::el2::Registers;
use droste_hyp_core::host_map::HostMap;
use droste_hyp_core::parameters::Mode;
use droste_hyp_core::psci::{EntryPoints, Relay};
use droste_hyp_core::smc::Filter;
use droste_hyp_core::tables::{Stage1Kind, Stage2Layout, Tables};

/// Whole pages around a range.
fn pages(start: u64, bytes: u64) -> PaRange {
    let end = start.saturating_add(bytes).saturating_add(PAGE_BYTES - 1) & !(PAGE_BYTES - 1);
    PaRange { start: start & !(PAGE_BYTES - 1), end }
}

/// Bytes that the loader or we have put somewhere, for as long as the first core boots.
fn bytes<'a>(range: PaRange) -> &'a [u8] {
    // SAFETY: callers name memory that is mapped and that nothing writes while the slice is used.
    unsafe { slice::from_raw_parts(range.start as *const u8, range.bytes() as usize) }
}

/// `tree`: address of the device tree. `base`: where the image is.
pub(crate) extern "C" fn boot(tree: u64, base: u64) -> ! {
    let began = clock::now();
    console::enable();
    if current_el() != 2 {
        refuse(format_args!("the image was entered at EL{}, it needs EL2", current_el()));
    }
    vectors::install();
    let region = PaRange { start: base, end: base + boot_file::REGION_BYTES };
    if !base.is_multiple_of(boot_file::REGION_BYTES) {
        refuse(format_args!("the image is at {base:#x}, not at a multiple of 2 MiB"));
    }
    let registers = match Registers::new(&cpu::identify()) {
        Ok(registers) => registers,
        Err(why) => refuse(format_args!("this CPU has {why}")),
    };
    // The largest tree that the boot protocol allows; how large it is, is not known yet.
    let tree_window = pages(tree, 2 << 20);
    if tree_window.overlaps(region) || !tree.is_multiple_of(8) {
        refuse(format_args!("the device tree at {tree:#x} is misplaced"));
    }
    let own = own_map::enable(&registers, region, tree_window);
    let (blob, platform) = match read_tree(tree) {
        Ok(found) => found,
        Err(why) => refuse(format_args!("{why}")),
    };
    if let Some(uart) = platform.uart.filter(|at| *at != console::EARLY) {
        own.map(pages(uart, PAGE_BYTES), Stage1Kind::Device);
        console::move_to(uart);
        console::enable();
    }
    let file_page =
        PaRange { start: base + boot_file::OFFSET as u64, end: base + 2 * boot_file::OFFSET as u64 };
    let file = BootFile::read(bytes(file_page));
    let header = kernel_header(&own, region, &platform, file.err());
    let situation = Situation {
        region,
        tree: pages(tree, blob.bytes() as u64),
        affinity: affinity(),
        platform: &platform,
        file,
        kernel_header: header.map(bytes),
    };
    let plan = match situation.plan() {
        Ok(plan) => plan,
        Err(why) => refuse(format_args!("{why}")),
    };
    console::set_level(plan.parameters.log);
    write_tree(&own, &blob, &plan);
    own.unmap(tree_window);
    if let Some(header) = header {
        own.unmap(pages(header.start, header.bytes()));
    }
    if plan.parameters.mode == Mode::Off {
        log!(Info, "EL2 is the host's: droste.mode=off");
        entry::leave_el2_to_host(plan.entry, plan.host_tree.start);
    }
    enter(registers, &own, &platform, &plan, began)
}

fn read_tree(at: u64) -> Result<(Blob<'static>, Platform<'static>), device_tree::TreeError> {
    let total = device_tree::total_bytes(bytes(PaRange { start: at, end: at + 40 }))?;
    let blob = Blob::new(bytes(PaRange { start: at, end: at + u64::from(total) }))?;
    Ok((blob, Platform::read(&blob)?))
}

/// Maps the start of a kernel module where there is one and it is needed; the plan refuses what is not RAM or ours.
fn kernel_header(
    own: &OwnMap,
    region: PaRange,
    platform: &Platform<'_>,
    file: Option<BootFileError>,
) -> Option<PaRange> {
    let module = platform.kernel_module.filter(|_| file == Some(BootFileError::NotPacked))?;
    let header = PaRange::sized(module.range.start, KERNEL_HEADER_BYTES as u64)?;
    let page = pages(header.start, header.bytes());
    if page.overlaps(region) || !platform.ram.covers(page) {
        return None;
    }
    own.map(page, Stage1Kind::Constants);
    Some(header)
}

/// Writes the host's device tree.
fn write_tree(own: &OwnMap, blob: &Blob<'_>, plan: &BootPlan<'_>) {
    let edit = Edit { reserve: plan.own, initrd: plan.initrd, command_line: plan.command_line };
    let room = plan.host_tree;
    own.map(room, Stage1Kind::Data);
    // SAFETY: RAM that the plan has set aside; mapped above, used by nothing else.
    let out = unsafe { slice::from_raw_parts_mut(room.start as *mut u8, room.bytes() as usize) };
    match device_tree::rewrite(blob, &edit, out) {
        Ok(length) => clean_to_memory(room.start, room.start + length as u64),
        Err(why) => refuse(format_args!("{why}")),
    }
    own.unmap(room);
}

/// Makes everything that handlers need, and enters the host.
fn enter(registers: Registers, own: &OwnMap, platform: &Platform<'_>, plan: &BootPlan<'_>, began: u64) -> ! {
    own.map(plan.ledger, Stage1Kind::Data);
    let mut pool = memory::lock(Regime::Own);
    if let Err(why) = pool.open_ledger(plan.ledger, platform.ram, &plan.own) {
        refuse(format_args!("the hypervisor's memory is not RAM: {why:?}"));
    }
    let (used, count) = pool.usage();
    drop(pool);
    let layout =
        Stage2Layout::for_pa_range(droste_arch::fields::id_aa64mmfr0_el1::PARange.get(cpu::identify().mmfr0));
    let stage2 = Tables::new(stage2_root(), layout.start_level, layout.input_bits);
    let is_strict = plan.parameters.mode == Mode::Protected;
    let state = STATE.set(State {
        registers,
        relay: Relay::new(
            plan.psci,
            platform.cpus,
            EntryPoints { ram: platform.ram, own: plan.own },
            firmware::has_extended_states(),
        ),
        filter: Filter::new(is_strict, firmware::smccc_version(), plan.psci),
        map: HostMap::new(platform.ram, plan.own, stage2.input_end()),
        stage2,
        counters: Counters::new(),
        checksum: own_map::checksum(),
    });
    if let Some(power) = state.relay.power(plan.cpu) {
        power.set_on();
    }
    let region = boot_file::REGION_BYTES >> 10;
    log!(
        Info,
        "EL2 is resident, {}: E2H = {}, {} CPUs",
        if is_strict { "protected" } else { "permissive" },
        u8::from(registers.e2h),
        platform.cpus.count()
    );
    for range in plan.own.iter() {
        log!(Info, "memory of EL2: {range}");
    }
    log!(
        Info,
        "EL2 uses {} KiB: image {region}, ledger {}; {used} of {count} tables",
        region + (plan.ledger.bytes() >> 10),
        plan.ledger.bytes() >> 10
    );
    if platform.psci.is_none() {
        log!(Warn, "no PSCI in the device tree: cores that are started otherwise do not come through EL2");
    }
    log!(Info, "entering the host at EL1: kernel {}, device tree {:#x}", plan.kernel, plan.host_tree.start);
    cpu::set_number(plan.cpu);
    cpu::prepare_for_host(state, &state.registers);
    clock::begin_at(began);
    clock::end();
    entry::enter_host(plan.entry, plan.host_tree.start, stack_top(plan.cpu))
}
