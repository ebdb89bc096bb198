//! The flattened device tree that describes the board to its guest.

use std::ops::Range;

use dtoolkit::ToPropertyValue;
use dtoolkit::fdt::Fdt;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

use super::memory_map as map;
use super::{BoardConfig, BootInfo, mpidr_affinity};
use crate::entropy::SplitMix64;

/// A device tree that a user gave is damaged.
#[derive(Debug, thiserror::Error)]
#[error("the device tree cannot be read: {0}")]
pub struct DeviceTreeError(String);

/// Phandles: names of nodes within the tree.
const CLOCK: u32 = 1;
const GIC: u32 = 2;
const ITS: u32 = 3;
const GPIO: u32 = 4;
/// The first CPU; the others follow.
const FIRST_CPU: u32 = 0x100;

/// First cell of an interrupt specifier: which kind of interrupt the second cell counts.
const SPI: u32 = 0;
const PPI: u32 = 1;
/// Third cell of an interrupt specifier.
const EDGE_RISING: u32 = 1;
const LEVEL_HIGH: u32 = 4;

/// Room that is left in the tree, because firmware and hypervisors add to it in place.
const SLACK_BYTES: u32 = 64 << 10;

const UART_CLOCK_HZ: u32 = 24_000_000;
const KEY_POWER: u32 = 116;

/// Makes the device tree of the board, as a flattened tree.
pub fn build(config: &BoardConfig) -> Vec<u8> {
    let mut tree = DeviceTree::new();
    let root = &mut tree.root;
    root.set("#address-cells", 2_u32);
    root.set("#size-cells", 2_u32);
    root.set("compatible", "linux,dummy-virt");
    root.set("model", "linux,dummy-virt");
    root.set("interrupt-parent", GIC);
    root.flag("dma-coherent");
    root.add_child(chosen(&config.boot));
    root.add_child(memory(config.ram_bytes));
    root.add_child(cpus(config));
    root.add_child(psci(config));
    root.add_child(timer(config));
    if config.pmu {
        root.add_child(node("pmu", |pmu| {
            pmu.set("compatible", "arm,armv8-pmuv3");
            pmu.set("interrupts", [PPI, map::PMU_PPI, LEVEL_HIGH]);
        }));
    }
    root.add_child(gic(config));
    root.add_child(node("apb-pclk", |clock| {
        clock.set("compatible", "fixed-clock");
        clock.set("#clock-cells", 0_u32);
        clock.set("clock-frequency", UART_CLOCK_HZ);
        clock.set("clock-output-names", "clk24mhz");
        clock.set("phandle", CLOCK);
    }));
    root.add_child(primecell("pl011", &map::UART, map::UART_SPI, |uart| {
        uart.set("clocks", [CLOCK, CLOCK]);
        uart.set("clock-names", strings(&["uartclk", "apb_pclk"]));
    }));
    root.add_child(primecell("pl031", &map::RTC, map::RTC_SPI, |_| ()));
    root.add_child(primecell("pl061", &map::GPIO, map::GPIO_SPI, |gpio| {
        gpio.flag("gpio-controller");
        gpio.set("#gpio-cells", 2_u32);
        gpio.set("phandle", GPIO);
    }));
    root.add_child(node("gpio-keys", |keys| {
        keys.set("compatible", "gpio-keys");
        keys.add_child(node("poweroff", |key| {
            key.set("label", "GPIO Key Poweroff");
            key.set("linux,code", KEY_POWER);
            key.set("gpios", [GPIO, map::POWER_BUTTON_PIN, 0]);
        }));
    }));
    root.add_child(device("fw-cfg", &map::FW_CFG, |fw_cfg| {
        fw_cfg.set("compatible", "qemu,fw-cfg-mmio");
        fw_cfg.flag("dma-coherent");
    }));
    for index in 0..map::VIRTIO_COUNT {
        root.add_child(device("virtio_mmio", &map::virtio_window(index), |virtio| {
            virtio.set("compatible", "virtio,mmio");
            virtio.set("interrupts", [SPI, map::VIRTIO_SPI + index, EDGE_RISING]);
            virtio.flag("dma-coherent");
        }));
    }
    root.add_child(node("aliases", |aliases| aliases.set("serial0", uart_path())));
    flatten(&tree)
}

