//! Why a return waits for a person, and the words for it.
//!
//! There is no release: what leaves is the authority's own file, and whoever can decide about it can put a right one there.

use serde::{Deserialize, Serialize};

use crate::domain::authority::LaNumber;
use crate::domain::notice::Notice;
use crate::domain::period::RelevantMonth;
use crate::domain::shbe_rule::ShbeFault;

/// Why a return waits for a person before it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum ReturnHold {
    /// The file has no content.
    Empty,
    /// The content names another authority.
    OtherAuthority {
        /// The number found.
        found: LaNumber,
    },
    /// The reference date is before the earliest data extraction date, or the file came before it.
    TooEarly,
    /// The reference date is after the transfer date.
    AfterTransferDate,
    /// The same content was sealed for an earlier month.
    SentAlready {
        /// Which month.
        month: RelevantMonth,
    },
    /// Several files wait where one is expected.
    SeveralFiles,
    /// Not the kind of file this return is.
    WrongKind,
    /// What we sealed did not open and verify again.
    SelfCheckFailed,
    /// Larger than the limit for content.
    TooLarge,
    /// A further file, while the month before is sealed and its transfer date is not over.
    AlreadySealed {
        /// The sealed month.
        month: RelevantMonth,
    },
    /// The month before was missed, and the file is that month's, or does not tell.
    Late {
        /// The missed month.
        month: RelevantMonth,
    },
    /// It could be of any of several MI workbooks that are owed.
    WorkbookUntold,
    /// Its name says another month than the one that is owed.
    OtherMonth {
        /// The month it tells.
        month: RelevantMonth,
    },
    /// The extract breaks rules of the pre-flight that hold it.
    PreFlight {
        /// How often.
        errors: u64,
        /// The first few, in the order of the lines.
        first: Vec<ShbeFault>,
    },
}

impl ReturnHold {
    /// What to tell a person.
    pub fn notice(&self) -> Notice {
        use ReturnHold::*;
        let n = |code, says: &str, next| Notice::new(code, says, next);
        let replace = "Put a corrected file in its place; it is picked up by itself.";
        match self {
            Empty => n("CN-401", "The return's file is empty.", replace),
            OtherAuthority { found } => {
                n("CN-402", &format!("The return's file names LA number {found}, not this authority's."), replace)
            }
            TooEarly => n(
                "CN-403",
                "The data were extracted before the earliest data extraction date.",
                "Extract again on or after that date (`hbcourier returns list` shows it) and replace the file.",
            ),
            AfterTransferDate => n("CN-404", "The reference date in the file is after the transfer date.", replace),
            SentAlready { month } => n(
                "CN-405",
                &format!("The same content was already sealed for {month}."),
                "Put the file of the month that is owed in its place. To send what was sealed for that other month, if it was missed: `hbcourier returns resend` that return.",
            ),
            SeveralFiles => n(
                "CN-406",
                "Several files wait where one return is expected.",
                "Leave only the right one in the folder.",
            ),
            WrongKind => n("CN-407", "The file is not of the kind this return is.", replace),
            SelfCheckFailed => n(
                "CN-408",
                "What was sealed did not open and verify again, so it was not kept.",
                "Run `hbcourier keys list` and `hbcourier check`; report it if both are well.",
            ),
            TooLarge => n(
                "CN-409",
                "The return's file is larger than the limit for content.",
                "If it is genuine, raise `service.limits.plaintext_bytes_max` and reload the service \
                (`systemctl reload hbcourier`).",
            ),
            AlreadySealed { month } => n(
                "CN-410",
                &format!("{month} is already sealed; it cannot be told which month this further file is for."),
                "Take the file out of the folder; after that month's transfer date put the next return there. If it is this very file, write it out anew: the same bytes stay held.",
            ),
            Late { month } => n(
                "CN-411",
                &format!(
                    "{month} was missed, failed or is uncertain, and this file is {month}'s or does not tell which month it is for."
                ),
                "Decide about that month: `hbcourier returns resend` it, and what was sealed for it goes out, or this file if nothing was; or `hbcourier returns waive` it, and a file that does not tell its month counts for the next one.",
            ),
            OtherMonth { month } => n(
                "CN-412",
                &format!("The file's name says {month}, which is not the month that is owed now."),
                "If the file is the one that is owed, give it a name without another month; otherwise take it out of the folder.",
            ),
            WorkbookUntold => n(
                "CN-413",
                "Several MI workbooks are owed, and this file's name does not tell of which it is.",
                "Give it the name the workbook was delivered under, or put `workbook 2020-04` into its name; `hbcourier returns list` shows the workbooks and their months.",
            ),
            PreFlight { errors, first } => n(
                "CN-421",
                &pre_flight_words(*errors, first),
                "Run `hbcourier shbe check FILE --authority NUMBER --month MONTH` to see them all, have them mended in the back office, and put a corrected file in its place; it is picked up by itself.",
            ),
        }
    }
}

/// How many errors an extract has, and the first of them.
fn pre_flight_words(errors: u64, first: &[ShbeFault]) -> String {
    let named: Vec<String> = first.iter().map(ShbeFault::to_string).collect();
    let more = errors.saturating_sub(first.len() as u64);
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    let what = if errors == 1 { "an error".to_owned() } else { format!("{errors} errors") };
    format!("The extract has {what} for which it may not leave: {}{rest}.", named.join("; "))
}
