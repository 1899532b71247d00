//! What a failure in the middle leaves behind, what the books say of it, and where the error points.

use serde_json::Value;

use crate::engine::{Database, Engine};
use crate::sandbox::{Output, Sandbox};

on_engines! {
    what_the_server_does_not_take_at_once_is_refused on mariadb mysql;
    a_failing_revision_is_rolled_back on sqlite postgresql;
    a_failing_downgrade_is_rolled_back on sqlite postgresql;
    a_failing_revision_stays_half_applied on mariadb mysql;
    a_failing_downgrade_stays_half_undone on mariadb mysql;
    outside_a_transaction_the_statements_done_are_counted on sqlite postgresql mariadb mysql;
    a_failing_index_outside_a_transaction_is_counted on postgresql;
    an_own_transaction_is_rolled_back on sqlite postgresql;
    several_own_transactions_are_counted on sqlite postgresql mariadb mysql;
    an_own_transaction_is_counted_after_the_rollback on mariadb mysql;
    an_implicit_commit_inside_an_own_transaction_is_counted on mariadb mysql;
    a_constraint_checked_at_commit_is_a_failure_of_the_revision on sqlite postgresql;
    the_right_statement_is_named_behind_a_call on mariadb mysql;
    a_call_that_fails_behind_its_results_is_named on mariadb mysql;
    a_call_in_disguise_is_counted_once on mariadb mysql;
    locked_tables_do_not_hide_a_failure on mariadb mysql;
    a_long_revision_is_sent_in_pieces_and_counted_whole on sqlite postgresql mariadb mysql;
    a_lost_connection_is_told on postgresql mariadb mysql;
    carets_point_at_the_fault on sqlite postgresql mariadb mysql;
    no_caret_points_at_something_else on sqlite postgresql mariadb mysql;
}

/// A good revision, one that fails at its second statement of three, and one behind it.
fn three(database: &Database) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    sandbox.revision("a00000000002", "a00000000001", &both_ways("two", "INSERT INTO nope VALUES (1);\n"));
    sandbox.revision("a00000000003", "a00000000002", &both_ways("three", ""));
    sandbox
}

/// Makes two tables, and runs `between` between them.
fn both_ways(name: &str, between: &str) -> String {
    format!(
        "-- limbeck:upgrade\nCREATE TABLE {name} (id int PRIMARY KEY);\n{between}CREATE TABLE {name}_b (id int);\n\
         -- limbeck:downgrade\nDROP TABLE {name}_b;\nDROP TABLE {name};\n"
    )
}

/// What each engine says of a table that is not there.
fn no_such_table(database: &Database) -> (String, &'static str) {
    match database.engine {
        Engine::Sqlite => ("no such table: nope".to_owned(), "(1)"),
        Engine::PostgreSql => ("relation \"nope\" does not exist".to_owned(), "(42P01)"),
        _ => (format!("Table '{}.nope' doesn't exist", database.name), "(1146, SQLSTATE 42S02)"),
    }
}

/// The error names revision, statement, file, line, column, the server's words and its code.
#[track_caller]
fn names_everything(output: &Output, database: &Database, file: &str, place: (u64, u64), statement: &str) {
    let (message, code) = no_such_table(database);
    let error = &output.json()["error"];
    let says = error["message"].as_str().expect("a message");
    assert!(says.contains("a00000000002") && says.contains(statement), "{says}");
    assert!(says.contains(&message) && says.contains(code), "{says}");
    assert_eq!(error["file"], file);
    assert_eq!((error["line"].as_u64(), error["column"].as_u64()), (Some(place.0), Some(place.1)), "{error}");
    assert_eq!(error["code"], "revision-failed");
    assert!(error["hint"].is_string());
}

