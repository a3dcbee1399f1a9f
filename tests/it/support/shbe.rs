//! Extracts (SHBE) as an authority's software writes them: nobody's data, but the form, the links and the size of real ones.
//!
//! In:  whose, of which day, how many claims, a seed, in which letters, and perhaps faults by their rules.
//! Out: the bytes; where the faults stand; every personal value, so that a test can look for it elsewhere.
//! Holds: it knows fields from the table of the profile and nothing of the product's code. `tests/bench` uses it too.

use std::io::{self, Write};

const PROFILE: &str = include_str!("../../../config/shbe/shbe-2015-341.csv");
const FIELDS: usize = 341;
const RULES: [&str; 4] = ["HBSA002", "HBIS005", "HBRP103", "HBUC007"];

/// The faults that can be planted, each in a place of its own, by the rule that it breaks.
#[allow(dead_code)]
pub const FAULTS: [&str; 25] = [
    "line-length",
    "control-byte",
    "encoding",
    "header-date",
    "no-records",
    "no-trailer",
    "truncated",
    "field-count",
    "record-type",
    "not-a-date",
    "not-an-amount",
    "not-a-number",
    "code-range",
    "no-reference",
    "nino-shape",
    "duplicate-claim",
    "link-s-without-d",
    "link-e-without-t",
    "review-not-full",
    "referral-untold",
    "referral-rule",
    "outcome-half",
    "outcome-before-start",
    "change-incomplete",
    "error-incomplete",
];

/// An extract to be written.
pub struct Extract {
    authority: String,
    /// `dd-mm-yyyy`
    day: String,
    claims: u64,
    seed: u64,
    mark: String,
    /// Whether names have letters that are not in ASCII, written as Windows-1252 has them.
    western: bool,
    faults: Vec<&'static str>,
}

/// What was written.
#[derive(Default)]
pub struct Written {
    /// Where the first fault stands: line, and field or 0.
    pub fault: Option<(u64, u64)>,
    /// All of them, by their rules, in the order of the lines.
    pub faults: Vec<(&'static str, u64, u64)>,
    /// Every personal value, of the first claims.
    pub personal: Vec<String>,
    /// The claim references of R records whose activity code 1 tells of a risk score.
    pub by_score: Vec<String>,
    lines: u64,
}

/// One field of the profile.
struct Column {
    number: usize,
    form: &'static str,
    records: &'static str,
    values: Option<(u8, u8)>,
    personal: bool,
}

impl Extract {
    /// Of three claims. The day is written `2020-04-08`.
    pub fn new(authority: &str, day: &str) -> Extract {
        let day: Vec<&str> = day.rsplit('-').collect();
        let (authority, mark) = (authority.to_owned(), String::new());
        Extract { authority, day: day.join("-"), claims: 3, seed: 1, mark, western: false, faults: Vec::new() }
    }

    pub fn claims(mut self, claims: u64) -> Extract {
        self.claims = claims;
        self
    }

    #[allow(dead_code)]
    pub fn seed(mut self, seed: u64) -> Extract {
        self.seed = seed;
        self
    }

    /// Stands in the header, so that two extracts of a day differ.
    #[allow(dead_code)]
    pub fn mark(mut self, mark: &str) -> Extract {
        mark.clone_into(&mut self.mark);
        self
    }

    /// In Windows-1252, with names like Zoë.
    #[allow(dead_code)]
    pub fn western(mut self) -> Extract {
        self.western = true;
        self
    }

    /// With a fault of [`FAULTS`]; several, if told several times, each in a line of its own. Some need a dozen claims.
    #[allow(dead_code)]
    pub fn fault(mut self, rule: &'static str) -> Extract {
        self.faults.push(rule);
        self
    }

    #[allow(dead_code)]
    pub fn bytes(&self) -> (Vec<u8>, Written) {
        let mut bytes = Vec::new();
        let written = self.write(&mut bytes).unwrap();
        (bytes, written)
    }

