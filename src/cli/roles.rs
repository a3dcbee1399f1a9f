//! `hbcourier roles`: who may do what, and what the account that asks is.
//!
//! In:  the settings, and the groups of this machine as they are now. Out: one JSON document, or tables.

use serde::Serialize;

use super::output::{CliError, Exit, Output, Table, Text};
use crate::config::Settings;
use crate::daemon::people::people;
use crate::domain::Role;
use crate::operator::{Look, OrderKind, People, Person};

/// Show who may do what, by which groups, and what you are
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document {
    account: AccountRow,
    configured: bool,
    roles: Vec<RoleRow>,
    orders: Vec<Row>,
    reading: Vec<Row>,
}

#[derive(Serialize)]
struct AccountRow {
    uid: u32,
    name: String,
    roles: Vec<Role>,
}

#[derive(Serialize)]
struct RoleRow {
    role: Role,
    groups: Vec<String>,
    missing: Vec<String>,
}

/// A command, and the roles of which one is enough.
#[derive(Serialize)]
struct Row {
    command: &'static str,
    roles: &'static [Role],
}

/// Answers for the account of this number.
pub fn run(args: &Args, settings: &Settings, uid: u32, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let people = people(&settings.roles, &settings.service.state);
    let next = "See that the machine's directory of accounts answers.";
    let person = people.who(uid).map_err(|unknown| CliError::new(Exit::CouldNot, format!("{unknown}."), next))?;
    let missing = people
        .missing_groups()
        .map_err(|error| CliError::new(Exit::CouldNot, format!("The groups could not be looked up: {error}."), next))?;
    let role = |role: Role| RoleRow {
        role,
        groups: people.roles().groups(role).iter().map(ToString::to_string).collect(),
        missing: missing
            .iter()
            .filter(|group| people.roles().groups(role).contains(group))
            .map(ToString::to_string)
            .collect(),
    };
    let document = Document {
        account: AccountRow { uid, name: person.name.clone(), roles: person.roles.iter().copied().collect() },
        configured: people.roles().are_configured(),
        roles: Role::ALL.map(role).into(),
        orders: OrderKind::ALL.iter().map(|kind| Row { command: typed(kind.command()), roles: kind.needs() }).collect(),
        reading: Look::ALL.map(|look| Row { command: look.commands(), roles: look.needs() }).into(),
    };
    out.answer(args.json, &document, |text| write_text(&document, &person, &people, text))?;
    Ok(Exit::Yes)
}

/// Without the marks and the program's name.
fn typed(command: &'static str) -> &'static str {
    let command = command.trim_matches('`');
    command.strip_prefix("hbcourier ").unwrap_or(command)
}

fn write_text(document: &Document, person: &Person, people: &People, text: &mut Text) {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.word()).collect();
    let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    text.line(format_args!("You are {} ({}): {roles}.", person.name, person.uid));
    text.gap();
    if !document.configured {
        text.line("No group has a role: root and the service's own account may do everything that takes one person.");
        text.line("Name groups in [roles] of the configuration for others.");
    } else {
        let mut table = Table::new(["Role", "Groups"]);
        for row in &document.roles {
            let group = |group: &String| match row.missing.contains(group) {
                true => format!("{group} (not on this machine)"),
                false => group.clone(),
            };
            let groups: Vec<String> = row.groups.iter().map(group).collect();
            table.row([row.role.to_string(), if groups.is_empty() { "-".to_owned() } else { groups.join(", ") }]);
        }
        text.table(&table);
        let keys = if people.roles().is_named(Role::Keymaster) { "" } else { ", keymaster" };
        text.gap();
        text.line(format_args!(
            "Root and the service's own account are viewer, operator, auditor, admin{keys}; never releaser."
        ));
    }
    text.gap();
    let [viewer, operator, releaser, auditor, keymaster, admin] = Role::ALL.map(Role::word);
    let mut table = Table::new(["Command", viewer, operator, releaser, auditor, keymaster, admin]);
    for Row { command, roles } in document.reading.iter().chain(&document.orders) {
        let mark = |role| if roles.contains(&role) { "x" } else { "" }.to_owned();
        let [viewer, operator, releaser, auditor, keymaster, admin] = Role::ALL.map(mark);
        table.row([(*command).to_owned(), viewer, operator, releaser, auditor, keymaster, admin]);
    }
    text.table(&table);
}
