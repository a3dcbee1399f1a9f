//! What may be asked of the store about what is kept, what was erased and what must not be.

use jiff::Timestamp;

use super::queries::QueryError;
use crate::domain::{Consignment, ConsignmentId, DestinationName, LegalHold, Original};

/// Reading for whoever erases.
pub trait Keeping: Send + Sync {
    /// At most `limit` transfers that are over and of which something may be left to erase, in the order of their receipt,
    /// from after this one on.
    fn settled(&self, after: Option<&(Timestamp, ConsignmentId)>, limit: usize) -> Result<Vec<Settled>, QueryError>;
    /// How many names the transfer has that others chose and that are not erased.
    fn names_to_erase(&self, id: &ConsignmentId) -> Result<u64, QueryError>;
    /// The entry by which a transfer's names were erased.
    fn names_erased(&self, id: &ConsignmentId) -> Result<Option<u64>, QueryError>;
    /// The entry by which an original was erased.
    fn original_erased(&self, original: &Original) -> Result<Option<u64>, QueryError>;
    /// The legal holds that stand, the earliest first.
    fn legal_holds(&self) -> Result<Vec<LegalHold>, QueryError>;
}

/// A transfer that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// It stands at Closed or Rejected.
    pub consignment: Consignment,
    /// Where its parts went.
    pub destinations: Vec<DestinationName>,
    /// No entry says that its original was erased.
    pub has_original: bool,
    /// No entry says that its names were erased.
    pub has_names: bool,
    /// An MI workbook that came with it is owed each month still, and told apart by its name.
    pub workbook_is_open: bool,
}
