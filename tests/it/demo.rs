//! The demonstration, as a script sees it.

use crate::support::council::{command, succeeded};

#[test]
fn without_a_folder_of_its_own_it_names_no_paths_that_are_gone() {
    let printed = succeeded(command().args(["demo", "--json"]).output().unwrap());
    let shown: serde_json::Value = serde_json::from_slice(&printed).unwrap();
    let delivered = shown["delivered"].as_array().unwrap();
    assert!(delivered.len() == 6 && shown["audit"]["ok"] == true, "{shown}");
    assert_eq!(shown["sent"].as_array().unwrap().len(), 2, "{shown}");
    assert!(delivered.iter().all(|file| file.get("path").is_none() && file["sha256"].is_string()), "{shown}");

    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("demo");
    let printed = succeeded(command().args(["demo", "--json", "--dir"]).arg(&kept).output().unwrap());
    let shown: serde_json::Value = serde_json::from_slice(&printed).unwrap();
    let paths = shown["delivered"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
    assert!(paths.into_iter().all(|path| std::path::Path::new(path).exists()), "{shown}");
}
