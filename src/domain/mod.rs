//! The words of the field and their rules. Pure: no clock, no file system, no network, no database.

pub mod actor;
pub mod alarm;
pub mod answer;
pub mod authority;
pub mod consignment;
pub mod digest;
pub mod ids;
pub mod kind;
pub mod ledger;
pub mod merkle;
pub mod naming;
pub mod notice;
pub mod partner;
pub mod period;
pub mod reason;
pub mod retry;
pub mod return_order;
pub mod submission;
pub mod timetable;
pub mod unfinished;

pub use actor::Actor;
pub use alarm::AlarmReason;
pub use answer::{Answer, Answered};
pub use authority::{Authority, LaNumber};
pub use consignment::{Consignment, Delivery, Due, Resume, Standing};
pub use digest::Digest;
pub use ids::{ConsignmentId, DeliveryId, Revision};
pub use kind::{FileKind, ReturnKind};
pub use naming::{CourierName, DestinationName, SourceName};
pub use notice::Notice;
pub use partner::{Fingerprint, PartnerName};
pub use period::{RelevantMonth, TimetableYear};
pub use reason::{Consequence, DeferCause, HoldReason, RejectReason, ReturnHold};
pub use return_order::ReturnOrder;
pub use submission::{Stage, Submission, SubmissionKey};
pub use unfinished::is_unfinished_name;
