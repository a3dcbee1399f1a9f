use jiff::ToSpan;

use super::*;

const MONDAY: Date = Date::constant(2020, 4, 6);
const TUESDAY: Date = Date::constant(2020, 4, 7);

fn matter(about: &str, code: &str) -> Matter {
    Matter { about: about.into(), code: code.into(), says: "It is.".into(), next: "Mend it.".into() }
}

/// The moment of a run, counted in quarters of an hour.
fn run(number: i64) -> Timestamp {
    "2020-04-06T00:00:00Z".parse::<Timestamp>().unwrap() + (number * 15).minutes()
}

/// One run on that day, whose mail is taken or not: how many are told of, and how many as over.
fn runs(memory: &mut Memory, matters: &[Matter], today: Date, number: i64, is_taken: bool) -> (usize, usize) {
    let now = run(number);
    let new: Vec<&Matter> = matters.iter().filter(|matter| memory.is_news(matter, today, now)).collect();
    let over: Vec<String> = memory.over(matters, today, now).into_iter().map(str::to_owned).collect();
    let counts = (new.len(), over.len());
    if counts != (0, 0) {
        let about = new.iter().map(|matter| matter.about.as_str()).chain(over.iter().map(String::as_str));
        let tried = memory.tried(about, today, now);
        *memory = if is_taken { tried.taken(new.into_iter(), over.iter().map(String::as_str), today) } else { tried };
    }
    counts
}

#[test]
fn a_matter_is_told_once_a_day_until_it_is_over() {
    let (mut memory, down) = (Memory::default(), [matter("service", "CN-562")]);
    assert_eq!(runs(&mut memory, &down, MONDAY, 0, true), (1, 0));
    assert_eq!(runs(&mut memory, &down, MONDAY, 1, true), (0, 0));
    assert_eq!(runs(&mut memory, &down, TUESDAY, 96, true), (1, 0));
    assert_eq!(runs(&mut memory, &[matter("service", "CN-563")], TUESDAY, 97, true), (1, 0), "another code is news");
    assert_eq!(runs(&mut memory, &[], TUESDAY, 98, true), (0, 1));
    assert_eq!(runs(&mut memory, &[], TUESDAY, 99, true), (0, 0));
}

#[test]
fn what_comes_and_goes_all_day_is_mailed_a_few_times() {
    let (mut memory, down) = (Memory::default(), [matter("service", "CN-562")]);
    let mails: Vec<(usize, usize)> = (0..96)
        .map(|number| runs(&mut memory, if number % 2 == 0 { &down } else { &[] }, MONDAY, number, true))
        .filter(|told| *told != (0, 0))
        .collect();
    assert_eq!(mails, [(1, 0), (0, 1), (1, 0)], "down, well again, and down, which then stays the last word");
    assert_eq!(runs(&mut memory, &[], TUESDAY, 96, true), (0, 1), "its end is told on the next day");
}

#[test]
fn codes_that_alternate_all_day_are_capped() {
    let mut memory = Memory::default();
    let code = |number: i64| [matter("service", if number % 2 == 0 { "CN-562" } else { "CN-563" })];
    let mails: usize = (0..96).map(|number| runs(&mut memory, &code(number), MONDAY, number, true).0).sum();
    assert_eq!(mails, 3);
}

#[test]
fn a_mail_that_is_not_taken_is_tried_again_ever_less_often_and_told_in_the_end() {
    let (mut memory, down) = (Memory::default(), [matter("service", "CN-562")]);
    let tries: usize = (0..20).map(|number| runs(&mut memory, &down, MONDAY, number, false).0).sum();
    assert_eq!(tries, 8, "four at once, and four of the four hours after");
    assert_eq!(runs(&mut memory, &[], MONDAY, 20, true), (0, 0), "nobody was told, so its end is nothing to tell");
    assert_eq!(runs(&mut memory, &down, MONDAY, 24, true), (1, 0));
    assert_eq!(runs(&mut memory, &down, MONDAY, 25, true), (0, 0));
}
