//! The year goes by: from one moment at which something happens to the next.
//!
//! In:  a plan, and the installation it is played on. Out: the account of the year, and where every return stands at its end.
//! Holds: while the service runs it is asked for a round whenever it wants one, at every moment of the plan, and each day;
//! while it does not, nobody asks.

use jiff::{Timestamp, ToSpan};

use super::account::{Account, Happened};
use super::could_not;
use super::installation::Installation;
use super::plan::{Moment, Plan};
use crate::cli::output::CliError;
use crate::domain::Submission;
use crate::store::SubmissionFilter;

/// Rounds of one simulation; a year of 32 authorities takes some thousands.
const ROUNDS_MAX: usize = 100_000;

/// A year that has been played.
pub(super) struct Played {
    /// What happened, in order.
    pub(super) happened: Vec<Happened>,
    /// Every return as it stands at the end; none if the service does not run then.
    pub(super) returns: Vec<Submission>,
}

/// Plays it.
pub(super) fn play(plan: &Plan) -> Result<Played, CliError> {
    let mut stage = Play { account: Account::of(&plan.obligations()), installation: Installation::lay_out(plan)? };
    let mut to_come = plan.moments.iter().peekable();
    for _ in 0..ROUNDS_MAX {
        let now = stage.installation.now();
        while let Some((at, moment)) = to_come.next_if(|(at, _)| *at <= now) {
            stage.happens(*at, moment)?;
        }
        if now >= plan.ends {
            return stage.end();
        }
        let wanted = stage.round()?;
        let planned = to_come.peek().map(|(at, _)| *at);
        let next = [wanted, planned].into_iter().flatten().fold(now + 24.hours(), Timestamp::min);
        // A service that wants to go on at once is let wait a second, so that time passes.
        stage.installation.advance_to(next.max(now + 1.second()).min(plan.ends));
    }
    Err(could_not("come to the end of the year", &format_args!("it took more than {ROUNDS_MAX} rounds")))
}

struct Play {
    account: Account,
    installation: Installation,
}

impl Play {
    fn happens(&mut self, at: Timestamp, moment: &Moment) -> Result<(), CliError> {
        let running = self.installation.queries().is_some();
        match moment {
            Moment::ServiceStarts if running => Ok(()),
            Moment::ServiceStarts => {
                self.installation.start()?;
                self.read()
            }
            Moment::ServiceStops => {
                self.installation.note_stop()?;
                self.read()?;
                self.installation.end();
                Ok(())
            }
            Moment::FilePut(key) => {
                let replaced = self.installation.leave_file(key)?;
                let taken_out = if replaced { ", and take out what still lay there" } else { "" };
                let down = if running { "" } else { " The service does not run." };
                self.account.tell(at, moment, &format!("Officers leave the file in its folder{taken_out}.{down}"));
                Ok(())
            }
            Moment::ClocksChange { forward } => {
                let says = if *forward {
                    "The clocks in London go forward: 01:00 is 02:00."
                } else {
                    "The clocks in London go back: 02:00 is 01:00."
                };
                self.account.tell(at, moment, says);
                Ok(())
            }
            Moment::KeyExpires => {
                self.account.tell(at, moment, "DWP's certificate expires: from now on nothing can be sealed to it.");
                Ok(())
            }
        }
    }

    fn round(&mut self) -> Result<Option<Timestamp>, CliError> {
        let wanted = self.installation.tick()?;
        self.read()?;
        Ok(wanted)
    }

    fn read(&mut self) -> Result<(), CliError> {
        self.installation.queries().map_or(Ok(()), |store| self.account.read(store).map_err(CliError::from))
    }

    fn end(self) -> Result<Played, CliError> {
        let store = self.installation.queries();
        let returns = store.map_or(Ok(Vec::new()), |store| store.submissions(&SubmissionFilter::default()))?;
        Ok(Played { happened: self.account.close(), returns })
    }
}
