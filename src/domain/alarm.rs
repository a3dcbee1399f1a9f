//! What needs somebody's attention although no single file is held for it.

use jiff::Timestamp;

use super::notice::{Notice, Words};

/// Why an alarm is raised. It is cleared when the cause is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmReason {
    /// A drop folder or Maildir is not there, or closed to the service.
    SourceMissing,
    /// A drop folder or Maildir holds something that is never collected: a link, a second name, an unreadable name.
    Uncollectable,
    /// A drop folder or Maildir holds a file above the limit for sealed files.
    TooLarge,
    /// A settled file cannot be read, removed or moved.
    SourceFault,
    /// Free space below the state directory is under the mark.
    SpaceLow,
    /// Notifications cannot be had; the sweep alone finds files.
    NotificationsOff,
    /// A destination folder is not there, closed to the service, full or faulty.
    DestinationFault,
    /// What was staged at a destination is no longer what was written.
    StagedDamaged,
    /// What was published at a destination was replaced by something else.
    Replaced,
    /// A returns folder is not there, or closed to the service.
    PickUpMissing,
    /// The partner's certificate cannot be used, or own keys cannot.
    KeyUnusable,
    /// Today is the transfer date and nothing acceptable has been picked up.
    DueToday,
    /// A transfer date passed.
    Missed,
    /// A courier refused a return for good.
    Refused,
    /// Nobody knows whether a return arrived.
    Uncertain,
    /// A courier cannot be reached.
    CourierFault,
    /// A settled file could not be put into the spool, though there is space.
    SpoolFault,
    /// The sealed original of something delivered could not be archived.
    ArchiveFault,
    /// Alarms could not be mailed.
    AlarmsUnsent,
    /// The ping was not answered.
    PingUnanswered,
    /// A mailbox cannot be reached.
    MailboxUnreachable,
    /// A mailbox refuses until a person mends something.
    MailboxClosed,
    /// A transfer date is near and nothing acceptable has been picked up.
    ReturnNear,
    /// Keys end before a return that needs them.
    KeyEnds,
    /// A referral pack's week is over and it has not come.
    PackOverdue,
    /// A referral pack came without Caseload Risk Data.
    RiskMissing,
    /// No LAID has come for too many nights.
    LaidSilence,
    /// No timetable in force tells the dates much longer.
    TimetableEnds,
    /// A partner's exception from the rules about algorithms ends soon.
    ExceptionEnds,
    /// A certificate or an exception waits for a second person.
    ProposalWaits,
    /// A checkpoint could not leave for a day.
    CheckpointStays,
    /// No checkpoint can be made.
    CheckpointFault,
    /// What was kept long enough could not be erased.
    NotErased,
    /// A configured folder is read-only to the service.
    ReadOnlyFolder,
    /// A folder was made or mounted where the service's sandbox does not reach.
    OutsideSandbox,
    /// The service does not run.
    ServiceDown,
    /// The service runs and gives no sign of life.
    ServiceHangs,
    /// A secret that the configuration names cannot be read by the service.
    SecretMissing,
    /// The state was restored from a backup.
    Restored,
    /// The settings that lie in the configuration are not those in force.
    ConfigurationRefused,
    /// A part of the service makes no progress.
    WorkerStuck,
    /// A folder outside does not answer.
    PlaceHangs,
    /// Health and metrics cannot be told.
    WatchFault,
    /// The last verification did not find the ledger as it was recorded.
    VerificationFailed,
    /// The ledger was not verified for too long.
    VerificationLate,
    /// The virus scanner gives no verdict.
    ScannerSilent,
    /// A file is larger than the virus scanner takes.
    ScannerLimit,
}

