//! A timetable as a file: the form in which an operator writes one, with remarks.
//!
//! In:  a timetable. Out: TOML that reads back as the same timetable.

use std::fmt::Write;

use crate::domain::timetable::{Group, Timetable};

/// Renders the timetable. `source` is the document it was taken from; `remarks` become comments at its head.
pub fn render(timetable: &Timetable, source: &str, remarks: &[String]) -> String {
    let mut text = String::new();
    for remark in remarks {
        let line = format!("# {}", remark.replace(['\n', '\r'], " "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let quoted = |value: &dyn ToString| toml::Value::String(value.to_string()).to_string();
    let breaks: Vec<String> = timetable.breaks().iter().map(|date| quoted(date)).collect();
    let _ = write!(
        text,
        "\nyear = {}\nsource = {}\n\n# Weeks commencing, without transfers.\nbreaks = [{}]\n",
        quoted(&timetable.year()),
        quoted(&source),
        breaks.join(", ")
    );
    for group in timetable.groups() {
        let _ = write!(text, "\n[[group]]\nweek = {}\nweekday = \"{}\"\n", group.name.week, group.name.day());
        dates(group, &mut text);
        text.push_str("authorities = [\n");
        for authority in &group.authorities {
            let _ = writeln!(text, "  [{}, {}],", quoted(&authority.number), quoted(&authority.name));
        }
        text.push_str("]\n");
    }
    text
}

fn dates(group: &Group, text: &mut String) {
    let shbe = group.shbe.iter().map(|date| (date.relevant_month, date.transfer_on));
    let mi = group.hbms_mi.iter().map(|date| (date.relevant_month, date.transfer_on));
    let same = shbe.eq(mi);
    let _ = writeln!(text, "{} = [", if same { "dates" } else { "shbe" });
    for date in &group.shbe {
        let _ = writeln!(
            text,
            "  {{ relevant_month = \"{}\", extract_from = \"{}\", transfer_on = \"{}\" }},",
            date.relevant_month, date.extract_from, date.transfer_on
        );
    }
    text.push_str("]\n");
    if same {
        return;
    }
    text.push_str("hbms_mi = [\n");
    for date in &group.hbms_mi {
        let (month, transfer_on) = (date.relevant_month, date.transfer_on);
        let _ = writeln!(text, "  {{ relevant_month = \"{month}\", transfer_on = \"{transfer_on}\" }},");
    }
    text.push_str("]\n");
}
