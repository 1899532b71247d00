//! Bad input: each kind ends in an error that names the thing and says what to do, and changes nothing.

use std::net::TcpListener;
use std::os::unix::fs::symlink;

use super::sandbox::{SETTINGS, Sandbox, file};

/// Runs the lines; none may succeed, and none may change a file.
#[track_caller]
fn refused(sandbox: &Sandbox, lines: &[&str]) -> String {
    let before = sandbox.listing();
    let mut text = String::new();
    for line in lines {
        let run = sandbox.start(line);
        let code = run.output().status.code();
        assert!(matches!(code, Some(1 | 2)), "limbeck {line}: exit {code:?}");
        text.push_str(&run.run());
        text.push('\n');
    }
    assert_eq!(sandbox.listing(), before, "nothing was changed");
    text
}

/// A port that nobody listens on.
fn deaf_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The file of a chain of one revision whose text is broken.
const ONE: &str = "1aaaaaaaaaaa";

fn header(id: &str, parents: &str) -> String {
    format!("-- a revision\n--\n-- Revision ID: {id}\n-- Revises: {parents}\n\n")
}

#[test]
fn no_settings_at_all() {
    let sandbox = Sandbox::empty();
    check!(refused(&sandbox, &["upgrade", "status --json", "status --database-url sqlite://a.db"]));
}

#[test]
fn settings_that_mean_nothing() {
    let sandbox = Sandbox::chain();
    let mut text = refused(&sandbox.env("CORTEX_DB_TYPE", "oracle"), &["upgrade"]);
    let sandbox = Sandbox::chain()
        .env("CORTEX_DB_TYPE", "mysql")
        .env("CORTEX_DATABASE_URL", "postgresql://ann:secret@localhost/shop");
    text.push_str(&refused(&sandbox, &["upgrade", "plan --json"]));
    let sandbox = Sandbox::chain().env("CORTEX_DB_MIGRATIONS_IS_INTERACTIVE", "perhaps");
    text.push_str(&refused(&sandbox, &["upgrade"]));
    let sandbox = Sandbox::chain().env("CORTEX_DB_TYPE", "postgresql").env("CORTEX_DB_PORT", "many");
    text.push_str(&refused(&sandbox, &["upgrade"]));
    let sandbox = Sandbox::chain();
    text.push_str(&refused(
        &sandbox,
        &[
            "upgrade --dialect mysql",
            "upgrade --database-url cortex.db",
            "upgrade --database-url oracle://ann:secret@localhost/shop",
            "upgrade --database-url postgresql://ann:secret@localhost:port/shop",
        ],
    ));
    let shown = text.replace("//ann:secret@", "//[user]@");
    assert!(!shown.contains("secret"), "{shown}");
    check!(shown);
}

#[test]
fn a_settings_file_that_cannot_be_read() {
    let sandbox = Sandbox::chain();
    let mut text = String::new();
    for settings in [
        "database_url = \"postgresql://${SHOP_USER}@localhost/shop\"\n",
        "database_url = \"sqlite://${SHOP\"\n",
        "database_url = sqlite\n",
        "database_ur = \"sqlite://cortex.db\"\n",
        "# settings\ndatabase_url = \"sqlite://cortex.db\"\nconvention = \"flyway\"\n",
        "database_url = 7\n",
        "[services.shop]\nmigrations = \"migrations\"\ndatabase = \"sqlite://cortex.db\"\n",
    ] {
        sandbox.write("limbeck.toml", settings);
        text.push_str(&refused(&sandbox, &["upgrade"]));
    }
    check!(text);
}