/// Puts the memory size and the boot information into a device tree that a user gave, and leaves the rest.
pub fn adapt(dtb: &[u8], config: &BoardConfig) -> Result<Vec<u8>, DeviceTreeError> {
    let fdt = Fdt::new(dtb).map_err(|error| DeviceTreeError(error.to_string()))?;
    let mut tree = DeviceTree::from_fdt(&fdt);
    let memory = memory(config.ram_bytes);
    tree.root.remove_child("memory");
    tree.root.remove_child(&format!("memory@{:x}", map::RAM_BASE));
    tree.root.add_child(memory);
    let ours = chosen(&config.boot);
    let mut theirs = tree.root.remove_child("chosen").unwrap_or_else(|| node("chosen", |_| ()));
    let console = theirs.property_mut("stdout-path").map(|property| property.clone());
    for property in dtoolkit::Node::properties(&&ours) {
        theirs.add_property(DeviceTreeProperty::from_property(&property));
    }
    // The path of the console is theirs to know.
    theirs.remove_property("stdout-path");
    console.into_iter().for_each(|property| theirs.add_property(property));
    tree.root.add_child(theirs);
    Ok(flatten(&tree))
}

/// Writes a flattened device tree as source text.
pub fn to_source(dtb: &[u8]) -> Result<String, DeviceTreeError> {
    Fdt::new(dtb).map(|fdt| fdt.to_string()).map_err(|error| DeviceTreeError(error.to_string()))
}

/// Flattens a tree and leaves room at its end.
fn flatten(tree: &DeviceTree) -> Vec<u8> {
    let mut dtb = tree.to_dtb();
    // The total size is the second word of the header.
    if let Some(total_bytes) = dtb.get_mut(4..8).and_then(|word| word.first_chunk_mut()) {
        *total_bytes = (u32::from_be_bytes(*total_bytes) + SLACK_BYTES).to_be_bytes();
    }
    dtb.resize(dtb.len() + SLACK_BYTES as usize, 0);
    dtb
}

fn chosen(boot: &BootInfo) -> DeviceTreeNode {
    let mut numbers = SplitMix64::new(boot.seed);
    let kaslr_seed = numbers.next_u64();
    let mut rng_seed = [0; 32];
    numbers.fill(&mut rng_seed);
    node("chosen", |chosen| {
        chosen.set("bootargs", boot.command_line.as_str());
        chosen.set("stdout-path", uart_path());
        if let Some(initrd) = &boot.initrd {
            chosen.set("linux,initrd-start", initrd.start);
            chosen.set("linux,initrd-end", initrd.end);
        }
        chosen.set("kaslr-seed", kaslr_seed);
        chosen.set("rng-seed", rng_seed);
    })
}

fn memory(ram_bytes: u64) -> DeviceTreeNode {
    device("memory", &(map::RAM_BASE..map::RAM_BASE + ram_bytes), |memory| {
        memory.set("device_type", "memory");
    })
}

fn cpus(config: &BoardConfig) -> DeviceTreeNode {
    node("cpus", |cpus| {
        cpus.set("#address-cells", 1_u32);
        cpus.set("#size-cells", 0_u32);
        for cpu in 0..config.cpu_count {
            // Aff3 is 0 for every possible CPU: the low word is the whole address.
            let affinity = mpidr_affinity(cpu) as u32;
            cpus.add_child(node(&format!("cpu@{affinity:x}"), |node| {
                node.set("device_type", "cpu");
                node.set("compatible", config.cpu_compatible.as_str());
                node.set("reg", affinity);
                node.set("enable-method", "psci");
                node.set("phandle", FIRST_CPU + cpu);
            }));
        }
        let cores = node("cluster0", |cluster| {
            for cpu in 0..config.cpu_count {
                cluster.add_child(node(&format!("core{cpu}"), |core| core.set("cpu", FIRST_CPU + cpu)));
            }
        });
        cpus.add_child(node("cpu-map", |map| {
            map.add_child(node("socket0", |socket| socket.add_child(cores)));
        }));
    })
}

