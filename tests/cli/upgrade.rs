//! The plan, and what carries it out: plan, upgrade, downgrade, goto, up, down.

use super::sandbox::Sandbox;

#[test]
fn plan_shows_and_changes_nothing() {
    let sandbox = Sandbox::chain();
    let before = sandbox.listing();
    check!(sandbox.session(&[
        "plan",
        "plan +1",
        "plan 2bbb",
        "upgrade --dry-run",
        "upgrade --dry-run --json"
    ]));
    assert_eq!(sandbox.listing(), before, "no database was made");
}

#[test]
fn plan_goes_either_way() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade 2bbb");
    check!(sandbox.session(&["plan", "plan 1aaa", "plan base", "plan 2bbb", "plan --json"]));
}

#[test]
fn plan_prints_the_exact_sql() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&["plan --sql"]));
    sandbox.given("upgrade 1aaa");
    check!(sandbox.session(&["plan --sql", "plan base --sql", "plan --sql --json"]));
}

#[test]
fn a_script_from_to_needs_no_database() {
    let sandbox = Sandbox::chain();
    for dialect in ["postgresql", "mysql"] {
        sandbox.write(
            &format!("migrations/{dialect}/1aaaaaaaaaaa_cortex_db_version_1.sql"),
            "-- create users\n--\n-- Revision ID: 1aaaaaaaaaaa\n-- Revises:\n\n-- limbeck:upgrade\nCREATE TABLE users (id \
             BIGINT);\n\n-- limbeck:downgrade\nDROP TABLE users;\n",
        );
    }
    let before = sandbox.listing();
    check!(sandbox.session(&[
        "plan 1aaa:2bbb --sql",
        "upgrade base:1aaa --sql",
        "downgrade 2bbb:1aaa --sql",
        "plan base:heads --sql --dialect postgresql",
        "plan base:heads --sql --dialect mysql",
        "plan 1aaa:2bbb",
        "upgrade base:nowhere --sql",
    ]));
    sandbox.write("limbeck.toml", "migrations = \"migrations\"\n");
    check!(sandbox.run("plan base:heads --sql --dialect postgresql"));
    sandbox.write("limbeck.toml", super::sandbox::SETTINGS);
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn upgrade_without_a_terminal_applies_and_says_so() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&["upgrade", "upgrade"]));
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa", "2bbbbbbbbbbb", "3ccccccccccc"]);
}

#[test]
fn what_stdin_holds_is_no_answer() {
    let sandbox = Sandbox::chain();
    check!(sandbox.start("upgrade +1").stdin("n\n").run());
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa"]);
}

#[test]
fn upgrade_goals() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&[
        "upgrade +1 --yes",
        "upgrade 2bbb --no-input",
        "upgrade 1aaa",
        "upgrade +2",
        "upgrade 3 --yes",
        "upgrade --yes --no-input",
    ]));
}

#[test]
fn upgrade_prints_sql() {
    let sandbox = Sandbox::chain();
    let before = sandbox.listing();
    check!(sandbox.run("upgrade 1aaa --sql"));
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn upgrade_in_json_ends_with_the_report() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&["upgrade 2bbb --json", "upgrade 2bbb --json", "downgrade 1aaa --json"]));
}

#[test]
fn downgrade_takes_back() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    check!(sandbox.session(&[
        "downgrade",
        "downgrade -1 --dry-run",
        "downgrade -1",
        "downgrade 1aaa --yes",
        "downgrade 1aaa",
        "downgrade 3ccc",
        "downgrade -7",
        "downgrade base --sql",
        "downgrade base",
        "downgrade base",
    ]));
    assert!(sandbox.applied().is_empty());
}

#[test]
fn goto_goes_up_and_down() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&[
        "goto 2bbb --yes",
        "goto 1 --yes",
        "goto 1",
        "goto heads --dry-run",
        "goto base --yes"
    ]));
}

#[test]
fn up_and_down_as_golang_migrate_has_them() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&["up 1", "version", "up --yes", "version", "down 1 --yes", "down", "version"]));
    assert_eq!(
        sandbox.applied(),
        ["1aaaaaaaaaaa", "2bbbbbbbbbbb"],
        "`down` alone asks, and nobody was there"
    );
    check!(sandbox.session(&["down --dry-run", "down --yes", "version"]));
}

#[test]
fn branches_and_merges_are_applied_parents_first() {
    let sandbox = Sandbox::branches();
    check!(sandbox.session(&[
        "upgrade head --dry-run",
        "upgrade billing@head --yes",
        "upgrade search@+1 --yes",
        "upgrade --yes",
        "downgrade 5eee --yes",
        "downgrade -1 --yes",
        "current",
    ]));
}

#[test]
fn what_the_plan_says_about_a_revision() {
    let sandbox = Sandbox::project();
    sandbox.broken(
        "1aaaaaaaaaaa",
        "-- no way back\n--\n-- Revision ID: 1aaaaaaaaaaa\n-- Revises:\n\n-- limbeck:upgrade\nCREATE TABLE a (id \
         INTEGER);\n\n-- limbeck:irreversible the old values are gone\n",
    );
    sandbox.broken(
        "2bbbbbbbbbbb",
        "-- by itself, with a description that is much longer than the column it stands in can be\n--\n-- Revision ID: \
         2bbbbbbbbbbb\n-- Revises: 1aaaaaaaaaaa\n\n-- limbeck:upgrade\n-- limbeck:no-transaction\nCREATE TABLE b (id \
         INTEGER);\nVACUUM;\n\n-- limbeck:downgrade\nDROP TABLE b;\n",
    );
    sandbox.broken(
        "3ccccccccccc",
        "-- rebuild\n--\n-- Revision ID: 3ccccccccccc\n-- Revises: 2bbbbbbbbbbb\n\n-- limbeck:upgrade\nPRAGMA foreign_keys = \
         OFF;\nCREATE TABLE c (id INTEGER);\nPRAGMA foreign_keys = ON;\n",
    );
    check!(sandbox.session(&["plan", "plan --sql", "upgrade", "downgrade -1"]));
    check!(sandbox.start("plan").env("COLUMNS", "40").run());
    check!(sandbox.start("plan base").env("COLUMNS", "140").run());
}

#[test]
fn the_plan_fits_the_width() {
    let sandbox = Sandbox::chain();
    let mut text = String::new();
    for columns in ["20", "40", "64", "140"] {
        text.push_str(&sandbox.start("plan").env("COLUMNS", columns).run());
    }
    check!(text);
    let width: usize = 40;
    let output = sandbox.start("plan").env("COLUMNS", "40").output();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        assert!(line.chars().count() <= width, "{line}");
    }
}
