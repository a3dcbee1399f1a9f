//! A machine on which everybody is in the one group there is. What groups really do is tried in `roles`.

use std::sync::Arc;

use hbcourier::domain::Role;
use hbcourier::effects::accounts::{Account, Accounts};
use hbcourier::operator::People;

const GROUP: u32 = 700;

struct Everybody;

impl Accounts for Everybody {
    fn account(&self, uid: u32) -> std::io::Result<Account> {
        Ok(Account { uid, names: vec![format!("account-{uid}")], groups: [GROUP].into() })
    }

    fn group(&self, _: &str) -> std::io::Result<Option<u32>> {
        Ok(Some(GROUP))
    }
}

/// People who all have these roles; `own` is the service's own account.
pub fn people(roles: &[Role], own: u32) -> Arc<People> {
    let group = || vec!["everybody".parse().unwrap()];
    let roles = roles.iter().map(|role| (*role, group())).collect();
    Arc::new(People::new(roles, Arc::new(Everybody), own))
}
