use std::io;

use super::super::testing::*;
use super::*;
use crate::bus::Device;

const HEADER: u64 = DATA;
const BUFFER: u64 = DATA + 0x1000;
const STATUS: u64 = DATA + 0x800;

fn disk() -> Vec<u8> {
    (0..64 * 512_usize).map(|index| (index / 512) as u8).collect()
}

fn bench() -> Bench {
    Bench::new(Box::new(Block::new(Box::new(disk()), "droste-0")))
}

/// Makes a request of `kind` with the given data buffers and returns status and used length.
fn request(bench: &mut Bench, kind: u32, sector: u64, data: &[(u64, u32, u16)]) -> (u8, u32) {
    bench.ram.write(HEADER, kind).unwrap();
    bench.ram.write(HEADER + 8, sector).unwrap();
    bench.ram.write(STATUS, 0xff_u8).unwrap();
    let buffers = [&[(HEADER, 16, 0)], data, &[(STATUS, 1, WRITE)]].concat();
    bench.queues[0].offer(&buffers);
    bench.notify(0);
    let used = bench.queues[0].take_used();
    (bench.ram.read(STATUS).unwrap(), used.first().map_or(0, |&(_, length)| length))
}

#[test]
fn sectors_are_read_into_every_buffer() {
    let mut bench = bench();
    let result = request(&mut bench, 0, 5, &[(BUFFER, 100, WRITE), (BUFFER + 0x1000, 924, WRITE)]);
    assert_eq!(result, (0, 1025));
    assert_eq!(bench.bytes(BUFFER, 101), [vec![5; 100], vec![0]].concat());
    assert_eq!(bench.bytes(BUFFER + 0x1000, 924), [vec![5; 412], vec![6; 512]].concat());
    assert!(bench.line.level());
}

#[test]
fn large_transfers_are_whole() {
    let mut bench = Bench::new(Box::new(Block::new(Box::new(vec![3; 400 * 512]), "large")));
    assert_eq!(request(&mut bench, 0, 0, &[(BUFFER, 400 * 512, WRITE)]), (0, 400 * 512 + 1));
    assert_eq!(bench.bytes(BUFFER, 400 * 512 + 1), [vec![3; 400 * 512], vec![0]].concat());
}

#[test]
fn written_sectors_read_back() {
    let mut bench = bench();
    bench.ram.fill(BUFFER, 512, 0xa5).unwrap();
    assert_eq!(request(&mut bench, 1, 63, &[(BUFFER, 512, 0)]), (0, 1));
    assert_eq!(request(&mut bench, 4, 0, &[]), (0, 1));
    request(&mut bench, 0, 62, &[(BUFFER + 0x1000, 1024, WRITE)]);
    assert_eq!(bench.bytes(BUFFER + 0x1000, 1024), [vec![62; 512], vec![0xa5; 512]].concat());
}

#[test]
fn transfers_beyond_the_end_or_of_parts_of_sectors_fail() {
    let mut bench = bench();
    for (kind, flags) in [(0, WRITE), (1, 0)] {
        assert_eq!(request(&mut bench, kind, 63, &[(BUFFER, 1024, flags)]).0, 1);
        assert_eq!(request(&mut bench, kind, u64::MAX, &[(BUFFER, 512, flags)]).0, 1);
        assert_eq!(request(&mut bench, kind, 0, &[(BUFFER, 511, flags)]).0, 1);
    }
    assert_eq!(request(&mut bench, 0, 63, &[(BUFFER, 512, WRITE)]).0, 0);
}

#[test]
fn identification_is_given_and_cut() {
    let mut bench = bench();
    assert_eq!(request(&mut bench, 8, 0, &[(BUFFER, 20, WRITE)]), (0, 21));
    assert_eq!(bench.bytes(BUFFER, 9), b"droste-0\0");
    assert_eq!(request(&mut bench, 8, 0, &[(BUFFER + 0x100, 3, WRITE)]), (0, 4));
    assert_eq!(bench.bytes(BUFFER + 0x100, 4), b"dro\0");
}

#[test]
fn zeroes_are_written_within_limits() {
    let mut bench = bench();
    let segment = |bench: &Bench, sector: u64, count: u32| {
        bench.ram.write(BUFFER, sector).unwrap();
        bench.ram.write(BUFFER + 8, count).unwrap();
    };
    segment(&bench, 2, 2);
    assert_eq!(request(&mut bench, 13, 0, &[(BUFFER, 16, 0)]).0, 0);
    request(&mut bench, 0, 1, &[(BUFFER + 0x1000, 2048, WRITE)]);
    assert_eq!(bench.bytes(BUFFER + 0x1000, 2048), [vec![1; 512], vec![0; 1024], vec![4; 512]].concat());
    segment(&bench, 63, 2);
    assert_eq!(request(&mut bench, 13, 0, &[(BUFFER, 16, 0)]).0, 1);
    segment(&bench, 0, u32::MAX);
    assert_eq!(request(&mut bench, 13, 0, &[(BUFFER, 16, 0)]).0, 1);
}

#[test]
fn unknown_request_is_unsupported() {
    assert_eq!(request(&mut bench(), 99, 0, &[]).0, 2);
}

#[test]
fn request_without_room_for_a_status_stops_the_device() {
    let mut bench = bench();
    bench.queues[0].offer(&[(HEADER, 16, 0)]);
    bench.notify(0);
    assert_eq!(bench.transport.broken(), Some(RingError::BadRequest));
    bench.start();
    let mut bench = bench;
    bench.queues[0] = DriverQueue::new(&bench.ram, 0, 16);
    bench.ram.write(bench.queues[0].used + 2, 0_u16).unwrap();
    bench.queues[0].offer(&[(HEADER, 15, 0), (STATUS, 1, WRITE)]);
    bench.notify(0);
    assert_eq!(bench.transport.broken(), Some(RingError::BadRequest));
}

#[test]
fn data_outside_ram_stops_the_device() {
    let mut bench = bench();
    request(&mut bench, 0, 0, &[(0x1000, 512, WRITE)]);
    assert_eq!(bench.transport.broken(), Some(RingError::OutsideRam));
}

struct Failing;

impl Disk for Failing {
    fn size_bytes(&self) -> u64 {
        1 << 20
    }
    fn is_read_only(&self) -> bool {
        true
    }
    fn read_at(&mut self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Other.into())
    }
    fn write_at(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
        panic!("a read-only disk is written");
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Other.into())
    }
}

#[test]
fn failures_of_the_host_and_writes_to_read_only_disks_are_io_errors() {
    let mut bench = Bench::new(Box::new(Block::new(Box::new(Failing), "failing")));
    assert_eq!(request(&mut bench, 0, 0, &[(BUFFER, 512, WRITE)]).0, 1);
    assert_eq!(request(&mut bench, 1, 0, &[(BUFFER, 512, 0)]).0, 1);
    assert_eq!(request(&mut bench, 13, 0, &[(BUFFER, 16, 0)]).0, 1);
    assert_eq!(request(&mut bench, 4, 0, &[]).0, 1);
    bench.write(0x014, 0);
    assert_eq!(bench.read(0x010) & (READ_ONLY | FLUSH) as u32, READ_ONLY as u32);
}

#[test]
fn configuration_tells_capacity_and_limits() {
    let bench = Bench::new(Box::new(Block::new(Box::new(vec![0; 1023]), "")));
    assert_eq!(bench.transport.read(0x100, 8), 1, "the last part is no sector");
    assert_eq!((bench.read(0x10c), bench.read(0x114)), (254, 512));
}
