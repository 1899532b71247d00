//! How fast and how small: whole runs of the program, beside the `sqlite3` shell running the same SQL, as medians and
//! ratios of one run. Prints Markdown; `scripts/bench` keeps it in docs/benchmarks.md.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use limbeck::chain::Goal;
use limbeck::convention;
use limbeck::dialect::{Backend, Server};
use limbeck::ledger::{Books, Content, Format, Tables};
use limbeck::manager;
use limbeck::plan::{Facts, Policy};

const LIMBECK: &str = env!("CARGO_BIN_EXE_limbeck");

fn main() {
    // `cargo test --benches` runs this too; there it only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("| what | median | bar |");
    println!("| --- | --- | --- |");
    let small = Project::new(1_000);
    let large = Project::new(10_000);

    let version = median(21, || timed(&mut small.limbeck(&["--version"])));
    row("`limbeck --version`", version, "10 ms");

    run(&mut small.limbeck(&["upgrade", "--yes", "--quiet"]));
    let status = median(21, || timed(&mut small.limbeck(&["status"])));
    row("`limbeck status`, 1,000 revisions applied, SQLite", status, "50 ms");

    let planned = median(11, || {
        let began = Instant::now();
        plan(&large.folder);
        began.elapsed()
    });
    row("load and plan 10,000 pending revisions (library)", planned, "100 ms");
    let whole = median(5, || timed(&mut large.limbeck(&["plan", "--json"])));
    row("`limbeck plan --json`, the same, whole process", whole, "");
    println!("| peak memory of it | {:.1} MB | 50 MB |", large.peak_memory(&["plan", "--json"]));

    against_the_shell();
}

/// 1,000 revisions of two statements each, beside the sqlite3 shell running the same SQL.
fn against_the_shell() {
    let project = Project::new(1_000);
    let script = String::from_utf8(output(&mut project.limbeck(&["upgrade", "base:heads", "--sql"])))
        .expect("the script is UTF-8");
    let each = project.folder.join("each.sql");
    std::fs::write(&each, &script).expect("the script can be written");
    let one = project.folder.join("one.sql");
    let inner: String = script
        .lines()
        .filter(|line| !matches!(*line, "BEGIN IMMEDIATE;" | "COMMIT;"))
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(&one, format!("BEGIN IMMEDIATE;\n{inner}\nCOMMIT;\n")).expect("the script can be written");

    // In turns, so that a change in the machine's load meets all of them.
    let (mut ours, mut shell) = (Vec::new(), Vec::new());
    let (mut ours_each, mut shell_each) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        project.forget();
        ours.push(timed(&mut project.limbeck(&["upgrade", "--yes", "--quiet"])));
        project.forget();
        shell.push(timed(&mut project.shell(&one)));
        project.forget();
        // A table of somebody else's: the database is not empty, so each revision is a transaction of its own.
        run(&mut project.shell_command("CREATE TABLE other (a);"));
        ours_each.push(timed(&mut project.limbeck(&["upgrade", "--yes", "--quiet"])));
        project.forget();
        run(&mut project.shell_command("CREATE TABLE other (a);"));
        shell_each.push(timed(&mut project.shell(&each)));
    }
    ratio("upgrade of an empty SQLite file, 1,000 revisions, one transaction", &mut ours, &mut shell, "1.3");
    ratio("upgrade of a SQLite file in use, 1,000 transactions", &mut ours_each, &mut shell_each, "1.1");
}

fn plan(folder: &Path) {
    let chain = manager::load(
        &folder.join("migrations"),
        Backend::Sqlite,
        &convention::LIMBECK,
        Path::new("migrations"),
    )
    .expect("the chain loads");
    let books = Books { tables: Tables::Absent, content: Content::Empty, rows: Vec::new() };
    let (server, format) = (Server::assumed(Backend::Sqlite), Format::limbeck(None, "default"));
    let policy = Policy::default();
    let facts = Facts { chain: &chain, books: &books, server: &server, format: &format, policy };
    let plan = facts.upgrade(&Goal::Heads).expect("the plan is made");
    assert_eq!(plan.steps.len(), 10_000);
}

