//! Loads, stores, atomics, exclusives: values, alignment, devices, code pages.

use std::sync::Mutex;

use super::*;
use crate::bus::Device;
use crate::mmu::Access;

const NORMAL: Access = Access::NORMAL;
/// DFSC of an alignment fault.
const ALIGNMENT: u64 = 0b100001;

/// A device that remembers its last write and reads as offset and size.
struct Probe(Mutex<Vec<(u64, u8, u64)>>);

impl Device for Probe {
    fn reset(&self) {}

    fn read(&self, offset: u64, size: u8) -> u64 {
        offset << 8 | u64::from(size)
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        self.0.lock().unwrap().push((offset, size, value));
    }

    fn name(&self) -> &str {
        "probe"
    }
}

fn with_device() -> (Bench, Arc<Probe>) {
    let mut bench = Bench::new();
    let probe = Arc::new(Probe(Mutex::default()));
    Arc::get_mut(&mut bench.cpu.machine).unwrap().bus.map(0x900_0000, 0x1000, probe.clone());
    bench.map(VA, 0x900_0000, DEVICE);
    (bench, probe)
}

#[test]
fn values_round_trip_at_every_alignment_and_across_pages() {
    let mut bench = Bench::new();
    let value = 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10_u128;
    for offset in (0..40).chain(0xff0..0x1000) {
        bench.cpu.store(VA + offset, value, NORMAL).unwrap();
        assert_eq!(bench.cpu.load::<u128>(VA + offset, NORMAL).unwrap(), value);
        bench.cpu.store(VA + offset, value as u64, NORMAL).unwrap();
        assert_eq!(bench.cpu.load::<u64>(VA + offset, NORMAL).unwrap(), value as u64);
        assert_eq!(bench.cpu.load::<u16>(VA + offset + 2, NORMAL).unwrap(), 0x0d0e);
    }
    bench.cpu.store(VA + 0xffd, 0x1122_3344_u32, NORMAL).unwrap();
    assert_eq!(bench.cpu.machine.ram.read::<u8>(PA + 0xffd).unwrap(), 0x44);
    assert_eq!(bench.cpu.machine.ram.read::<u8>(NEXT_PA).unwrap(), 0x11);
}

#[test]
fn a_crossing_store_that_faults_in_its_second_page_writes_nothing() {
    let mut bench = Bench::new();
    bench.map(VA + 0x1000, NEXT_PA, bit::READ_ONLY);
    let result = bench.cpu.store(VA + 0xffc, u64::MAX, NORMAL);
    assert_eq!(bench.raised(result).far, Some(VA + 0x1000));
    assert_eq!(bench.cpu.machine.ram.read::<u32>(PA + 0xffc).unwrap(), 0);
}

#[test]
fn big_endian_data_is_swapped() {
    let mut bench = Bench::new();
    bench.cpu.store(VA, 0x0102_0304_u32, NORMAL).unwrap();
    // SCTLR_EL1.EE would swap the tables as well; E0E is data only.
    bench.map(VA, PA, bit::USER);
    bench.set_bits(SysReg::SCTLR_EL1, 1 << 24);
    bench.at_el(0);
    assert_eq!(bench.cpu.load::<u32>(VA, NORMAL).unwrap(), 0x0403_0201);
    bench.cpu.store(VA + 8, 0x0102_0304_u32, NORMAL).unwrap();
    assert_eq!(bench.cpu.machine.ram.read::<u32>(PA + 8).unwrap(), 0x0403_0201);
    assert_eq!(bench.cpu.rmw::<u16>(VA + 8, Access::ATOMIC, |x| x + 1).unwrap(), 0x0102);
    assert_eq!(bench.cpu.load::<u16>(VA + 8, NORMAL).unwrap(), 0x0103);
}

#[test]
fn a_store_makes_decoded_code_of_its_page_stale() {
    let mut bench = Bench::new();
    let page = bench.cpu.machine.ram.page(PA).unwrap();
    for (n, offset) in [0, 4, 1, 0xfff].into_iter().enumerate() {
        bench.cpu.machine.ram.mark_code(page, PA, 4096);
        bench.cpu.store(VA + offset, 1_u32, NORMAL).unwrap();
        assert_eq!(bench.cpu.machine.ram.generation(page), n as u32 + 1);
    }
    bench.cpu.machine.ram.mark_code(page, PA, 4096);
    bench.cpu.rmw::<u32>(VA, Access::ATOMIC, |x| x).unwrap();
    bench.cpu.store(VA + 0x1000, 1_u32, NORMAL).unwrap();
    assert_eq!(bench.cpu.machine.ram.generation(page), 5);
}

