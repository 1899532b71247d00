//! Reviewed plans on every engine.

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    a_reviewed_plan_is_applied_once on sqlite postgresql mariadb mysql;
    another_person_may_apply_it on sqlite postgresql mariadb mysql;
    it_is_for_one_database on sqlite postgresql mariadb mysql;
}

fn project(database: &Database) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\nCREATE TABLE users (id int);\n-- limbeck:downgrade\nDROP TABLE users;\n",
    );
    sandbox.revision(
        "a00000000002",
        "a00000000001",
        "-- limbeck:upgrade\nCREATE TABLE posts (id int);\n-- limbeck:downgrade\nDROP TABLE posts;\n",
    );
    sandbox
}

fn a_reviewed_plan_is_applied_once(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = project(&database);
    sandbox.limbeck(&["plan", "+1", "--out", "one.json"]).ends(0).says("limbeck upgrade --plan one.json");
    sandbox.limbeck(&["plan", "--out", "all.json"]).ends(0);
    assert!(!database.raw().has_table("limbeck_revisions"), "a question writes nothing");
    sandbox.limbeck(&["upgrade", "--plan", "one.json"]).ends(0);
    assert_eq!(database.raw().states().len(), 1);
    for file in ["one.json", "all.json"] {
        sandbox.limbeck(&["upgrade", "--plan", file]).ends(8).says("was base, and is a00000000001");
    }
    sandbox.limbeck(&["plan", "base", "--out", "down.json"]).ends(0);
    sandbox.limbeck(&["downgrade", "--plan", "down.json"]).ends(0);
    assert!(!database.raw().has_table("users"));
    // The same books once more, and their tables are there already.
    sandbox.limbeck(&["upgrade", "--plan", "all.json"]).ends(8).says("limbeck's tables");
    assert_eq!(database.raw().states().len(), 0);
}

fn another_person_may_apply_it(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = project(&database);
    sandbox.limbeck(&["plan", "--out", "plan.json"]).ends(0);
    sandbox.set("USER", "bob");
    sandbox.set("HOSTNAME", "elsewhere");
    sandbox.limbeck(&["upgrade", "--plan", "plan.json"]).ends(0);
    assert_eq!(database.raw().states().len(), 2);
}

fn it_is_for_one_database(engine: Engine) {
    let (database, other) = (Database::new(engine), Database::new(engine));
    let mut sandbox = project(&database);
    sandbox.limbeck(&["plan", "--out", "plan.json"]).ends(0).hides(":limbeck@");
    sandbox.set("CORTEX_DATABASE_URL", other.url());
    sandbox.limbeck(&["upgrade", "--plan", "plan.json"]).ends(8).says("the database was");
    assert!(!other.raw().has_table("users"));
}
