//! One story, told on every engine: up step by step, down, up in one go, stamp, goto, scripts, questions.

use limbeck::stop::Stop;
use std::path::Path;
use std::process::{Command, Stdio};

use limbeck::chain::Goal;
use limbeck::db::{Access, ExecuteError};
use limbeck::error::{Class, Error};
use limbeck::ledger::Actor;
use limbeck::manager::MigrationManager;
use limbeck::review::{ApprovedBy, Review};
use serde_json::Value;

use crate::engine::{Database, Engine};
use crate::raw::{Raw, runtime};
use crate::sandbox::Sandbox;

on_engines! {
    the_shipped_chain_goes_up_and_down on sqlite postgresql mariadb mysql;
    a_branched_chain_goes_up_and_down on sqlite postgresql mariadb mysql;
    a_branched_chain_is_one_schema_by_every_way on sqlite postgresql mariadb mysql;
    texts_arrive_as_they_were_written on sqlite postgresql mariadb mysql;
    a_stamp_changes_the_books_alone on sqlite postgresql mariadb mysql;
    goto_goes_both_ways on sqlite postgresql mariadb mysql;
    a_stale_plan_does_nothing on sqlite postgresql mariadb mysql;
    a_stale_first_plan_does_nothing on sqlite postgresql mariadb mysql;
    the_script_of_a_plan_does_what_an_upgrade_does on sqlite postgresql mariadb mysql;
    the_offline_script_does_what_an_upgrade_does on sqlite postgresql mariadb mysql;
    the_offline_downgrade_script_does_what_a_downgrade_does on sqlite postgresql mariadb mysql;
    questions_write_nothing on sqlite postgresql mariadb mysql;
    questions_need_no_more_than_reading on postgresql mariadb mysql;
}

/// The commands that only ask.
const QUESTIONS: [&[&str]; 9] = [
    &["status"],
    &["plan"],
    &["check"],
    &["history", "-i"],
    &["verify"],
    &["current"],
    &["version"],
    &["log"],
    &["upgrade", "--dry-run"],
];

fn the_shipped_chain_goes_up_and_down(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = Sandbox::shipped(&database);
    goes_up_and_down(&database, &sandbox, |_| "+1".to_owned());
}

fn a_branched_chain_goes_up_and_down(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = branched(&database);
    goes_up_and_down(&database, &sandbox, str::to_owned);
}

/// Up by single steps, down to base, up in one go; the books and the schema are looked at all the way.
fn goes_up_and_down(database: &Database, sandbox: &Sandbox, goal: impl Fn(&str) -> String) {
    let mut raw = database.raw();
    let empty = raw.schema();
    let ids = sandbox.ids();
    assert!(ids.len() >= 9, "a chain worth the test");
    let mut acts = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        sandbox.limbeck(&["upgrade", &goal(id)]).ends(0);
        acts.push(format!("upgrade {id}"));
        books_agree(sandbox, &mut raw, &ids[..=at], &acts);
    }
    let stepwise = raw.schema();
    assert_ne!(stepwise, empty);

    sandbox.limbeck(&["downgrade", "base"]).ends(0);
    acts.extend(ids.iter().rev().map(|id| format!("downgrade {id}")));
    books_agree(sandbox, &mut raw, &[], &acts);
    assert_eq!(raw.schema(), empty);

    sandbox.limbeck(&["upgrade"]).ends(0);
    acts.extend(ids.iter().map(|id| format!("upgrade {id}")));
    books_agree(sandbox, &mut raw, &ids, &acts);
    assert_eq!(raw.schema(), stepwise);

    // And down again by single steps.
    for at in (0..ids.len()).rev() {
        sandbox.limbeck(&["downgrade", &one_back(&ids[at])]).ends(0);
        acts.push(format!("downgrade {}", ids[at]));
        books_agree(sandbox, &mut raw, &ids[..at], &acts);
    }
    assert_eq!(raw.schema(), empty);
}

