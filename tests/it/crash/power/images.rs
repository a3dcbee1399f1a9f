//! File systems in images, over the council's folders, and what a power cut leaves of them.
//!
//! Holds: everything is unmounted and detached when dropped, also when a test fails.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::council::succeeded;
use crate::support::mount::Mount;

/// How long a device may be busy with what was there before.
const PATIENCE: Duration = Duration::from_secs(20);
/// Room for all images and their copies; taken only as it is written.
const ROOM_KIB: u64 = 4 << 20;
/// Somebody else's file on the same file system.
const NEIGHBOUR: &str = ".neighbour";

/// Which file system the images have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    Ext4,
    /// ext4 without a journal: what is not synced by itself is not there, whatever else is. Checked by `e2fsck` before it
    /// is mounted, as at a start of the machine.
    Ext4NoJournal,
    Xfs,
    Btrfs,
}

impl FileSystem {
    pub const ALL: [FileSystem; 4] = [FileSystem::Ext4, FileSystem::Ext4NoJournal, FileSystem::Xfs, FileSystem::Btrfs];

    pub fn name(self) -> &'static str {
        match self {
            FileSystem::Ext4 => "ext4",
            FileSystem::Ext4NoJournal => "ext4 without journal",
            FileSystem::Xfs => "XFS",
            FileSystem::Btrfs => "btrfs",
        }
    }

    /// How it is made, in an image of so many MiB.
    fn made(self) -> (&'static [&'static str], u64) {
        match self {
            FileSystem::Ext4 => (&["mkfs.ext4", "-q", "-F"], 48),
            FileSystem::Ext4NoJournal => (&["mkfs.ext4", "-q", "-F", "-O", "^has_journal"], 48),
            FileSystem::Xfs => (&["mkfs.xfs", "-q", "--unsupported"], 64),
            FileSystem::Btrfs => (&["mkfs.btrfs", "-q"], 128),
        }
    }

    /// Whether it can be made here. ext4 must be; the others are for the long form.
    pub fn is_here(self) -> bool {
        let program = self.made().0[0];
        self == FileSystem::Ext4 || Path::new("/usr/sbin").join(program).exists()
    }

    /// Nothing is written before it must be, and nothing is mended behind the back of who forgets a sync.
    fn options(self) -> (&'static str, &'static str) {
        match self {
            FileSystem::Ext4 => ("ext4", "loop,commit=300,noauto_da_alloc"),
            FileSystem::Ext4NoJournal => ("ext4", "loop,noauto_da_alloc"),
            FileSystem::Xfs => ("xfs", "loop"),
            FileSystem::Btrfs => ("btrfs", "loop,commit=300"),
        }
    }
}

/// The images, mounted. Each is dropped before what it lies on.
pub struct Images {
    images: Vec<Image>,
    /// The memory they lie in.
    _memory: Mount,
}

struct Image {
    kind: FileSystem,
    at: PathBuf,
    template: PathBuf,
    file: PathBuf,
    mounted: bool,
}

impl Images {
    /// One for each of these folders, with what lies there now. They are kept in `memory`, a folder.
    pub fn over(folders: &[PathBuf], kind: FileSystem, memory: &Path) -> Images {
        fs::create_dir_all(memory).unwrap();
        let mount = Mount::over(memory, ROOM_KIB);
        let image = |(number, at): (usize, &PathBuf)| Image {
            kind,
            at: at.clone(),
            template: memory.join(format!("{number}.template")),
            file: memory.join(format!("{number}.image")),
            mounted: false,
        };
        let mut images = Images { images: folders.iter().enumerate().map(image).collect(), _memory: mount };
        let aside = memory.join("aside");
        fs::create_dir(&aside).unwrap();
        images.images.iter_mut().for_each(|image| image.makes_template(&aside));
        images.sets_back();
        images
    }

    /// Back to what lay there at the beginning.
    pub fn sets_back(&mut self) {
        for image in &mut self.images {
            image.unmounts();
            // Another file, not the same one with other bytes: who was cloned with our mounts may hold the old file system
            // still, and a second mount of its file would be that one.
            let _ = fs::remove_file(&image.file);
            copies(&image.template, &image.file);
            image.mounts();
        }
    }

