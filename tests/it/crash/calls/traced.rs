//! A run of the real program that is killed, or of which a call fails, at its nth system call of a kind.
//!
//! In:  a command, and what befalls it. Out: how it ended, whether it came that far, what it said.
//! Holds: calls are counted over all threads together, which `strace` does not: it counts each thread's own. The thread
//! that began it is its tracer, from before it was executed, so that its sandbox does not matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::process::{Signal, kill_process};

use super::kinds::{Kind, Kinds};

/// Far longer than any run takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// What befalls a run.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub kinds: Kinds,
    /// From one, over calls of all these kinds together.
    pub nth: usize,
    pub what: What,
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    /// SIGKILL instead of the call.
    Kill,
    /// The call is not made and fails.
    Once(Errno),
    /// It, and every later one of its kinds.
    FromThenOn(Errno),
}

/// How a run ended.
#[derive(Debug)]
pub struct End {
    /// What it exited with; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Whether it came to the call.
    pub hit: bool,
    /// How many calls it made of each kind.
    pub calls: BTreeMap<Kind, usize>,
    /// Its standard output and standard error.
    pub says: String,
}

/// Runs the command; nothing befalls it if there is no fault.
pub fn runs(command: &Command, fault: Option<Fault>) -> End {
    runs_beside(command, fault, |_| ())
}

/// A traced run, as it is seen from beside it.
pub struct Running {
    main: Pid,
    ended: AtomicBool,
}

impl Running {
    /// Waits for a condition, or for the end of the run. Whether it still runs.
    pub fn until(&self, mut condition: impl FnMut() -> bool) -> bool {
        while !self.ended.load(Ordering::SeqCst) && !condition() {
            std::thread::sleep(Duration::from_millis(2));
        }
        !self.ended.load(Ordering::SeqCst)
    }

    /// Asks it to stop, as systemd does.
    pub fn stops(&self) {
        if let Some(process) = rustix::process::Pid::from_raw(self.main.as_raw()) {
            let _ = kill_process(process, Signal::TERM);
        }
    }
}

/// As [`runs`], with something going on beside it.
pub fn runs_beside(command: &Command, fault: Option<Fault>, beside: impl FnOnce(&Running) + Send) -> End {
    let mut says = tempfile::tempfile().unwrap();
    let main = begins(command, &says);
    let (ended, ends) = channel::<()>();
    let patience = std::thread::spawn(move || {
        if ends.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            kills(main);
        }
    });
    let mut tracer = Tracer { main, fault, calls: BTreeMap::new(), met: 0, hit: false, failing: BTreeSet::new() };
    let running = Running { main, ended: AtomicBool::new(false) };
    let code = std::thread::scope(|scope| {
        scope.spawn(|| beside(&running));
        let code = tracer.follows();
        running.ended.store(true, Ordering::SeqCst);
        code
    });
    drop(ended);
    patience.join().unwrap();
    let mut said = String::new();
    says.rewind().unwrap();
    says.read_to_string(&mut said).unwrap();
    End { code, hit: tracer.hit, calls: tracer.calls, says: said }
}

/// Begins the command with this thread as its tracer.
fn begins(command: &Command, says: &File) -> Pid {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"read -r go && exec "$@""#, "sh"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let stream = || says.try_clone().unwrap();
    #[expect(clippy::zombie_processes, reason = "its tracer waits for it")]
    let mut child = shell.stdin(Stdio::piped()).stdout(stream()).stderr(stream()).spawn().unwrap();
    let main = Pid::from_raw(child.id().cast_signed());
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(main, options).unwrap();
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    main
}

struct Tracer {
    main: Pid,
    fault: Option<Fault>,
    calls: BTreeMap<Kind, usize>,
    /// How many were of the fault's kinds.
    met: usize,
    hit: bool,
    /// Threads whose call is being failed.
    failing: BTreeSet<Pid>,
}

