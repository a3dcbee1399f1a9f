//! Compound files, the folder in a file that old workbooks are: finding one stream, and wrapping one anew.
//!
//! The library follows whatever chain of sectors a file lays out, in circles too. So the stream is found here, within
//! the bytes there are, and handed on in a compound file of our own.
//! Holds: every chain is followed for as many steps as the file has sectors, and no further.
// [MS-CFB]

use super::Fault;

const SIGNATURE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
const END_OF_CHAIN: u32 = 0xFFFF_FFFE;
const FREE: u32 = 0xFFFF_FFFF;
const FAT_SECTOR: u32 = 0xFFFF_FFFD;
const ENTRY_BYTES: usize = 128;
const MINI_BYTES: usize = 64;
/// Shorter streams lie in the mini stream.
const MINI_BELOW: usize = 4096;

/// A compound file as it lies in memory.
pub(super) struct Compound<'a> {
    bytes: &'a [u8],
    sector: usize,
    next: Vec<u32>,
    entries: Vec<Entry>,
    mini_start: u32,
}

struct Entry {
    name: String,
    kind: u8,
    start: u32,
    size: usize,
}

const STREAM: u8 = 2;
const ROOT: u8 = 5;

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl<'a> Compound<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Compound<'a>, Fault> {
        Compound::parse(bytes).ok_or(Fault::Broken)
    }

    fn parse(bytes: &'a [u8]) -> Option<Compound<'a>> {
        let sector = match u16_at(bytes, 30)? {
            9 => 512,
            12 => 4096,
            _ => return None,
        };
        let mut file =
            Compound { bytes, sector, next: Vec::new(), entries: Vec::new(), mini_start: u32_at(bytes, 60)? };
        for table in file.tables()? {
            let table = file.sector(table)?;
            let (links, _) = table.as_chunks::<4>();
            file.next.extend(links.iter().map(|link| u32::from_le_bytes(*link)));
        }
        let directory = file.chain(u32_at(bytes, 48)?, usize::MAX)?;
        file.entries = directory.chunks_exact(ENTRY_BYTES).filter_map(Entry::parse).collect();
        Some(file)
    }

    /// The sectors in which the table of links lies.
    fn tables(&self) -> Option<Vec<u32>> {
        let mut tables: Vec<u32> = (0..109).map_while(|i| u32_at(self.bytes, 76 + 4 * i)).collect();
        let mut more = u32_at(self.bytes, 68)?;
        for step in 0.. {
            if more >= FAT_SECTOR || more == 0 {
                break;
            }
            if step > self.sectors() {
                return None;
            }
            let (links, _) = self.sector(more)?.as_chunks::<4>();
            let (last, rest) = links.split_last()?;
            tables.extend(rest.iter().map(|link| u32::from_le_bytes(*link)));
            more = u32::from_le_bytes(*last);
        }
        tables.retain(|table| *table < FAT_SECTOR);
        (tables.len() <= self.sectors()).then_some(tables)
    }

    fn sectors(&self) -> usize {
        self.bytes.len() / self.sector
    }

    /// The last one may be cut short.
    fn sector(&self, id: u32) -> Option<&'a [u8]> {
        let start = (id as usize).checked_add(1)?.checked_mul(self.sector)?;
        let end = start.checked_add(self.sector)?.min(self.bytes.len());
        self.bytes.get(start..end).filter(|sector| !sector.is_empty())
    }

    /// The bytes of a chain, `size` at most. No chain is longer than the file.
    fn chain(&self, start: u32, size: usize) -> Option<Vec<u8>> {
        let link = |id: u32| self.next.get(id as usize).copied();
        follow(start, size, self.sectors() + 1, |id| self.sector(id), link)
    }

    /// Whether anything in it has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// The first stream of this name.
    pub(super) fn stream(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let named = |entry: &&Entry| entry.kind == STREAM && entry.name.eq_ignore_ascii_case(name);
        let Some(entry) = self.entries.iter().find(named) else { return Ok(None) };
        let found = if entry.size < MINI_BELOW { self.mini_chain(entry) } else { self.chain(entry.start, entry.size) };
        found.map(Some).ok_or(Fault::Broken)
    }

    fn mini_chain(&self, entry: &Entry) -> Option<Vec<u8>> {
        let root = self.entries.iter().find(|entry| entry.kind == ROOT)?;
        let mini = self.chain(root.start, root.size)?;
        let links = self.chain(self.mini_start, usize::MAX)?;
        let piece = |id: u32| {
            let start = (id as usize).checked_mul(MINI_BYTES)?;
            mini.get(start..start.checked_add(MINI_BYTES)?.min(mini.len()))
        };
        let link = |id: u32| u32_at(&links, (id as usize).checked_mul(4)?);
        follow(entry.start, entry.size, mini.len().div_ceil(MINI_BYTES), piece, link)
    }
}

