//! What a revision does to its session ends with it; what a killed run leaves behind is put right.

use std::process::Stdio;

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    the_books_are_written_as_who_logged_in on sqlite postgresql;
    settings_of_a_revision_end_with_it on sqlite postgresql mariadb mysql;
    temporary_tables_of_a_revision_end_with_it on sqlite postgresql mariadb mysql;
    an_attached_database_leaves_with_its_revision on sqlite;
    a_revision_may_use_another_database on mariadb mysql;
    a_killed_run_is_no_obstacle on sqlite;
    what_fails_behind_the_commit_is_no_rollback on sqlite;
    autocommit_that_is_off_is_a_transaction on mariadb mysql;
    a_script_goes_where_the_settings_say on postgresql;
    books_without_their_log_get_a_new_one on sqlite postgresql mariadb mysql;
}

/// In one go and one by one, the same chain makes the same database.
fn settings_of_a_revision_end_with_it(engine: Engine) {
    let (setting, next, question, answer) = match engine {
        Engine::Sqlite => {
            ("PRAGMA foreign_keys = ON;", "DROP TABLE parents;", "SELECT count(*) FROM children", "1")
        }
        // The first lines of every dump.
        Engine::PostgreSql => (
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "CREATE TABLE t (a int); INSERT INTO t VALUES (1);",
            "SELECT count(*) FROM t",
            "1",
        ),
        Engine::MariaDb | Engine::MySql => (
            "SET NAMES latin1; SET sql_mode = 'ANSI_QUOTES'; SET autocommit = 0;",
            "CREATE TABLE t (a varchar(20)) CHARACTER SET utf8mb4; INSERT INTO t VALUES (\"größe\");",
            "SELECT a FROM t",
            "größe",
        ),
    };
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\nCREATE TABLE parents (id integer PRIMARY KEY);\n\
         CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents (id) ON DELETE CASCADE);\n\
         INSERT INTO parents VALUES (1);\nINSERT INTO children VALUES (1, 1);\n",
    );
    sandbox.revision("a00000000002", "a00000000001", &format!("-- limbeck:upgrade\n{setting}\n"));
    sandbox.revision("a00000000003", "a00000000002", &format!("-- limbeck:upgrade\n{next}\n"));
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().lines(question), [answer]);
    sandbox.limbeck(&["check"]).ends(0);
}

/// The books stay where they are, also when the revision fails over there.
fn a_revision_may_use_another_database(engine: Engine) {
    let (database, other) = (Database::new(engine), Database::new(engine));
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision(
        "a00000000001",
        "",
        &format!("-- limbeck:upgrade\nUSE {};\nCREATE TABLE elsewhere (a int);\n", other.name),
    );
    sandbox.revision("a00000000002", "a00000000001", "-- limbeck:upgrade\nCREATE TABLE home (a int);\n");
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert!(other.raw().has_table("elsewhere") && database.raw().has_table("home"));
    assert!(!other.raw().has_table("limbeck_revisions"));
    sandbox.revision(
        "a00000000003",
        "a00000000002",
        &format!("-- limbeck:upgrade\nUSE {};\nDROP TABLE nowhere;\n", other.name),
    );
    sandbox.limbeck(&["upgrade"]).ends(1).says("State: dirty. 1 of 2 statements");
    sandbox.limbeck(&["upgrade"]).ends(7);
}

