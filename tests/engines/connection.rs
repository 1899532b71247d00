//! Getting in: passwords, addresses, TLS, sockets, schemas, and what is said when it does not work.

use std::net::TcpListener;

use limbeck::database_url::{Address, Secret};

use crate::engine::{Database, Engine, ca_file};
use crate::round_trips::Wire;
use crate::sandbox::Sandbox;

on_engines! {
    a_wrong_password_is_refused_and_never_shown on postgresql mariadb mysql;
    an_unknown_user_is_refused on postgresql mariadb mysql;
    an_unknown_database_is_named on postgresql mariadb mysql;
    a_server_that_is_down_is_named on postgresql mariadb mysql;
    a_file_that_cannot_be_opened_is_named on sqlite;
    a_role_that_may_not_make_tables_is_told on postgresql mariadb mysql;
    any_password_works_as_a_piece on postgresql mariadb mysql;
    any_password_works_in_limbeck_toml on postgresql mariadb mysql;
    any_password_works_in_a_url on postgresql mariadb mysql;
    tls_is_as_strict_as_asked on postgresql mariadb mysql;
    a_stranger_s_certificate_is_refused on postgresql mariadb mysql;
    only_verify_full_asks_whose_certificate_it_is on postgresql mariadb mysql;
    tls_files_that_are_not_there_are_named on postgresql mariadb mysql;
    unix_sockets_work_by_pieces_and_url on postgresql mariadb mysql;
    a_schema_holds_the_books_and_the_tables on postgresql;
    a_schema_that_does_not_exist_is_named on postgresql;
    services_in_one_database_keep_separate_books on sqlite postgresql mariadb mysql;
}

/// Every character that means something in a URL, in TOML, in a shell or in an env file.
const PASSWORD: &str = r#"p@ss:w/o%r#d?é'"\ $x"#;

/// One revision that makes the table `made`.
fn one_table(sandbox: &mut Sandbox) {
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\nCREATE TABLE made (id int);\n-- limbeck:downgrade\nDROP TABLE made;\n",
    );
}

/// Lets a user do everything in its database.
fn grant_all(database: &Database, user: &str) {
    let grant = match database.engine {
        Engine::PostgreSql => format!("GRANT ALL ON SCHEMA public TO {user}"),
        _ => format!("GRANT ALL ON {}.* TO '{user}'@'%'", database.name),
    };
    database.raw().run(&grant);
}

/// The pieces of an address, as environment variables.
fn pieces(sandbox: &mut Sandbox, engine: Engine, address: &Address) {
    sandbox.unset("CORTEX_DATABASE_URL");
    sandbox.set("CORTEX_DB_TYPE", engine.name());
    sandbox.set("CORTEX_DB_HOST", address.socket.as_deref().unwrap_or(&address.host));
    sandbox.set("CORTEX_DB_PORT", address.port.to_string());
    sandbox.set("CORTEX_DB_USERNAME", address.user.as_deref().unwrap_or_default());
    sandbox.set("CORTEX_DB_PASSWORD", address.password.as_ref().map(Secret::reveal).unwrap_or_default());
    sandbox.set("CORTEX_DB_NAME", address.database.as_deref().unwrap_or_default());
}

/// What must not be seen of the URL that the tests are given.
fn secret(database: &Database) -> String {
    let password = database.address().password;
    format!(":{}@", password.as_ref().map(Secret::reveal).unwrap_or_default())
}

/// Every command that reaches the database fails with 1, this code for programs and these words; the password shows
/// nowhere.
#[track_caller]
fn refused(sandbox: &Sandbox, code: &str, words: &[&str], password: &str) {
    for command in ["upgrade", "status", "plan", "check"] {
        let output = sandbox.limbeck(&[command, "--json"]).ends(1).hides(password);
        assert_eq!(output.json()["error"]["code"], code, "{}", output.said());
        let mut output = sandbox.limbeck(&[command]).ends(1).hides(password);
        for word in words {
            output = output.says(word);
        }
    }
}

