//! What the books say and how they are set: stamp, force, version, current, status, check, verify.

use super::sandbox::{Sandbox, file};

#[test]
fn stamp_sets_the_books_and_runs_nothing() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&[
        "stamp 2bbb --dry-run",
        "stamp 2bbb --sql",
        "stamp 2bbb",
        "stamp 2bbb",
        "current",
        "stamp heads --json",
        "stamp 1aaa",
        "current",
        "stamp base",
        "current",
        "stamp nowhere",
        "stamp",
    ]));
}

#[test]
fn stamp_with_purge_forgets_first() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    sandbox.remove(&file("3ccccccccccc"));
    check!(sandbox.session(&[
        "status",
        "stamp 2bbb --purge --dry-run",
        "stamp 2bbb --purge",
        "stamp 2bbb --purge --yes-really other.db",
        "status",
        "stamp 2bbb --purge --yes-really cortex.db",
        "status",
    ]));
}

#[test]
fn force_is_stamp_in_other_words() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&["force 2", "version", "force -1", "version", "force 9", "version --json"]));
}

#[test]
fn current_and_version() {
    let sandbox = Sandbox::branches();
    check!(sandbox.session(&["current", "version", "current --check-heads"]));
    sandbox.given("upgrade billing@head");
    sandbox.given("upgrade 3ccc");
    check!(sandbox.session(&["current", "current -v", "version", "current --json", "current -c"]));
    sandbox.given("upgrade");
    check!(sandbox.session(&["current -c", "version"]));
}

#[test]
fn status_and_check_before_and_after() {
    let sandbox = Sandbox::chain();
    let before = sandbox.listing();
    check!(sandbox.session(&["status", "check", "check --json"]));
    assert_eq!(sandbox.listing(), before, "a question makes no database");
    sandbox.given("upgrade 2bbb");
    check!(sandbox.session(&["status", "check", "check --quiet"]));
    sandbox.given("upgrade");
    check!(sandbox.session(&["status", "check", "status --json"]));
}

#[test]
fn status_of_a_chain_without_revisions() {
    let sandbox = Sandbox::project();
    check!(
        sandbox.session(&["status", "check", "current", "heads", "history", "branches", "verify", "upgrade"])
    );
}

#[test]
fn a_revision_that_comes_late() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    sandbox.revision(
        "4ddddddddddd",
        "1aaaaaaaaaaa",
        "from another branch",
        "CREATE TABLE d (id INTEGER);",
        "DROP TABLE d;",
    );
    check!(sandbox.session(&["status", "plan", "check"]));
    // Nobody is asked, so nothing is done; then it is said in so many words.
    check!(sandbox.session(&[
        "upgrade",
        "upgrade --yes",
        "upgrade --no-input --json",
        "up",
        "goto 4ddd",
        "upgrade --late refuse",
        "upgrade --late skip",
        "plan --sql",
    ]));
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa", "2bbbbbbbbbbb", "3ccccccccccc"]);
    check!(sandbox.session(&["upgrade --late apply --quiet", "check"]));
}

#[test]
fn settings_say_what_is_done_about_late_revisions() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    for (id, table) in [("4ddddddddddd", "d"), ("5eeeeeeeeeee", "e")] {
        let up = format!("CREATE TABLE {table} (id INTEGER);");
        sandbox.revision(id, "1aaaaaaaaaaa", "late", &up, &format!("DROP TABLE {table};"));
    }
    let settings = sandbox.read("limbeck.toml");
    sandbox.write("limbeck.toml", format!("late = \"refuse\"\n{settings}"));
    check!(sandbox.session(&["upgrade", "check"]));
    sandbox.write("limbeck.toml", format!("late = \"apply\"\n{settings}"));
    let refused = sandbox.start("upgrade").env("CORTEX_LATE", "refuse").run();
    assert!(refused.contains("come late") && refused.ends_with("[exit 1]\n"), "{refused}");
    let asked = sandbox.start("upgrade --late ask").run();
    assert!(asked.ends_with("[exit 5]\n"), "{asked}");
    check!(sandbox.session(&["upgrade --quiet", "check"]));
}

