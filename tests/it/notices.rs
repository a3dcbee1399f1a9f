//! What people are told: every notice has a code of its own, and every command that is named to them exists.
//!
//! Holds: a new reason does not compile until it is listed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;
use hbcourier::cli::dispatch::Cli;
use hbcourier::domain::alarm::AlarmReason;
use hbcourier::domain::reason::{Became, Limit, UnfitMail, Unsound};
use hbcourier::domain::risk_layout::Underivable;
use hbcourier::domain::{
    ConsignmentId, DeferCause, Digest, HoldReason, Notice, RejectReason, ReturnHold, ShbeFault, ShbeRule, Waiver,
};

/// All variants, in a list that the compiler holds against the type.
macro_rules! every {
    ($type:ident { $($variant:ident $({ $($field:ident: $value:expr),* })?),* $(,)? }) => {{
        fn is_listed(one: &$type) {
            match one { $($type::$variant $({ $($field: _),* })? => {}),* }
        }
        let all = vec![$($type::$variant $({ $($field: $value),* })?),*];
        all.iter().for_each(is_listed);
        all
    }};
}

#[test]
fn every_code_is_used_once() {
    let mut by_code: BTreeMap<&str, Notice> = BTreeMap::new();
    for notice in notices() {
        let digits = notice.code.strip_prefix("CN-").unwrap_or_default();
        assert!(digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()), "{notice:?}");
        assert!(!format!("{}{}", notice.says, notice.next).contains('{'), "something is not filled in: {notice:?}");
        assert!(notice.says.ends_with('.') && notice.next.ends_with('.'), "whole sentences: {notice:?}");
        if let Some(other) = by_code.insert(notice.code, notice.clone()) {
            panic!("one code for two things: {other:?} and {notice:?}");
        }
    }
}

/// What a notice says and asks for, where that depends on more than the reason.
#[test]
fn what_is_known_is_named() {
    let first = ConsignmentId::derive(&"drop-12302".parse().unwrap(), "native", &Digest::of(b"sealed"));
    let received = jiff::Timestamp::from_second(1_586_167_200).unwrap();
    let repeat = |became| HoldReason::Repeat { first, received, became }.notice();
    for (became, said) in
        [(Became::Delivered, "was delivered"), (Became::Held, "is held itself"), (Became::UnderWay, "on its way")]
    {
        let says = repeat(became).says;
        let named = says.contains(&first.to_string()) && says.contains("on 6 April 2020 at 10:00 UTC");
        assert!(named && says.contains(said), "{says}");
    }
    let limit = |limit| HoldReason::LimitReached { limit }.notice();
    assert!(limit(Limit::MessageDepth).says.contains("more than 4 OpenPGP layers"));
    assert!(limit(Limit::Recipients).says.contains("more than 16 recipients"));
    for fixed in [Limit::MessageDepth, Limit::Recipients] {
        assert!(limit(fixed).next.contains("fixed") && !limit(fixed).next.contains("raise"), "nobody can raise it");
    }
    assert!(limit(Limit::ArchiveBytes).says.contains("`service.limits.archive_bytes_max`"));
    let unsound = |unsound| HoldReason::Malformed { unsound }.notice();
    assert!(unsound(Unsound::ActivePdf).next.contains("Do not open it"));
    assert!(unsound(Unsound::RiskTable).next.contains("Ask DWP"));
    assert_eq!(unsound(Unsound::Macros).code, "CN-151");
    let age = HoldReason::SignatureAge.notice().says;
    assert!(age.contains("30 days before") && age.contains("30 minutes after"), "{age}");
}

/// Every next step has a command; where two people may release it, it says how, and where not, that and what else.
#[test]
fn every_held_file_has_a_command_and_says_whether_it_can_be_released() {
    for reason in each_hold() {
        let (notice, may) = (reason.notice(), Waiver::of(&reason).is_some());
        assert!(!commands(notice.next).is_empty(), "{notice:?}");
        let approve = "two people may release it";
        let says_how = notice.next.contains(approve) && notice.next.contains("`hbcourier held approve ID`");
        assert_eq!(says_how, may, "{notice:?}");
        let says_not = ["cannot be released", "no release", "nothing in it to release"];
        assert_eq!(says_not.iter().any(|words| notice.next.contains(words)), !may, "{notice:?}");
    }
}

#[test]
fn every_command_in_a_notice_exists() {
    let named: Vec<String> = notices().iter().flat_map(|n| commands(&format!("{} {}", n.says, n.next))).collect();
    assert!(named.len() > 10, "hardly any command was found: {named:?}");
    assert_all_exist(&named);
}