#[test]
fn the_env_file() {
    let sandbox = Sandbox::chain();
    let mut text = refused(&sandbox, &["upgrade --env-file nowhere.env"]);
    let sandbox = Sandbox::chain().env("CORTEX_ENV_FILE_PATH", "nowhere.env");
    text.push_str(&refused(&sandbox, &["upgrade"]));
    let sandbox = Sandbox::chain();
    sandbox.write("local.env", "CORTEX_DB_TYPE=sqlite\nCORTEX_DB_PASSWORD=top secret\n");
    text.push_str(&refused(&sandbox, &["upgrade"]));
    sandbox.write("local.env", "CORTEX_DB_TYPE=sqlite\nCORTEX_DB_MEMORY=maybe\n");
    text.push_str(&refused(&sandbox, &["upgrade"]));
    assert!(!text.contains("top secret"), "{text}");
    check!(text);
}

#[test]
fn folders_that_are_not_there() {
    let sandbox = Sandbox::empty();
    sandbox.write("limbeck.toml", SETTINGS);
    let mut text = refused(&sandbox, &["upgrade", "revision -m 'a'", "plan --migrations elsewhere"]);
    sandbox.folder("migrations/mysql");
    text.push_str(&refused(&sandbox, &["upgrade", "revision -m 'a'"]));
    sandbox.write("limbeck.toml", format!("env_prefix = \"SHOP\"\n{SETTINGS}"));
    let sandbox = sandbox.env("SHOP_MIGRATIONS_VERSIONS_DIRECTORY", "chain");
    text.push_str(&refused(&sandbox, &["upgrade"]));
    check!(text);
}

#[test]
fn a_server_that_is_down() {
    let port = deaf_port().to_string();
    let sandbox = Sandbox::chain();
    sandbox.write("migrations/postgresql/.keep", "");
    let mut text = String::new();
    for scheme in ["postgresql", "mysql"] {
        let url = format!("{scheme}://ann:secret@127.0.0.1:{port}/shop");
        for line in ["upgrade", "status", "check --json"] {
            text.push_str(&refused(&sandbox, &[&format!("{line} --database-url {url}")]));
        }
    }
    let shown = text.replace("ann:secret", "[user]");
    assert!(!shown.contains("secret"), "{shown}");
    check!(shown.replace(&port, "[port]"));
}

#[test]
fn files_that_cannot_be_read() {
    let sandbox = Sandbox::chain();
    let link = sandbox.path().join(file("4ddddddddddd"));
    symlink("nowhere.sql", &link).expect("a link can be made");
    let mut text = refused(&sandbox, &["upgrade", "history", "plan --json"]);
    sandbox.remove(&file("4ddddddddddd"));
    sandbox.broken(
        "4ddddddddddd",
        b"-- caf\xe9\n--\n-- Revision ID: 4ddddddddddd\n-- Revises:\n\n-- limbeck:upgrade\n",
    );
    text.push_str(&refused(&sandbox, &["upgrade", "plan --json"]));
    check!(text);
}

#[test]
fn a_folder_called_like_a_file_is_no_revision() {
    let sandbox = Sandbox::chain();
    sandbox.folder(&file("4ddddddddddd"));
    sandbox.write("migrations/sqlite/README.md", "not a revision");
    check!(sandbox.run("heads"));
}

#[test]
fn byte_order_marks_and_carriage_returns_simply_work() {
    let sandbox = Sandbox::chain();
    let text = sandbox.read(&file("2bbbbbbbbbbb"));
    sandbox.write(&file("2bbbbbbbbbbb"), format!("\u{feff}{}", text.replace('\n', "\r\n")));
    check!(
        sandbox.session(&["upgrade 2bbb", "verify", "show 2bbb --json", "downgrade base"]).replace('\r', "␍")
    );
}

