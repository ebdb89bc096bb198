//! The first core, from its first instruction to the host's.

use super::console::{self, say};
use super::memory::{self, Regime, clean_to_memory, stage2_root};
use super::panic::refuse;
use super::registers::{affinity, current_el, msr};
use super::state::{BLOCK, Block, GUARD_BYTES, STATE, State, stack_top};
use super::{cpu, entry, firmware, vectors};
use core::slice;
use droste_arch::fields::hcr_el2;
use droste_hyp_core::address::{PAGE_BYTES, Pa, PaRange};
use droste_hyp_core::boot_file::{self, BootFile};
use droste_hyp_core::device_tree::{self, Blob, Conduit, Edit, Platform};
use droste_hyp_core::el2::Registers;
use droste_hyp_core::host_map::HostMap;
use droste_hyp_core::psci::{MAX_CPUS, Relay};
use droste_hyp_core::smc::Filter;
use droste_hyp_core::tables::{MAIR, Stage1Kind, Stage2Layout, Tables, stage1_attributes};

unsafe extern "C" {
    static __text_start: u8;
    static __text_end: u8;
    static __data_start: u8;
    static __data_end: u8;
}

/// Whole pages around a range.
fn pages(start: u64, bytes: u64) -> PaRange {
    let end = start.saturating_add(bytes).saturating_add(PAGE_BYTES - 1) & !(PAGE_BYTES - 1);
    PaRange { start: start & !(PAGE_BYTES - 1), end }
}

/// Our stage 1.
struct OwnMap {
    tables: Tables,
    e2h: bool,
}

impl OwnMap {
    fn map(&self, memory: &mut memory::Locked, range: PaRange, kind: Stage1Kind) {
        let attributes = stage1_attributes(kind, self.e2h);
        if let Err(why) = self.tables.map(memory, range, Pa(range.start), attributes) {
            refuse(format_args!("{range} cannot be mapped at EL2: {why:?}"));
        }
    }

    fn unmap(&self, memory: &mut memory::Locked, range: PaRange) {
        if let Err(why) = self.tables.unmap(memory, range) {
            refuse(format_args!("{range} cannot be unmapped at EL2: {why:?}"));
        }
    }
}

/// Bytes that the loader or we have put somewhere, for as long as the first core boots.
fn bytes<'a>(range: PaRange) -> &'a [u8] {
    // SAFETY: callers name memory that is mapped and that nothing writes while the slice is used.
    unsafe { slice::from_raw_parts(range.start as *const u8, range.bytes() as usize) }
}