/// The goal that takes the last applied revision back; where there are several heads, its branch must be named.
fn one_back(id: &str) -> String {
    match id {
        "b00000000001" => "billing@-1".to_owned(),
        // It depends on the other branch, which stays.
        "b00000000002" => format!("{id}-1"),
        "c00000000001" | "c00000000002" => "search@-1".to_owned(),
        _ => "-1".to_owned(),
    }
}

/// The tables of the books, and what every question makes of them: exactly `applied`, and `acts` were done.
#[track_caller]
fn books_agree(sandbox: &Sandbox, raw: &mut Raw, applied: &[String], acts: &[String]) {
    let chain = sandbox.chain();
    let service = "default";
    let mut expected: Vec<String> = applied
        .iter()
        .map(|id| {
            let revision = chain.get(&id.as_str().into()).expect("a revision");
            let total = revision.upgrade.statements.len();
            let digest = &revision.digest;
            let message = &revision.message;
            format!(
                "{service} | {id} | {message} | {} | {} | applied | {total} | {total} | ∅ | at a time",
                digest.tokens, digest.bytes
            )
        })
        .collect();
    expected.sort();
    assert_eq!(raw.books(), expected);
    assert_eq!(raw.acts(), acts);

    let status = sandbox.json(&["status"])["services"][0].clone();
    assert_eq!(status["applied"], applied.len());
    for nothing in ["dirty", "missing", "edited"] {
        assert_eq!(status[nothing], Value::Array(Vec::new()), "{nothing}");
    }
    let pending: Vec<&str> = (status["pending"].as_array().expect("a list").iter())
        .map(|revision| revision["revision"].as_str().expect("an id"))
        .collect();
    let expected: Vec<String> = sandbox.ids().into_iter().filter(|id| !applied.contains(id)).collect();
    assert_eq!(pending, expected);
    sandbox.limbeck(&["check"]).ends(if pending.is_empty() { 0 } else { 4 });
    sandbox.limbeck(&["verify"]).ends(0).says(&format!("{} applied", applied.len()));
}

fn a_branched_chain_is_one_schema_by_every_way(engine: Engine) {
    let (straight, winding) = (Database::new(engine), Database::new(engine));
    branched(&straight).limbeck(&["upgrade"]).ends(0);
    let sandbox = branched(&winding);
    // One branch, a step of the other, back to before the fork, and by labels to the end.
    sandbox.limbeck(&["upgrade", "search@head"]).ends(0);
    sandbox.limbeck(&["upgrade", "b00000000001"]).ends(0);
    sandbox.limbeck(&["downgrade", "search@base"]).ends(0);
    assert_eq!(winding.raw().states(), ["a00000000001 applied 2/2", "b00000000001 applied 1/1"]);
    // The dependency comes along.
    sandbox.limbeck(&["upgrade", "b00000000002"]).ends(0);
    let states = winding.raw().states();
    assert!(states.iter().any(|row| row.starts_with("c00000000001 applied")), "{states:?}");
    sandbox.limbeck(&["upgrade", "heads"]).ends(0);
    assert_eq!(winding.raw().books(), straight.raw().books());
    // A column added to another table or at another time is the same column.
    assert_eq!(winding.raw().schema(), straight.raw().schema());
}

fn texts_arrive_as_they_were_written(engine: Engine) {
    let database = Database::new(engine);
    branched(&database).limbeck(&["upgrade"]).ends(0);
    let mut raw = database.raw();
    assert_eq!(raw.lines("SELECT body FROM notes ORDER BY id"), notes(engine));
    let counted = raw.lines("SELECT amount FROM counted ORDER BY id");
    assert_eq!(counted, ["2", "4"], "the trigger was made and doubles");
}