#[test]
fn headers() {
    let mut text = String::new();
    for broken in [
        String::new(),
        "CREATE TABLE a (id INTEGER);\n".to_owned(),
        "-- a revision\n\n-- limbeck:upgrade\nSELECT 1;\n".to_owned(),
        "-- a revision\n--\n-- Revision ID: 1aaa/bbb\n-- Revises:\n\n-- limbeck:upgrade\nSELECT 1;\n"
            .to_owned(),
        format!("-- Revision ID: 2bbbbbbbbbbb\n{}-- limbeck:upgrade\nSELECT 1;\n", header(ONE, "")),
        format!("{}SELECT 1;\n", header(ONE, "")),
        header(ONE, ""),
        format!("{}SELECT 1;\n\n-- limbeck:upgrade\nSELECT 2;\n", header(ONE, "")),
    ] {
        let sandbox = Sandbox::project();
        sandbox.broken(ONE, broken);
        text.push_str(&refused(&sandbox, &["upgrade"]));
    }
    check!(text);
}

#[test]
fn directives() {
    let mut text = String::new();
    for body in [
        "-- limbeck:upgrde\nSELECT 1;\n",
        "-- limbeck:up\nSELECT 1;\n",
        "-- limbeck:upgrade\nSELECT 1;\n-- limbeck:frobnicate\n",
        "-- limbeck:no-transaction\n-- limbeck:upgrade\nSELECT 1;\n",
        "-- limbeck:upgrade now\nSELECT 1;\n",
        "-- limbeck:upgrade\nSELECT 1;\n-- limbeck:upgrade\nSELECT 2;\n",
        "-- limbeck:upgrade\nSELECT 1;\n-- limbeck:irreversible\n",
        "-- limbeck:upgrade\nSELECT 1;\n-- limbeck:downgrade\nSELECT 2;\n-- limbeck:irreversible why\n",
    ] {
        let sandbox = Sandbox::project();
        sandbox.broken(ONE, format!("{}{body}", header(ONE, "")));
        text.push_str(&refused(&sandbox, &["upgrade"]));
    }
    check!(text);
}

#[test]
fn a_chain_that_is_none() {
    let mut text = String::new();
    for revisions in [
        // Two files, one id.
        &[("1aaaaaaaaaaa", "1aaaaaaaaaaa", ""), ("2bbbbbbbbbbb", "1aaaaaaaaaaa", "")][..],
        // A parent that is not there.
        &[("1aaaaaaaaaaa", "1aaaaaaaaaaa", ""), ("2bbbbbbbbbbb", "2bbbbbbbbbbb", "1aaaaaaaaaab")],
        // A circle.
        &[
            ("1aaaaaaaaaaa", "1aaaaaaaaaaa", "3ccccccccccc"),
            ("2bbbbbbbbbbb", "2bbbbbbbbbbb", "1aaaaaaaaaaa"),
            ("3ccccccccccc", "3ccccccccccc", "2bbbbbbbbbbb"),
        ],
        // One that stands on itself.
        &[("1aaaaaaaaaaa", "1aaaaaaaaaaa", "1aaaaaaaaaaa")],
    ] {
        let sandbox = Sandbox::project();
        for (name, id, parents) in revisions {
            sandbox.broken(name, format!("{}-- limbeck:upgrade\nSELECT 1;\n", header(id, parents)));
        }
        text.push_str(&refused(&sandbox, &["upgrade", "history"]));
    }
    check!(text);
}

#[test]
fn the_same_in_json() {
    let sandbox = Sandbox::project();
    sandbox.broken(ONE, format!("{}-- limbeck:upgrde\nSELECT 1;\n", header(ONE, "")));
    let mut text = refused(&sandbox, &["upgrade --json", "heads --json"]);
    sandbox.broken(ONE, format!("{}-- limbeck:upgrade\nSELECT 1;\n", header(ONE, "9fffffffffff")));
    text.push_str(&refused(&sandbox, &["upgrade --json"]));
    sandbox.broken(ONE, format!("{}-- limbeck:upgrade\nSELECT 'open;\n", header(ONE, "")));
    text.push_str(&refused(&sandbox, &["upgrade --json"]));
    sandbox.broken(ONE, format!("{}-- limbeck:upgrade\nSELECT 1;\n", header(ONE, "")));
    text.push_str(&refused(&sandbox, &["upgrade nowhere --json", "show --json", "upgrade --json --colour"]));
    sandbox.write("limbeck.toml", "databas_url = \"sqlite://cortex.db\"\n");
    text.push_str(&refused(&sandbox, &["upgrade --json"]));
    check!(text);
}

