//! The program's command line as a whole.

mod ending;
mod timetables;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use jiff::civil::Date;

use self::ending::{answer, done, fault};
use self::timetables::timetables_and_recorded;
use super::output::{CliError, Exit, Output};
use super::reading::Reading;
use super::setup::RecordedKeys;
use super::{
    audit, backup, check, deadline, demo, doctor, expectations, for_others, held, identify, init, keys, legal_hold,
    man, migrate, order, orders, packs, restore, retention, returns, risk, roles, run, selftest, shbe, status,
    timetable, transfers, unit,
};
use crate::config::{self, Settings};
use crate::daemon::control::Asker;
use crate::daemon::health::ServiceStatus;
use crate::daemon::keys::{key_ring, key_ring_by};
use crate::daemon::{Configuration, build};
use crate::domain::authorities::Authorities;
use crate::domain::timetable::Timetables;
use crate::domain::{LaNumber, ReturnOrder, RiskProfile};
use crate::effects::clock::{Clock, MachineClock, london};
use crate::effects::privilege::as_owner_of;
use crate::operator::Order;
use crate::store::{Queries, SqliteQueries, SqliteStore};

/// Carries Housing Benefit files between a local authority and DWP, unattended, and can prove what it did
#[derive(Debug, Parser)]
#[command(name = "hbcourier", version, propagate_version = true)]
pub struct Cli {
    /// The configuration
    #[arg(long, global = true, value_name = "FILE", env = "HBCOURIER_CONFIG", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// Where the running service listens, for reading where the configuration is closed to this account
    #[arg(long, global = true, value_name = "PATH", env = "HBCOURIER_SOCKET", default_value = DEFAULT_SOCKET)]
    socket: PathBuf,
    #[command(subcommand)]
    pub(super) command: Command,
    /// What the service knows, where it carries this out for somebody else.
    #[arg(skip)]
    given: Option<Given>,
}

const DEFAULT_CONFIG: &str = "/etc/hbcourier/hbcourier.toml";
const DEFAULT_SOCKET: &str = "/run/hbcourier/control.sock";

/// By what a command goes that the service carries out for somebody else.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) settings: Settings,
    pub(super) asker: Asker,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Demo(demo::Args),
    Init(init::Args),
    Check(check::Args),
    Doctor(doctor::Args),
    Run(run::Args),
    Migrate(migrate::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Status(status::Args),
    Deadline(deadline::Args),
    Transfers(transfers::Args),
    Held(held::Args),
    Returns(returns::Args),
    LegalHold(legal_hold::Args),
    Retention(retention::Args),
    Packs(packs::Args),
    Roles(roles::Args),
    Timetable(timetable::Args),
    Expectations(expectations::Args),
    Keys(keys::Args),
    Audit(audit::Args),
    Risk(risk::Args),
    Identify(identify::Args),
    Shbe(shbe::Args),
    Selftest(selftest::Args),
    /// Print what a shell needs to complete this program's commands
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    Man(man::Args),
    Unit(unit::Args),
}

/// Runs the program on its arguments.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, with status 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut out = Output::stdout();
    match cli.done_by(&args, &mut out) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("{error}");
            error.exit.into()
        }
    }
}

impl Cli {
    /// Here, or by the running service where this account may not read what the command reads.
    fn done_by(self, args: &[OsString], out: &mut Output<'_>) -> Result<Exit, CliError> {
        if for_others::look(&self.command).is_some()
            && let Some(socket) = for_others::closed(&self.config, &self.socket)
        {
            let args: Vec<String> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
            return for_others::hand_over(&socket, &args);
        }
        self.run(&mut std::io::stdout(), out)
    }

    /// For somebody else, by what the service knows.
    pub(super) fn by(self, given: Given) -> Cli {
        Cli { given: Some(given), ..self }
    }

