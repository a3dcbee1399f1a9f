//! Inbound: from a source to a destination, one step a file.
