//! `hbcourier risk learn`: drafts the `[risk]` section from a real file.
//!
//! Holds: nothing printed is a value of the file, but for marks of a single character.

use std::path::PathBuf;

use super::read_file;
use super::report::findings;
use crate::catalogue::caseload_risk::{ColumnDraft, Draft, learn};
use crate::cli::output::{CliError, Exit, Output, Text};

/// Draft the `[risk]` section of the configuration from a real file, printing structure only
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file: CSV, xls or xlsx
    file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let draft = read_file(&args.file, learn)?;
    let sound = draft.is_sound();
    let answer = serde_json::json!({ "draft": draft, "toml": toml(&draft) });
    out.answer(args.json, &answer, |page| print(&draft, page))?;
    Ok(if sound { Exit::Yes } else { Exit::No })
}

/// What to paste, with what speaks for it.
fn toml(draft: &Draft) -> String {
    let mut text =
        String::from("# Drafted from a file by `hbcourier risk learn`: compare with DWP's description, then paste.\n");
    for column in &draft.columns {
        text.push_str(&format!("#   {}\n", in_words(column)));
    }
    text.push_str("[risk]\n");
    let mut key = |key: &str, at: Option<usize>| {
        let column = at.and_then(|at| draft.columns.get(at - 1));
        match column {
            Some(column) => text.push_str(&format!("{key} = {}\n", written(column, draft.header))),
            None => text.push_str(&format!("# {key} = \"\"   # no column is certainly this one\n")),
        }
    };
    key("claim", draft.claim);
    key("score", draft.score);
    key("high_risk", draft.high_risk);
    match draft.high_risk_value {
        Some(mark) => text.push_str(&format!("high_risk_values = [\"{mark}\"]   # as in the first row\n")),
        None => text.push_str("# high_risk_values = [\"Y\"]\n"),
    }
    text.push_str(if draft.header { "header = \"present\"\n" } else { "header = \"absent\"\n" });
    text
}

/// A column as the profile names it. Names of columns are plain ASCII without quotation marks.
fn written(column: &ColumnDraft, header: bool) -> String {
    match &column.name {
        Some(name) if header && !name.bytes().all(|byte| byte.is_ascii_digit()) => format!("\"{name}\""),
        _ => format!("\"{}\"", column.number),
    }
}

fn in_words(column: &ColumnDraft) -> String {
    let mut words = vec![match &column.name {
        Some(name) => format!("{} {name}", column.number),
        None => format!("column {}", column.number),
    }];
    if !column.shapes.is_empty() {
        let shapes: Vec<String> = column.shapes.iter().map(|one| format!("{} ({})", one.shape, one.rows)).collect();
        words.push(format!("shaped {}", shapes.join(", ")));
    }
    if let Some(numbers) = column.numbers {
        let kind = if numbers.fractions { "numbers with fractions" } else { "whole numbers" };
        words.push(format!("{kind} from {} to {}", numbers.from, numbers.to));
    }
    if column.falling {
        words.push("never rising".to_owned());
    }
    if let Some(distinct) = column.distinct {
        words.push(format!("{distinct} different"));
    }
    if !column.marks.is_empty() {
        let marks: Vec<String> = column.marks.iter().map(char::to_string).collect();
        words.push(format!("marks {}", marks.join(" ")));
    }
    if column.empty_percent > 0.0 {
        words.push(format!("{} % empty", column.empty_percent));
    }
    words.join("; ")
}

fn print(draft: &Draft, page: &mut Text) {
    for line in toml(draft).lines() {
        page.line(line);
    }
    findings(&draft.findings, page);
}