struct Project {
    folder: PathBuf,
    _held: tempfile::TempDir,
}

impl Project {
    /// A project with a linear SQLite chain of `revisions`, two statements up and two down in each.
    fn new(revisions: usize) -> Self {
        let held = tempfile::tempdir().expect("a temporary folder");
        let folder = held.path().to_owned();
        let chain = folder.join("migrations/sqlite");
        std::fs::create_dir_all(&chain).expect("the folder can be made");
        let mut parent = String::new();
        for number in 1..=revisions {
            let id = format!("{:012x}", (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16);
            let mut text = String::new();
            let _ = write!(
                text,
                "-- create table t{number}\n--\n-- Revision ID: {id}\n-- Revises: {parent}\n-- Create Date: 2024-01-09 \
                 12:30:45.123456\n\n-- limbeck:upgrade\nCREATE TABLE t{number} (\n    id INTEGER PRIMARY KEY,\n    name \
                 VARCHAR(100) NOT NULL,\n    created_at TIMESTAMP NOT NULL\n);\nCREATE INDEX ix_t{number}_name ON \
                 t{number} (name);\n\n-- limbeck:downgrade\nDROP INDEX ix_t{number}_name;\nDROP TABLE t{number};\n"
            );
            std::fs::write(chain.join(format!("{id}_cortex_db_version_{number}.sql")), text).expect("a file");
            parent = id;
        }
        Self { folder, _held: held }
    }

    fn limbeck(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LIMBECK);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("CORTEX_DATABASE_URL", "sqlite://x.db");
        command
    }

    fn shell(&self, script: &Path) -> Command {
        self.shell_command(&format!(".read {}", script.display()))
    }

    fn shell_command(&self, line: &str) -> Command {
        let mut command = Command::new("sqlite3");
        command.args(["-bail", "x.db", line]).current_dir(&self.folder);
        command
    }

    fn forget(&self) {
        for name in ["x.db", "x.db-journal", "x.db-wal", "x.db-shm"] {
            let _ = std::fs::remove_file(self.folder.join(name));
        }
    }

    /// The highest resident size of a run, in MB, as the kernel counts it (`VmHWM`, proc(5)).
    fn peak_memory(&self, arguments: &[&str]) -> f64 {
        let mut child = self.limbeck(arguments).stdout(Stdio::null()).spawn().expect("limbeck starts");
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0_u64;
        while child.try_wait().expect("limbeck can be waited for").is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let found = text
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
            peak = peak.max(found.unwrap_or(0));
            std::thread::sleep(Duration::from_micros(200));
        }
        peak as f64 / 1024.0
    }
}

fn output(command: &mut Command) -> Vec<u8> {
    let done = command.stdin(Stdio::null()).output().expect("the program starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn run(command: &mut Command) {
    output(command);
}

fn timed(command: &mut Command) -> Duration {
    let began = Instant::now();
    run(command);
    began.elapsed()
}

fn median(runs: usize, mut once: impl FnMut() -> Duration) -> Duration {
    once();
    let mut times: Vec<Duration> = (0..runs).map(|_| once()).collect();
    middle(&mut times)
}

fn middle(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn row(what: &str, took: Duration, bar: &str) {
    println!("| {what} | {:.1} ms | {bar} |", took.as_secs_f64() * 1000.0);
}

fn ratio(what: &str, ours: &mut [Duration], shell: &mut [Duration], bar: &str) {
    let (ours, shell) = (middle(ours), middle(shell));
    println!(
        "| {what} | {:.0} ms, `sqlite3` {:.0} ms: {:.2} times | {bar} times |",
        ours.as_secs_f64() * 1000.0,
        shell.as_secs_f64() * 1000.0,
        ours.as_secs_f64() / shell.as_secs_f64()
    );
}
