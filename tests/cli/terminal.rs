//! The question at a real terminal: answers, keys, widths, and streams that go elsewhere.

use std::io::{Read as _, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::sandbox::{LIMBECK, Sandbox, file, words};

/// Longer than any run takes on any machine: a test that waits so long has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// What the terminal shows, and whether the program still holds it.
struct Picture {
    parser: vt100::Parser,
    open: bool,
}

/// A program at a terminal of its own.
struct Terminal<'a> {
    sandbox: &'a Sandbox,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    picture: Arc<(Mutex<Picture>, Condvar)>,
    /// Kept: the terminal is gone when this is.
    _master: Box<dyn MasterPty + Send>,
}

/// How a program is started at a terminal.
struct Start<'a> {
    sandbox: &'a Sandbox,
    columns: u16,
    env: Vec<(&'static str, &'static str)>,
    controlling: bool,
}

fn terminal(sandbox: &Sandbox) -> Start<'_> {
    Start { sandbox, columns: 80, env: Vec::new(), controlling: true }
}

impl<'a> Start<'a> {
    fn columns(mut self, columns: u16) -> Self {
        self.columns = columns;
        self
    }

    fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    /// The terminal is there, but it is not the one that `/dev/tty` means.
    fn without_controlling_terminal(mut self) -> Self {
        self.controlling = false;
        self
    }

    /// Runs limbeck.
    fn limbeck(self, line: &str) -> Terminal<'a> {
        let mut command = CommandBuilder::new(LIMBECK);
        command.args(words(line));
        self.start(command)
    }

    /// Runs a line of the shell, in which `$limbeck` is the program.
    fn shell(self, line: &str) -> Terminal<'a> {
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", &line.replace("$limbeck", LIMBECK)]);
        self.start(command)
    }

    fn start(self, mut command: CommandBuilder) -> Terminal<'a> {
        let size = PtySize { rows: 60, cols: self.columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        command.env_clear();
        for (name, value) in self.sandbox.environment() {
            // A terminal knows its own width.
            if name != "COLUMNS" {
                command.env(name, value);
            }
        }
        command.env("TERM", "xterm-256color");
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command.cwd(self.sandbox.path());
        command.set_controlling_tty(self.controlling);
        let child = pair.slave.spawn_command(command).expect("the program can be started");
        drop(pair.slave);
        let [rows, columns] = [size.rows, size.cols].map(|side| NonZero::new(side).expect("a side is not 0"));
        let parser = vt100::Parser::new(rows, columns, 0);
        let picture = Arc::new((Mutex::new(Picture { parser, open: true }), Condvar::new()));
        let mut output = pair.master.try_clone_reader().expect("a reader");
        let keys = pair.master.take_writer().expect("a writer");
        let shared = Arc::clone(&picture);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                // The end of a terminal is an error on Linux and an end elsewhere.
                let length = output.read(&mut bytes).unwrap_or(0);
                let mut picture = shared.0.lock().expect("the lock");
                picture.parser.process(&bytes[..length]);
                picture.open = length > 0;
                shared.1.notify_all();
                if length == 0 {
                    break;
                }
            }
        });
        Terminal { sandbox: self.sandbox, child, keys, picture, _master: pair.master }
    }
}

impl Terminal<'_> {
    /// Waits until the screen holds `text`.
    #[track_caller]
    fn shows(&mut self, text: &str) -> &mut Self {
        self.until(|picture| picture.parser.screen().contents().contains(text), text);
        self
    }

    /// Waits for the question to be there so many times: what is typed before it would be shown before it.
    #[track_caller]
    fn asks(&mut self, times: usize) -> &mut Self {
        let asked =
            |picture: &Picture| picture.parser.screen().contents().matches("[y/n/enter] (y):").count();
        self.until(|picture| asked(picture) == times, "the question");
        self
    }

    #[track_caller]
    fn until(&mut self, holds: impl Fn(&Picture) -> bool, what: &str) {
        let began = Instant::now();
        let mut picture = self.picture.0.lock().expect("the lock");
        while !holds(&picture) {
            let left = LIMIT.saturating_sub(began.elapsed());
            assert!(
                !left.is_zero() && picture.open,
                "never came: {what}\n{}",
                picture.parser.screen().contents()
            );
            picture = self.picture.1.wait_timeout(picture, left).expect("the lock").0;
        }
    }

    /// Types.
    fn types(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("the terminal listens");
        self
    }

    /// Waits for the end, and tells what is on the screen then, and the exit code. No line is longer than the terminal.
    #[must_use]
    #[track_caller]
    fn ends(self) -> String {
        let (text, wrapped) = self.ends_somehow();
        assert_eq!(wrapped, None, "longer than the terminal is wide");
        text
    }

    /// The screen at the end, and a line of it that is longer than the terminal.
    #[must_use]
    #[track_caller]
    fn ends_somehow(mut self) -> (String, Option<String>) {
        let began = Instant::now();
        let mut picture = self.picture.0.lock().expect("the lock");
        while picture.open {
            let left = LIMIT.saturating_sub(began.elapsed());
            assert!(!left.is_zero(), "it does not end\n{}", picture.parser.screen().contents());
            picture = self.picture.1.wait_timeout(picture, left).expect("the lock").0;
        }
        let code = self.child.wait().expect("it ended").exit_code();
        let screen = picture.parser.screen();
        let (rows, columns) = screen.size();
        let (rows, columns) = (rows.get(), columns.get());
        let lines: Vec<String> = screen.rows(0, columns).map(|line| line.trim_end().to_owned()).collect();
        let wrapped =
            (0..rows).find(|row| screen.row_wrapped(*row)).map(|row| lines[usize::from(row)].clone());
        let text = format!("{}\n[exit {code}]\n", lines.join("\n").trim_end());
        (self.sandbox.redacted(&text), wrapped)
    }
}

