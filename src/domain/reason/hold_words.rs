//! The words for a person about what is held: a code, what happened and why, and a next step that is true.

use super::{
    Became, HoldReason, Limit, MESSAGE_DEPTH_MAX, RECIPIENTS_MAX, SIGNATURE_AHEAD_MINUTES_MAX, SIGNATURE_DAYS_MAX,
    UnfitMail, Unsound,
};
use crate::domain::authority::LaNumber;
use crate::domain::notice::{Notice, Words};

const NOT_OPENPGP: Words = (
    "CN-101",
    "This file is not an OpenPGP message, so nobody has vouched for it and nothing in it was opened or \
    delivered.",
    "Ask the sender to encrypt and sign it, and to send it again. It cannot be released, because nobody has \
    vouched for it: once that is settled, `hbcourier held reject ID` it.",
);
const RESTORED: Words = (
    "CN-569",
    "The state was restored from a backup that holds this file as undelivered, and it is not at its destination: it may \
    have been delivered after the backup, and taken.",
    "See whether the back office has it. If it has not, `hbcourier held retry ID` delivers it; if it has, `hbcourier held \
    reject ID` ends it. It cannot be released, because nothing stands against it but that.",
);
const TAMPERED: Words = (
    "CN-102",
    "This file was altered or damaged after it was encrypted; nothing of it was let through.",
    "Ask the partner to send it again, and treat repeated cases as an incident. It cannot be released, because \
    nobody can tell what was altered: once the new one is here, `hbcourier held reject ID` this.",
);
const TRUNCATED: Words = (
    "CN-103",
    "This file ends before its end: the transfer was cut short.",
    "Ask the partner to send it again. It cannot be released, because a part is missing: once the new one is \
    here, `hbcourier held reject ID` this.",
);
const NO_KEY: Words = (
    "CN-104",
    "This file is encrypted to a key the service does not hold.",
    "Ask the partner which key they used, compare with `hbcourier keys list`, then `hbcourier held retry` it. It \
    cannot be released, because it cannot be opened.",
);
const UNSIGNED: Words = (
    "CN-105",
    "This file is encrypted but not signed, so its sender is unknown.",
    "Ask the partner to sign what they send. If they confirm over the telephone that this one is theirs, two \
    people may release it: `hbcourier held approve ID`.",
);
const STRANGER: Words = (
    "CN-106",
    "This file is signed by a key that is not trusted for this source.",
    "Compare with `hbcourier keys list`; trust a new key only after reading its fingerprint over the telephone, \
    then `hbcourier held retry` it. If the key shall not be trusted and the file is wanted all the same, two \
    people may release it: `hbcourier held approve ID`.",
);
const BAD_SIGNATURE: Words = (
    "CN-107",
    "The signature does not match the content of this file.",
    "Ask the partner to send it again, and treat repeated cases as an incident. It cannot be released, because \
    it is not what was signed: `hbcourier held reject ID` it once the new one is here.",
);
const SIGNER_REVOKED: Words = (
    "CN-108",
    "This file is signed by {signer}, which its owner has revoked or a keymaster has retired.",
    "Ask the partner for a file signed with their new key, and trust that key with `hbcourier keys trust`. It \
    cannot be released: whoever has the revoked key may have made it.",
);
const SIGNER_EXPIRED: Words = (
    "CN-109",
    "This file is signed by {signer}, which had expired when the file came.",
    "Ask the partner for their renewed certificate and trust it with `hbcourier keys trust`, then `hbcourier \
    held retry` this. If they cannot renew it in time, two people may release it: `hbcourier held approve ID`.",
);
const SEVERAL_MESSAGES: Words = (
    "CN-110",
    "This file holds more than one OpenPGP message.",
    "Ask the partner to send one message a file. It cannot be released, because nobody can say which of them is \
    meant: `hbcourier held reject ID` it.",
);
const ODD_STRUCTURE: Words = (
    "CN-111",
    "The layers of this message are not encryption around one signature around one file.",
    "Ask the partner how the file was made. It cannot be released, because programs may read different things in \
    it: once it was sent anew, `hbcourier held reject ID` it.",
);
const LEGACY_ALGORITHM: Words = (
    "CN-112",
    "This file uses an algorithm that is no longer safe.",
    "Ask the partner to use current software. It cannot be released; until they do, a keymaster can except them for a \
    time: `hbcourier keys except`, and then `hbcourier held retry`.",
);
const SIGNATURE_AGE: Words = (
    "CN-113",
    "This file was signed more than {days} days before it came, or is dated more than {minutes} minutes after \
    that, so it may be an old file sent again.",
    "Check the clock here with `hbcourier check`, and ask the partner whether they sent it now. The time of \
    receipt is on record, so trying again changes nothing: have it signed anew and sent again, or, if they \
    confirm it, two people may release it: `hbcourier held approve ID`.",
);
const REPEAT_OF_DELIVERED: Words = (
    "CN-114",
    "The content is byte for byte that of transfer {first}, which came {received} and was delivered, so it was \
    not delivered again.",
    "Nothing is missing: `hbcourier transfers show ID`, with that transfer's id, names the files it became. If \
    the same bytes are meant for a further month, use those files again, or two people may release it and it is \
    delivered once more: `hbcourier held approve ID`.",
);
const REPEAT_OF_HELD: Words = (
    "CN-114",
    "The content is byte for byte that of transfer {first}, which came {received} and is held itself.",
    "This one brings nothing more: see to that transfer (`hbcourier held show ID`, with its id, says what it \
    waits for) and decide about it, not about this, which cannot be released.",
);
const REPEAT_OF_UNDER_WAY: Words = (
    "CN-114",
    "The content is byte for byte that of transfer {first}, which came {received} and was on its way to the back \
    office when this came.",
    "Nothing need be done: `hbcourier transfers why ID`, with that transfer's id, says what has become of it. \
    This one cannot be released.",
);
const MESSAGE_DEPTH: Words = (
    "CN-115",
    "This file has more than {depth} OpenPGP layers within each other, which is never read.",
    "The limit is fixed: ask the partner how the file was made, and to encrypt and sign it once. It cannot be \
    released: `hbcourier held reject ID` it.",
);
const RECIPIENTS: Words = (
    "CN-115",
    "This file is encrypted to more than {recipients} recipients, which is never read.",
    "The limit is fixed: ask the partner to encrypt it to the service's own key and few others. It cannot be \
    released: `hbcourier held reject ID` it.",
);
const LIMIT_REACHED: Words = (
    "CN-115",
    "This file reached the limit `{limit}`, so nothing of it was delivered.",
    "If the file is genuine, raise the limit in the configuration, reload the service (`systemctl reload \
    hbcourier`) and `hbcourier held \
    retry` it. It cannot be released, because what lies beyond the limit was never looked at.",
);
const ARCHIVE_UNSAFE: Words = (
    "CN-116",
    "The ZIP inside this file is damaged, or has members that must not be unpacked.",
    "Ask the partner to send it again. It cannot be released, because unpacking it may write anywhere: \
    `hbcourier held reject ID` it.",
);
const BROKEN: Words = (
    "CN-117",
    "The content is broken, so nothing of it was delivered: a PDF without its end, an XML that is not \
    well-formed or declares entities, a workbook or ZIP that cannot be read, or nothing at all.",
    "The service's log names what was found. Ask the partner to send it again, whole, and `hbcourier held reject \
    ID` this. It cannot be released, because nobody can say what it is.",
);
const ACTIVE_PDF: Words = (
    "CN-117",
    "The PDF has content that acts or carries other files (scripts, actions, attachments), or hides its content, \
    so it was not delivered.",
    "Do not open it. The service's log names what was found: ask the partner whether they sent it, and for the \
    same document without that. If there is none, and your IT security knows, two people may release it: \
    `hbcourier held approve ID`.",
);
const RISK_TABLE: Words = (
    "CN-117",
    "The risk data are not the table of comma-separated rows they should be, so nothing of what they came in was \
    delivered.",
    "The service's log names what was found. Ask DWP to send the risk data again, with the pack they came in; \
    rows mended by hand would not be signed. To have the pack as it is, two people may release it: `hbcourier \
    held approve ID`.",
);
const MACROS: Words = (
    "CN-151",
    "The risk data are a workbook with macros, which can act when it is opened, so nothing of what they came in \
    was delivered.",
    "Do not open it. Ask DWP whether they sent it, and for the risk data as CSV, as they publish them. If there \
    are none, and your IT security knows, two people may release it: `hbcourier held approve ID`.",
);
const NO_COPY: Words = (
    "CN-152",
    "The derived copy of the risk data that the route wants cannot be made, because {why}. Nothing of what they \
    came in was delivered, so that the copy is not missed beside its original.",
    "Compare with `hbcourier risk learn`, correct the route's `derived` table, or take it out to have the \
    original alone; reload the service (`systemctl reload hbcourier`) and `hbcourier held retry` this. There is \
    no release: the settings \
    decide.",
);
const NO_ROUTE: Words = (
    "CN-118",
    "No route says where this kind of file goes.",
    "Add a route for its kind to the configuration, reload the service (`systemctl reload hbcourier`) and \
    `hbcourier held retry` it. There is \
    no release, because nothing would say where to.",
);
const UNACCEPTED_ROOT: Words = (
    "CN-155",
    "This file is XML, and its root element or namespace is none that its route accepts (`xml_roots`).",
    "Ask DWP what changed. If the new form is right for your back office, add it to the route, reload the \
    service (`systemctl reload hbcourier`) and `hbcourier held retry` it. To have this one file as it is, two people may release it: \
    `hbcourier held approve ID`.",
);
const OTHER_AUTHORITY: Words = (
    "CN-119",
    "This file carries LA number {found}, which is not served where it came: possibly another authority's \
    personal data.",
    "Do not open it. Tell your data protection officer and the partner. It cannot be released, because it may be \
    somebody else's data: when they have decided, `hbcourier held reject ID` it.",
);
const SEVERAL_AUTHORITIES: Words = (
    "CN-143",
    "What came here names LA numbers {found}. Its source serves each of them, but what comes together goes to \
    one authority, so nothing of it was delivered to any.",
    "Ask the partner to send each authority's files on their own. It cannot be released and no order divides it: \
    once they came, `hbcourier held reject ID` this.",
);
const AUTHORITY_UNTOLD: Words = (
    "CN-144",
    "The source this came by serves several LA numbers, and neither the content nor a file's name tells which of \
    them it is for, so it was delivered to none.",
    "Ask the partner whose it is, and for it again with the LA number in the file's name, as in \
    `AOBWR627_12302_RISK.csv`, or by a source that serves this one number. It cannot be released, because \
    nothing says to whom. Only if the source shall serve no other number any more: take out its `also_for`, \
    reload the service (`systemctl reload hbcourier`) and `hbcourier held retry` this.",
);
const REPLY: Words = (
    "CN-145",
    "This mail replies to {to}, which was sent. What it says only a person can tell.",
    "Read the reply. If it says that the return arrived, `hbcourier returns confirm` that; if not, `hbcourier \
    returns resend` it where that is still possible. There is nothing in it to release; `hbcourier held reject \
    ID` puts it away.",
);
const NAME_CONFLICT: Words = (
    "CN-120",
    "The destination already has a file of that name, and it is not ours.",
    "Move that file away, then `hbcourier held retry` this. There is no release, because nothing is ever \
    overwritten.",
);
const SAME_NAMES: Words = (
    "CN-126",
    "Two files of this pack would be delivered under the same name, so nothing of it was delivered.",
    "Give the route's `file_name` a field that tells them apart (the reference configuration lists the fields), \
    reload the service (`systemctl reload hbcourier`) and `hbcourier held retry` this. There is no release: the \
    settings decide.",
);
const REPLACED: Words = (
    "CN-121",
    "This file got its final name at the destination, and before its delivery was recorded other content lay \
    under that name: it was replaced, or taken and the name used again.",
    "Find out who writes there, and whether this file was taken. If it was, `hbcourier held reject ID` this. If \
    not, move the other file away, then `hbcourier held retry` this: it is delivered again. There is no \
    release.",
);
const SPOOL_CHANGED: Words = (
    "CN-122",
    "The spooled copy is no longer what was collected.",
    "Check the disk and who has access to the state directory, and ask the partner to send it again. It cannot \
    be released, because it is not what came: `hbcourier held reject ID` it once the new one is here.",
);
const ATTEMPTS_EXHAUSTED: Words = (
    "CN-123",
    "Given up after the allowed number of attempts: {cause}.",
    "Mend the cause (`hbcourier check` names it), then `hbcourier held retry` this. There is no release: it \
    stands in nobody's way but its own.",
);
const WORKER_FAULT: Words = (
    "CN-124",
    "The service failed twice while it opened this file, by a fault of its own, so it does not try again by \
    itself; the file is safe in the spool, and nothing was delivered by these attempts.",
    "Report it with the service's log around that time. With a version in which it is mended, `hbcourier held \
    retry` this. It cannot be released, because nothing was found out about it.",
);
const WHEREABOUTS_UNKNOWN: Words = (
    "CN-125",
    "The destination folder is not the one this was about to be delivered in (replaced, or not mounted), so \
    nobody can tell whether it arrived.",
    "Put the old folder back or mount it, look whether the file is there, then `hbcourier held retry` this: what \
    lies there already is not delivered again. There is no release.",
);
const INFECTED: Words = (
    "CN-157",
    "The virus scanner found {signature} in this file, so nothing of what it came in was delivered.",
    "Do not open it. Tell your IT security and the partner, and ask for a clean file. It cannot be released: if it was a \
    false alarm, have clamd's signatures corrected and `hbcourier held retry` this, which scans it anew; otherwise \
    `hbcourier held reject ID` it.",
);
const RELEASE_UNPROVEN: Words = (
    "CN-156",
    "The store says that this file was released, but the ledger does not tell of two different people who approved it, \
    so nothing of it was let through.",
    "Somebody or something has altered the store: run `hbcourier audit verify` and treat it as an incident. It cannot be \
    released as it stands; afterwards `hbcourier held retry` this, and it is judged anew without any release.",
);

