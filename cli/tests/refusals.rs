//! Bad input is refused in one sentence with a hint, before anything runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const USAGE: i32 = 64;
const CONFIG: i32 = 78;

/// A directory of this test with a kernel that could be loaded: an Image that is only its header.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let place = Place(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        fs::create_dir_all(&place.0).unwrap();
        place.file("kernel", &image());
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.0.join(name), bytes).unwrap();
        self.path(name)
    }

    /// Runs `droste run` with the good kernel and `args`, and checks how it refuses.
    fn refuses(&self, code: i32, args: &[&str], says: &[&str]) {
        let kernel = self.path("kernel");
        self.refuses_all(code, &[&["run", "--kernel", &kernel], args].concat(), says);
    }

    fn refuses_all(&self, code: i32, args: &[&str], says: &[&str]) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_droste"))
            .args(args)
            .args(if args.contains(&"run") { &["--timeout", "20"][..] } else { &[] })
            .output()
            .unwrap();
        let text = String::from_utf8(stderr).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(status.code(), Some(code), "{args:?}: {text}");
        assert!(stdout.is_empty(), "{args:?} printed {:?}", String::from_utf8_lossy(&stdout));
        let [sentence, hint] = lines[..] else { panic!("{args:?}: not two lines: {text}") };
        let sentence = sentence.strip_prefix("error: ").unwrap_or_else(|| panic!("{args:?}: {text}"));
        let hint = hint.strip_prefix("hint: ").unwrap_or_else(|| panic!("{args:?}: {text}"));
        assert!(!sentence.starts_with(char::is_uppercase) || sentence.starts_with("RAM"), "{text}");
        for part in says {
            assert!(sentence.contains(part) || hint.contains(part), "{args:?}: no `{part}` in: {text}");
        }
    }
}

fn image() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[16..24].copy_from_slice(&0x1000_u64.to_le_bytes());
    bytes[56..60].copy_from_slice(b"ARM\x64");
    bytes
}

/// An Image with one section of 4 KiB from its start, as EFI sees it.
fn efi_image() -> Vec<u8> {
    let mut bytes = image();
    bytes.resize(0x1000, 0);
    bytes[..2].copy_from_slice(b"MZ");
    bytes[60] = 0x40;
    bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
    bytes[0x46] = 1;
    bytes[0x54] = 0x20;
    bytes[0x88..0x8c].copy_from_slice(&0x1000_u32.to_le_bytes());
    bytes
}

/// The start of a gzip stream.
const GZIP: [u8; 12] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c];