const SOURCE_MISSING: Words = (
    "CN-501",
    "The drop folder or Maildir `{about}` is missing or closed to the service; nothing can arrive there.",
    "Put the folder back (or mount it) with its old owner and mode; it is found again by itself. `hbcourier check` \
    probes it.",
);
const UNCOLLECTABLE: Words = (
    "CN-502",
    "`{about}` holds something that is never collected: a link, a file with a second name, or a name that is not \
    UTF-8.",
    "Look into the folder; have the file copied there under a plain name.",
);
const TOO_LARGE: Words = (
    "CN-503",
    "`{about}` holds a file above `service.limits.ciphertext_bytes_max`; it was left where it is.",
    "If it is genuine, raise the limit and reload the service (`systemctl reload hbcourier`); otherwise remove \
    the file.",
);
const SOURCE_FAULT: Words = (
    "CN-504",
    "A file in `{about}` cannot be read, or not be taken out, by the service.",
    "Give the service's account read and write access to the folder and its files.",
);
const SPACE_LOW: Words = (
    "CN-505",
    "Free space below the state directory is under `service.limits.free_bytes_min`; nothing new is collected.",
    "Free some space; collecting goes on by itself. What was collected before is still delivered.",
);
const NOTIFICATIONS_OFF: Words = (
    "CN-506",
    "The kernel's notifications cannot be had for `{about}`; files are found by the sweep alone, later.",
    "Raise fs.inotify.max_user_watches or max_user_instances, or set `noticing = \"poll\"` for this folder.",
);
const DESTINATION_FAULT: Words = (
    "CN-507",
    "The destination `{about}` cannot be written; deliveries to it wait.",
    "Put the folder back, free space or mend its access; what waits is delivered by itself. `hbcourier check` probes \
    it.",
);
const STAGED_DAMAGED: Words = (
    "CN-508",
    "What was staged at `{about}` was no longer what had been written, so it was staged again.",
    "Check that disk, and who may write to hidden files there.",
);
const REPLACED: Words = (
    "CN-509",
    "A file delivered to `{about}` was replaced by something else before its delivery was recorded.",
    "Find out who writes there; `hbcourier held list` names the transfer.",
);
const PICK_UP_MISSING: Words = (
    "CN-510",
    "The returns folder `{about}` is missing or closed to the service; nothing can be picked up there.",
    "Put the folder back (or mount it) with its old owner and mode; it is found again by itself.",
);
const KEY_UNUSABLE: Words = (
    "CN-511",
    "Keys of `{about}` cannot be used, so nothing can be sealed.",
    "`hbcourier keys list` says which and why; trust the partner's renewed certificate with `hbcourier keys trust`.",
);
const DUE_TODAY: Words = (
    "CN-512",
    "{about} is due today and nothing acceptable has been picked up.",
    "Put the return's file into its folder; `hbcourier returns list` says where things stand.",
);
const MISSED: Words = (
    "CN-513",
    "The transfer date of {about} passed without it. It is not sent late by itself.",
    "Tell DWP, and decide with them: `hbcourier returns resend` sends it late, `hbcourier returns waive` ends it without.",
);
const REFUSED: Words = (
    "CN-514",
    "{about} was refused for good, by the courier or by a mail system behind it.",
    "`hbcourier returns show` prints its words. Mend the cause and `hbcourier returns resend` it, or `hbcourier returns waive` it.",
);
const UNCERTAIN: Words = (
    "CN-515",
    "Nobody knows whether {about} arrived: the courier fell silent.",
    "Ask DWP whether it arrived: if so, `hbcourier returns confirm` it, otherwise `hbcourier returns resend` it.",
);
const COURIER_FAULT: Words = (
    "CN-516",
    "The courier `{about}` cannot be used; what it should send waits.",
    "`hbcourier check` probes it and says what is wrong.",
);
const SPOOL_FAULT: Words = (
    "CN-517",
    "The spool below the state directory cannot be written; files stay where they arrived.",
    "`hbcourier check` probes it; mend the disk or the folder's access. Collecting goes on by itself.",
);
const MAILBOX_UNREACHABLE: Words = (
    "CN-519",
    "The mailbox `{about}` cannot be reached; no mail is collected from it. It is tried again by itself, ever less often.",
    "`hbcourier check` probes it and says what is wrong; `hbcourier status` says when it was last looked into.",
);
const MAILBOX_CLOSED: Words = (
    "CN-520",
    "The mailbox `{about}` does not let the service in, or lacks a folder, so no mail is collected from it.",
    "`hbcourier check` probes it and says what is wrong: mend its password, certificate or folders. It is tried again \
    by itself.",
);
const ALARMS_UNSENT: Words = (
    "CN-521",
    "Alarms cannot be mailed to the addresses in `service.alarms.to`, so only `hbcourier status` has them.",
    "`hbcourier check` probes the courier that is to mail them and says what is wrong; they are mailed by themselves then.",
);
const PING_UNANSWERED: Words = (
    "CN-522",
    "The address in `service.alarms.ping` does not answer, so whoever watches it will take the service for dead.",
    "The service's log says what came back. Mend the address, or the way to it.",
);
const RETURN_NEAR: Words = (
    "CN-541",
    "{about} is due soon, and nothing acceptable has been picked up.",
    "Put the return's file into its folder; `hbcourier returns list --open` says where things stand.",
);
const KEY_ENDS: Words = (
    "CN-542",
    "The last usable key of {about} ends before a return that needs it.",
    "A partner's: ask for the renewed certificate and trust it with `hbcourier keys trust`. Our own: make one with \
    `hbcourier keys generate` and give it to the partners in time.",
);
const PACK_OVERDUE: Words = (
    "CN-543",
    "The HBMS pack for {about} has not come.",
    "Ask DWP whether it was sent, and where to; `hbcourier expectations` shows the year, and `hbcourier held list` what is \
    held.",
);
const RISK_MISSING: Words = (
    "CN-544",
    "The HBMS pack for {about} came without Caseload Risk Data.",
    "Ask DWP for the file. If none is ever sent to this authority, set `risk = \"nowhere\"` in its `[authority.expect]`.",
);
const LAID_SILENCE: Words = (
    "CN-545",
    "No LAID has come for {about} in as many nights of working days as `laid_silence_days` allows.",
    "Ask DWP whether e-Transfer runs, and see whether files wait before the drop folder; `hbcourier expectations --nights \
    14` counts them by night.",
);
const TIMETABLE_ENDS: Words = (
    "CN-546",
    "The timetables in force end soon, or have ended, for {about}: after that nobody is reminded of a return.",
    "Get DWP's next timetable, and put it into force with `hbcourier timetable activate`.",
);
const EXCEPTION_ENDS: Words = (
    "CN-551",
    "The exception of {about} ends soon; what still uses that algorithm is held from then on.",
    "Have the partner change their software before that day; `hbcourier keys check` counts how often it was used.",
);
const PROPOSAL_WAITS: Words = (
    "CN-552",
    "A keymaster has proposed a certificate or an exception for {about}, and a second one must agree.",
    "`hbcourier keys check` shows it and the command that agrees to it; it lapses by itself.",
);
const CHECKPOINT_STAYS: Words = (
    "CN-547",
    "No checkpoint of the ledger has left for `{about}` in 24 hours, so nobody elsewhere could tell that it was rewritten since.",
    "`hbcourier check` probes the recipient's folder or courier and says what is wrong; the latest one then leaves by itself.",
);
const CHECKPOINT_FAULT: Words = (
    "CN-548",
    "No checkpoint of the ledger can be made: `keys/ledger.head` below the state directory cannot be written.",
    "The service's log says why. Mend the disk or the folder's access; it is tried again by itself.",
);
const NOT_ERASED: Words = (
    "CN-555",
    "What was kept long enough could not be erased, or not to its end.",
    "The service's log says what and why: mend the state directory's disk or access, or end a long reading of the store. \
    It is tried again every hour; `hbcourier retention` shows what is due.",
);
const READ_ONLY_FOLDER: Words = (
    "CN-573",
    "The folder `{about}` is read-only to the service: its systemd unit does not open it, or it is mounted so.",
    "Run `hbcourier unit`, which prints the drop-in that opens what is configured and says where to put it, and restart the \
    service. If the drop-in is there, see how the folder is mounted.",
);
const OUTSIDE_SANDBOX: Words = (
    "CN-561",
    "The sandbox that the service entered at its start keeps it out of a folder that was made or mounted since (`{about}`).",
    "Restart the service while that folder is there; its log has the path. To be spared that, put the folder, or its mount point, into one that \
    belongs to hbcourier, such as /srv/hbcourier; `hbcourier selftest --sandbox` tells how far the sandbox goes.",
);
const SERVICE_DOWN: Words = (
    "CN-562",
    "The service does not run: nothing is collected, delivered or sent.",
    "Start it: `systemctl start hbcourier`, or `hbcourier run`; its log says why it ended, and `hbcourier check` probes \
    what it needs.",
);
const SERVICE_HANGS: Words = (
    "CN-563",
    "The service is there but gives no sign of life, so whether anything is collected, delivered or sent is not known.",
    "Look at its log, then restart it: `systemctl restart hbcourier`. Nothing is lost by that; `hbcourier status` says when it \
    is well.",
);
const SECRET_MISSING: Words = (
    "CN-564",
    "The service cannot read a secret that its configuration names (`{about}`), so whatever takes it fails.",
    "Put a credential by its name into /etc/hbcourier/credentials and restart the service, or mend the file's name, owner or mode \
    (0600); `hbcourier check` probes what takes it.",
);
const RESTORED: Words = (
    "CN-570",
    "{about}: what was recorded after the backup is lost. Files may have been delivered and returns sent that nothing here \
    tells of.",
    "See to what `hbcourier held list` and `hbcourier returns list --open` show, compare with the back office and DWP. Compare \
    with the people who decide on them what was decided since: keys trusted or retired, exceptions, legal holds, waivers, timetables. \
    Nothing is erased until then. Then give `hbcourier restore --settled --reason TEXT`.",
);
const CONFIGURATION_REFUSED: Words = (
    "CN-571",
    "The {about} was changed and is not in force: the service goes on with the settings it had.",
    "`hbcourier status` and the service's log say why; `hbcourier check` names what is wrong in it. Mend it and \
    reload, or restart the service where that is asked for.",
);
const WORKER_STUCK: Words = (
    "CN-565",
    "`{about}`, a part of the service, has had nothing behind it for longer than `watch.stuck_after`: it hangs.",
    "Most often the disk of the state directory does not answer. systemd restarts the service by itself; without systemd \
    restart it once that is mended. What was collected is safe.",
);
const PLACE_HANGS: Words = (
    "CN-574",
    "The folder `{about}` does not answer: operations in it do not return. What it is for waits, and all else goes on.",
    "See whether the machine that has the folder and the network between are up (`df` on the folder hangs too, while it \
    lasts). It goes on by itself when the folder answers; if the service began while it hung, and CN-561 is told then, after \
    a restart. If it never will, unmount it (`umount -f`, or `umount -l`) and mount it again: what is for it waits \
    until then. Restart the service only while it is mounted: at its start the bare folder below is taken for it.",
);
const WATCH_FAULT: Words = (
    "CN-566",
    "Nothing can be told at the place in `watch.listen`, so whoever watches the service there takes it for dead.",
    "The service's log says why: another program listens there, or the socket's folder is missing or closed. It is tried \
    again by itself.",
);
const VERIFICATION_FAILED: Words = (
    "CN-567",
    "The last verification did not find the ledger, or the state, as it was recorded, or could not read it.",
    "`hbcourier audit verify` says what is wrong. If its answer is no: stop the service, keep a copy of the state folder as \
    evidence, and compare with the last good backup.",
);
const VERIFICATION_LATE: Words = (
    "CN-568",
    "The ledger was not verified for two days, so nobody would know that it was altered since.",
    "`systemctl status hbcourier-audit.timer hbcourier-audit.service` says why; `hbcourier audit verify` does it now. \
    Without systemd have that run every night, by the service's account.",
);
const SCANNER_SILENT: Words = (
    "CN-523",
    "The virus scanner gives no verdict, so nothing is delivered: what came waits.",
    "Start or mend clamd; `hbcourier check` asks it, and the service's log has its answer. What waits is then scanned and \
    delivered by itself.",
);
const SCANNER_LIMIT: Words = (
    "CN-524",
    "A file is larger than the virus scanner takes, so it waits.",
    "If it is genuine, raise `StreamMaxLength`, `MaxFileSize` and `MaxScanSize` in clamd's configuration and restart it; the \
    file is then scanned and delivered by itself. Other files go on.",
);
const ARCHIVE_FAULT: Words = (
    "CN-518",
    "The sealed original of a delivered file could not be moved to the archive; what was delivered is not affected.",
    "`hbcourier check` probes the state directory; mend its disk or access. It is tried again by itself.",
);

