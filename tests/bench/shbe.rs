//! What the measurement of `hbcourier shbe check` needs besides the program: an extract, and another reader of it.
//!
//! In:  `generate FILE CLAIMS`, or `read FILE`. `tests/bench/run --only shbe` calls both.
//! Out: the extract; or its number of records and fields, as the `csv` crate reads them.

// As in the tests: the world around the product fails loudly.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

#[path = "../it/support/shbe.rs"]
mod shbe;

use std::fs::File;
use std::io::{BufWriter, Write};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate", file, claims] => {
            let mut out = BufWriter::new(File::create(file).unwrap());
            let extract = shbe::Extract::new("12302", "2020-04-08").claims(claims.parse().unwrap());
            extract.write(&mut out).unwrap();
            out.flush().unwrap();
        }
        ["read", file] => {
            let mut reader = csv::ReaderBuilder::new();
            reader.delimiter(b'|').has_headers(false).flexible(true).quoting(false);
            let mut reader = reader.from_reader(File::open(file).unwrap());
            let (mut record, mut records, mut fields) = (csv::ByteRecord::new(), 0_u64, 0);
            while reader.read_byte_record(&mut record).unwrap() {
                (records, fields) = (records + 1, fields + record.len());
            }
            println!("{records} {fields}");
        }
        _ => {
            eprintln!("generate FILE CLAIMS, or read FILE");
            std::process::exit(2);
        }
    }
}