fn a_stamp_changes_the_books_alone(engine: Engine) {
    let (upgraded, stamped) = (Database::new(engine), Database::new(engine));
    branched(&upgraded).limbeck(&["upgrade"]).ends(0);
    let sandbox = branched(&stamped);
    let empty = stamped.raw().schema();
    sandbox.limbeck(&["stamp", "heads"]).ends(0);
    assert_eq!(stamped.raw().books(), upgraded.raw().books());
    assert_eq!(stamped.raw().schema(), empty);
    assert!(stamped.raw().acts().iter().all(|act| act.starts_with("stamp ")));
    assert_eq!(stamped.raw().acts().len(), sandbox.ids().len());
    sandbox.limbeck(&["upgrade"]).ends(0).says("Nothing to do");
    sandbox.limbeck(&["stamp", "base"]).ends(0);
    assert_eq!(stamped.raw().books(), [""; 0]);
    sandbox.limbeck(&["stamp", "c00000000002", "b00000000001"]).ends(0);
    let ids: Vec<String> =
        stamped.raw().states().iter().map(|row| row.split(' ').next().expect("an id").to_owned()).collect();
    assert_eq!(ids, ["a00000000001", "b00000000001", "c00000000001", "c00000000002"]);
    assert_eq!(stamped.raw().schema(), empty);
}

fn goto_goes_both_ways(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = Sandbox::shipped(&database);
    let ids = sandbox.ids();
    let mut raw = database.raw();
    sandbox.limbeck(&["goto", &ids[6]]).ends(0);
    assert_eq!(raw.states().len(), 7);
    let seven = raw.schema();
    sandbox.limbeck(&["goto", &ids[2]]).ends(0);
    assert_eq!(raw.states().len(), 3);
    assert_ne!(raw.schema(), seven);
    sandbox.limbeck(&["goto", "7"]).ends(0);
    assert_eq!(raw.states().len(), 7);
    assert_eq!(raw.schema(), seven);
    sandbox.limbeck(&["goto", "7"]).ends(0).says("Nothing to do");
    sandbox.limbeck(&["goto", "base"]).ends(0);
    assert_eq!(raw.states().len(), 0);
}

fn a_stale_plan_does_nothing(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = Sandbox::shipped(&database);
    sandbox.limbeck(&["upgrade", "+2"]).ends(0);
    stale(&database, &sandbox, &["upgrade", "+1"], "upgrade");
    stale(&database, &sandbox, &["downgrade", "-1"], "upgrade");
    stale(&database, &sandbox, &["upgrade", "+1"], "base");
}

/// The plan was made when there were no books, and somebody else made them since.
fn a_stale_first_plan_does_nothing(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = Sandbox::shipped(&database);
    stale(&database, &sandbox, &["upgrade", "+1"], "upgrade");
}

/// Plans, lets limbeck run `meanwhile`, and carries the plan out, which must refuse.
fn stale(database: &Database, sandbox: &Sandbox, meanwhile: &[&str], goal: &str) {
    let runtime = runtime();
    let url = limbeck::database_url::DatabaseUrl::parse(&database.url()).expect("a URL");
    let connecting = MigrationManager::connect(sandbox.chain(), &url, "default", Access::Write);
    let mut manager = runtime.block_on(connecting).unwrap_or_else(|error| panic!("{error}"));
    let plan = match goal {
        "base" => manager.plan_downgrade(&Goal::Base),
        _ => manager.plan_upgrade(&Goal::Heads),
    };
    let plan = plan.unwrap_or_else(|error| panic!("{error}"));
    assert!(!plan.steps.is_empty());
    sandbox.limbeck(meanwhile).ends(0);

    let before = (database.raw().books(), database.raw().log(), database.raw().schema());
    let approved = Review::new(plan).approve(ApprovedBy::Flag);
    let (actor, stop) = (Actor::default(), Stop::new());
    let done = runtime.block_on(manager.execute(&approved, &actor, &stop, &mut ()));
    let error = done.expect_err("the plan is stale");
    assert_eq!(error.class(), Class::Stale, "{error}");
    let Error::Execute(error) = error else { panic!("{error}") };
    let ExecuteError::Stale(stale) = *error else { panic!("{error}") };
    assert_eq!(stale.changed.len(), 1, "{stale}");
    runtime.block_on(manager.close());
    assert_eq!((database.raw().books(), database.raw().log(), database.raw().schema()), before);
}

