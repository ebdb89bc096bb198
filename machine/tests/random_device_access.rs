//! Whatever a guest does to the devices, they neither panic nor hang.

use std::sync::Arc;

use droste_machine::board::memory_map as map;
use droste_machine::board::{Connections, Devices};
use droste_machine::bus::Bus;
use droste_machine::devices::Console;
use droste_machine::devices::fw_cfg::Items;
use droste_machine::devices::net::user::{UserNet, UserNetConfig};
use droste_machine::devices::virtio::{VirtioDevice, block::Block, console, net::Net, rng::Rng};
use droste_machine::irq::InterruptSink;
use droste_machine::ram::GuestRam;
use proptest::prelude::*;

const RAM_BYTES: u64 = 0x8_0000;
/// Where the descriptor tables and rings of virtqueue 0 and 1 of every device are.
const RINGS: u64 = map::RAM_BASE;
const QUEUE_STRIDE: u64 = 0x1000;
const RING_SIZE: u32 = 8;

struct Nowhere;

impl Console for Nowhere {
    fn output(&self, _: &[u8]) {}
}

impl InterruptSink for Nowhere {
    fn set_level(&self, _: u32, _: bool) {}
}

struct Board {
    bus: Bus,
    devices: Devices,
    ram: Arc<GuestRam>,
    input: console::Input,
}

fn board() -> Board {
    let ram = Arc::new(GuestRam::new(map::RAM_BASE, RAM_BYTES).unwrap());
    let input = console::Input::default();
    // Restricted, so that nothing leaves this host.
    let net = UserNetConfig { restricted: true, ..UserNetConfig::default() };
    let virtio: Vec<Box<dyn VirtioDevice>> = vec![
        Box::new(Block::new(Box::new(vec![0_u8; 0x1_0000]), "disk")),
        Box::new(console::Console::new(Arc::new(Nowhere), input.clone())),
        Box::new(Rng::new(1)),
        Box::new(Net::new(Box::new(UserNet::new(&net).unwrap()), [2; 6])),
    ];
    let mut items = Items::new();
    items.add_file("etc/test", vec![1; 100]);
    let mut bus = Bus::new();
    let connections = Connections {
        ram: ram.clone(),
        interrupts: Arc::new(Nowhere),
        console: Arc::new(Nowhere),
        time: Box::new(|| 1),
        firmware_items: items,
        virtio,
    };
    let devices = Devices::new(connections, &mut bus);
    Board { bus, devices, ram, input }
}

#[derive(Clone, Debug)]
enum Step {
    Read {
        pa: u64,
        size: u8,
    },
    Write {
        pa: u64,
        size: u8,
        value: u64,
    },
    /// Brings a virtio device to the state in which it looks at its rings.
    Start {
        slot: u32,
    },
    /// Fills one field of a descriptor or ring.
    Ram {
        offset: u64,
        value: u64,
    },
    Publish {
        queue: u64,
        index: u16,
    },
    /// Makes a well-formed request for the disk.
    Request {
        kind: u32,
        sector: u64,
        length: u32,
        flags: u16,
    },
    Notify {
        slot: u32,
        queue: u32,
    },
    Input {
        length: usize,
    },
    Poll,
}

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..64_u64,
        (0..RAM_BYTES).prop_map(|offset| map::RAM_BASE + offset),
        Just(u64::MAX),
        // A descriptor's length, flags and next.
        (0..0x400_u64, 0..8_u64, 0..10_u64)
            .prop_map(|(length, flags, next)| length | flags << 32 | next << 48),
    ]
}