/// The bytes of a chain, `size` at most, of no more than `steps` pieces. A piece without bytes is damage.
fn follow<'b>(
    start: u32,
    size: usize,
    steps: usize,
    piece: impl Fn(u32) -> Option<&'b [u8]>,
    link: impl Fn(u32) -> Option<u32>,
) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    let mut id = start;
    for _ in 0..steps {
        if id == END_OF_CHAIN || found.len() >= size {
            break;
        }
        found.extend_from_slice(piece(id).filter(|piece| !piece.is_empty())?);
        id = link(id)?;
    }
    let ended = id == END_OF_CHAIN || found.len() >= size;
    found.truncate(size);
    ended.then_some(found)
}

impl Entry {
    fn parse(bytes: &[u8]) -> Option<Entry> {
        let length = usize::from(u16_at(bytes, 64)?).min(64);
        let (units, _) = bytes.get(..length)?.as_chunks::<2>();
        let units = units.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0);
        let name = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        Some(Entry {
            name,
            kind: *bytes.get(66)?,
            start: u32_at(bytes, 116)?,
            size: usize::try_from(u32_at(bytes, 120)?).ok()?,
        })
    }
}

/// A compound file with this one stream, `Workbook`, in sectors of 4 KiB.
pub(super) fn wrap(stream: &[u8]) -> Vec<u8> {
    const SECTOR: usize = 4096;
    const LINKS: usize = SECTOR / 4;
    let data = stream.len().max(MINI_BELOW).div_ceil(SECTOR);
    // As many tables as hold the links of the tables themselves, the directory and the data.
    let tables = (data + 1).div_ceil(LINKS - 1);
    let place = |sector: usize| u32::try_from(sector).unwrap_or(FREE);
    let mut file = vec![0; SECTOR * (1 + tables + 1 + data)];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, SIGNATURE);
    put(24, &[0x3E, 0, 4, 0, 0xFE, 0xFF, 12, 0, 6, 0]);
    put(44, &place(tables).to_le_bytes());
    put(48, &place(tables).to_le_bytes());
    put(56, &place(MINI_BELOW).to_le_bytes());
    put(60, &END_OF_CHAIN.to_le_bytes());
    put(68, &END_OF_CHAIN.to_le_bytes());
    for table in 0..109 {
        put(76 + 4 * table, &if table < tables { place(table) } else { FREE }.to_le_bytes());
    }
    for sector in 0..tables * LINKS {
        let link = match sector {
            table if table < tables => FAT_SECTOR,
            directory if directory == tables => END_OF_CHAIN,
            data_sector if data_sector < tables + data => place(data_sector + 1),
            last if last == tables + data => END_OF_CHAIN,
            _ => FREE,
        };
        put(SECTOR + 4 * sector, &link.to_le_bytes());
    }
    let directory = SECTOR * (1 + tables);
    let first = place(tables + 1).to_le_bytes();
    for (at, name, kind, size) in
        [(directory, "Root Entry", ROOT, 0), (directory + ENTRY_BYTES, "Workbook", STREAM, data * SECTOR)]
    {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        put(at, &units);
        put(at + 64, &u16::try_from(units.len() + 2).unwrap_or_default().to_le_bytes());
        put(at + 66, &[kind]);
        put(at + 116, &first);
        put(at + 120, &place(size).to_le_bytes());
    }
    put(directory + SECTOR, stream);
    file
}

#[cfg(test)]
mod tests;
