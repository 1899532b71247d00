//! Locks of others, limits of time, and cancelling: what a run waits for, for how long, and what it leaves behind.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::at_once::at_a_user_lock;
use crate::engine::{Database, Engine};
use crate::raw::Raw;
use crate::sandbox::Sandbox;

on_engines! {
    a_lock_that_goes_away_is_waited_out on sqlite postgresql mariadb mysql;
    who_is_in_the_way_is_named_whatever_others_run on mariadb mysql;
    a_lock_that_stays_is_given_up on sqlite postgresql mariadb mysql;
    a_statement_that_takes_too_long_is_cancelled on sqlite postgresql mariadb mysql;
    a_revision_that_takes_too_long_is_cancelled on sqlite postgresql mariadb mysql;
    the_second_signal_cancels_on_the_server on sqlite postgresql mariadb mysql;
    who_stops_a_run_that_waits_stops_it on sqlite postgresql;
    a_run_in_one_transaction_that_is_stopped_leaves_nothing on postgresql;
    a_deadlock_is_tried_again on postgresql mariadb mysql;
    a_waiting_runner_does_not_hold_a_concurrent_build_up on postgresql;
    the_files_own_word_about_timeouts_holds on postgresql;
}

const ID: &str = "a00000000001";

/// A table that somebody is at work on, and a revision that must wait for it.
fn contended(engine: Engine) -> (Database, Sandbox, Raw) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let mut keeper = database.raw();
    keeper.run("CREATE TABLE t (a int)");
    sandbox.revision(ID, "", "-- limbeck:upgrade\nALTER TABLE t ADD COLUMN b int;\n");
    match engine {
        Engine::Sqlite => keeper.run("BEGIN IMMEDIATE"),
        _ => {
            keeper.run("BEGIN");
            keeper.run("INSERT INTO t VALUES (1)");
        }
    }
    (database, sandbox, keeper)
}

fn started(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("limbeck starts")
}

/// Reads until a line holds `word`, and returns all that was read.
#[track_caller]
fn read_until(from: &mut impl BufRead, word: &str) -> String {
    let mut said = String::new();
    while !said.contains(word) {
        let read = from.read_line(&mut said).expect("it can be read");
        assert!(read > 0, "`{word}` is not said:\n{said}");
    }
    said
}

fn a_lock_that_goes_away_is_waited_out(engine: Engine) {
    let (database, sandbox, mut keeper) = contended(engine);
    let mut runner = started(sandbox.command(&["upgrade", "--json", "--lock-wait", "1s"]));
    let mut events = BufReader::new(runner.stdout.take().expect("it is piped"));
    let mut said = read_until(&mut events, "\"retrying\"");
    keeper.run("ROLLBACK");
    events.read_to_string(&mut said).expect("it can be read");
    assert!(runner.wait().expect("it ends").success(), "{said}");
    assert!(said.contains("\"obstacle\":\"lock\""), "{said}");
    let named = match engine {
        Engine::Sqlite => None,
        Engine::PostgreSql => Some("pid "),
        Engine::MariaDb | Engine::MySql => Some("connection "),
    };
    if let Some(named) = named {
        assert!(said.contains("\"blocked\"") && said.contains(named), "who is in the way is named:\n{said}");
    }
    assert_eq!(database.raw().states(), [format!("{ID} applied 1/1")]);
    sandbox.limbeck(&["check"]).ends(0);
    assert_eq!(database.raw().acts(), [format!("upgrade {ID}")], "only what came to pass is in the log");
}

/// MySQL shows no process at all by the old view while one of them runs a statement with a character outside of utf8mb3.
fn who_is_in_the_way_is_named_whatever_others_run(engine: Engine) {
    let (database, sandbox, mut keeper) = contended(engine);
    let holder = keeper.lines("SELECT CONNECTION_ID()").remove(0);
    let gate = format!("SELECT GET_LOCK('{}', 60)", database.name);
    let mut gatekeeper = database.raw();
    gatekeeper.run(&gate);
    let address = database.address();
    let statement = format!("{gate} /* \u{1f40e} */");
    let horse = std::thread::spawn(move || Raw::server(engine, &address).run(&statement));
    let mut watcher = database.raw();
    while watcher.lines(at_a_user_lock(engine)).is_empty() {
        std::thread::yield_now();
    }
    let said = sandbox.limbeck(&["upgrade", "--json", "--lock-wait", "3s", "--lock-budget", "0"]).ends(1);
    drop(gatekeeper);
    horse.join().expect("it ends");
    said.says("\"blocked\"").says(&format!("connection {holder},"));
}

fn a_lock_that_stays_is_given_up(engine: Engine) {
    let (database, sandbox, mut keeper) = contended(engine);
    let given_up = sandbox
        .limbeck(&["upgrade", "--lock-wait", "1s", "--lock-budget", "0"])
        .ends(1)
        .says("--lock-budget");
    given_up.says(if engine == Engine::Sqlite {
        "nothing was applied"
    } else {
        "was rolled back, and the books agree"
    });
    keeper.run("ROLLBACK");
    let mut raw = database.raw();
    if raw.has_table("limbeck_revisions") {
        assert_eq!(raw.states(), [""; 0], "nothing is left behind");
    }
    sandbox.limbeck(&["upgrade"]).ends(0);
}

