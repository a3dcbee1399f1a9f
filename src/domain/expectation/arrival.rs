//! What arrived of what DWP owes, as far as the record tells, and what is irregular about it.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::authority::LaNumber;
use crate::domain::ids::ConsignmentId;
use crate::domain::kind::FileKind;
use crate::domain::period::RelevantMonth;

/// One file or pack of one transfer. A pack that has the risk file in it is two of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Which transfer.
    pub transfer: ConsignmentId,
    /// What it is; `None` if that cannot be told, because it was never opened and its name says nothing.
    pub kind: Option<FileKind>,
    /// When it arrived.
    pub at: Timestamp,
    /// The day of that in London.
    pub on: Date,
    /// Where it is now.
    pub whereabouts: Whereabouts,
}

/// Where something that arrived is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// Delivered, or on its way there.
    Ours,
    /// A person decides.
    Held,
    /// Held, because the same content came before.
    Repeat,
    /// Held, because it names another authority.
    Foreign {
        /// The number it names.
        found: LaNumber,
    },
}

/// Something irregular about an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Irregular {
    /// Which transfer.
    pub transfer: ConsignmentId,
    /// What it is, as far as that can be told.
    pub kind: Option<FileKind>,
    /// The day it arrived.
    pub on: Date,
    /// The month it belongs to, where one can be named.
    pub month: Option<RelevantMonth>,
    /// In what way.
    pub what: Irregularity,
}

/// In what way an arrival is irregular.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Irregularity {
    /// It came before its week.
    Early,
    /// It came after its week.
    Late,
    /// The month has been met already.
    Duplicate,
    /// It is another authority's.
    Foreign {
        /// Whose.
        found: LaNumber,
    },
    /// No month of any timetable in force is near.
    Unexpected,
    /// It is held unopened, and may be what is awaited.
    Untold,
}

impl Irregularity {
    /// The word that scripts use.
    pub fn word(&self) -> &'static str {
        match self {
            Irregularity::Early => "early",
            Irregularity::Late => "late",
            Irregularity::Duplicate => "duplicate",
            Irregularity::Foreign { .. } => "foreign",
            Irregularity::Unexpected => "unexpected",
            Irregularity::Untold => "untold",
        }
    }
}

impl Irregular {
    /// In one sentence.
    pub fn says(&self) -> String {
        let what = self.kind.map_or_else(|| "file".to_owned(), |kind| kind.to_string());
        let month = self.month.map(|month| format!(" for {month}")).unwrap_or_default();
        let on = self.on;
        match &self.what {
            Irregularity::Early => format!("The {what}{month} came on {on}, before its week."),
            Irregularity::Late => format!("The {what}{month} came on {on}, after its week."),
            Irregularity::Duplicate => {
                format!("A further {what}{month} came on {on}, although one is there already.")
            }
            Irregularity::Foreign { found } => {
                format!("What came on {on} names LA number {found}: it is held as another authority's.")
            }
            Irregularity::Unexpected => {
                format!("The {what} that came on {on} belongs to no month of the timetables in force.")
            }
            Irregularity::Untold => {
                format!("What came on {on} is held unopened; it may be what is awaited{month}.")
            }
        }
    }
}
