//! Who may order and read what: the one place where that is decided.
//!
//! In:  an order, or what is to be read, and a person's roles. Out: yes, or a [`Denial`] that says which role it takes.
//! Holds: an order without a line in the table does not compile; every order needs a role.

use std::collections::BTreeSet;
use std::fmt;

use super::people::{People, Person};
use super::{KeyOrder, Operator, Order, Refused};
use crate::domain::{Actor, ReturnOrder, Role};

/// The code of an order, or of reading, that takes a role which the account has not.
pub const NOT_ALLOWED: &str = "CN-558";
/// The code of an account that has no role at all.
pub const NO_ROLE: &str = "CN-559";

/// From each line: the kind, the orders it stands for, its command, and who may give it.
macro_rules! orders {
    ($($kind:ident: $order:pat, $command:literal, [$($role:ident),+];)+) => {
        /// What is ordered, without its particulars.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum OrderKind {
            $(#[doc = $command] $kind,)+
        }

        impl OrderKind {
            /// Every kind there is.
            pub const ALL: &[OrderKind] = &[$(OrderKind::$kind),+];

            /// The command that gives it, as people are told of it.
            pub fn command(self) -> &'static str {
                match self { $(OrderKind::$kind => $command),+ }
            }

            /// Any of these roles may give it.
            pub fn needs(self) -> &'static [Role] {
                match self { $(OrderKind::$kind => &[$(Role::$role),+]),+ }
            }
        }

        impl Order {
            /// Its kind.
            pub fn kind(&self) -> OrderKind {
                match self { $($order => OrderKind::$kind),+ }
            }
        }
    };
}

orders! {
    Retry: Order::Retry { .. }, "`hbcourier held retry`", [Operator, Releaser];
    Reject: Order::Reject { .. }, "`hbcourier held reject`", [Operator, Releaser];
    Approve: Order::Approve { .. }, "`hbcourier held approve`", [Releaser];
    Confirm: Order::Return { decision: ReturnOrder::Confirm, .. }, "`hbcourier returns confirm`", [Operator];
    Resend: Order::Return { decision: ReturnOrder::Resend, .. }, "`hbcourier returns resend`", [Operator];
    Waive: Order::Return { decision: ReturnOrder::Waive, .. }, "`hbcourier returns waive`", [Operator];
    Close: Order::CloseWorkbook { .. }, "`hbcourier returns close`", [Operator];
    Activate: Order::ActivateTimetable { .. }, "`hbcourier timetable activate`", [Operator, Admin];
    ImportKey: Order::Keys(KeyOrder::Import { .. } | KeyOrder::ImportOwn { .. }), "`hbcourier keys import`", [Keymaster];
    Trust: Order::Keys(KeyOrder::Trust { .. }), "`hbcourier keys trust`", [Keymaster];
    Retire: Order::Keys(KeyOrder::Retire { .. }), "`hbcourier keys retire`", [Keymaster];
    Except: Order::Keys(KeyOrder::Except { .. } | KeyOrder::EndException { .. }), "`hbcourier keys except`", [Keymaster];
    Generate: Order::Keys(KeyOrder::Generate { .. }), "`hbcourier keys generate`", [Keymaster];
    ReadNames: Order::ReadNames { .. }, "`hbcourier transfers names`", [Operator, Releaser, Auditor];
    PlaceHold: Order::PlaceHold { .. }, "`hbcourier legal-hold place`", [Auditor, Admin];
    LiftHold: Order::LiftHold { .. }, "`hbcourier legal-hold lift`", [Auditor, Admin];
    BackedUp: Order::BackedUp { .. }, "`hbcourier backup`", [Admin];
    SettleRestore: Order::SettleRestore { .. }, "`hbcourier restore --settled`", [Admin];
    Checkpoint: Order::Checkpoint { .. }, "`hbcourier audit checkpoint`", [Operator, Auditor, Admin];
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// What came, what is held, what is owed, keys, timetables: the day's work.
    Work,
    /// The ledger.
    Ledger,
}

impl Look {
    /// Both.
    pub const ALL: [Look; 2] = [Look::Work, Look::Ledger];

