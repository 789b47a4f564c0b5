//! The `afternote` binary.

fn main() {}