#[test]
fn devices_see_offset_and_size() {
    let (mut bench, probe) = with_device();
    assert_eq!(bench.cpu.load::<u32>(VA + 0x24, NORMAL).unwrap(), 0x2404);
    assert_eq!(bench.cpu.load::<u8>(VA + 0x25, NORMAL).unwrap(), 0x01);
    bench.cpu.store(VA + 0x30, 0xabcd_u16, NORMAL).unwrap();
    bench.cpu.store(VA + 0x40, 7_u128 << 64 | 5, NORMAL).unwrap();
    assert_eq!(*probe.0.lock().unwrap(), [(0x30, 2, 0xabcd), (0x40, 8, 5), (0x48, 8, 7)]);
}

#[test]
fn device_memory_must_be_accessed_aligned() {
    let (mut bench, _) = with_device();
    let result = bench.cpu.load::<u32>(VA + 2, NORMAL);
    let exception = bench.raised(result);
    assert_eq!((exception.iss & 0x3f, exception.far), (ALIGNMENT, Some(VA + 2)));
    bench.map(VA, PA, DEVICE);
    // In the TLB or not, and in RAM.
    for _ in 0..2 {
        let result = bench.cpu.load::<u32>(VA + 2, NORMAL);
        assert_eq!(bench.raised(result).iss & 0x3f, ALIGNMENT);
        bench.cpu.load::<u32>(VA, NORMAL).unwrap();
    }
    let result = bench.perform("DC ZVA", VA);
    assert_eq!(bench.raised(result).iss & 0x3f, ALIGNMENT);
}

#[test]
fn nothing_at_the_address_is_an_external_abort() {
    let mut bench = Bench::new();
    bench.map(VA, 0x800_0000, DEVICE);
    let result = bench.cpu.store(VA, 0_u32, NORMAL);
    let exception = bench.raised(result);
    assert_eq!((exception.ec, exception.iss, exception.target), (0x25, 1 << 6 | 0b010000, 1));
}

#[test]
fn sctlr_a_checks_every_access() {
    let mut bench = Bench::new();
    assert!(bench.cpu.load::<u32>(VA + 1, NORMAL).is_ok());
    bench.set_bits(SysReg::SCTLR_EL1, 1 << 1);
    let result = bench.cpu.load::<u32>(VA + 1, NORMAL);
    assert_eq!(bench.raised(result).iss & 0x3f, ALIGNMENT);
    assert!(bench.cpu.load::<u32>(VA + 4, NORMAL).is_ok());
    let result = bench.cpu.store(VA + 1, 0_u32, NORMAL);
    assert_eq!(bench.raised(result).iss, 1 << 6 | ALIGNMENT);
}

#[test]
fn atomics_may_be_unaligned_within_16_bytes_only() {
    let mut bench = Bench::new();
    bench.cpu.store(VA, u128::MAX, NORMAL).unwrap();
    assert_eq!(bench.cpu.rmw::<u32>(VA + 5, Access::ATOMIC, |_| 0).unwrap(), u32::MAX);
    assert_eq!(bench.cpu.load::<u128>(VA, NORMAL).unwrap(), !(0xffff_ffff_u128 << 40));
    let result = bench.cpu.rmw::<u32>(VA + 14, Access::ATOMIC, |_| 0);
    assert_eq!(bench.raised(result).iss & 0x3f, ALIGNMENT);
    let result = bench.cpu.load::<u64>(VA + 12, Access::ORDERED);
    assert_eq!(bench.raised(result).iss & 0x3f, ALIGNMENT);
    bench.set_bits(SysReg::SCTLR_EL1, 1 << 6);
    assert!(bench.cpu.load::<u64>(VA + 12, Access::ORDERED).is_ok());
}

#[test]
fn compare_and_swap_returns_what_it_found() {
    let mut bench = Bench::new();
    bench.cpu.store(VA, 5_u64, NORMAL).unwrap();
    assert_eq!(bench.cpu.cas(VA, Access::ATOMIC, 4_u64, 9).unwrap(), 5);
    assert_eq!(bench.cpu.cas(VA, Access::ATOMIC, 5_u64, 9).unwrap(), 5);
    assert_eq!(bench.cpu.load::<u64>(VA, NORMAL).unwrap(), 9);
    assert_eq!(bench.cpu.cas(VA, Access::ATOMIC, 9_u128, 1 << 64).unwrap(), 9);
    assert_eq!(bench.cpu.load::<u128>(VA, NORMAL).unwrap(), 1 << 64);
}

