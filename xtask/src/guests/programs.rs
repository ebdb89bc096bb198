//! The user programs that `cargo xtask bench` times: what is installed, and what work each does.
//!
//! Work is a number of turns or an amount of data, never a time. It takes QEMU some seconds.

use super::cpio::Archive;
use super::{elf, initramfs, packages};
use crate::cross;
use anyhow::{Context, Result};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// What is unpacked, with everything that it depends on.
pub(super) const PACKAGES: [&str; 8] =
    ["7zip", "bzip2", "cpp", "mawk", "openssl", "python3-minimal", "stress-ng", "sysbench"];

/// The programs that are put into the archive, with their libraries.
const PROGRAMS: [&str; 6] = [
    "usr/bin/bzip2",
    "usr/bin/mawk",
    "usr/bin/openssl",
    "usr/bin/python3",
    "usr/bin/stress-ng",
    "usr/bin/sysbench",
];

/// Work in a guest.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// Shell commands that make what it works on, not timed.
    prepare: &'static str,
    /// Shell commands that are timed.
    run: &'static str,
}

const fn program(
    name: &'static str,
    what: &'static str,
    prepare: &'static str,
    run: &'static str,
) -> Program {
    Program { name, what, prepare, run }
}

/// Some megabytes of machine code and text.
const DATA: &str =
    "head -c 3000000 /usr/bin/cc1 >data; head -c 1000000 /usr/bin/python3 >>data; cat /bench/source.c >>data";
/// Zeroes are good enough for what does not look at them.
const LARGE: &str = "head -c 64000000 /dev/zero >data";

/// User programs of Debian.
pub(crate) const TESTS: [Program; 18] = [
    program(
        "7z",
        "7-Zip compresses 4 MB (LZMA2) and tests the archive",
        DATA,
        "7za a -mmt=1 -mx=5 x.7z data; 7za t -mmt=1 x.7z",
    ),
    program(
        "bzip2",
        "bzip2 compresses 4 MB and unpacks them",
        DATA,
        "bzip2 -k data; bzip2 -dc data.bz2 | cmp - data",
    ),
    program("sha256", "OpenSSL's SHA-256 with the SHA instructions", LARGE, "openssl dgst -sha256 data"),
    program("sha256-plain", "the same without", LARGE, "OPENSSL_armcap=0 openssl dgst -sha256 data"),
    program(
        "aes",
        "OpenSSL's AES-128-CBC with the AES instructions",
        LARGE,
        "for n in 1 2; do openssl enc -aes-128-cbc -K 00112233445566778899aabbccddeeff -iv 00112233445566778899aabbccddeeff -in data -out /dev/null; done",
    ),
    program(
        "aes-plain",
        "the same without",
        "head -c 16000000 /dev/zero >data",
        "OPENSSL_armcap=0 openssl enc -aes-128-cbc -K 00112233445566778899aabbccddeeff -iv 00112233445566778899aabbccddeeff -in data -out /dev/null",
    ),
    program("python", "Python: numbers, lists, dictionaries, text", "", "python3 -S -E /bench/python.py"),
    program("awk", "mawk: fields, arrays, sums, substitution", "", "mawk -f /bench/awk.awk"),
    program(
        "matrix",
        "stress-ng's matrix methods",
        "",
        "stress-ng --matrix 1 --matrix-size 128 --matrix-ops 300",
    ),
    program("fft", "stress-ng's fft", "", "stress-ng --cpu 1 --cpu-method fft --cpu-ops 150"),
    program(
        "compile",
        "GCC's compiler proper, -O2",
        "",
        "cc1 -quiet -fpreprocessed -O2 /bench/source.c -o /dev/null",
    ),
    program(
        "sysbench",
        "sysbench's prime numbers",
        "",
        "sysbench cpu --threads=1 --time=0 --events=1000 run",
    ),
    program("ng-fork", "stress-ng's fork method", "", "stress-ng --fork 1 --fork-ops 1000"),
    program(
        "ng-switch",
        "stress-ng's switch method",
        "",
        "stress-ng --switch 1 --switch-method pipe --switch-ops 20000",
    ),
    program("fork", "fork, exit and wait", "", "bench-user fork 1500"),
    program(
        "switch",
        "a byte through a pipe to another process and back: two switches",
        "",
        "bench-user switch 20000",
    ),
    program("syscall", "getppid", "", "bench-user syscall 500000"),
    program(
        "page-fault",
        "a page touched for the first time; mmap and munmap for 64",
        "",
        "bench-user fault 64000",
    ),
];

/// The init, and what the programs read.
const INIT: &str = include_str!("programs.sh");
const PYTHON: &str = include_str!("programs.py");
const AWK: &str = include_str!("programs.awk");