const QUESTION: &str = "Do you want to proceed?";

#[test]
fn y_yes_and_enter_are_yes() {
    for answer in ["y\r", "yes\r", "\r", " Y \r"] {
        let sandbox = Sandbox::chain();
        let mut terminal = terminal(&sandbox).limbeck("upgrade");
        terminal.shows(QUESTION).types(answer);
        let screen = terminal.ends();
        assert!(
            screen.contains("3 migrations applied") && screen.ends_with("[exit 0]\n"),
            "{answer:?}: {screen}"
        );
        assert_eq!(sandbox.applied().len(), 3, "{answer:?}");
        if answer == "y\r" {
            check!(screen);
        }
    }
}

#[test]
fn n_and_no_are_no() {
    for answer in ["n\r", "no\r", "NO\r"] {
        let sandbox = Sandbox::chain();
        let before = sandbox.listing();
        let mut terminal = terminal(&sandbox).limbeck("upgrade");
        terminal.shows(QUESTION).types(answer);
        let screen = terminal.ends();
        assert!(screen.ends_with("[exit 3]\n"), "{answer:?}: {screen}");
        assert_eq!(sandbox.listing(), before, "{answer:?}: no database was made");
        if answer == "n\r" {
            check!(screen);
        }
    }
}

#[test]
fn anything_else_asks_again() {
    let sandbox = Sandbox::chain();
    let mut terminal = terminal(&sandbox).limbeck("upgrade +1");
    terminal.asks(1).types("what?\r").asks(2).types("yy\r").asks(3).types("y\r");
    check!(terminal.ends());
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa"]);
}

#[test]
fn ctrl_c_at_the_question_stops() {
    let sandbox = Sandbox::chain();
    let before = sandbox.listing();
    let mut terminal = terminal(&sandbox).limbeck("upgrade");
    terminal.shows(QUESTION).types("\x03");
    check!(terminal.ends());
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn ctrl_d_is_never_a_yes() {
    let sandbox = Sandbox::chain();
    let before = sandbox.listing();
    let mut terminal = terminal(&sandbox).limbeck("upgrade");
    terminal.shows(QUESTION).types("\x04");
    check!(terminal.ends());
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn enter_does_not_downgrade() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    let mut session = terminal(&sandbox).limbeck("downgrade -1");
    session.shows(QUESTION).types("\r");
    check!(session.ends());
    assert_eq!(sandbox.applied().len(), 3);

    let mut session = terminal(&sandbox).limbeck("downgrade -1");
    session.shows(QUESTION).types("y\r");
    check!(session.ends());
    assert_eq!(sandbox.applied().len(), 2);

    let mut session = terminal(&sandbox).limbeck("down");
    session.shows(QUESTION).types("\x04");
    check!(session.ends());
    assert_eq!(sandbox.applied().len(), 2);
}

#[test]
fn a_narrow_terminal() {
    let sandbox = Sandbox::chain();
    let mut session = terminal(&sandbox).columns(40).limbeck("upgrade");
    session.shows(QUESTION).types("y\r");
    check!(session.ends());
    for line in ["status", "plan base", "downgrade nowhere"] {
        let (screen, long) = terminal(&sandbox).columns(40).limbeck(line).ends_somehow();
        // A path may be as long as it is.
        assert!(long.is_none_or(|line| line.starts_with("Database:")), "{line}: {screen}");
    }
}

#[test]
fn colours_do_not_move_the_frame() {
    let sandbox = Sandbox::chain();
    check!(terminal(&sandbox).limbeck("plan").ends());
    check!(terminal(&sandbox).limbeck("status").ends());
    let plain = terminal(&sandbox).env("NO_COLOR", "1").limbeck("plan").ends();
    assert_eq!(plain, terminal(&sandbox).limbeck("plan").ends());
}

#[test]
fn stdout_in_a_file_the_plan_is_seen_all_the_same() {
    let sandbox = Sandbox::chain();
    let mut session = terminal(&sandbox).shell("exec $limbeck upgrade > out.txt");
    session.shows("create posts").shows(QUESTION).types("y\r");
    check!(session.ends());
    check!(sandbox.redacted(&sandbox.read("out.txt")));
    assert_eq!(sandbox.applied().len(), 3);
}

#[test]
fn json_in_a_file_the_plan_is_seen_all_the_same() {
    let sandbox = Sandbox::chain();
    let mut session = terminal(&sandbox).shell("exec $limbeck upgrade --json > out.txt");
    session.shows("create posts").shows(QUESTION).types("n\r");
    let screen = session.ends();
    assert!(screen.ends_with("[exit 3]\n"), "{screen}");
    let last = sandbox.read("out.txt");
    let last: serde_json::Value = serde_json::from_str(last.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["error"]["code"], &last["exit_code"]), (&"declined".into(), &3.into()));
    assert!(sandbox.applied().is_empty());
}