    pub fn write(&self, out: &mut impl Write) -> io::Result<Written> {
        let mut written = Written { lines: 1, ..Written::default() };
        let has = |rule| self.faults.contains(&rule);
        let day = if has("header-date") { "31-04-2020" } else { &self.day };
        if has("header-date") {
            written.plant("header-date", 1, 3);
        }
        write!(out, "H|{}|{day}|{}\r\n", self.authority, self.mark)?;
        let mut maker = Maker { columns: columns(), random: Random(self.seed.wrapping_mul(2) + 1), extract: self };
        if !has("no-records") {
            let authority = maker.authority();
            maker.put(authority, out, &mut written)?;
            for number in 0..self.claims {
                maker.claim(number, out, &mut written)?;
            }
        }
        let lines = written.lines;
        if has("no-trailer") {
            written.plant("no-trailer", lines, 0);
            return Ok(written);
        }
        for rule in ["truncated", "no-records"].into_iter().filter(|rule| has(rule)) {
            written.plant(rule, lines + 1, 0);
        }
        write!(out, "Z|{}{}", lines - 1, if has("truncated") { "" } else { "\r\n" })?;
        Ok(written)
    }
}

impl Written {
    fn plant(&mut self, rule: &'static str, line: u64, field: u64) {
        self.fault = self.fault.or(Some((line, field)));
        self.faults.push((rule, line, field));
    }

    fn has(&self, rule: &str) -> bool {
        self.faults.iter().any(|(planted, ..)| *planted == rule)
    }
}

fn columns() -> Vec<Column> {
    let read = |line: &'static str| {
        let cells: Vec<&str> = line.splitn(7, ',').collect();
        let values = cells[4].as_bytes();
        Column {
            number: cells[0].parse().unwrap(),
            form: cells[2],
            records: cells[3],
            values: (values.len() == 3).then(|| (values[0], values[2])),
            personal: cells[5] == "yes",
        }
    };
    PROFILE.lines().skip(1).map(read).collect()
}

/// Numbers that are the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    fn day(&mut self, from: u64, until: u64) -> String {
        let separator = if self.below(2) == 0 { '-' } else { '/' };
        let (day, month, year) = (self.below(28) + 1, self.below(12) + 1, from + self.below(until - from));
        format!("{day:02}{separator}{month:02}{separator}{year}")
    }

    fn nino(&mut self) -> String {
        let letters = b"ABCEGHJKLMPRSTWXYZ";
        let first = letters[self.below(10) as usize] as char;
        format!("{first}{:06}{}", self.below(1_000_000), (b'A' + self.below(4) as u8) as char).replacen(
            first,
            &format!("{first}A"),
            1,
        )
    }
}

struct Maker<'a> {
    columns: Vec<Column>,
    random: Random,
    extract: &'a Extract,
}

type Cells = Vec<String>;

