//! What surrounds a run: colours, quiet, folders, environment, a reader that leaves early.

use std::io::Read as _;
use std::process::Stdio;

use super::sandbox::{SETTINGS, Sandbox};

#[test]
fn quiet_says_only_what_was_asked_for() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&[
        "plan +1 -q",
        "upgrade 2bbb -q",
        "revision -m 'more' --rev-id 4ddddddddddd -q",
        "current -q",
        "status -q",
        "check -q",
        "upgrade nowhere -q",
        "init -q",
    ]));
}

#[test]
fn colour_always_and_never() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&[
        "plan +1 --color always",
        "upgrade nowhere --color always",
        "upgrade +1 --color always"
    ]));
    check!(sandbox.session(&["status --color always", "history --color always"]));
    let text = sandbox.start("plan --color always").env("NO_COLOR", "1").run();
    assert!(text.contains('␛'), "a flag comes before the environment");
    for run in [
        sandbox.start("plan --color never"),
        sandbox.start("plan"),
        sandbox.start("plan").env("NO_COLOR", "1"),
    ] {
        assert!(!run.run().contains('␛'));
    }
}

#[test]
fn the_project_is_found_from_below() {
    let sandbox = Sandbox::chain();
    sandbox.folder("src/deep");
    let mut text = String::new();
    for line in ["status", "upgrade +1", "show 2bbb", "revision -m 'from below' --rev-id 4ddddddddddd"] {
        text.push_str(&sandbox.start(line).inside("src/deep").run());
        text.push('\n');
    }
    text.push_str(&sandbox.run("status"));
    check!(text);
    assert!(sandbox.path().join("cortex.db").is_file(), "the database is the project's");
    assert!(!sandbox.path().join("src/deep/cortex.db").exists());
}

#[test]
fn paths_in_flags_start_where_the_user_is() {
    let sandbox = Sandbox::chain();
    sandbox.folder("sub");
    let mut text = sandbox
        .start("upgrade +1 --database-url sqlite://mine.db --migrations ../migrations")
        .inside("sub")
        .run();
    text.push_str(&sandbox.start("status --config ../limbeck.toml").inside("sub").run());
    text.push_str(&sandbox.start("status --config nowhere.toml").inside("sub").run());
    check!(text);
    assert!(sandbox.path().join("sub/mine.db").is_file());
}

#[test]
fn flag_before_environment_before_env_file_before_settings() {
    let sandbox = Sandbox::chain();
    sandbox.write("limbeck.toml", SETTINGS.replace("cortex.db", "settings.db"));
    let database = |run: super::sandbox::Run<'_>| {
        let text = run.run();
        let line = text.lines().find(|line| line.starts_with("Database:")).expect("a database").to_owned();
        line.rsplit('/').next().expect("a name").to_owned()
    };
    assert_eq!(database(sandbox.start("status")), "settings.db");
    sandbox.write(".env", "CORTEX_DB_TYPE=sqlite\nCORTEX_DB_FILE=dotenv.db\n");
    assert_eq!(database(sandbox.start("status")), "dotenv.db");
    sandbox.write("local.env", "CORTEX_DB_TYPE=sqlite\nCORTEX_DB_FILE=local.db\n");
    assert_eq!(database(sandbox.start("status")), "local.db");
    sandbox.write("other.env", "CORTEX_DB_TYPE=sqlite\nCORTEX_DB_FILE=other.db\n");
    assert_eq!(database(sandbox.start("status").env("CORTEX_ENV_FILE_PATH", "other.env")), "other.db");
    assert_eq!(database(sandbox.start("status").env("CORTEX_DB_FILE", "process.db")), "process.db");
    assert_eq!(database(sandbox.start("status").env("CORTEX_DATABASE_URL", "sqlite://whole.db")), "whole.db");
    assert_eq!(database(sandbox.start("status --database-url sqlite://flag.db")), "flag.db");
}

#[test]
fn a_password_is_never_shown() {
    let sandbox = Sandbox::chain();
    let url = "postgresql://ann:s3cr%23t@127.0.0.1:1/shop";
    for line in ["status", "status --json", "plan -v", "upgrade --json", "history -i"] {
        let text = sandbox.start(line).env("CORTEX_DATABASE_URL", url).run();
        assert!(!text.contains("s3cr") && text.contains("[exit 1]"), "{text}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let sandbox = Sandbox::project();
    let mut parent = String::new();
    // More than a pipe holds.
    for number in 0..300 {
        let id = format!("{number:012x}");
        let message = "a long message ".repeat(20);
        sandbox.write(
            &format!("migrations/sqlite/{id}_cortex_db_version_{}.sql", number + 1),
            format!("-- {message}\n--\n-- Revision ID: {id}\n-- Revises: {parent}\n\n-- limbeck:upgrade\nSELECT 1;\n"),
        );
        parent = id;
    }
    for line in ["history", "history --json", "plan", "plan --sql", "history -v", "completions bash"] {
        let mut child = sandbox
            .start(line)
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("limbeck can be started");
        drop(child.stdout.take());
        let mut complaint = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut complaint).expect("UTF-8");
        let status = child.wait().expect("limbeck ends");
        assert!(!complaint.contains("panicked"), "{line}: {complaint}");
        assert_eq!((complaint.as_str(), status.code()), ("", Some(0)), "{line}");
    }
}
