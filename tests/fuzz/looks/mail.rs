//! A mail: its sealed parts, its files, and what a report about one of our own mails says.

use hbcourier::catalogue::mail::{entity_files, is_entity, sealed_items};

pub fn look(mail: &[u8]) {
    let read = || {
        sealed_items(mail).map(|items| {
            let parts = items.iter().map(|item| (item.name().map(str::to_owned), item.sealed().map(|part| part.len())));
            parts.collect::<Vec<_>>()
        })
    };
    let (once, again) = (format!("{:?}", read()), format!("{:?}", read()));
    assert_eq!(once, again, "read the same twice");
    if let Ok(items) = sealed_items(mail) {
        for part in items.iter().filter_map(|item| item.sealed().ok()) {
            // Decoded: never longer than what it came in.
            assert!(part.len() <= mail.len());
        }
    }
    let _ = is_entity(mail);
    if let Ok(files) = entity_files(mail) {
        for file in &files {
            let _ = (file.name(), file.content().map(|content| content.len()));
        }
    }
}