impl Maker<'_> {
    fn authority(&mut self) -> Cells {
        let mut cells = self.record('G', "", "");
        (cells[2], cells[3], cells[4]) = Default::default();
        cells
    }

    /// A claim's records: D always, the others for some.
    fn claim(&mut self, number: u64, out: &mut impl Write, written: &mut Written) -> io::Result<()> {
        let (housing, tax) =
            (format!("HBX{:09}", 7 * number + 500_000_003), format!("CTX{:09}", 3 * number + 400_000_007));
        let mut made: Vec<Cells> = vec![self.record('D', &housing, &tax)];
        if number.is_multiple_of(3) {
            for member in 0..=self.random.below(2) {
                let mut cells = self.record('S', &housing, "");
                cells[309] = if member == 0 { self.random.nino() } else { format!("CHILDX{:06}", number) };
                made.push(cells);
            }
        }
        if number.is_multiple_of(5) {
            made.push(self.review(number, &housing));
        }
        if number.is_multiple_of(2) {
            made.push(self.change(number, &housing));
        }
        if number.is_multiple_of(4) {
            made.push(self.payment_error(number, &housing));
        }
        for (every, letter) in [(7, 'A'), (8, 'C'), (9, 'P')] {
            if number % every == 1 {
                // Such a record is of a claim of its own, or of one that is not live any more.
                let past = format!("HBP{:09}", 11 * number + every);
                made.push(self.record(letter, &past, ""));
            }
        }
        made.into_iter().try_for_each(|cells| self.put(cells, out, written))
    }

    fn review(&mut self, number: u64, housing: &str) -> Cells {
        let mut cells = self.record('R', housing, "");
        let completed = number.is_multiple_of(2);
        cells[171] = "03-02-2020".into();
        cells[175] = if completed { "04/03/2020".into() } else { String::new() };
        cells[176] = if completed { "1".into() } else { String::new() };
        let why = 1 + number / 5 % 3;
        cells[173] = why.to_string();
        cells[174] = if why == 1 { "Y".into() } else { "N".into() };
        let is_match = why == 2;
        cells[316] = if is_match { (90_000_000 + number).to_string() } else { String::new() };
        cells[317] = if is_match { RULES[(number % 4) as usize].into() } else { String::new() };
        cells[318] = if is_match { "01-02-2020".into() } else { String::new() };
        cells[319].clear();
        cells
    }

    fn change(&mut self, number: u64, housing: &str) -> Cells {
        let mut cells = self.record('T', housing, "");
        cells[320] = (10_000_000 + number).to_string();
        cells[254] = if number.is_multiple_of(4) { "8".into() } else { "1".into() };
        for (field, value) in
            [(50, "9050"), (248, "8000"), (251, "02-03-2020"), (253, "09-03-2020"), (255, "10-03-2020")]
        {
            cells[field] = value.into();
        }
        cells
    }

    fn payment_error(&mut self, number: u64, housing: &str) -> Cells {
        let mut cells = self.record('E', housing, "");
        cells[320] = (10_000_000 + number).to_string();
        for (field, value) in [(337, "4200"), (338, "1050"), (339, "10-02-2020"), (340, "08-03-2020"), (341, "2")] {
            cells[field] = value.into();
        }
        cells
    }

    /// Cells by field number; 0 is not used.
    fn record(&mut self, letter: char, housing: &str, tax: &str) -> Cells {
        let mut cells = vec![String::new(); FIELDS + 1];
        for at in 0..self.columns.len() {
            let column = &self.columns[at];
            // The layout of April 2015 has names and addresses too, though no list says on which records.
            let named = column.personal && column.records.is_empty() && "DS".contains(letter);
            if !(named || column.records.contains(letter)) {
                continue;
            }
            let number = column.number;
            let filled = self.random.below(10) < 7 || column.personal;
            cells[number] = if filled { self.value(at) } else { String::new() };
        }
        cells[1] = letter.to_string();
        cells[2] = housing.to_owned();
        cells[3] = tax.to_owned();
        cells
    }

    fn value(&mut self, at: usize) -> String {
        let (column, random) = (&self.columns[at], &mut self.random);
        match (column.form, column.values) {
            (_, Some((first, last))) => ((first + random.below(u64::from(last - first) + 1) as u8) as char).to_string(),
            ("date", _) => {
                if column.personal {
                    random.day(1930, 2000)
                } else {
                    random.day(2010, 2020)
                }
            }
            ("pence", _) => {
                if random.below(3) > 0 {
                    "0".into()
                } else {
                    random.below(60_000).to_string()
                }
            }
            ("number", _) if column.personal => format!("{:08}", 30_000_000 + random.below(60_000_000)),
            ("number", _) => random.below(9).to_string(),
            ("hours", _) => format!("{}.{}", random.below(40), random.below(10)),
            ("nino", _) => random.nino(),
            ("unused" | "unknown", _) if !column.personal => String::new(),
            _ if column.personal => {
                let letter = if self.extract.western { "éëâïô" } else { "x" };
                format!("Zq{}{letter}{:06}", column.number, random.below(1_000_000))
            }
            _ => ((b'A' + random.below(6) as u8) as char).to_string(),
        }
    }

    fn put(&mut self, mut cells: Cells, out: &mut impl Write, written: &mut Written) -> io::Result<()> {
        written.lines += 1;
        let mut missing = self.extract.faults.iter().filter(|rule| !written.has(rule));
        if let Some((rule, field)) = missing.find_map(|rule| Some((*rule, plant(rule, &mut cells, written.lines)?))) {
            written.plant(rule, written.lines, field);
        }
        if written.personal.len() < 5_000 {
            let personal = self.columns.iter().filter(|column| column.personal).map(|column| &cells[column.number]);
            written.personal.extend(personal.filter(|value| value.len() > 5).cloned());
        }
        if cells[1] == "R" && cells[173] == "1" && written.by_score.len() < 5_000 {
            written.by_score.push(cells[2].clone());
        }
        let line = cells[1..].join("|");
        if line.is_ascii() {
            out.write_all(line.as_bytes())?;
        } else {
            // Of the letters that are written, each has the byte of its code point in Windows-1252; U+0081 has none.
            let bytes: Vec<u8> = line.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
            out.write_all(&bytes)?;
        }
        out.write_all(b"\r\n")
    }
}

