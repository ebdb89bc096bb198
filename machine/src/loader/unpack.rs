//! Packed kernels: gzip (`Image.gz`) and EFI zboot (`vmlinuz.efi`), whose header says how it is packed.

use std::io::{self, Read};

use super::{Content, LoadError, field};

const GZIP_MAGIC: &[u8; 2] = b"\x1f\x8b";
const ZBOOT_MAGIC: &[u8; 4] = b"zimg";
/// The name of the compression is a string of at most this many bytes.
const METHOD_BYTES: usize = 32;

/// Unpacks `packed` when it is packed, and hands it back otherwise. Nothing larger than `limit_bytes`
/// comes out.
pub(super) fn unpack(packed: Content, limit_bytes: u64) -> Result<Content, LoadError> {
    let head = packed.head(8)?;
    let (is_gzip, is_efi) = (head.starts_with(GZIP_MAGIC), head.starts_with(b"MZ"));
    let is_zboot = is_efi && field(&head, 4).as_ref() == Some(ZBOOT_MAGIC);
    drop(head);
    if is_gzip {
        return gzip(&packed.into_bytes()?, limit_bytes).map(Content::from);
    }
    if is_zboot {
        return zboot(&packed.into_bytes()?, limit_bytes).map(Content::from);
    }
    Ok(packed)
}

fn zboot(bytes: &[u8], limit_bytes: u64) -> Result<Vec<u8>, LoadError> {
    let found = bytes.len() as u64;
    let header = || LoadError::Truncated { what: "the zboot header", needed: 0x38, found };
    let word = |offset| field(bytes, offset).map(u32::from_le_bytes).ok_or_else(header);
    let (offset, size) = (u64::from(word(8)?), u64::from(word(12)?));
    let method = field::<METHOD_BYTES>(bytes, 0x18).ok_or_else(header)?;
    let method = String::from_utf8_lossy(method.split(|&byte| byte == 0).next().unwrap_or_default());
    let payload = usize::try_from(offset)
        .ok()
        .zip(usize::try_from(offset + size).ok())
        .and_then(|(start, end)| bytes.get(start..end))
        .ok_or(LoadError::Truncated { what: "the zboot payload", needed: offset + size, found })?;
    match &*method {
        "gzip" => gzip(payload, limit_bytes),
        "zstd" | "zstd22" => zstd(payload, limit_bytes),
        _ => Err(LoadError::UnknownCompression { method: method.into_owned() }),
    }
}

fn gzip(packed: &[u8], limit_bytes: u64) -> Result<Vec<u8>, LoadError> {
    read_all("gzip", flate2::read::GzDecoder::new(packed), limit_bytes)
}

fn zstd(packed: &[u8], limit_bytes: u64) -> Result<Vec<u8>, LoadError> {
    let decoder = ruzstd::decoding::StreamingDecoder::new(packed)
        .map_err(|error| LoadError::Unpack { method: "zstd", source: io::Error::other(error) })?;
    read_all("zstd", decoder, limit_bytes)
}

fn read_all(method: &'static str, decoder: impl Read, limit_bytes: u64) -> Result<Vec<u8>, LoadError> {
    let mut unpacked = Vec::new();
    decoder
        .take(limit_bytes.saturating_add(1))
        .read_to_end(&mut unpacked)
        .map_err(|source| LoadError::Unpack { method, source })?;
    if unpacked.len() as u64 > limit_bytes {
        return Err(LoadError::UnpackedTooLarge { limit_bytes });
    }
    Ok(unpacked)
}