#[test]
fn every_command_in_any_message_exists() {
    let mut named = Vec::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        named.extend(commands(&fs::read_to_string(path).unwrap()));
    }
    assert!(named.len() > 30, "hardly any command was found: {named:?}");
    assert_all_exist(&named);
}

#[test]
fn every_command_in_the_readme_exists() {
    let named = commands(&fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap());
    assert!(named.len() > 10, "hardly any command was found: {named:?}");
    assert_all_exist(&named);
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    assert!(exists("hbcourier held retry"));
    assert!(exists("hbcourier --config {} keys trust dwp FILE --fingerprint FPR"));
    assert!(exists("hbcourier returns list …"));
    assert!(!exists("hbcourier held forget"));
    assert!(!exists("hbcourier hold list"));
    assert!(!exists("hbcourier returns list --everything"));
}

fn assert_all_exist(named: &[String]) {
    let missing: Vec<_> = named.iter().filter(|command| !exists(command)).collect();
    assert!(missing.is_empty(), "people are told to run what does not exist: {missing:#?}");
}

/// Whether the command line takes it, as far as it is written: what must still be filled in may be missing.
fn exists(command: &str) -> bool {
    let words = command.split_whitespace().filter(|word| *word != "…" && *word != "…`");
    // A placeholder stands for something that fits.
    let filled = words.map(|word| match word.trim_matches(['{', '}']) {
        "PARTNER" => "dwp".to_owned(),
        "NUMBER" | "LA" => "12302".to_owned(),
        "FPR" => "0123456789ABCDEF0123456789ABCDEF01234567".to_owned(),
        "ID" | "DIGEST" => "0".repeat(64),
        "KEY" => "shbe/12302/2020-04".to_owned(),
        "DATE" => "2020-04-14".to_owned(),
        "YEAR" => "2020-21".to_owned(),
        "MONTH" => "2020-04".to_owned(),
        // A placeholder without a name.
        "" => "x".to_owned(),
        word => word.to_owned(),
    });
    match Cli::try_parse_from(filled) {
        Ok(_) => true,
        Err(error) => matches!(
            error.kind(),
            ErrorKind::MissingRequiredArgument
                | ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelp
                | ErrorKind::DisplayVersion
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        ),
    }
}

/// Every `hbcourier …` in backquotes, and every line of a fenced block that begins with it.
fn commands(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).filter(|part| part.starts_with("hbcourier "));
    let one_line = quoted.filter(|part| !part.contains('\n'));
    let blocks = text.split("```").skip(1).step_by(2);
    let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with("hbcourier "));
    let plain = |command: &str| {
        command
            .split(" | ")
            .next()
            .unwrap_or_default()
            .split(" #")
            .next()
            .unwrap_or_default()
            .trim()
            .replace("\\\"", "\"")
    };
    one_line.chain(lines).map(plain).collect()
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| is_rust(path))
        .collect()
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// Every reason to hold, and of those that have several forms each.
pub(crate) fn each_hold() -> Vec<HoldReason> {
    let first = ConsignmentId::derive(&"drop-12302".parse().unwrap(), "native", &Digest::of(b"sealed"));
    let received = jiff::Timestamp::UNIX_EPOCH;
    let repeats = every!(Became { Delivered, Held, UnderWay });
    let unsound = every!(Unsound { Broken, ActivePdf, RiskTable, Macros });
    let unfit = every!(UnfitMail { Plain, SMime, SignedOnly, PartlySealed, Ambiguous, TooComplex, SeveralSigners });
    let limits =
        every!(Limit { CiphertextBytes, PlaintextBytes, MessageDepth, Recipients, ArchiveMembers, ArchiveBytes });
    let more = repeats.into_iter().map(|became| HoldReason::Repeat { first, received, became });
    let more = more.chain(unsound.into_iter().map(|unsound| HoldReason::Malformed { unsound }));
    let more = more.chain(unfit.into_iter().map(|unfit| HoldReason::Mail { unfit }));
    holds().into_iter().chain(more).chain(limits.into_iter().map(|limit| HoldReason::LimitReached { limit })).collect()
}

