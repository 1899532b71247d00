//! SQLite without room: a full disk, a limit on the size of files, and what may not be written.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::case::{Case, UP};
use crate::effort::{self, Dice, say};
use crate::engine::Engine;
use crate::raw::Raw;
use crate::said::Said;
use crate::story::Story;

on_engines! {
    what_may_only_be_read_in_wal_mode on sqlite;
    a_file_that_may_not_grow on sqlite;
    a_process_that_dies_of_its_limit on sqlite;
    a_full_disk on sqlite;
    what_may_not_be_written on sqlite;
}

fn case(what: &str) -> Case {
    Case::new(Story::whole(Engine::Sqlite), Dice::new(what))
}

/// Sizes from nothing to more than the chain needs, in KiB.
fn sizes() -> Vec<usize> {
    let step = if effort::long() { 4 } else { 40 };
    (0..=160).step_by(step).chain([600, 2000, 3500, 3700, 3800, 8000]).collect()
}

/// What was said is true; with room, all goes on.
fn goes_on(case: &mut Case, said: &Said, what: &str) {
    let truth = case.check(what);
    said.holds(&truth, &Default::default());
    case.settle(None);
    case.sandbox.limbeck(UP).ends(0);
    let truth = case.check("with room again");
    assert_eq!(truth.applied().len(), case.story.chapters.len());
}

/// `ulimit -f`, in blocks of 512 bytes, around limbeck. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
fn limited(case: &Case, kib: usize, before: &str) -> Command {
    let limbeck = case.sandbox.command(UP);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("{before} ulimit -f {}; exec \"$0\" \"$@\"", kib * 2)]);
    shell.arg(limbeck.get_program()).args(limbeck.get_args());
    shell.env_clear().envs(limbeck.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(limbeck.get_current_dir().expect("the project"));
    shell
}

fn a_file_that_may_not_grow(engine: Engine) {
    let mut refused = 0;
    for kib in sizes() {
        let mut case = case("limit");
        let output = limited(&case, kib, "trap '' XFSZ;").output().expect("a shell");
        let said = Said::new(&output);
        refused += usize::from(said.code != Some(0));
        goes_on(&mut case, &said, &format!("files of at most {kib} KiB"));
    }
    effort::tally("limit", engine, &[("refused", refused)]);
}

fn a_process_that_dies_of_its_limit(engine: Engine) {
    let mut died = 0;
    for kib in sizes() {
        let mut case = case("limit");
        let output = limited(&case, kib, "").output().expect("a shell");
        died += usize::from(output.status.code().is_none());
        case.settle(None);
        case.sandbox.limbeck(UP).ends(0);
        case.check("a death in the middle of a write");
    }
    assert!(died > 0, "SIGXFSZ kills");
    effort::tally("limit", engine, &[("died", died)]);
}

/// A file system of its own, as large as asked; unmounted with this value.
struct Disk(TempDir);

impl Disk {
    /// `None` where this process may not mount.
    fn of(kib: usize) -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        mount(folder.path(), &format!("size={kib}k")).then_some(Self(folder))
    }
}

