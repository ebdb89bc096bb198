//! Reader, platform and copy on a board's tree, and on damaged ones.

use super::*;
use crate::address::PaRange;
use crate::psci::{Ids, Version};
use proptest::prelude::*;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// Writes small trees.
#[derive(Default)]
struct Builder {
    structure: Vec<u8>,
    strings: Vec<u8>,
}

impl Builder {
    fn word(&mut self, value: u32) {
        self.structure.extend(value.to_be_bytes());
    }
    fn pad(&mut self) {
        while !self.structure.len().is_multiple_of(4) {
            self.structure.push(0);
        }
    }
    fn node(mut self, name: &str, inside: impl FnOnce(Builder) -> Builder) -> Builder {
        self.word(1);
        self.structure.extend(name.as_bytes());
        self.structure.push(0);
        self.pad();
        self = inside(self);
        self.word(2);
        self
    }
    fn property(mut self, name: &str, value: &[u8]) -> Builder {
        self.word(3);
        self.word(value.len() as u32);
        self.word(self.strings.len() as u32);
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        self.structure.extend(value);
        self.pad();
        self
    }
    fn cells(self, name: &str, values: &[u32]) -> Builder {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
        self.property(name, &bytes)
    }
    fn finish(mut self) -> Vec<u8> {
        self.word(9);
        let structure = 40 + 16;
        let strings = structure + self.structure.len();
        let header = [
            0xd00d_feed,
            strings + self.strings.len(),
            structure,
            strings,
            40,
            17,
            16,
            0,
            self.strings.len(),
            self.structure.len(),
        ];
        let mut all: Vec<u8> = header.iter().flat_map(|v| (*v as u32).to_be_bytes()).collect();
        all.extend([0; 16]);
        all.extend(self.structure);
        all.extend(self.strings);
        all
    }
}

fn board_with(psci: impl FnOnce(Builder) -> Builder) -> Vec<u8> {
    Builder::default()
        .node("", |b| {
            b.cells("#address-cells", &[2])
                .cells("#size-cells", &[2])
                .node("chosen", |b| b.property("bootargs", b"old\0").property("kaslr-seed", &[7; 8]))
                .node("memory@40000000", |b| {
                    b.property("device_type", b"memory\0").cells("reg", &[0, 0x4000_0000, 0, 0x8000_0000])
                })
                .node("cpus", |b| {
                    b.cells("#address-cells", &[1])
                        .cells("#size-cells", &[0])
                        .node("cpu@0", |b| b.property("device_type", b"cpu\0").cells("reg", &[0]))
                        .node("cpu@101", |b| b.property("device_type", b"cpu\0").cells("reg", &[0x101]))
                        .node("cpu@2", |b| {
                            b.property("device_type", b"cpu\0")
                                .cells("reg", &[2])
                                .property("status", b"fail\0")
                        })
                })
                .node("psci", psci)
                .node("pl011@9000000", |b| {
                    b.property("compatible", b"arm,pl011\0arm,primecell\0")
                        .cells("reg", &[0, 0x900_0000, 0, 0x1000])
                })
        })
        .finish()
}

fn board() -> Vec<u8> {
    board_with(|b| {
        b.property("compatible", b"arm,psci-1.0\0arm,psci-0.2\0arm,psci\0").property("method", b"smc\0")
    })
}

/// Everything that a tree says, as text.
fn text(bytes: &[u8]) -> String {
    let (mut out, mut path) = (String::new(), Vec::new());
    for token in Blob::new(bytes).unwrap().tokens() {
        match token.unwrap() {
            Token::Begin(name) => path.push(String::from_utf8_lossy(name).into_owned()),
            Token::Property { name, value, .. } => {
                out += &std::format!("{}/{}={value:x?}\n", path.join("/"), String::from_utf8_lossy(name));
            }
            Token::End => drop(path.pop()),
        }
    }
    out
}

const INITRD: PaRange = PaRange { start: 0x4400_0000, end: 0x4500_0000 };

fn edit() -> Edit<'static> {
    Edit {
        reserve: [PaRange { start: 0x4020_0000, end: 0x4040_0000 }].into_iter().collect(),
        initrd: Some(INITRD),
        command_line: Some(b"console=ttyAMA0"),
    }
}

#[test]
fn platform_of_a_board_is_found() {
    let bytes = board();
    let p = Platform::read(&Blob::new(&bytes).unwrap()).unwrap();
    assert_eq!(p.ram.iter().collect::<Vec<_>>(), [PaRange { start: 0x4000_0000, end: 0xc000_0000 }]);
    assert_eq!((p.cpus.count(), p.cpus.index_of(0x101)), (2, Some(1)), "a CPU that failed is not the host's");
    assert_eq!(p.psci, Some(Psci { version: Version::Standard, conduit: Conduit::Smc }));
    assert_eq!(p.uart, Some(0x900_0000));
}