/// Plants the fault if this record is one for it. The field that it stands in, or 0.
fn plant(rule: &str, cells: &mut Cells, line: u64) -> Option<u64> {
    let letter = cells[1].clone();
    let (of, field): (&str, u64) = match rule {
        "line-length" | "field-count" | "record-type" => ("P", 0),
        "control-byte" | "encoding" | "not-a-date" | "not-an-amount" | "not-a-number" | "code-range" | "nino-shape" => {
            ("D", 0)
        }
        "duplicate-claim" => ("D", 2),
        "no-reference" => ("A", 2),
        "link-s-without-d" => ("S", 2),
        "link-e-without-t" => ("E", 320),
        "review-not-full" => ("R", 174),
        "referral-untold" => ("R", 316),
        "referral-rule" => ("R", 317),
        "outcome-half" => ("R", 176),
        "outcome-before-start" => ("R", 175),
        "change-incomplete" => ("T", 253),
        "error-incomplete" => ("E", 341),
        _ => return None,
    };
    // Not in the first records, and of activities only in one of the right kind.
    let fits = match rule {
        "review-not-full" => cells[173] == "1",
        "referral-untold" | "referral-rule" => cells[173] == "2",
        "outcome-half" | "outcome-before-start" => !cells[176].is_empty(),
        "change-incomplete" => cells[254] == "8",
        // One without members, errors and reviews.
        "duplicate-claim" => cells[2] == format!("HBX{:09}", 7 * 11 + 500_000_003),
        _ => line > 4,
    };
    if letter != of || !fits {
        return None;
    }
    let mut set = |field: u64, value: &str| {
        value.clone_into(&mut cells[field as usize]);
        Some(field)
    };
    match rule {
        "line-length" => set(10, &"x".repeat(70 << 10)).map(|_| 0),
        "control-byte" => set(10, "Zq10x\u{7}000001").map(|_| 0),
        "encoding" => set(10, "Zq10x\u{81}000001").map(|_| 0),
        "record-type" => set(1, "X"),
        "field-count" => set(341, "|").map(|_| 0),
        "not-a-date" => set(8, "31-02-1960"),
        "not-an-amount" => set(43, "90.50"),
        "not-a-number" => set(13, "two"),
        "code-range" => set(9, "0"),
        "nino-shape" => set(4, "QQ123"),
        "no-reference" => set(3, "").and(set(2, "")),
        "duplicate-claim" => set(2, &format!("HBX{:09}", 500_000_003)),
        "link-s-without-d" => set(2, "HBX999999999"),
        "link-e-without-t" => set(320, "1"),
        "review-not-full" => set(174, "N"),
        "referral-rule" => set(317, "HBZZ999"),
        "outcome-before-start" => set(171, "05-03-2020").map(|_| field),
        _ => set(field, ""),
    }
}
