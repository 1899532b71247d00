//! Squashes: a database that has none, some or all of the old revisions, and the proof that the schema is the same.

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    every_database_ends_with_the_squash on sqlite postgresql mariadb mysql;
    the_shipped_chain_is_one_revision on sqlite postgresql mariadb mysql;
    a_half_applied_revision_is_settled_first on mariadb mysql;
    a_setting_that_leaks_is_found on sqlite postgresql mariadb mysql;
    a_default_that_depends_on_data_is_found on postgresql;
    a_squash_that_fails_is_not_written on sqlite postgresql mariadb mysql;
    a_role_that_makes_no_database_is_told_so on postgresql mariadb mysql;
    what_reaches_beyond_is_not_tried_out on postgresql mariadb mysql;
    a_schema_of_the_settings_is_there_for_the_proof on postgresql;
    a_scratch_database_is_dropped_also_after_a_failure on postgresql mariadb mysql;
}

const SQUASH: [&str; 4] = ["squash", "a00000000001:a00000000003", "--rev-id", "5aaaaaaaaaaa"];

/// Three revisions that become one, with one on them.
fn four(database: &Database) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    for (id, revises, up, down) in [
        (
            "a00000000001",
            "",
            "CREATE TABLE one (id int PRIMARY KEY, note varchar(20) DEFAULT 'x')",
            "DROP TABLE one",
        ),
        (
            "a00000000002",
            "a00000000001",
            "CREATE TABLE two (id int PRIMARY KEY, one_id int REFERENCES one (id));\nCREATE INDEX ix_two ON two (one_id);",
            "DROP TABLE two;",
        ),
        ("a00000000003", "a00000000002", "CREATE VIEW three AS SELECT id FROM one;", "DROP VIEW three;"),
        ("a00000000004", "a00000000003", "CREATE TABLE four (id int);", "DROP TABLE four;"),
    ] {
        let sections = format!("-- limbeck:upgrade\n{up}\n\n-- limbeck:downgrade\n{down}\n");
        sandbox.revision(id, revises, &sections);
    }
    sandbox
}

fn every_database_ends_with_the_squash(engine: Engine) {
    let mut schemas = Vec::new();
    for applied in 0..=4 {
        let database = Database::new(engine);
        let sandbox = four(&database);
        if applied > 0 {
            sandbox.limbeck(&["upgrade", &format!("a0000000000{applied}")]).ends(0);
        }
        sandbox.limbeck(&SQUASH).ends(0).says("Proved");
        let status = sandbox.json(&["status"])["services"][0].clone();
        let pending = status["pending"].as_array().expect("a list").len();
        assert_eq!(pending, [2, 4, 3, 1, 0][applied], "{status}");
        assert_eq!(status["applied"], applied);
        assert_eq!(status["missing"], serde_json::json!([]));
        sandbox.limbeck(&["verify"]).ends(0);
        let upgraded = sandbox.limbeck(&["upgrade"]).ends(0);
        match applied {
            0 => upgraded.hides("recorded"),
            _ => upgraded.says("recorded: replaces 3 applied revisions"),
        };
        let mut raw = database.raw();
        assert_eq!(raw.states(), ["5aaaaaaaaaaa applied 4/4", "a00000000004 applied 1/1"]);
        sandbox.limbeck(&["check"]).ends(0);
        sandbox.limbeck(&["upgrade"]).ends(0).says("Nothing to do");
        schemas.push(raw.schema());
        let recorded = raw.acts().into_iter().filter(|act| act == "squash 5aaaaaaaaaaa").count();
        assert_eq!(recorded, usize::from(applied > 0));
        // The squash has a way back.
        sandbox.limbeck(&["downgrade", "base"]).ends(0);
        assert!(raw.states().is_empty());
    }
    assert!(schemas.windows(2).all(|pair| pair[0] == pair[1]), "{schemas:#?}");
}