/// Two databases: one upgraded, one given the script that `arguments` print. They must be the same.
fn script_is_as_good(engine: Engine, make: fn(&Database) -> Sandbox, arguments: &[&str]) {
    let upgraded = Database::new(engine);
    let first = make(&upgraded);
    first.limbeck(&["upgrade"]).ends(0);
    let expected = (upgraded.raw().books(), upgraded.raw().log(), upgraded.raw().schema());

    let scripted = Database::new(engine);
    let sandbox = make(&scripted);
    let script = sandbox.limbeck(arguments).ends(0).out;
    assert!(!scripted.raw().has_table("limbeck_revisions"), "printing a script changes nothing");
    scripted.raw().script(&script);
    assert_eq!((scripted.raw().books(), scripted.raw().log(), scripted.raw().schema()), expected);
    sandbox.limbeck(&["check"]).ends(0);
    sandbox.limbeck(&["verify"]).ends(0);

    let native = Database::new(engine);
    if native_client(&native, &script) {
        assert_eq!((native.raw().books(), native.raw().log(), native.raw().schema()), expected);
    }
}

fn the_script_of_a_plan_does_what_an_upgrade_does(engine: Engine) {
    script_is_as_good(engine, Sandbox::shipped, &["plan", "--sql"]);
    script_is_as_good(engine, branched, &["plan", "--sql"]);
}

fn the_offline_script_does_what_an_upgrade_does(engine: Engine) {
    script_is_as_good(engine, Sandbox::shipped, &["upgrade", "base:heads", "--sql"]);
    script_is_as_good(engine, branched, &["upgrade", "base:heads", "--sql"]);
}

fn the_offline_downgrade_script_does_what_a_downgrade_does(engine: Engine) {
    for make in [Sandbox::shipped, branched] {
        let database = Database::new(engine);
        let sandbox = make(&database);
        let empty = database.raw().schema();
        sandbox.limbeck(&["upgrade"]).ends(0);
        let script = sandbox.limbeck(&["downgrade", "heads:base", "--sql"]).ends(0).out;
        database.raw().script(&script);
        assert_eq!(database.raw().books(), [""; 0]);
        assert_eq!(database.raw().schema(), empty);
        let downs = database.raw().acts().iter().filter(|act| act.starts_with("downgrade ")).count();
        assert_eq!(downs, sandbox.ids().len());
    }
}

/// Hands the script to the engine's own client. False when there is none: SQLite's may not be installed, and the
/// servers' are where LIMBECK_SERVERS_BIN says.
fn native_client(database: &Database, script: &str) -> bool {
    let mut command = if database.engine == Engine::Sqlite {
        let mut command = Command::new("sqlite3");
        command.args(["-bail", &database.file()]);
        command
    } else {
        let Ok(folder) = std::env::var("LIMBECK_SERVERS_BIN") else { return false };
        let (program, arguments) = match database.engine {
            Engine::PostgreSql => ("psql", vec!["-q", "-v", "ON_ERROR_STOP=1", "-d"]),
            Engine::MariaDb => ("mariadb", vec!["--comments", "--default-character-set=utf8mb4", "-D"]),
            _ => ("mysql", vec!["--comments", "--default-character-set=utf8mb4", "-D"]),
        };
        let mut command = Command::new(Path::new(&folder).join(program));
        command.args(arguments).arg(&database.name);
        command
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut client) = command.spawn() else { return false };
    let mut input = client.stdin.take().expect("stdin");
    let script = script.to_owned();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut input, script.as_bytes()));
    let output = client.wait_with_output().expect("the client ends");
    let written = writer.join().expect("no panic");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", database.engine.name());
    written.expect("the client reads its input");
    true
}

fn questions_write_nothing(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = Sandbox::shipped(&database);
    let ask = |sandbox: &Sandbox| {
        for question in QUESTIONS {
            let code = if question == ["check"] { 4 } else { 0 };
            sandbox.limbeck(question).ends(code);
            sandbox.limbeck(&[question, &["--json"]].concat()).ends(code);
        }
        sandbox.limbeck(&["plan", "--sql"]).ends(0);
    };
    ask(&sandbox);
    if engine == Engine::Sqlite {
        assert!(!Path::new(&database.file()).exists(), "a question makes no file");
        std::fs::write(database.file(), "").expect("an empty file");
        ask(&sandbox);
        assert_eq!(std::fs::read(database.file()).expect("the file"), b"");
    }
    let mut raw = database.raw();
    assert!(!raw.has_table("limbeck_revisions") && !raw.has_table("limbeck_log"));

    sandbox.limbeck(&["upgrade", "+3"]).ends(0);
    let everything = |raw: &mut Raw| {
        let clocks = raw.lines("SELECT * FROM limbeck_revisions ORDER BY revision");
        (clocks, raw.lines("SELECT * FROM limbeck_log ORDER BY id"), raw.schema())
    };
    let before = everything(&mut raw);
    ask(&sandbox);
    assert_eq!(everything(&mut raw), before);
}