    /// Makes everything written so far last: what others put there.
    pub fn syncs(&self) {
        self.images.iter().for_each(|image| rustix::fs::syncfs(File::open(&image.at).unwrap()).unwrap());
    }

    /// The power fails, and comes back. `neighbour`: another program has synced a file of its own beside ours just before,
    /// which makes a journal commit names whose bytes are nowhere yet.
    pub fn cut(&mut self, neighbour: bool) {
        for image in self.images.iter().filter(|_| neighbour) {
            let file = File::create(image.at.join(NEIGHBOUR)).unwrap();
            file.sync_all().unwrap();
        }
        let left: Vec<PathBuf> = self.images.iter().map(Image::copies_what_is_on_the_disk).collect();
        for (image, left) in self.images.iter_mut().zip(left) {
            image.unmounts();
            fs::rename(left, &image.file).unwrap();
            image.mounts();
            let _ = fs::remove_file(image.at.join(NEIGHBOUR));
        }
    }
}

impl Image {
    fn makes_template(&mut self, aside: &Path) {
        let (made, mib) = self.kind.made();
        File::create(&self.template).unwrap().set_len(mib << 20).unwrap();
        let mut make = Command::new(made[0]);
        succeeded(make.args(&made[1..]).arg(&self.template).output().unwrap());
        let (kind, options) = self.kind.options();
        let mut mount = Command::new("mount");
        succeeded(loops(mount.args(["-t", kind, "-o", options]).arg(&self.template).arg(aside).output().unwrap()));
        let copied = Command::new("cp").arg("-a").arg(self.at.join(".")).arg(aside).output();
        let unmounted = Command::new("umount").arg(aside).output();
        succeeded(copied.unwrap());
        succeeded(unmounted.unwrap());
    }

    /// What is in the memory of the mounted file system only is not in the copy. Copied until two copies are the same, so
    /// that it is of one moment.
    fn copies_what_is_on_the_disk(&self) -> PathBuf {
        let (left, again) = (self.file.with_extension("left"), self.file.with_extension("again"));
        for _ in 0..20 {
            copies(&self.file, &left);
            copies(&self.file, &again);
            let same = Command::new("cmp").arg("-s").arg(&left).arg(&again).status().unwrap();
            if same.success() {
                fs::remove_file(again).unwrap();
                return left;
            }
        }
        panic!("{} is written to though nobody works there", self.at.display());
    }

    fn mounts(&mut self) {
        if self.kind == FileSystem::Ext4NoJournal {
            let checked = Command::new("e2fsck").args(["-f", "-y"]).arg(&self.file).output().unwrap();
            assert!(checked.status.code().is_some_and(|code| code < 4), "{checked:?}");
        }
        let (kind, options) = self.kind.options();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut mount = Command::new("mount");
            let mounted = mount.args(["-t", kind, "-o", options]).arg(&self.file).arg(&self.at).output().unwrap();
            // The file system that was here before may take a moment to go.
            if mounted.status.success() || Instant::now() > deadline {
                succeeded(loops(mounted));
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.mounted = true;
    }

    fn unmounts(&mut self) {
        if !std::mem::take(&mut self.mounted) {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let unmounted = Command::new("umount").arg(&self.at).output().unwrap();
            if unmounted.status.success() || Instant::now() > deadline {
                succeeded(unmounted);
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: the service may still be there when a test fails. The loop device goes with its last use.
            let unmounted = Command::new("umount").arg("-l").arg(&self.at).status();
            assert!(std::thread::panicking() || unmounted.is_ok_and(|status| status.success()), "not unmounted");
        }
    }
}

/// Says plainly what is wrong where loop devices do not work.
fn loops(output: std::process::Output) -> std::process::Output {
    let works = output.status.success();
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(works, "an image could not be mounted: these tests need root, loop devices and that file system ({says})");
    output
}

fn copies(from: &Path, to: &Path) {
    succeeded(Command::new("cp").arg("--sparse=always").arg(from).arg(to).output().unwrap());
}