/// The journal of a killed run is rolled back by whoever comes next, also by a question.
fn a_killed_run_is_no_obstacle(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", "-- limbeck:upgrade\nCREATE TABLE a (id integer);\n");
    sandbox.limbeck(&["upgrade"]).ends(0);
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nCREATE TABLE b AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \
         200000000) SELECT i, hex(randomblob(100)) AS c FROM n;\n",
    );
    let mut run =
        sandbox.command(&["upgrade"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    // Once pages have gone into the file itself, its journal is needed to take them back: it is hot.
    while std::fs::metadata(database.file()).map_or(0, |file| file.len()) < 1 << 20 {
        assert_eq!(run.try_wait().expect("it can be asked"), None, "the run is under way");
        std::thread::yield_now();
    }
    run.kill().expect("it can be killed");
    run.wait().expect("it is gone");
    sandbox.limbeck(&["status"]).ends(0).says("Applied:  1").says("Pending:  1");
    sandbox.limbeck(&["check"]).ends(4);
    sandbox.limbeck(&["downgrade", "base", "--dry-run"]).ends(1).says("no downgrade section");
    assert!(!database.raw().has_table("b"));
}

/// Somebody dropped the log: what is applied is still known, and the next act makes a new log.
fn books_without_their_log_get_a_new_one(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = Sandbox::shipped(&database);
    sandbox.limbeck(&["upgrade", "+2"]).ends(0);
    database.raw().run("DROP TABLE limbeck_log");
    sandbox.limbeck(&["status"]).ends(0).says("Applied:  2");
    sandbox.limbeck(&["upgrade", "+1"]).ends(0);
    assert_eq!(database.raw().acts().len(), 1);
    assert_eq!(database.raw().states().len(), 3);
}

/// The pragma at the end is lifted behind the transaction; that it fails takes nothing back.
fn what_fails_behind_the_commit_is_no_rollback(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let sections = "-- limbeck:upgrade\nCREATE TABLE t (a int);\nPRAGMA foreign_keys = ON ON;\n";
    sandbox.revision("a00000000001", "", sections);
    sandbox.limbeck(&["upgrade"]).ends(1).says("was committed");
    assert!(database.raw().has_table("t"));
    sandbox.limbeck(&["check"]).ends(0);
}

/// The rows that are lost with the connection's transaction are not counted as done.
fn autocommit_that_is_off_is_a_transaction(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", "-- limbeck:upgrade\nCREATE TABLE t (a int);\n");
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nSET autocommit = 0;\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\nINSERT INTO nowhere \
         VALUES (3);\nCOMMIT;\n",
    );
    sandbox.limbeck(&["upgrade"]).ends(1).says("State: dirty.");
    assert_eq!(database.raw().lines("SELECT count(*) FROM t"), ["0"]);
    let states = database.raw().states();
    assert!(states[1].ends_with("upgrading 0/5") || states[1].ends_with("upgrading 1/5"), "{states:?}");
}

/// A script for another schema than the connection's own begins by going there.
fn a_script_goes_where_the_settings_say(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.set("CORTEX_DB_SCHEMA", "tenant");
    database.raw().run("CREATE SCHEMA tenant");
    sandbox.revision("a00000000001", "", "-- limbeck:upgrade\nCREATE TABLE t (a int);\n");
    for goal in ["heads", "base:heads"] {
        let script = sandbox.limbeck(&["upgrade", goal, "--sql"]).ends(0).out;
        assert!(script.contains("SET search_path = \"tenant\";"), "{script}");
    }
    let script = sandbox.limbeck(&["upgrade", "base:heads", "--sql"]).out;
    database.raw().script(&script);
    sandbox.limbeck(&["check"]).ends(0);
    let schemas = "SELECT schemaname FROM pg_tables WHERE tablename IN ('t', 'limbeck_revisions')";
    assert_eq!(database.raw().lines(schemas), ["tenant", "tenant"]);
}

/// A revision that takes another role, which may not even see the books, or sets limits for what comes.
fn the_books_are_written_as_who_logged_in(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let taken = match engine {
        Engine::PostgreSql => {
            let role = database.user("secret");
            let mut raw = database.raw();
            raw.run(&format!("GRANT {role} TO CURRENT_USER"));
            raw.run(&format!("CREATE SCHEMA s AUTHORIZATION {role}"));
            format!("SET ROLE {role};\nCREATE TABLE s.t (a int);\nSET statement_timeout = 1")
        }
        _ => "CREATE TABLE t (a int);\nPRAGMA query_only = ON".to_owned(),
    };
    sandbox.revision("a00000000001", "", &format!("-- limbeck:upgrade\n{taken};\n"));
    let apart = taken.replace("s.t", "s.u").replace("TABLE t", "TABLE u");
    let section = format!("-- limbeck:upgrade\n-- limbeck:no-transaction\n{apart};\nSELECT 1;\n");
    sandbox.revision("a00000000002", "a00000000001", &section);
    sandbox.limbeck(&["upgrade"]).ends(0);
    sandbox.limbeck(&["verify"]).ends(0);
    let users = database.raw().rows("SELECT DISTINCT db_user FROM limbeck_revisions");
    assert_eq!(users.len(), 1, "{users:?}");
    sandbox.limbeck(&["stamp", "base"]).ends(0);
}