fn questions_need_no_more_than_reading(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::shipped(&database);
    let reader = database.user("reader");
    let mut raw = database.raw();
    let grant = match engine {
        Engine::PostgreSql => format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"),
        _ => format!("GRANT SELECT ON {}.* TO '{reader}'@'%'", database.name),
    };
    raw.run(&grant);
    let owner = database.address().user.unwrap_or_default();
    let answers = |sandbox: &Sandbox| {
        QUESTIONS.map(|question| {
            let output = sandbox.limbeck(&[question, &["--json"]].concat());
            let same =
                output.out.replace(&format!("{reader}:***"), "USER").replace(&format!("{owner}:***"), "USER");
            (output.code, same)
        })
    };
    for codes in [[0, 0, 4, 0, 0, 0, 0, 0, 0], [0, 0, 4, 0, 0, 0, 0, 0, 0], [0; 9]] {
        // Nothing applied yet, then three revisions, then all.
        sandbox.set("CORTEX_DATABASE_URL", database.url());
        let expected = answers(&sandbox);
        raw.run(&grant);
        sandbox.set("CORTEX_DATABASE_URL", database.url_as(&reader, "reader"));
        let found = answers(&sandbox);
        assert_eq!(found, expected);
        assert_eq!(found.map(|(code, _)| code), codes.map(Some));
        sandbox.set("CORTEX_DATABASE_URL", database.url());
        let goal = if raw.has_table("limbeck_revisions") { "heads" } else { "+3" };
        sandbox.limbeck(&["upgrade", goal]).ends(0);
    }
    // And the reader cannot change anything.
    sandbox.set("CORTEX_DATABASE_URL", database.url_as(&reader, "reader"));
    let before = (raw.books(), raw.log());
    sandbox.limbeck(&["downgrade", "-1"]).ends(1);
    assert_eq!((raw.books(), raw.log()), before);
}

/// The texts of the table `notes`, which the chain writes with the engine's own spelling.
fn notes(engine: Engine) -> Vec<&'static str> {
    let mut texts = vec![
        "one; two; three",
        "it's \"quoted\" and `ticked`",
        "100% %s %1$s ?1 :name $1 @x",
        "Žluťoučký kůň, größer als 木, 🐎",
        "two\nlines; -- no comment\n/* none either */ # nor this",
        "-- limbeck:upgrade",
        r"C:\temp\new \' ; \\",
    ];
    if engine == Engine::PostgreSql {
        texts.push("dollars; $inner$ ' $$ $inner$ ;");
    }
    texts
}