fn a_failing_revision_is_rolled_back(engine: Engine) {
    // In one go from an empty database, which on SQLite is one transaction, and step by step.
    for first in [None, Some("+1")] {
        let database = Database::new(engine);
        let sandbox = three(&database);
        let mut acts = vec!["upgrade a00000000001"];
        if let Some(goal) = first {
            sandbox.limbeck(&["upgrade", goal]).ends(0);
        }
        let file = sandbox.file("a00000000002", 2);
        for _ in 0..2 {
            let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
            names_everything(&output, &database, &file, (8, 13), "statement 2 of 3");
            assert_eq!(output.json()["failed"]["state"], "rolled_back");
            acts.push("failure a00000000002");
            assert_eq!(database.raw().states(), ["a00000000001 applied 2/2"]);
            assert_eq!(database.raw().acts(), acts);
            assert!(!database.raw().has_table("two") && !database.raw().has_table("three"));
        }
        let (message, code) = no_such_table(&database);
        let detail = database.raw().lines("SELECT DISTINCT detail FROM limbeck_log WHERE act = 'failure'");
        assert_eq!(detail, [format!("upgrade: {message} {code}")]);
        let output = sandbox.limbeck(&["upgrade"]).ends(1);
        output
            .says(&message)
            .says(code)
            .says(&format!("{file}:8:13"))
            .says("was rolled back, and the books agree");
        let status = sandbox.json(&["status"])["services"][0].clone();
        assert_eq!((&status["applied"], &status["dirty"]), (&1.into(), &Value::Array(Vec::new())));
        sandbox.limbeck(&["check"]).ends(4);

        // With the file corrected it goes on.
        sandbox.write(&file, &revised("a00000000002", "a00000000001", &both_ways("two", "")));
        sandbox.limbeck(&["upgrade"]).ends(0);
        assert_eq!(database.raw().states().len(), 3);
    }
}

/// The text of a revision file.
fn revised(id: &str, parent: &str, sections: &str) -> String {
    format!("-- what {id} does\n--\n-- Revision ID: {id}\n-- Revises: {parent}\n\n{sections}")
}

fn a_failing_downgrade_is_rolled_back(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    let down = "-- limbeck:downgrade\nDROP TABLE two;\nDROP TABLE nope;\n";
    let up = "-- limbeck:upgrade\nCREATE TABLE two (id int);\n";
    sandbox.revision("a00000000002", "a00000000001", &format!("{up}{down}"));
    sandbox.revision("a00000000003", "a00000000002", &both_ways("three", ""));
    sandbox.limbeck(&["upgrade"]).ends(0);
    let output = sandbox.limbeck(&["downgrade", "base", "--json"]).ends(1);
    let says = output.json()["error"]["message"].as_str().expect("a message").to_owned();
    assert!(says.contains("a00000000002 failed (downgrade, statement 2 of 2)"), "{says}");
    assert_eq!(output.json()["error"]["line"], 10);
    assert_eq!(database.raw().states(), ["a00000000001 applied 2/2", "a00000000002 applied 1/1"]);
    assert!(database.raw().has_table("two") && !database.raw().has_table("three"));
    assert_eq!(database.raw().acts()[3..], ["downgrade a00000000003", "failure a00000000002"]);
    let detail = database.raw().lines("SELECT detail FROM limbeck_log WHERE act = 'failure'");
    assert!(detail[0].starts_with("downgrade: "), "{detail:?}");
    sandbox.limbeck(&["upgrade"]).ends(0);
}

/// The books say how far it came and why it stopped, every question shows it, and nothing passes over it.
#[track_caller]
fn is_half_applied(database: &Database, sandbox: &Sandbox, row: &str, error: &str) {
    let id = row.split(' ').next().expect("an id");
    let states = database.raw().states();
    assert!(states.contains(&row.to_owned()), "{states:?}");
    let errors = database.raw().lines("SELECT error FROM limbeck_revisions WHERE state <> 'applied'");
    assert!(errors.len() == 1 && errors[0].contains(error), "{errors:?}");
    assert_eq!(database.raw().acts().last().map(String::as_str), Some(format!("failure {id}").as_str()));
    let before = (database.raw().books(), database.raw().log(), database.raw().schema());
    let dirty = sandbox.json(&["status"])["services"][0]["dirty"].clone();
    let shown = &dirty[0];
    let done = format!(
        "{} {} {}/{}",
        shown["revision"].as_str().expect("an id"),
        shown["state"].as_str().expect("a state"),
        shown["statements_done"],
        shown["statements_total"]
    );
    assert_eq!(done, row);
    sandbox.limbeck(&["status"]).ends(0).says("half-applied").says(error);
    sandbox.limbeck(&["check"]).ends(7);
    for refused in
        [&["upgrade"][..], &["downgrade", "base"], &["goto", "heads"], &["plan"], &["upgrade", "--dry-run"]]
    {
        sandbox.limbeck(refused).ends(7).says("is half-applied").says(error);
    }
    assert_eq!((database.raw().books(), database.raw().log(), database.raw().schema()), before);
}

