//! What can be told where the configuration or the store cannot be read: most often that keeps the service down too.
//!
//! In:  the way that is known, and why nothing can be looked at. Out: a mail, and the fault that everybody else gets.
//! Holds: what kept the service from starting goes to those whom its alarms would have reached.

use jiff::Timestamp;

use super::life::Life;
use super::matters::{Matter, SERVICE};
use super::telling::{self, Told};
use super::way::Way;
use super::{Args, Document, life};
use crate::cli::output::{CliError, Exit, Output};
use crate::domain::{AlarmReason, Notice};

/// The words that a mail has for the cause; a configuration may be wrong in very many places.
const WORDS_MAX: usize = 2000;

/// Tells it, and ends with the fault.
pub(super) fn tell(
    args: &Args,
    way: Option<&Way>,
    fault: CliError,
    now: Timestamp,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let Some(way) = way else {
        let says = format!("{}\nNobody was told of it: no way to mail was noted down by an earlier run.", fault.says);
        return Err(CliError { says, ..fault });
    };
    let life = life::of_socket(&way.control_socket, &way.state, now);
    let matters: Vec<Matter> = matter(life, &fault).into_iter().collect();
    let mail = telling::tell(way, &matters, |_| false, now);
    let document = Document { well: false, service: life, matters: &matters, mail: &mail };
    out.answer(args.json, &document, |text| super::write(&document, text))?;
    let told = match mail {
        Told::Nobody => "\nNobody was told of it: `[service.alarms]` named nobody.",
        Told::Mailed { .. } | Told::NothingNew | Told::Unsent { .. } => "",
    };
    Err(CliError { says: format!("{}{told}", fault.says), ..fault })
}

/// What is the matter with the service, by how it is. A running one tells of its own store.
fn matter(life: Life, fault: &CliError) -> Option<Matter> {
    let cause: String = fault.says.chars().take(WORDS_MAX).collect();
    let (about, notice, leads) = match (life, fault.exit) {
        (Life::Down, _) => (SERVICE, AlarmReason::ServiceDown.notice(SERVICE), "It cannot start: "),
        (Life::Hangs, _) => (SERVICE, AlarmReason::ServiceHangs.notice(SERVICE), "Nor could it start again: "),
        (Life::Alive, Exit::Config) => {
            let about = "configuration";
            (about, AlarmReason::ConfigurationRefused.notice(about), "It would not start again: ")
        }
        (Life::Alive | Life::Starting, _) => return None,
    };
    let says = format!("{} {leads}{cause}", notice.says);
    Some(Matter::of(about.to_owned(), Notice { says, ..notice }))
}
