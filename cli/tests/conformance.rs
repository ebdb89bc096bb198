//! `droste conformance`: what it refuses, and how it judges an image.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn conformance(args: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } =
        Command::new(env!("CARGO_BIN_EXE_droste")).arg("conformance").args(args).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_cannot_be_run_is_refused_with_a_hint() {
    for (args, says) in [
        (&["sve"][..], &["no suite `sve`", "suites: nv"][..]),
        (&["nv", "--image", "/nowhere/image"], &["no image /nowhere/image", "--image"]),
        (
            &["nv", "--image", env!("CARGO_BIN_EXE_droste"), "--on", "mars"],
            &["no machine `mars`", "droste, qemu"],
        ),
    ] {
        let (code, stderr) = conformance(args);
        assert_eq!(code, 64, "{args:?}: {stderr}");
        assert!(says.iter().all(|part| stderr.contains(part)), "{args:?}: {stderr}");
    }
}

#[test]
fn image_without_a_verdict_is_a_failure() {
    // An ELF file of another architecture: the machine refuses it.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-image");
    fs::write(&path, b"\x7fELF").unwrap();
    let (code, stderr) = conformance(&["nv", "--image", path.to_str().unwrap()]);
    assert_eq!(code, 70, "{stderr}");
    assert!(stderr.contains("came to no end"), "{stderr}");
}
