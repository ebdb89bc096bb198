//! The permission matrix: AP, UXN, PXN, WXN, PAN, EPAN, hierarchical bits, rule E2 of nested virtualization.

use super::*;

const VA: u64 = 0x1234_5678_9000;
const WXN: u64 = 1 << 19;
const EPAN: u64 = 1 << 57;

/// Permissions as `user/privileged/privileged with PAN`, each of `rwx-`.
fn show(permissions: Permissions) -> String {
    let of = |privilege| {
        [(Kind::Read, 'r'), (Kind::Write, 'w'), (Kind::Execute, 'x')]
            .map(|(kind, letter)| if permissions.allows(privilege, kind) { letter } else { '-' })
            .iter()
            .collect::<String>()
    };
    [Privilege::User, Privilege::Privileged, Privilege::PrivilegedPan].map(of).join("/")
}

fn page(sctlr: u64, leaf: u64) -> String {
    let registers = Registers { sctlr: SCTLR_ON | sctlr, ..registers() };
    let request = Request { check: false, ..read(Privilege::Privileged) };
    show(one_page(registers, VA, leaf | bit::AF, request).unwrap().permissions)
}

#[test]
fn access_permission_bits_give_the_manuals_table() {
    use bit::{PXN, READ_ONLY, USER, UXN};
    assert_eq!(page(0, 0), "--x/rwx/rwx");
    assert_eq!(page(0, USER), "rwx/rw-/---", "EL0-writable memory is never executable at EL1");
    assert_eq!(page(0, READ_ONLY), "--x/r-x/r-x");
    assert_eq!(page(0, READ_ONLY | USER), "r-x/r-x/--x");
    assert_eq!(page(0, UXN), "---/rwx/rwx");
    assert_eq!(page(0, PXN), "--x/rw-/rw-");
    assert_eq!(page(0, UXN | PXN), "---/rw-/rw-");
    assert_eq!(page(0, UXN | PXN | USER | READ_ONLY), "r--/r--/---");
}

#[test]
fn wxn_takes_execution_from_writable_memory() {
    use bit::{READ_ONLY, USER};
    assert_eq!(page(WXN, 0), "--x/rw-/rw-");
    assert_eq!(page(WXN, USER), "rw-/rw-/---");
    assert_eq!(page(WXN, READ_ONLY), "--x/r-x/r-x");
}

#[test]
fn epan_protects_memory_that_el0_may_only_execute() {
    assert_eq!(page(EPAN, 0), "--x/rwx/--x");
    assert_eq!(page(EPAN, bit::UXN), "---/rwx/rwx");
    assert_eq!(page(0, 0), "--x/rwx/rwx");
}

#[test]
fn the_el2_regime_has_one_kind_of_software() {
    let memory = FakeMemory::default();
    let root = memory.allocate();
    let walk = |leaf, sctlr| {
        memory.map(root, SHAPE, VA, 3, leaf | bit::AF);
        let registers = Registers { tcr: 16 | 0b101 << 16, sctlr: SCTLR_ON | sctlr, ..registers() };
        let tables = Tables { ttbr: [root; 2], vttbr: 0 };
        let request = Request { check: false, ..read(Privilege::Privileged) };
        show(translate(&memory, &config(Regime::El2, registers), &tables, VA, request).unwrap().permissions)
    };
    assert_eq!(walk(0, 0), "rwx/rwx/rwx");
    assert_eq!(walk(bit::READ_ONLY, 0), "r-x/r-x/r-x");
    assert_eq!(walk(bit::UXN, 0), "rw-/rw-/rw-");
    assert_eq!(walk(bit::PXN, 0), "rwx/rwx/rwx");
    assert_eq!(walk(0, WXN), "rw-/rw-/rw-");
}

fn under_tables(table_bits: u64, tcr: u64, hcr: u64, leaf: u64) -> String {
    let memory = FakeMemory::default();
    let root = memory.allocate();
    memory.map_with(root, SHAPE, VA, 3, leaf | bit::AF, table_bits);
    let registers = Registers { tcr: TCR_48 | tcr, hcr, ..registers() };
    let tables = Tables { ttbr: [root; 2], vttbr: 0 };
    let request = Request { check: false, ..read(Privilege::Privileged) };
    show(translate(&memory, &config(Regime::El10, registers), &tables, VA, request).unwrap().permissions)
}