/// A statement that does not end by itself.
fn endless(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
        }
        Engine::PostgreSql => "SELECT pg_sleep(600)",
        Engine::MariaDb | Engine::MySql => {
            "SELECT count(*) AS endless FROM information_schema.collations a, information_schema.collations b, \
             information_schema.collations c, information_schema.collations d, information_schema.collations e"
        }
    }
}

fn with_endless(engine: Engine, directives: &str) -> (Database, Sandbox) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    database.raw().run("CREATE TABLE other (a int)");
    let section = format!("-- limbeck:upgrade\n{directives}CREATE TABLE t (a int);\n{};\n", endless(engine));
    sandbox.revision(ID, "", &section);
    (database, sandbox)
}

/// The statement before the endless one is undone where the engine can, and counted where it cannot.
fn left_behind(engine: Engine) -> Vec<String> {
    if engine.rolls_ddl_back() { Vec::new() } else { vec![format!("{ID} upgrading 1/2")] }
}

fn a_statement_that_takes_too_long_is_cancelled(engine: Engine) {
    let (database, sandbox) = with_endless(engine, "");
    sandbox
        .limbeck(&["upgrade", "--statement-timeout", "1s"])
        .ends(1)
        .says("statement 2 of 2")
        .says("--statement-timeout");
    assert_eq!(database.raw().states(), left_behind(engine));
}

fn a_revision_that_takes_too_long_is_cancelled(engine: Engine) {
    let (database, sandbox) = with_endless(engine, "-- limbeck:revision-timeout 1s\n");
    sandbox.limbeck(&["upgrade"]).ends(1).says("longer than 1.0 s").says("--revision-timeout");
    assert_eq!(database.raw().states(), left_behind(engine));
}

