//! Is a file whole? Every proper beginning of a message that GnuPG made is not.

use std::io::Write;

use hbcourier::effects::pgp::{Completeness, completeness};
use proptest::prelude::*;

use super::{acquainted, content};
use crate::support::partner::SealOptions;

fn judged(bytes: &[u8]) -> Completeness {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    completeness(&file.into()).unwrap()
}

#[test]
fn every_beginning_is_incomplete_and_the_whole_is_complete() {
    let (_us, partner) = acquainted();
    // From standard input GnuPG writes pieces of 8 KiB.
    let pieces = partner.seals(&content(50_000), "x", &SealOptions::default());
    let armoured = partner.seals(&content(50_000), "x", &SealOptions::armoured());
    let signed = partner.gpg(&["--sign", "--compress-algo", "none"], &content(1000));
    let armoured = armoured.trim_ascii_end();
    for whole in [&pieces[..], armoured, &signed] {
        assert_eq!(judged(whole), Completeness::Complete);
        // The message is another one every time, so a remembered case would be of no use.
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(cut in 0..whole.len())| {
            prop_assert_eq!(judged(&whole[..cut]), Completeness::Incomplete, "cut at {}", cut);
        });
        for cut in 0..500 {
            assert_eq!(judged(&whole[..cut]), Completeness::Incomplete, "cut at {cut}");
        }
    }
}
