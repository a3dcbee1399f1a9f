//! By a folder.
