use dtoolkit::fdt::FdtNode;
use dtoolkit::{Node, Property};

use super::*;

fn config() -> BoardConfig {
    BoardConfig {
        cpu_count: 18,
        boot: BootInfo {
            command_line: "console=ttyAMA0".into(),
            initrd: Some(0x4800_0000..0x4800_1234),
            seed: 7,
        },
        ..BoardConfig::default()
    }
}

/// The value of a property, which has to exist.
fn value(dtb: &[u8], path: &str, name: &str) -> Vec<u8> {
    let fdt = Fdt::new(dtb).unwrap();
    let node: FdtNode<'_> = fdt.find_node(path).unwrap_or_else(|| panic!("no {path}"));
    node.property(name).unwrap_or_else(|| panic!("no {name} in {path}")).value().to_vec()
}

fn cells(dtb: &[u8], path: &str, name: &str) -> Vec<u32> {
    value(dtb, path, name).chunks(4).map(|cell| u32::from_be_bytes(cell.try_into().unwrap())).collect()
}

fn has(dtb: &[u8], path: &str) -> bool {
    Fdt::new(dtb).unwrap().find_node(path).is_some()
}

#[test]
fn board_reads_back_as_qemu_describes_it() {
    let dtb = build(&config());
    assert_eq!(value(&dtb, "/", "compatible"), b"linux,dummy-virt\0");
    assert_eq!(cells(&dtb, "/memory@40000000", "reg"), [0, 0x4000_0000, 0, 0x4000_0000]);
    assert_eq!(
        cells(&dtb, "/intc@8000000", "reg"),
        [0, 0x800_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0xf6_0000]
    );
    assert_eq!(cells(&dtb, "/intc@8000000", "interrupts"), [1, 9, 4]);
    assert_eq!(cells(&dtb, "/intc@8000000/its@8080000", "reg"), [0, 0x808_0000, 0, 0x2_0000]);
    assert_eq!(cells(&dtb, "/timer", "interrupts"), [1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4, 1, 12, 4]);
    assert_eq!(cells(&dtb, "/pmu", "interrupts"), [1, 7, 4]);
    assert_eq!(value(&dtb, "/pl011@9000000", "compatible"), b"arm,pl011\0arm,primecell\0");
    assert_eq!(cells(&dtb, "/pl011@9000000", "interrupts"), [0, 1, 4]);
    assert_eq!(cells(&dtb, "/pl031@9010000", "reg"), [0, 0x901_0000, 0, 0x1000]);
    assert_eq!(cells(&dtb, "/virtio_mmio@a003e00", "interrupts"), [0, 0x2f, 1]);
    assert_eq!(cells(&dtb, "/fw-cfg@9020000", "reg"), [0, 0x902_0000, 0, 0x18]);
    assert_eq!(value(&dtb, "/psci", "method"), b"smc\0");
}

#[test]
fn phandles_lead_to_their_nodes() {
    let dtb = build(&config());
    let phandle = |path| cells(&dtb, path, "phandle")[0];
    assert_eq!(cells(&dtb, "/", "interrupt-parent"), [phandle("/intc@8000000")]);
    assert_eq!(cells(&dtb, "/pl011@9000000", "clocks"), [phandle("/apb-pclk"); 2]);
    assert_eq!(cells(&dtb, "/gpio-keys/poweroff", "gpios"), [phandle("/pl061@9030000"), 3, 0]);
    let core = cells(&dtb, "/cpus/cpu-map/socket0/cluster0/core17", "cpu");
    assert_eq!(core, [phandle("/cpus/cpu@101")]);
}

#[test]
fn cpus_are_numbered_by_affinity() {
    let dtb = build(&config());
    assert_eq!(cells(&dtb, "/cpus/cpu@f", "reg"), [0xf]);
    assert_eq!(cells(&dtb, "/cpus/cpu@100", "reg"), [0x100]);
    assert!(!has(&dtb, "/cpus/cpu@10"));
}

#[test]
fn what_the_cpu_lacks_is_not_described() {
    let dtb = build(&BoardConfig { el2: false, vhe: false, pmu: false, its: false, ..config() });
    assert_eq!(value(&dtb, "/psci", "method"), b"hvc\0");
    assert_eq!(cells(&dtb, "/timer", "interrupts").len(), 12);
    assert!(!has(&dtb, "/pmu"));
    assert!(!has(&dtb, "/intc@8000000/its@8080000"));
    assert!(Fdt::new(&dtb).unwrap().find_node("/intc@8000000").unwrap().property("interrupts").is_none());
}

#[test]
fn chosen_tells_what_the_boot_loader_knows() {
    let dtb = build(&config());
    assert_eq!(value(&dtb, "/chosen", "bootargs"), b"console=ttyAMA0\0");
    assert_eq!(value(&dtb, "/chosen", "stdout-path"), b"/pl011@9000000\0");
    assert_eq!(cells(&dtb, "/chosen", "linux,initrd-start"), [0, 0x4800_0000]);
    assert_eq!(cells(&dtb, "/chosen", "linux,initrd-end"), [0, 0x4800_1234]);
    assert_eq!(value(&dtb, "/chosen", "rng-seed").len(), 32);
}

#[test]
fn seed_decides_the_tree() {
    let with_seed = |seed| build(&BoardConfig { boot: BootInfo { seed, ..config().boot }, ..config() });
    assert_eq!(with_seed(7), with_seed(7));
    assert_ne!(value(&with_seed(7), "/chosen", "kaslr-seed"), value(&with_seed(8), "/chosen", "kaslr-seed"));
}

#[test]
fn given_tree_keeps_all_but_memory_and_boot_information() {
    let mut given = DeviceTree::new();
    given.root.set("compatible", "someone,board");
    given.root.add_child(node("memory", |memory| memory.set("reg", 1_u32)));
    given.root.add_child(node("chosen", |chosen| {
        chosen.set("stdout-path", "/their/uart");
        chosen.set("bootargs", "theirs");
        chosen.set("other", "kept");
    }));
    let dtb = adapt(&given.to_dtb(), &config()).unwrap();
    assert_eq!(value(&dtb, "/", "compatible"), b"someone,board\0");
    assert!(has(&dtb, "/memory@40000000"));
    assert_eq!(cells(&dtb, "/memory@40000000", "reg"), [0, 0x4000_0000, 0, 0x4000_0000]);
    assert_eq!(value(&dtb, "/chosen", "bootargs"), b"console=ttyAMA0\0");
    assert_eq!(value(&dtb, "/chosen", "stdout-path"), b"/their/uart\0");
    assert_eq!(value(&dtb, "/chosen", "other"), b"kept\0");
    assert_eq!(Fdt::new(&dtb).unwrap().root().children().count(), 2);
}

#[test]
fn damaged_tree_is_refused() {
    let dtb = build(&config());
    assert!(adapt(&dtb[..dtb.len() - 1], &config()).is_err());
    assert!(adapt(b"", &config()).is_err());
    assert!(to_source(b"not a tree").is_err());
    assert!(to_source(&dtb).unwrap().contains("compatible = \"linux,dummy-virt\";"));
}

#[test]
fn tree_has_room_for_additions_in_place() {
    let dtb = build(&config());
    let word = |at: usize| u32::from_be_bytes(dtb[at..at + 4].try_into().unwrap());
    let strings_end = word(12) + word(32);
    assert_eq!(word(4) as usize, dtb.len());
    assert_eq!(word(4) - strings_end, SLACK_BYTES);
}
