//! `cargo xtask ...`: the one entry point for everything that is not plain host Rust.

mod r#gen;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("gen") {
        let check = std::env::args().any(|a| a == "--check");
        if let Err(why) = r#gen::run(check) {
            eprintln!("xtask: {why}");
            std::process::exit(1);
        }
    }
}