const MAIL_PLAIN: Words = (
    "CN-131",
    "Nothing in this mail is sealed with OpenPGP, or what came out of it has no file, so nothing was delivered.",
    "If it was meant to be sealed, ask the partner to send it again. Otherwise read it in the mailbox, as any \
    mail. There is nothing in it to release; `hbcourier held reject ID` puts it away.",
);
const MAIL_SMIME: Words = (
    "CN-132",
    "This mail is S/MIME, which the service does not open.",
    "Ask the partner to send it sealed with OpenPGP to your certificate (`hbcourier keys list`). It cannot be \
    released, because it cannot be opened.",
);
const MAIL_SIGNED_ONLY: Words = (
    "CN-133",
    "This mail is signed with OpenPGP and not encrypted, so what it carries came in clear.",
    "Tell the partner that it came in clear, and ask for it again, sealed. It cannot be released, because it was \
    open to anybody on its way: `hbcourier held reject ID` it.",
);
const MAIL_PARTLY_SEALED: Words = (
    "CN-134",
    "Beside what is sealed, this mail has a part that is neither sealed nor a covering note, or text around a \
    sealed message. Nothing of it was delivered.",
    "Ask the partner to seal everything, each file as an attachment of its own, and to send it again. It cannot \
    be released, because anybody can have added the rest: `hbcourier held reject ID` it.",
);
const MAIL_AMBIGUOUS: Words = (
    "CN-135",
    "Two readings of this mail's structure do not agree, or it is built so that programs may read it \
    differently. Nothing of it was delivered.",
    "Ask the partner to send it again as PGP/MIME or with sealed attachments; if their mail comes through a \
    gateway, report it with the service's log. It cannot be released, because nobody can say what is in it: \
    `hbcourier held reject ID` it.",
);
const MAIL_TOO_COMPLEX: Words = (
    "CN-136",
    "This mail has more parts, deeper ones, longer headers or more bytes than are read.",
    "Ask the partner to send it in fewer or smaller parts, without forwarding it twice. It cannot be released, \
    because it was not read: `hbcourier held reject ID` it.",
);
const MAIL_SEVERAL_SIGNERS: Words = (
    "CN-137",
    "The sealed parts of this mail are signed by different keys, so nothing of it was delivered.",
    "Ask the partners to send each their own mail. It cannot be released, because it is not one sender's: \
    `hbcourier held reject ID` it.",
);