#[test]
fn goals() {
    let sandbox = Sandbox::chain();
    sandbox.revision(
        "2bbbaaaaaaaa",
        "1aaaaaaaaaaa",
        "beside",
        "CREATE TABLE b (id INTEGER);",
        "DROP TABLE b;",
    );
    sandbox.given("upgrade 3ccc");
    check!(refused(
        &sandbox,
        &[
            "upgrade head",
            "upgrade nowhere",
            "upgrade 3cccccccccccc",
            "upgrade 2bbb",
            "upgrade 2bb",
            "upgrade 2",
            "upgrade +9",
            "upgrade -1",
            "downgrade +1",
            "downgrade 2bbbaaaaaaaa",
            "downgrade -9",
            "upgrade nowhere@head",
            "upgrade a@b@c",
            "upgrade ''",
            "upgrade --dryrun",
        ],
    ));
}

#[test]
fn a_step_back_that_could_go_several_ways() {
    let sandbox = Sandbox::branches();
    sandbox.given("upgrade 4ddd");
    sandbox.given("upgrade 3ccc");
    check!(refused(&sandbox, &["downgrade -1"]));
    sandbox.given("downgrade 1aaa");
    check!(refused(&sandbox, &["upgrade +1"]));
}

#[test]
fn downgrade_past_an_irreversible_revision() {
    let sandbox = Sandbox::chain();
    sandbox.broken(
        "4ddddddddddd",
        format!(
            "{}-- limbeck:upgrade\nDROP TABLE posts;\n\n-- limbeck:irreversible the posts are gone for good\n",
            header("4ddddddddddd", "3ccccccccccc")
        ),
    );
    sandbox.given("upgrade");
    check!(refused(&sandbox, &["downgrade -1", "downgrade base", "downgrade 2bbb --json", "plan base"]));
}

#[test]
fn sql_that_never_ends() {
    let mut text = String::new();
    for (dialect, body) in [
        ("sqlite", "INSERT INTO a VALUES ('its);\nSELECT 1;\n"),
        ("sqlite", "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\n"),
        ("postgresql", "SELECT 1; /* never closed\n"),
        ("postgresql", "DO $$ BEGIN\n  PERFORM 1;\nEND;\n"),
        ("postgresql", "SELECT \"open;\n"),
        ("mysql", "INSERT INTO a VALUES ('open);\n"),
    ] {
        let sandbox = Sandbox::project();
        sandbox.write(
            &format!("migrations/{dialect}/{ONE}_cortex_db_version_1.sql"),
            format!("{}-- limbeck:upgrade\n{body}", header(ONE, "")),
        );
        text.push_str(&refused(&sandbox, &[&format!("plan base:heads --sql --dialect {dialect}")]));
    }
    check!(text);
}

#[test]
fn transactions_that_do_not_fit() {
    let mut text = String::new();
    for body in [
        "BEGIN;\nCREATE TABLE a (id INTEGER);\n",
        "CREATE TABLE a (id INTEGER);\nCOMMIT;\n",
        "CREATE TABLE a (id INTEGER);\nVACUUM;\n",
    ] {
        let sandbox = Sandbox::project();
        sandbox.broken(ONE, format!("{}-- limbeck:upgrade\n{body}", header(ONE, "")));
        text.push_str(&refused(&sandbox, &["upgrade"]));
    }
    check!(text);
}

#[test]
fn an_applied_revision_whose_file_is_gone() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    sandbox.remove(&file("3ccccccccccc"));
    check!(refused(&sandbox, &["downgrade base", "downgrade 3ccc"]));
    // What is left can still be seen, and what is new can still be applied.
    sandbox.revision(
        "4ddddddddddd",
        "2bbbbbbbbbbb",
        "instead",
        "CREATE TABLE d (id INTEGER);",
        "DROP TABLE d;",
    );
    check!(sandbox.session(&["status", "upgrade"]));
}

