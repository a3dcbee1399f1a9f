//! The fuzzer: which of the looks it takes is told by `HBCOURIER_FUZZ_TARGET`. `tests/fuzz/run` sets it.
#![no_main]

#[path = "looks/mod.rs"]
mod looks;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static LOOK: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("HBCOURIER_FUZZ_TARGET").expect("HBCOURIER_FUZZ_TARGET names the target");
    looks::named(&name).expect("HBCOURIER_FUZZ_TARGET names a target of tests/fuzz/looks/mod.rs")
});

fuzz_target!(
    init: {
        // The fuzzer's own hook ends the program at a panic, also at one that the product catches.
        std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    },
    |data: &[u8]| LOOK(data)
);