/// A chain with a fork, labels, a dependency, a merge without statements, a section outside a transaction, a file with a
/// transaction of its own, texts that look like SQL, and bodies with semicolons.
fn branched(database: &Database) -> Sandbox {
    let engine = database.engine;
    let mut sandbox = Sandbox::new(database);
    let pick = |sqlite: &'static str, postgres: &'static str, mysql: &'static str| match engine {
        Engine::Sqlite => sqlite,
        Engine::PostgreSql => postgres,
        Engine::MariaDb | Engine::MySql => mysql,
    };
    sandbox.revision(
        "a00000000001",
        "",
        pick(
            "-- limbeck:upgrade\nCREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n\
             CREATE TABLE \"größen; alle\" (id INTEGER PRIMARY KEY, \"länge;\" REAL);\n\
             -- limbeck:downgrade\nDROP TABLE \"größen; alle\";\nDROP TABLE authors;\n",
            "-- limbeck:upgrade\nCREATE TABLE authors (id bigint PRIMARY KEY, name text NOT NULL);\n\
             CREATE TABLE \"größen; alle\" (id bigint PRIMARY KEY, \"länge;\" real);\n\
             -- limbeck:downgrade\nDROP TABLE \"größen; alle\";\nDROP TABLE authors;\n",
            "-- limbeck:upgrade\nCREATE TABLE authors (id bigint PRIMARY KEY, name varchar(99) NOT NULL);\n\
             CREATE TABLE `größen; alle` (id bigint PRIMARY KEY, `länge;` double);\n\
             -- limbeck:downgrade\nDROP TABLE `größen; alle`;\nDROP TABLE authors;\n",
        ),
    );
    sandbox.headed(
        "b00000000001",
        "Revises: a00000000001\nBranch Labels: billing",
        "-- limbeck:upgrade\nCREATE TABLE invoices (id bigint PRIMARY KEY, author_id bigint REFERENCES authors (id));\n\
         -- limbeck:downgrade\nDROP TABLE invoices;\n",
    );
    sandbox.headed(
        "c00000000001",
        "Revises: a00000000001\nBranch Labels: search",
        "-- limbeck:upgrade\nCREATE TABLE words (id bigint PRIMARY KEY, word varchar(99) NOT NULL);\n\
         -- limbeck:downgrade\nDROP TABLE words;\n",
    );
    sandbox.headed(
        "b00000000002",
        "Revises: b00000000001\nDepends On: c00000000001",
        "-- limbeck:upgrade\nALTER TABLE invoices ADD COLUMN word_id bigint;\n\
         UPDATE invoices SET word_id = (SELECT min(id) FROM words);\n\
         -- limbeck:downgrade\nALTER TABLE invoices DROP COLUMN word_id;\n",
    );
    sandbox.revision(
        "c00000000002",
        "c00000000001",
        pick(
            "-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE INDEX ix_words ON words (word);\nVACUUM;\n\
             -- limbeck:downgrade\n-- limbeck:no-transaction\nDROP INDEX ix_words;\nVACUUM;\n",
            "-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE INDEX CONCURRENTLY ix_words ON words (word);\n\
             CREATE UNIQUE INDEX CONCURRENTLY ux_words ON words (lower(word));\n\
             -- limbeck:downgrade\n-- limbeck:no-transaction\nDROP INDEX CONCURRENTLY ux_words;\n\
             DROP INDEX CONCURRENTLY ix_words;\n",
            "-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE INDEX ix_words ON words (word);\nANALYZE TABLE words;\n\
             -- limbeck:downgrade\n-- limbeck:no-transaction\nDROP INDEX ix_words ON words;\n",
        ),
    );
    sandbox.revision(
        "d00000000001",
        "b00000000002, c00000000002",
        "-- limbeck:upgrade\n-- limbeck:downgrade\n",
    );
    sandbox.revision(
        "e00000000001",
        "d00000000001",
        "-- limbeck:upgrade\nBEGIN;\nCREATE TABLE own (id int PRIMARY KEY);\nINSERT INTO own VALUES (1), (2);\n\
         UPDATE own SET id = id + 10;\nCOMMIT;\n\
         -- limbeck:downgrade\nBEGIN;\nDELETE FROM own;\nDROP TABLE own;\nCOMMIT;\n",
    );
    sandbox.revision("e00000000002", "e00000000001", &texts(engine));
    sandbox.revision("e00000000003", "e00000000002", pick(SQLITE_BODIES, POSTGRES_BODIES, MYSQL_BODIES));
    sandbox
}

/// The revision that writes [`notes`].
fn texts(engine: Engine) -> String {
    let mut text = "-- limbeck:upgrade\nCREATE TABLE notes (id int PRIMARY KEY, body text);\n".to_owned();
    for (at, note) in notes(engine).into_iter().enumerate() {
        let literal = match engine {
            Engine::PostgreSql if note.contains("$inner$") => format!("$outer${note}$outer$"),
            Engine::PostgreSql if note.contains('\\') => {
                format!("E'{}'", note.replace('\\', "\\\\").replace('\'', "\\'"))
            }
            Engine::MariaDb | Engine::MySql => {
                format!("'{}'", note.replace('\\', "\\\\").replace('\'', "\\'"))
            }
            _ => format!("'{}'", note.replace('\'', "''")),
        };
        text.push_str(&format!("/* ; ' */ INSERT INTO notes VALUES ({at}, {literal}); -- it's; “done”\n"));
    }
    text.push_str("-- limbeck:downgrade\nDROP TABLE notes;\n");
    text
}

