//! The ways out of a half-applied revision, each on the engines where there can be one.

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    it_goes_on_where_it_stopped on sqlite postgresql mariadb mysql;
    it_is_tried_again_from_the_start on sqlite postgresql mariadb mysql;
    it_is_said_to_be_done on sqlite postgresql mariadb mysql;
    a_downgrade_goes_on_too on sqlite postgresql mariadb mysql;
    what_cannot_be_settled_is_refused on sqlite mysql;
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