fn a_wrong_password_is_refused_and_never_shown(engine: Engine) {
    let database = Database::new(engine);
    let user = database.user("right");
    grant_all(&database, &user);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    sandbox.set("CORTEX_DATABASE_URL", database.url_as(&user, "hunter2secret"));
    refused(&sandbox, "credentials", &[&user, "***"], "hunter2secret");
    let password = Some(Secret::new("hunter2secret"));
    pieces(&mut sandbox, engine, &Address { user: Some(user.clone()), password, ..database.address() });
    refused(&sandbox, "credentials", &[&user, "***"], "hunter2secret");
    sandbox.set("CORTEX_DB_PASSWORD", "right");
    sandbox.limbeck(&["check"]).ends(4).hides("right");
}

fn an_unknown_user_is_refused(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    sandbox.set("CORTEX_DATABASE_URL", database.url_as("limbeck_nobody", "hunter2secret"));
    refused(&sandbox, "credentials", &["limbeck_nobody"], "hunter2secret");
}

fn an_unknown_database_is_named(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    let elsewhere = Address { database: Some("limbeck_no_such_database".to_owned()), ..database.address() };
    sandbox.set("CORTEX_DATABASE_URL", database.url_of(&elsewhere));
    refused(
        &sandbox,
        "no-database",
        &["limbeck_no_such_database", "create the database first"],
        &secret(&database),
    );
}

fn a_server_that_is_down_is_named(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    // A port that was free a moment ago.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let password = Some(Secret::new("hunter2secret"));
    let nowhere = Address { port, password, ..database.address() };
    sandbox.set("CORTEX_DATABASE_URL", database.url_of(&nowhere));
    refused(&sandbox, "unreachable", &[&format!("127.0.0.1:{port}"), "Is the server up"], "hunter2secret");
}

fn a_file_that_cannot_be_opened_is_named(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    sandbox.set("CORTEX_DATABASE_URL", "sqlite:///no/such/folder/data.db");
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(1).says("/no/such/folder/data.db");
    assert_eq!(output.json()["error"]["code"], "file");
}

fn a_role_that_may_not_make_tables_is_told(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    let user = database.user("reader");
    if engine != Engine::PostgreSql {
        database.raw().run(&format!("GRANT SELECT ON {}.* TO '{user}'@'%'", database.name));
    }
    sandbox.set("CORTEX_DATABASE_URL", database.url_as(&user, "reader"));
    sandbox.limbeck(&["check"]).ends(4);
    let words = ["limbeck's own tables cannot be made or written", "the right to create tables"];
    let output = sandbox.limbeck(&["upgrade"]).ends(1);
    words.iter().fold(output, |output, word| output.says(word)).hides("reader@");
    assert!(!database.raw().has_table("limbeck_revisions") && !database.raw().has_table("made"));
    assert!(
        sandbox.json(&["upgrade"])["error"]["message"].as_str().is_some_and(|text| text.contains("denied"))
    );
}

fn any_password_works_as_a_piece(engine: Engine) {
    let database = Database::new(engine);
    let user = database.user(PASSWORD);
    grant_all(&database, &user);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    let password = Some(Secret::new(PASSWORD));
    pieces(&mut sandbox, engine, &Address { user: Some(user.clone()), password, ..database.address() });
    sandbox.limbeck(&["upgrade"]).ends(0).hides(PASSWORD);
    sandbox.limbeck(&["status"]).ends(0).says(&user).says("***").hides(PASSWORD);
    let users = database.raw().lines("SELECT db_user FROM limbeck_revisions");
    assert!(users.len() == 1 && users[0].starts_with(&user), "{users:?}");
    // An env file spells it in its own way.
    sandbox.unset("CORTEX_DB_PASSWORD");
    let quoted = PASSWORD.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
    sandbox.write("local.env", &format!("CORTEX_DB_PASSWORD=\"{quoted}\"\n"));
    sandbox.limbeck(&["check"]).ends(0).hides(PASSWORD);
}

