//! The sign of life: it is given while every part of the service makes progress, and withheld when one hangs.

use std::os::unix::net::UnixDatagram;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hbcourier::cli::demo::samples;
use rustix::process::{Pid, Signal, kill_process};

use super::{PATIENCE, figure, get, says, watched};
use crate::support::council::{Council, set};
use crate::support::partner::SealOptions;
use crate::support::smtp::{Certificates, FaultServer, postfix_table};

/// What systemd would hear. It always listens: whoever tells it something waits until it is heard.
pub(super) struct Systemd {
    told: Receiver<String>,
    path: String,
}

impl Systemd {
    pub(super) fn of(council: &Council) -> Systemd {
        let path = council.dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let (tell, told) = channel();
        // Ends with the test's process.
        std::thread::spawn(move || {
            let mut heard = [0; 4096];
            while let Ok(bytes) = socket.recv(&mut heard) {
                let _ = tell.send(String::from_utf8_lossy(&heard[..bytes]).into_owned());
            }
        });
        Systemd { told, path: path.to_str().unwrap().to_owned() }
    }

    /// Starts the service, which is to give a sign of life ten times a second or so.
    pub(super) fn starts(&self, council: &mut Council, more: &[(&str, &str)]) {
        let environment = [&[("NOTIFY_SOCKET", self.path.as_str()), ("WATCHDOG_USEC", "300000")], more].concat();
        council.start_in(&environment);
    }

    /// What is said next; nothing, if nothing is for so long.
    fn hears(&self, within: Duration) -> Option<String> {
        self.told.recv_timeout(within).ok()
    }

    /// Waits until this is said.
    pub(super) fn waits_for(&self, what: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let told = self.hears(left.max(Duration::from_millis(1))).unwrap_or_else(|| panic!("never heard {what}"));
            if told.contains(what) {
                return told;
            }
        }
    }

    /// Forgets what has been said so far.
    pub(super) fn forgets(&self) {
        while self.told.try_recv().is_ok() {}
    }
}

/// What `status` says first.
fn first_line(council: &Council) -> String {
    let page = String::from_utf8(council.runs(&["status"]).stdout).unwrap();
    page.lines().next().unwrap().to_owned()
}

/// Stuck after a second of silence.
fn impatient(council: &Council) {
    council.changes_settings(|settings| set(settings, &["watch", "stuck_after"], "1s"));
}

#[test]
fn systemd_is_told_how_things_stand() {
    let (_dwp, mut council) = watched();
    let systemd = Systemd::of(&council);
    systemd.starts(&mut council, &[]);
    systemd.waits_for("READY=1");
    systemd.waits_for("WATCHDOG=1");
    council.until("it is ready", |council| says(council, "/readyz", 200));
    let before = first_line(&council);
    let away = council.dir.path().join("away");
    std::fs::rename(&council.drop, &away).unwrap();
    council.until("it is an alarm", |council| council.is_alarmed("drop-12302", "CN-501"));
    let worse = first_line(&council);
    assert_ne!(worse, before);
    systemd.waits_for(&format!("STATUS={worse}"));
    std::fs::rename(&away, &council.drop).unwrap();
    systemd.waits_for(&format!("STATUS={before}"));
    council.stops_well();
    systemd.waits_for("STOPPING=1");
}

#[test]
fn a_carrier_that_hangs_withholds_the_sign_of_life_and_is_named() {
    let (dwp, mut council) = watched();
    impatient(&council);
    let systemd = Systemd::of(&council);
    systemd.starts(&mut council, &[("FAILPOINTS", "stage.written=1*pause")]);
    systemd.waits_for("WATCHDOG=1");
    let seal = |n: u8| {
        dwp.seals(format!("<?xml version=\"1.0\"?><LAID n=\"{n}\"/>").as_bytes(), "LAID.xml", &SealOptions::default())
    };
    council.drops("hangs.pgp", &seal(1));
    council.until("it is unhealthy", |council| says(council, "/healthz", 503));
    let (_, says) = get(&council, "/healthz").unwrap();
    assert!(says.starts_with("carrier-") && says.contains("has had nothing behind it for"), "{says}");
    systemd.forgets();
    let quiet_until = Instant::now() + Duration::from_secs(2);
    while let Some(told) =
        systemd.hears(quiet_until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))
    {
        assert!(!told.contains("WATCHDOG"), "{told}");
    }
    council.until("it is an alarm", |council| council.attention().iter().any(|(_, code)| code == "CN-565"));
    assert_eq!(figure(&council, "hbcourier_workers_stuck"), Some(1.0));
    assert!(council.log().contains("systemd gets no sign of life"), "{}", council.log());
    // The others carry on meanwhile; and what hung is delivered after the restart that systemd gives it.
    council.drops("flows.pgp", &seal(2));
    council.until("another is delivered", |council| council.delivered().len() == 1);
    council.kill();
    council.start();
    council.until("both are delivered", |council| council.delivered().len() == 2);
    council.until("and the alarm is over", |council| council.attention().iter().all(|(_, code)| code != "CN-565"));
    council.stops_well();
}