/// What a database holds does not depend on how many runs it took: in one transaction, one by one, at once or in two runs.
fn temporary_tables_of_a_revision_end_with_it(engine: Engine) {
    let main = match engine {
        Engine::Sqlite => "main.",
        Engine::PostgreSql => "public.",
        Engine::MariaDb | Engine::MySql => "",
    };
    let hidden = match engine {
        Engine::PostgreSql => {
            "DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE u (a int)'; END $$; SELECT 1 AS a INTO TEMP v;"
        }
        Engine::Sqlite => "CREATE TABLE temp.u (a int); CREATE TEMP VIEW IF NOT EXISTS \"v\" AS SELECT 1;",
        Engine::MariaDb | Engine::MySql => {
            "/*!40000 CREATE TEMPORARY TABLE u (a int) */; CREATE TEMPORARY TABLE IF NOT EXISTS v (a int);"
        }
    };
    let modes: &[&str] = if engine.rolls_ddl_back() { &["revision", "all", "none"] } else { &["revision"] };
    for mode in modes {
        for goals in [vec!["heads"], vec!["+1", "heads"]] {
            let database = Database::new(engine);
            let mut sandbox = Sandbox::new(&database);
            sandbox.revision(
                "a00000000001",
                "",
                &format!("-- limbeck:upgrade\nCREATE TEMPORARY TABLE t (a int);\nINSERT INTO t VALUES (1);\n{hidden}\n"),
            );
            sandbox.revision(
                "a00000000002",
                "a00000000001",
                &format!(
                    "-- limbeck:upgrade\nCREATE TABLE {main}t (a int);\nCREATE TABLE {main}u (a int);\n\
                     CREATE TABLE {main}v (a int);\nINSERT INTO t VALUES (7);\nINSERT INTO u VALUES (7);\n\
                     INSERT INTO v VALUES (7);\n"
                ),
            );
            for goal in &goals {
                sandbox.limbeck(&["upgrade", goal, "--transaction", mode]).ends(0);
            }
            for table in ["t", "u", "v"] {
                let rows = database.raw().lines(&format!("SELECT count(*) FROM {main}{table}"));
                assert_eq!(rows, ["1"], "{mode} {goals:?} {table}");
            }
        }
    }
}

/// The same name may be attached by the next, or mean nothing to it; also where the file took care of it itself.
fn an_attached_database_leaves_with_its_revision(engine: Engine) {
    let (database, other) = (Database::new(engine), Database::new(engine));
    let mut sandbox = Sandbox::new(&database);
    let attach = format!("ATTACH DATABASE '{}' AS \"the other\";", other.file());
    let sections = |end: &str| {
        format!(
            "-- limbeck:upgrade\n-- limbeck:no-transaction\n{attach}\nCREATE TABLE IF NOT EXISTS \"the other\".t (a int);\n\
             INSERT INTO \"the other\".t VALUES (1);\n{end}"
        )
    };
    sandbox.revision("a00000000001", "", &sections(""));
    sandbox.revision("a00000000002", "a00000000001", &sections("DETACH \"the other\";\n"));
    sandbox.revision("a00000000003", "a00000000002", &sections(""));
    sandbox.revision("a00000000004", "a00000000003", "-- limbeck:upgrade\nCREATE TABLE home (a int);\n");
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(other.raw().lines("SELECT count(*) FROM t"), ["3"]);
    sandbox.revision("a00000000005", "a00000000004", "-- limbeck:upgrade\nINSERT INTO t VALUES (2);\n");
    sandbox.limbeck(&["upgrade"]).ends(1).says("no such table: t");
}
