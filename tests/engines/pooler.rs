//! PostgreSQL behind PgBouncer, which gives each transaction whichever session is free.

use std::process::{Child, Stdio};

use crate::at_once::exactly_one_applies;
use crate::engine::{Database, Engine};
use crate::raw::Raw;
use crate::sandbox::Sandbox;

/// Tests of the functions named, where there is a pooler.
macro_rules! behind_a_pooler {
    ($($test:ident;)+) => {$(
        mod $test {
            #[test]
            fn postgresql() {
                if let Some(engine) = crate::engine::wanted("postgresql")
                    && crate::engine::pooler().is_some()
                {
                    super::$test(engine);
                }
            }
        }
    )+};
}

behind_a_pooler! {
    all_kinds_of_revisions_go_through_a_pooler;
    a_failure_behind_a_pooler_is_told_and_settled;
    settings_of_a_revision_stay_in_it_behind_a_pooler;
    settings_outside_of_a_transaction_are_refused_behind_a_pooler;
    a_schema_holds_behind_a_pooler;
    questions_make_no_lease;
    one_of_two_applies_behind_a_pooler;
    one_of_many_applies_behind_a_pooler;
    one_of_many_applies_beside_and_behind_a_pooler;
    a_lease_names_its_holder_and_keeps_all_others_out;
    a_direct_connection_keeps_a_lease_from_being_taken;
    a_killed_holder_is_followed_and_commits_nothing_more;
    who_lost_the_lease_commits_nothing;
    a_lease_is_renewed_while_a_revision_runs;
}

/// A sandbox whose database is reached by way of the pooler.
fn behind(database: &Database) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    sandbox.set("CORTEX_DATABASE_URL", database.url_of(&database.pooled()));
    sandbox
}

const LEASES: &str = "SELECT count(*) FROM limbeck_lock";

fn all_kinds_of_revisions_go_through_a_pooler(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = behind(&database);
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\nCREATE TABLE t (a int);\n-- limbeck:unless table u\nCREATE TABLE u (a int);\n\
         -- limbeck:downgrade\nDROP TABLE u;\nDROP TABLE t;\n",
    );
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nCREATE INDEX CONCURRENTLY t_a ON t (a);\nCREATE INDEX CONCURRENTLY u_a ON u (a);\n\
         -- limbeck:downgrade\nDROP INDEX CONCURRENTLY u_a;\nDROP INDEX CONCURRENTLY t_a;\n",
    );
    sandbox.revision(
        "a00000000003",
        "a00000000002",
        "-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE TABLE v (a int);\nCREATE TABLE w (a int);\n\
         -- limbeck:downgrade\n-- limbeck:no-transaction\nDROP TABLE w;\nDROP TABLE v;\n",
    );
    sandbox.revision(
        "a00000000004",
        "a00000000003",
        "-- limbeck:upgrade\nBEGIN;\nCREATE TABLE x (a int);\nCOMMIT;\n-- limbeck:downgrade\nBEGIN;\nDROP TABLE x;\nCOMMIT;\n",
    );
    sandbox.revision(
        "a00000000005",
        "a00000000004",
        "-- limbeck:upgrade\nBEGIN;\nSET LOCAL work_mem = '5MB';\nCREATE TABLE y (a int);\nCOMMIT;\nBEGIN;\n\
         CREATE TABLE z (a int);\nCOMMIT;\n\
         -- limbeck:downgrade\nBEGIN;\nDROP TABLE z;\nCOMMIT;\nBEGIN;\nDROP TABLE y;\nCOMMIT;\n",
    );
    sandbox.limbeck(&["upgrade"]).ends(0);
    sandbox.limbeck(&["check"]).ends(0);
    let mut raw = database.raw();
    assert!(raw.has_table("x") && raw.has_table("u") && raw.has_table("w"));
    assert_eq!(raw.lines(LEASES), ["0"], "it is given back");
    sandbox.limbeck(&["downgrade", "base"]).ends(0);
    assert_eq!(raw.states().len(), 0);
    assert!(!raw.has_table("t"));
    assert_eq!(raw.lines(LEASES), ["0"]);
    let advisory = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                    WHERE d.datname = current_database() AND l.locktype = 'advisory'";
    assert_eq!(raw.lines(advisory), ["0"]);
}