#[test]
fn kernel_that_cannot_be_booted_is_refused_by_cause() {
    let place = Place::new("kernels");
    let mut zboot = vec![0; 0x100];
    zboot[..8].copy_from_slice(b"MZ\0\0zimg");
    zboot[8..12].copy_from_slice(&0x100_u32.to_le_bytes());
    zboot[12..16].copy_from_slice(&0x1000_u32.to_le_bytes());
    zboot[0x18..0x1c].copy_from_slice(b"gzip");
    let mut elf = vec![0; 64];
    elf[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    elf[18] = 62;
    for (name, bytes, says) in [
        ("empty", vec![], &["neither an arm64 Image"][..]),
        ("text", b"#!/bin/sh\n".repeat(100), &["neither an arm64 Image", "wanted"]),
        ("cut-image", efi_image()[..0x800].to_vec(), &["truncated", "4096 bytes", "2048"]),
        ("cut-gzip", GZIP.to_vec(), &["truncated", "gzip"]),
        ("cut-zboot", zboot, &["truncated", "zboot payload"]),
        ("x86-elf", elf, &["AArch64"]),
        ("cut-elf", b"\x7fELF\x02\x01\x01".to_vec(), &["ELF"]),
    ] {
        let path = place.file(name, &bytes);
        place.refuses_all(USAGE, &["run", "--kernel", &path], &[&[name], says].concat());
    }
    place.refuses_all(USAGE, &["run", "--kernel", &place.path("none")], &["kernel", "none", "No such file"]);
    place.refuses_all(USAGE, &["run", "--kernel", &place.path("")], &["kernel", "directory"]);
    place.refuses_all(USAGE, &["run"], &["nothing to boot", "--kernel"]);
}

#[test]
fn what_does_not_fit_into_memory_is_refused() {
    let place = Place::new("memory");
    fs::File::create(place.0.join("large")).unwrap().set_len(33 << 20).unwrap();
    let large = place.path("large");
    place.refuses(USAGE, &["--memory", "32M", "--initrd", &large], &["the initrd", "--memory"]);
    place.refuses(USAGE, &["--memory", "1M"], &["kernel", "--memory"]);
    place.refuses(USAGE, &["--initrd", &place.path("none")], &["initrd", "No such file"]);
    for size in ["much", "1.5G", "99999999999T"] {
        place.refuses(USAGE, &["--memory", size], &[size]);
    }
    for size in ["0", "1000", "1048577", "256G", "100T"] {
        place.refuses(USAGE, &["--memory", size], &["1M to 255G", "--memory"]);
    }
}

#[test]
fn impossible_cpus_are_refused_with_what_they_violate() {
    let place = Place::new("cpus");
    for (cpu, says) in [
        ("max,-vhe,+nv2", &["requires", "FEAT_VHE"][..]),
        ("max,-lse", &["requires FEAT_LSE"]),
        ("max,+nosuch", &["unknown CPU feature `nosuch`"]),
        ("max,+nv9", &["unknown CPU feature `nv9`", "did you mean FEAT_NV"]),
        ("max,+nv3,-nv2p1", &["FEAT_NV3 requires FEAT_NV2p1"]),
        ("max,+nv2,-nv", &["FEAT_NV2 requires FEAT_NV"]),
        ("max,+sme", &["does not implement FEAT_SME"]),
        ("max,lse", &["+lse"]),
        ("max,ID_AA64MMFR0_EL1.PARage=2", &["`ID_AA64MMFR0_EL1.PARage`", "PARange=2"]),
        ("max,ID_AA64MMFR0_EL1.PARange=16", &["`16`", "4 bits"]),
        ("max,ID_AA64MMFR0_EL1.PARange=", &["4 bits"]),
        ("max,ID_AA64PFR0_EL1.SVE=1", &["does not implement FEAT_SVE"]),
        ("max,ID_AA64ISAR0_EL1.Atomic=0", &["requires FEAT_LSE"]),
        ("max,", &["+"]),
        ("vax", &["vax", "max", "cortex-a76"]),
        ("", &["unknown CPU model"]),
    ] {
        place.refuses(CONFIG, &["--cpu", cpu], says);
    }
    for count in ["0", "9", "1000"] {
        place.refuses(USAGE, &["--cpus", count], &["1 to 8 CPUs", count]);
    }
    place.refuses(USAGE, &["--cpus", "two"], &["two"]);
    place.refuses(USAGE, &["--el", "3"], &["not 3"]);
    place.refuses(USAGE, &["--list-registers", "17"], &["not 17"]);
}

#[test]
fn machine_file_is_refused_by_key_and_line() {
    let place = Place::new("files");
    for (name, text, says) in [
        ("key", "cpus = 1\nmemroy = \"1G\"\n", &["unknown key `memroy`", "`memory`"][..]),
        ("far", "zzzzzzzzzzzzzzzzzzzzzz = 1\n", &["unknown key", "known keys are"]),
        ("type", "cpus = 1\nel = \"two\"\n", &["line 2"]),
        ("syntax", "cpus = = 1\n", &["line 1"]),
        ("size", "memory = \"much\"\n", &["much"]),
    ] {
        let path = place.file(name, text.as_bytes());
        for option in ["--machine", "--config"] {
            place.refuses(CONFIG, &[option, &path], says);
        }
    }
    place.refuses(USAGE, &["--machine", &place.path("none")], &["machine file", "No such file"]);
}

#[test]
fn disks_and_networks_that_cannot_be_are_refused() {
    let place = Place::new("disks");
    let disk = place.file("disk", &[0; 4096]);
    let file = place.file("file", b"");
    place.refuses(USAGE, &["--disk", &place.path("none")], &["none", "No such file", "truncate"]);
    place.refuses(USAGE, &["--disk", &place.path("")], &["directory"]);
    place.refuses(USAGE, &["--disk", &format!("{disk},rw")], &["`rw`", "--disk FILE"]);
    place.refuses(USAGE, &["--disk", &format!("{disk},ro,overlay")], &["read-only or has an overlay"]);
    place.refuses(USAGE, &["--disk", ",ro"], &["needs a file"]);
    place.refuses(USAGE, &["--disk", &format!("{disk},overlay={file}/x")], &["cannot use the overlay"]);
    let many: Vec<String> = (0..33).map(|_| format!("--disk={disk},ro")).collect();
    place.refuses(USAGE, &many.iter().map(String::as_str).collect::<Vec<_>>(), &["32", "33"]);
    place.refuses(USAGE, &["--net", "tap"], &["tap", "--net user"]);
    place.refuses(USAGE, &["--net", "user,forward=tcp:1"], &["tcp:1"]);
}

#[test]
fn disk_that_cannot_be_written_is_refused_with_the_way_out() {
    // The superuser may write to anything but a program that runs.
    let program = env!("CARGO_BIN_EXE_droste");
    Place::new("unwritable").refuses(USAGE, &["--disk", program], &["cannot use the disk", program]);
}

#[test]
fn options_with_wrong_values_are_refused() {
    let place = Place::new("options");
    let file = place.file("file", b"");
    place.refuses(USAGE, &["--kernle", "x"], &["--kernle", "--kernel"]);
    place.refuses_all(USAGE, &["rnu"], &["rnu", "run"]);
    place.refuses(USAGE, &["--timeout", "soon"], &["soon"]);
    place.refuses(USAGE, &["--seed", "-1"], &["-1"]);
    place.refuses(USAGE, &["--rtc", "now"], &["`now`", "seconds since 1970"]);
    place.refuses(USAGE, &["--rtc", "2026-02-30"], &["2026-02-30"]);
    place.refuses(USAGE, &["--rtc", "host", "--deterministic"], &["deterministic", "--rtc"]);
    place.refuses_all(USAGE, &["completions", "dos"], &["dos", "bash"]);
    place.refuses_all(USAGE, &["man", &format!("{file}/man")], &["manual pages", "directory"]);
    place.refuses_all(CONFIG, &["cpu", "show", "max,-vhe,+nv2"], &["requires", "FEAT_VHE"]);
    place.refuses_all(CONFIG, &["cpu", "show", "vax"], &["vax", "cortex-a76"]);
    place.refuses_all(USAGE, &["cpu", "buy"], &["buy"]);
    place.refuses(USAGE, &["--engine", "fast"], &["fast", "interp"]);
    place.refuses(USAGE, &["--exit-on", "("], &["`(`", "regular expression"]);
    place.refuses(USAGE, &["--log", "everything"], &["everything", "int", "dev", "psci", "stat"]);
    place.refuses(USAGE, &["--log", "int", "--log-file", &format!("{file}/log")], &["cannot write the log"]);
    place.refuses(USAGE, &["--log-file", &place.path("log")], &["--log"]);
    place.refuses(USAGE, &["--dump-dtb", &format!("{file}/dtb")], &["cannot write"]);
    place.refuses(USAGE, &["--dtb", &file], &["device tree", "--dtb"]);
    place.refuses(USAGE, &["--dtb", &place.path("none")], &["device tree", "No such file"]);
}
