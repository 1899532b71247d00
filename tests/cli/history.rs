//! The chain as a picture: heads, branches, history.

use super::sandbox::Sandbox;

#[test]
fn heads_and_branches() {
    let sandbox = Sandbox::branches();
    check!(sandbox.session(&["heads", "heads -v", "heads --json", "branches", "branches -v"]));
}

#[test]
fn history_draws_the_graph() {
    let sandbox = Sandbox::branches();
    check!(sandbox.run("history"));
    sandbox.given("upgrade 3ccc");
    check!(sandbox.session(&["history", "history -v"]));
}

#[test]
fn history_of_a_range() {
    let sandbox = Sandbox::branches();
    sandbox.given("upgrade billing@head");
    check!(sandbox.session(&[
        "history 2bbb:",
        "history :3ccc",
        "history base:billing",
        "history current:",
        "history -i",
        "history 5eee",
        "history 2bbb: --json",
        "history nowhere:",
    ]));
}

#[test]
fn history_needs_no_database_unless_it_is_asked_about_one() {
    let sandbox = Sandbox::chain();
    sandbox.folder("cortex.db");
    check!(sandbox.session(&["history", "history -i", "history current:"]));
}

#[test]
fn three_branches_and_two_merges() {
    let sandbox = Sandbox::project();
    for (id, parents) in [
        ("1aaaaaaaaaaa", ""),
        ("2bbbbbbbbbbb", "1aaaaaaaaaaa"),
        ("3ccccccccccc", "1aaaaaaaaaaa"),
        ("4ddddddddddd", "1aaaaaaaaaaa"),
        ("5eeeeeeeeeee", "2bbbbbbbbbbb, 3ccccccccccc, 4ddddddddddd"),
        ("6fffffffffff", "4ddddddddddd"),
        ("7aaaaaaaaaaa", "5eeeeeeeeeee, 6fffffffffff"),
        ("8bbbbbbbbbbb", ""),
    ] {
        sandbox.revision(id, parents, &format!("revision {}", &id[..1]), "SELECT 1;", "SELECT 1;");
    }
    check!(sandbox.session(&["history", "heads", "branches", "plan"]));
}