impl AlarmReason {
    /// What to tell a person. `about` is a configured name, such as `drop-12302` or `shbe/12302/2020-04`.
    pub fn notice(self, about: &str) -> Notice {
        let (code, says, next) = self.words();
        Notice::new(code, says.replace("{about}", about), next)
    }

    /// What to tell of a return that may have been sent after the backup that was restored.
    pub fn uncertain_since_restored(about: &str) -> Notice {
        let says = format!(
            "Nobody here knows whether {about} was sent: the state was restored from a backup, and it may have been sent \
             after that was made. Until a person decides, nothing is picked up for it and nothing is sent."
        );
        Notice { says, ..AlarmReason::Uncertain.notice(about) }
    }

    /// What to tell of a return whose last attempt has no answer yet though its hours are over.
    pub fn unanswered(about: &str) -> Notice {
        let says = format!(
            "The hours of sending of {about} are over, and nobody can tell yet whether it left: an attempt to send it has \
             neither an answer nor evidence."
        );
        let next = "See whether the machine of its courier and the network between are up: it is found out by itself then. If \
                    that takes too long, ask DWP whether it arrived.";
        Notice { says, next, ..AlarmReason::Uncertain.notice(about) }
    }

    /// What to tell of a folder that has not answered since then.
    pub fn hangs_since(about: &str, since: Timestamp) -> Notice {
        let notice = AlarmReason::PlaceHangs.notice(about);
        Notice { says: format!("{} Since {since:.0}.", notice.says), ..notice }
    }