/// busybox, the programs, their work, and an init that does one of them.
pub(super) fn archive() -> Result<Archive> {
    let root = packages::programs()?;
    let mut archive = initramfs::with_init(&packages::busybox()?, INIT);
    PROGRAMS.iter().try_for_each(|program| elf::add_program(&mut archive, &root, program))?;
    // Programs that are not on the path.
    let cc1 = packages::find(&root.join("usr/libexec"), &|name| name == "cc1").context("cpp has no cc1")?;
    elf::add_program(&mut archive, &root, &relative(&cc1, &root)?)?;
    archive.link("usr/bin/cc1", &format!("/{}", relative(&cc1, &root)?));
    // 7-Zip that loads no library by name.
    let zip = packages::find(&root.join("usr/lib"), &|name| name == "7za").context("7zip has no 7za")?;
    elf::add_program(&mut archive, &root, &relative(&zip, &root)?)?;
    archive.link("usr/bin/7za", &format!("/{}", relative(&zip, &root)?));
    let library = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("python3.");
    for entry in fs::read_dir(root.join("usr/lib"))?.flatten().filter(|e| library(&e.file_name())) {
        add_folder(&mut archive, &root, &entry.path())?;
    }
    archive.file("usr/bin/bench-user", 0o755, &cross::program(OWN));
    for (name, text) in [("python.py", PYTHON), ("awk.awk", AWK), ("source.c", &source())] {
        archive.text(&format!("bench/{name}"), 0o644, text);
    }
    for test in TESTS {
        archive.text(&format!("bench/{}.prepare", test.name), 0o644, test.prepare);
        archive.text(&format!("bench/{}.run", test.name), 0o644, test.run);
    }
    Ok(archive)
}

/// The program of this workspace among them.
const OWN: &str = "bench-user";

/// Names all that the archive is made of beside the packages; builds what is this workspace's.
pub(super) fn recipe() -> Result<String> {
    let own = cross::program(OWN);
    if !own.is_file() {
        cross::build()?;
    }
    let mut hasher = DefaultHasher::new();
    fs::read(&own).with_context(|| format!("cannot read {}", own.display()))?.hash(&mut hasher);
    (INIT, PYTHON, AWK, source()).hash(&mut hasher);
    TESTS.iter().for_each(|test| (test.name, test.prepare, test.run).hash(&mut hasher));
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn relative(path: &Path, root: &Path) -> Result<String> {
    Ok(path.strip_prefix(root)?.to_string_lossy().into_owned())
}

fn add_folder(archive: &mut Archive, root: &Path, dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?.flatten() {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            add_folder(archive, root, &entry.path())?;
        } else if kind.is_file() {
            archive.file(&relative(&entry.path(), root)?, 0o644, &entry.path());
        }
    }
    Ok(())
}

/// Some functions of C that need no header: loops over arrays, a state machine, a list, floating point.
fn source() -> String {
    const FUNCTIONS: u32 = 16;
    let mut text =
        String::from("struct node { struct node *next; long key; double weight; char name[16]; };\n");
    for n in 0..FUNCTIONS {
        text +=
            &SHAPES[(n % 4) as usize].replace("@K", &(n * 7 + 3).to_string()).replace('@', &n.to_string());
    }
    text
}

const SHAPES: [&str; 4] = [
    "long sum@(const int *a, int n) { long s = @K; for (int i = 0; i < n; i++) { if (a[i] & 1) s += a[i] * @KL; else s ^= a[i] >> 3; } return s; }\n",
    "int scan@(const char *t) { int state = 0, words = 0; for (; *t; t++) switch (state) { \
     case 0: if (*t > ' ') { state = 1; words++; } break; case 1: if (*t == '\"') state = 2; else if (*t <= ' ') state = 0; break; \
     case 2: if (*t == '\"') state = 1; else if (*t == '\\\\') state = 3; break; default: state = 2; words += @K; } return words; }\n",
    "struct node *insert@(struct node *head, struct node *new) { struct node **at = &head; while (*at && (*at)->key < new->key + @K) at = &(*at)->next; \
     new->next = *at; *at = new; for (int i = 0; i < 16; i++) new->name[i] = (char)(new->key >> i); return head; }\n",
    "double mix@(double (*m)[8], const double *v, double *out) { double most = @K.5; for (int i = 0; i < 8; i++) { double s = 0; \
     for (int j = 0; j < 8; j++) s += m[i][j] * v[j]; out[i] = s / (1.0 + v[i] * v[i]); if (out[i] > most) most = out[i]; } return most; }\n",
];