fn holds() -> Vec<HoldReason> {
    let signer = || "0123456789ABCDEF0123456789ABCDEF01234567".parse().unwrap();
    every!(HoldReason {
        NotOpenPgp, Tampered, Truncated, NoKey, Unsigned, Stranger, BadSignature,
        SignerRevoked { signer: signer() }, SignerExpired { signer: signer() },
        SeveralMessages, OddStructure, LegacyAlgorithm, SignatureAge,
        Repeat { first: ConsignmentId::derive(&"drop-12302".parse().unwrap(), "native", &Digest::of(b"sealed")),
            received: jiff::Timestamp::UNIX_EPOCH, became: Became::Delivered },
        LimitReached { limit: Limit::PlaintextBytes },
        ArchiveUnsafe, Malformed { unsound: Unsound::Broken }, UnacceptedRoot, NoRoute,
        Infected { signature: "Win.Test.EICAR_HDB-1".to_owned() },
        NoCopy { why: Underivable::Columns },
        OtherAuthority { found: "12305".parse().unwrap() },
        SeveralAuthorities { found: vec!["12302".parse().unwrap(), "12305".parse().unwrap()] }, AuthorityUntold,
        Reply { to: "shbe/12302/2020-04".parse().unwrap() },
        Mail { unfit: UnfitMail::Plain }, NameConflict, SameNames, Replaced, WhereaboutsUnknown, SpoolChanged,
        AttemptsExhausted { cause: DeferCause::DestinationFull },
        WorkerFault, ReleaseUnproven, Restored,
    })
}

pub(crate) fn rejects() -> Vec<RejectReason> {
    every!(RejectReason { NoIntegrity, ByOrder })
}

pub(crate) fn defers() -> Vec<DeferCause> {
    every!(DeferCause {
        SpoolUnreadable,
        PrivateSpace,
        DestinationMissing,
        DestinationHangs,
        DestinationFull,
        DestinationFault,
        KeyUnreadable,
        WorkerFault,
        CourierUnreachable,
        CourierBusy,
        CourierClosed,
        NameTaken,
        SealedDamaged,
        PartnerKeyUnusable,
        StoreUnreadable,
        StagedDamaged,
        Restored,
        ScannerSilent,
        ScannerLimit,
    })
}

pub(crate) fn returns() -> Vec<ReturnHold> {
    every!(ReturnHold {
        Empty,
        OtherAuthority { found: "12305".parse().unwrap() },
        TooEarly, AfterTransferDate,
        SentAlready { month: "2020-04".parse().unwrap() },
        SeveralFiles, WrongKind, SelfCheckFailed, TooLarge,
        AlreadySealed { month: "2020-04".parse().unwrap() },
        Late { month: "2020-04".parse().unwrap() },
        WorkbookUntold,
        OtherMonth { month: "2020-04".parse().unwrap() },
        PreFlight { errors: 12, first: vec![ShbeFault { rule: ShbeRule::NotADate, line: 3, record: Some('D'), field: Some(8) }] },
    })
}

/// One of every kind.
pub(crate) fn notices() -> Vec<Notice> {
    let (holds, rejects, returns) = (holds(), rejects(), returns());
    let held = holds.iter().map(HoldReason::notice).chain(rejects.iter().map(RejectReason::notice));
    let deferred = defers().into_iter().map(DeferCause::notice).chain(returns.iter().map(ReturnHold::notice));
    let raised = alarms().into_iter().map(|reason| reason.notice("drop-12302"));
    held.chain(deferred).chain(raised).collect()
}

fn alarms() -> Vec<AlarmReason> {
    every!(AlarmReason {
        SourceMissing,
        Uncollectable,
        TooLarge,
        SourceFault,
        SpaceLow,
        NotificationsOff,
        DestinationFault,
        StagedDamaged,
        Replaced,
        PickUpMissing,
        KeyUnusable,
        DueToday,
        Missed,
        Refused,
        Uncertain,
        CourierFault,
        SpoolFault,
        Restored,
        ConfigurationRefused,
        ArchiveFault,
        AlarmsUnsent,
        PingUnanswered,
        MailboxUnreachable,
        MailboxClosed,
        ReturnNear,
        KeyEnds,
        PackOverdue,
        RiskMissing,
        LaidSilence,
        TimetableEnds,
        ExceptionEnds,
        ProposalWaits,
        CheckpointStays,
        CheckpointFault,
        NotErased,
        ReadOnlyFolder,
        OutsideSandbox,
        ServiceDown,
        ServiceHangs,
        SecretMissing,
        WorkerStuck,
        PlaceHangs,
        WatchFault,
        VerificationFailed,
        VerificationLate,
        ScannerSilent,
        ScannerLimit,
    })
}
