//! Statements that run only if something is there, or is not; and what is checked before a revision counts as done.

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    guarded_statements_run_where_they_should on sqlite postgresql mariadb mysql;
    a_guard_sees_what_the_revision_did_before on sqlite postgresql mariadb mysql;
    a_guard_holds_outside_of_a_transaction_too on sqlite postgresql mariadb mysql;
    a_guard_holds_before_a_long_statement on sqlite postgresql mariadb mysql;
    a_guard_that_cannot_be_asked_fails_the_revision on sqlite postgresql mariadb mysql;
    a_run_can_be_one_transaction on sqlite postgresql mariadb mysql;
    a_run_can_do_without_transactions on sqlite postgresql;
    a_rebuild_that_loses_rows_others_point_to_is_refused on sqlite;
    what_was_broken_before_is_not_blamed_on_a_rebuild on sqlite;
    an_index_whose_build_failed_is_built_again on postgresql;
    an_unusable_index_is_not_taken_for_a_good_one on postgresql;
}

const ID: &str = "a00000000001";

/// What is there already, kind by kind, and a guarded statement that would fail for each of them.
fn guarded_statements_run_where_they_should(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let mut raw = database.raw();
    for statement in [
        "CREATE TABLE t (a int, CONSTRAINT positive CHECK (a > 0))",
        "CREATE INDEX i ON t (a)",
        "CREATE VIEW v AS SELECT a FROM t",
        "INSERT INTO t VALUES (1)",
    ] {
        raw.run(statement);
    }
    let index = match engine {
        Engine::MariaDb | Engine::MySql => "t.i",
        _ => "i",
    };
    // Of each pair, the first would fail.
    let section = format!(
        "-- limbeck:upgrade\n\
         -- limbeck:unless table t\nCREATE TABLE t (a int);\n\
         -- limbeck:unless table u\nCREATE TABLE u (a int);\n\
         -- limbeck:unless column t.a\nALTER TABLE t ADD COLUMN a int;\n\
         -- limbeck:unless column t.b\nALTER TABLE t ADD COLUMN b int;\n\
         -- limbeck:unless index {index}\nCREATE INDEX i ON t (a);\n\
         -- limbeck:unless index j\nCREATE INDEX j ON t (a);\n\
         -- limbeck:unless view v\nCREATE VIEW v AS SELECT 1 AS a;\n\
         -- limbeck:unless view w\nCREATE VIEW w AS SELECT 1 AS a;\n\
         -- limbeck:if constraint t.positive\nINSERT INTO u VALUES (1);\n\
         -- limbeck:if constraint t.negative\nINSERT INTO u VALUES (2);\n\
         -- limbeck:unless query SELECT 1 FROM t WHERE a = 1\nINSERT INTO u VALUES (3);\n\
         -- limbeck:unless query SELECT 1 FROM t WHERE a = 9\nINSERT INTO u VALUES (4);\n\
         -- limbeck:if table t\n-- limbeck:unless table u\nINSERT INTO u VALUES (5);\n"
    );
    sandbox.revision(ID, "", &section);
    sandbox.limbeck(&["plan"]).ends(0).says("conditional");
    let said = sandbox.limbeck(&["upgrade", "--json"]).ends(0);
    let skipped: Vec<u64> = said
        .out
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|event| event["event"] == "statement_skipped")
        .filter_map(|event| event["statement"].as_u64())
        .collect();
    assert_eq!(skipped, [1, 3, 5, 7, 10, 11, 13], "{}", said.out);
    assert_eq!(raw.lines("SELECT a FROM u ORDER BY a"), ["1", "4"]);
    assert_eq!(raw.states(), [format!("{ID} applied 13/13")]);
}

fn a_guard_sees_what_the_revision_did_before(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let section = "-- limbeck:upgrade\nCREATE TABLE t (a int);\n-- limbeck:if table t\nINSERT INTO t VALUES (1);\n\
                   -- limbeck:unless query SELECT 1 FROM t\nINSERT INTO t VALUES (2);\n";
    sandbox.revision(ID, "", section);
    sandbox.limbeck(&["upgrade"]).ends(0).says("statement 3 is left out");
    assert_eq!(database.raw().lines("SELECT a FROM t"), ["1"]);
}

fn a_guard_holds_outside_of_a_transaction_too(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let section = "-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE TABLE t (a int);\n\
                   -- limbeck:unless table t\nCREATE TABLE t (a int);\n-- limbeck:if table t\nINSERT INTO t VALUES (1);\n\
                   -- limbeck:if table u\nINSERT INTO t VALUES (2);\n";
    sandbox.revision(ID, "", section);
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().lines("SELECT a FROM t"), ["1"]);
    assert_eq!(database.raw().states(), [format!("{ID} applied 4/4")]);
}

fn a_guard_that_cannot_be_asked_fails_the_revision(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let section = "-- limbeck:upgrade\nCREATE TABLE t (a int);\n-- limbeck:if query SELECT 1 FROM nowhere\n\
                   INSERT INTO t VALUES (1);\n";
    sandbox.revision(ID, "", section);
    sandbox.limbeck(&["upgrade"]).ends(1).says("nowhere").says("statement 2 of 2");
    let left = if engine.rolls_ddl_back() { vec![] } else { vec![format!("{ID} upgrading 1/2")] };
    assert_eq!(database.raw().states(), left);
}