fn a_failing_revision_stays_half_applied(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = three(&database);
    let file = sandbox.file("a00000000002", 2);
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    names_everything(&output, &database, &file, (8, 13), "statement 2 of 3");
    assert_eq!(output.json()["failed"]["state"], "dirty");
    let (message, _) = no_such_table(&database);
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 1/3", &message);
    assert_eq!(database.raw().states().len(), 2);
    let tables = ["one_b", "two", "two_b", "three"].map(|table| database.raw().has_table(table));
    assert_eq!(tables, [true, true, false, false]);

    // Undone by hand and said so, with the file corrected, it goes on.
    database.raw().run("DROP TABLE two");
    sandbox.limbeck(&["stamp", "a00000000001"]).ends(0);
    sandbox.write(&file, &revised("a00000000002", "a00000000001", &both_ways("two", "")));
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().states().len(), 3);
    sandbox.limbeck(&["check"]).ends(0);
}

fn a_failing_downgrade_stays_half_undone(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nCREATE TABLE two (id int);\nCREATE TABLE two_b (id int);\n\
         -- limbeck:downgrade\nDROP TABLE two;\nDELETE FROM nope;\nDROP TABLE two_b;\n",
    );
    sandbox.limbeck(&["upgrade"]).ends(0);
    let output = sandbox.limbeck(&["downgrade", "base", "--json"]).ends(1);
    names_everything(
        &output,
        &database,
        &sandbox.file("a00000000002", 2),
        (11, 13),
        "downgrade, statement 2 of 3",
    );
    let (message, _) = no_such_table(&database);
    is_half_applied(&database, &sandbox, "a00000000002 downgrading 1/3", &message);
    assert!(!database.raw().has_table("two") && database.raw().has_table("two_b"));
    sandbox.limbeck(&["verify"]).ends(1);
}

fn outside_a_transaction_the_statements_done_are_counted(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    let sections = both_ways("two", "INSERT INTO two VALUES (1);\nINSERT INTO nope VALUES (1);\n");
    let sections = sections.replacen("upgrade\n", "upgrade\n-- limbeck:no-transaction\n", 1);
    sandbox.revision("a00000000002", "a00000000001", &sections);
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    names_everything(&output, &database, &sandbox.file("a00000000002", 2), (10, 13), "statement 3 of 4");
    let (message, _) = no_such_table(&database);
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 2/4", &message);
    assert_eq!(database.raw().lines("SELECT id FROM two"), ["1"]);
    assert!(!database.raw().has_table("two_b"));
}

fn a_failing_index_outside_a_transaction_is_counted(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\nCREATE TABLE words (word text);\nINSERT INTO words VALUES ('a'), ('a');\n",
    );
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE INDEX CONCURRENTLY ix_words ON words (word);\n\
         CREATE UNIQUE INDEX CONCURRENTLY ux_words ON words (word);\nCREATE TABLE never (id int);\n",
    );
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    let error = &output.json()["error"];
    let says = error["message"].as_str().expect("a message");
    assert!(says.contains("statement 2 of 3") && says.contains("(23505)"), "{says}");
    assert_eq!((&error["line"], &output.json()["failed"]["state"]), (&9.into(), &"dirty".into()));
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 1/3", "could not create unique index");
    assert!(!database.raw().has_table("never"));
}

fn an_own_transaction_is_rolled_back(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nBEGIN;\nCREATE TABLE two (id int);\nINSERT INTO nope VALUES (1);\nCOMMIT;\n",
    );
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    names_everything(&output, &database, &sandbox.file("a00000000002", 2), (9, 13), "statement 3 of 4");
    assert_eq!(output.json()["failed"]["state"], "rolled_back");
    assert_eq!(database.raw().states(), ["a00000000001 applied 2/2"]);
    assert_eq!(database.raw().acts(), ["upgrade a00000000001", "failure a00000000002"]);
    assert!(!database.raw().has_table("two"));
    sandbox.limbeck(&["check"]).ends(4);
}

