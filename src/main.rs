//! The `hbcourier` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    hbcourier::cli::dispatch::main()
}