    pub(super) fn run(self, stdout: &mut dyn std::io::Write, out: &mut Output<'_>) -> Result<Exit, CliError> {
        match &self.command {
            Command::Demo(args) => demo::run(args, &bundled()?, out),
            Command::Init(args) => {
                let timetables = bundled()?;
                let name = |la: &LaNumber| timetables.authority(la).map(|authority| authority.name.clone());
                done(init::run(args, &name, &RecordedKeys, stdout), |error| match error {
                    init::InitError::UnknownAuthority(_)
                    | init::InitError::NotEmpty(_)
                    | init::InitError::System(init::system::SystemFault::IsSetUp(_)) => 2,
                    _ => 3,
                })
            }
            Command::Check(args) => self.check(args, out),
            Command::Doctor(args) => {
                let settings = self.settings()?;
                let tried = selftest::probes(&settings, &self.config);
                self.probing(&settings, |subjects, store| doctor::run(args, subjects, store, tried, out))
            }
            Command::Migrate(args) => migrate::run(args, &self.settings()?, out),
            Command::Backup(args) => backup::run(args, &self.config, &self.settings()?, out),
            Command::Restore(args) => restore::run(args, &|| self.settings(), out),
            Command::Run(args) => {
                let load = || config::load(&self.config).map_err(|problems| problems.to_string());
                let configuration = Configuration { path: &self.config, load: &load };
                run::run(args, self.settings()?, &configuration, out)
            }
            Command::Status(args) => match self.settings() {
                Ok(_) => self.reading(|reading| status::run(args, reading, out)),
                Err(fault) => Err(status::without_settings(fault, order::service_status(&self.socket).as_ref())),
            },
            Command::Deadline(args) => self.deadline(args, out),
            Command::Transfers(transfers::Args { command: transfers::Command::Names(args) }) => {
                transfers::names(args, &self.settings()?, out)
            }
            Command::Transfers(args) => self.reading(|reading| transfers::run(args, reading, out)),
            Command::LegalHold(args) => self.legal_hold(&args.command, out),
            Command::Retention(args) => self.reading(|reading| retention::run(args, reading, out)),
            Command::Held(args) => self.held(args, out),
            Command::Keys(args) => self.keys(args, out),
            Command::Returns(args) => self.returns(args, stdout, out),
            Command::Packs(packs::Args { command: packs::Command::Volumes(args) }) => {
                self.reading(|reading| packs::volumes(args, reading, out))
            }
            Command::Packs(packs::Args { command: packs::Command::Rules(args) }) => packs::rules(args, out),
            Command::Timetable(args) => self.timetable(&args.command, stdout, out),
            Command::Roles(args) => roles::run(args, &self.settings()?, self.asker(), out),
            Command::Expectations(args) => self.reading(|reading| expectations::run(args, reading, out)),
            Command::Audit(args) => {
                audit::run(args, &audit::Live::by(&|| self.settings(), self.given.is_some()), stdout, out)
            }
            Command::Risk(args) => {
                let received = |authority: &LaNumber, file: &Path| {
                    let settings = self.settings()?;
                    let store = store(&settings)?;
                    risk::earlier(file, authority, &store, &in_force(&settings, &store)?)
                };
                risk::run(args, self.risk_profile()?.as_ref(), &received, out)
            }
            Command::Identify(args) => answer(identify::run(args, stdout), |_| 3),
            Command::Shbe(args) => self.shbe(args, out),
            Command::Selftest(args) => selftest::run(args, &self.settings()?, &self.config, out),
            Command::Completions { shell } => {
                clap_complete::generate(*shell, &mut Cli::command(), "hbcourier", stdout);
                Ok(Exit::Yes)
            }
            Command::Man(args) => done(man::run(args, Cli::command(), stdout), |_| 3),
            Command::Unit(args) => done(unit::run(args, &self.settings()?, stdout), |_| 3),
        }
    }

    /// The number of the account that asks.
    fn asker(&self) -> u32 {
        self.given.as_ref().map_or_else(|| rustix::process::getuid().as_raw(), |given| given.asker.uid)
    }

    fn settings(&self) -> Result<Settings, CliError> {
        if let Some(given) = &self.given {
            return Ok(given.settings.clone());
        }
        config::load(&self.config).map_err(|problems| CliError {
            exit: Exit::Config,
            says: format!("The configuration {} is wrong:\n{problems}", self.config.display()),
            next: None,
        })
    }

    /// The settings, unless there is no configuration and none was named.
    fn settings_if_any(&self) -> Result<Option<Settings>, CliError> {
        if self.is_without_configuration() {
            return Ok(None);
        }
        self.settings().map(Some)
    }

