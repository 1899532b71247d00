//! What ran against what the files say: `show --applied` and `diff`.

use super::sandbox::{Sandbox, file};

#[test]
fn what_ran_is_shown_also_without_a_file() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&["show 1aaa --applied", "show current --applied"]));
    sandbox.given("upgrade 2bbb");
    let ran = sandbox.read(&file("2bbbbbbbbbbb"));
    sandbox.write(&file("1aaaaaaaaaaa"), "-- nothing like it\n--\n-- Revision ID: 1aaaaaaaaaaa\n-- Revises:\n\n-- limbeck:upgrade\nSELECT 1;\n");
    sandbox.remove(&file("3ccccccccccc"));
    sandbox.remove(&file("2bbbbbbbbbbb"));
    check!(sandbox.session(&[
        "show 1aaa --applied",
        "show 2bbb --applied",
        "show 2bbb --applied --json",
        "show 3ccc --applied",
        "show 2bbb",
        "status",
    ]));
    // What is printed can be put back.
    let output = sandbox.start("show 2bbb --applied").output();
    assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), ran);
}

#[test]
fn a_diff_of_what_was_edited() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade 2bbb");
    check!(sandbox.session(&["diff", "diff 1aaa", "diff --json", "diff 3ccc", "diff nowhere"]));
    let edit = |id: &str, from: &str, to: &str| {
        let text = sandbox.read(&file(id));
        sandbox.write(&file(id), text.replace(from, to));
    };
    edit("1aaaaaaaaaaa", "users (id", "users (uid");
    edit("2bbbbbbbbbbb", "-- limbeck:downgrade", "-- by hand\n-- limbeck:downgrade");
    check!(sandbox.session(&[
        "diff",
        "diff 2bbb",
        "diff --json",
        "accept 1aaa --reason because",
        "diff",
        "diff 1aaa"
    ]));
    sandbox.remove(&file("3ccccccccccc"));
    sandbox.remove(&file("2bbbbbbbbbbb"));
    check!(sandbox.session(&["diff 2bbb", "diff"]));
}

#[test]
fn a_diff_has_colours_where_they_are_asked_for() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade 1aaa");
    let text = sandbox.read(&file("1aaaaaaaaaaa"));
    sandbox.write(&file("1aaaaaaaaaaa"), text.replace("users (id", "users (uid"));
    check!(sandbox.run("diff --color always"));
}

#[test]
fn a_diff_of_several_services() {
    let sandbox = Sandbox::chain();
    sandbox.write(
        "limbeck.toml",
        "[services.shop]\ndatabase_url = \"sqlite://shop.db\"\n\n[services.accounts]\ndatabase_url = \
         \"sqlite://accounts.db\"\n",
    );
    sandbox.given("upgrade 1aaa --service accounts");
    let text = sandbox.read(&file("1aaaaaaaaaaa"));
    sandbox.write(&file("1aaaaaaaaaaa"), text.replace("users (id", "users (uid"));
    check!(sandbox.session(&["diff", "diff 1aaa", "diff 1aaa --service shop", "diff --json"]));
}
