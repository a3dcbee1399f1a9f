//! Which run of the machine this is: what was not synced before another one may be gone.
//!
//! In:  what the kernel tells, or systemd where the service cannot see `/proc/sys` (`ProcSubset=pid`).
//! Out: the id of the boot, as the kernel writes it whoever told.

use std::io;

/// Where the kernel tells it.
pub const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// How the unit passes it in (`%b`).
const BY_SYSTEMD: &str = "HBCOURIER_BOOT_ID";

/// The kernel's id of the present boot.
#[expect(clippy::disallowed_methods, reason = "systemd tells it this way where the kernel's own file is hidden")]
pub fn boot_id() -> io::Result<String> {
    match std::fs::read_to_string(BOOT_ID) {
        Ok(told) => Ok(told.trim().to_owned()),
        Err(error) => std::env::var(BY_SYSTEMD).ok().and_then(|told| as_the_kernel_writes_it(&told)).ok_or(error),
    }
}

/// systemd writes the same 128 bits without dashes.
fn as_the_kernel_writes_it(told: &str) -> Option<String> {
    if told.len() != 32 || !told.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let groups = [&told[..8], &told[8..12], &told[12..16], &told[16..20], &told[20..]];
    Some(groups.join("-").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_tells_reads_as_what_the_kernel_tells() {
        let kernel = boot_id().unwrap();
        assert_eq!(as_the_kernel_writes_it(&kernel.replace('-', "")), Some(kernel.clone()));
        assert_eq!(as_the_kernel_writes_it(&kernel), None);
        assert_eq!(as_the_kernel_writes_it(&"g".repeat(32)), None);
    }
}
