//! Several runners on one database: one works, the others wait, and say for whom.

use std::process::{Child, Stdio};

use crate::engine::{Database, Engine};
use crate::raw::Raw;
use crate::sandbox::Sandbox;

on_engines! {
    one_of_many_applies on sqlite postgresql mariadb mysql;
    a_lock_that_a_revision_lets_go_of_is_taken_again on postgresql mariadb mysql;
    who_waits_too_long_is_told_for_whom on sqlite postgresql mariadb mysql;
}

fn one_of_many_applies(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = Sandbox::shipped(&database);
    let runners: Vec<_> = (0..12)
        .map(|_| {
            let mut command = sandbox.command(&["upgrade"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("limbeck starts")
        })
        .collect();
    exactly_one_applies(runners, &database, &sandbox);
}

/// One of them applies all of the chain, and all of them end well.
pub fn exactly_one_applies(runners: Vec<Child>, database: &Database, sandbox: &Sandbox) {
    let mut applied = 0;
    for runner in runners {
        let output = runner.wait_with_output().expect("limbeck ends");
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        applied += usize::from(said.contains("migrations applied"));
    }
    assert_eq!(applied, 1, "exactly one of them applies");
    let revisions = sandbox.ids().len().to_string();
    let acts = database.raw().rows("SELECT count(*), count(DISTINCT revision) FROM limbeck_log");
    assert_eq!(acts, [[revisions.clone(), revisions]]);
    sandbox.limbeck(&["check"]).ends(0);
}

/// The revision waits at a gate that the test keeps shut until the second runner has given up.
fn who_waits_too_long_is_told_for_whom(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let gate = format!("gate of {}", database.name);
    let (shut, pass, open, holder) = match engine {
        Engine::Sqlite => {
            ("BEGIN IMMEDIATE".to_owned(), "SELECT 1".to_owned(), "ROLLBACK".to_owned(), "pid ")
        }
        Engine::PostgreSql => (
            format!("SELECT pg_advisory_lock(hashtext('{gate}'))"),
            format!("SELECT pg_advisory_lock(hashtext('{gate}'))"),
            format!("SELECT pg_advisory_unlock(hashtext('{gate}'))"),
            "pid ",
        ),
        Engine::MariaDb | Engine::MySql => (
            format!("SELECT GET_LOCK('{gate}', 60)"),
            format!("SELECT GET_LOCK('{gate}', 60)"),
            format!("SELECT RELEASE_LOCK('{gate}')"),
            "connection ",
        ),
    };
    sandbox.revision("a00000000001", "", &format!("-- limbeck:upgrade\n{pass};\nCREATE TABLE t (a int);\n"));
    let mut keeper = database.raw();
    if engine == Engine::Sqlite {
        // There must be a file to lock.
        keeper.run("CREATE TABLE other (a int)");
    }
    keeper.run(&shut);
    let mut first =
        sandbox.command(&["upgrade"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut watcher = database.raw();
    while !at_the_gate(&database, &mut watcher) {
        assert_eq!(first.try_wait().expect("it can be asked"), None, "the first runner waits at the gate");
        std::thread::yield_now();
    }
    sandbox
        .limbeck(&["upgrade", "--lock-timeout", "0"])
        .ends(6)
        .says("another limbeck is at work on this database")
        .says(holder)
        .says("--lock-timeout");
    keeper.run(&open);
    assert!(first.wait().expect("it ends").success(), "the first runner ends well once the gate is open");
    sandbox.limbeck(&["check"]).ends(0);
}

/// Whether the first runner has the lock and has come to the gate.
fn at_the_gate(database: &Database, watcher: &mut Raw) -> bool {
    let waiting = match database.engine {
        // What holds the lock says so in the file.
        Engine::Sqlite => {
            let note = std::fs::read_to_string(format!("{}-limbeck-lock", database.file()));
            return note.is_ok_and(|note| note.ends_with('\n'));
        }
        Engine::PostgreSql => {
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        }
        engine => at_a_user_lock(engine),
    };
    !watcher.lines(waiting).is_empty()
}

/// Who waits for a `GET_LOCK` in this database. MySQL's older view fails while anybody runs a statement with an emoji.
pub fn at_a_user_lock(engine: Engine) -> &'static str {
    match engine {
        Engine::MySql => {
            "SELECT processlist_id FROM performance_schema.threads WHERE processlist_db = DATABASE() \
             AND processlist_state = 'User lock'"
        }
        _ => "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User lock'",
    }
}

/// Between the two revisions nobody else gets in, or the run ends as stale; what it must not do is work unlocked.
fn a_lock_that_a_revision_lets_go_of_is_taken_again(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let (let_go, held) = match engine {
        Engine::PostgreSql => (
            "DISCARD ALL",
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        ),
        _ => (
            "SELECT RELEASE_ALL_LOCKS()",
            "SELECT IS_USED_LOCK(concat('limbeck:', left(sha2(database(), 256), 40))) = CONNECTION_ID()",
        ),
    };
    sandbox.revision(
        "a00000000001",
        "",
        &format!("-- limbeck:upgrade\n-- limbeck:no-transaction\n{let_go};\n"),
    );
    let section = format!("-- limbeck:upgrade\nCREATE TABLE t (a int);\nINSERT INTO t {held};\n");
    sandbox.revision("a00000000002", "a00000000001", &section);
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().lines("SELECT a FROM t"), ["1"], "the lock is held again");
}
