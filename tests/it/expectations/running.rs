//! The running service, on the machine's clock: it looks ahead by itself.

use std::fs;

use hbcourier::domain::TimetableYear;
use hbcourier::effects::clock::london;
use jiff::{ToSpan, Zoned};

use crate::outbound::council::extract;
use crate::support::council::{Council, LA, set};
use crate::support::partner::{Algorithm, Partner};

#[test]
fn a_return_that_is_near_is_an_alarm_until_it_is_picked_up() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let today = Zoned::now().with_time_zone(london()).date();
    let first = if today.month() < 4 { today.year() - 1 } else { today.year() };
    let timetable = format!(
        "year = \"{}\"\nsource = \"made up\"\n\n[[group]]\nweek = 1\nweekday = \"Monday\"\n\
         dates = [{{ relevant_month = \"{first}-04\", extract_from = \"{today}\", transfer_on = \"{}\" }}]\n\
         authorities = [[\"{LA}\", \"Blackpool\"]]\n",
        TimetableYear::beginning(first),
        today.saturating_add(3.days()),
    );
    let file = council.config.with_file_name("timetable.toml");
    fs::write(&file, timetable).unwrap();
    council.changes_settings(|settings| {
        let file = toml::Table::from_iter([("file".to_owned(), file.display().to_string().into())]);
        settings.insert("timetable".into(), toml::Value::Array(vec![file.into()]));
        let authority = settings["authority"].as_array_mut().unwrap()[0].as_table_mut().unwrap();
        set(authority, &["expect", "return_lead_days"], 10);
        for owed in authority["return"].as_array_mut().unwrap() {
            owed.as_table_mut().unwrap().insert("settle".into(), "500ms".into());
        }
    });
    council.start();
    let about = |kind: &str| format!("due-{kind}-{LA}-{first}-04");
    council.until("both are told of", |council| {
        council.is_alarmed(&about("shbe"), "CN-541") && council.is_alarmed(&about("hbms-mi"), "CN-541")
    });
    fs::write(council.returns.join("shbe/shbe.txt"), extract(LA, &today.to_string(), "")).unwrap();
    council.until("the one that is there is not", |council| !council.is_alarmed(&about("shbe"), "CN-541"));
    assert!(council.is_alarmed(&about("hbms-mi"), "CN-541"), "the other is");
    assert!(council.is_alarmed(&format!("timetable-{LA}"), "CN-546"), "and nobody knows any date after it");
    council.stops_well();
}