    fn words(self) -> Words {
        use AlarmReason::*;
        match self {
            SourceMissing => SOURCE_MISSING,
            Uncollectable => UNCOLLECTABLE,
            TooLarge => TOO_LARGE,
            SourceFault => SOURCE_FAULT,
            SpaceLow => SPACE_LOW,
            NotificationsOff => NOTIFICATIONS_OFF,
            DestinationFault => DESTINATION_FAULT,
            StagedDamaged => STAGED_DAMAGED,
            Replaced => REPLACED,
            PickUpMissing => PICK_UP_MISSING,
            KeyUnusable => KEY_UNUSABLE,
            DueToday => DUE_TODAY,
            Missed => MISSED,
            Refused => REFUSED,
            Uncertain => UNCERTAIN,
            CourierFault => COURIER_FAULT,
            SpoolFault => SPOOL_FAULT,
            ArchiveFault => ARCHIVE_FAULT,
            AlarmsUnsent => ALARMS_UNSENT,
            PingUnanswered => PING_UNANSWERED,
            MailboxUnreachable => MAILBOX_UNREACHABLE,
            MailboxClosed => MAILBOX_CLOSED,
            ReturnNear => RETURN_NEAR,
            KeyEnds => KEY_ENDS,
            PackOverdue => PACK_OVERDUE,
            RiskMissing => RISK_MISSING,
            LaidSilence => LAID_SILENCE,
            TimetableEnds => TIMETABLE_ENDS,
            ExceptionEnds => EXCEPTION_ENDS,
            ProposalWaits => PROPOSAL_WAITS,
            CheckpointStays => CHECKPOINT_STAYS,
            CheckpointFault => CHECKPOINT_FAULT,
            NotErased => NOT_ERASED,
            ReadOnlyFolder => READ_ONLY_FOLDER,
            OutsideSandbox => OUTSIDE_SANDBOX,
            ServiceDown => SERVICE_DOWN,
            ServiceHangs => SERVICE_HANGS,
            SecretMissing => SECRET_MISSING,
            Restored => RESTORED,
            ConfigurationRefused => CONFIGURATION_REFUSED,
            WorkerStuck => WORKER_STUCK,
            PlaceHangs => PLACE_HANGS,
            WatchFault => WATCH_FAULT,
            VerificationFailed => VERIFICATION_FAILED,
            VerificationLate => VERIFICATION_LATE,
            ScannerSilent => SCANNER_SILENT,
            ScannerLimit => SCANNER_LIMIT,
        }
    }
}