impl HoldReason {
    /// What to tell a person.
    pub fn notice(&self) -> Notice {
        use HoldReason::*;
        let (code, says, next) = self.words();
        let says = match self {
            SignerRevoked { signer } | SignerExpired { signer } => says.replace("{signer}", &signer.to_string()),
            SignatureAge => says
                .replace("{days}", &SIGNATURE_DAYS_MAX.to_string())
                .replace("{minutes}", &SIGNATURE_AHEAD_MINUTES_MAX.to_string()),
            Repeat { first, received, .. } => {
                let received = received.strftime("on %-d %B %Y at %H:%M UTC").to_string();
                says.replace("{first}", &first.to_string()).replace("{received}", &received)
            }
            LimitReached { limit } => says
                .replace("{depth}", &MESSAGE_DEPTH_MAX.to_string())
                .replace("{recipients}", &RECIPIENTS_MAX.to_string())
                .replace("{limit}", limit.key()),
            NoCopy { why } => says.replace("{why}", why.says()),
            OtherAuthority { found } => says.replace("{found}", found.as_str()),
            SeveralAuthorities { found } => {
                let found: Vec<&str> = found.iter().map(LaNumber::as_str).collect();
                says.replace("{found}", &found.join(", "))
            }
            Reply { to } => says.replace("{to}", &to.to_string()),
            Infected { signature } => says.replace("{signature}", signature),
            AttemptsExhausted { cause } => says.replace("{cause}", cause.says()),
            _ => says.to_owned(),
        };
        Notice::new(code, says, next)
    }