fn any_password_works_in_limbeck_toml(engine: Engine) {
    let database = Database::new(engine);
    let user = database.user(PASSWORD);
    grant_all(&database, &user);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    sandbox.unset("CORTEX_DATABASE_URL");
    let address = database.address();
    sandbox.write(
        "limbeck.toml",
        &format!(
            "database_url = \"{}://${{DB_USER}}:${{DB_PASSWORD}}@{}:${{DB_PORT}}/{}\"\n",
            engine.backend().name(),
            address.host,
            database.name
        ),
    );
    sandbox.set("DB_USER", &user);
    sandbox.set("DB_PASSWORD", PASSWORD);
    sandbox.set("DB_PORT", address.port.to_string());
    sandbox.limbeck(&["upgrade"]).ends(0).hides(PASSWORD);
    sandbox.limbeck(&["status"]).ends(0).says(&user).says("***").hides(PASSWORD);
    sandbox.unset("DB_PASSWORD");
    sandbox.limbeck(&["status"]).ends(1).says("DB_PASSWORD");
}

fn any_password_works_in_a_url(engine: Engine) {
    let database = Database::new(engine);
    let user = database.user(PASSWORD);
    grant_all(&database, &user);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    let encoded = percent_encoded(PASSWORD);
    sandbox.set("CORTEX_DATABASE_URL", database.url_as(&user, &encoded));
    sandbox.limbeck(&["upgrade"]).ends(0).hides(PASSWORD).hides(&encoded);
    sandbox.limbeck(&["status"]).ends(0).says("***").hides(PASSWORD).hides(&encoded);
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A revision that writes down whether its connection was secured, as the server sees it.
fn tls_witness(sandbox: &mut Sandbox, engine: Engine) {
    let seen = match engine {
        Engine::PostgreSql => {
            "SELECT CASE WHEN ssl THEN 'yes' ELSE 'no' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        }
        Engine::MariaDb => {
            "SELECT IF(variable_value = '', 'no', 'yes') FROM information_schema.session_status \
             WHERE variable_name = 'Ssl_cipher'"
        }
        _ => {
            "SELECT IF(variable_value = '', 'no', 'yes') FROM performance_schema.session_status \
             WHERE variable_name = 'Ssl_cipher'"
        }
    };
    sandbox.revision(
        "a00000000001",
        "",
        &format!(
            "-- limbeck:upgrade\nCREATE TABLE seen (secured varchar(9));\nINSERT INTO seen {seen};\n\
             -- limbeck:downgrade\nDROP TABLE seen;\n"
        ),
    );
}

fn tls_is_as_strict_as_asked(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    tls_witness(&mut sandbox, engine);
    let ca = format!("&sslrootcert={}", ca_file());
    for (mode, ca, secured) in [
        ("disable", "", "no"),
        ("prefer", "", "yes"),
        ("require", "", "yes"),
        ("verify-ca", &ca, "yes"),
        ("verify-full", &ca, "yes"),
    ] {
        let url = format!("{}?sslmode={mode}{ca}", database.url());
        sandbox.limbeck(&["upgrade", "--database-url", &url]).ends(0);
        assert_eq!(database.raw().lines("SELECT secured FROM seen"), [secured], "{mode}");
        sandbox.limbeck(&["downgrade", "base", "--database-url", &url]).ends(0);
    }
    // Nothing said is `prefer`, and the mode is a piece too.
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().lines("SELECT secured FROM seen"), ["yes"]);
    sandbox.limbeck(&["downgrade", "base"]).ends(0);
    pieces(&mut sandbox, engine, &database.address());
    sandbox.set("CORTEX_DB_SSLMODE", "disable");
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().lines("SELECT secured FROM seen"), ["no"]);
}

fn a_stranger_s_certificate_is_refused(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    for mode in ["verify-ca", "verify-full"] {
        sandbox.set("CORTEX_DATABASE_URL", format!("{}?sslmode={mode}", database.url()));
        refused(&sandbox, "tls", &["certificate", "sslmode"], &secret(&database));
    }
    assert!(!database.raw().has_table("made"));
}

