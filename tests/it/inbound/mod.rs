//! The way in, against GnuPG: what is delivered, what is held and why, and how the service starts and ends.

mod delivering;
mod refusing;
mod running;
pub mod several;
mod workbooks;

use crate::support::partner::{Partner, SealOptions};

/// A LAID as XML, different for every number.
pub fn laid_xml(number: usize) -> Vec<u8> {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LAID><Claim reference=\"MADE-UP-{number:06}\"/></LAID>\n")
        .into()
}

/// So many sealed LAIDs, with their contents. GnuPG at work on both cores.
pub fn sealed_laids(dwp: &Partner, count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let seal = |number: usize| {
        let content = laid_xml(number);
        let sealed = dwp.seals(&content, &format!("LAID_{number:06}.xml"), &SealOptions::default());
        (content, sealed)
    };
    std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| scope.spawn(move || (half..count).step_by(2).map(seal).collect::<Vec<_>>()));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    })
}