fn address() -> impl Strategy<Value = u64> {
    let window = |start: u64, length: u64| (0..length).prop_map(move |offset| start + offset);
    prop_oneof![
        window(map::UART.start, 0x1000),
        window(map::UART.start, 0x50),
        window(map::RTC.start, 0x20),
        window(map::GPIO.start, 0x430),
        window(map::FW_CFG.start, 0x18),
        window(map::VIRTIO.start, 4 * map::VIRTIO_STRIDE_BYTES),
        window(map::VIRTIO.start, 0x4000),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![Just(1_u8), Just(2), Just(4), Just(8)];
    let aligned = address().prop_map(|pa| pa & !3);
    prop_oneof![
        2 => (address(), size.clone()).prop_map(|(pa, size)| Step::Read { pa, size }),
        2 => (address(), size, value()).prop_map(|(pa, size, value)| Step::Write { pa, size, value }),
        2 => (aligned, value()).prop_map(|(pa, value)| Step::Write { pa, size: 4, value }),
        1 => (0..4_u32).prop_map(|slot| Step::Start { slot }),
        6 => (0..0x40_u64, 0..2_u64, value()).prop_map(|(word, queue, value)| Step::Ram {
            offset: queue * QUEUE_STRIDE + word * 8,
            value
        }),
        3 => (0..2_u64, 0..9_u16).prop_map(|(queue, index)| Step::Publish { queue, index }),
        2 => (0..14_u32, 0..130_u64, 0..3_u32, 0..2_u16).prop_map(|(kind, sector, sectors, write)| {
            Step::Request { kind, sector, length: sectors * 512, flags: 1 | write << 1 }
        }),
        3 => (0..4_u32, 0..3_u32).prop_map(|(slot, queue)| Step::Notify { slot, queue }),
        1 => (0..5000_usize).prop_map(|length| Step::Input { length }),
        1 => Just(Step::Poll),
    ]
}

impl Board {
    fn register(&self, slot: u32, offset: u64, value: u32) {
        self.bus.write(map::virtio_window(slot).start + offset, 4, value.into()).unwrap();
    }

    fn start(&self, slot: u32) {
        for status in [0, 1, 3] {
            self.register(slot, 0x70, status);
        }
        // VERSION_1 and INDIRECT_DESC.
        for (word, features) in [(0, 1 << 28), (1, 1)] {
            self.register(slot, 0x24, word);
            self.register(slot, 0x20, features);
        }
        self.register(slot, 0x70, 0xb);
        for queue in 0..2 {
            self.register(slot, 0x30, queue);
            self.register(slot, 0x38, RING_SIZE);
            let table = RINGS + u64::from(queue) * QUEUE_STRIDE;
            for (register, pa) in [(0x80, table), (0x90, table + 0x100), (0xa0, table + 0x180)] {
                self.register(slot, register, pa as u32);
                self.register(slot, register + 4, (pa >> 32) as u32);
            }
            self.register(slot, 0x44, 1);
            self.ram.fill(table + 0x100, 0x100, 0).unwrap();
        }
        self.register(slot, 0x70, 0xf);
    }

    fn publish(&self, queue: u64, index: u16) {
        let avail = RINGS + queue * QUEUE_STRIDE + 0x100;
        let count: u16 = self.ram.read(avail + 2).unwrap();
        self.ram.write(avail + 4 + 2 * u64::from(count % 8), index).unwrap();
        self.ram.write(avail + 2, count.wrapping_add(1)).unwrap();
    }

    fn request(&self, kind: u32, sector: u64, length: u32, flags: u16) {
        let header = RINGS + 0x4000;
        self.ram.write(header, u64::from(kind)).unwrap();
        self.ram.write(header + 8, sector).unwrap();
        let chain = [(header, 16, 1), (header + 0x1000, length, flags), (header + 0x800, 1, 2_u16)];
        for (index, (pa, length, flags)) in (0_u16..).zip(chain) {
            let at = RINGS + 16 * u64::from(index);
            self.ram.write(at, pa).unwrap();
            let rest = u64::from(length) | u64::from(flags) << 32 | u64::from(index + 1) << 48;
            self.ram.write(at + 8, rest).unwrap();
        }
        self.publish(0, 0);
        self.register(0, 0x50, 0);
    }

    fn carry_out(&self, step: &Step) {
        match *step {
            // Accesses across the end of a window are bus errors.
            Step::Read { pa, size } => drop(self.bus.read(pa, size)),
            Step::Write { pa, size, value } => drop(self.bus.write(pa, size, value)),
            Step::Start { slot } => self.start(slot),
            Step::Ram { offset, value } => self.ram.write(RINGS + offset, value).unwrap(),
            Step::Publish { queue, index } => self.publish(queue, index),
            Step::Request { kind, sector, length, flags } => self.request(kind, sector, length, flags),
            Step::Notify { slot, queue } => self.register(slot, 0x50, queue),
            Step::Input { length } => {
                self.devices.uart.push_input(&vec![1; length]);
                self.input.push(&vec![1; length]);
            }
            Step::Poll => self.devices.poll(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn devices_survive_any_sequence_of_accesses(steps in prop::collection::vec(step(), 1..300)) {
        let board = board();
        for slot in 0..4 {
            board.start(slot);
        }
        for step in &steps {
            board.carry_out(step);
        }
    }
}
