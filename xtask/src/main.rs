//! `cargo xtask ...`: the one entry point for everything that is not plain host Rust.

fn main() {}