    fn words(&self) -> Words {
        use HoldReason::*;
        match self {
            NotOpenPgp => NOT_OPENPGP,
            Tampered => TAMPERED,
            Truncated => TRUNCATED,
            NoKey => NO_KEY,
            Unsigned => UNSIGNED,
            Stranger => STRANGER,
            BadSignature => BAD_SIGNATURE,
            SignerRevoked { .. } => SIGNER_REVOKED,
            SignerExpired { .. } => SIGNER_EXPIRED,
            SeveralMessages => SEVERAL_MESSAGES,
            OddStructure => ODD_STRUCTURE,
            LegacyAlgorithm => LEGACY_ALGORITHM,
            SignatureAge => SIGNATURE_AGE,
            Repeat { became: Became::Delivered, .. } => REPEAT_OF_DELIVERED,
            Repeat { became: Became::Held, .. } => REPEAT_OF_HELD,
            Repeat { became: Became::UnderWay, .. } => REPEAT_OF_UNDER_WAY,
            LimitReached { limit: Limit::MessageDepth } => MESSAGE_DEPTH,
            LimitReached { limit: Limit::Recipients } => RECIPIENTS,
            LimitReached { .. } => LIMIT_REACHED,
            ArchiveUnsafe => ARCHIVE_UNSAFE,
            Malformed { unsound: Unsound::Broken } => BROKEN,
            Malformed { unsound: Unsound::ActivePdf } => ACTIVE_PDF,
            Malformed { unsound: Unsound::RiskTable } => RISK_TABLE,
            Malformed { unsound: Unsound::Macros } => MACROS,
            Mail { unfit: UnfitMail::Plain } => MAIL_PLAIN,
            Mail { unfit: UnfitMail::SMime } => MAIL_SMIME,
            Mail { unfit: UnfitMail::SignedOnly } => MAIL_SIGNED_ONLY,
            Mail { unfit: UnfitMail::PartlySealed } => MAIL_PARTLY_SEALED,
            Mail { unfit: UnfitMail::Ambiguous } => MAIL_AMBIGUOUS,
            Mail { unfit: UnfitMail::TooComplex } => MAIL_TOO_COMPLEX,
            Mail { unfit: UnfitMail::SeveralSigners } => MAIL_SEVERAL_SIGNERS,
            UnacceptedRoot => UNACCEPTED_ROOT,
            Infected { .. } => INFECTED,
            NoCopy { .. } => NO_COPY,
            NoRoute => NO_ROUTE,
            OtherAuthority { .. } => OTHER_AUTHORITY,
            SeveralAuthorities { .. } => SEVERAL_AUTHORITIES,
            AuthorityUntold => AUTHORITY_UNTOLD,
            Reply { .. } => REPLY,
            NameConflict => NAME_CONFLICT,
            SameNames => SAME_NAMES,
            Replaced => REPLACED,
            SpoolChanged => SPOOL_CHANGED,
            AttemptsExhausted { .. } => ATTEMPTS_EXHAUSTED,
            WorkerFault => WORKER_FAULT,
            WhereaboutsUnknown => WHEREABOUTS_UNKNOWN,
            Restored => RESTORED,
            ReleaseUnproven => RELEASE_UNPROVEN,
        }
    }
}
