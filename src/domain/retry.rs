//! How long to wait before something is tried again.

use std::time::Duration;

/// The pause after so many failed attempts: doubling, bounded.
pub fn pause(failed: u8, first: Duration, longest: Duration) -> Duration {
    let doublings = u32::from(failed.saturating_sub(1)).min(31);
    first.saturating_mul(1 << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_double_up_to_the_longest(failed in 1u8..=255) {
            let (first, longest) = (Duration::from_secs(10), Duration::from_secs(3600));
            let this = pause(failed, first, longest);
            prop_assert!(first <= this && this <= longest);
            prop_assert!(pause(failed.saturating_add(1), first, longest) == (this * 2).min(longest));
        }
    }
}
