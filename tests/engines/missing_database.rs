//! A database that does not exist: `--create-database`.

use limbeck::database_url::Address;

use crate::engine::{Database, Engine};
use crate::raw::Raw;
use crate::sandbox::Sandbox;

on_engines! {
    a_missing_database_is_created_when_asked on sqlite postgresql mariadb mysql;
    a_question_creates_no_database on sqlite postgresql mariadb mysql;
    its_schema_is_created_too on postgresql;
    a_stamp_may_create_it on postgresql mariadb mysql;
    of_many_at_once_one_creates_it on sqlite postgresql mariadb mysql;
    a_role_that_may_not_create_databases_is_told on postgresql mariadb mysql;
}

/// A database of which the server knows nothing any more, with a name that needs quoting; and a project for it.
fn missing(engine: Engine) -> (Database, Sandbox) {
    let mut database = Database::new(engine);
    if engine != Engine::Sqlite {
        drop_database(&database);
        database.name.push_str(".A-b");
    }
    let mut sandbox = Sandbox::new(&database);
    let sections =
        "-- limbeck:upgrade\nCREATE TABLE users (id int);\n-- limbeck:downgrade\nDROP TABLE users;\n";
    sandbox.revision("a00000000001", "", sections);
    (database, sandbox)
}

fn quoted(database: &Database) -> String {
    database.engine.backend().dialect().quote_name(&database.name)
}

fn drop_database(database: &Database) {
    let server = database.engine.server().expect("a server");
    Raw::server(database.engine, &server).run(&format!("DROP DATABASE IF EXISTS {}", quoted(database)));
}

fn exists(database: &Database) -> bool {
    if database.engine == Engine::Sqlite {
        return std::path::Path::new(&database.file()).exists();
    }
    let server = database.engine.server().expect("a server");
    let catalogue = match database.engine {
        Engine::PostgreSql => "SELECT datname FROM pg_database",
        _ => "SELECT schema_name FROM information_schema.schemata",
    };
    Raw::server(database.engine, &server).lines(catalogue).contains(&database.name)
}

fn a_missing_database_is_created_when_asked(engine: Engine) {
    let (database, sandbox) = missing(engine);
    if engine == Engine::Sqlite {
        // The file is made anyway; its folder is not.
        sandbox
            .limbeck(&["upgrade", "--create-database", "--database-url", "sqlite:///no/such/x.db"])
            .ends(1);
        sandbox.limbeck(&["upgrade", "--create-database"]).ends(0).hides("will be created");
        return;
    }
    sandbox.limbeck(&["upgrade"]).ends(1).says("--create-database").says(&database.name);
    assert!(!exists(&database));
    let will = format!("The database {} does not exist and will be created.", database.name);
    sandbox.limbeck(&["upgrade", "--create-database"]).ends(0).says(&will).says("was created");
    assert!(database.raw().has_table("users"));
    if engine != Engine::PostgreSql {
        assert_eq!(database.raw().lines("SELECT @@character_set_database"), ["utf8mb4"]);
    }
    sandbox.limbeck(&["upgrade", "--create-database"]).ends(0).hides("will be created").says("Nothing to do");
    drop_database(&database);
    let planned = sandbox.limbeck(&["goto", "heads", "--create-database", "--json"]).ends(0);
    assert!(planned.out.contains("\"creates_database\":true"), "{}", planned.out);
    assert!(planned.out.contains("\"event\":\"database_created\""), "{}", planned.out);
    drop_database(&database);
}

fn a_question_creates_no_database(engine: Engine) {
    let (database, mut sandbox) = missing(engine);
    let will = if engine == Engine::Sqlite { "MIGRATION PLAN" } else { "will be created" };
    sandbox.limbeck(&["upgrade", "--create-database", "--dry-run"]).ends(0).says(will);
    let script = if engine == Engine::Sqlite { "CREATE TABLE" } else { "does not exist: create it first" };
    sandbox.limbeck(&["upgrade", "--create-database", "--sql"]).ends(0).says(script);
    // Nor does a command that finds nothing to do, or that is wrong.
    sandbox.limbeck(&["stamp", "base", "--create-database"]).ends(0);
    sandbox.limbeck(&["upgrade", "nowhere", "--create-database"]).ends(2);
    sandbox.revision("a00000000002", "a00000000001", "-- limbeck:upgrade\nBEGIN;\n");
    if engine.rolls_ddl_back() {
        sandbox.limbeck(&["upgrade", "--create-database"]).ends(1).says("never committed");
    }
    assert!(!exists(&database));
}

fn its_schema_is_created_too(engine: Engine) {
    let (database, mut sandbox) = missing(engine);
    sandbox.set("CORTEX_DB_SCHEMA", "App data");
    let said = sandbox.limbeck(&["upgrade", "--create-database"]).ends(0);
    said.says("will be created, with the schema App data.");
    let schemas = "SELECT schemaname FROM pg_tables WHERE tablename = 'users'";
    assert_eq!(database.raw().lines(schemas), ["App data"]);
    drop_database(&database);
}

fn a_stamp_may_create_it(engine: Engine) {
    let (database, sandbox) = missing(engine);
    sandbox.limbeck(&["stamp", "heads"]).ends(1);
    sandbox.limbeck(&["stamp", "heads", "--create-database"]).ends(0);
    assert_eq!(database.raw().states().len(), 1);
    drop_database(&database);
}

fn of_many_at_once_one_creates_it(engine: Engine) {
    let (database, sandbox) = missing(engine);
    let started: Vec<_> = (0..8)
        .map(|_| {
            let mut command = sandbox.command(&["upgrade", "--create-database"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().expect("limbeck runs")
        })
        .collect();
    for child in started {
        let output = child.wait_with_output().expect("limbeck ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(database.raw().states().len(), 1);
    if engine != Engine::Sqlite {
        drop_database(&database);
    }
}

fn a_role_that_may_not_create_databases_is_told(engine: Engine) {
    let database = Database::new(engine);
    let user = database.user("right");
    let mut sandbox = Sandbox::new(&database);
    sandbox.revision("a00000000001", "", "-- limbeck:upgrade\nCREATE TABLE users (id int);\n");
    let address = limbeck::database_url::DatabaseUrl::parse(&database.url_as(&user, "right"));
    let limbeck::database_url::Place::Server(address) = address.expect("a URL").place else { panic!() };
    let nowhere = Address { database: Some("limbeck_test_nowhere".to_owned()), ..*address };
    sandbox.set("CORTEX_DATABASE_URL", database.url_of(&nowhere));
    let output = sandbox.limbeck(&["upgrade", "--create-database", "--json"]).ends(1);
    assert_eq!(output.json()["error"]["code"], "not-created", "{}", output.said());
    assert!(output.json()["error"]["hint"].as_str().is_some_and(|hint| hint.contains("right to create")));
    if engine != Engine::PostgreSql {
        // Which is there, but not for this role.
        sandbox.set("CORTEX_DATABASE_URL", database.url_as(&user, "right"));
        let output = sandbox.limbeck(&["upgrade", "--create-database", "--json"]).ends(1);
        assert_ne!(output.json()["event"], "plan", "{}", output.said());
    }
}
