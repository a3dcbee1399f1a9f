//! Workflows with a mail server at one end: a mail with a pack of three that comes in, a return that leaves.

use std::process::Command;

use hbcourier::domain::Stage;
use tempfile::TempDir;

use super::super::samples::{Sample, Sealed};
use super::super::scene::Scene;
use super::super::zeros::Outcome;
use super::campaign::Workflow;
use super::carrying::{
    IN_PACK, IN_RETURN, Watched, completes, holds_nothing_in_clear, once, tells_that_it_is_uncertain,
};
use crate::mail::mailbox::{mail_with, mailbox_table};
use crate::support::council::LA;
use crate::support::imap::Dovecot;
use crate::support::partner::SealOptions;
use crate::support::smtp::{Certificates, Postfix, postfix_table};

/// A mail comes into a mailbox, is delivered and moved away.
pub struct MailIn {
    watched: Watched,
    dovecot: Dovecot,
    sealed: Sealed,
    /// How many came so far.
    came: usize,
    _outside: (TempDir, Certificates),
}

impl MailIn {
    pub fn new() -> MailIn {
        let certificates = Certificates::new();
        let dovecot = Dovecot::start(&certificates);
        let passwords = tempfile::tempdir().unwrap();
        let table = mailbox_table(&certificates, passwords.path(), dovecot.port + 1, "implicit", "10m");
        let scene = Scene::of(&[LA], |settings| {
            let authority = settings["authority"][0].as_table_mut().unwrap();
            authority.insert("mailbox".into(), toml::Value::Array(vec![table.into()]));
        });
        let sealed = Sample::pack(1).sealed_with(&scene.dwp, &SealOptions::armoured());
        let _outside = (passwords, certificates);
        MailIn { watched: Watched::over(scene, IN_PACK), dovecot, sealed, came: 0, _outside }
    }
}

impl Workflow for MailIn {
    fn name(&self) -> &'static str {
        "IMAP to folder, three parts"
    }

    fn sets_back(&mut self) {
        self.came += 1;
        let MailIn { watched, dovecot, sealed, came, .. } = self;
        watched.sets_back(|scene| {
            scene.expected.file(sealed);
            dovecot.delivers(&mail_with(*came, "HBMS_pack_1.zip.asc", sealed.bytes.clone()));
        });
    }

    fn command(&self) -> Command {
        once(&self.watched.scene)
    }

    fn rests(&self) -> bool {
        self.watched.rests() && self.dovecot.in_inbox() == 0
    }

    fn completes(&mut self) {
        completes(&self.watched.scene, || self.rests());
    }

    fn reckons(&mut self, what: &str) -> Outcome {
        let outcome = self.watched.reckons(what);
        assert_eq!(self.dovecot.in_processed(), self.came, "{what}: each mail is moved, once");
        outcome
    }
}

/// A return leaves by a Postfix.
pub struct MailOut {
    scene: Scene,
    postfix: Postfix,
    /// How many it had delivered before.
    before: usize,
    _outside: (TempDir, Certificates),
}

impl MailOut {
    pub fn new() -> MailOut {
        let certificates = Certificates::new();
        let mut postfix = Postfix::start(&certificates);
        let passwords = tempfile::tempdir().unwrap();
        let smtp = postfix_table(&certificates, passwords.path(), postfix.port, "returns@council.example");
        let scene = Scene::of(&[LA], |settings| {
            let courier = settings["courier"][0].as_table_mut().unwrap();
            courier.remove("folder");
            courier.insert("smtp".into(), smtp.into());
            let partner = settings["partner"][0].as_table_mut().unwrap();
            partner.insert("addresses".into(), vec!["hbms@dwp.example"].into());
        });
        let before = postfix.delivered_in_all();
        let _outside = (passwords, certificates);
        MailOut { scene, postfix, before, _outside }
    }

    fn stage(&self) -> Option<Stage> {
        let word = |stage: &Stage| matches!(stage, Stage::Sent { .. } | Stage::Uncertain { .. });
        self.scene.submissions().into_iter().map(|one| one.stage).find(word)
    }
}

impl Workflow for MailOut {
    fn name(&self) -> &'static str {
        "return by SMTP"
    }

    fn sets_back(&mut self) {
        self.before = self.postfix.delivered_in_all();
        self.scene.sets_back();
        self.scene.returns().hands_in_shbe(LA);
    }

    fn command(&self) -> Command {
        once(&self.scene)
    }

    fn rests(&self) -> bool {
        self.stage().is_some()
    }

    fn completes(&mut self) {
        completes(&self.scene, || self.rests());
    }

    fn may_be_uncertain(&self) -> bool {
        true
    }

    /// One that nobody can tell of may have arrived, and is never sent again by itself.
    fn reckons(&mut self, what: &str) -> Outcome {
        let watch = self.scene.watched(false);
        let mut outcome = self.scene.reckons(watch.ends(), 1);
        let arrived = self.postfix.delivered_in_all() - self.before;
        let is_sent = matches!(self.stage(), Some(Stage::Sent { .. }));
        outcome.uncertain = usize::from(!is_sent);
        outcome.lost = usize::from(is_sent && arrived == 0);
        outcome.duplicated = arrived.saturating_sub(1);
        self.scene.is_tidy(what);
        if is_sent {
            self.scene.is_told_once(what);
        } else {
            tells_that_it_is_uncertain(&self.scene, what);
        }
        holds_nothing_in_clear(&self.scene, IN_RETURN);
        outcome
    }
}
