//! `hbcourier identify`: says what a file is, and why.
//!
//! In:  a file that has been opened already (not encrypted).
//! Out: the kind, how sure that is, and what is wrong with it; of a pack, the same for each part.
//! Holds: parts are unpacked into temporary files without names, which are gone when the command ends.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::catalogue::{Archive, ArchiveError, Confidence, Finding, Identified, Limits, identify};
use crate::domain::{FileKind, LaNumber};

/// By hand there is no configuration; these allow any pack that has been heard of.
const LIMITS: Limits = Limits { members_max: 10_000, bytes_max: 8 << 30 };

/// Say what kind of file this is, and why
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to look at
    file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum IdentifyError {
    /// The file could not be opened.
    #[error("could not open {}: check the path, and that you may read it", path.display())]
    Open {
        /// As given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file could not be read to its end.
    #[error("could not read {}: check the disk it is on and try again", path.display())]
    Read {
        /// As given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A part of a pack found no room.
    #[error("could not unpack a part of {} into a temporary file: make room in the temporary directory, or set TMPDIR", path.display())]
    Unpack {
        /// As given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The answer could not be printed.
    #[error("could not print the answer")]
    Print(#[source] io::Error),
}

/// What is said of a file or of a part of one.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    kind: FileKind,
    confidence: Confidence,
    authority: Option<LaNumber>,
    evidence: Vec<String>,
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Answer>,
}

/// Prints the answer. `false` when something is wrong with the file.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<bool, IdentifyError> {
    let path = || args.file.clone();
    let mut file = File::open(&args.file).map_err(|source| IdentifyError::Open { path: path(), source })?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let seen =
        identify(name.as_deref(), &mut file, &LIMITS).map_err(|source| IdentifyError::Read { path: path(), source })?;
    let mut sound = seen.is_sound();
    let mut answer = Answer::new(None, seen);
    if answer.kind == FileKind::HbmsPack {
        sound &= add_parts(&mut answer, &mut file).map_err(|fault| fault.at(path()))?;
    }
    print(&answer, args.json, out).map_err(IdentifyError::Print)?;
    Ok(sound)
}

enum PartFault {
    Read(io::Error),
    Unpack(io::Error),
}

impl PartFault {
    fn at(self, path: PathBuf) -> IdentifyError {
        match self {
            PartFault::Read(source) => IdentifyError::Read { path, source },
            PartFault::Unpack(source) => IdentifyError::Unpack { path, source },
        }
    }
}

/// Unpacks and identifies every part. `false` when something is wrong with one of them.
#[expect(clippy::disallowed_methods, reason = "what a person looks at by hand is theirs already; the file has no name")]
fn add_parts<R: Read + Seek>(answer: &mut Answer, file: &mut R) -> Result<bool, PartFault> {
    // A single report is of this kind too, and has no parts; a broken ZIP has been reported already.
    let Ok(mut archive) = Archive::open(file, &LIMITS) else { return Ok(true) };
    let mut sound = true;
    for index in 0..archive.members().len() {
        let mut part = tempfile::tempfile().map_err(PartFault::Unpack)?;
        match archive.extract(index, &mut part) {
            Ok(_) => {}
            Err(ArchiveError::Read(source)) => return Err(PartFault::Read(source)),
            Err(ArchiveError::Write { source, .. }) => return Err(PartFault::Unpack(source)),
            Err(error) => {
                answer.findings.push(Finding::from(&error));
                return Ok(false);
            }
        }
        let name = archive.members()[index].name.clone();
        let seen = identify(Some(&name), &mut part, &LIMITS).map_err(PartFault::Read)?;
        sound &= seen.is_sound();
        answer.parts.push(Answer::new(Some(name), seen));
    }
    Ok(sound)
}

impl Answer {
    fn new(name: Option<String>, seen: Identified) -> Answer {
        Answer {
            name,
            kind: seen.kind,
            confidence: seen.confidence,
            authority: seen.authority,
            evidence: seen.evidence,
            findings: seen.findings,
            parts: Vec::new(),
        }
    }
}

fn print(answer: &Answer, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        serde_json::to_writer(&mut *out, answer)?;
        return writeln!(out);
    }
    print_one(answer, "", out)?;
    for part in &answer.parts {
        writeln!(out, "\npart {}", part.name.as_deref().unwrap_or_default())?;
        print_one(part, "  ", out)?;
    }
    Ok(())
}

fn print_one(answer: &Answer, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let sure = match answer.confidence {
        Confidence::Guess => "a guess",
        Confidence::Likely => "likely",
        Confidence::Certain => "certain",
    };
    writeln!(out, "{indent}kind       {} ({sure})", answer.kind)?;
    if let Some(number) = &answer.authority {
        writeln!(out, "{indent}authority  {number}")?;
    }
    for (at, evidence) in answer.evidence.iter().enumerate() {
        writeln!(out, "{indent}{:<11}{evidence}", if at == 0 { "because" } else { "" })?;
    }
    for finding in &answer.findings {
        let weight = if finding.severity == crate::catalogue::Severity::Error { "wrong" } else { "odd" };
        writeln!(out, "{indent}{weight:<11}it {} [{}]", finding.says, finding.code)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn ask(name: &str, content: &[u8], json: bool) -> (bool, String) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(name);
        fs::write(&file, content).unwrap();
        let mut out = Vec::new();
        let sound = run(&Args { file, json }, &mut out).unwrap();
        (sound, String::from_utf8(out).unwrap())
    }

    fn pack(risk: &[u8]) -> Vec<u8> {
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, content) in [("HBSA002.csv", &b"a,b\n"[..]), ("AOBWR627_101809_RISK.csv", risk)] {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn json_has_the_promised_shape_and_the_parts() {
        let (sound, out) = ask("april.zip", &pack(b"a,b\nc,d\n"), true);
        assert!(sound, "{out}");
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(out.lines().count(), 1, "one document, one line");
        assert_eq!(answer["kind"], "hbms-pack");
        assert_eq!(answer["confidence"], "certain");
        assert_eq!(answer["authority"], "101809");
        assert!(answer["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty()));
        assert_eq!(answer["parts"][1]["kind"], "caseload-risk");
        assert_eq!(answer["parts"][1]["name"], "AOBWR627_101809_RISK.csv");
    }

    #[test]
    fn a_broken_part_makes_the_answer_no() {
        let (sound, out) = ask("april.zip", &pack(b"a,b\nc\n"), false);
        assert!(!sound);
        assert!(out.contains("part AOBWR627_101809_RISK.csv\n  kind       caseload-risk (likely)"), "{out}");
        assert!(
            out.contains(
                "wrong      it has rows with more or fewer columns than the 2 of the first, row 2 [csv-columns]"
            ),
            "{out}"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_with_a_next_step() {
        let args = Args { file: "no-such-file".into(), json: false };
        let error = run(&args, &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "could not open no-such-file: check the path, and that you may read it");
    }
}
