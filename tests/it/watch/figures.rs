//! The figures, the rules and the dashboard, held against each other and against Prometheus's own tool.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::{figure, get, says, watched};
use crate::support::council::Council;
use crate::support::partner::SealOptions;

fn below(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs promtool, which must be satisfied and say nothing against it.
fn promtool(arguments: &[&str], input: &str) -> Output {
    let mut tool = Command::new("promtool");
    tool.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tool = tool.spawn().expect("apt-get install prometheus");
    tool.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let told = tool.wait_with_output().unwrap();
    assert!(told.status.success(), "{arguments:?}: {told:?}");
    told
}

/// Every name of a figure in this text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    words.filter(|word| word.starts_with("hbcourier_")).map(str::to_owned).collect()
}

/// Has checkpoints leave into a folder, which is there.
fn keeps_checkpoints(council: &Council) -> PathBuf {
    let kept = council.dir.path().join("kept");
    fs::create_dir(&kept).unwrap();
    council.changes_settings(|settings| {
        let table = format!("name = \"internal-audit\"\nfolder = \"{}\"", kept.display());
        let recipient: toml::Table = table.parse().unwrap();
        let audit = settings.entry("audit").or_insert_with(|| toml::Table::new().into());
        audit.as_table_mut().unwrap().insert("recipient".into(), toml::Value::Array(vec![recipient.into()]));
    });
    kept
}

/// A service that has everything there is to tell: something delivered, something held, a checkpoint that left, an alarm.
fn busy() -> Council {
    let (dwp, mut council) = watched();
    keeps_checkpoints(&council);
    council.start();
    let laid = dwp.seals(b"<?xml version=\"1.0\"?><LAID/>", "LAID_0001.xml", &SealOptions::default());
    council.drops("LAID_0001.xml.pgp", &laid);
    council.drops("clear.xml", b"<?xml version=\"1.0\"?><LAID/>");
    std::os::unix::fs::symlink("/nowhere", council.drop.join("link")).unwrap();
    council.until("it has been through all of it", |council| {
        council.all_rest(2)
            && council.is_alarmed("drop-12302", "CN-502")
            && figure(council, "hbcourier_checkpoint_left_age_seconds{recipient=\"internal-audit\"}").is_some()
            && figure(council, "hbcourier_alarms{code=\"CN-502\"}") == Some(1.0)
            && says(council, "/readyz", 200)
    });
    council
}

#[test]
fn what_is_told_is_so_and_prometheus_can_read_it() {
    let mut council = busy();
    let figures = get(&council, "/metrics").unwrap().1;
    let told = promtool(&["check", "metrics"], &figures);
    assert!(told.stdout.is_empty() && told.stderr.is_empty(), "{told:?}");
    for (name, value) in [
        ("hbcourier_events_total{event=\"collected\"}", 2.0),
        ("hbcourier_events_total{event=\"delivered\"}", 1.0),
        ("hbcourier_events_total{event=\"held\"}", 1.0),
        ("hbcourier_transfers{standing=\"closed\"}", 1.0),
        ("hbcourier_transfers{standing=\"held\"}", 1.0),
        ("hbcourier_held", 1.0),
        ("hbcourier_workers_stuck", 0.0),
        ("hbcourier_key_faults", 0.0),
        ("hbcourier_returns_overdue{authority=\"12302\",return=\"shbe\"}", 0.0),
        ("hbcourier_expectations_overdue{authority=\"12302\"}", 0.0),
        ("hbcourier_source_up{source=\"drop-12302\"}", 1.0),
        ("hbcourier_place_answers{place=\"laid-12302\"}", 1.0),
        ("hbcourier_checkpoint_stays_seconds{recipient=\"internal-audit\"}", 0.0),
    ] {
        assert_eq!(figure(&council, name), Some(value), "{name} in {figures}");
    }
    let status = council.json(&["status"]);
    assert_eq!(figure(&council, "hbcourier_ledger_entries"), status["ledger"]["entries"].as_f64());
    let day = 86_400.0;
    for holder in ["own", "dwp"] {
        let left = figure(&council, &format!("hbcourier_key_expires_seconds{{holder=\"{holder}\"}}")).unwrap();
        assert!(left > 300.0 * day, "{holder}: {left}");
    }
    for place in ["state", "laid-12302", "hbms-12302"] {
        assert!(figure(&council, &format!("hbcourier_disk_free_bytes{{place=\"{place}\"}}")).unwrap() > 0.0, "{place}");
    }
    council.stops_well();
}

