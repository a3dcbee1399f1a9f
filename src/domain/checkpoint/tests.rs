//! Notes: one published example, and every way of spoiling our own.

use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use super::*;

fn key() -> PKey<Private> {
    PKey::private_key_from_raw_bytes(&[7; 32], openssl::pkey::Id::ED25519).unwrap()
}

fn vkey() -> Vkey {
    let public = key().raw_public_key().unwrap();
    Vkey::new("hbcourier/12302", public.try_into().unwrap()).unwrap()
}

fn signature(text: &str) -> [u8; 64] {
    let signed = Signer::new_without_digest(&key()).unwrap().sign_oneshot_to_vec(text.as_bytes());
    signed.unwrap().try_into().unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: "hbcourier/12302".into(), size: 4711, root: Digest::of(b"root") }
}

fn note() -> String {
    let checkpoint = checkpoint();
    checkpoint.note(&vkey(), &signature(&checkpoint.to_string()))
}

// The example of golang.org/x/mod/sumdb/note, which the C2SP specification was written from.
#[test]
fn a_published_note_has_a_good_signature() {
    let vkey: Vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let line =
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    let signature = vkey.signature_among(&format!("{line}\n")).unwrap().unwrap();
    assert!(vkey.signed(text.as_bytes(), &signature));
    assert!(!vkey.signed(&text.as_bytes()[1..], &signature));
    let fault = NoteFault::NotANote("its text is not three lines");
    assert_eq!(vkey.verify(&format!("{text}\n{line}\n")), Err(fault), "signed, and no checkpoint");
}

#[test]
fn what_was_signed_reads_back() {
    let signed = vkey().verify(&note()).unwrap();
    assert_eq!((signed.checkpoint(), signed.note()), (&checkpoint(), note().as_str()));
    assert_eq!(vkey().to_string().parse(), Ok(vkey()));
    assert_eq!(format!("{}\n", vkey()).parse(), Ok(vkey()), "as the line of a file");
}

#[test]
fn further_signatures_are_passed_over() {
    let witnessed = format!("{}— witness.example {}\n", note(), STANDARD.encode([9; 68]));
    assert!(vkey().verify(&witnessed).is_ok());
    let other = Vkey::new("hbcourier/12302", [1; 32]).unwrap();
    assert_eq!(other.verify(&note()), Err(NoteFault::OtherKey("hbcourier/12302".into())));
}

#[test]
fn every_bit_of_a_note_and_of_a_vkey_counts() {
    let (vkey, note) = (vkey(), note());
    for bit in 0..note.len() * 8 {
        let mut altered = note.clone().into_bytes();
        altered[bit / 8] ^= 1 << (bit % 8);
        let Ok(altered) = String::from_utf8(altered) else { continue };
        assert!(vkey.verify(&altered).is_err(), "bit {bit}: {altered}");
    }
    let text = vkey.to_string();
    for bit in 0..text.len() * 8 {
        let mut altered = text.clone().into_bytes();
        altered[bit / 8] ^= 1 << (bit % 8);
        let Ok(altered) = String::from_utf8(altered) else { continue };
        assert!(altered.parse::<Vkey>().is_err() || altered.trim() == text, "bit {bit}: {altered}");
    }
}

#[test]
fn what_is_no_note_is_told_so() {
    let text = checkpoint().to_string();
    let signed = |text: &str| {
        format!("{text}\n— hbcourier/12302 {}\n", {
            let mut octets = vkey().id().to_vec();
            octets.extend(signature(text));
            STANDARD.encode(octets)
        })
    };
    assert!(vkey().verify(&signed(&text)).is_ok());
    for odd in [
        text.replace("4711", "04711"),
        text.replace("4711", "+4711"),
        text.replace("4711", "47110000000000000000000"),
        text.replace("4711\n", ""),
        format!("{text}an extension\n"),
        text.replace("hbcourier/12302", ""),
        text.replace("hbcourier/12302", "hbcourier/13501"),
        text.replace("hbcourier", "hb\tcourier"),
    ] {
        assert!(vkey().verify(&signed(&odd)).is_err(), "{odd}");
    }
    let twice = format!("{}{}", note(), note().rsplit_once("\n\n").unwrap().1);
    assert!(vkey().verify(&twice).is_err());
    assert!(vkey().verify(&note()[..note().len() - 1]).is_err(), "without its end");
    assert!(vkey().verify(&"x".repeat(NOTE_BYTES_MAX + 1)).is_err());
}