/// The servers' certificates are for 127.0.0.1, and this address leads to the same server.
fn only_verify_full_asks_whose_certificate_it_is(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    let wire = Wire::at("127.0.0.2", &database);
    let address = Address { host: "127.0.0.2".to_owned(), port: wire.port, ..database.address() };
    let url = |mode: &str| format!("{}?sslmode={mode}&sslrootcert={}", database.url_of(&address), ca_file());
    sandbox.set("CORTEX_DATABASE_URL", url("verify-full"));
    refused(&sandbox, "tls", &["certificate", "sslmode"], &secret(&database));
    sandbox.set("CORTEX_DATABASE_URL", url("verify-ca"));
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert!(database.raw().has_table("made"));
}

fn tls_files_that_are_not_there_are_named(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    let url = format!("{}?sslmode=verify-full&sslrootcert=/no/such/ca.pem", database.url());
    sandbox.set("CORTEX_DATABASE_URL", url);
    refused(&sandbox, "tls", &["/no/such/ca.pem"], &secret(&database));
}

fn unix_sockets_work_by_pieces_and_url(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    let seen = match engine {
        Engine::PostgreSql => "SELECT coalesce(inet_client_addr()::text, 'socket')",
        Engine::MariaDb | Engine::MySql => {
            "SELECT IF(host LIKE 'localhost', 'socket', host) FROM information_schema.processlist WHERE id = CONNECTION_ID()"
        }
        Engine::Sqlite => unreachable!("it has no sockets"),
    };
    sandbox.revision(
        "a00000000001",
        "",
        &format!(
            "-- limbeck:upgrade\nCREATE TABLE seen (way varchar(99));\nINSERT INTO seen {seen};\n\
             -- limbeck:downgrade\nDROP TABLE seen;\n"
        ),
    );
    let address = database.address();
    let socket = engine.socket();
    let user = address.user.clone().unwrap_or_default();
    let password = address.password.as_ref().map(Secret::reveal).unwrap_or_default();
    let name = &database.name;
    let (port, encoded) = (address.port, socket.replace('/', "%2F"));
    let urls = match engine {
        Engine::PostgreSql => vec![
            format!("postgresql://{user}:{password}@/{name}?host={socket}&port={port}"),
            format!("postgresql://{user}:{password}@{encoded}:{port}/{name}"),
        ],
        _ => vec![
            format!("mysql://{user}:{password}@localhost/{name}?socket={socket}"),
            format!("mysql://{user}:{password}@{encoded}/{name}"),
        ],
    };
    for url in urls {
        sandbox.set("CORTEX_DATABASE_URL", url);
        sandbox.limbeck(&["upgrade"]).ends(0);
        assert_eq!(database.raw().lines("SELECT way FROM seen"), ["socket"]);
        sandbox.limbeck(&["status"]).ends(0).says(&socket);
        sandbox.limbeck(&["downgrade", "base"]).ends(0);
    }
    pieces(&mut sandbox, engine, &Address { socket: Some(socket.clone()), ..address });
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().lines("SELECT way FROM seen"), ["socket"]);
    sandbox.set("CORTEX_DB_HOST", format!("{socket}/nowhere"));
    refused(&sandbox, "unreachable", &["nowhere"], &secret(&database));
}

