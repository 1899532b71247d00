//! The ways out of a half-applied revision, each on the engines where there can be one.

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    it_goes_on_where_it_stopped on sqlite postgresql mariadb mysql;
    it_is_tried_again_from_the_start on sqlite postgresql mariadb mysql;
    it_is_said_to_be_done on sqlite postgresql mariadb mysql;
    a_downgrade_goes_on_too on sqlite postgresql mariadb mysql;
    what_cannot_be_settled_is_refused on sqlite mysql;
    what_was_done_is_taken_back on sqlite postgresql mariadb mysql;
    a_half_done_downgrade_is_taken_back on sqlite postgresql mariadb mysql;
    a_statement_in_doubt_is_looked_for on mariadb mysql;
    who_goes_on_without_evidence_says_where on postgresql mariadb mysql;
}

const ID: &str = "a00000000001";

/// Three tables, of which the second cannot be made (or dropped); outside a transaction, so that the first stays.
fn sections(up: &str, down: &str) -> String {
    format!(
        "-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE TABLE r1 (a int);\n{up};\nCREATE TABLE r3 (a int);\n\n\
         -- limbeck:downgrade\n-- limbeck:no-transaction\nDROP TABLE r3;\n{down};\nDROP TABLE r1;\n"
    )
}

const BROKEN: &str = "CREATE TABLE r2 (a int";
const MENDED: &str = "CREATE TABLE r2 (a int)";

fn half_applied(database: &Database) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    // The parenthesis is closed for the splitter, and the table cannot be made all the same.
    sandbox.revision(ID, "", &sections(&format!("{BROKEN}, a int)"), "DROP TABLE r2"));
    sandbox.limbeck(&["upgrade"]).ends(1).says("State: dirty. 1 of 3 statements").says("resolve --continue");
    sandbox.limbeck(&["upgrade"]).ends(7).says("resolve --continue").says(&format!("stamp {ID}-1"));
    sandbox.limbeck(&["resolve"]).ends(7).says("resolve --done");
    sandbox.write(&sandbox.file(ID, 1), &header(&sections(MENDED, "DROP TABLE r2")));
    sandbox
}

fn header(sections: &str) -> String {
    format!("-- what {ID} does\n--\n-- Revision ID: {ID}\n-- Revises:\n\n{sections}")
}

fn tables(database: &Database) -> [bool; 3] {
    let mut raw = database.raw();
    ["r1", "r2", "r3"].map(|table| raw.has_table(table))
}

#[track_caller]
fn settled(database: &Database, sandbox: &Sandbox, acts: &[&str]) {
    assert_eq!(tables(database), [true; 3]);
    assert_eq!(database.raw().acts(), acts);
    sandbox.limbeck(&["check"]).ends(0);
    sandbox.limbeck(&["verify"]).ends(0);
    sandbox.limbeck(&["downgrade", "base"]).ends(0);
    assert_eq!(tables(database), [false; 3]);
}

fn it_goes_on_where_it_stopped(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = half_applied(&database);
    sandbox.limbeck(&["resolve", "--continue"]).ends(0).says("goes on with statement 2 of 3, in line");
    settled(
        &database,
        &sandbox,
        &[&format!("failure {ID}"), &format!("resolve {ID}"), &format!("upgrade {ID}")],
    );
}

fn it_is_tried_again_from_the_start(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = half_applied(&database);
    // What was done has not been undone, so the first statement fails, and the books say that none is done.
    sandbox.limbeck(&["resolve", "--retry"]).ends(1).says("State: dirty. 0 of 3 statements");
    database.raw().run("DROP TABLE r1");
    sandbox.limbeck(&["resolve", ID, "--retry"]).ends(0);
    let acts = ["failure", "resolve", "failure", "resolve", "upgrade"].map(|act| format!("{act} {ID}"));
    settled(&database, &sandbox, &acts.each_ref().map(String::as_str));
}

fn it_is_said_to_be_done(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = half_applied(&database);
    database.raw().run("CREATE TABLE r2 (a int)");
    database.raw().run("CREATE TABLE r3 (a int)");
    sandbox.limbeck(&["resolve", "--done"]).ends(0).says("nothing run");
    settled(
        &database,
        &sandbox,
        &[&format!("failure {ID}"), &format!("resolve {ID}"), &format!("upgrade {ID}")],
    );
}

fn a_downgrade_goes_on_too(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision(ID, "", &sections(MENDED, "DROP TABLE nowhere"));
    sandbox.limbeck(&["upgrade"]).ends(0);
    sandbox.limbeck(&["downgrade", "base"]).ends(1).says("State: dirty. 1 of 3 statements");
    sandbox.limbeck(&["status"]).ends(0).says("downgrading stopped after 1 of 3 statements");
    sandbox.write(&sandbox.file(ID, 1), &header(&sections(MENDED, "DROP TABLE r2")));
    sandbox.limbeck(&["resolve", "--continue"]).ends(0);
    assert_eq!(tables(&database), [false; 3]);
    assert!(database.raw().states().is_empty());
    sandbox.limbeck(&["upgrade"]).ends(0);
}

