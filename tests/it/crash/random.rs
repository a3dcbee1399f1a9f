//! Killed at random moments while files arrive and returns go out.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::expected::Expected;
use super::length;
use super::samples::{Sample, Sealed};
use super::scene::Scene;
use crate::support::council::{Council, LA, files_below};
use crate::support::partner::Partner;

/// Each owes two returns today.
const AUTHORITIES: [&str; 6] = [LA, "16104", "71405", "20101", "101809", "16004"];

/// Puts file after file into the folder, some carefully, some slowly under their final names.
struct Writer<'a> {
    dwp: &'a Partner,
    folder: &'a Path,
    expected: &'a Expected,
    random: StdRng,
}

impl Writer<'_> {
    fn writes_until(mut self, stop: &AtomicBool) {
        let mut numbers = 0..;
        while !stop.load(Ordering::SeqCst) {
            // Files come alone or many at once.
            let count = [1, 1, 4, 12][self.random.random_range(0..4)];
            let files: Vec<Sealed> = numbers.by_ref().take(count).map(|number| self.seals(number)).collect();
            for sealed in files {
                self.expected.file(&sealed);
                if self.random.random_bool(0.1) {
                    self.writes_slowly(&sealed.name, &sealed.bytes);
                } else {
                    let unfinished = self.folder.join(format!(".{}", sealed.name));
                    fs::write(&unfinished, &sealed.bytes).unwrap();
                    fs::rename(unfinished, self.folder.join(&sealed.name)).unwrap();
                }
            }
        }
    }

    fn seals(&mut self, number: u32) -> Sealed {
        let sample = match self.random.random_range(0..4) {
            0 => Sample::pack(number),
            1 => Sample::xml(number, 200_000),
            _ => Sample::xml(number, self.random.random_range(100..20_000)),
        };
        sample.sealed_by(self.dwp)
    }

    /// As a slow network does; it closes the file now and then.
    fn writes_slowly(&mut self, name: &str, bytes: &[u8]) {
        let path = self.folder.join(name);
        for piece in bytes.chunks(bytes.len().div_ceil(6)) {
            let mut file = fs::File::options().create(true).append(true).open(&path).unwrap();
            file.write_all(piece).unwrap();
            drop(file);
            std::thread::sleep(Duration::from_millis(self.random.random_range(0..60)));
        }
    }
}

fn campaign(takes: bool) {
    let times = length("HBCOURIER_CRASH_TIMES", 25);
    let seed = length("HBCOURIER_CRASH_SEED", rand::random::<u32>() as usize) as u64;
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut scene = Scene::of(&AUTHORITIES, |_| ());
    let began = Instant::now();
    scene.council.start();
    // Long enough to come to work, short enough to be killed while starting.
    let longest = began.elapsed() * 2 + Duration::from_millis(500);
    scene.council.kill();
    let watch = scene.watched(takes);
    let stop = AtomicBool::new(false);
    let (folder, expected) = (scene.council.drop.clone(), scene.expected.clone());
    let returns = scene.returns();
    std::thread::scope(|scope| {
        let Scene { dwp, council, .. } = &mut scene;
        let writer = Writer { dwp, folder: &folder, expected: &expected, random: StdRng::seed_from_u64(seed + 1) };
        let writing = scope.spawn(|| writer.writes_until(&stop));
        for time in 0..times {
            if let Some(number) = handed_in_at(time, times) {
                returns.hands_in(number);
            }
            council.start_with(&[]);
            if random.random() {
                comes_to_work(council);
                std::thread::sleep(Duration::from_micros(random.random_range(0..40_000)));
            } else {
                std::thread::sleep(longest.mul_f64(random.random()));
            }
            council.kill();
        }
        stop.store(true, Ordering::SeqCst);
        writing.join().unwrap();
    });
    scene.completes();
    let outcome = scene.zeros(watch, times, &format!("seed {seed}"));
    println!("{outcome} (seed {seed}, {} s)", began.elapsed().as_secs());
}

/// Waits until something is in the spool, but not for ever: files come when they come.
fn comes_to_work(council: &Council) {
    let deadline = Instant::now() + Duration::from_secs(2);
    let folders = ["spool/tmp", "spool/raw"].map(|folder| council.state.join(folder));
    while folders.iter().all(|folder| files_below(folder).is_empty()) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The authority whose returns are left before this start: they are spread over the campaign.
fn handed_in_at(time: usize, times: usize) -> Option<&'static str> {
    let pause = (times / AUTHORITIES.len()).max(1);
    time.is_multiple_of(pause).then(|| AUTHORITIES.get(time / pause).copied()).flatten()
}

#[test]
fn at_random_moments_what_is_delivered_stays() {
    campaign(false);
}

#[test]
fn at_random_moments_what_is_delivered_is_taken() {
    campaign(true);
}