fn a_schema_holds_the_books_and_the_tables(engine: Engine) {
    let database = Database::new(engine);
    let mut raw = database.raw();
    raw.run("CREATE SCHEMA app; CREATE SCHEMA \"Ärger; \"\"2\"\"\"");
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    let tables = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)' \
                  ORDER BY 1";
    // By the variable beside a URL, by the pieces, by the URL itself.
    sandbox.set("CORTEX_DB_SCHEMA", "app");
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(raw.lines(tables), ["app.limbeck_log", "app.limbeck_revisions", "app.made"]);
    sandbox.limbeck(&["check"]).ends(0);
    pieces(&mut sandbox, engine, &database.address());
    sandbox.limbeck(&["check"]).ends(0);
    sandbox.limbeck(&["downgrade", "base"]).ends(0);
    assert_eq!(raw.lines(tables), ["app.limbeck_log", "app.limbeck_revisions"]);
    sandbox.set("CORTEX_DB_SCHEMA", "Ärger; \"2\"");
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(raw.lines(tables).len(), 5);
    assert_eq!(raw.lines("SELECT revision FROM \"Ärger; \"\"2\"\"\".limbeck_revisions"), ["a00000000001"]);
    for variable in ["TYPE", "HOST", "PORT", "USERNAME", "PASSWORD", "NAME", "SCHEMA"] {
        sandbox.unset(&format!("CORTEX_DB_{variable}"));
    }
    sandbox.set("CORTEX_DATABASE_URL", format!("{}?schema=app", database.url()));
    sandbox.limbeck(&["check"]).ends(4);
    // The offline script needs no search path to find the books, and the public schema has seen nothing.
    sandbox.limbeck(&["upgrade", "base:heads", "--sql"]).ends(0).says("\"app\".\"limbeck_revisions\"");
    sandbox.set("CORTEX_DATABASE_URL", database.url());
    sandbox.limbeck(&["check"]).ends(4);
    assert!(raw.lines(tables).iter().all(|table| !table.starts_with("public.")));
}

fn a_schema_that_does_not_exist_is_named(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    one_table(&mut sandbox);
    sandbox.set("CORTEX_DB_SCHEMA", "nowhere");
    refused(
        &sandbox,
        "no-schema",
        &["the schema `nowhere` does not exist", "CREATE SCHEMA"],
        &secret(&database),
    );
    assert!(!database.raw().has_table("made"));
}

fn services_in_one_database_keep_separate_books(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = Sandbox::new(&database);
    sandbox.unset("CORTEX_DATABASE_URL");
    let url = database.url();
    let dialect = engine.backend().name();
    let mut settings = String::new();
    for service in ["orders", "stock"] {
        settings.push_str(&format!(
            "[services.{service}]\nmigrations = \"{service}/migrations\"\ndatabase_url = '{url}'\n\n"
        ));
        // The same ids in both: they are two chains.
        for (number, parent) in [(1, ""), (2, "a00000000001")] {
            let id = format!("a0000000000{number}");
            sandbox.write(
                &format!("{service}/migrations/{dialect}/{id}_{service}_db_version_{number}.sql"),
                &format!(
                    "-- {service} {number}\n--\n-- Revision ID: {id}\n-- Revises: {parent}\n\n\
                     -- limbeck:upgrade\nCREATE TABLE {service}_{number} (id int);\n\
                     -- limbeck:downgrade\nDROP TABLE {service}_{number};\n"
                ),
            );
        }
    }
    sandbox.write("limbeck.toml", &settings);
    let mut raw = database.raw();
    let books = "SELECT service, revision, description FROM limbeck_revisions ORDER BY service, revision";
    sandbox.limbeck(&["upgrade", "--service", "orders"]).ends(0);
    assert_eq!(raw.lines(books), ["orders | a00000000001 | orders 1", "orders | a00000000002 | orders 2"]);
    sandbox.limbeck(&["check", "--service", "orders"]).ends(0);
    sandbox.limbeck(&["check", "--service", "stock"]).ends(4);
    sandbox.limbeck(&["check"]).ends(4).says("stock: 2 pending");
    // Without a name: all of them, in the order of the file.
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(raw.lines(books).len(), 4);
    sandbox.limbeck(&["check"]).ends(0);
    sandbox.limbeck(&["verify"]).ends(0);
    sandbox.limbeck(&["downgrade", "base", "--service", "orders"]).ends(0);
    assert_eq!(raw.lines(books), ["stock | a00000000001 | stock 1", "stock | a00000000002 | stock 2"]);
    let tables = ["orders_1", "orders_2", "stock_1", "stock_2"].map(|table| raw.has_table(table));
    assert_eq!(tables, [false, false, true, true]);
    sandbox.limbeck(&["downgrade", "base"]).ends(2).says("--service");
    assert_eq!(raw.lines("SELECT DISTINCT service FROM limbeck_log ORDER BY 1"), ["orders", "stock"]);
}