impl Tracer {
    /// To the end of the main process.
    fn follows(&mut self) -> Option<i32> {
        loop {
            // Of this thread's children only: another thread of this test may wait for its own.
            let (stopped, signal) = match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)).unwrap() {
                WaitStatus::Exited(pid, code) if pid == self.main => return Some(code),
                WaitStatus::Signaled(pid, ..) if pid == self.main => return None,
                WaitStatus::PtraceSyscall(pid) => {
                    self.at_call(pid);
                    (pid, None)
                }
                WaitStatus::PtraceEvent(pid, ..) => (pid, None),
                WaitStatus::Stopped(pid, signal) => (pid, Some(signal)),
                _ => continue,
            };
            // One that was killed meanwhile cannot go on.
            let _ = ptrace::syscall(stopped, signal);
        }
    }

    /// Whether it is how threads wake each other (eventfd), of which no error is known.
    fn is_among_threads(&self, kind: Kind, file: u64) -> bool {
        let reads = matches!(kind, Kind::Read | Kind::Write);
        let leads_to = |file| fs::read_link(format!("/proc/{}/fd/{file}", self.main));
        reads && leads_to(file).is_ok_and(|place| place.starts_with("anon_inode:[eventfd]"))
    }

    /// Before a call, and after it.
    fn at_call(&mut self, thread: Pid) {
        let Ok(mut registers) = ptrace::getregs(thread) else { return };
        let set = |value: Errno| (-i64::from(value as i32)).cast_unsigned();
        if self.failing.remove(&thread) {
            let errno = match self.fault.map(|fault| fault.what) {
                Some(What::Once(errno) | What::FromThenOn(errno)) => errno,
                Some(What::Kill) | None => return,
            };
            registers.rax = set(errno);
            let _ = ptrace::setregs(thread, registers);
            return;
        }
        // What the kernel says before it has made the call.
        if registers.rax != set(Errno::ENOSYS) {
            return;
        }
        let Some(kind) = Kind::of(&registers).filter(|kind| !self.is_among_threads(*kind, registers.rdi)) else {
            return;
        };
        *self.calls.entry(kind).or_default() += 1;
        let Some(fault) = self.fault.filter(|fault| fault.kinds.has(kind)) else { return };
        self.met += 1;
        let befalls = match fault.what {
            What::Kill | What::Once(_) => self.met == fault.nth,
            What::FromThenOn(_) => self.met >= fault.nth,
        };
        if !befalls {
            return;
        }
        self.hit = true;
        if matches!(fault.what, What::Kill) {
            return kills(self.main);
        }
        // No call has that number.
        registers.orig_rax = u64::MAX;
        ptrace::setregs(thread, registers).unwrap();
        self.failing.insert(thread);
    }
}

fn kills(process: Pid) {
    if let Some(process) = rustix::process::Pid::from_raw(process.as_raw()) {
        let _ = kill_process(process, Signal::KILL);
    }
}

mod tests {
    use super::*;

    /// Three threads each make two folders.
    fn makes_folders(below: &std::path::Path) -> Command {
        let script = "import os, threading\n\
            def make(name):\n    for n in '12':\n        os.mkdir(name + n)\n\
            for name in 'abc':\n    thread = threading.Thread(target=make, args=(name,))\n    \
            thread.start()\n    thread.join()\n";
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", &format!("import os\nos.chdir({:?})\n{script}", below.to_str().unwrap())]);
        python
    }

    fn made(below: &std::path::Path) -> Vec<String> {
        let names = std::fs::read_dir(below).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    fn with(nth: usize, what: What) -> (End, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let end = runs(&makes_folders(dir.path()), Some(Fault { kinds: Kinds::of(&[Kind::Mkdir]), nth, what }));
        (end, made(dir.path()))
    }

    #[test]
    fn calls_are_counted_over_all_threads_and_the_one_is_not_made() {
        let (end, made) = with(4, What::Kill);
        assert_eq!((end.code, end.hit, end.calls[&Kind::Mkdir]), (None, true, 4), "{end:?}");
        assert_eq!(made, ["a1", "a2", "b1"]);
    }

    #[test]
    fn one_call_fails_or_all_from_it_on() {
        let (end, made) = with(1, What::Once(Errno::EROFS));
        assert!(end.says.contains("Read-only file system"), "{end:?}");
        assert_eq!(made, ["b1", "b2", "c1", "c2"], "the first thread ends at its failure");
        let (_, made) = with(4, What::FromThenOn(Errno::ENOSPC));
        assert_eq!(made, ["a1", "a2", "b1"]);
    }

    #[test]
    fn what_never_comes_to_it_ends_as_it_would() {
        let (end, made) = with(7, What::Kill);
        assert_eq!((end.code, end.hit, made.len()), (Some(0), false, 6), "{end:?}");
    }
}
