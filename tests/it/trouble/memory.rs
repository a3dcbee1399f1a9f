//! A large file is opened where it lies, once, in little memory; one that is not as it was sealed is held like any other.

use super::quick;
use crate::support::partner::SealOptions;
use hbcourier::domain::Digest;

const MIB: usize = 1024 * 1024;

#[test]
fn a_file_of_256_mib_needs_less_than_half_of_it() {
    let (dwp, mut council) = quick();
    // Xorshift64, eight bytes a step.
    let mut state = 1_u64;
    let mut content = Vec::with_capacity(256 * MIB);
    while content.len() < 256 * MIB {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend(state.to_le_bytes());
    }
    let expected = Digest::of(&content);
    let mut sealed = dwp.seals(&content, "AOBWR999_REPORT.dat", &SealOptions::with(&["--compress-algo", "none"]));
    drop(content);
    council.start();
    council.drops("large.pgp", &sealed);
    council.until("it is delivered", |council| council.all_rest(1));
    assert_eq!(council.delivered_digests(), [expected]);
    sealed[200 * MIB] ^= 1;
    council.drops("tampered.pgp", &sealed);
    council.until("the other one is held", |council| council.all_rest(2));
    assert_eq!(council.codes(), ["CN-102"]);
    assert_eq!(council.delivered_digests(), [expected]);
    let digest = Digest::of(&sealed);
    assert!(council.consignments().iter().any(|one| one.sealed_digest == digest), "it is collected as it is");
    assert!(council.peak_kib() < 128 * 1024, "{} KiB", council.peak_kib());
    council.stops_well();
}