    /// Any of these roles may look.
    pub fn needs(self) -> &'static [Role] {
        match self {
            Look::Work => &Role::ALL,
            Look::Ledger => &[Role::Operator, Role::Auditor, Role::Admin],
        }
    }

    /// What it is called where people read of it.
    pub fn word(self) -> &'static str {
        match self {
            Look::Work => "read",
            Look::Ledger => "read-ledger",
        }
    }

    /// Its commands.
    pub fn commands(self) -> &'static str {
        match self {
            Look::Work => "status, lists and the like",
            Look::Ledger => "audit",
        }
    }
}

/// Whether somebody with these roles may do what needs one of those.
pub fn may(roles: &BTreeSet<Role>, needs: &[Role]) -> bool {
    needs.iter().any(|role| roles.contains(role))
}

/// Why somebody may not: what it takes, what they have, and whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    what: &'static str,
    needs: &'static [Role],
    person: String,
    has: Vec<Role>,
    ask: String,
}

impl Denial {
    fn of(what: &'static str, needs: &'static [Role], person: &Person, people: &People) -> Denial {
        let groups = needs.iter().flat_map(|role| people.roles().groups(*role));
        let groups: BTreeSet<String> = groups.map(|group| format!("`{group}`")).collect();
        let sudo = people.is_anybody_with_sudo(person.uid);
        let ask = if !people.roles().are_configured() && !sudo {
            "no group has a role yet, so only root and the service's own account may: name groups in `[roles]`"
                .to_owned()
        } else if groups.is_empty() {
            "no group has that role: name one in `[roles]`".to_owned()
        } else {
            format!("ask somebody in the group {}", either(groups))
        };
        let ask = if sudo { format!("{ask}; root and the service's own account never are") } else { ask };
        Denial {
            what,
            needs,
            person: format!("{} ({})", person.name, person.uid),
            has: person.roles.iter().copied().collect(),
            ask,
        }
    }

    /// The code under which it is recorded.
    pub fn code(&self) -> &'static str {
        if self.has.is_empty() { NO_ROLE } else { NOT_ALLOWED }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Denial { what, needs, person, has, ask } = self;
        let has = if has.is_empty() { "no role".to_owned() } else { format!("the role {}", either_word(has, "and")) };
        let (code, needs) = (self.code(), either(*needs));
        write!(f, "{code}: {what} takes the role {needs}, and the account {person} has {has}; {ask}")
    }
}

fn either(words: impl IntoIterator<Item = impl fmt::Display>) -> String {
    either_word(words, "or")
}

/// `a, b or c`
fn either_word(words: impl IntoIterator<Item = impl fmt::Display>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    match words.as_slice() {
        [one, two] => format!("{one} {last} {two}"),
        [first @ .., one, two] => format!("{}, {one} {last} {two}", first.join(", ")),
        few => few.concat(),
    }
}

impl Operator {
    /// Whether this actor may give this order.
    pub(super) fn permits(&self, actor: &Actor, order: &Order) -> Result<(), Refused> {
        let person = self.who(actor)?;
        let kind = order.kind();
        if may(&person.roles, kind.needs()) {
            return Ok(());
        }
        let what = kind.command();
        Err(Refused::NotAllowed(Denial::of(what, kind.needs(), &person, &self.people)))
    }

    /// Why this person may not look, if they may not.
    pub fn denies(&self, person: &Person, look: Look) -> Option<Denial> {
        let what = match look {
            Look::Work => "every command",
            Look::Ledger => "`hbcourier audit`",
        };
        (!may(&person.roles, look.needs())).then(|| Denial::of(what, look.needs(), person, &self.people))
    }

    fn who(&self, actor: &Actor) -> Result<Person, Refused> {
        match actor {
            // By itself the service gives no orders.
            Actor::Service => Ok(Person { uid: u32::MAX, name: "service".to_owned(), roles: BTreeSet::new() }),
            Actor::Account { uid, name } => {
                let person = self.people.who(*uid).map_err(|unknown| Refused::Unfit(unknown.to_string()))?;
                Ok(Person { name: name.clone(), ..person })
            }
        }
    }
}

#[cfg(test)]
mod tests;
