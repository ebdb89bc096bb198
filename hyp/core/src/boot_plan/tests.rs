//! Plans for a board of 1 GiB, good and bad.

use super::*;
use crate::device_tree::{Module, Psci};
use crate::parameters::LogLevel;
use crate::psci::Cpus;
use proptest::prelude::*;
use std::string::ToString;

const MIB: u64 = 1 << 20;
const BASE: u64 = 0x4020_0000;

fn range(start: u64, bytes: u64) -> PaRange {
    PaRange { start, end: start + bytes }
}

fn board() -> Platform<'static> {
    let mut cpus = Cpus::default();
    assert!(cpus.add(0) && cpus.add(1));
    Platform {
        ram: [range(0x4000_0000, 1 << 30)].into_iter().collect(),
        reserved: Ranges::new(),
        cpus,
        psci: Some(Psci { version: Version::Standard, conduit: Conduit::Smc }),
        uart: None,
        initrd: None,
        bootargs: Some(b"quiet"),
        kernel_module: None,
        ramdisk_module: None,
    }
}

const FILE: BootFile<'static> = BootFile {
    kernel: PaRange { start: 2 * MIB, end: 60 * MIB },
    entry: 2 * MIB,
    initrd: PaRange { start: 60 * MIB, end: 62 * MIB },
    device_tree: PaRange { start: 62 * MIB, end: 63 * MIB },
    command_line: b"console=ttyAMA0",
};

fn packed<'a>(platform: &'a Platform<'a>) -> Situation<'a> {
    Situation {
        region: range(BASE, 2 * MIB),
        tree: range(0x4800_0000, 2 * MIB),
        affinity: 0,
        platform,
        file: Ok(FILE),
        kernel_header: None,
    }
}

fn header(bytes: u64) -> [u8; KERNEL_HEADER_BYTES] {
    let mut header = [0; KERNEL_HEADER_BYTES];
    header[16..24].copy_from_slice(&bytes.to_le_bytes());
    header[56..60].copy_from_slice(b"ARM\x64");
    header
}

fn with_modules() -> Platform<'static> {
    Platform {
        kernel_module: Some(Module {
            range: range(0x5000_0000, 30 * MIB),
            bootargs: Some(b"droste.mode=protected"),
        }),
        ramdisk_module: Some(Module { range: range(0x5400_0001, 3), bootargs: None }),
        ..board()
    }
}

#[test]
fn packed_file_is_where_it_was_loaded_and_the_ledger_at_the_end_of_ram() {
    let platform = board();
    let plan = packed(&platform).plan().unwrap();
    assert_eq!((plan.kernel, plan.entry), (range(BASE + 2 * MIB, 58 * MIB), BASE + 2 * MIB));
    assert_eq!(plan.initrd, Some(range(BASE + 60 * MIB, 2 * MIB)));
    assert_eq!(plan.command_line, Some(&b"console=ttyAMA0"[..]));
    assert_eq!(plan.ledger, range(0x7fe0_0000, 2 * MIB), "2 bytes for each page, in a whole block");
    assert_eq!(plan.parameters, Parameters { mode: Mode::Permissive, log: LogLevel::Info });
    assert!(plan.own.covers(plan.ledger) && plan.own.covers(range(BASE, 2 * MIB)));
}

#[test]
fn hypervisor_takes_at_most_4_mib_and_three_thousandths_of_ram() {
    for mib in [128, 129, 255, 1024, 4097, 1 << 16, 1 << 20] {
        let mut platform = board();
        platform.ram = [range(0x4000_0000, mib * MIB)].into_iter().collect();
        let plan = packed(&platform).plan().unwrap_or_else(|why| panic!("{mib} MiB: {why}"));
        let own: u64 = plan.own.iter().map(PaRange::bytes).sum();
        assert!(own <= 4 * MIB + mib * MIB * 3 / 1000, "{own:#x} of {mib} MiB");
    }
}

#[test]
fn mode_off_takes_nothing_but_the_image() {
    let platform = board();
    let file = BootFile { command_line: b"droste.mode=off", ..FILE };
    let plan = Situation { file: Ok(file), ..packed(&platform) }.plan().unwrap();
    assert_eq!((plan.ledger.bytes(), plan.own.iter().count()), (0, 1));
}

