//! One request: a header, data and a status byte.

use super::super::queue::{Chain, RingError};
use super::{Block, ID_BYTES, ZEROES_LIMIT_SECTORS};
use crate::ram::GuestRam;

pub(super) const SECTOR_BYTES: u64 = 512;
const HEADER_BYTES: u64 = 16;
/// Data are moved in pieces of at most this size.
const PIECE_BYTES: usize = 64 << 10;

/// VIRTIO_BLK_T_IN.
const READ: u32 = 0;
/// VIRTIO_BLK_T_OUT.
const WRITE: u32 = 1;
/// VIRTIO_BLK_T_FLUSH.
const FLUSH: u32 = 4;
/// VIRTIO_BLK_T_GET_ID.
const GET_ID: u32 = 8;
/// VIRTIO_BLK_T_WRITE_ZEROES.
const WRITE_ZEROES: u32 = 13;

/// What the last byte of a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok = 0,
    IoError = 1,
    Unsupported = 2,
}

/// Carries out a request and returns the number of bytes written to it.
pub(super) fn serve(block: &mut Block, chain: &Chain, ram: &GuestRam) -> Result<u32, RingError> {
    let mut header = [0; HEADER_BYTES as usize];
    let Some(status_at) = chain.writable_bytes().checked_sub(1) else { return Err(RingError::BadRequest) };
    if !chain.read_at(0, &mut header, ram)? {
        return Err(RingError::BadRequest);
    }
    let [t0, t1, t2, t3, _, _, _, _, sector @ ..] = header;
    let sector = u64::from_le_bytes(sector);
    let status = match u32::from_le_bytes([t0, t1, t2, t3]) {
        READ => read(block, chain, sector, status_at, ram)?,
        WRITE => write(block, chain, sector, ram)?,
        FLUSH => status_of(block.disk.flush()),
        GET_ID => {
            let length = status_at.min(ID_BYTES as u64) as usize;
            chain.write_at(0, &block.id[..length], ram)?;
            Status::Ok
        }
        WRITE_ZEROES => write_zeroes(block, chain, ram)?,
        _ => Status::Unsupported,
    };
    chain.write_at(status_at, &[status as u8], ram)?;
    // A chain has at most 2^16 buffers of less than 2^32 bytes; what does not fit tells the driver nothing.
    Ok(u32::try_from(status_at + 1).unwrap_or(u32::MAX))
}

fn read(
    block: &mut Block,
    chain: &Chain,
    sector: u64,
    length: u64,
    ram: &GuestRam,
) -> Result<Status, RingError> {
    let Some(start) = byte_offset(block, sector, length) else { return Ok(Status::IoError) };
    let mut buffer = vec![0; piece(length)];
    let mut done = 0;
    while done < length {
        let bytes = &mut buffer[..piece(length - done)];
        if block.disk.read_at(start + done, bytes).is_err() {
            return Ok(Status::IoError);
        }
        chain.write_at(done, bytes, ram)?;
        done += bytes.len() as u64;
    }
    Ok(Status::Ok)
}

fn write(block: &mut Block, chain: &Chain, sector: u64, ram: &GuestRam) -> Result<Status, RingError> {
    let length = chain.readable_bytes() - HEADER_BYTES;
    let Some(start) = byte_offset(block, sector, length) else { return Ok(Status::IoError) };
    if block.disk.is_read_only() {
        return Ok(Status::IoError);
    }
    let mut buffer = vec![0; piece(length)];
    let mut done = 0;
    while done < length {
        let bytes = &mut buffer[..piece(length - done)];
        chain.read_at(HEADER_BYTES + done, bytes, ram)?;
        if block.disk.write_at(start + done, bytes).is_err() {
            return Ok(Status::IoError);
        }
        done += bytes.len() as u64;
    }
    Ok(Status::Ok)
}

fn write_zeroes(block: &mut Block, chain: &Chain, ram: &GuestRam) -> Result<Status, RingError> {
    let mut segment = [0; 16];
    if !chain.read_at(HEADER_BYTES, &mut segment, ram)? {
        return Err(RingError::BadRequest);
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7, n0, n1, n2, n3, ..] = segment;
    let sector = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
    let sector_count = u32::from_le_bytes([n0, n1, n2, n3]);
    let length = u64::from(sector_count) * SECTOR_BYTES;
    if sector_count > ZEROES_LIMIT_SECTORS || block.disk.is_read_only() {
        return Ok(Status::IoError);
    }
    let Some(start) = byte_offset(block, sector, length) else { return Ok(Status::IoError) };
    Ok(status_of(block.disk.write_zeroes(start, length)))
}

/// Where a transfer starts, if it is made of whole sectors of the disk.
fn byte_offset(block: &Block, sector: u64, length: u64) -> Option<u64> {
    let end = sector.checked_add(length / SECTOR_BYTES)?;
    (length.is_multiple_of(SECTOR_BYTES) && end <= block.capacity_sectors()).then(|| sector * SECTOR_BYTES)
}

fn piece(length: u64) -> usize {
    length.min(PIECE_BYTES as u64) as usize
}

fn status_of(result: std::io::Result<()>) -> Status {
    if result.is_ok() { Status::Ok } else { Status::IoError }
}
