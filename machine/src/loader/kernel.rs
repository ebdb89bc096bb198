//! A kernel file of any understood format.

use super::{Content, Executable, Image, LoadError, unpack};

/// What to boot.
#[derive(Debug)]
pub enum Kernel {
    /// A flat arm64 Linux `Image`.
    Image(Image),
    /// An ELF executable.
    Elf(Executable),
}

impl Kernel {
    /// Recognises and checks a kernel `file`: an arm64 `Image`, plain, gzipped or in an EFI zboot wrapper, or
    /// an ELF file, plain or gzipped. `limit_bytes` bounds what unpacking may produce: the size of guest RAM.
    pub fn parse(file: impl Into<Content>, limit_bytes: u64) -> Result<Self, LoadError> {
        let content = unpack::unpack(file.into(), limit_bytes)?;
        let head = content.head(Image::HEADER_BYTES)?;
        if Executable::detect(&head) {
            drop(head);
            Executable::parse(content.into_bytes()?).map(Self::Elf)
        } else if Image::detect(&head) {
            drop(head);
            Image::parse(content).map(Self::Image)
        } else {
            Err(LoadError::UnknownFormat)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LIMIT: u64 = 1 << 20;

    /// A header of an arm64 Image followed by a little text.
    fn image() -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[16..24].copy_from_slice(&0x5000_u64.to_le_bytes());
        bytes[24..32].copy_from_slice(&0xa_u64.to_le_bytes());
        bytes[56..60].copy_from_slice(b"ARM\x64");
        bytes.extend_from_slice(b"kernel text");
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn zboot(method: &str, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 0x100];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[4..8].copy_from_slice(b"zimg");
        bytes[8..12].copy_from_slice(&0x100_u32.to_le_bytes());
        bytes[12..16].copy_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
        bytes[0x18..0x18 + method.len()].copy_from_slice(method.as_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    fn parsed_image(file: Vec<u8>) -> Image {
        match Kernel::parse(file, LIMIT) {
            Ok(Kernel::Image(image)) => image,
            other => panic!("not an Image: {other:?}"),
        }
    }

    #[test]
    fn image_header_is_read() {
        let parsed = parsed_image(image());
        assert_eq!((parsed.text_offset(), parsed.memory_bytes()), (0, 0x5000));
        assert!(!parsed.flags().big_endian() && parsed.flags().anywhere());
        assert_eq!(parsed.flags().page_bytes(), Some(4096));
    }

    #[test]
    fn image_without_size_is_at_the_old_offset() {
        let mut bytes = image();
        bytes[8..16].copy_from_slice(&0x1234_u64.to_le_bytes());
        bytes[16..24].fill(0);
        let parsed = parsed_image(bytes.clone());
        assert_eq!((parsed.text_offset(), parsed.memory_bytes()), (0x8_0000, bytes.len() as u64));
    }

    #[test]
    fn image_that_ends_before_its_sections_is_truncated() {
        let mut bytes = vec![0; 0x200];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[56..64].copy_from_slice(b"ARM\x64\x40\0\0\0");
        bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
        bytes[0x46] = 1;
        bytes[0x54] = 0x20;
        // The only section: 0x100 bytes from 0x100.
        bytes[0x89] = 1;
        bytes[0x8d] = 1;
        assert_eq!(parsed_image(bytes.clone()).content().len_bytes(), 0x200);
        bytes.pop();
        let error = Kernel::parse(bytes, LIMIT).unwrap_err();
        assert!(matches!(error, LoadError::Truncated { needed: 0x200, found: 0x1ff, .. }), "{error}");
        // Offsets that lead nowhere are no sections.
        let mut wild = image();
        wild[..2].copy_from_slice(b"MZ");
        wild[60..64].fill(0xff);
        assert!(Kernel::parse(wild, LIMIT).is_ok());
    }

    #[test]
    fn packed_images_are_unpacked() {
        for file in [gzip(&image()), zboot("gzip", &gzip(&image())), zboot("zstd22", &zstd(&image()))] {
            assert_eq!(*parsed_image(file).content().head(usize::MAX).unwrap(), *image());
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let files = [image(), gzip(&image()), zboot("gzip", &gzip(&image())), zboot("zstd", &zstd(&image()))];
        for (index, file) in files.iter().enumerate() {
            // A flat Image has no length of its own beyond its header.
            let complete = if index == 0 { 64 } else { file.len() };
            for length in 0..complete {
                assert!(Kernel::parse(file[..length].to_vec(), LIMIT).is_err(), "file {index} at {length}");
            }
        }
    }

    #[test]
    fn other_files_are_refused_by_cause() {
        let error = |file: Vec<u8>| Kernel::parse(file, LIMIT).unwrap_err();
        assert!(matches!(error(vec![]), LoadError::UnknownFormat));
        assert!(matches!(error(b"#!/bin/sh".to_vec()), LoadError::UnknownFormat));
        assert!(matches!(error(gzip(b"text")), LoadError::UnknownFormat));
        let unknown = error(zboot("xzkern", b"?"));
        assert_eq!(
            unknown.to_string(),
            "the kernel is an EFI zboot image packed with \"xzkern\"; gzip and zstd are understood"
        );
        assert!(matches!(error(zboot("gzip", b"not gzip")), LoadError::Unpack { method: "gzip", .. }));
    }

    #[test]
    fn unpacking_stops_at_the_memory_size() {
        let bomb = gzip(&vec![0; 2 << 20]);
        assert!(matches!(
            Kernel::parse(bomb, LIMIT),
            Err(LoadError::UnpackedTooLarge { limit_bytes: LIMIT })
        ));
    }
}
