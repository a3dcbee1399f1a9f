use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::catalogue::workbook::{Format, first_table, judge};

const SECTOR: usize = 512;

/// One entry of a directory to be.
#[derive(Clone, Debug)]
struct Made {
    name: &'static str,
    kind: u8,
    start: u32,
    size: u32,
}

/// A compound file of sectors of 512 bytes: the places of its parts, its links, and what its directory says.
#[derive(Clone, Debug)]
struct Hostile {
    sectors: usize,
    directory: u32,
    mini: u32,
    more: u32,
    tables: Vec<u32>,
    links: Vec<(u32, u32)>,
    mini_links: Vec<(u32, u32)>,
    entries: Vec<Made>,
    cut: usize,
}

impl Hostile {
    /// The links lie in sector 0, those of the mini stream in `mini`, the directory in `directory`, whatever the header says.
    fn bytes(&self) -> Vec<u8> {
        let mut file = vec![0; SECTOR * (1 + self.sectors)];
        let mut put = |at: usize, bytes: &[u8]| {
            if let Some(place) = file.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        put(0, SIGNATURE);
        put(24, &[0x3E, 0, 3, 0, 0xFE, 0xFF, 9, 0, 6, 0]);
        for (at, value) in [(44, 1), (48, self.directory), (56, 4096), (60, self.mini), (64, 1), (68, self.more)] {
            put(at, &value.to_le_bytes());
        }
        for at in 0..109 {
            put(76 + 4 * at, &self.tables.get(at).copied().unwrap_or(FREE).to_le_bytes());
        }
        let of_sector = |sector: u32| SECTOR * (1 + sector as usize % self.sectors);
        for (sector, links) in [(0, &self.links), (self.mini, &self.mini_links)] {
            for (at, link) in links {
                put(of_sector(sector) + 4 * (*at as usize % (SECTOR / 4)), &link.to_le_bytes());
            }
        }
        for (at, entry) in self.entries.iter().enumerate() {
            let at = of_sector(self.directory) + ENTRY_BYTES * at;
            let units: Vec<u8> = entry.name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            put(at, &units);
            put(at + 64, &u16::try_from(units.len() + 2).unwrap().to_le_bytes());
            put(at + 66, &[entry.kind]);
            put(at + 116, &entry.start.to_le_bytes());
            put(at + 120, &entry.size.to_le_bytes());
        }
        file.truncate(file.len() - self.cut.min(file.len()));
        file
    }
}

/// A sector of a small file, or what is no sector.
fn place() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0u32..12, 2 => Just(END_OF_CHAIN), 1 => Just(FREE), 1 => Just(FAT_SECTOR), 1 => any::<u32>()]
}

fn entry() -> impl Strategy<Value = Made> {
    let name = prop::sample::select(vec!["Root Entry", "Workbook", "Book", "Workbook", "Other"]);
    let size = prop_oneof![0u32..300, 4000u32..9000, any::<u32>()];
    (name, 0u8..7, place(), size).prop_map(|(name, kind, start, size)| Made { name, kind, start, size })
}

fn hostile() -> impl Strategy<Value = Hostile> {
    let links = || prop::collection::vec((0u32..12, place()), 0..30);
    let header = (1usize..12, place(), place(), place(), prop::collection::vec(place(), 0..4));
    let entries = (entry(), prop::collection::vec(entry(), 0..3)).prop_map(|(mut root, rest)| {
        (root.name, root.kind) = ("Root Entry", ROOT);
        [vec![root], rest].concat()
    });
    (header, links(), links(), entries, prop_oneof![4 => Just(0), 1 => 0usize..2000]).prop_map(
        |((sectors, directory, mini, more, mut tables), links, mini_links, entries, cut)| {
            tables.insert(0, 0);
            Hostile { sectors, directory, mini, more, tables, links, mini_links, entries, cut }
        },
    )
}

#[test]
fn a_mini_sector_behind_the_last_that_follows_itself_is_damage() {
    let entries = vec![
        Made { name: "Root Entry", kind: ROOT, start: 2, size: 64 },
        Made { name: "Workbook", kind: STREAM, start: 1, size: 100 },
    ];
    let links = vec![(0, FAT_SECTOR), (1, END_OF_CHAIN), (2, END_OF_CHAIN), (3, END_OF_CHAIN)];
    let file = Hostile {
        sectors: 4,
        directory: 1,
        mini: 3,
        more: END_OF_CHAIN,
        tables: vec![0],
        links,
        mini_links: vec![(0, END_OF_CHAIN), (1, 1)],
        entries,
        cut: 0,
    };
    assert_eq!(Compound::open(&file.bytes()).unwrap().stream("Workbook"), Err(Fault::Broken));
    assert_eq!(judge(&mut Cursor::new(file.bytes()), Format::Xls).unwrap(), Err(Fault::Broken));
    // The same with one that is there.
    let mut whole = file;
    whole.entries[1] = Made { name: "Workbook", kind: STREAM, start: 0, size: 64 };
    assert_eq!(Compound::open(&whole.bytes()).unwrap().stream("Workbook").map(|found| found.unwrap().len()), Ok(64));
}

#[test]
fn a_chain_is_followed_for_so_many_steps() {
    let steps = std::cell::Cell::new(0);
    let piece = |_: u32| {
        steps.set(steps.get() + 1);
        Some(&b"abc"[..])
    };
    assert_eq!(follow(7, usize::MAX, 5, piece, Some), None, "a circle");
    assert_eq!(steps.take(), 5);
    assert_eq!(follow(0, usize::MAX, 5, |_| Some(&b""[..]), Some), None, "nothing in it");
    let to_the_end = |id: u32| Some(if id < 4 { id + 1 } else { END_OF_CHAIN });
    assert_eq!(follow(0, usize::MAX, 5, piece, to_the_end).map(|found| found.len()), Some(15));
    assert_eq!(follow(0, 7, 5, piece, to_the_end).as_deref(), Some(&b"abcabca"[..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever the links and the directory say, it ends, without a panic, with no more bytes than the file has.
    #[test]
    fn whatever_links_there_are_it_ends(file in hostile()) {
        let bytes = file.bytes();
        if let Ok(found) = Compound::open(&bytes) {
            prop_assert!(found.next.len() * 4 <= bytes.len() + SECTOR);
            prop_assert!(found.entries.len() * ENTRY_BYTES <= bytes.len());
            for name in ["Workbook", "Book"] {
                if let Ok(Some(stream)) = found.stream(name) {
                    prop_assert!(stream.len() <= bytes.len());
                }
            }
        }
        let judged = judge(&mut Cursor::new(&bytes), Format::Xls).unwrap();
        let read = first_table(&mut Cursor::new(&bytes), Format::Xls, &mut |_| true).unwrap();
        prop_assert!(judged.is_ok() || read.is_err());
    }

    /// The same of a whole workbook with some of its links altered.
    #[test]
    fn a_workbook_with_other_links_ends(changes in prop::collection::vec((0usize..128, place()), 1..6)) {
        let mut bytes = include_bytes!("../../../../tests/data/workbooks/HBMS MI return.xls").to_vec();
        let table = SECTOR * (1 + u32_at(&bytes, 76).unwrap() as usize);
        for (at, link) in changes {
            bytes[table + 4 * at..][..4].copy_from_slice(&link.to_le_bytes());
        }
        let _ = first_table(&mut Cursor::new(&bytes), Format::Xls, &mut |_| true).unwrap();
    }
}