fn several_own_transactions_are_counted(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nBEGIN;\nINSERT INTO one VALUES (1);\nCOMMIT;\nINSERT INTO one VALUES (2);\nBEGIN;\n\
         INSERT INTO one VALUES (3);\nINSERT INTO nope VALUES (1);\nCOMMIT;\n",
    );
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    names_everything(&output, &database, &sandbox.file("a00000000002", 2), (13, 13), "statement 7 of 8");
    let (message, _) = no_such_table(&database);
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 4/8", &message);
    assert_eq!(database.raw().lines("SELECT id FROM one ORDER BY id"), ["1", "2"]);
}

fn an_own_transaction_is_counted_after_the_rollback(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nCREATE TABLE two (id int);\nSTART TRANSACTION;\nINSERT INTO one VALUES (1);\n\
         INSERT INTO two VALUES (1);\nINSERT INTO nope VALUES (1);\nCOMMIT;\n",
    );
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    names_everything(&output, &database, &sandbox.file("a00000000002", 2), (11, 13), "statement 5 of 6");
    let (message, _) = no_such_table(&database);
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 1/6", &message);
    assert_eq!(
        database.raw().lines("SELECT (SELECT COUNT(*) FROM one), (SELECT COUNT(*) FROM two)"),
        ["0 | 0"]
    );
}

fn an_implicit_commit_inside_an_own_transaction_is_counted(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    // CREATE TABLE commits what was open, and what follows commits by itself.
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nSTART TRANSACTION;\nINSERT INTO one VALUES (1);\nCREATE TABLE two (id int);\n\
         INSERT INTO two VALUES (1);\nINSERT INTO nope VALUES (1);\nCOMMIT;\n",
    );
    sandbox.limbeck(&["upgrade"]).ends(1);
    let (message, _) = no_such_table(&database);
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 4/6", &message);
    assert_eq!(
        database.raw().lines("SELECT (SELECT COUNT(*) FROM one), (SELECT COUNT(*) FROM two)"),
        ["1 | 1"]
    );
}

fn a_constraint_checked_at_commit_is_a_failure_of_the_revision(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let pragma = if engine == Engine::Sqlite { "PRAGMA foreign_keys = ON;\n" } else { "" };
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\nCREATE TABLE parents (id int PRIMARY KEY);\nCREATE TABLE children (id int PRIMARY KEY,\n  \
         parent int REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);\n",
    );
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        &format!("-- limbeck:upgrade\n{pragma}INSERT INTO children VALUES (1, 7);\n"),
    );
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    let json = output.json();
    let says = json["error"]["message"].as_str().expect("a message");
    assert!(says.contains("a00000000002") && says.to_lowercase().contains("foreign key"), "{says}");
    assert_eq!(json["failed"]["state"], "rolled_back");
    assert_eq!(database.raw().states(), ["a00000000001 applied 2/2"]);
    assert_eq!(database.raw().acts(), ["upgrade a00000000001", "failure a00000000002"]);
    assert_eq!(database.raw().lines("SELECT id FROM children"), [""; 0]);
}

const PROCEDURES: &str = "\
-- limbeck:upgrade
CREATE TABLE one (id int);
CREATE PROCEDURE three_results()
BEGIN
    SELECT 1;
    SELECT 2 UNION SELECT 3;
    SELECT 4;
END;
CREATE PROCEDURE fails_late()
BEGIN
    SELECT 1;
    SELECT 2;
    INSERT INTO nope VALUES (1);
END;
";

fn the_right_statement_is_named_behind_a_call(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", PROCEDURES);
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nSELECT 1;\nCALL three_results();\nCREATE TABLE two (id int);\nINSERT INTO nope VALUES (1);\n\
         CREATE TABLE never (id int);\nCREATE TABLE never_b (id int);\n",
    );
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    names_everything(&output, &database, &sandbox.file("a00000000002", 2), (10, 13), "statement 4 of 6");
    let (message, _) = no_such_table(&database);
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 3/6", &message);
}