#[test]
fn psci_0_1_has_its_numbers_and_conduit() {
    let bytes = board_with(|b| {
        b.property("compatible", b"arm,psci\0").property("method", b"hvc\0").cells("cpu_on", &[0x95c1_ba60])
    });
    let p = Platform::read(&Blob::new(&bytes).unwrap()).unwrap();
    let ids = Ids { cpu_on: Some(0x95c1_ba60), ..Ids::default() };
    assert_eq!(p.psci, Some(Psci { version: Version::V0_1(ids), conduit: Conduit::Other }));
}

#[test]
fn modules_have_the_roots_cells_where_chosen_states_none() {
    let bytes = Builder::default()
        .node("", |b| {
            b.cells("#address-cells", &[2])
                .cells("#size-cells", &[2])
                .node("memory", |b| {
                    b.property("device_type", b"memory\0").cells("reg", &[0, 0x4000_0000, 0, 0x4000_0000])
                })
                .node("cpus", |b| {
                    b.cells("#address-cells", &[1])
                        .cells("#size-cells", &[0])
                        .node("cpu@0", |b| b.property("device_type", b"cpu\0").cells("reg", &[0]))
                })
                .node("chosen", |b| {
                    b.node("module@0x50000000", |b| {
                        b.property("compatible", b"multiboot,kernel\0multiboot,module\0")
                            .cells("reg", &[0, 0x5000_0000, 0, 0x1000])
                    })
                })
        })
        .finish();
    let p = Platform::read(&Blob::new(&bytes).unwrap()).unwrap();
    let range = PaRange { start: 0x5000_0000, end: 0x5000_1000 };
    assert_eq!(p.kernel_module, Some(Module { range, bootargs: None }));
}

#[test]
fn copy_has_the_changes_and_everything_else() {
    let bytes = board();
    let mut out = vec![0; bytes.len() + 1024];
    let length = rewrite(&Blob::new(&bytes).unwrap(), &edit(), &mut out).unwrap();
    let (old, new) = (text(&bytes), text(&out[..length]));
    for line in old.lines().filter(|l| !l.contains("bootargs")) {
        assert!(new.contains(line), "lost: {line}");
    }
    let added: Vec<&str> = new.lines().filter(|l| !old.contains(l)).collect();
    assert_eq!(added.len(), 8, "{added:#?}");
    assert!(new.contains(
        "/reserved-memory/droste@40200000/reg=[0, 0, 0, 0, 40, 20, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0]"
    ));
    assert!(new.contains("/reserved-memory/droste@40200000/no-map=[]"));
    assert!(new.contains("/chosen/linux,initrd-start=[0, 0, 0, 0, 44, 0, 0, 0]"));
    let p = Platform::read(&Blob::new(&out[..length]).unwrap()).unwrap();
    assert_eq!(p.initrd, Some(INITRD));
}

#[test]
fn reservation_joins_those_that_exist_with_their_cells() {
    let bytes = Builder::default()
        .node("", |b| {
            b.node("reserved-memory", |b| b.cells("#address-cells", &[1]).cells("#size-cells", &[1]))
        })
        .finish();
    let mut out = vec![0; 1024];
    let length = rewrite(&Blob::new(&bytes).unwrap(), &edit(), &mut out).unwrap();
    let new = text(&out[..length]);
    assert!(new.contains("/reserved-memory/droste@40200000/reg=[40, 20, 0, 0, 0, 20, 0, 0]"), "{new}");
    assert!(new.contains("/chosen/bootargs"), "a missing /chosen is made");
}

#[test]
fn copy_that_does_not_fit_is_an_error_for_every_size() {
    let bytes = board();
    let blob = Blob::new(&bytes).unwrap();
    let mut out = vec![0; 4096];
    let length = rewrite(&blob, &edit(), &mut out).unwrap();
    for size in 0..length {
        assert_eq!(rewrite(&blob, &edit(), &mut out[..size]), Err(TreeError::OutOfSpace));
    }
}

#[test]
fn truncated_trees_are_refused() {
    let bytes = board();
    for length in 0..bytes.len() {
        assert!(Blob::new(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    fn nest(b: Builder, depth: usize) -> Builder {
        if depth == 0 { b } else { b.node("n", |b| nest(b, depth - 1)) }
    }
    assert!(Blob::new(&nest(Builder::default(), MAX_DEPTH).finish()).is_ok());
    let bytes = nest(Builder::default(), MAX_DEPTH + 1).finish();
    assert_eq!(Blob::new(&bytes).unwrap_err(), TreeError::Depth);
}

fn use_all(bytes: &[u8]) {
    let Ok(blob) = Blob::new(bytes) else { return };
    let _ = Platform::read(&blob);
    let mut out = vec![0; bytes.len() + 1024];
    if let Ok(length) = rewrite(&blob, &edit(), &mut out) {
        assert!(Blob::new(&out[..length]).is_ok(), "the copy of a sound tree is sound");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn damaged_trees_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        words in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![0..12_u32, any::<u32>()]), 0..3),
    ) {
        let mut bytes = board();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for (at, value) in words {
            let at = at.index(bytes.len() / 4 - 1) * 4;
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        use_all(&bytes);
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 40..400)) {
        bytes[..8].copy_from_slice(&[0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 64]);
        use_all(&bytes);
    }
}
