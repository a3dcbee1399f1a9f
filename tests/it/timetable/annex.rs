//! Reads an annex of the circular as printed: a list of dates and a list of authorities that share the page.
//!
//! Knows nothing of the product's timetable files, so that the two can be held against each other.

use jiff::civil::Date;

/// One group as printed.
#[derive(Debug, Default)]
pub struct PrintedGroup {
    /// Annex D only.
    pub week: Option<u8>,
    pub weekday: String,
    /// Month as printed (`Apr-20`) and the dates beside it, each once.
    pub rows: Vec<(String, Vec<Date>)>,
    /// Number and name as printed.
    pub authorities: Vec<(String, String)>,
    /// The numbers of the subtotal line under the group, if there is one.
    pub subtotals: Vec<usize>,
}

/// Every group of the annex, in the order of the page.
pub fn read(text: &str) -> Vec<PrintedGroup> {
    let mut groups: Vec<PrintedGroup> = Vec::new();
    let is_heading = |line: &&str| line.ends_with("Local Authority number");
    for line in text.lines().skip_while(|line| !is_heading(line)).skip(1) {
        // Splits at no-break spaces too, which fill the annex's empty cells.
        let mut words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        let numbers: Option<Vec<usize>> = words.iter().map(|word| word.parse().ok()).collect();
        if let Some(subtotals) = numbers {
            groups.last_mut().unwrap().subtotals = subtotals;
            continue;
        }
        let week = (words[0] == "Week").then(|| words.drain(..2).nth(1).unwrap().parse().unwrap());
        if ["Monday", "Tuesday", "Wednesday", "Thursday"].contains(&words[0]) {
            let (weekday, month) = (words.remove(0), words.remove(0));
            if groups.last().is_none_or(|group| group.weekday != weekday) {
                groups.push(PrintedGroup { week, weekday: weekday.to_owned(), ..PrintedGroup::default() });
            }
            let dates = words.iter().take_while(|word| word.contains('/')).count();
            let row = (month.to_owned(), words.drain(..dates).map(day_first).collect());
            let rows = &mut groups.last_mut().unwrap().rows;
            // The last row is repeated where there are more authorities than dates.
            if rows.last() != Some(&row) {
                rows.push(row);
            }
        }
        if let Some(number) = words.pop() {
            groups.last_mut().unwrap().authorities.push((number.to_owned(), words.join(" ")));
        }
    }
    groups
}

/// `14/04/2020`
fn day_first(text: &str) -> Date {
    let pieces: Vec<i16> = text.split('/').map(|piece| piece.parse().unwrap()).collect();
    jiff::civil::date(pieces[2], pieces[1] as i8, pieces[0] as i8)
}