#[test]
fn stderr_in_a_file_the_question_reaches_the_terminal() {
    let sandbox = Sandbox::chain();
    let mut session = terminal(&sandbox).shell("exec $limbeck upgrade 2> err.txt");
    session.shows(QUESTION).types("y\r");
    check!(session.ends());
    check!(sandbox.read("err.txt"));
    assert_eq!(sandbox.applied().len(), 3);
}

#[test]
fn where_the_question_cannot_be_shown_an_answer_is_needed() {
    let sandbox = Sandbox::chain();
    let session = terminal(&sandbox).without_controlling_terminal().shell("exec $limbeck upgrade 2> err.txt");
    let screen = session.ends();
    assert!(screen.ends_with("[exit 5]\n"), "{screen}");
    check!(sandbox.read("err.txt"));
    assert!(!sandbox.path().join("cortex.db").exists());
}

#[test]
fn stdin_from_a_pipe_is_nobody() {
    let sandbox = Sandbox::chain();
    check!(terminal(&sandbox).shell("echo n | $limbeck upgrade").ends());
    assert_eq!(sandbox.applied().len(), 3);
}

#[test]
fn settings_can_say_that_nobody_is_asked() {
    let sandbox = Sandbox::chain();
    let session =
        terminal(&sandbox).env("CORTEX_DB_MIGRATIONS_IS_INTERACTIVE", "false").limbeck("upgrade 2bbb");
    check!(session.ends());
    assert_eq!(sandbox.applied().len(), 2);
}

#[test]
fn flags_can_say_so_too() {
    let sandbox = Sandbox::chain();
    check!(terminal(&sandbox).limbeck("upgrade +1 --yes").ends());
    check!(terminal(&sandbox).limbeck("upgrade +1 --no-input").ends());
    check!(terminal(&sandbox).limbeck("downgrade base -y").ends());
    assert!(sandbox.applied().is_empty());
}

#[test]
fn nothing_to_do_asks_nothing() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    check!(terminal(&sandbox).limbeck("upgrade").ends());
}

#[test]
fn what_was_shown_is_what_is_done_or_nothing_is() {
    let sandbox = Sandbox::chain();
    let mut session = terminal(&sandbox).limbeck("upgrade");
    session.shows(QUESTION);
    // Somebody else is faster than the answer.
    sandbox.given("upgrade +1");
    session.types("y\r");
    check!(session.ends());
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa"]);
}

#[test]
fn several_services_ask_one_by_one() {
    let sandbox = Sandbox::chain();
    sandbox.write(
        "limbeck.toml",
        "[services.one]\ndatabase_url = \"sqlite://one.db\"\n\n[services.two]\ndatabase_url = \"sqlite://two.db\"\n",
    );
    let mut session = terminal(&sandbox).limbeck("upgrade +1");
    session.shows("Service: one").asks(1).types("y\r");
    session.shows("Service: two").asks(2);
    session.types("n\r");
    check!(session.ends());
}