fn the_shipped_chain_is_one_revision(engine: Engine) {
    let old = Database::new(engine);
    let shipped = Sandbox::shipped(&old);
    let database = Database::new(engine);
    let sandbox = Sandbox::new(&database);
    for revision in shipped.chain().revisions() {
        sandbox.write(revision.source.name(), revision.source.text());
    }
    let ids = sandbox.ids();
    // An index that is made CONCURRENTLY stays by itself.
    let alone = ids.iter().position(|id| id == "78c3db74b0f3" && engine == Engine::PostgreSql);
    let parts: Vec<&[String]> = match alone {
        Some(at) => vec![&ids[..at], &ids[at + 1..]],
        None => vec![&ids],
    };
    if alone.is_some() {
        let all = format!("{}:{}", ids[0], ids[ids.len() - 1]);
        sandbox.limbeck(&["squash", &all]).ends(1).says("78c3db74b0f3 runs outside a transaction");
    }
    for part in &parts {
        let range = format!("{}:{}", part[0], part[part.len() - 1]);
        sandbox.limbeck(&["squash", &range]).ends(0).says("Proved");
    }
    assert_eq!(sandbox.ids().len(), parts.len() + usize::from(alone.is_some()));
    sandbox.limbeck(&["upgrade"]).ends(0);
    shipped.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().schema(), old.raw().schema());
}

fn a_half_applied_revision_is_settled_first(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = four(&database);
    let mut raw = database.raw();
    sandbox.limbeck(&["upgrade", "a00000000001"]).ends(0);
    raw.run("CREATE VIEW three AS SELECT 1 AS id");
    sandbox.limbeck(&["upgrade", "a00000000003"]).ends(1);
    sandbox.limbeck(&SQUASH).ends(0);
    sandbox.limbeck(&["upgrade"]).ends(7).says("a00000000003 is half-applied");
    raw.run("DROP VIEW three");
    sandbox.limbeck(&["resolve", "--continue"]).ends(0);
    sandbox.limbeck(&["upgrade"]).ends(0).says("recorded: replaces 3 applied revisions");
    assert_eq!(raw.states(), ["5aaaaaaaaaaa applied 4/4", "a00000000004 applied 1/1"]);
}

/// Writes two revisions that have a way up alone.
fn two(sandbox: &mut Sandbox, first: &str, second: &str) {
    sandbox.revision("a00000000001", "", &format!("-- limbeck:upgrade\n{first}\n"));
    sandbox.revision("a00000000002", "a00000000001", &format!("-- limbeck:upgrade\n{second}\n"));
}

const BOTH: &str = "a00000000001:a00000000002";

/// A setting ends with its revision; in a squash it would reach the next one.
fn a_setting_that_leaks_is_found(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let (first, second, found) = match engine {
        Engine::Sqlite => (
            "CREATE TABLE t (n int);\nCREATE VIEW v AS SELECT n FROM t;\nPRAGMA legacy_alter_table = ON;",
            "ALTER TABLE t RENAME TO u;",
            "CREATE VIEW v AS SELECT n FROM t",
        ),
        Engine::PostgreSql => {
            ("CREATE SCHEMA other;\nSET search_path = other;", "CREATE TABLE t (n int);", "other | t")
        }
        Engine::MariaDb | Engine::MySql => {
            ("SET sql_mode = 'PIPES_AS_CONCAT';", "CREATE VIEW v AS SELECT 'a' || 'b' AS c;", "concat(")
        }
    };
    two(&mut sandbox, first, second);
    let refused = sandbox.limbeck(&["squash", BOTH]).ends(1);
    refused.says("does not make the schema").says(found).says("Nothing was written");
    assert_eq!(sandbox.ids(), ["a00000000001", "a00000000002"]);
    sandbox.limbeck(&["squash", BOTH, "--unproved"]).ends(0).says("Not proved");
}

