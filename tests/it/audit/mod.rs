//! Exports, by two verifiers: every alteration is found at its place by both, and nothing else is found.
//!
//! What the second verifier finds it finds in one process, which takes a list of cases (`second.py`).

mod commands;
mod evidence;
mod flips;
mod honest;
mod ledger;
mod path;
mod rearranged;
mod second;
