//! `hbcourier shbe reconcile`: which HBMS referrals that were received the extract tells the outcome of.
//!
//! In:  an extract, packs (ZIP or single tables), and where referral number and rule stand in them.
//! Out: for each rule the referrals received, with and without an outcome, and activity on referrals that were not received.
//! Holds: parts are unpacked into temporary files without names, which are gone when the command ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::column::fault;
use super::could_not_read;
use crate::catalogue::shbe::{self, ReconcileError, Reconciled, Referrals, RuleAt};
use crate::catalogue::{Archive, ArchiveError, Limits, archive, rule_in_name};
use crate::cli::output::{CliError, Exit, Output, Table, Text};
use crate::domain::RiskColumn;

/// By hand there is no configuration; these allow any pack that has been heard of.
const LIMITS: Limits = Limits { members_max: 10_000, bytes_max: 8 << 30 };

/// Say which HBMS referrals have an outcome in an extract, and which have none
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The extract
    file: PathBuf,
    /// Packs that were received: ZIPs, or single tables of referrals
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pack: Vec<PathBuf>,
    /// The column with the referral number, by its name in the first row or its number
    #[arg(long, value_name = "NAME_OR_NUMBER")]
    referral_column: RiskColumn,
    /// The column with the rule, where the names of tables (such as HBSA002.csv) do not tell it
    #[arg(long, value_name = "NAME_OR_NUMBER")]
    rule_column: Option<RiskColumn>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The answer, as scripts see it.
#[derive(Serialize)]
struct Document {
    rules: BTreeMap<String, Reconciled>,
    referrals: usize,
    /// Referrals that were received more than once; each counts once.
    repeated: u64,
    /// Tables that were left out, because nothing tells their rule.
    left_out: Vec<String>,
}

/// What is gathered from the packs.
struct Gathering<'a> {
    number: RiskColumn,
    rule: Option<RiskColumn>,
    referrals: Referrals,
    left_out: Vec<String>,
    pack: &'a Path,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let mut gathering = Gathering {
        number: args.referral_column.clone(),
        rule: args.rule_column.clone(),
        referrals: Referrals::default(),
        left_out: Vec::new(),
        pack: Path::new(""),
    };
    for pack in &args.pack {
        gathering.pack = pack;
        gathering.pack(pack)?;
    }
    let Gathering { referrals, left_out, .. } = gathering;
    if referrals.is_full() {
        let says = "The packs have more referrals than are kept in mind.";
        return Err(CliError::new(Exit::CouldNot, says, "Reconcile fewer packs at once."));
    }
    let (count, repeated) = referrals.count();
    let extract = File::open(&args.file).map_err(|error| could_not_read(&args.file, &error))?;
    let rules = shbe::reconcile(extract, referrals).map_err(|error| not_reconciled(&args.file, &error))?;
    let document = Document { rules, referrals: count, repeated, left_out };
    out.answer(args.json, &document, |text| write(text, &document))?;
    Ok(Exit::Yes)
}

impl Gathering<'_> {
    fn pack(&mut self, path: &Path) -> Result<(), CliError> {
        let unreadable = |error: &std::io::Error| could_not_read(path, error);
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let mut head = Vec::new();
        (&mut file).take(4).read_to_end(&mut head).map_err(|error| unreadable(&error))?;
        file.seek(SeekFrom::Start(0)).map_err(|error| unreadable(&error))?;
        if archive::is_zip(&head) {
            return self.members(&mut file);
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.table(&name, file)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "what a person looks at by hand is theirs already; the file has no name"
    )]
    fn members(&mut self, file: &mut File) -> Result<(), CliError> {
        let pack = self.pack;
        let mut archive = Archive::open(file, &LIMITS).map_err(|error| unsafe_archive(pack, &error))?;
        for index in 0..archive.members().len() {
            let name = archive.members()[index].name.clone();
            let is_table = name.to_ascii_lowercase().ends_with(".csv");
            if !is_table || (self.rule.is_none() && rule_in_name(&name).is_none()) {
                // Risk data and workbooks are no referrals.
                self.left_out.push(name);
                continue;
            }
            let mut part = tempfile::tempfile().map_err(|error| could_not_read(pack, &error))?;
            archive.extract(index, &mut part).map_err(|error| unsafe_archive(pack, &error))?;
            part.seek(SeekFrom::Start(0)).map_err(|error| could_not_read(pack, &error))?;
            self.table(&name, part)?;
        }
        Ok(())
    }

    fn table(&mut self, name: &str, table: impl Read) -> Result<(), CliError> {
        let told = rule_in_name(name);
        let rule = match (&self.rule, &told) {
            (Some(column), _) => RuleAt::Column(column),
            (None, Some(rule)) => RuleAt::Told(rule),
            (None, None) => {
                self.left_out.push(name.to_owned());
                return Ok(());
            }
        };
        let named = self.pack.join(if self.pack.ends_with(name) { "" } else { name });
        self.referrals.add(table, &self.number, rule).map_err(|error| fault(&named, &error))
    }
}

fn not_reconciled(path: &Path, error: &ReconcileError) -> CliError {
    if let ReconcileError::Read(error) = error {
        return could_not_read(path, error);
    }
    CliError::new(
        Exit::CouldNot,
        format!("Could not reconcile {}: {error}.", path.display()),
        "See that it is the extract as it left the back office, not sealed; `hbcourier shbe check FILE` tells what is wrong.",
    )
}

fn unsafe_archive(pack: &Path, error: &ArchiveError) -> CliError {
    CliError::new(
        Exit::CouldNot,
        format!("Could not unpack {}: {error}.", pack.display()),
        "See that it is the pack as DWP sent it, and opened already; `hbcourier identify FILE` looks into it.",
    )
}

fn write(text: &mut Text, document: &Document) {
    let mut table = Table::new(["Rule", "Received", "With outcome", "Without", "Not received"]);
    for (rule, one) in &document.rules {
        let numbers = [one.received, one.with_outcome, one.without_outcome, one.not_received];
        let [received, with, without, foreign] = numbers.map(|number| number.to_string());
        table.row([rule.clone(), received, with, without, foreign]);
    }
    text.line(format_args!("{} referrals, {} of them received more than once", document.referrals, document.repeated));
    text.table(&table);
    for name in &document.left_out {
        text.line(format_args!("  Left out: {name}, whose rule nothing tells"));
    }
    let without: u64 = document.rules.values().map(|one| one.without_outcome).sum();
    text.gap();
    text.line(format_args!(
        "{without} referrals have no outcome in this extract (R records, fields 175 and 176, or 319)."
    ));
}