#[test]
fn a_statement_that_fails_in_the_middle() {
    let sandbox = Sandbox::chain();
    sandbox.revision(
        "4ddddddddddd",
        "3ccccccccccc",
        "wrong in the middle",
        "CREATE TABLE half (id INTEGER);\nINSERT INTO\n  nowhere (id)\nVALUES (1);\nCREATE TABLE never (id INTEGER);",
        "DROP TABLE half;",
    );
    check!(sandbox.run("upgrade"));
    check!(sandbox.session(&["status", "verify", "current"]));
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa", "2bbbbbbbbbbb", "3ccccccccccc"]);

    // Now the books exist, so every revision has a transaction of its own.
    check!(sandbox.session(&["upgrade", "upgrade --json"]));
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa", "2bbbbbbbbbbb", "3ccccccccccc"]);

    // Nothing of the failed one stayed: corrected, it applies.
    let text = sandbox.read(&file("4ddddddddddd"));
    sandbox.write(&file("4ddddddddddd"), text.replace("nowhere", "half"));
    check!(sandbox.session(&["upgrade --yes", "check"]));
}

#[test]
fn more_ways_for_a_statement_to_fail() {
    let mut text = String::new();
    for sql in [
        "CREATE TABEL a (id INTEGER);",
        "CREATE TABLE a (id INTEGER);\nALTER TABLE a ADD COLUMN id INTEGER;",
        "CREATE TABLE a (id INTEGER PRIMARY KEY);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1);",
        "CREATE TABLE a (id INTEGER);\nSELECT größe, nosuch FROM a;",
        "CREATE TABLE a (id INTEGER",
    ] {
        let sandbox = Sandbox::project();
        sandbox.revision(ONE, "", "wrong", sql, "");
        text.push_str(&sandbox.run("upgrade -q"));
        assert!(sandbox.applied().is_empty());
    }
    check!(text);
}

#[test]
fn a_downgrade_that_fails() {
    let sandbox = Sandbox::chain();
    let text = sandbox.read(&file("2bbbbbbbbbbb"));
    sandbox
        .write(&file("2bbbbbbbbbbb"), text.replace("DROP INDEX ix_users_email", "DROP INDEX ix_user_email"));
    sandbox.given("upgrade");
    check!(sandbox.run("downgrade base"));
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa", "2bbbbbbbbbbb"]);
}

#[test]
fn sqlite_files() {
    let sandbox = Sandbox::chain();
    sandbox.folder("folder.db");
    sandbox.write(
        "text.db",
        "this is no database, and it is longer than the header of a database file is: 100 bytes\n".repeat(3),
    );
    check!(refused(
        &sandbox,
        &[
            "upgrade --database-url sqlite://folder.db",
            "upgrade --database-url sqlite://nowhere/cortex.db",
            "upgrade --database-url sqlite://text.db",
            "status --database-url sqlite://folder.db",
            "status --database-url sqlite://text.db --json",
        ],
    ));
}

#[test]
fn a_folder_that_cannot_be_written() {
    let sandbox = Sandbox::chain();
    // /proc takes no files from anybody.
    if std::path::Path::new("/proc/self").is_dir() {
        check!(refused(&sandbox, &["upgrade --database-url sqlite:///proc/cortex.db"]));
    }
}

#[test]
fn init_where_a_file_is_in_the_way() {
    let sandbox = Sandbox::chain();
    let before = sandbox.listing();
    sandbox.write("migrations/blocked", "a file where a folder should be");
    let text = sandbox.run("init --migrations migrations/blocked");
    sandbox.remove("migrations/blocked");
    check!(text);
    assert_eq!(sandbox.listing(), before);
}
