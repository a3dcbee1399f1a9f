//! `hbcourier init`: a working set-up in a new folder.
//!
//! In:  a folder, an LA number that the timetable knows, perhaps the partner's certificate.
//! Out: folders, a complete configuration, keys of our own, our certificate to give away.
//! Holds: nothing is put into a folder that holds anything; `state` is for its owner alone.
//! `init --system` sets up the machine instead: see [`system`].

mod ground;
pub mod system;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use crate::config::{self, Problems};
use crate::domain::checkpoint::Vkey;
use crate::domain::{Fingerprint, LaNumber, PartnerName};

/// Who is served may look and deliver; everybody else stays out.
const FOLDER_MODE: u32 = 0o750;
const STATE_MODE: u32 = 0o700;
const CONFIG_MODE: u32 = 0o640;
const CERTIFICATE_MODE: u32 = 0o644;
/// A certificate with very many signatures is still smaller.
const CERTIFICATE_BYTES_MAX: u64 = 1 << 20;
/// The partner that every set-up begins with.
const PARTNER: &str = "dwp";

/// Lay out a working set-up in a new folder, or on this machine
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder; it must be empty or not be there yet
    #[arg(required_unless_present = "system", conflicts_with = "system")]
    pub dir: Option<PathBuf>,
    /// Where the set-up goes on this machine.
    #[command(flatten)]
    pub system: system::Where,
    /// The number DWP knows the authority by, such as 12302
    #[arg(long, value_name = "NUMBER")]
    pub authority: LaNumber,
    /// DWP's certificate, to be trusted from now on. Compare its fingerprint by another way first
    #[arg(long, value_name = "FILE")]
    pub partner_cert: Option<PathBuf>,
    /// Print the paths as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// The name of the authority with this number, if the timetable has it.
pub type IsKnown<'a> = &'a dyn Fn(&LaNumber) -> Option<String>;

/// What makes and keeps keys below `state`.
pub trait KeyMaking {
    /// A key of our own.
    fn generate(&self, state: &Path, user_id: &str) -> Result<OwnCertificate, KeyFault>;
    /// The key of the ledger, by this name; its public half.
    fn ledger(&self, state: &Path, name: &str) -> Result<Vkey, KeyFault>;
    /// Trusts exactly this certificate for the partner.
    fn trust(&self, state: &Path, partner: &PartnerName, certificate: &[u8]) -> Result<(), KeyFault>;
}

/// Whatever went wrong with a key.
pub type KeyFault = Box<dyn std::error::Error + Send + Sync>;

/// A key of our own, as others see it.
#[derive(Clone, Debug)]
pub struct OwnCertificate {
    /// The primary key's.
    pub fingerprint: Fingerprint,
    /// The certificate, armoured.
    pub armoured: Vec<u8>,
}

/// What was laid out, as `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Laid {
    /// The configuration.
    pub config: PathBuf,
    /// Store, spool, archive, own secret keys.
    pub state: PathBuf,
    /// Where the authority's files arrive.
    pub drop: PathBuf,
    /// Holds `laid`, `hbms` and `risk`.
    pub backoffice: PathBuf,
    /// Holds `shbe` and `hbms-mi`.
    pub returns: PathBuf,
    /// Where sealed returns are put.
    pub outgoing: PathBuf,
    /// Own certificate, to give to DWP.
    pub own_cert: PathBuf,
    /// Its fingerprint.
    pub own_fingerprint: Fingerprint,
    /// The ledger's public key, to give to auditors.
    pub ledger_vkey: PathBuf,
    /// What it says.
    pub vkey: Vkey,
}