fn psci(config: &BoardConfig) -> DeviceTreeNode {
    node("psci", |psci| {
        psci.set("compatible", strings(&["arm,psci-1.0", "arm,psci-0.2", "arm,psci"]));
        // EL2 belongs to the guest where it exists, so firmware is behind SMC; else it is behind HVC.
        psci.set("method", if config.el2 { "smc" } else { "hvc" });
        // Function numbers, for a kernel that only knows the 0.1 binding.
        psci.set("cpu_suspend", 0xc400_0001_u32);
        psci.set("cpu_off", 0x8400_0002_u32);
        psci.set("cpu_on", 0xc400_0003_u32);
        psci.set("migrate", 0xc400_0005_u32);
    })
}

fn timer(config: &BoardConfig) -> DeviceTreeNode {
    let mut ppis = vec![
        map::TIMER_SECURE_PPI,
        map::TIMER_PHYSICAL_PPI,
        map::TIMER_VIRTUAL_PPI,
        map::TIMER_EL2_PHYSICAL_PPI,
    ];
    if config.el2 && config.vhe {
        ppis.push(map::TIMER_EL2_VIRTUAL_PPI);
    }
    let interrupts: Vec<u32> = ppis.into_iter().flat_map(|ppi| [PPI, ppi, LEVEL_HIGH]).collect();
    node("timer", |timer| {
        timer.set("compatible", strings(&["arm,armv8-timer", "arm,armv7-timer"]));
        timer.set("interrupts", interrupts);
        timer.flag("always-on");
    })
}

fn gic(config: &BoardConfig) -> DeviceTreeNode {
    device("intc", &map::GICD, |gic| {
        gic.set("compatible", "arm,gic-v3");
        gic.set("#interrupt-cells", 3_u32);
        gic.flag("interrupt-controller");
        gic.set("#address-cells", 2_u32);
        gic.set("#size-cells", 2_u32);
        gic.flag("ranges");
        gic.set("#redistributor-regions", 1_u32);
        gic.set("reg", [reg(&map::GICD), reg(&map::GICR)].concat());
        if config.el2 {
            gic.set("interrupts", [PPI, map::MAINTENANCE_PPI, LEVEL_HIGH]);
        }
        gic.set("phandle", GIC);
        if config.its {
            gic.add_child(device("its", &map::ITS, |its| {
                its.set("compatible", "arm,gic-v3-its");
                its.flag("msi-controller");
                its.set("#msi-cells", 1_u32);
                its.set("phandle", ITS);
            }));
        }
    })
}

fn primecell(
    name: &str,
    window: &Range<u64>,
    spi: u32,
    fill: impl FnOnce(&mut DeviceTreeNode),
) -> DeviceTreeNode {
    device(name, window, |node| {
        node.set("compatible", strings(&[&format!("arm,{name}"), "arm,primecell"]));
        node.set("interrupts", [SPI, spi, LEVEL_HIGH]);
        node.set("clocks", CLOCK);
        node.set("clock-names", "apb_pclk");
        fill(node);
    })
}

/// Makes a node named after `window`, with its `reg`.
fn device(name: &str, window: &Range<u64>, fill: impl FnOnce(&mut DeviceTreeNode)) -> DeviceTreeNode {
    node(&format!("{name}@{:x}", window.start), |node| {
        node.set("reg", reg(window));
        fill(node);
    })
}

fn node(name: &str, fill: impl FnOnce(&mut DeviceTreeNode)) -> DeviceTreeNode {
    let mut node = DeviceTreeNode::new_unchecked(name);
    fill(&mut node);
    node
}

/// A `reg` entry of two address and two size cells.
fn reg(window: &Range<u64>) -> Vec<u8> {
    [window.start.to_be_bytes(), (window.end - window.start).to_be_bytes()].concat()
}

fn strings(values: &[&str]) -> Vec<u8> {
    values.iter().flat_map(|value| value.bytes().chain([0])).collect()
}

fn uart_path() -> String {
    format!("/pl011@{:x}", map::UART.start)
}

trait SetProperty {
    fn set(&mut self, name: &str, value: impl ToPropertyValue);
    fn flag(&mut self, name: &str);
}

impl SetProperty for DeviceTreeNode {
    /// Sets a property, replacing one of the same name.
    fn set(&mut self, name: &str, value: impl ToPropertyValue) {
        self.add_property(DeviceTreeProperty::new_unchecked(name, value));
    }

    /// Sets a property that has no value.
    fn flag(&mut self, name: &str) {
        self.set(name, Vec::<u8>::new());
    }
}

#[cfg(test)]
mod tests;
