use super::super::testing::*;
use super::*;

/// Gives every chain back and writes its own features and configuration into the room.
#[derive(Default)]
struct Echo {
    activated: u64,
    config: [u8; 4],
}

impl VirtioDevice for Echo {
    fn device_id(&self) -> u32 {
        42
    }
    fn name(&self) -> &'static str {
        "echo"
    }
    fn features(&self) -> u64 {
        1 << 40 | 1
    }
    fn queue_sizes(&self) -> &'static [u16] {
        &[64, 16]
    }
    fn read_config(&self, offset: u64, bytes: &mut [u8]) {
        super::super::copy_config(&self.config, offset, bytes);
    }
    fn write_config(&mut self, offset: u64, bytes: &[u8]) {
        if offset == 0 && bytes.len() == 4 {
            self.config.copy_from_slice(bytes);
        }
    }
    fn activate(&mut self, features: u64) {
        self.activated = features;
    }
    fn reset(&mut self) {
        self.activated = 0;
    }
    fn notify(&mut self, index: usize, rings: &mut Rings<'_>) -> Result<(), RingError> {
        while let Some(chain) = rings.pop(index)? {
            chain.write_at(0, &self.activated.to_le_bytes(), rings.ram())?;
            rings.push(index, &chain, 8)?;
        }
        Ok(())
    }
}

#[test]
fn identification_is_that_of_a_modern_device() {
    let bench = Bench::new(Box::<Echo>::default());
    assert_eq!(bench.read(0x000), 0x7472_6976);
    assert_eq!((bench.read(0x004), bench.read(0x008)), (2, 42));
    assert_eq!(bench.transport.read(0x000, 1), 0, "registers are read as words");
    bench.write(0x030, 1);
    assert_eq!(bench.read(0x034), 16);
    bench.write(0x030, 2);
    assert_eq!(bench.read(0x034), 0);
}

#[test]
fn empty_window_has_device_id_zero() {
    let window = Transport::empty(IrqLine::unconnected(), ram());
    assert_eq!(window.read(0x000, 4), 0x7472_6976);
    assert_eq!(window.read(0x008, 4), 0);
    for offset in (0..0x200).step_by(4) {
        window.write(offset, 4, 0xffff_ffff);
        window.read(offset, 4);
    }
    window.poll();
}

#[test]
fn request_is_served_and_interrupts() {
    let mut bench = Bench::new(Box::<Echo>::default());
    let head = bench.queues[1].offer(&[(DATA, 8, WRITE)]);
    bench.notify(1);
    assert_eq!(bench.queues[1].take_used(), [(head.into(), 8)]);
    let agreed = bench.ram.read::<u64>(DATA).unwrap();
    assert_eq!(agreed, 1 << 40 | 1 | feature::VERSION_1 | feature::INDIRECT_DESC);
    assert!(bench.line.level());
    assert_eq!(bench.read(0x060), 1);
    bench.write(0x064, 1);
    assert!(!bench.line.level());
    bench.notify(1);
    assert!(!bench.line.level(), "nothing was used");
}

#[test]
fn features_that_were_not_offered_are_refused() {
    let bench = Bench::new(Box::<Echo>::default());
    let agree = |high: u32| {
        for status in [0, 1, 3] {
            bench.write(0x070, status);
        }
        bench.write(0x024, 1);
        bench.write(0x020, high);
        bench.write(0x070, 0xb);
        bench.read(0x070)
    };
    assert_eq!(agree(1), 0xb);
    assert_eq!(agree(1 | 2), 3, "bit 33 was not offered");
    assert_eq!(agree(0), 3, "the legacy interface is not there");
}

#[test]
fn broken_ring_asks_for_a_reset_and_stops_the_device() {
    let mut bench = Bench::new(Box::<Echo>::default());
    bench.queues[0].publish(99);
    bench.notify(0);
    assert_eq!(bench.read(0x070) & 0x40, 0x40);
    assert_eq!(bench.read(0x060), 2);
    assert_eq!(bench.transport.broken(), Some(RingError::BadIndex { index: 99, table_size: 16 }));
    bench.queues[1].offer(&[(DATA, 8, WRITE)]);
    bench.notify(1);
    assert_eq!(bench.queues[1].take_used(), []);
    bench.write(0x070, 0xf);
    assert_eq!(bench.read(0x070) & 0x40, 0x40, "only a reset helps");
    bench.write(0x070, 0);
    assert_eq!((bench.read(0x070), bench.read(0x060), bench.line.level()), (0, 0, false));
    assert_eq!(bench.transport.broken(), None);
}

#[test]
fn nothing_is_served_before_the_driver_is_ready() {
    let mut bench = Bench::new(Box::<Echo>::default());
    bench.write(0x070, 0);
    bench.queues[0].offer(&[(DATA, 8, WRITE)]);
    bench.notify(0);
    assert_eq!(bench.queues[0].take_used(), []);
}

#[test]
fn queue_in_use_keeps_its_size() {
    let bench = Bench::new(Box::<Echo>::default());
    bench.write(0x030, 0);
    bench.write(0x038, 3);
    bench.write(0x080, 0xffff_ffff);
    let state = lock(&bench.transport.state);
    assert_eq!((state.queues[0].size, state.queues[0].descriptors), (16, RAM_BASE));
}

#[test]
fn sizes_that_are_no_power_of_two_are_ignored() {
    let bench = Bench::new(Box::<Echo>::default());
    bench.write(0x030, 0);
    bench.write(0x044, 0);
    for size in [0, 3, 128, 0x1_0010] {
        bench.write(0x038, size);
    }
    assert_eq!(lock(&bench.transport.state).queues[0].size, 16);
}

#[test]
fn configuration_space_is_the_devices() {
    let bench = Bench::new(Box::<Echo>::default());
    bench.write(0x100, 0x0403_0201);
    assert_eq!(bench.transport.read(0x101, 2), 0x0302);
    assert_eq!(bench.transport.read(0x103, 8), 4);
    assert_eq!(bench.transport.read(0x1f8, 8), 0);
}
