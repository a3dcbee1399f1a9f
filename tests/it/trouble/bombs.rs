//! Small files that become large ones: each stops at a limit, in bounded memory, and the others go on.

use hbcourier::cli::demo::samples;

use super::{digests, quick};
use crate::inbound::laid_xml;
use crate::support::council::set;
use crate::support::partner::SealOptions;

const MIB: usize = 1024 * 1024;

/// A pack whose one member claims to be `claims` bytes long and is `is`.
fn lying_pack(is: usize, claims: u32) -> Vec<u8> {
    let mut pack = samples::archive(&[("AOBWR999_REPORT.csv", &vec![b'0'; is])]).unwrap();
    let honest = u32::try_from(is).unwrap().to_le_bytes();
    let places: Vec<usize> = (0..pack.len() - 4).filter(|at| pack[*at..*at + 4] == honest).collect();
    assert_eq!(places.len(), 2, "in the member's header and in the directory");
    for at in places {
        pack[at..at + 4].copy_from_slice(&claims.to_le_bytes());
    }
    pack
}

#[test]
fn every_bomb_stops_at_its_limit() {
    let (dwp, mut council) = quick();
    council.changes_settings(|settings| {
        set(settings, &["service", "limits", "plaintext_bytes_max"], "32 MiB");
        set(settings, &["service", "limits", "archive_bytes_max"], "4 MiB");
    });
    let many: Vec<String> = (0..10_001).map(|number| format!("AOBWR{number}_R.csv")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b"a,b\n"[..])).collect();
    let packs = [
        ("CN-115", samples::archive(&[("AOBWR999_REPORT.csv", &vec![b'0'; 16 * MIB])]).unwrap()),
        ("CN-115", samples::archive(&many).unwrap()),
        // More than it claims to be is never written, however much it is.
        ("CN-116", lying_pack(16 * MIB + 12_345, 1000)),
        ("CN-116", lying_pack(2 * MIB + 12_345, 1000)),
        ("CN-116", samples::archive(&[("../AOBWR999_REPORT.csv", b"a,b\n")]).unwrap()),
    ];
    council.start();
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    for (code, pack) in &packs {
        files.push((code, dwp.seals(pack, "HBMS_pack.zip", &SealOptions::default())));
    }
    let compressed = SealOptions::with(&["--compress-algo", "bzip2"]);
    files.push(("CN-115", dwp.seals(&vec![b'0'; 200 * MIB], "LAID.xml", &compressed)));
    for (number, (_, sealed)) in files.iter().enumerate() {
        assert!(sealed.len() < 2 * MIB, "small as sent: {}", sealed.len());
        council.drops(&format!("{number}.pgp"), sealed);
    }
    council.drops("good.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    council.until("all rest", |council| council.all_rest(files.len() + 1));
    let mut codes: Vec<&str> = files.iter().map(|(code, _)| *code).collect();
    codes.sort_unstable();
    assert_eq!(council.codes(), codes);
    assert_eq!(council.delivered_digests(), digests([&laid_xml(1)]));
    let said = council.json(&["held", "list"]).to_string();
    for limit in ["plaintext_bytes_max", "archive_bytes_max", "archive_members_max"] {
        assert!(said.contains(limit), "{limit}: {said}");
    }
    assert!(council.hidden_parts().is_empty());
    assert!(council.peak_kib() < 128 * 1024, "{} KiB", council.peak_kib());
    council.stops_well();
}