#[test]
fn verify_tells_reformatted_from_edited_from_missing() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    check!(sandbox.run("verify"));

    let text = sandbox.read(&file("1aaaaaaaaaaa"));
    sandbox.write(
        &file("1aaaaaaaaaaa"),
        text.replace("CREATE TABLE users (id", "-- the users\nCREATE  TABLE\nusers (id"),
    );
    check!(sandbox.session(&["verify", "status", "check"]));

    let text = sandbox.read(&file("2bbbbbbbbbbb"));
    sandbox.write(&file("2bbbbbbbbbbb"), text.replace("email TEXT", "email VARCHAR(80)"));
    sandbox.remove(&file("3ccccccccccc"));
    check!(sandbox.session(&["verify", "verify --json", "status", "check", "history"]));
}

#[test]
fn an_edited_revision_is_in_the_way() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade 2bbb");
    let text = sandbox.read(&file("1aaaaaaaaaaa"));
    sandbox.write(&file("1aaaaaaaaaaa"), text.replace("users (id", "users (uid"));
    check!(sandbox.session(&[
        "status",
        "upgrade",
        "plan",
        "downgrade base",
        "goto heads --json",
        "up",
        "down 1"
    ]));
    check!(sandbox.session(&[
        "plan --allow-edited",
        "upgrade --allow-edited",
        "down 1 --allow-edited",
        "goto heads --allow-edited --quiet",
        "stamp 2bbb",
        "check",
    ]));
}

#[test]
fn an_edited_file_is_accepted_for_a_reason() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade 2bbb");
    check!(sandbox.session(&["accept 1aaa --reason because", "accept 3ccc --reason because", "accept 1aaa"]));
    let text = sandbox.read(&file("1aaaaaaaaaaa"));
    sandbox.write(&file("1aaaaaaaaaaa"), text.replace("users (id", "users (uid"));
    check!(sandbox.session(&[
        "accept 1aaa --reason ' '",
        "accept 1aaa --reason \"it's the same in SQLite\" --dry-run",
        "accept 1aaa --reason \"it's the same in SQLite\" --sql",
        "accept 1aaa --reason \"it's the same in SQLite\"",
        "accept 1aaa --reason again --json",
        "verify",
        "upgrade --quiet",
        "log 1aaa -v",
    ]));
    sandbox.remove(&file("3ccccccccccc"));
    check!(sandbox.session(&["accept 3ccc --reason because", "accept nowhere --reason because"]));
}

#[test]
fn a_half_applied_revision_is_in_the_way() {
    let sandbox = Sandbox::chain();
    sandbox.broken(
        "4ddddddddddd",
        "-- by itself\n--\n-- Revision ID: 4ddddddddddd\n-- Revises: 3ccccccccccc\n\n-- limbeck:upgrade\n-- \
         limbeck:no-transaction\nCREATE TABLE d (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n\n-- \
         limbeck:downgrade\nDROP TABLE d;\n",
    );
    check!(sandbox.session(&["upgrade"]));
    check!(sandbox.session(&[
        "status",
        "check",
        "verify",
        "current",
        "version",
        "history",
        "upgrade",
        "plan --json"
    ]));
    check!(sandbox.session(&["stamp 4ddd", "status"]));
}

#[test]
fn questions_change_nothing() {
    const QUESTIONS: [&str; 16] = [
        "status",
        "check",
        "plan",
        "plan --sql",
        "upgrade --dry-run",
        "upgrade --sql",
        "stamp heads --dry-run",
        "verify",
        "current",
        "version",
        "heads",
        "branches",
        "history -i",
        "log",
        "diff",
        "show head",
    ];
    let sandbox = Sandbox::chain();
    for goal in [None, Some("upgrade 2bbb")] {
        if let Some(goal) = goal {
            sandbox.given(goal);
        }
        let before = sandbox.listing();
        for line in QUESTIONS {
            let text = sandbox.run(line);
            assert!(text.ends_with("[exit 0]\n") || text.ends_with("[exit 4]\n"), "{text}");
            assert_eq!(sandbox.listing(), before, "{line} changed a file");
        }
    }
}