fn a_call_that_fails_behind_its_results_is_named(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", PROCEDURES);
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nCREATE TABLE two (id int);\nCALL fails_late();\nCREATE TABLE never (id int);\n",
    );
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    names_everything(&output, &database, &sandbox.file("a00000000002", 2), (8, 1), "statement 2 of 3");
    let (message, _) = no_such_table(&database);
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 1/3", &message);
}

fn a_call_in_disguise_is_counted_once(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", PROCEDURES);
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nPREPARE calling FROM 'CALL three_results()';\nEXECUTE calling;\n\
         /*!50000 CALL three_results() */;\nINSERT INTO nope VALUES (1);\nCREATE TABLE never (id int);\n",
    );
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    names_everything(&output, &database, &sandbox.file("a00000000002", 2), (10, 13), "statement 4 of 5");
    let (message, _) = no_such_table(&database);
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 3/5", &message);
}

/// While `LOCK TABLES` holds, the books can be neither read nor written: not by a count, and not by the failure's note.
fn locked_tables_do_not_hide_a_failure(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nLOCK TABLES one WRITE;\nINSERT INTO one VALUES (1);\nINSERT INTO one VALUES (2);\n\
         INSERT INTO one VALUES (2);\nUNLOCK TABLES;\nCREATE TABLE never (id int);\n",
    );
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1).says("statement 4 of 6");
    assert_eq!(output.json()["failed"]["state"], "dirty");
    is_half_applied(&database, &sandbox, "a00000000002 upgrading 3/6", "Duplicate entry '2'");
    assert_eq!(database.raw().lines("SELECT id FROM one ORDER BY id"), ["1", "2"]);
}

/// Servers limit the length of a message, so a long revision is several; all of them are one transaction all the same.
fn a_long_revision_is_sent_in_pieces_and_counted_whole(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let text = if engine.rolls_ddl_back() { "text" } else { "longtext" };
    sandbox.revision(
        "a00000000001",
        "",
        &format!("-- limbeck:upgrade\nCREATE TABLE long_texts (body {text});\n"),
    );
    let row = format!("INSERT INTO long_texts VALUES ('{}');\n", "größer ".repeat(1 << 14));
    let fails = "INSERT INTO long_texts SELECT 'größer', nope FROM long_texts;\n";
    let rows = row.repeat(24);
    sandbox.revision("a00000000002", "a00000000001", &format!("-- limbeck:upgrade\n{rows}{fails}{row}"));
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1).says("statement 25 of 26");
    let error = &output.json()["error"];
    assert_eq!((error["line"].as_u64(), error["column"].as_u64()), (Some(31), Some(41)), "{error}");
    let count = database.raw().lines("SELECT count(*) FROM long_texts");
    if engine.rolls_ddl_back() {
        assert_eq!(database.raw().states(), ["a00000000001 applied 1/1"]);
        assert_eq!(count, ["0"]);
    } else {
        assert_eq!(database.raw().states()[1..], ["a00000000002 upgrading 24/26"]);
        assert_eq!(count, ["24"]);
    }
}

/// The session ends in the middle of a revision: nobody knows what is done until the database is asked again.
fn a_lost_connection_is_told(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", &both_ways("one", ""));
    let ends = match engine {
        Engine::PostgreSql => "SELECT pg_terminate_backend(pg_backend_pid());\n",
        _ => "KILL CONNECTION_ID();\nSELECT SLEEP(30);\n",
    };
    sandbox.revision("a00000000002", "a00000000001", &both_ways("two", ends));
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
    // A new connection read the books.
    let state = if engine == Engine::PostgreSql { "rolled_back" } else { "dirty" };
    assert_eq!(output.json()["failed"]["state"], state, "{}", output.said());
    assert_eq!(output.json()["failed"]["revision"], "a00000000002");
    if engine == Engine::PostgreSql {
        assert_eq!(database.raw().states(), ["a00000000001 applied 2/2"]);
        assert!(!database.raw().has_table("two"));
        sandbox.limbeck(&["check"]).ends(4);
    } else {
        assert_eq!(database.raw().states()[1..], ["a00000000002 upgrading 1/4"]);
        assert!(database.raw().has_table("two") && !database.raw().has_table("two_b"));
        sandbox.limbeck(&["status"]).ends(0).says("half-applied");
        sandbox.limbeck(&["upgrade"]).ends(7);
    }
}