    /// Answers from the store, the keys and the running service, if one runs.
    fn reading(&self, answer: impl FnOnce(&Reading<'_>) -> Result<Exit, CliError>) -> Result<Exit, CliError> {
        let service = |settings: &Settings| match &self.given {
            Some(given) => Some(given.asker.status.clone()),
            None => order::service_status(&settings.service.control_socket),
        };
        self.reading_with(service, answer)
    }

    /// Answers from the store and the keys, and what is known of the service in this way.
    fn reading_with(
        &self,
        service: impl FnOnce(&Settings) -> Option<ServiceStatus>,
        answer: impl FnOnce(&Reading<'_>) -> Result<Exit, CliError>,
    ) -> Result<Exit, CliError> {
        let settings = self.settings()?;
        let store = store(&settings)?;
        let timetables = in_force(&settings, &store)?;
        let service = service(&settings);
        answer(&Reading {
            settings: &settings,
            queries: &store,
            keys: &key_ring_by(&settings, &store).map_err(|error| fault(3, &error))?,
            timetables: &timetables,
            service: service.as_ref(),
            now: MachineClock.now(),
        })
    }

    /// What keeps the service from starting must not keep this from telling of it.
    fn deadline(&self, args: &deadline::Args, out: &mut Output<'_>) -> Result<Exit, CliError> {
        let settings = match self.settings() {
            Ok(settings) => settings,
            Err(fault) => return deadline::without_settings(args, &self.config, fault, out),
        };
        let way = deadline::keep_way(&settings);
        let mut is_open = false;
        // It asks the service itself, which may hang.
        let told = self.reading_with(
            |_| None,
            |reading| {
                is_open = true;
                deadline::run(args, reading, &way, out)
            },
        );
        match told {
            Err(fault) if !is_open => deadline::without_store(args, &way, fault, out),
            told => told,
        }
    }

    fn check(&self, args: &check::Args, out: &mut Output<'_>) -> Result<Exit, CliError> {
        let settings = match config::load(&self.config) {
            Ok(settings) => settings,
            Err(problems) if args.json => return check::refuse(&problems, out),
            Err(_) => self.settings()?,
        };
        self.probing(&settings, |subjects, _| check::run(args, subjects, out))
    }

    /// Tries what the service will need as its account would.
    fn probing(
        &self,
        settings: &Settings,
        probe: impl FnOnce(&check::Subjects<'_>, Option<&SqliteQueries>) -> Result<Exit, CliError>,
    ) -> Result<Exit, CliError> {
        let _acting = as_owner_of(&settings.service.state).map_err(|error| fault(3, &error))?;
        // Before the first start there is no store; that is no fault.
        let store = SqliteStore::read_only(&settings.service.state).ok();
        let timetables = match &store {
            Some(store) => in_force(settings, store)?,
            None => build::timetables(&settings.timetables).map_err(|fault| run::not_started(&fault))?,
        };
        let keys = match &store {
            Some(store) => key_ring_by(settings, store).map_err(|error| fault(3, &error))?,
            None => key_ring(settings),
        };
        let subjects = check::Subjects {
            settings,
            keys: &keys,
            couriers: &build::couriers(settings),
            timetables: &timetables,
            authorities: &authorities(Some(settings))?,
            queries: store.as_ref().map(|store| store as &dyn Queries),
            now: MachineClock.now(),
        };
        probe(&subjects, store.as_ref())
    }

    fn legal_hold(&self, command: &legal_hold::Command, out: &mut Output<'_>) -> Result<Exit, CliError> {
        match command {
            legal_hold::Command::List(args) => self.reading(|reading| legal_hold::list(args, reading, out)),
            legal_hold::Command::Place(args) => {
                legal_hold::order(args, &self.settings()?, |on, by, reason| Order::PlaceHold { on, by, reason }, out)
            }
            legal_hold::Command::Lift(args) => {
                legal_hold::order(args, &self.settings()?, |on, by, reason| Order::LiftHold { on, by, reason }, out)
            }
        }
    }

    fn held(&self, args: &held::Args, out: &mut Output<'_>) -> Result<Exit, CliError> {
        let settings = self.settings()?;
        let now = held::Now { at: MachineClock.now(), policy: settings.digest };
        match &args.command {
            held::Command::List(args) => held::list(args, &store(&settings)?, now, out),
            held::Command::Show(args) => held::show(args, &store(&settings)?, now, out),
            held::Command::Retry(args) => orders::retry(args, &settings, out),
            held::Command::Approve(args) => orders::approve(args, &settings, out),
            held::Command::Reject(args) => orders::reject(args, &settings, out),
        }
    }

    fn returns(
        &self,
        args: &returns::Args,
        stdout: &mut dyn std::io::Write,
        out: &mut Output<'_>,
    ) -> Result<Exit, CliError> {
        let settings = self.settings()?;
        let ask = |answer: &mut dyn FnMut(&SqliteQueries) -> Result<(), returns::ReturnsFault>| {
            done(answer(&store(&settings)?), |error| error.exit_status())
        };
        match &args.command {
            returns::Command::List(args) => ask(&mut |store| returns::list(args, store, today(), stdout)),
            returns::Command::Show(args) => ask(&mut |store| returns::show(args, store, today(), stdout)),
            returns::Command::Confirm(args) => orders::decide(ReturnOrder::Confirm, args, &settings, out),
            returns::Command::Resend(args) => orders::decide(ReturnOrder::Resend, args, &settings, out),
            returns::Command::Waive(args) => orders::decide(ReturnOrder::Waive, args, &settings, out),
            returns::Command::Compliance(args) => self.reading(|reading| {
                let numbers: Vec<LaNumber> = settings.authorities.iter().map(|one| one.number.clone()).collect();
                let page = returns::compliance(args, &numbers, reading.timetables, reading.queries, today(), stdout);
                done(page, |error| error.exit_status())
            }),
            returns::Command::Close(args) => orders::close(args, &settings, out),
        }
    }

    fn keys(&self, args: &keys::Args, out: &mut Output<'_>) -> Result<Exit, CliError> {
        match &args.command {
            keys::Command::List(args) => self.reading(|reading| keys::list(args, reading, out)),
            keys::Command::Check(args) => self.reading(|reading| keys::check(args, reading, out)),
            keys::Command::Import(args) if args.dry_run => self.reading(|reading| keys::look_at(args, reading, out)),
            keys::Command::Import(args) => keys::import(args, &self.settings()?, out),
            keys::Command::Generate(args) => keys::generate(args, &self.settings()?, out),
            keys::Command::Trust(args) => keys::trust(args, &self.settings()?, out),
            keys::Command::Retire(args) => keys::retire(args, &self.settings()?, out),
            keys::Command::Except(args) => keys::except(args, &self.settings()?, out),
        }
    }

    /// Risk data can be looked at without any configuration: then nothing is known of their columns.
    fn risk_profile(&self) -> Result<Option<RiskProfile>, CliError> {
        Ok(self.settings_if_any()?.and_then(|settings| settings.risk))
    }

    /// An extract can be checked without any configuration: then nothing is known of other months.
    fn shbe(&self, args: &shbe::Args, out: &mut Output<'_>) -> Result<Exit, CliError> {
        let settings = self.settings_if_any()?;
        let (timetables, _) = timetables_and_recorded(settings.as_ref())?;
        let store = settings.as_ref().and_then(|settings| SqliteStore::read_only(&settings.service.state).ok());
        let store = store.as_ref().map(|store| store as &dyn Queries);
        let policy = settings.as_ref().map(|settings| settings.shbe.clone()).unwrap_or_default();
        let risk = settings.as_ref().and_then(|settings| settings.risk.as_ref());
        shbe::run(args, &shbe::Setting { policy, timetables, risk, store }, out)
    }

    /// The timetable can be asked without any configuration: then nothing is known of what was sent.
    fn is_without_configuration(&self) -> bool {
        self.given.is_none() && !self.config.exists() && self.config == Path::new(DEFAULT_CONFIG)
    }
}

fn in_force(settings: &Settings, queries: &dyn Queries) -> Result<Timetables, CliError> {
    build::timetables_in_force(&settings.timetables, queries).map_err(|fault| run::not_started(&fault))
}

fn authorities(settings: Option<&Settings>) -> Result<Authorities, CliError> {
    let file = settings.and_then(|settings| settings.service.authorities.as_ref());
    config::authorities::authorities(file).map_err(|fault| CliError::of(Exit::Config, &fault))
}

fn bundled() -> Result<Timetables, CliError> {
    build::timetables(&[]).map_err(|fault| run::not_started(&fault))
}

fn store(settings: &Settings) -> Result<SqliteQueries, CliError> {
    SqliteStore::read_only(&settings.service.state).map_err(|error| fault(3, &error))
}

fn today() -> Date {
    MachineClock.now().to_zoned(london()).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