/// However long the first look at the sources takes, as it may on a slow share: while it is not stuck the sign of life is
/// given. Once it is, everything that tells of it tells the same.
#[test]
fn a_first_look_that_takes_long_is_no_silence_until_it_is_stuck() {
    let (_dwp, mut council) = watched();
    let systemd = Systemd::of(&council);
    let never_looks = [("FAILPOINTS", "lookout.look=pause")];
    systemd.starts(&mut council, &never_looks);
    council.until("it is told", |council| says(council, "/readyz", 503));
    systemd.forgets();
    for _ in 0..10 {
        systemd.waits_for("WATCHDOG=1");
    }
    assert_eq!(get(&council, "/readyz").unwrap().1, "drop-12302 was not looked at yet\n");
    assert!(says(&council, "/healthz", 200) && !council.log().contains("no sign of life"));
    council.kill();

    impatient(&council);
    systemd.starts(&mut council, &never_looks);
    council.until("it is unhealthy", |council| says(council, "/healthz", 503));
    assert!(get(&council, "/healthz").unwrap().1.starts_with("lookout has had nothing behind it for"));
    council.until("it is an alarm", |council| council.is_alarmed("lookout", "CN-565"));
    council.until("it is logged", |council| council.log().contains("lookout has had nothing behind it for"));
    systemd.forgets();
    let quiet_until = Instant::now() + Duration::from_secs(1);
    while let Some(told) =
        systemd.hears(quiet_until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))
    {
        assert!(!told.contains("WATCHDOG"), "{told}");
    }
    council.kill();
}

/// Shares whose servers are gone: who asks them never comes back. That is told, and nothing piles up.
#[test]
fn folders_that_hang_are_told_of_and_nobody_is_stuck() {
    let (_dwp, mut council) = watched();
    impatient(&council);
    let systemd = Systemd::of(&council);
    // It begins when it knows that they hang.
    systemd.starts(&mut council, &[("FAILPOINTS", "folder.asked=pause")]);
    systemd.waits_for("STATUS=");
    for place in ["state", "laid-12302", "hbms-12302"] {
        assert_eq!(figure(&council, &format!("hbcourier_place_answers{{place=\"{place}\"}}")), Some(0.0), "{place}");
    }
    let (_, figures) = get(&council, "/metrics").unwrap();
    assert!(!figures.contains("hbcourier_disk_free_bytes{"), "{figures}");
    let pid = council.pid();
    let asking = || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
        let names = tasks.map(|task| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default());
        names.filter(|name| name.trim_end() == "asks a folder").count()
    };
    let hanging = asking();
    assert!(hanging > 0);
    // Until it has told once more how things stand, and has been asked often.
    systemd.forgets();
    for _ in 0..40 {
        systemd.waits_for("WATCHDOG=1");
        assert!(says(&council, "/metrics", 200) && says(&council, "/healthz", 200));
    }
    assert_eq!(asking(), hanging, "they do not pile up");
    let drop_folder = council.drop.display().to_string();
    council.until("each is an alarm", |council| council.is_alarmed(&drop_folder, "CN-574"));
    for _ in 0..3 {
        systemd.forgets();
        kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::HUP).unwrap();
        systemd.waits_for("RELOADING=1");
        systemd.waits_for("READY=1");
        council.until("it looks again", |council| says(council, "/metrics", 200) && says(council, "/healthz", 200));
        assert_eq!(asking(), hanging, "nor with reloads");
    }
    assert!(council.is_alarmed(&drop_folder, "CN-574") && !council.log().contains("not taken up"), "{}", council.log());
    assert_eq!(council.events("configuration-reloaded"), 3);
    assert!(council.attention().iter().all(|(_, code)| code != "CN-565"), "{:?}", council.attention());
    council.stops_well();
}

/// Many times as long as a part of the service may be silent, and never silent.
#[test]
fn a_large_file_is_work_and_no_silence() {
    let (dwp, mut council) = watched();
    impatient(&council);
    let filler = format!("<Claim>{}</Claim>\n", "x".repeat(1000));
    let mut large = String::from("<?xml version=\"1.0\"?><LAID>");
    (0..160 * 1024).for_each(|_| large.push_str(&filler));
    large.push_str("</LAID>");
    let sealed = dwp.seals(large.as_bytes(), "LAID.xml", &SealOptions::with(&["--compress-algo", "none"]));
    let systemd = Systemd::of(&council);
    systemd.starts(&mut council, &[]);
    let began = Instant::now();
    council.drops("large.pgp", &sealed);
    council.until("it is delivered", |council| {
        assert!(!says(council, "/healthz", 503), "{:?}", get(council, "/healthz"));
        council.all_rest(1)
    });
    assert_eq!(council.delivered().len(), 1, "{}", council.log());
    println!("a file of {} MiB took {:?}", sealed.len() >> 20, began.elapsed());
    systemd.waits_for("WATCHDOG=1");
    council.stops_well();
}

/// A server that has the whole message and does not answer is waited for, for minutes.
#[test]
fn waiting_for_a_silent_mail_server_is_no_silence_of_ours() {
    let (_dwp, mut council) = watched();
    impatient(&council);
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "starttls");
    let today = council.falls_due_today();
    let mut smtp = postfix_table(&certificates, council.dir.path(), server.port, "hbcourier@council.example");
    for key in ["account", "password_file"] {
        smtp.remove(key);
    }
    council.changes_settings(|settings| {
        let courier = settings["courier"][0].as_table_mut().unwrap();
        courier.remove("folder");
        courier.insert("smtp".into(), smtp.into());
        let partner = settings["partner"][0].as_table_mut().unwrap();
        partner.insert("addresses".into(), vec!["silent@dwp.example"].into());
    });
    std::fs::write(council.returns.join("shbe/extract.txt"), samples::shbe_extract(today)).unwrap();
    let systemd = Systemd::of(&council);
    systemd.starts(&mut council, &[]);
    let sending = "hbcourier_returns{return=\"shbe\",stage=\"sending\"}";
    council.until("the server has it", |council| figure(council, sending) == Some(1.0) && !server.taken().is_empty());
    // Far longer than a second, counted in signs of life and not in time.
    systemd.forgets();
    for _ in 0..40 {
        systemd.waits_for("WATCHDOG=1");
    }
    assert!(says(&council, "/healthz", 200));
    assert_eq!(figure(&council, sending), Some(1.0));
    council.kill();
}