/// A chain of so many revisions, one on the other.
fn long_chain(length: usize, sql: impl Fn(usize) -> String) -> Sandbox {
    let sandbox = Sandbox::project();
    let mut parent = String::new();
    for number in 1..=length {
        let id = format!("{number:x}{}", "0".repeat(11));
        sandbox.revision(
            &id,
            &parent,
            &format!("revision number {number}"),
            &sql(number),
            &format!("DROP TABLE t{number};"),
        );
        parent = id;
    }
    sandbox
}

#[test]
fn a_long_run_leaves_a_clean_screen() {
    let sandbox = long_chain(14, |number| format!("CREATE TABLE t{number} (id INTEGER);"));
    let mut session = terminal(&sandbox).limbeck("upgrade");
    session.shows(QUESTION).types("y\r");
    check!(session.ends());
}

/// A statement that takes a while and leaves a table.
fn slow(number: usize) -> String {
    format!(
        "CREATE TABLE t{number} AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000)\n\
         SELECT count(*) AS c FROM n;"
    )
}

#[test]
fn ctrl_c_in_the_run_stops_after_the_revision() {
    const LENGTH: usize = 12;
    let sandbox = long_chain(LENGTH, slow);
    let mut session = terminal(&sandbox).limbeck("upgrade -y");
    session.shows("↑ 100000000000").types("\x03").shows("Stopping at the next safe place");
    // The terminal itself writes ^C behind the bar, which fills its line.
    let (screen, _) = session.ends_somehow();
    let applied = sandbox.applied();
    assert!(!applied.is_empty() && applied.len() < LENGTH, "{applied:?}: {screen}");
    let told = format!("Interrupted; {} of {LENGTH} done, and the books agree;", applied.len());
    assert!(screen.contains(&told) && screen.ends_with("[exit 130]\n"), "{screen}");
    assert_eq!(screen.matches('↑').count(), applied.len(), "{screen}");
    let (_, rest) = screen.split_once("Stopping").expect("it was told");
    assert!(!rest.contains(&format!("/{LENGTH} ")), "the bar is gone: {screen}");

    // The schema agrees with the books: the tables of the rest can be made, and then all of them dropped.
    for number in applied.len() + 1..=LENGTH {
        let id = format!("{number:x}{}", "0".repeat(11));
        let text = sandbox.read(&super::sandbox::file(&id));
        sandbox.write(&super::sandbox::file(&id), text.replace("i < 2000000", "i < 2"));
    }
    sandbox.given("upgrade");
    assert_eq!(sandbox.applied().len(), LENGTH);
    sandbox.given("downgrade base");
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let sandbox = long_chain(12, |number| slow(number).replace("i < 2000000", "i < 2000000000"));
    let mut session = terminal(&sandbox).limbeck("upgrade -y");
    // The bar, which names what runs.
    session.shows("0/12").types("\x03");
    session.shows("Stopping at the next safe place").types("\x03");
    let (screen, _) = session.ends_somehow();
    assert!(screen.ends_with("[exit 130]\n"), "{screen}");
    assert!(sandbox.applied().is_empty());
}

#[test]
fn a_second_run_waits_for_the_first_and_then_gives_up() {
    let sandbox = long_chain(12, |number| slow(number).replace("i < 2000000", "i < 2000000000"));
    let mut first = terminal(&sandbox).limbeck("upgrade -y");
    first.shows("0/12");
    let mut runs = vec![sandbox.run("upgrade -q --lock-timeout 50ms")];
    runs.push(sandbox.run("upgrade --lock-timeout 0 --json"));
    let mut waiting = terminal(&sandbox).limbeck("upgrade -y");
    waiting.shows("another limbeck").types("\x03");
    let (waited, _) = waiting.ends_somehow();
    assert!(waited.ends_with("[exit 130]\n"), "{waited}");
    first.types("\x03").shows("Stopping").types("\x03");
    let (stopped, _) = first.ends_somehow();
    assert!(stopped.ends_with("[exit 130]\n"), "{stopped}");
    for run in runs {
        // The holder is told: its process, user and host.
        let told =
            run.contains("another limbeck is at work on this database: pid ") && run.contains("ann@host");
        assert!(told && run.ends_with("[exit 6]\n"), "{run}");
    }
    assert!(sandbox.applied().is_empty());
}

#[test]
fn a_quiet_question_still_shows_what_it_is_about() {
    let sandbox = Sandbox::chain();
    let mut session = terminal(&sandbox).limbeck("-q upgrade");
    session.shows("MIGRATION PLAN").shows("(y):").types("n\r");
    let (screen, _) = session.ends_somehow();
    assert!(screen.contains("1aaaaaaaaaaa") && screen.ends_with("[exit 3]\n"), "{screen}");
}