#[test]
fn table_bits_restrict_what_is_below_unless_disabled() {
    let (ap0, ap1, uxn, pxn, hpd0) = (1 << 61, 1 << 62, 1 << 60, 1 << 59, 1 << 41);
    assert_eq!(under_tables(ap0, 0, 0, bit::USER), "--x/rwx/rwx");
    assert_eq!(under_tables(ap1, 0, 0, bit::USER), "r-x/r-x/--x");
    assert_eq!(under_tables(uxn, 0, 0, bit::READ_ONLY), "---/r-x/r-x");
    assert_eq!(under_tables(pxn, 0, 0, bit::READ_ONLY), "--x/r--/r--");
    assert_eq!(under_tables(ap0 | ap1 | uxn | pxn, hpd0, 0, bit::USER), "rwx/rw-/---");
}

#[test]
fn nv1_moves_the_permission_bits_of_el1_descriptors() {
    let nv1 = 1 << 42 | 1 << 43;
    let walk = |leaf| under_tables(0, 0, nv1, leaf);
    // AP[1] acts as 0, bit 54 is PXN, UXN is 0, bit 53 is ignored.
    assert_eq!(walk(bit::USER), "--x/rwx/rwx");
    assert_eq!(walk(bit::UXN), "--x/rw-/rw-");
    assert_eq!(walk(bit::PXN), "--x/rwx/rwx");
    // Table bit 60 is PXNTable; 59 and 61 are ignored.
    assert_eq!(under_tables(1 << 60, 0, nv1, 0), "--x/rw-/rw-");
    assert_eq!(under_tables(1 << 59 | 1 << 61, 0, nv1, 0), "--x/rwx/rwx");
    let nv_only = 1 << 42;
    assert_eq!(under_tables(0, 0, nv_only, bit::USER), "rwx/rw-/---");
}

#[test]
fn a_forbidden_access_is_a_permission_fault_of_the_leafs_level() {
    let result = one_page(registers(), VA, bit::AF | bit::READ_ONLY, write(Privilege::Privileged));
    assert_eq!(kind_and_level(result), (FaultKind::Permission, 3));
    let result = one_page(registers(), VA, bit::AF, read(Privilege::User));
    assert_eq!(kind_and_level(result), (FaultKind::Permission, 3));
    let result = one_page(registers(), VA, bit::AF | bit::USER, read(Privilege::PrivilegedPan));
    assert_eq!(kind_and_level(result), (FaultKind::Permission, 3));
}

#[test]
fn indirect_permissions_come_from_the_pir_registers() {
    let features = MmuFeatures { s1pie: true, ..FEATURES };
    // Index 5 = bits 54, 53, 51, 6 as 0101.
    let leaf = bit::PXN | bit::USER | bit::AF;
    let walk = |privileged: u64, user: u64| {
        let memory = FakeMemory::default();
        let root = memory.allocate();
        memory.map(root, SHAPE, VA, 3, leaf);
        let registers = Registers { tcr2: 1 << 1, pir: privileged << 20, pire0: user << 20, ..registers() };
        let config = WalkConfig::new(Regime::El10, &registers, &features);
        let tables = Tables { ttbr: [root; 2], vttbr: 0 };
        let request = Request { check: false, ..read(Privilege::Privileged) };
        show(translate(&memory, &config, &tables, VA, request).unwrap().permissions)
    };
    assert_eq!(walk(0b0101, 0), "---/rw-/rw-");
    assert_eq!(walk(0b1010, 0b0001), "r--/r-x/--x");
    assert_eq!(walk(0b1100, 0b1100), "rw-/rw-/---");
    assert_eq!(walk(0b1010, 0b1100), "---/---/---", "privileged execution of EL0-writable memory");
    assert_eq!(walk(0b0110, 0), "---/rw-/rw-");
}
