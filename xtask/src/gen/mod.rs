//! `cargo xtask gen`: regenerates the checked-in Rust of `arch` from the tables in `data/`.

mod fields;

use std::path::{Path, PathBuf};

/// Regenerates every generated file; with `check`, only reports the stale ones as an error.
pub(crate) fn run(check: bool) -> Result<(), String> {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = |name: &str| {
        std::fs::read_to_string(root.join("data").join(name)).map_err(|e| format!("data/{name}: {e}"))
    };
    let files = [("arch/src/fields/generated.rs", fields::render(&data("fields.json")?)?)];
    for (path, text) in files {
        let file = root.join(path);
        if std::fs::read_to_string(&file).ok().as_deref() == Some(&text) {
            continue;
        }
        if check {
            return Err(format!("{path} is stale; run `cargo xtask gen`"));
        }
        std::fs::write(&file, text).map_err(|e| format!("{path}: {e}"))?;
    }
    Ok(())
}
