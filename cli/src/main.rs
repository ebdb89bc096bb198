//! The `droste` command.

fn main() {}