fn a_failure_behind_a_pooler_is_told_and_settled(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = behind(&database);
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\nCREATE TABLE t (a int);\nINSERT INTO nope VALUES (1);\n",
    );
    sandbox.limbeck(&["upgrade"]).ends(1).says("nope").hides("LB001");
    let mut raw = database.raw();
    assert!(!raw.has_table("t"));
    assert_eq!(raw.lines(LEASES), ["0"]);
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE TABLE t (a int);\nINSERT INTO nope VALUES (1);\n",
    );
    sandbox.remove(&sandbox.file("a00000000001", 1));
    sandbox.limbeck(&["upgrade"]).ends(1).says("nope");
    assert!(raw.has_table("t"));
    raw.run("CREATE TABLE nope (a int)");
    sandbox.limbeck(&["resolve", "--continue"]).ends(0);
    sandbox.limbeck(&["check"]).ends(0);
}

fn settings_of_a_revision_stay_in_it_behind_a_pooler(engine: Engine) {
    for arguments in [&["upgrade"][..], &["upgrade", "--transaction", "all"]] {
        let database = Database::new(engine);
        let mut sandbox = behind(&database);
        sandbox.revision(
            "a00000000001",
            "",
            "-- limbeck:upgrade\nCREATE SCHEMA elsewhere;\nSET search_path = elsewhere;\nSET work_mem = '5MB';\nCREATE TABLE t (a int);\n",
        );
        sandbox.revision("a00000000002", "a00000000001", "-- limbeck:upgrade\nCREATE TABLE u (a int);\n");
        sandbox.limbeck(arguments).ends(0);
        let found = database.raw().lines(
            "SELECT relnamespace::regnamespace FROM pg_class WHERE relname IN ('t', 'u') ORDER BY relname",
        );
        assert_eq!(found, ["elsewhere", "public"]);
        // As many as the pooler has sessions, each in use while the next is asked.
        let mut clients: Vec<Raw> = (0..3).map(|_| Raw::server(engine, &database.pooled())).collect();
        for client in &mut clients {
            client.run("BEGIN");
            let said = client.lines("SELECT current_setting('work_mem'), current_setting('search_path')");
            assert_eq!(said, ["4MB | \"$user\", public"]);
        }
    }
}

fn settings_outside_of_a_transaction_are_refused_behind_a_pooler(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = behind(&database);
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\n-- limbeck:no-transaction\nSET work_mem = '5MB';\nCREATE TABLE t (a int);\n",
    );
    sandbox
        .limbeck(&["upgrade"])
        .ends(1)
        .says("a00000000001 runs outside of a transaction and sets something for its session")
        .says("past the pooler");
    assert_eq!(database.raw().lines(LEASES), ["0"]);
    sandbox.set("CORTEX_DATABASE_URL", database.url());
    sandbox.limbeck(&["upgrade"]).ends(0);
}

