//! The hypervisor's reader of device trees on any bytes: it refuses or understands, and the copy of what it understands is sound.
#![no_main]

use droste_hyp_core::address::PaRange;
use droste_hyp_core::device_tree::{Blob, Edit, Platform, rewrite};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(blob) = Blob::new(bytes) else { return };
    let _ = Platform::read(&blob);
    let edit = Edit {
        reserve: [PaRange { start: 0x4020_0000, end: 0x4040_0000 }].into_iter().collect(),
        initrd: Some(PaRange { start: 0x4400_0000, end: 0x4500_0000 }),
        command_line: Some(b"quiet"),
    };
    let mut out = vec![0; bytes.len() + 1024];
    if let Ok(length) = rewrite(&blob, &edit, &mut out) {
        assert!(Blob::new(&out[..length]).is_ok(), "the copy of a sound tree is sound");
    }
});
