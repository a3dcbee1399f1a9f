//! Killed and failed at every moment: nothing is lost, nothing comes twice, nothing is half-written, the ledger is whole.
//!
//! The real binary is killed by SIGKILL at named steps, at random moments, and at every system call (`calls`). `tests/crash` runs the long campaigns.

mod calls;
mod clock;
mod derived;
mod expected;
mod faults;
mod installations;
mod pairs;
mod passes;
mod permissions;
mod power;
mod random;
mod reboot;
mod recovery;
mod recovery_packs;
mod samples;
mod scene;
mod shares;
mod small_disks;
mod steps;
mod store;
mod watch;
mod zeros;

use hbcourier::durable::step::STEPS;

/// Every step of carrying. Those of checkpoints have campaigns of their own, in `checkpoints`.
fn steps() -> Vec<&'static str> {
    STEPS.into_iter().filter(|step| !step.starts_with("checkpoint.")).collect()
}

/// A length that `tests/crash` sets; `usual` in an ordinary run.
fn length(name: &str, usual: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, not a number")),
        Err(_) => usual,
    }
}