#[test]
fn rules_and_dashboard_name_what_is_told_and_no_more() {
    let mut council = busy();
    council.falls_due_today();
    council.stops_well();
    council.start();
    council.until("the next return is known", |council| {
        get(council, "/metrics").is_some_and(|(_, figures)| figures.contains("hbcourier_next_return_due_seconds{"))
            && get(council, "/metrics").is_some_and(|(_, figures)| figures.contains("hbcourier_returns{"))
    });
    let told = names(&get(&council, "/metrics").unwrap().1);
    council.stops_well();
    let rules = fs::read_to_string(below("config/watch/alerts.yml")).unwrap();
    let dashboard = fs::read_to_string(below("config/watch/grafana-dashboard.json")).unwrap();
    let asked: BTreeSet<String> = names(&rules).into_iter().chain(names(&dashboard)).collect();
    let missing: Vec<_> = asked.difference(&told).collect();
    assert!(asked.len() > 20 && missing.is_empty(), "asked for and never told: {missing:?}");
}

#[test]
fn the_rules_load_and_say_what_they_should() {
    let rules = below("config/watch/alerts.yml");
    promtool(&["check", "rules", rules.to_str().unwrap()], "");
    promtool(&["test", "rules", below("tests/data/watch/alerts_test.yml").to_str().unwrap()], "");
    // Each has a code that the page of alarms has an entry for.
    let page = fs::read_to_string(below("config/alarms.md")).unwrap();
    let text = fs::read_to_string(rules).unwrap();
    let runbooks: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("runbook: \"alarms.md#")).collect();
    let alerts = text.lines().filter(|line| line.trim().starts_with("- alert:")).count();
    assert!(alerts > 10 && runbooks.len() == alerts, "each alert has a runbook");
    for anchor in runbooks.iter().map(|anchor| anchor.trim_end_matches('"')).filter(|anchor| !anchor.starts_with("{{"))
    {
        let headings = page.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
        assert!(headings.map(str::to_lowercase).any(|heading| heading == anchor), "{anchor} is not in alarms.md");
    }
}

#[test]
fn the_dashboard_is_one_that_grafana_reads() {
    let text = fs::read_to_string(below("config/watch/grafana-dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    assert!(dashboard["schemaVersion"].is_u64() && dashboard["title"] == "hbcourier");
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert!(ids.len() == panels.len() && panels.len() > 10);
    for panel in panels {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty() && panel["gridPos"]["w"].is_u64(), "{panel}");
        // Prometheus itself must understand each question.
        for target in targets {
            let question = target["expr"].as_str().unwrap();
            let rule = serde_json::json!({"groups": [{"name": "one", "rules": [{"record": "one", "expr": question}]}]});
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), rule.to_string()).unwrap();
            promtool(&["check", "rules", file.path().to_str().unwrap()], "");
        }
    }
}

/// That nothing leaves is told also where nothing ever left.
#[test]
fn a_checkpoint_that_never_left_has_an_age() {
    let (_dwp, mut council) = watched();
    let kept = keeps_checkpoints(&council);
    fs::remove_dir(&kept).unwrap();
    council.start();
    let stays = "hbcourier_checkpoint_stays_seconds{recipient=\"internal-audit\"}";
    council.until("it stays", |council| figure(council, stays).is_some_and(|age| age > 0.0));
    assert_eq!(figure(&council, "hbcourier_checkpoint_left_age_seconds{recipient=\"internal-audit\"}"), None);
    council.stops_well();
}