/// `tree`: address of the device tree. `base`: where the image is.
pub(crate) extern "C" fn boot(tree: u64, base: u64) -> ! {
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
        Err(why) => refuse(format_args!("this CPU is not usable: {why:?}")),
    };
    let tree_window = pages(tree, 2 << 20);
    if tree_window.overlaps(region) || !tree.is_multiple_of(8) {
        refuse(format_args!("the device tree at {tree:#x} is misplaced"));
    }
    let own = own_map(&registers, region, tree_window);

    let file_page =
        PaRange::sized(base + boot_file::OFFSET as u64, boot_file::BYTES as u64).unwrap_or_default();
    let file = match BootFile::read(bytes(file_page)) {
        Ok(file) => file,
        Err(why) => refuse(format_args!("no host in this image: {why:?}; see `cargo xtask hyp pack`")),
    };
    let head = bytes(PaRange { start: tree, end: tree + 40 });
    let platform_of = |bytes| {
        let blob = Blob::new(bytes)?;
        Platform::read(&blob).map(|platform| (blob, platform))
    };
    let read = device_tree::total_bytes(head)
        .and_then(|total| platform_of(bytes(PaRange { start: tree, end: tree + u64::from(total) })));
    let (blob, platform) = match read {
        Ok(found) => found,
        Err(why) => refuse(format_args!("{why}")),
    };
    if let Some(uart) = platform.uart.filter(|at| *at != console::EARLY) {
        own.map(&mut memory::lock(Regime::Own), pages(uart, PAGE_BYTES), Stage1Kind::Device);
        console::move_to(uart);
        console::enable();
    }
    let psci = match platform.psci {
        Some(psci) if psci.conduit == Conduit::Smc => psci,
        Some(_) => refuse(format_args!("PSCI is not by SMC")),
        None => refuse(format_args!("no PSCI in the device tree")),
    };
    let at = |range: PaRange| PaRange { start: base + range.start, end: base + range.end };
    let (kernel, host_tree) = (at(file.kernel), at(file.device_tree));
    let initrd = if file.initrd.bytes() > 0 { Some(at(file.initrd)) } else { None };
    for (what, range) in
        [("hypervisor", region), ("host's kernel", kernel), ("host's device tree", host_tree)]
            .into_iter()
            .chain(initrd.map(|range| ("host's initrd", range)))
    {
        if !platform.ram.iter().any(|ram| ram.covers(range)) {
            refuse(format_args!("too little memory: the {what} would be at {range}"));
        }
        if range.overlaps(tree_window) && range != host_tree {
            refuse(format_args!("the device tree at {tree:#x} is inside of the {what}"));
        }
    }
    let Some(number) = platform.cpus.index_of(affinity()) else {
        refuse(format_args!("this core, {:#x}, is not in the device tree", affinity()));
    };

    let edit = Edit {
        reserve: region,
        initrd,
        command_line: if file.command_line.is_empty() { None } else { Some(file.command_line) },
    };
    own.map(&mut memory::lock(Regime::Own), host_tree, Stage1Kind::Data);
    // SAFETY: RAM behind the host's initrd that the packed file keeps free; mapped above, used by nothing else.
    let out = unsafe { slice::from_raw_parts_mut(host_tree.start as *mut u8, host_tree.bytes() as usize) };
    let tree_bytes = match device_tree::rewrite(&blob, &edit, out) {
        Ok(length) => length,
        Err(why) => refuse(format_args!("{why}")),
    };
    clean_to_memory(host_tree.start, host_tree.start + tree_bytes as u64);
    let mut pool = memory::lock(Regime::Own);
    own.unmap(&mut pool, tree_window);
    own.unmap(&mut pool, host_tree);
    let (used, count) = pool.usage();
    drop(pool);

    let layout =
        Stage2Layout::for_pa_range(droste_arch::fields::id_aa64mmfr0_el1::PARange.get(cpu::identify().mmfr0));
    let stage2 = Tables::new(stage2_root(), layout.start_level, layout.input_bits);
    let state = STATE.set(State {
        registers,
        relay: Relay::new(psci.version, platform.cpus, region),
        filter: Filter::new(firmware::smccc_version(), psci.version),
        map: HostMap::new(platform.ram, region, stage2.input_end()),
        stage2,
    });
    if let Some(power) = state.relay.power(number) {
        power.set_on();
    }
    let e2h = u8::from(registers.e2h);
    say!(
        "EL2 is resident at {region}: E2H = {e2h}, {} CPUs, {used} of {count} tables",
        platform.cpus.count()
    );
    say!("entering the host at EL1: kernel {kernel}, device tree {:#x}", host_tree.start);
    cpu::set_number(number);
    cpu::prepare_for_host(state);
    entry::enter_host(base + file.entry, host_tree.start, stack_top(number))
}

/// Makes our stage 1 and turns it on.
fn own_map(registers: &Registers, region: PaRange, tree: PaRange) -> OwnMap {
    use droste_hyp_core::tables::TableMemory as _;
    let mut pool = memory::before_mmu();
    let Some(root) = pool.allocate() else { refuse(format_args!("no table for the root")) };
    let own = OwnMap { tables: Tables::new(root, 0, 48), e2h: registers.e2h };
    let address = |symbol: *const u8| symbol as u64;
    let (text_start, text_end) = (address(&raw const __text_start), address(&raw const __text_end));
    let (data_start, data_end) = (address(&raw const __data_start), address(&raw const __data_end));
    let range = |start, end| PaRange { start, end };
    own.map(&mut pool, range(region.start, text_start), Stage1Kind::Constants);
    own.map(&mut pool, range(text_start, text_end), Stage1Kind::Code);
    own.map(&mut pool, range(text_end, data_start), Stage1Kind::Constants);
    own.map(&mut pool, range(data_start, data_end), Stage1Kind::Data);
    for cpu in 0..=MAX_CPUS {
        let bottom = stack_top(cpu) - super::state::STACK_BYTES as u64;
        own.unmap(&mut pool, range(bottom, bottom + GUARD_BYTES as u64));
    }
    own.map(&mut pool, tree, Stage1Kind::Constants);
    own.map(&mut pool, pages(console::EARLY, PAGE_BYTES), Stage1Kind::Device);
    BLOCK.set(Block {
        // Nothing of the host yet; TLB maintenance and the layouts follow E2H.
        hcr: hcr_el2::RW.mask() | if registers.e2h { hcr_el2::E2H.mask() } else { 0 },
        mair: MAIR,
        tcr: registers.tcr,
        ttbr0: root.0,
        sctlr: registers.sctlr,
    });
    msr!("vttbr_el2", 0);
    // What was written with the MMU off has to be seen with caches on, here and by other cores with theirs off.
    clean_to_memory(region.start, region.end);
    entry::enable_mmu();
    own
}