fn a_schema_holds_behind_a_pooler(engine: Engine) {
    let database = Database::new(engine);
    let mut raw = database.raw();
    raw.run("CREATE SCHEMA app");
    let mut sandbox = behind(&database);
    sandbox.set("CORTEX_DATABASE_URL", format!("{}?schema=app", database.url_of(&database.pooled())));
    sandbox.revision("a00000000001", "", "-- limbeck:upgrade\nCREATE TABLE t (a int);\n");
    sandbox.limbeck(&["upgrade"]).ends(0);
    let places = "SELECT relname, relnamespace::regnamespace FROM pg_class WHERE relkind = 'r' \
                  AND relnamespace::regnamespace::text IN ('public', 'app') ORDER BY relname";
    let app = ["limbeck_lock | app", "limbeck_log | app", "limbeck_revisions | app", "t | app"];
    assert_eq!(raw.lines(places), app);
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nCREATE INDEX CONCURRENTLY t_a ON t (a);\n",
    );
    sandbox
        .limbeck(&["upgrade"])
        .ends(1)
        .says("a00000000002 runs outside of a transaction")
        .says("past the pooler");
    assert_eq!(raw.lines("SELECT count(*) FROM app.limbeck_lock"), ["0"]);
    sandbox.set("CORTEX_DATABASE_URL", format!("{}?schema=app", database.url()));
    sandbox.limbeck(&["upgrade"]).ends(0);
}

fn questions_make_no_lease(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = behind(&database);
    sandbox.revision("a00000000001", "", "-- limbeck:upgrade\nCREATE TABLE t (a int);\n");
    for question in ["status", "plan", "history", "check"] {
        sandbox.limbeck(&[question]);
        assert!(!database.raw().has_table("limbeck_lock"), "{question}");
    }
}

fn one_of_two_applies_behind_a_pooler(engine: Engine) {
    one_applies(engine, &[true, true]);
}

fn one_of_many_applies_behind_a_pooler(engine: Engine) {
    one_applies(engine, &[true; 12]);
}

fn one_of_many_applies_beside_and_behind_a_pooler(engine: Engine) {
    one_applies(engine, &[true, false, true, false, true, false, true, false, true, false, true, false]);
}

