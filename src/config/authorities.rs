//! The table of LA numbers as data: the bundled one, and an operator's that goes before it.
//!
//! In:  CSV with a heading line, as in `config/authorities.csv`. Lines that begin with `#` are for people.
//! Out: [`Authorities`], or every line that cannot be read.
//! Holds: nothing larger than [`FILE_BYTES_MAX`] is read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::domain::authorities::{Authorities, KnownAuthority};

/// Largest table that is read, in bytes. The bundled one is 30 KB.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

const BUNDLED: &str = include_str!("../../config/authorities.csv");
const HEADING: [&str; 7] = ["number", "name", "council", "division", "from", "until", "previously"];

/// Why a table of authorities could not be taken into use.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesFault {
    /// The file could not be read.
    #[error("could not read the table of authorities `{}`: see that it is there and that the service may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It was read, and lines of it are wrong.
    #[error(
        "the table of authorities `{}` cannot be used until it is corrected; write it as config/authorities.csv is:\n  {}",
        path.display(),
        problems.join("\n  ")
    )]
    Problems {
        /// The file.
        path: PathBuf,
        /// One sentence each, with the line.
        problems: Vec<String>,
    },
}

/// The bundled table, and the rows of this file before it.
pub fn authorities(file: Option<&PathBuf>) -> Result<Authorities, AuthoritiesFault> {
    let mut table = Authorities::new(rows(Path::new("config/authorities.csv"), BUNDLED)?);
    if let Some(path) = file {
        let failed = |source| AuthoritiesFault::Read { path: path.clone(), source };
        let mut text = String::new();
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)).map_err(failed)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            let problems = vec![format!("it is larger than {FILE_BYTES_MAX} bytes")];
            return Err(AuthoritiesFault::Problems { path: path.clone(), problems });
        }
        table = table.with(rows(path, &text)?);
    }
    Ok(table)
}

fn rows(path: &Path, text: &str) -> Result<Vec<KnownAuthority>, AuthoritiesFault> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(text.as_bytes());
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    if reader.headers().is_ok_and(|heading| heading != HEADING.as_slice()) {
        problems.push(format!("the heading is not `{}`", HEADING.join(",")));
    }
    for record in reader.records() {
        let line = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
        match record {
            Ok(record) => match row(&record) {
                Ok(row) => rows.push(row),
                Err(says) => problems.push(format!("line {}: {says}", line(record.position()))),
            },
            Err(error) => problems.push(format!("line {}: it does not have seven columns", line(error.position()))),
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(AuthoritiesFault::Problems { path: path.to_owned(), problems }) }
}

fn row(record: &csv::StringRecord) -> Result<KnownAuthority, String> {
    let cell = |at: usize| record.get(at).unwrap_or_default();
    let name = cell(1);
    if name.is_empty() {
        return Err("there is no name".to_owned());
    }
    let council = if cell(2).is_empty() { name } else { cell(2) };
    let day = |text: &str| match text {
        "" => Ok(None),
        text => text.parse::<Date>().map(Some).map_err(|_| format!("`{text}` is not a date: write it as 2020-04-01")),
    };
    Ok(KnownAuthority {
        number: cell(0).parse().map_err(|error| format!("{error}"))?,
        name: name.to_owned(),
        council: council.to_owned(),
        division: cell(3).parse().map_err(|error| format!("{error}"))?,
        from: day(cell(4))?,
        until: day(cell(5))?,
        previously: cell(6).split(';').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::working_days::Division;

    #[test]
    fn the_bundled_table_has_every_number_of_the_bundled_timetable_under_the_same_name() {
        let table = authorities(None).unwrap();
        assert_eq!(table.len(), 377);
        let timetables = crate::config::timetable::bundled().unwrap();
        for authority in timetables.iter().flat_map(|timetable| timetable.authorities()) {
            let known = table.on(date(2020, 4, 1), &authority.number).unwrap();
            assert_eq!(known.name, authority.name);
        }
        let suffolk = table.latest(&"13508".parse().unwrap()).unwrap();
        assert_eq!(suffolk.previously, ["Forest Heath", "St Edmundsbury"]);
        let scottish = table.all_on(date(2020, 4, 1)).filter(|known| known.division == Division::Scotland);
        assert_eq!(scottish.count(), 32);
    }

    #[test]
    fn an_operators_file_extends_it_and_what_is_wrong_is_named_by_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authorities.csv");
        let heading = HEADING.join(",");
        let text = format!(
            "{heading}\n99999,New,,scotland,2027-04-01,,Old One; Old Two\n12302,Blackpool,\"Two, Joined\",england-and-wales,,,\n"
        );
        std::fs::write(&path, text).unwrap();
        let table = authorities(Some(&path)).unwrap();
        assert_eq!(table.len(), 378);
        assert_eq!(table.latest(&"99999".parse().unwrap()).unwrap().previously, ["Old One", "Old Two"]);
        assert_eq!(table.latest(&"12302".parse().unwrap()).unwrap().council, "Two, Joined");
        std::fs::write(&path, format!("{heading}\n6104,Dover,,scotland,,,\n16104,Dover,,wales,,,\n16104,Dover\n"))
            .unwrap();
        let said = authorities(Some(&path)).unwrap_err().to_string();
        for part in ["line 2: `6104` is not an LA number", "line 3: `wales` is no division", "line 4: it does not have"]
        {
            assert!(said.contains(part), "{said}");
        }
    }
}