const SQLITE_BODIES: &str = "\
-- limbeck:upgrade
CREATE TABLE counted (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL, note TEXT);
CREATE TRIGGER tr_counted AFTER INSERT ON counted
FOR EACH ROW WHEN NEW.amount < 100
BEGIN
    UPDATE counted SET amount = CASE WHEN NEW.amount > 0 THEN NEW.amount * 2 ELSE 0 END, note = 'a;b' WHERE id = NEW.id;
    DELETE FROM counted WHERE amount = 0;
END;
INSERT INTO counted (id, amount) VALUES (1, 1), (2, 2), (3, 0);
CREATE VIEW doubled AS SELECT id, amount FROM counted WHERE note = 'a;b';
-- limbeck:downgrade
DROP VIEW doubled;
DROP TRIGGER tr_counted;
DROP TABLE counted;
";

const POSTGRES_BODIES: &str = "\
-- limbeck:upgrade
CREATE TYPE mood AS ENUM ('so; so', 'fine');
CREATE TABLE counted (id bigint PRIMARY KEY, amount bigint NOT NULL, feels mood);
COMMENT ON COLUMN counted.amount IS 'doubled; by a trigger';
CREATE FUNCTION doubles() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    -- a comment; with a semicolon and it's quote
    IF NEW.amount > 0 THEN
        NEW.amount := NEW.amount * 2;
        NEW.feels := $$so; so$$;
    END IF;
    RETURN NEW;
END;
$body$;
CREATE TRIGGER tr_counted BEFORE INSERT ON counted FOR EACH ROW EXECUTE FUNCTION doubles();
CREATE FUNCTION twice(n bigint) RETURNS bigint LANGUAGE sql BEGIN ATOMIC
    SELECT n;
    SELECT n * 2;
END;
DO $$
BEGIN
    FOR i IN 1..2 LOOP
        INSERT INTO counted VALUES (i, i);
    END LOOP;
END
$$;
CREATE VIEW doubled AS SELECT id, twice(amount) AS amount FROM counted WHERE feels = 'so; so';
-- limbeck:downgrade
DROP VIEW doubled;
DROP FUNCTION twice(bigint);
DROP TABLE counted;
DROP FUNCTION doubles();
DROP TYPE mood;
";

const MYSQL_BODIES: &str = "\
-- limbeck:upgrade
CREATE TABLE counted (id bigint PRIMARY KEY, amount bigint NOT NULL, note text) COMMENT 'a; b';
CREATE TRIGGER tr_counted BEFORE INSERT ON counted
FOR EACH ROW
BEGIN
    -- a comment; with a semicolon
    IF NEW.amount > 0 THEN
        SET NEW.amount = CASE WHEN NEW.amount < 100 THEN NEW.amount * 2 ELSE 0 END, NEW.note = 'a;b';
    END IF;
END;
DELIMITER //
CREATE PROCEDURE fill(IN upto INT)
BEGIN
    DECLARE i INT DEFAULT 1;
    WHILE i <= upto DO
        INSERT INTO counted (id, amount) VALUES (i, i);
        SET i = i + 1;
    END WHILE;
    SELECT COUNT(*) FROM counted;
    SELECT 'two results; from one call';
END//
CREATE FUNCTION twice(n BIGINT) RETURNS BIGINT DETERMINISTIC NO SQL
BEGIN
    RETURN n * 2;
END//
DELIMITER ;
CALL fill(2);
/*!50100 CREATE VIEW doubled AS SELECT id, amount FROM counted WHERE note = 'a;b' */;
-- limbeck:downgrade
DROP VIEW doubled;
DROP FUNCTION twice;
DROP PROCEDURE fill;
DROP TRIGGER tr_counted;
DROP TABLE counted;
";
