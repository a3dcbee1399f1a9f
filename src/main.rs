//! The `hbcourier` program.

fn main() {}
