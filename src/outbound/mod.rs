//! Outbound: from an obligation to a sent return, one step a file.