#[test]
fn a_bare_down_is_not_taken_for_granted() {
    let sandbox = Sandbox::chain().env("CORTEX_DB_MIGRATIONS_IS_INTERACTIVE", "false");
    sandbox.given("upgrade");
    let (screen, _) = terminal(&sandbox).limbeck("down").ends_somehow();
    assert!(screen.contains("nobody is asked") && screen.ends_with("[exit 5]\n"), "{screen}");
    assert_eq!(sandbox.applied().len(), 3);
}

#[test]
fn enter_does_not_apply_what_comes_late() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    sandbox.revision(
        "4ddddddddddd",
        "1aaaaaaaaaaa",
        "from another branch",
        "CREATE TABLE d (id INTEGER);",
        "DROP TABLE d;",
    );
    let late = || sandbox.applied().contains(&"4ddddddddddd".to_owned());
    for keys in ["\r", "\x04"] {
        let mut session = terminal(&sandbox).limbeck("upgrade");
        session.shows(QUESTION).types(keys);
        check!(session.ends());
        assert!(!late());
    }
    let session = terminal(&sandbox).limbeck("upgrade --late refuse");
    let screen = session.ends();
    assert!(screen.contains("comes late") && screen.ends_with("[exit 1]\n"), "{screen}");
    // What was said on the command line is asked about like everything else.
    let mut session = terminal(&sandbox).limbeck("goto 4ddd --late apply");
    session.asks(1).types("n\r");
    let screen = session.ends();
    assert!(screen.ends_with("[exit 3]\n") && !late(), "{screen}");

    let mut session = terminal(&sandbox).limbeck("upgrade");
    session.shows(QUESTION).types("y\r");
    let screen = session.ends();
    assert!(screen.contains("1 migration applied") && late(), "{screen}");
}

#[test]
fn a_purge_wants_the_databases_name() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    let mut session = terminal(&sandbox).limbeck("stamp base --purge");
    session.shows("(cortex.db)").types("y\r");
    let (screen, _) = session.ends_somehow();
    assert!(screen.ends_with("[exit 3]\n"), "{screen}");
    assert_eq!(sandbox.applied().len(), 3);
    let mut session = terminal(&sandbox).limbeck("stamp base --purge");
    session.shows("(cortex.db)").types("cortex.db\r");
    let (screen, _) = session.ends_somehow();
    assert!(screen.ends_with("[exit 0]\n"), "{screen}");
    assert!(sandbox.applied().is_empty());
}

#[test]
fn a_half_applied_revision_is_settled_by_choice() {
    let sandbox = Sandbox::empty();
    sandbox.write("limbeck.toml", "database_url = \"sqlite://cortex.db\"\n");
    let up = "-- limbeck:no-transaction\nCREATE TABLE a (x);\nCREATE TABLE a (x);";
    sandbox.revision("1aaaaaaaaaaa", "", "stops half-way", up, "DROP TABLE a;");
    assert!(sandbox.run("upgrade").ends_with("[exit 1]\n"));
    let mut session = terminal(&sandbox).limbeck("resolve");
    session.shows("(stop):").types("9\r").shows("Please answer 1, 2, 3 or 4.").types("\r");
    let (screen, _) = session.ends_somehow();
    assert!(screen.ends_with("[exit 3]\n"), "{screen}");
    let mut session = terminal(&sandbox).limbeck("resolve");
    session.shows("(stop):").types("4\r").shows("(y):").types("\r");
    let (screen, _) = session.ends_somehow();
    assert!(screen.ends_with("[exit 0]\n"), "{screen}");
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa"]);
}

#[test]
fn an_upgrade_asks_about_what_is_half_applied_and_goes_on() {
    let sandbox = Sandbox::empty();
    sandbox.write("limbeck.toml", "database_url = \"sqlite://cortex.db\"\n");
    let up = "-- limbeck:no-transaction\nCREATE TABLE a (x);\nCREATE TABLE b (x, x);";
    sandbox.revision("1aaaaaaaaaaa", "", "stops half-way", up, "DROP TABLE a;");
    assert!(sandbox.run("upgrade").ends_with("[exit 1]\n"));
    let file = file("1aaaaaaaaaaa");
    sandbox.write(&file, sandbox.read(&file).replace("(x, x)", "(x)"));
    let mut session = terminal(&sandbox).limbeck("upgrade");
    session.shows("(stop):").types("1\r").shows("(y):").types("\r");
    let (screen, _) = session.ends_somehow();
    assert!(screen.ends_with("[exit 0]\n"), "{screen}");
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa"]);
}
