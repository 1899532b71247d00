//! Several revisions in a row as one: `squash`, and what a database makes of it that has some of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::sandbox::{Sandbox, file};

/// Four revisions, of which the first three become one.
fn four() -> Sandbox {
    let sandbox = Sandbox::chain();
    sandbox.revision(
        "4ddddddddddd",
        "3ccccccccccc",
        "create tags",
        "CREATE TABLE tags (id INTEGER PRIMARY KEY);",
        "DROP TABLE tags;",
    );
    sandbox
}

const SQUASH: &str = "squash 1aaa:3ccc --rev-id 5eeeeeeeeeee";

/// A new file holds its date, and so its digest differs from run to run.
fn without_sums(text: &str) -> String {
    let sum = |word: &str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    text.split('\'').map(|word| if sum(word) { "[sum]" } else { word }).collect::<Vec<_>>().join("'")
}

#[test]
fn squash_writes_one_file_and_moves_the_others() {
    let sandbox = four();
    let before = sandbox.listing();
    check!(sandbox.session(&[&format!("{SQUASH} --dry-run")]));
    assert_eq!(sandbox.listing(), before, "a dry run writes nothing");
    check!(sandbox.session(&[SQUASH, "history", "show 5eee", "plan"]));
    let names: Vec<String> =
        sandbox.listing().lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect();
    check!(names.join("\n"));
}

#[test]
fn squash_tells_programs() {
    let sandbox = four();
    check!(sandbox.session(&[
        &format!("{SQUASH} -m 'the beginning' --json"),
        "history --json",
        "squash 5eee:4ddd --unproved --json --dry-run --rev-id 6fffffffffff",
    ]));
}

#[test]
fn a_database_without_the_old_ones_runs_the_squash() {
    let sandbox = four();
    sandbox.given(SQUASH);
    check!(sandbox.session(&["upgrade", "history", "verify", "downgrade base --yes"]));
}

#[test]
fn a_database_with_all_of_the_old_ones_records_the_squash() {
    let sandbox = four();
    sandbox.given("upgrade");
    sandbox.given(SQUASH);
    check!(sandbox.session(&[
        "status",
        "status --json",
        "check",
        "history",
        "current",
        "verify",
        "plan",
        "plan --json"
    ]));
    check!(without_sums(&sandbox.run("upgrade --dry-run --sql")));
    check!(sandbox.session(&["upgrade", "status", "history", "upgrade 2bbb"]));
}

#[test]
fn a_database_with_some_of_the_old_ones_finishes_them_first() {
    let sandbox = four();
    sandbox.given("upgrade 2bbb");
    sandbox.given(SQUASH);
    check!(sandbox.session(&["status", "history", "verify", "plan", "downgrade 1aaa --dry-run"]));
    check!(sandbox.session(&["upgrade", "history"]));
}

#[test]
fn a_database_in_between_needs_the_archive() {
    let sandbox = four();
    sandbox.given("upgrade 2bbb");
    sandbox.given(SQUASH);
    fs::remove_dir_all(sandbox.path().join("migrations/sqlite/archive")).expect("it is there");
    check!(sandbox.session(&["upgrade", "status", "verify", "downgrade base --yes", "upgrade --json"]));
}

#[test]
fn squash_refuses_what_is_no_line() {
    let sandbox = Sandbox::branches();
    let before = sandbox.listing();
    check!(sandbox.session(&[
        "squash 1aaa:2bbb",
        "squash 2bbb:6fff",
        "squash 2bbb:3ccc",
        "squash 6fff:5eee",
        "squash 6fff:6fff",
        "squash 6fff",
        "squash nowhere:6fff",
        "squash 2bbb:4ddd -m 'Revises: x'",
        "squash 2bbb:4ddd --rev-id 1aaaaaaaaaaa",
    ]));
    assert_eq!(sandbox.listing(), before, "nothing was written");
}

#[test]
fn squash_refuses_what_does_not_make_the_same_schema() {
    let sandbox = Sandbox::project();
    sandbox.revision("1aaaaaaaaaaa", "", "create t", "CREATE TABLE t (n INTEGER);", "DROP TABLE t;");
    sandbox.revision(
        "2bbbbbbbbbbb",
        "1aaaaaaaaaaa",
        "a view, and a setting that goes with the revision",
        "CREATE VIEW v AS SELECT n FROM t;\nPRAGMA legacy_alter_table = ON;",
        "DROP VIEW v;",
    );
    sandbox.revision("3ccccccccccc", "2bbbbbbbbbbb", "rename t", "ALTER TABLE t RENAME TO u;", "");
    let before = sandbox.listing();
    check!(sandbox.session(&["squash 1aaa:3ccc", "squash 1aaa:3ccc --json"]));
    assert_eq!(sandbox.listing(), before, "nothing was written");
    check!(sandbox.session(&["squash 1aaa:3ccc --unproved --rev-id 5eeeeeeeeeee"]));
}

#[test]
fn squash_refuses_what_cannot_be_tried_out() {
    let sandbox = four();
    sandbox.revision("5eeeeeeeeeee", "4ddddddddddd", "fails", "CREATE TABLE tags (id INTEGER);", "");
    sandbox.revision("6fffffffffff", "5eeeeeeeeeee", "another file", "ATTACH 'other.db' AS other;", "");
    sandbox.revision("7aaaaaaaaaaa", "6fffffffffff", "one", "SELECT 1;", "");
    sandbox.revision("8aaaaaaaaaaa", "7aaaaaaaaaaa", "two", "SELECT 2;", "");
    let before = sandbox.listing();
    check!(sandbox.session(&[
        "squash 3ccc:5eee",
        "squash 5eee:6fff",
        "squash 7aaa:8aaa",
        "squash 1aaa:3ccc --scratch-url postgresql://127.0.0.1/x",
        "squash 1aaa:3ccc --scratch-url nonsense",
        "squash 1aaa:3ccc --scratch-url sqlite::memory: --unproved",
    ]));
    assert_eq!(sandbox.listing(), before, "nothing was written");
}

#[test]
fn a_squash_that_cannot_be_written_leaves_all_as_it_was() {
    let sandbox = four();
    // The last of the moves fails: its place is taken.
    sandbox.write("migrations/sqlite/archive/3ccccccccccc_cortex_db_version_3.sql", "taken");
    let before = sandbox.listing();
    check!(sandbox.session(&[SQUASH]));
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn a_squash_keeps_the_rights_of_files() {
    let sandbox = four();
    let path = sandbox.path().join(file("4ddddddddddd"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("may be set");
    sandbox.given(SQUASH);
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o640);
}

#[test]
fn what_stands_on_a_replaced_revision_is_told_of_the_squash() {
    let sandbox = four();
    sandbox.given(SQUASH);
    check!(sandbox.session(&["revision -m again --rev-id 2bbbbbbbbbbb", "show 2bbb"]));
    sandbox.revision("6fffffffffff", "2bbbbbbbbbbb", "from another branch", "SELECT 1;", "");
    check!(sandbox.session(&["plan"]));
}

#[test]
fn the_proof_needs_a_database() {
    let sandbox = four();
    sandbox.write("limbeck.toml", "migrations = \"migrations\"\n");
    check!(sandbox.session(&[
        &format!("{SQUASH} --dialect sqlite"),
        &format!("{SQUASH} --dialect sqlite --scratch-url sqlite::memory:"),
    ]));
}
