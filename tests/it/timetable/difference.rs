//! What a new timetable changes against the one before it.

use hbcourier::domain::timetable::{Difference, Group, GroupName, Timetable, Timetables};
use jiff::civil::Weekday;

use super::{date, year_2020};

fn with_groups(year: &str, change: impl FnOnce(&mut Vec<Group>)) -> Timetable {
    let mut groups = year_2020().groups().to_vec();
    change(&mut groups);
    Timetable::new(year.parse().unwrap(), year_2020().breaks().to_vec(), groups).unwrap()
}

#[test]
fn nothing_changes_against_itself_and_everybody_is_new_against_nothing() {
    let timetable = year_2020();
    assert!(Difference::between(Some(&timetable), &timetable).is_empty());
    let first = Difference::between(None, &timetable);
    assert_eq!((first.against, first.added.len(), first.dates.len()), (None, 377, 0));
}

#[test]
fn dates_and_members_that_change_are_told_apart() {
    let changed = with_groups("2020-21", |groups| {
        groups[0].hbms_mi[2].transfer_on = date("2020-06-09");
        let blackpool = groups[0].authorities.remove(0);
        groups[1].authorities.push(blackpool);
        groups[0].authorities[0].name = "Bolton Council".to_owned();
        groups[2].authorities.remove(0);
    });
    let difference = Difference::between(Some(&year_2020()), &changed);
    let one = &difference.dates[0];
    assert_eq!(
        (difference.dates.len(), one.kind.to_string().as_str(), one.relevant_month.to_string().as_str()),
        (1, "hbms-mi", "2020-06")
    );
    let days = [one.before, one.after].map(|dates| dates.unwrap().transfer_on);
    assert_eq!(days, [date("2020-06-08"), date("2020-06-09")]);
    let moved = &difference.moved[0];
    let [from, to] = [Weekday::Monday, Weekday::Tuesday].map(|weekday| GroupName { week: 1, weekday });
    assert_eq!(
        (difference.moved.len(), moved.authority.name.as_str(), moved.from, moved.to),
        (1, "Blackpool", from, to)
    );
    assert_eq!(difference.renamed[0].after, "Bolton Council");
    assert_eq!(difference.removed[0].authority.name, "Barking and Dagenham");
    assert_eq!((difference.added.len(), difference.removed.len(), difference.renamed.len()), (0, 1, 1));
    assert_eq!(Difference::between(Some(&changed), &year_2020()).added[0].authority.name, "Barking and Dagenham");
}

#[test]
fn one_that_is_taken_up_is_in_force_for_everybody_who_asks_from_then_on() {
    use hbcourier::domain::timetable::InForce;
    let in_force = InForce::from(Timetables::new([year_2020()]).unwrap());
    let (other, before) = (in_force.clone(), in_force.now());
    let changed = with_groups("2020-21", |groups| groups[0].authorities.truncate(1));
    other.take_up(changed.clone());
    let year = "2020-21".parse().unwrap();
    assert_eq!(in_force.now().year(year), Some(&changed));
    assert_eq!(before.year(year), Some(&year_2020()), "whoever was at it goes on with what it had");
}
