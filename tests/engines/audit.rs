//! An edited file: told, refused, compared, accepted; and the log of it all.

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    an_edited_file_is_accepted on sqlite postgresql mariadb mysql;
    the_log_is_read_by_who_may_only_read on postgresql mariadb mysql;
}

const FIRST: &str = "a00000000001";
const SECOND: &str = "a00000000002";

/// The reason of a person who likes to quote.
const REASON: &str = "it's \"the same\" \\ here; -- 🦀";

fn table(name: &str, column: &str) -> String {
    format!(
        "-- limbeck:upgrade\nCREATE TABLE {name} ({column} int);\n\n-- limbeck:downgrade\nDROP TABLE {name};\n"
    )
}

/// Two revisions, of which the first is applied and its file edited since.
fn edited(database: &Database) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    sandbox.revision(FIRST, "", &table("e1", "a"));
    sandbox.revision(SECOND, FIRST, &table("e2", "a"));
    sandbox.limbeck(&["upgrade", FIRST]).ends(0);
    edit(&sandbox);
    sandbox
}

fn edit(sandbox: &Sandbox) {
    let text = format!("-- what {FIRST} does\n--\n-- Revision ID: {FIRST}\n-- Revises:\n\n");
    sandbox.write(&sandbox.file(FIRST, 1), &(text + &table("e1", "b")));
}

fn an_edited_file_is_accepted(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = edited(&database);
    sandbox.limbeck(&["status"]).ends(0).says("was edited since it was applied");
    sandbox.limbeck(&["verify"]).ends(1);
    for command in [&["upgrade"][..], &["downgrade", "base"], &["goto", "heads"]] {
        sandbox.limbeck(command).ends(1).says("was edited since it was applied").says("limbeck accept");
    }
    assert_eq!(database.raw().acts(), [format!("upgrade {FIRST}")]);
    let kept = || database.raw().lines("SELECT source FROM limbeck_revisions ORDER BY revision");
    let ran = kept();
    sandbox.limbeck(&["accept", FIRST, "--reason", REASON]).ends(0);
    assert_eq!(kept(), ran, "what ran stays");
    sandbox.limbeck(&["diff"]).ends(0);
    sandbox
        .limbeck(&["diff", FIRST])
        .ends(1)
        .says("-CREATE TABLE e1 (a int);")
        .says("+CREATE TABLE e1 (b int);");
    sandbox.limbeck(&["verify"]).ends(0);
    sandbox.limbeck(&["accept", FIRST, "--reason", REASON]).ends(1).says("what the books say");
    sandbox.limbeck(&["upgrade"]).ends(0);
    let log = sandbox.json(&["log", FIRST]);
    let entry = &log["services"][0]["entries"][0];
    assert_eq!(entry["act"], "accept");
    assert_eq!((&entry["os_user"], &entry["host"]), (&"ann".into(), &"build-7".into()));
    let before = &log["services"][0]["entries"][1]["checksum"];
    let (before, after) = (before.as_str().expect("a digest"), entry["checksum"].as_str().expect("a digest"));
    assert_ne!(before, after);
    assert_eq!(entry["detail"], format!("{REASON}; checksum {before} -> {after}"));
    let acts = [("upgrade", FIRST), ("accept", FIRST), ("upgrade", SECOND)];
    assert_eq!(database.raw().acts(), acts.map(|(act, id)| format!("{act} {id}")));
}

fn the_log_is_read_by_who_may_only_read(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = edited(&database);
    sandbox.limbeck(&["accept", FIRST, "--reason", REASON]).ends(0);
    let reader = database.user("reader");
    database.raw().run(&match engine {
        Engine::PostgreSql => format!("GRANT SELECT ON limbeck_log, limbeck_revisions TO {reader}"),
        _ => format!("GRANT SELECT ON {}.* TO '{reader}'@'%'", database.name),
    });
    let before = database.raw().lines("SELECT * FROM limbeck_log ORDER BY id");
    let owner = sandbox.json(&["log"]);
    sandbox.set("CORTEX_DATABASE_URL", database.url_as(&reader, "reader"));
    assert_eq!(sandbox.json(&["log"]), owner);
    sandbox.limbeck(&["log"]).ends(0).says("ann@build-7").says("accept");
    sandbox.limbeck(&["accept", FIRST, "--reason", REASON]).ends(1);
    assert_eq!(database.raw().lines("SELECT * FROM limbeck_log ORDER BY id"), before);
}
