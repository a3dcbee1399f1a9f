//! Files as DWP sends them, each with content of its own, and what must arrive of them.

use hbcourier::cli::demo::samples;
use hbcourier::domain::Digest;

use crate::support::partner::{Partner, SealOptions};

/// What DWP means to send.
pub struct Sample {
    /// The name inside.
    name: String,
    content: Vec<u8>,
    /// The files the back office gets.
    parts: Vec<Vec<u8>>,
}

/// A file as it lies in the drop folder.
#[derive(Clone)]
pub struct Sealed {
    pub name: String,
    pub bytes: Vec<u8>,
    /// What must be delivered of it; nothing, if it must be held.
    pub parts: Vec<Digest>,
    /// The code it must be held under.
    pub held_as: Option<&'static str>,
}

impl Sample {
    fn whole(name: String, content: Vec<u8>) -> Sample {
        Sample { name, parts: vec![content.clone()], content }
    }

    pub fn pdf(number: u32) -> Sample {
        // Of the same length, so that the table of offsets stays right.
        let pdf =
            String::from_utf8(samples::laid_pdf()).unwrap().replace("842]", &format!("{:03}]", 100 + number % 900));
        Sample::whole(format!("LAID_{number}.pdf"), pdf.into_bytes())
    }

    /// Of about so many bytes.
    pub fn xml(number: u32, bytes: usize) -> Sample {
        let claim = format!("<Claim reference=\"TEST-{number:06}\"/>\n");
        let claims = claim.repeat(bytes.div_ceil(claim.len()).max(1));
        let xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LAID>\n{claims}</LAID>\n");
        Sample::whole(format!("LAID_{number}.xml"), xml.into_bytes())
    }

    /// Three members.
    pub fn pack(number: u32) -> Sample {
        let referrals = |rule: &str| format!("REFERRAL,RULE\r\n{number},{rule}\r\n").into_bytes();
        let mut risk = samples::caseload_risk(20);
        risk.extend(format!("TEST-{number:06},0,N\r\n").bytes());
        let parts = vec![referrals("HBSA001"), referrals("HBSA002"), risk];
        let names = [
            format!("HBSA001_{number}.csv"),
            format!("HBSA002_{number}.csv"),
            format!("AOBWR627_LAID_RISK_{number}.csv"),
        ];
        let members: Vec<(&str, &[u8])> =
            names.iter().map(String::as_str).zip(parts.iter().map(Vec::as_slice)).collect();
        let content = samples::archive(&members).unwrap();
        Sample { name: format!("HBMS_pack_{number}.zip"), content, parts }
    }

    /// The names of the files the back office gets, where its routes keep the sender's names.
    pub fn part_names(&self) -> Vec<String> {
        let names = hbcourier::catalogue::archive::Archive::open(
            std::io::Cursor::new(&self.content),
            &hbcourier::catalogue::Limits { members_max: 10, bytes_max: 1 << 20 },
        );
        match names {
            Ok(pack) => pack.members().iter().map(|member| member.name.clone()).collect(),
            Err(_) => vec![self.name.clone()],
        }
    }

    pub fn parts(&self) -> &[Vec<u8>] {
        &self.parts
    }

    pub fn sealed_by(&self, partner: &Partner) -> Sealed {
        self.sealed_with(partner, &SealOptions::default())
    }

    pub fn sealed_with(&self, partner: &Partner, options: &SealOptions) -> Sealed {
        let bytes = partner.seals(&self.content, &self.name, options);
        let parts = self.parts.iter().map(|part| Digest::of(part)).collect();
        Sealed { name: format!("{}.pgp", self.name), bytes, parts, held_as: None }
    }

    /// As it is after somebody altered it on the way.
    pub fn tampered_after(&self, partner: &Partner) -> Sealed {
        let mut sealed = self.sealed_by(partner);
        // Well inside the encrypted part.
        let at = sealed.bytes.len() - 60;
        sealed.bytes[at] ^= 1;
        Sealed { parts: Vec::new(), held_as: Some("CN-102"), ..sealed }
    }
}