/// Starts a runner for each, behind the pooler or not, all at once.
fn one_applies(engine: Engine, pooled: &[bool]) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::shipped(&database);
    let runners: Vec<Child> = pooled
        .iter()
        .map(|pooled| {
            let address = if *pooled { database.pooled() } else { database.address() };
            sandbox.set("CORTEX_DATABASE_URL", database.url_of(&address));
            let mut command = sandbox.command(&["upgrade"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("limbeck starts")
        })
        .collect();
    exactly_one_applies(runners, &database, &sandbox);
}

/// A gate that the test keeps shut, and a runner whose revision has come to it.
struct Gate {
    database: Database,
    sandbox: Sandbox,
    keeper: Raw,
    watcher: Raw,
    runner: Child,
}

impl Gate {
    fn with(engine: Engine, pooled: bool) -> Self {
        let database = Database::new(engine);
        let mut sandbox = behind(&database);
        if !pooled {
            sandbox.set("CORTEX_DATABASE_URL", database.url());
        }
        sandbox.revision(
            "a00000000001",
            "",
            "-- limbeck:upgrade\nSELECT pg_advisory_xact_lock(1, 1);\nCREATE TABLE t (a int);\n",
        );
        let mut keeper = database.raw();
        keeper.run("SELECT pg_advisory_lock(1, 1)");
        // A lock timeout would take the runner away from the gate.
        let mut command = sandbox.command(&["upgrade", "--lock-wait", "0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut runner = command.spawn().expect("it starts");
        let mut watcher = database.raw();
        let waiting =
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
        while watcher.lines(waiting).is_empty() {
            assert_eq!(runner.try_wait().expect("it can be asked"), None, "the runner waits at the gate");
            std::thread::yield_now();
        }
        Self { database, sandbox, keeper, watcher, runner }
    }

    fn open(&mut self) {
        self.keeper.run("SELECT pg_advisory_unlock(1, 1)");
    }
}

fn a_lease_names_its_holder_and_keeps_all_others_out(engine: Engine) {
    let mut gate = Gate::with(engine, true);
    let direct = gate.database.url();
    for _ in 0..2 {
        gate.sandbox
            .limbeck(&["upgrade", "--lock-timeout", "0"])
            .ends(6)
            .says("another limbeck is at work on this database")
            .says(&format!("pid {} ", gate.runner.id()))
            .says("behind a pooler, since ")
            .says("--lock-timeout");
        gate.sandbox.set("CORTEX_DATABASE_URL", direct.clone());
    }
    gate.open();
    assert!(gate.runner.wait().expect("it ends").success());
    gate.sandbox.limbeck(&["upgrade", "--lock-timeout", "0"]).ends(0);
    gate.sandbox.limbeck(&["check"]).ends(0);
}

fn a_direct_connection_keeps_a_lease_from_being_taken(engine: Engine) {
    let mut gate = Gate::with(engine, false);
    gate.sandbox.limbeck(&["upgrade", "--lock-timeout", "0"]).ends(6).says(", connected since ");
    assert!(!gate.watcher.has_table("limbeck_lock"), "a session of one's own needs no lease");
    let pooled = gate.database.url_of(&gate.database.pooled());
    gate.sandbox.set("CORTEX_DATABASE_URL", pooled);
    gate.sandbox.limbeck(&["upgrade", "--lock-timeout", "0"]).ends(6).says(", connected since ");
    assert_eq!(gate.watcher.lines(LEASES), ["0"]);
    gate.open();
    assert!(gate.runner.wait().expect("it ends").success());
    gate.sandbox.limbeck(&["check"]).ends(0);
}

fn a_killed_holder_is_followed_and_commits_nothing_more(engine: Engine) {
    let mut gate = Gate::with(engine, true);
    gate.runner.kill().expect("it is killed");
    gate.runner.wait().expect("it ends");
    gate.sandbox.limbeck(&["upgrade", "--lock-timeout", "0"]).ends(6).says("behind a pooler, since ");
    let ends = "SELECT expires_at BETWEEN clock_timestamp() AND clock_timestamp() + interval '30 seconds' FROM limbeck_lock";
    assert_eq!(gate.watcher.lines(ends), ["t"]);
    let token = "SELECT token FROM limbeck_lock";
    let killed = gate.watcher.lines(token);
    let mut next = gate
        .sandbox
        .command(&["upgrade"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    // Its time is up.
    gate.watcher.run("UPDATE limbeck_lock SET expires_at = clock_timestamp() - interval '1 second'");
    while gate.watcher.lines(token) == killed {
        assert_eq!(next.try_wait().expect("it can be asked"), None);
        std::thread::yield_now();
    }
    gate.open();
    assert!(next.wait().expect("it ends").success());
    gate.sandbox.limbeck(&["check"]).ends(0);
    assert_eq!(gate.watcher.lines("SELECT count(*) FROM limbeck_log WHERE act = 'upgrade'"), ["1"]);
}

fn who_lost_the_lease_commits_nothing(engine: Engine) {
    let mut gate = Gate::with(engine, true);
    gate.watcher.run(
        "UPDATE limbeck_lock SET token = 'of another', expires_at = clock_timestamp() + interval '1 hour'",
    );
    gate.open();
    let output = gate.runner.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("another limbeck took over") && said.contains("LB001"), "{said}");
    assert!(!gate.watcher.has_table("t"));
    assert_eq!(gate.watcher.states().len(), 0);
    assert_eq!(gate.watcher.lines("SELECT token FROM limbeck_lock"), ["of another"], "it is not given back");
    gate.watcher.run("DELETE FROM limbeck_lock");
    gate.sandbox.limbeck(&["upgrade"]).ends(0);
}

/// It takes as long as a third of a lease.
fn a_lease_is_renewed_while_a_revision_runs(engine: Engine) {
    let mut gate = Gate::with(engine, true);
    let end = "SELECT expires_at, expires_at > clock_timestamp() FROM limbeck_lock";
    let first = gate.watcher.rows(end);
    loop {
        let now = gate.watcher.rows(end);
        assert_eq!(now[0][1], "t", "it never runs out");
        if now != first {
            break;
        }
        assert_eq!(gate.runner.try_wait().expect("it can be asked"), None);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    gate.open();
    assert!(gate.runner.wait().expect("it ends").success());
}
