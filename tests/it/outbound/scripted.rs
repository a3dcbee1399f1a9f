//! A courier that does as it is told, and remembers what it was given.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex};

use hbcourier::domain::DeferCause;
use hbcourier::effects::courier::{Courier, CourierError, Evidence, Form, Interrupted, Parcel, Ready, Reply};

/// What becomes of one attempt.
#[derive(Clone, Debug)]
pub enum Told {
    /// Ends before the point of no return, to be tried again.
    PrepareLater,
    /// Ends before the return is offered, until a person mends it.
    PrepareClosed,
    /// Ends before the point of no return, for good: the return was offered and refused.
    PrepareRefuse,
    /// Passes it with this answer.
    Reply(Reply),
    /// Is silent before the return is offered, until the test lets go.
    MuteBefore(Arc<Mutex<()>>),
    /// Passes it, and is silent until the test lets go; then accepts.
    MuteAfter(Arc<Mutex<()>>),
    /// The process ends just after the point of no return.
    Die,
}

/// What was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub bytes: Vec<u8>,
    pub file_name: String,
    pub message_id: String,
    pub date: jiff::Timestamp,
    pub subject: String,
    pub to: Vec<String>,
}

/// The courier. Accepts what it was told nothing about.
pub struct ScriptedCourier {
    form: Form,
    told: Mutex<VecDeque<Told>>,
    evidence: Mutex<Evidence>,
    asked: Mutex<Vec<bool>>,
    passed: Mutex<Vec<Given>>,
    undone: Mutex<u32>,
}

impl ScriptedCourier {
    pub fn new(form: Form, told: impl IntoIterator<Item = Told>) -> Arc<ScriptedCourier> {
        Arc::new(ScriptedCourier {
            form,
            told: Mutex::new(told.into_iter().collect()),
            evidence: Mutex::new(Evidence::Unknown),
            asked: Mutex::default(),
            passed: Mutex::default(),
            undone: Mutex::default(),
        })
    }

    pub fn find(&self, evidence: Evidence) {
        *self.evidence.lock().unwrap() = evidence;
    }

    /// Whether the machine was said to have restarted, each time evidence was asked for.
    pub fn asked(&self) -> Vec<bool> {
        self.asked.lock().unwrap().clone()
    }

    /// How many attempts were dropped before the point of no return.
    pub fn undone(&self) -> u32 {
        *self.undone.lock().unwrap()
    }

    /// What passed the point of no return.
    pub fn passed(&self) -> Vec<Given> {
        self.passed.lock().unwrap().clone()
    }
}

struct Attempt<'a> {
    courier: &'a ScriptedCourier,
    given: Given,
    told: Told,
    is_committed: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        *self.courier.undone.lock().unwrap() += u32::from(!self.is_committed);
    }
}

impl Ready for Attempt<'_> {
    fn commit(mut self: Box<Self>) -> Reply {
        self.is_committed = true;
        self.courier.passed.lock().unwrap().push(self.given.clone());
        match &self.told {
            Told::Reply(reply) => reply.clone(),
            Told::MuteAfter(until) => {
                drop(until.lock());
                Reply::Accepted("250 at last".into())
            }
            _ => panic!("the process ends here"),
        }
    }
}

impl Courier for ScriptedCourier {
    fn form(&self) -> Form {
        self.form
    }

    fn prepare<'a>(&'a self, mut parcel: Parcel<'_>) -> Result<Box<dyn Ready + 'a>, CourierError> {
        let mut bytes = Vec::new();
        parcel.sealed.read_to_end(&mut bytes).unwrap();
        let given = Given {
            bytes,
            file_name: parcel.file_name.to_owned(),
            message_id: parcel.message_id.to_owned(),
            date: parcel.date,
            subject: parcel.subject.to_owned(),
            to: parcel.to.to_vec(),
        };
        let told = self.told.lock().unwrap().pop_front().unwrap_or(Told::Reply(Reply::Accepted("250 ok".into())));
        match told {
            Told::PrepareLater => {
                Err(CourierError::TryLater { cause: DeferCause::CourierUnreachable, says: "no route".into() })
            }
            Told::PrepareClosed => {
                Err(CourierError::TryLater { cause: DeferCause::CourierClosed, says: "535 wrong password".into() })
            }
            Told::PrepareRefuse => Err(CourierError::Refused { says: "550 no such mailbox".into() }),
            Told::MuteBefore(until) => {
                drop(until.lock());
                let told = Told::Reply(Reply::Accepted("250 at last".into()));
                Ok(Box::new(Attempt { courier: self, given, told, is_committed: false }))
            }
            told => Ok(Box::new(Attempt { courier: self, given, told, is_committed: false })),
        }
    }

    fn evidence(&self, _: &Parcel<'_>, interrupted: &Interrupted<'_>) -> Evidence {
        self.asked.lock().unwrap().push(interrupted.rebooted);
        self.evidence.lock().unwrap().clone()
    }

    fn probe(&self) -> Result<String, CourierError> {
        Ok("told to be well".into())
    }
}