/// What a revision finds in the data decides what it makes: here, whether a row was written by its own transaction.
fn a_default_that_depends_on_data_is_found(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    two(
        &mut sandbox,
        "CREATE TABLE t (born text DEFAULT pg_current_xact_id()::text);\nINSERT INTO t DEFAULT VALUES;",
        "DO $$ BEGIN\n  IF (SELECT born FROM t) = pg_current_xact_id()::text THEN\n    \
         ALTER TABLE t ADD COLUMN n int DEFAULT 17;\n  ELSE\n    ALTER TABLE t ADD COLUMN n int DEFAULT 18;\n  \
         END IF;\nEND $$;",
    );
    let refused = sandbox.limbeck(&["squash", BOTH]).ends(1);
    refused.says("does not make the schema").says("t.n").says("| 17 |").says("| 18 |");
}

fn a_squash_that_fails_is_not_written(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    two(&mut sandbox, "CREATE TABLE t (n int);", "CREATE TABLE t (n int);");
    let refused = sandbox.limbeck(&["squash", BOTH]).ends(1);
    refused.says("already exists").says("which is gone again").says("--unproved");
    assert_eq!(sandbox.ids(), ["a00000000001", "a00000000002"]);
}

fn a_role_that_makes_no_database_is_told_so(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = four(&database);
    let user = database.user("hunter2");
    if engine != Engine::PostgreSql {
        database.raw().run(&format!("GRANT ALL ON {}.* TO '{user}'@'%'", database.name));
    }
    sandbox.set("CORTEX_DATABASE_URL", database.url_as(&user, "hunter2"));
    let refused = sandbox.limbeck(&SQUASH).ends(1).says("the server would not make it");
    refused.says("--scratch-url").says("--unproved").hides("hunter2");
    assert_eq!(sandbox.ids().len(), 4);
    let elsewhere = database.url();
    sandbox.limbeck(&[&SQUASH[..], &["--scratch-url", &elsewhere]].concat()).ends(0).says("Proved");
}

fn what_reaches_beyond_is_not_tried_out(engine: Engine) {
    let database = Database::new(engine);
    let mut statements = vec![
        "CREATE ROLE limbeck_test_reader".to_owned(),
        "/* why */ drop  user limbeck_test_reader".to_owned(),
    ];
    if engine != Engine::PostgreSql {
        statements.push(format!("CREATE TABLE {}.t (n int)", database.name));
        statements.push(format!("USE {}", database.name));
        statements.push("GRANT SELECT ON *.* TO limbeck_test_reader".to_owned());
    }
    for statement in statements {
        let mut sandbox = Sandbox::new(&database);
        two(&mut sandbox, &format!("{statement};"), "SELECT 1;");
        let refused = sandbox.limbeck(&["squash", BOTH]).ends(1);
        refused.says("reaches beyond a scratch database").says("--scratch-url");
    }
}

fn a_schema_of_the_settings_is_there_for_the_proof(engine: Engine) {
    let database = Database::new(engine);
    database.raw().run("CREATE SCHEMA app");
    let mut sandbox = four(&database);
    sandbox.set("CORTEX_DATABASE_URL", format!("{}?schema=app", database.url()));
    sandbox.limbeck(&SQUASH).ends(0).says("Proved");
    sandbox.limbeck(&["upgrade"]).ends(0);
}

/// The second revision tells where it runs, and fails.
fn a_scratch_database_is_dropped_also_after_a_failure(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let (tell, there) = match engine {
        Engine::PostgreSql => (
            "DO $$ BEGIN RAISE EXCEPTION 'here: %', current_database(); END $$;",
            "SELECT datname FROM pg_database",
        ),
        _ => (
            "CREATE PROCEDURE p() BEGIN DECLARE says text DEFAULT CONCAT('here: ', DATABASE()); \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = says; END;\nCALL p();",
            "SELECT schema_name FROM information_schema.schemata",
        ),
    };
    two(&mut sandbox, "CREATE TABLE t (n int);", tell);
    let said = sandbox.json(&["squash", BOTH])["error"]["message"].as_str().expect("a message").to_owned();
    let name = said.split("here: ").nth(1).and_then(|rest| rest.split(' ').next()).expect("the name is told");
    assert!(name.starts_with("limbeck_scratch_"), "{said}");
    assert!(!database.raw().lines(there).iter().any(|other| other == name), "{name} is still there");
}
