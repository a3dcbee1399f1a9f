//! The store: the only queue, and the only place where state and ledger change.
