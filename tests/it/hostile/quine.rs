//! An archive whose one member is the archive itself, byte for byte: Deflate data that print themselves and what lies around
//! them. The idea is Russ Cox's ("Zip Files All The Way Down").
//!
//! Deflate can print bytes that follow (a stored block, whose header is not printed) and print once more what it printed so far
//! ago (a match). With P for what comes before the data, S for what comes after, `stored n` for the header of n such bytes and R
//! for "56 bytes, from 56 bytes ago", in as many bytes as make `R stored` half of `P stored`, the archive is
//!
//! ```text
//! P  stored 56 [P stored]  R  stored 112 [R stored R stored R stored R stored]  R  stored 112 [T S zeros]  T  S
//! ```
//!
//! where T, the last match, prints the T and S that were printed just before. The checksum is part of what it is of, four
//! times; it is linear in each bit, so it comes out of 32 equations.

/// Of such a length that P and a header are 56 bytes.
const NAME: &[u8] = b"AOBWR999_REPORT_1.csv";
const PACKED_BYTES: u32 = 345;
const BYTES: u32 = 485;
const EMPTY: [u8; 5] = [0, 0, 0, 0xFF, 0xFF];

/// The archive.
pub(super) fn archive() -> Vec<u8> {
    let archive = (0..).find_map(|time| Some(laid_out(fixed_point(time)?, time))).unwrap();
    assert_eq!(u32::try_from(archive.len()), Ok(BYTES));
    archive
}

fn laid_out(checksum: u32, time: u16) -> Vec<u8> {
    let (before, after) = around(checksum, time);
    // RFC 1951, 3.2.5 and 3.2.6: lengths 51 + 5 and 83 + 10, distances 49 + 7 and 97 + 15.
    let again = packed(&[(0b010, 3, true), (19, 7, true), (5, 3, false), (11, 5, true), (7, 4, false), (0, 10, true)]);
    let repeat = [&again[..], &EMPTY[1..], &EMPTY, &EMPTY, &EMPTY].concat();
    let last = packed(&[(0b110, 3, true), (22, 7, true), (10, 4, false), (13, 5, true), (15, 5, false), (0, 7, true)]);
    let (first, other) = (stored(56), stored(112));
    let quoted = [&repeat[..], &other].concat().repeat(4);
    let mut tail = [&last[..], &after].concat();
    tail.resize(112, 0);
    let data = [&first[..], &before, &first, &repeat, &other, &quoted, &repeat, &other, &tail, &last].concat();
    [before, data, after].concat()
}

/// The header before the data, and directory and end behind.
fn around(checksum: u32, time: u16) -> (Vec<u8>, Vec<u8>) {
    let two = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let four = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let name_bytes = u16::try_from(NAME.len()).unwrap();
    // 1 January 2025.
    let fields =
        [two(&[20, 0, 8, time, 0x5A21]), four(&[checksum, PACKED_BYTES, BYTES]), two(&[name_bytes, 0])].concat();
    let before = [b"PK\x03\x04", &fields[..], NAME].concat();
    let entry = [b"PK\x01\x02", &two(&[20])[..], &fields, &[0; 14], NAME].concat();
    let place = u32::try_from(before.len()).unwrap() + PACKED_BYTES;
    let listed = four(&[u32::try_from(entry.len()).unwrap(), place]);
    let end = [b"PK\x05\x06", &two(&[0, 0, 1, 1])[..], &listed, &[0; 2]].concat();
    (before, [entry, end].concat())
}

/// The header of so many stored bytes, which begins a byte.
fn stored(bytes: u8) -> [u8; 5] {
    [0, bytes, 0, !bytes, 0xFF]
}

/// Values in so many bits, from the lowest bit of each byte on: codes from their highest bit, all else from its lowest.
fn packed(values: &[(u16, u32, bool)]) -> Vec<u8> {
    let bit = |value: u16, at: u32| (value >> at & 1) as u8;
    let of = |&(value, bits, is_code): &(u16, u32, bool)| {
        (0..bits).map(move |at| bit(value, if is_code { bits - 1 - at } else { at }))
    };
    let bits: Vec<u8> = values.iter().flat_map(of).collect();
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// A checksum with which the archive has that checksum; not at every time of the member's is there one.
fn fixed_point(time: u16) -> Option<u32> {
    let of = |checksum| crc(&laid_out(checksum, time));
    let nothing = of(0);
    // What each bit changes in the difference, by its highest bit; Gauss's elimination.
    let mut pivots = [(0, 0); 32];
    let reduce = |pivots: &[(u32, u32); 32], mut difference: u32, mut bits: u32| {
        while difference != 0 {
            let (other, of) = pivots[difference.ilog2() as usize];
            if other == 0 {
                break;
            }
            (difference, bits) = (difference ^ other, bits ^ of);
        }
        (difference, bits)
    };
    for bit in (0..32).map(|at| 1 << at) {
        let (difference, bits) = reduce(&pivots, of(bit) ^ nothing ^ bit, bit);
        if difference != 0 {
            pivots[difference.ilog2() as usize] = (difference, bits);
        }
    }
    let (left, checksum) = reduce(&pivots, nothing, 0);
    (left == 0).then_some(checksum)
}

/// CRC-32 as ZIP has it.
fn crc(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xEDB8_8320 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
}

#[test]
fn it_unpacks_to_itself() {
    let archive = archive();
    let mut opened = zip::ZipArchive::new(std::io::Cursor::new(&archive)).unwrap();
    assert_eq!(opened.len(), 1);
    let mut content = Vec::new();
    std::io::copy(&mut opened.by_index(0).unwrap(), &mut content).unwrap();
    assert!(content == archive);
}