fn a_run_can_be_one_transaction(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    database.raw().run("CREATE TABLE other (a int)");
    sandbox.revision(ID, "", "-- limbeck:upgrade\nCREATE TABLE t (a int);\n");
    sandbox.revision("b00000000002", ID, "-- limbeck:upgrade\nCREATE TABLE t (a int);\n");
    let run = sandbox.limbeck(&["upgrade", "--transaction", "all"]).ends(1);
    if engine.rolls_ddl_back() {
        run.says("nothing of it is applied");
        let mut raw = database.raw();
        assert!(!raw.has_table("t"));
        if raw.has_table("limbeck_revisions") {
            assert_eq!(raw.states(), [""; 0]);
        }
        sandbox.write(&sandbox.file("b00000000002", 2), "-- b\n--\n-- Revision ID: b00000000002\n-- Revises: a00000000001\n\n-- limbeck:upgrade\nCREATE TABLE u (a int);\n");
        sandbox.limbeck(&["upgrade", "--transaction", "all"]).ends(0).says("in one transaction");
        sandbox.limbeck(&["verify"]).ends(0);
    } else {
        run.says("cannot be one transaction because of revision a00000000001");
    }
}

fn a_run_can_do_without_transactions(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision(ID, "", "-- limbeck:upgrade\nCREATE TABLE t (a int);\nCREATE TABLE t (a int);\n");
    sandbox.limbeck(&["upgrade", "--transaction", "none"]).ends(1).says("State: dirty. 1 of 2");
    assert!(database.raw().has_table("t"));
}

/// A parent and a child that points to it.
fn family(database: &Database) {
    let mut raw = database.raw();
    raw.run("CREATE TABLE parent (id integer PRIMARY KEY, a int)");
    raw.run(
        "CREATE TABLE child (id integer PRIMARY KEY, parent_id int REFERENCES parent(id) ON DELETE CASCADE)",
    );
    raw.run("INSERT INTO parent VALUES (1, 1), (2, 2)");
    raw.run("INSERT INTO child VALUES (1, 1), (2, 2)");
}

fn rebuild(condition: &str) -> String {
    format!(
        "-- limbeck:upgrade\nPRAGMA foreign_keys = OFF;\nCREATE TABLE parent_new (id integer PRIMARY KEY, a int NOT NULL);\n\
         INSERT INTO parent_new SELECT id, a FROM parent{condition};\nDROP TABLE parent;\n\
         ALTER TABLE parent_new RENAME TO parent;\nPRAGMA foreign_keys = ON;\n"
    )
}

fn a_rebuild_that_loses_rows_others_point_to_is_refused(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    family(&database);
    sandbox.revision(ID, "", &rebuild(" WHERE id = 1"));
    sandbox
        .limbeck(&["upgrade"])
        .ends(1)
        .says("foreign keys are broken: 1 row of child points to no row of parent")
        .says("was rolled back, and the books agree");
    assert_eq!(database.raw().lines("SELECT count(*) FROM parent"), ["2"]);
    sandbox.write(
        &sandbox.file(ID, 1),
        &format!("-- r\n--\n-- Revision ID: {ID}\n-- Revises:\n\n{}", rebuild("")),
    );
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().lines("SELECT count(*) FROM child"), ["2"], "the children are all there");
}

fn what_was_broken_before_is_not_blamed_on_a_rebuild(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    family(&database);
    database.raw().run("PRAGMA foreign_keys = OFF");
    let mut raw = database.raw();
    raw.run("PRAGMA foreign_keys = OFF");
    raw.run("INSERT INTO child VALUES (3, 99)");
    sandbox.revision(ID, "", &rebuild(""));
    sandbox.limbeck(&["upgrade"]).ends(0);
}

const UNIQUE: &str = "-- limbeck:upgrade\nCREATE UNIQUE INDEX CONCURRENTLY i ON t (a);\n";

fn doubled(database: &Database) {
    let mut raw = database.raw();
    raw.run("CREATE TABLE t (a int)");
    raw.run("INSERT INTO t VALUES (1), (1)");
}

fn validity(database: &Database) -> Vec<String> {
    database.raw().lines("SELECT indisvalid::text FROM pg_index WHERE indexrelid = to_regclass('i')")
}

fn an_index_whose_build_failed_is_built_again(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    doubled(&database);
    sandbox.revision(ID, "", UNIQUE);
    sandbox.limbeck(&["upgrade"]).ends(1).says("State: dirty. 0 of 1 statements");
    assert_eq!(validity(&database), ["false"], "the failed build leaves it behind");
    database.raw().run("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)");
    sandbox.limbeck(&["resolve", "--continue"]).ends(0);
    assert_eq!(validity(&database), ["true"]);
    sandbox.limbeck(&["check"]).ends(0);
}

fn an_unusable_index_is_not_taken_for_a_good_one(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    doubled(&database);
    assert!(database.raw().attempt("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)").is_err());
    sandbox.revision(ID, "", &UNIQUE.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS"));
    sandbox
        .limbeck(&["upgrade"])
        .ends(1)
        .says("the index i is there and cannot be used")
        .says("State: dirty. 0 of 1 statements");
    database.raw().run("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)");
    sandbox.limbeck(&["resolve", "--continue"]).ends(0);
    assert_eq!(validity(&database), ["true"]);
}

/// More than goes into one message with others.
fn a_guard_holds_before_a_long_statement(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let long = "x".repeat((1 << 20) + 1);
    for (at, directives) in ["", "-- limbeck:no-transaction\n"].into_iter().enumerate() {
        let id = format!("a0000000000{at}");
        let parent = if at == 0 { "" } else { "a00000000000" };
        let section = format!(
            "-- limbeck:upgrade\n{directives}CREATE TABLE t{at} (a int);\n-- limbeck:unless table t{at}\n\
             INSERT INTO nowhere VALUES ('{long}');\nINSERT INTO t{at} VALUES (1);\n"
        );
        sandbox.revision(&id, parent, &section);
    }
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().lines("SELECT count(*) FROM t1"), ["1"]);
}