fn what_cannot_be_settled_is_refused(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision(ID, "", &sections(MENDED, "DROP TABLE r2"));
    sandbox.limbeck(&["resolve", "--continue"]).ends(1).says("no revision is half-applied");
    sandbox.limbeck(&["upgrade"]).ends(0);
    sandbox.limbeck(&["resolve", ID, "--done"]).ends(1).says(&format!("revision {ID} is not half-applied"));
    sandbox.limbeck(&["resolve", "--done", "--retry"]).ends(2);
}

fn what_was_done_is_taken_back(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = half_applied(&database);
    sandbox
        .limbeck(&["resolve", "--undo"])
        .ends(0)
        .says("is left out (if table r3)")
        .says("is left out (if table r2)");
    assert_eq!(tables(&database), [false; 3]);
    assert_eq!(database.raw().states(), [""; 0]);
    sandbox.limbeck(&["upgrade"]).ends(0);
    sandbox.limbeck(&["verify"]).ends(0);
}

fn a_half_done_downgrade_is_taken_back(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision(ID, "", &sections(MENDED, "DROP TABLE nowhere"));
    sandbox.limbeck(&["upgrade"]).ends(0);
    sandbox.limbeck(&["downgrade", "base"]).ends(1).says("State: dirty. 1 of 3");
    assert_eq!(tables(&database), [true, true, false]);
    sandbox.limbeck(&["resolve", "--undo"]).ends(0).says("is left out (unless table r1)");
    assert_eq!(tables(&database), [true; 3]);
    assert_eq!(database.raw().states(), [format!("{ID} applied 3/3")]);
    sandbox.limbeck(&["verify"]).ends(0);
}

/// As a run leaves it that was killed while the second statement ran.
fn killed_at_the_second(database: &Database) {
    database.raw().run(
        "UPDATE limbeck_revisions SET state = 'upgrading', statements_done = 1, error = NULL, applied_at = NULL",
    );
}

fn a_statement_in_doubt_is_looked_for(engine: Engine) {
    for there in [true, false] {
        let database = Database::new(engine);
        let mut sandbox = Sandbox::new(&database);
        sandbox.revision(ID, "", &sections(MENDED, "DROP TABLE r2"));
        sandbox.limbeck(&["upgrade"]).ends(0);
        let mut raw = database.raw();
        raw.run("DROP TABLE r3");
        if !there {
            raw.run("DROP TABLE r2");
        }
        killed_at_the_second(&database);
        let (found, goes_on) = match there {
            true => ("it was done (table r2 is there)", "goes on with statement 3 of 3"),
            false => ("it was not done (table r2 is not there)", "goes on with statement 2 of 3"),
        };
        sandbox.limbeck(&["status"]).ends(0).says(found).says("Statement 2 (migrations/");
        sandbox.limbeck(&["resolve", "--continue"]).ends(0).says(found).says(goes_on);
        assert_eq!(tables(&database), [true; 3]);
        sandbox.limbeck(&["check"]).ends(0);
    }
}

fn who_goes_on_without_evidence_says_where(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let (before, call) = match engine {
        Engine::PostgreSql => ("SELECT 1", "DO $$ BEGIN INSERT INTO r1 VALUES (1); END $$"),
        _ => ("CREATE PROCEDURE add_one() INSERT INTO r1 VALUES (1)", "CALL add_one()"),
    };
    let section = format!(
        "-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE TABLE r1 (a int);\n{call};\nCREATE TABLE r3 (a int);\n"
    );
    sandbox.revision("a00000000000", "", &format!("-- limbeck:upgrade\n{before};\n"));
    sandbox.revision(ID, "a00000000000", &section);
    sandbox.limbeck(&["upgrade"]).ends(0);
    let mut raw = database.raw();
    raw.run("DROP TABLE r3");
    raw.run(&format!(
        "UPDATE limbeck_revisions SET state = 'upgrading', statements_done = 1, error = NULL WHERE revision = '{ID}'"
    ));
    sandbox
        .limbeck(&["resolve", "--continue"])
        .ends(7)
        .says("nothing tells whether it was done")
        .says("--from 3");
    sandbox.limbeck(&["resolve", "--continue", "--from", "9"]).ends(2).says("has 3 statements");
    sandbox.limbeck(&["resolve", "--continue", "--from", "3"]).ends(0);
    assert_eq!(raw.lines("SELECT count(*) FROM r1"), ["1"], "it was not run again");
    sandbox.limbeck(&["check"]).ends(0);
}
