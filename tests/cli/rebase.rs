//! Moving a revision to another parent: `rebase`.

use super::sandbox::{Sandbox, file};

/// Two branches on the second revision; the other head is not applied.
fn forked() -> Sandbox {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    sandbox.revision("4ddddddddddd", "2bbbbbbbbbbb", "beside posts", "SELECT 4;", "");
    sandbox.revision("5eeeeeeeeeee", "4ddddddddddd", "on top of it", "SELECT 5;", "");
    sandbox
}

#[test]
fn rebase_changes_one_line_of_one_file() {
    let sandbox = forked();
    let before = sandbox.read(&file("4ddddddddddd"));
    let others = sandbox.listing();
    check!(
        sandbox.session(&["rebase 4ddd --onto head --dry-run", "rebase 4ddd --onto head --dry-run --json",])
    );
    assert_eq!(sandbox.listing(), others, "a dry run writes nothing");
    check!(sandbox.session(&["rebase 4ddd --onto head", "history", "plan", "heads"]));
    let after = before.replace("-- Revises: 2bbbbbbbbbbb", "-- Revises: 3ccccccccccc");
    assert_eq!(sandbox.read(&file("4ddddddddddd")), after);
    check!(sandbox.session(&[
        "rebase 4 --onto head --json",
        "rebase 5eee --onto 2bbb --json",
        "upgrade --late apply"
    ]));
}

#[test]
fn rebase_refuses_what_is_applied() {
    let sandbox = forked();
    let before = sandbox.listing();
    check!(sandbox.session(&[
        "rebase 3ccc --onto 4ddd",
        "rebase 2bbb --onto base",
        "rebase 3ccc --onto 4ddd --json",
        "rebase 4ddd --onto 5eee",
        "rebase 4ddd --onto 4ddd",
        "rebase 4ddd --onto 2bbb",
        "rebase nowhere --onto 2bbb",
        "rebase 4ddd --onto nowhere",
        "rebase 4ddd",
    ]));
    assert_eq!(sandbox.listing(), before, "nothing was written");
}

#[test]
fn rebase_refuses_a_merge() {
    let sandbox = Sandbox::branches();
    check!(sandbox.session(&["rebase 5eee --onto 1aaa", "rebase 3ccc --onto 6fff"]));
}

#[test]
fn rebase_needs_no_database_when_told_so() {
    let sandbox = forked();
    check!(sandbox.session(&[
        "rebase 4ddd --onto head --database-url sqlite://no/such.db",
        "rebase 4ddd --onto head --database-url sqlite://no/such.db --files-only",
    ]));
}