impl Laid {
    /// Where everything is, in the words in which people are told.
    fn places(&self) -> [(&'static str, &PathBuf); 7] {
        [
            ("configuration", &self.config),
            ("state", &self.state),
            ("files arrive in", &self.drop),
            ("and go to", &self.backoffice),
            ("returns lie in", &self.returns),
            ("and go to", &self.outgoing),
            ("own certificate", &self.own_cert),
        ]
    }
}

/// Why there is no set-up, or not a whole one.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Nobody has this number.
    #[error("no authority in the timetable has the LA number {0}; `hbcourier timetable list` prints those there are")]
    UnknownAuthority(LaNumber),
    /// It holds something.
    #[error("{} is not empty; name a folder that is empty or not there yet", .0.display())]
    NotEmpty(PathBuf),
    /// A configuration is text.
    #[error("{} cannot be written in a configuration, as it is not UTF-8; name another folder", .0.display())]
    NotUtf8(PathBuf),
    /// The partner's certificate could not be read. Nothing has been laid out.
    #[error("could not read the partner's certificate {}; check the path", path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A folder or file could not be made.
    #[error("could not make {}; put that right, empty the folder and run `hbcourier init` again", path.display())]
    Make {
        /// Which folder or file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What was written does not load.
    #[error("the configuration that was written is refused; choose another folder:\n{0}")]
    Refused(Problems),
    /// No key.
    #[error("could not make keys below {}; put that right, empty the folder and run `hbcourier init` again", state.display())]
    Keys {
        /// Where.
        state: PathBuf,
        /// Why not.
        #[source]
        source: KeyFault,
    },
    /// All is laid out but for the trust.
    #[error(
        "the set-up is complete, but the certificate {} is not trusted; ask {PARTNER} for the right one, then run `hbcourier --config {} keys trust {PARTNER} FILE --fingerprint FPR`", certificate.display(), config.display()
    )]
    NotTrusted {
        /// Which file.
        certificate: PathBuf,
        /// The configuration that was laid out.
        config: PathBuf,
        /// Why not.
        #[source]
        source: KeyFault,
    },
    /// The machine cannot be set up.
    #[error(transparent)]
    System(#[from] system::SystemFault),
    /// Standard output is closed, or full.
    #[error("the set-up is complete, but could not be printed")]
    Print(#[source] io::Error),
}

/// Lays everything out and prints what it did.
pub fn run(args: &Args, is_known: IsKnown<'_>, keys: &dyn KeyMaking, out: &mut dyn Write) -> Result<(), InitError> {
    let name = is_known(&args.authority).ok_or_else(|| InitError::UnknownAuthority(args.authority.clone()))?;
    let certificate = args.partner_cert.as_deref().map(certificate).transpose()?;
    let Some(dir) = &args.dir else { return system::run(args, &name, certificate.as_deref(), keys, out) };
    let dir = empty_folder(dir)?;
    let laid = lay_out(&dir, &args.authority, &name, keys)?;
    if let (Some(bytes), Some(path)) = (certificate, &args.partner_cert) {
        let trusted = partner().and_then(|partner| keys.trust(&laid.state, &partner, &bytes));
        trusted.map_err(|source| InitError::NotTrusted {
            certificate: path.clone(),
            config: laid.config.clone(),
            source,
        })?;
    }
    print(&laid, args, &name, out).map_err(InitError::Print)
}

fn partner() -> Result<PartnerName, KeyFault> {
    Ok(PARTNER.parse()?)
}

fn certificate(path: &Path) -> Result<Vec<u8>, InitError> {
    let fault = |source| InitError::Certificate { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(CERTIFICATE_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(fault)?;
    if bytes.len() as u64 > CERTIFICATE_BYTES_MAX {
        return Err(fault(io::Error::other("it is longer than 1 MiB, so it is no certificate")));
    }
    Ok(bytes)
}

/// Makes the folder if need be, and returns its absolute path without links.
fn empty_folder(dir: &Path) -> Result<PathBuf, InitError> {
    let fault = |source| InitError::Make { path: dir.to_path_buf(), source };
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(dir).map_err(fault)?;
    if fs::read_dir(dir).map_err(fault)?.next().is_some() {
        return Err(InitError::NotEmpty(dir.to_path_buf()));
    }
    let dir = fs::canonicalize(dir).map_err(fault)?;
    if dir.to_str().is_none() {
        return Err(InitError::NotUtf8(dir));
    }
    Ok(dir)
}

fn lay_out(dir: &Path, la: &LaNumber, name: &str, keys: &dyn KeyMaking) -> Result<Laid, InitError> {
    let of = |part: &str| dir.join(part).join(la.as_str());
    let (state, drop, backoffice) = (dir.join("state"), of("drop"), of("backoffice"));
    let (returns, outgoing) = (of("returns"), of("outgoing"));
    make_folder(&state, STATE_MODE)?;
    let back_office = ["laid", "hbms", "risk"].map(|part| backoffice.join(part));
    let pick_ups = ["shbe", "hbms-mi"].map(|part| returns.join(part));
    let keys_folder = dir.join("keys");
    for folder in [&drop, &outgoing, &keys_folder].into_iter().chain(&back_office).chain(&pick_ups) {
        make_folder(folder, FOLDER_MODE)?;
    }

    let config = dir.join("hbcourier.toml");
    let text = config::reference::annotated(&values(dir, &dir.join("state"), la, name));
    make_file(&config, text.as_bytes(), CONFIG_MODE)?;
    let settings = config::load_with_env(&config, []).map_err(InitError::Refused)?;

    let own = keys.generate(&state, &format!("{name} (LA number {la})"));
    let own = own.map_err(|source| InitError::Keys { state: state.clone(), source })?;
    let vkey = keys.ledger(&state, &settings.audit.name);
    let vkey = vkey.map_err(|source| InitError::Keys { state: state.clone(), source })?;
    let ledger_vkey = keys_folder.join("ledger.vkey");
    make_file(&ledger_vkey, format!("{vkey}\n").as_bytes(), CERTIFICATE_MODE)?;
    let own_cert = keys_folder.join("own.asc");
    make_file(&own_cert, &own.armoured, CERTIFICATE_MODE)?;
    let own_fingerprint = own.fingerprint;
    Ok(Laid { config, state, drop, backoffice, returns, outgoing, own_cert, own_fingerprint, ledger_vkey, vkey })
}

/// The settings of the set-up; everything else stays at its default.
fn values(dir: &Path, state: &Path, la: &LaNumber, name: &str) -> serde_json::Value {
    let path = |parts: &[&str]| parts.iter().fold(dir.to_path_buf(), |path, part| path.join(part));
    let la = la.as_str();
    let route = |kinds: &[&str], part: &str| {
        let folder = path(&["backoffice", la, part]);
        json!({ "kinds": kinds, "destination": format!("{part}-{la}"), "folder": folder })
    };
    let courier = format!("outgoing-{la}");
    let owed = |kind: &str| {
        let pick_up = path(&["returns", la, kind]);
        json!({ "kind": kind, "pick_up": pick_up, "partner": PARTNER, "courier": courier })
    };
    json!({
        "service": { "state": state },
        "authority": [{
            "number": la,
            "name": name,
            "drop_folder": [
                { "name": format!("drop-{la}"), "path": path(&["drop", la]), "partners": [PARTNER] },
            ],
            "route": [
                route(&["laid-pdf", "laid-xml"], "laid"),
                route(&["hbms-pack", "hbms-mi"], "hbms"),
                route(&["caseload-risk"], "risk"),
            ],
            "return": [owed("shbe"), owed("hbms-mi")],
        }],
        "partner": [{ "name": PARTNER }],
        "courier": [{ "name": courier, "folder": path(&["outgoing", la]) }],
    })
}

fn make_folder(path: &Path, mode: u32) -> Result<(), InitError> {
    // Those above it get the wider mode, whichever is made first.
    let above = path.parent().map_or(Ok(()), |above| DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(above));
    let made = above.and_then(|()| DirBuilder::new().mode(mode).create(path));
    made.map_err(|source| InitError::Make { path: path.to_path_buf(), source })
}

fn make_file(path: &Path, content: &[u8], mode: u32) -> Result<(), InitError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| InitError::Make { path: path.to_path_buf(), source })
}

fn print(laid: &Laid, args: &Args, name: &str, out: &mut dyn Write) -> io::Result<()> {
    if args.json {
        return writeln!(out, "{}", serde_json::to_string(laid)?);
    }
    writeln!(out, "A set-up for {name} ({}):", args.authority)?;
    for (what, path) in laid.places() {
        writeln!(out, "  {what:<16} {}", path.display())?;
    }
    writeln!(out, "  {:<16} {}", "its fingerprint", laid.own_fingerprint)?;
    writeln!(out, "  {:<16} {}", "ledger's vkey", laid.vkey)?;
    let config = laid.config.display();
    writeln!(out, "Next: give the own certificate to DWP, and tell them its fingerprint by another way.")?;
    if args.partner_cert.is_none() {
        writeln!(out, "Then: hbcourier --config {config} keys trust {PARTNER} FILE --fingerprint FPR")?;
    }
    writeln!(out, "Then: give the ledger's vkey ({}) to whoever will audit it.", laid.ledger_vkey.display())?;
    writeln!(out, "Then: hbcourier --config {config} check")?;
    writeln!(out, "Then: hbcourier --config {config} run")
}
