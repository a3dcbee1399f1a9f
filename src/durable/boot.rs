//! Which run of the machine this is: what was not synced before another one may be gone.

use std::io;

/// Where the kernel tells it.
pub const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The kernel's id of the present boot.
pub fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string(BOOT_ID)?.trim().to_owned())
}