/// Runs each script, `«` standing where the error is expected to point, and collects those that point elsewhere.
fn carets(engine: Engine, setup: &str, cases: &[&str]) {
    let database = Database::new(engine);
    let mut raw = database.raw();
    raw.script(setup);
    let mut wrong = Vec::new();
    for case in cases {
        let mut sandbox = Sandbox::new(&database);
        let around = "SELECT 'Größe 🐎 größer; 木';\n";
        let marked = format!("-- limbeck:upgrade\n-- über alles\n{around}{case};\n{around}");
        sandbox.revision("a00000000001", "", &marked.replace('«', ""));
        let file = revised("a00000000001", "", &marked);
        let at = file.find('«').expect("a mark");
        let line = file[..at].matches('\n').count() + 1;
        let column = file[..at].rsplit('\n').next().expect("a line").chars().count() + 1;

        let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1);
        let error = output.json()["error"].clone();
        let found = (error["line"].as_u64(), error["column"].as_u64());
        let message = &error["message"];
        if found != (Some(line as u64), Some(column as u64)) {
            wrong.push(format!("{case}\n  expected {line}:{column}, found {found:?}: {message}"));
        }
        raw.run("DELETE FROM limbeck_revisions");
        // The picture has the same place as the JSON.
        let place = format!("{}:{line}:", sandbox.file("a00000000001", 1));
        let picture = sandbox.limbeck(&["upgrade"]).ends(1);
        if !picture.err.contains(&place) {
            wrong.push(format!("{case}\n  no {place} in\n{}", picture.err));
        }
        raw.run("DELETE FROM limbeck_revisions");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const TABLES: &str = "\
CREATE TABLE t (id int PRIMARY KEY, name varchar(20) NOT NULL, n int CHECK (n < 100));
CREATE TABLE u (uid int PRIMARY KEY, id int);
INSERT INTO t VALUES (1, 'a', 1);
INSERT INTO u VALUES (1, 1);
CREATE INDEX ix_t ON t (name);
";

fn carets_point_at_the_fault(engine: Engine) {
    let cases: &[&str] = match engine {
        Engine::Sqlite => &[
            "«SELECT2 1",
            "CREATE TABLE made (\n    id int,\n    name «ORDER text\n)",
            "INSERT INTO «nope VALUES (1)",
            "INSERT INTO t (id, «größe) VALUES (1, 1)",
            "SELECT 'Žluťoučký 🐎', «nope FROM t",
            "UPDATE t\n   SET name = 'é'\n WHERE «nope = 1",
            "CREATE TABLE «t (id int)",
            "CREATE INDEX «ix_t ON t (n)",
            "ALTER TABLE t ADD COLUMN «name text",
            "DROP TABLE «nope",
            "INSERT INTO t (id, name, n) VALUES (2, «nope(3), 4)",
        ],
        Engine::PostgreSql => &[
            "«SELECT2 1",
            "CREATE TABLE made (\n    id int,\n    name text, «, b int\n)",
            "INSERT INTO «nope VALUES (1)",
            "INSERT INTO t (id, «größe) VALUES (1, 1)",
            "SELECT 'Žluťoučký 🐎', «nope FROM t",
            "SELECT t.id, «t.nope, u.id FROM t, u",
            "SELECT «🐎 FROM t",
            "UPDATE t\n   SET name = 'é'\n WHERE «nope = 1",
            "CREATE TABLE «t (id int)",
            "CREATE INDEX «ix_t ON t (n)",
            "ALTER TABLE t ADD COLUMN «name text",
            "DROP TABLE «nope",
            "INSERT INTO t VALUES («'x', 'y', 2)",
            "INSERT INTO t VALUES (2, 'ž', «'žž')",
            "SELECT 1 + «'a'::date",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT «nope $$",
            "CREATE VIEW v AS\nSELECT id,\n       -- größer\n       «nope AS ž\n  FROM t",
        ],
        Engine::MariaDb | Engine::MySql => &[
            "«SELECT2 1",
            "CREATE TABLE made (\n    id int,\n    name varchar(9) PRIMARY «OOPS,\n    b int\n)",
            "INSERT INTO «nope VALUES (1)",
            "INSERT INTO t (id, «größe) VALUES (1, 1)",
            "SELECT 'Žluťoučký 🐎', «nope FROM t",
            "SELECT t.id, «t.nope, u.id FROM t, u",
            "UPDATE t\n   SET name = 'é'\n WHERE «nope = 1",
            "SELECT u.uid, «t.uid FROM t, u",
            "SELECT 1 FROM t WHERE «nope.id = 1 OR nope . name = 2",
            "CREATE TABLE «t (id int)",
            "CREATE INDEX «ix_t ON t (n)",
            "ALTER TABLE t ADD COLUMN «name text",
            "DROP TABLE «nope",
            "INSERT INTO t VALUES («'x', 'y', 2)",
            "INSERT INTO t VALUES (2, 'ž', «'žž')",
            "SELECT 1 FROM t WHERE id = 1 «WHERE id = 2",
            "SELECT 'a''b', \"q\" FROM t LIMIT «LIMIT",
            "SELECT 1 FROM t u «“so”",
        ],
    };
    carets(engine, TABLES, cases);
}

/// Where the server does not say where, or speaks of something inside a body, the error points at the statement.
fn no_caret_points_at_something_else(engine: Engine) {
    let bodies = match engine {
        Engine::Sqlite => {
            "CREATE TRIGGER tr BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'no such column: name'); END;\n"
        }
        Engine::PostgreSql => {
            "CREATE FUNCTION broken() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM uid FROM t; RETURN 1; END $$;\n\
             CREATE FUNCTION raises() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'column \"uid\" is bad'; END $$;\n"
        }
        _ => "CREATE PROCEDURE broken() BEGIN SELECT 1; SELECT nope FROM t; END;\n",
    };
    let cases: &[&str] = match engine {
        Engine::Sqlite => &[
            "«INSERT INTO t SELECT uid, 'a', 1 FROM u",
            "«CREATE TABLE made (a int, b int, , c int)",
            "«DELETE FROM t WHERE n = 1 AND name <> '' OR name = 'é'",
            "«INSERT INTO t (id, name, n) SELECT uid + id, name, n + 99 FROM t, u WHERE t.id = 1",
            "«UPDATE u SET nope = id, uid = nope",
        ],
        Engine::PostgreSql => &[
            "«DO $$\nBEGIN\n    PERFORM nope FROM t;\nEND\n$$",
            "«SELECT broken()",
            "«SELECT uid, broken() FROM u",
            "«SELECT uid, raises() FROM u",
            "«INSERT INTO t SELECT uid, 'a', 1 FROM u",
            "CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; ENDE «$$",
            "CREATE TABLE made (a int, b int, «, c int)",
        ],
        Engine::MariaDb | Engine::MySql => &[
            "«CALL broken()",
            "«INSERT INTO t SELECT uid, 'a', 1 FROM u",
            "«INSERT INTO t SELECT id, name, n FROM t WHERE id = 1",
            "SELECT OOPS.id FROM t OOPS «OOPS",
            "SELECT 1, 1 FROM t, «, t",
        ],
    };
    carets(engine, &format!("{TABLES}{bodies}"), cases);
}

/// The server would hang up in the middle of the run; it is asked first, and nothing is begun.
fn what_the_server_does_not_take_at_once_is_refused(engine: Engine) {
    const MIB: usize = 1 << 20;
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let takes: usize =
        database.raw().lines("SELECT @@max_allowed_packet")[0].parse().expect("a number of bytes");
    let insert = |bytes: usize| format!("INSERT INTO b1 VALUES ('{}');", "x".repeat(bytes - 100));
    sandbox.revision(
        "a00000000001",
        "",
        &format!("-- limbeck:upgrade\nCREATE TABLE b1 (a LONGTEXT);\n\n{}\n", insert(takes + MIB)),
    );
    let takes = takes as f64 / MIB as f64;
    sandbox
        .limbeck(&["upgrade"])
        .ends(1)
        .says("statement 2 of revision a00000000001 (line 9)")
        .says(&format!("{:.1} MiB", takes + 1.0))
        .says(&format!("{takes:.1} MiB"))
        .says("max_allowed_packet")
        .hides("xxx");
    assert_eq!(sandbox.json(&["plan"])["error"]["code"], "too-large");
    assert!(!database.raw().has_table("b1"));
}