#[test]
fn modules_are_the_host_where_the_image_is_not_packed() {
    let (platform, header) = (with_modules(), header(50 * MIB));
    let alone =
        Situation { file: Err(BootFileError::NotPacked), kernel_header: Some(&header), ..packed(&platform) };
    let plan = alone.plan().unwrap();
    assert_eq!((plan.kernel, plan.entry), (range(0x5000_0000, 50 * MIB), 0x5000_0000));
    assert_eq!(plan.initrd, Some(range(0x5400_0001, 3)));
    assert_eq!(plan.parameters.mode, Mode::Protected, "the module's own command line");
    assert_eq!(plan.host_tree, range(0x7fe0_0000, 2 * MIB));
    assert_eq!(plan.ledger, range(0x7fc0_0000, 2 * MIB));
    let error = |situation: Situation<'_>| situation.plan().unwrap_err().to_string();
    assert!(error(Situation { kernel_header: Some(&[0; 64]), ..alone }).contains("no arm64 Image"));
    assert!(error(Situation { platform: &board(), ..alone }).starts_with("no host"));
    let large = self::header(200 * MIB);
    let why = error(Situation { kernel_header: Some(&large), ..alone });
    assert_eq!(
        why,
        "the host's initrd at 0x54000001..0x54000004 overlaps the host's kernel at 0x50000000..0x5c800000"
    );
}

#[test]
fn too_little_memory_is_said_with_the_part_and_its_place() {
    let small = Platform { ram: [range(0x4000_0000, 64 * MIB)].into_iter().collect(), ..board() };
    let why = packed(&small).plan().unwrap_err();
    assert!(matches!(why, BootError::NotInRam(Part::HostTree, _)), "{why}");
    let full = Platform { reserved: [range(0x4410_0000, 959 * MIB)].into_iter().collect(), ..board() };
    let tree = range(0x4000_0000, MIB);
    let why = Situation { tree, ..packed(&full) }.plan().unwrap_err();
    assert_eq!(why, BootError::NoRoom(Part::Ledger, 2 * MIB));
}

#[test]
fn overlaps_are_refused() {
    let platform = Platform { reserved: [range(BASE + 4 * MIB, MIB)].into_iter().collect(), ..board() };
    let why = packed(&platform).plan().unwrap_err();
    assert!(matches!(why, BootError::Overlap(Part::Kernel, _, Part::Reserved, _)), "{why}");
    let platform = board();
    let why = Situation { tree: range(BASE + 3 * MIB, MIB), ..packed(&platform) }.plan().unwrap_err();
    assert!(matches!(why, BootError::Overlap(Part::Kernel, _, Part::LoadersTree, _)), "{why}");
}

#[test]
fn protection_needs_psci_by_smc() {
    let none = Platform { psci: None, ..board() };
    assert_eq!(packed(&none).plan().unwrap().psci, Version::V0_1(Ids::default()));
    let file = BootFile { command_line: b"droste.mode=protected", ..FILE };
    assert_eq!(Situation { file: Ok(file), ..packed(&none) }.plan().unwrap_err(), BootError::NoPsci);
    let psci = Some(Psci { version: Version::Standard, conduit: Conduit::Other });
    assert_eq!(packed(&Platform { psci, ..board() }).plan().unwrap_err(), BootError::Conduit);
}

#[test]
fn unknown_core_and_damaged_file_are_refused() {
    let platform = board();
    assert_eq!(Situation { affinity: 7, ..packed(&platform) }.plan().unwrap_err(), BootError::UnknownCpu(7));
    let file = Err(BootFileError::Damaged);
    assert!(matches!(Situation { file, ..packed(&platform) }.plan(), Err(BootError::File(_))));
}

proptest! {
    #[test]
    fn whatever_the_tree_says_parts_of_a_plan_are_ram_and_apart(
        ram in prop::collection::vec((0..64_u64, 1..64_u64), 1..5),
        reserved in prop::collection::vec((0..128_u64, 0..16_u64), 0..8),
        kernel in (0..128_u64, 1..20_u64), initrd in (0..128_u64, 0..8_u64), tree in 0..128_u64,
    ) {
        let at = |(start, size): &(u64, u64)| range(BASE + start * MIB, size * MIB);
        let platform = Platform {
            ram: ram.iter().map(|r| range(BASE + r.0 * 2 * MIB, r.1 * 2 * MIB)).collect(),
            reserved: reserved.iter().map(at).collect(),
            kernel_module: Some(Module { range: at(&kernel), bootargs: None }),
            ramdisk_module: Some(Module { range: at(&initrd), bootargs: None }),
            ..board()
        };
        let header = header(kernel.1 * MIB);
        let situation = Situation {
            file: Err(BootFileError::NotPacked),
            tree: range(BASE + tree * MIB, MIB),
            kernel_header: Some(&header),
            ..packed(&platform)
        };
        if let Ok(plan) = situation.plan() {
            let parts = [plan.kernel, plan.host_tree, plan.ledger, situation.region];
            for (n, part) in parts.iter().enumerate() {
                prop_assert!(platform.ram.covers(*part));
                prop_assert!(platform.reserved.overlap(*part).is_none());
                prop_assert!(parts.iter().skip(n + 1).all(|other| !other.overlaps(*part)));
            }
        }
    }
}
