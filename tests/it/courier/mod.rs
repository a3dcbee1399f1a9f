//! Couriers against real servers and real folders.

mod folder;
mod smtp;

use std::io::{Seek, Write};

use hbcourier::domain::Digest;
use hbcourier::effects::courier::Parcel;
use sequoia_openpgp::armor;

/// A parcel and what it borrows.
struct Sealed {
    bytes: Vec<u8>,
    to: Vec<String>,
    subject: &'static str,
}

const NAME: &str = "SHBE_12302_2020-04.asc";
const ID: &str = "shbe.12302.2020-04.1f0c9d63a1b2c3d4e5f60718293a4b5c6d7e8f901a2b3c4d5e6f708192a3b4c5@council.example";

impl Sealed {
    /// Armour around as many bytes that mean nothing.
    fn armoured(bytes: usize) -> Sealed {
        let mut writer = armor::Writer::new(Vec::new(), armor::Kind::Message).unwrap();
        let content: Vec<u8> = (0..bytes).map(|n| (n * n / 7 + n) as u8).collect();
        writer.write_all(&content).unwrap();
        Sealed::of(&writer.finalize().unwrap())
    }

    fn of(bytes: &[u8]) -> Sealed {
        Sealed { bytes: bytes.to_owned(), to: vec!["hbms@dwp.example".to_owned()], subject: "SHBE 12302 2020-04" }
    }

    fn to(mut self, names: &[&str]) -> Sealed {
        self.to = names.iter().map(|name| format!("{name}@dwp.example")).collect();
        self
    }

    fn parcel(&self) -> Parcel<'_> {
        let mut sealed = tempfile::tempfile().unwrap();
        sealed.write_all(&self.bytes).unwrap();
        sealed.rewind().unwrap();
        Parcel {
            sealed: sealed.into(),
            bytes: self.bytes.len() as u64,
            digest: Digest::of(&self.bytes),
            file_name: NAME,
            message_id: ID,
            date: "2020-04-06T09:00:00Z".parse().unwrap(),
            subject: self.subject,
            to: &self.to,
        }
    }
}
