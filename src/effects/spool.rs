//! The spool: sealed bytes that are ours.