fn mount(folder: &Path, options: &str) -> bool {
    let output = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output();
    output.is_ok_and(|output| output.status.success())
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

fn a_full_disk(engine: Engine) {
    let mut full = 0;
    for kib in sizes().into_iter().filter(|kib| *kib > 0) {
        let Some(disk) = Disk::of(kib) else {
            say("a full disk: LEFT OUT, this process may not mount a tmpfs");
            return;
        };
        let mut case = case("disk");
        let file = disk.0.path().join("data.db");
        case.moved_to(&file);
        let output = case.sandbox.command(UP).output().expect("limbeck runs");
        let said = Said::new(&output);
        full += usize::from(said.code != Some(0));
        // What is read on a full disk is true as well; a journal can be rolled back without room.
        let truth = case.check(&format!("a disk of {kib} KiB"));
        said.holds(&truth, &Default::default());
        case.sandbox.limbeck(&["status"]).ends(0);
        assert!(mount(disk.0.path(), "remount,size=64m"), "the disk grows");
        goes_on(&mut case, &said, "a disk that was full");
        case.leave();
    }
    effort::tally("disk", engine, &[("full", full)]);
}

/// As somebody whom rights stop: root is nobody for the while.
fn unprivileged(case: &Case, binary: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let limbeck = case.sandbox.command(arguments);
    let mut command = Command::new(binary);
    command.args(arguments).current_dir(limbeck.get_current_dir().expect("the project"));
    command.env_clear().envs(limbeck.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().expect("limbeck runs");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (output.status.code(), said.concat())
}

const NOBODY: u32 = 65534;

fn is_root() -> bool {
    TempDir::new().is_ok_and(|folder| folder.path().metadata().is_ok_and(|metadata| metadata.uid() == 0))
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("rights can be set");
}

const NOTHING_DONE: [&str; 3] = ["nothing was applied", "Nothing was changed", "was rolled back"];

fn what_may_not_be_written(engine: Engine) {
    let mut case = case("rights");
    let folder = PathBuf::from(case.database.file()).parent().expect("a folder").to_owned();
    let project = case.sandbox.command(&[]).get_current_dir().expect("the project").to_owned();
    // The binary may lie where nobody may look.
    let tools = TempDir::new().expect("a folder");
    let binary = tools.path().join("limbeck");
    std::fs::copy(env!("CARGO_BIN_EXE_limbeck"), &binary).expect("a copy");
    for path in [&project, tools.path(), &folder, &binary] {
        allow(path, 0o755);
    }
    let middle = case.story.chapters[5].id.clone();
    case.sandbox.limbeck(&["upgrade", &middle]).ends(0);
    let file = PathBuf::from(case.database.file());
    let lock = PathBuf::from(format!("{}-limbeck-lock", file.display()));
    for path in [&folder, &file, &lock] {
        if is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
    }
    let before = case.applied();
    // The file; the folder, whose lock file is there; the folder without one; both.
    for (of_file, of_folder, locked) in
        [(0o444, 0o755, true), (0o644, 0o555, true), (0o644, 0o555, false), (0o444, 0o555, true)]
    {
        let what = format!("file {of_file:o}, folder {of_folder:o}, lock file there: {locked}");
        if !locked {
            std::fs::remove_file(&lock).expect("the lock file");
        }
        allow(&file, of_file);
        allow(&folder, of_folder);
        let (code, said) = unprivileged(&case, &binary, &["upgrade"]);
        assert_eq!(code, Some(1), "{what}: {said}");
        assert!(NOTHING_DONE.iter().any(|words| said.contains(words)), "{what}: {said}");
        // The revision's file is not at fault.
        assert!(
            ["writ", "copied"].iter().any(|word| said.contains(word)) && !said.contains("correct the file"),
            "{what}: {said}"
        );
        let (code, said) = unprivileged(&case, &binary, &["status"]);
        assert_eq!(code, Some(0), "{what}: {said}");
        allow(&folder, 0o755);
        allow(&file, 0o644);
        let now = case.applied();
        assert_eq!(now, before, "{what}");
    }
    // What is up to date needs no right to write.
    case.sandbox.limbeck(UP).ends(0);
    allow(&file, 0o444);
    allow(&folder, 0o555);
    for arguments in [["upgrade"], ["check"], ["verify"], ["status"]] {
        let (code, said) = unprivileged(&case, &binary, &arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
    }
    allow(&folder, 0o755);
    effort::tally("rights", engine, &[("taken_away", 4)]);
}

/// Nobody may make the shared memory beside a file in WAL mode; where no log has to be read, none is needed.
fn what_may_only_be_read_in_wal_mode(_: Engine) {
    let mut case = case("wal");
    let folder = PathBuf::from(case.database.file()).parent().expect("a folder").to_owned();
    let project = case.sandbox.command(&[]).get_current_dir().expect("the project").to_owned();
    let tools = TempDir::new().expect("a folder");
    let binary = tools.path().join("limbeck");
    std::fs::copy(env!("CARGO_BIN_EXE_limbeck"), &binary).expect("a copy");
    for path in [&project, tools.path(), &folder, &binary] {
        allow(path, 0o755);
    }
    case.sandbox.limbeck(UP).ends(0);
    let file = PathBuf::from(case.database.file());
    let beside = |end: &str| PathBuf::from(format!("{}{end}", file.display()));
    case.raw = Raw::file(":memory:");
    let mut writer = Raw::file(&case.database.file());
    writer.run("PRAGMA journal_mode = WAL");
    writer.run("PRAGMA user_version = 7");
    let log = std::fs::read(beside("-wal")).expect("the log of a file that is open");
    assert!(!log.is_empty());
    // The last to close the file takes the log into it.
    drop(writer);
    while beside("-wal").exists() {
        std::thread::yield_now();
    }
    allow(&file, 0o444);
    let ask = |arguments: &[&str]| {
        allow(&folder, 0o555);
        let asked = unprivileged(&case, &binary, arguments);
        allow(&folder, 0o755);
        asked
    };
    for empty in [false, true] {
        if empty {
            std::fs::write(beside("-wal"), "").expect("an empty log");
        }
        for arguments in [["status"], ["check"], ["verify"], ["upgrade"]] {
            let (code, said) = ask(&arguments);
            assert_eq!(code, Some(0), "{arguments:?}, empty log: {empty}: {said}");
        }
    }
    std::fs::write(beside("-wal"), log).expect("a log");
    let (code, said) = ask(&["status"]);
    assert_eq!(code, Some(1), "{said}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("data.db-wal") && said.contains("must be writable"), "{said}");
    case.leave();
}