#[test]
fn an_atomic_reports_the_fault_of_its_read_as_a_read() {
    let mut bench = Bench::new();
    let result = bench.cpu.rmw::<u32>(VA + 0x5000, Access::ATOMIC, |x| x);
    assert_eq!(bench.raised(result).iss >> 6 & 1, 0);
    bench.map(VA, PA, bit::READ_ONLY);
    let result = bench.cpu.rmw::<u32>(VA, Access::ATOMIC, |x| x);
    assert_eq!(bench.raised(result).iss >> 6 & 1, 1);
}

#[test]
fn store_exclusive_succeeds_once_on_an_unchanged_value() {
    let exclusive = Access::EXCLUSIVE;
    let mut bench = Bench::new();
    assert!(!bench.cpu.store_exclusive(VA, 1_u32, exclusive).unwrap(), "no monitor");
    assert_eq!(bench.cpu.load_exclusive::<u32>(VA, exclusive).unwrap(), 0);
    assert!(bench.cpu.store_exclusive(VA, 1_u32, exclusive).unwrap());
    assert!(!bench.cpu.store_exclusive(VA, 2_u32, exclusive).unwrap(), "the monitor is used up");
    bench.cpu.load_exclusive::<u32>(VA, exclusive).unwrap();
    bench.cpu.machine.ram.write(PA, 77_u32).unwrap();
    assert!(!bench.cpu.store_exclusive(VA, 3_u32, exclusive).unwrap(), "somebody else wrote");
    bench.cpu.load_exclusive::<u32>(VA, exclusive).unwrap();
    assert!(!bench.cpu.store_exclusive(VA + 4, 3_u32, exclusive).unwrap(), "another address");
    bench.cpu.load_exclusive::<u128>(VA, exclusive).unwrap();
    assert!(bench.cpu.store_exclusive(VA, 1_u128 << 100, exclusive).unwrap());
    assert_eq!(bench.cpu.load::<u128>(VA, NORMAL).unwrap(), 1 << 100);
}

#[test]
fn dc_zva_clears_its_block() {
    let mut bench = Bench::new();
    bench.cpu.machine.ram.fill(PA, 0x1000, 0xff).unwrap();
    let size = 4_u64 << (bench.cpu.sys(SysReg::DCZID_EL0) & 15);
    bench.perform("DC ZVA", VA + 0x400 + size / 2).unwrap();
    let ram = &bench.cpu.machine.ram;
    assert_eq!(ram.read::<u8>(PA + 0x3ff).unwrap(), 0xff);
    assert!((0..size).all(|n| ram.read::<u8>(PA + 0x400 + n).unwrap() == 0));
    assert_eq!(ram.read::<u8>(PA + 0x400 + size).unwrap(), 0xff);
}

#[test]
fn unprivileged_accesses_are_el0s_unless_uao_overrides() {
    let mut bench = Bench::new();
    bench.cpu.load::<u32>(VA, NORMAL).unwrap();
    let result = bench.cpu.load::<u32>(VA, Access::UNPRIV);
    assert_eq!(bench.raised(result).iss & 0x3f, 0b001111);
    bench.cpu.state.pstate.uao = true;
    bench.cpu.context_changed();
    assert!(bench.cpu.load::<u32>(VA, Access::UNPRIV).is_ok());
    bench.map(VA, PA, bit::USER);
    bench.cpu.state.pstate.uao = false;
    bench.cpu.state.pstate.pan = true;
    bench.cpu.context_changed();
    assert!(bench.cpu.load::<u32>(VA, Access::UNPRIV).is_ok());
    let result = bench.cpu.load::<u32>(VA, NORMAL);
    assert_eq!(bench.raised(result).iss & 0x3f, 0b001111);
}

#[test]
fn data_without_stage1_is_device_memory_on_pages_of_code_too() {
    let mut bench = Bench::new();
    bench.set(SysReg::SCTLR_EL1, 0);
    bench.cpu.fetch_page(PA).unwrap();
    let result = bench.cpu.load::<u64>(PA + 4, NORMAL);
    assert_eq!(bench.raised(result).iss & 0x3f, ALIGNMENT);
}