fn the_second_signal_cancels_on_the_server(engine: Engine) {
    let (database, sandbox) = with_endless(engine, "");
    let mut runner = started(sandbox.command(&["upgrade"]));
    let mut watcher = database.raw();
    while !is_running(&database, &mut watcher) {
        assert_eq!(runner.try_wait().expect("it can be asked"), None, "it runs");
        std::thread::yield_now();
    }
    let mut told = BufReader::new(runner.stderr.take().expect("it is piped"));
    let mut said = String::new();
    for word in ["Stopping at the next safe place", "Cancelling"] {
        let sent = Command::new("kill").args(["-TERM", &runner.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        said += &read_until(&mut told, word);
    }
    told.read_to_string(&mut said).expect("it can be read");
    assert_eq!(runner.wait().expect("it ends").code(), Some(130), "{said}");
    assert!(said.contains("was cancelled"), "{said}");
    assert!(!is_running(&database, &mut watcher), "it does not run on:\n{said}");
    assert_eq!(database.raw().states(), left_behind(engine));
}

/// Whether the endless statement runs.
fn is_running(database: &Database, watcher: &mut Raw) -> bool {
    let running = match database.engine {
        // What holds the lock says so in the file; the transaction that it opens then keeps others from writing.
        Engine::Sqlite => {
            let note = std::fs::read_to_string(format!("{}-limbeck-lock", database.file()));
            return note.is_ok_and(|note| note.ends_with('\n'))
                && watcher.attempt("UPDATE other SET a = 1").is_err();
        }
        Engine::PostgreSql => {
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        }
        Engine::MariaDb | Engine::MySql => {
            "SELECT id FROM information_schema.processlist WHERE db = database() AND info LIKE 'SELECT count(*) AS endless%'"
        }
    };
    !watcher.lines(running).is_empty()
}

/// Each of the two has what the other wants next. Who is chosen to end is the server's affair; limbeck ends well.
fn a_deadlock_is_tried_again(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let mut other = database.raw();
    let options = if engine == Engine::PostgreSql { "" } else { " ENGINE=InnoDB" };
    other.run(&format!("CREATE TABLE t (id int PRIMARY KEY, a int){options}"));
    other.run("INSERT INTO t VALUES (1, 0), (2, 0)");
    let both = "UPDATE t SET a = a + 1 WHERE id = 1;\nUPDATE t SET a = a + 1 WHERE id = 2;\n";
    let own = match engine {
        // Without a transaction of its own each statement would let its lock go.
        Engine::PostgreSql => both.to_owned(),
        _ => "CREATE TABLE first (a int);\nUPDATE t SET a = a + 1 WHERE id IN (1, 2);\n".to_owned(),
    };
    sandbox.revision(ID, "", &format!("-- limbeck:upgrade\n{own}"));
    other.run("BEGIN");
    other.run("UPDATE t SET a = a + 10 WHERE id = 2");
    let runner = started(sandbox.command(&["upgrade", "--lock-wait", "30s"]));
    let waits = match engine {
        Engine::PostgreSql => {
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        }
        _ => {
            "SELECT id FROM information_schema.processlist WHERE db = database() AND state = 'updating' \
             AND info LIKE 'UPDATE t SET a = a + 1%'"
        }
    };
    let mut watcher = database.raw();
    while watcher.lines(waits).is_empty() {
        std::thread::yield_now();
    }
    let _ = other.attempt("UPDATE t SET a = a + 10 WHERE id = 1");
    let _ = other.attempt("COMMIT");
    let output = runner.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ones = database.raw().rows("SELECT a % 10 FROM t ORDER BY id");
    assert_eq!(ones, [["1"], ["1"]], "it was done once");
    sandbox.limbeck(&["check"]).ends(0);
}

/// A blocking wait for the lock would hold a snapshot that the build waits for.
fn a_waiting_runner_does_not_hold_a_concurrent_build_up(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let mut keeper = database.raw();
    keeper.run("CREATE TABLE t (a int)");
    sandbox.revision(ID, "", "-- limbeck:upgrade\nCREATE INDEX CONCURRENTLY i ON t (a);\n");
    // The build waits for this transaction, so that the second runner comes while the first is at work.
    keeper.run("BEGIN");
    keeper.run("INSERT INTO t VALUES (1)");
    let first = started(sandbox.command(&["upgrade"]));
    let mut watcher = database.raw();
    let building = "SELECT pid FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for writers%'";
    while watcher.lines(building).is_empty() {
        std::thread::yield_now();
    }
    let mut second = started(sandbox.command(&["upgrade"]));
    let mut told = BufReader::new(second.stderr.take().expect("it is piped"));
    let said = read_until(&mut told, "another limbeck is at work");
    keeper.run("COMMIT");
    assert!(first.wait_with_output().expect("it ends").status.success());
    assert!(second.wait().expect("it ends").success(), "{said}");
    assert_eq!(
        watcher.lines("SELECT indisvalid::text FROM pg_index WHERE indexrelid = 'i'::regclass"),
        ["true"]
    );
}

fn the_files_own_word_about_timeouts_holds(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let section = "-- limbeck:upgrade\nSET lock_timeout = '7s';\nCREATE TABLE t (a text);\n\
                   INSERT INTO t SELECT current_setting('lock_timeout');\n";
    sandbox.revision(ID, "", section);
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().lines("SELECT a FROM t"), ["7s"]);
}

fn signalled(runner: &Child) {
    let sent = Command::new("kill").args(["-TERM", &runner.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// One signal is enough while the revision is undone and waits for its next try.
fn who_stops_a_run_that_waits_stops_it(engine: Engine) {
    let (database, sandbox, mut keeper) = contended(engine);
    if engine == Engine::Sqlite {
        keeper.run("ROLLBACK");
        sandbox.limbeck(&["stamp", ID]).ends(0);
        sandbox.limbeck(&["stamp", "base"]).ends(0);
        keeper.run("BEGIN IMMEDIATE");
    }
    let mut runner = started(sandbox.command(&["upgrade", "--json", "--lock-wait", "100ms"]));
    let mut events = BufReader::new(runner.stdout.take().expect("it is piped"));
    let mut said = read_until(&mut events, "\"retrying\"");
    signalled(&runner);
    events.read_to_string(&mut said).expect("it can be read");
    assert_eq!(runner.wait().expect("it ends").code(), Some(130), "{said}");
    keeper.run("ROLLBACK");
    assert_eq!(database.raw().states(), [""; 0]);
    sandbox.limbeck(&["upgrade"]).ends(0);
}

fn a_run_in_one_transaction_that_is_stopped_leaves_nothing(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let mut keeper = database.raw();
    keeper.run("SELECT pg_advisory_lock(7)");
    sandbox.revision(
        ID,
        "",
        "-- limbeck:upgrade\nCREATE TABLE t (a int);\nSELECT pg_advisory_xact_lock(7);\n",
    );
    sandbox.revision("b00000000002", ID, "-- limbeck:upgrade\nCREATE TABLE u (a int);\n");
    let mut runner = started(sandbox.command(&["upgrade", "--transaction", "all", "--lock-wait", "0"]));
    let waits =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    let mut watcher = database.raw();
    while watcher.lines(waits).is_empty() {
        assert_eq!(runner.try_wait().expect("it can be asked"), None, "it waits");
        std::thread::yield_now();
    }
    let mut told = BufReader::new(runner.stderr.take().expect("it is piped"));
    signalled(&runner);
    let said = read_until(&mut told, "Stopping at the next safe place");
    keeper.run("SELECT pg_advisory_unlock(7)");
    assert_eq!(runner.wait().expect("it ends").code(), Some(130), "{said}");
    assert!(!database.raw().has_table("t") && !database.raw().has_table("u"));
    sandbox.limbeck(&["upgrade"]).ends(0);
}
