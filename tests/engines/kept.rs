//! What the books keep of what ran: the text of the file as it was applied, and books of an earlier version that lack it.

use limbeck::chain::Goal;
use limbeck::database_url::DatabaseUrl;
use limbeck::ledger::Actor;
use limbeck::manager::{Access, MigrationManager};
use limbeck::plan::Note;
use limbeck::review::{ApprovedBy, Review};
use limbeck::stop::Stop;

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    the_text_of_the_file_is_kept on sqlite postgresql mariadb mysql;
    a_long_text_is_not_kept on sqlite postgresql mariadb mysql;
    old_books_are_read_and_then_extended on sqlite postgresql mariadb mysql;
    a_column_is_not_added_twice on sqlite postgresql mariadb mysql;
}

const FIRST: &str = "a00000000001";
const SECOND: &str = "a00000000002";
const THIRD: &str = "a00000000003";

/// Quotes, backslashes, what looks like the end of a statement, letters of several scripts, other line ends.
const NASTY: &str = "-- limbeck:upgrade\n-- it's \\ \"so\"; $$ E'\\n' `x` é 漢 🦀\r\nCREATE TABLE k1 (a int);\n\n-- \
                     limbeck:downgrade\nDROP TABLE k1;\n";

fn table(name: &str) -> String {
    format!("-- limbeck:upgrade\nCREATE TABLE {name} (a int);\n\n-- limbeck:downgrade\nDROP TABLE {name};\n")
}

fn project(database: &Database) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    sandbox.revision(FIRST, "", NASTY);
    sandbox.revision(SECOND, FIRST, &table("k2"));
    sandbox.revision(THIRD, SECOND, &table("k3"));
    sandbox
}

/// The texts in the books, by revision; `∅` for none.
fn kept(database: &Database) -> Vec<String> {
    database.raw().lines("SELECT source FROM limbeck_revisions ORDER BY revision")
}

/// The texts of the files, by revision.
fn files(sandbox: &Sandbox) -> Vec<String> {
    sandbox.chain().revisions().iter().map(|revision| revision.source.text().to_owned()).collect()
}

fn the_text_of_the_file_is_kept(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = project(&database);
    sandbox.limbeck(&["upgrade", SECOND]).ends(0);
    sandbox.limbeck(&["stamp", THIRD]).ends(0);
    let files = files(&sandbox);
    assert_eq!(kept(&database), files);
    for (id, number, text) in [(FIRST, 1, &files[0]), (SECOND, 2, &files[1])] {
        sandbox.write(
            &sandbox.file(id, number),
            &format!("-- Revision ID: {id}\n-- limbeck:upgrade\nSELECT 1;\n"),
        );
        assert_eq!(&sandbox.limbeck(&["show", "--applied", id]).ends(0).out, text);
        assert_eq!(sandbox.json(&["show", "--applied", id])["revisions"][0]["source"], **text);
    }
    sandbox.limbeck(&["diff"]).ends(1).says("-CREATE TABLE k1 (a int);").says("-CREATE TABLE k2 (a int);");
    sandbox.limbeck(&["diff", THIRD]).ends(0);
    // And without a file.
    sandbox.remove(&sandbox.file(THIRD, 3));
    assert_eq!(sandbox.limbeck(&["show", "--applied", &THIRD[..4]]).ends(2).out, "");
    assert_eq!(sandbox.limbeck(&["show", "--applied", THIRD]).ends(0).out, files[2]);
}

/// A text of more than 1 MiB runs like any other.
fn a_long_text_is_not_kept(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let long = format!("-- limbeck:upgrade\n-- {}\nCREATE TABLE k1 (a int);\n", "long ".repeat(220_000));
    sandbox.revision(FIRST, "", &long);
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(kept(&database), ["∅"]);
    sandbox.limbeck(&["show", "--applied", FIRST]).ends(1).says("is not in the books");
    sandbox.limbeck(&["verify"]).ends(0);
    sandbox
        .write(&sandbox.file(FIRST, 1), &format!("-- Revision ID: {FIRST}\n-- limbeck:upgrade\nSELECT 1;\n"));
    sandbox.limbeck(&["diff"]).ends(1).says("what ran is not in the books");
    assert_eq!(sandbox.json(&["diff", FIRST])["error"]["code"], "not-kept");
}

/// Takes away what this version added to the books.
fn age(database: &Database) {
    for column in ["source", "heads"] {
        database.raw().run(&format!("ALTER TABLE limbeck_revisions DROP COLUMN {column}"));
    }
}

fn old_books_are_read_and_then_extended(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = project(&database);
    sandbox.limbeck(&["upgrade", FIRST]).ends(0);
    age(&database);
    for (question, code) in [
        ("status", 0),
        ("plan", 0),
        ("check", 4),
        ("verify", 0),
        ("log", 0),
        ("current", 0),
        ("history", 0),
        ("diff", 0),
    ] {
        sandbox.limbeck(&[question]).ends(code);
    }
    sandbox.limbeck(&["show", "--applied", FIRST]).ends(1).says("is not in the books");
    // Nothing to do changes nothing.
    sandbox.limbeck(&["upgrade", FIRST]).ends(0);
    assert!(database.raw().attempt("SELECT source FROM limbeck_revisions").is_err());
    sandbox.limbeck(&["upgrade", SECOND]).ends(0).says("gets the columns");
    let files = files(&sandbox);
    assert_eq!(kept(&database), ["∅", &files[1]]);
    sandbox.limbeck(&["upgrade"]).ends(0).hides("gets the columns");
    assert_eq!(kept(&database), ["∅", &files[1], &files[2]]);
    // A downgrade of old books needs the column as little as it makes one twice.
    age(&database);
    sandbox.limbeck(&["downgrade", FIRST]).ends(0);
    assert_eq!(kept(&database), ["∅"]);
    // Nor does a run that is one transaction.
    if engine.rolls_ddl_back() {
        age(&database);
        sandbox.limbeck(&["upgrade", "--transaction", "all"]).ends(0);
        assert_eq!(kept(&database), ["∅", &files[1], &files[2]]);
    }
}

/// Another runner extends the books between the plan and its execution, and applies nothing.
fn a_column_is_not_added_twice(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = project(&database);
    sandbox.limbeck(&["upgrade", FIRST]).ends(0);
    age(&database);
    let url = DatabaseUrl::parse(&database.url()).expect("a URL");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let connecting = MigrationManager::connect(sandbox.chain(), &url, "default", Access::Write);
    let mut manager = runtime.block_on(connecting).expect("a connection");
    let plan = manager.plan_upgrade(&Goal::Heads).expect("a plan");
    assert!(plan.notes.contains(&Note::ExtendsBooks));
    for column in ["source", "heads"] {
        database.raw().run(&format!("ALTER TABLE limbeck_revisions ADD COLUMN {column} text"));
    }
    let approved = Review::new(plan).approve(ApprovedBy::Command);
    let (actor, stop) = (Actor::default(), Stop::new());
    let done = runtime.block_on(manager.execute(&approved, &actor, &stop, &mut ()));
    assert_eq!(done.unwrap_or_else(|error| panic!("{error}")).done.len(), 2);
    runtime.block_on(manager.close());
    assert_eq!(kept(&database)[1..], files(&sandbox)[1..]);
}
