//! Files: init, revision, merge, edit, show.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::sandbox::{Sandbox, file};

#[test]
fn init_makes_what_is_missing_and_never_overwrites() {
    let sandbox = Sandbox::empty();
    check!(sandbox.run("init"));
    check!(sandbox.read("limbeck.toml"));
    sandbox.write("limbeck.toml", "name = \"mine\"\ndatabase_url = \"sqlite://mine.db\"\n");
    sandbox.remove("local.env.example");
    let before = sandbox.read("limbeck.toml");
    check!(sandbox.session(&["init", "init --json"]));
    assert_eq!(sandbox.read("limbeck.toml"), before);
}

#[test]
fn init_takes_names() {
    let sandbox = Sandbox::empty();
    check!(sandbox.session(&[
        "init --name 'my app'",
        "init --env-prefix ''",
        "init --name shop --env-prefix SHOP --migrations db/chain",
        "revision -m 'first' --rev-id 1aaaaaaaaaaa",
    ]));
    check!(sandbox.read("limbeck.toml"));
    let example = sandbox.read("local.env.example");
    assert!(
        example.contains("SHOP_DB_TYPE=sqlite") && !example.to_lowercase().contains("cortex"),
        "{example}"
    );
}

#[test]
fn from_nothing_to_a_database() {
    let sandbox = Sandbox::empty();
    let mut text = sandbox.session(&[
        "init",
        "status",
        "plan",
        "revision -m 'create users' --rev-id 1aaaaaaaaaaa",
        "plan",
    ]);
    let written = sandbox.read(&file("1aaaaaaaaaaa"));
    sandbox.write(
        &file("1aaaaaaaaaaa"),
        written
            .replace("limbeck:upgrade\n", "limbeck:upgrade\nCREATE TABLE users (id INTEGER);\n")
            .replace("limbeck:downgrade\n", "limbeck:downgrade\nDROP TABLE users;\n"),
    );
    text.push('\n');
    text.push_str(&sandbox.session(&["upgrade", "status", "downgrade base", "status"]));
    check!(text);
}

#[test]
fn a_revision_is_a_file_with_a_header() {
    let sandbox = Sandbox::chain();
    check!(sandbox.run("revision -m 'add a column' --rev-id 4ddddddddddd"));
    check!(sandbox.read(&file("4ddddddddddd")));
}

#[test]
fn without_an_id_limbeck_chooses_12_hex_digits() {
    let sandbox = Sandbox::project();
    sandbox.given("create -m 'add a column'");
    let names: Vec<String> = fs::read_dir(sandbox.path().join("migrations/sqlite"))
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let [name] = names.as_slice() else { panic!("one file: {names:?}") };
    let (id, rest) = name.split_once('_').expect("an id, then the name");
    assert_eq!(rest, "cortex_db_version_1.sql");
    assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert!(sandbox.read(&format!("migrations/sqlite/{name}")).contains(&format!("Revision ID: {id}\n")));
}

#[test]
fn a_revision_in_every_dialect() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&[
        "revision -m 'in all' --dialect all --rev-id 4ddddddddddd",
        "revision -m 'in two' --dialect mysql,sqlite --rev-id 5eeeeeeeeeee --json",
        "revision -m 'in none' --dialect oracle",
        "plan --dialect all",
    ]));
    // Each chain counts for itself, and stands on its own head.
    check!(sandbox.read("migrations/mysql/5eeeeeeeeeee_cortex_db_version_2.sql"));
}

#[test]
fn an_error_in_one_dialect_writes_in_none() {
    let sandbox = Sandbox::chain();
    sandbox.write(
        "migrations/mysql/4ddddddddddd_cortex_db_version_1.sql",
        "-- theirs\n--\n-- Revision ID: 4ddddddddddd\n-- Revises:\n\n-- limbeck:upgrade\n",
    );
    let before = sandbox.listing();
    check!(sandbox.run("revision -m 'in all' --dialect all --rev-id 4ddddddddddd"));
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn branches_labels_and_dependencies() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&[
        "revision -m 'beside' --head 2bbb --rev-id 4ddddddddddd",
        "revision -m 'beside' --head 2bbb --splice --branch-label side --rev-id 4ddddddddddd",
        "revision -m 'which head'",
        "revision -m 'on the side' --head side@head --depends-on 3ccc --rev-id 5eeeeeeeeeee",
        "revision -m 'another root' --head base --rev-id 6fffffffffff",
        "revision -m 'same label' --head 3ccc --branch-label side",
        "revision -m 'no such head' --head nowhere",
        "history",
    ]));
    check!(sandbox.read(&file("5eeeeeeeeeee")));
}

#[test]
fn what_a_new_revision_refuses() {
    let sandbox = Sandbox::chain();
    let before = sandbox.listing();
    check!(sandbox.session(&[
        "revision",
        "revision -m ''",
        "revision -m 'two\nlines'",
        "revision -m 'a' --rev-id 1aaaaaaaaaaa",
        "revision -m 'a' --rev-id '../up'",
        "revision -m 'a' --branch-label 'a b'",
        "revision -m 'a' --depends-on nowhere",
    ]));
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn file_names_follow_the_template() {
    let sandbox = Sandbox::project();
    sandbox.write(
        "limbeck.toml",
        "name = \"shop\"\nfile_template = \"{n}-{rev}-{slug}\"\ndatabase_url = \"sqlite://shop.db\"\n",
    );
    let mut text = sandbox.run("revision -m 'Add: Größe & colour' --rev-id 1aaaaaaaaaaa");
    for template in ["../{rev}", "{rev}-{author}", ".{rev}"] {
        sandbox.write(
            "limbeck.toml",
            format!("file_template = \"{template}\"\ndatabase_url = \"sqlite://shop.db\"\n"),
        );
        text.push('\n');
        text.push_str(&sandbox.run("revision -m 'a' --rev-id 2bbbbbbbbbbb"));
    }
    check!(text);
}

#[test]
fn merge_joins_heads() {
    let sandbox = Sandbox::chain();
    sandbox.revision("4ddddddddddd", "2bbbbbbbbbbb", "beside posts", "SELECT 1;", "");
    check!(sandbox.session(&["heads", "merge heads", "heads",]).replace(&only_merge(&sandbox), "[merge]"));
    check!(
        sandbox
            .session(&["merge heads", "merge 1aaa 3ccc", "merge nowhere 3ccc", "merge",])
            .replace(&only_merge(&sandbox), "[merge]")
    );
}

/// The id of the one revision with two parents.
fn only_merge(sandbox: &Sandbox) -> String {
    let output = sandbox.start("history --json").output();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let revisions = document["revisions"].as_array().expect("revisions").clone();
    let merges: Vec<&serde_json::Value> =
        revisions.iter().filter(|revision| revision["merge_point"] == true).collect();
    assert_eq!(merges.len(), 1, "{document:#}");
    merges[0]["revision"].as_str().expect("an id").to_owned()
}

#[test]
fn merge_takes_an_id_and_a_message() {
    let sandbox = Sandbox::chain();
    sandbox.revision("4ddddddddddd", "2bbbbbbbbbbb", "beside posts", "SELECT 1;", "");
    check!(sandbox.session(&[
        "merge 3ccc 4ddd -m 'posts and the rest' --rev-id 5eeeeeeeeeee",
        "show 5eee",
        "upgrade",
    ]));
}

#[test]
fn edit_opens_the_editor() {
    let sandbox = Sandbox::chain();
    let editor = sandbox.path().join("editor.sh");
    fs::write(&editor, "#!/bin/sh\necho \"opened: $1 $(basename \"$2\")\"\n").expect("written");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("may be run");
    let path = editor.display().to_string();
    let mut text = sandbox.start("edit 2bbb").env("EDITOR", &format!("{path} --wait")).run();
    text.push_str(&sandbox.start("edit head").env("EDITOR", "no-such-editor").run());
    text.push_str(&sandbox.start("edit head").env("EDITOR", "false").run());
    text.push_str(&sandbox.start("edit head").env("EDITOR", "no-such").env("VISUAL", "true").run());
    text.push_str(&sandbox.session(&["edit head", "edit nowhere"]));
    check!(text);
}

#[test]
fn what_edit_leaves_behind_is_read_at_once() {
    let sandbox = Sandbox::chain();
    let editor = sandbox.path().join("editor.sh");
    fs::write(&editor, "#!/bin/sh\necho '-- limbeck:upgrad' >> \"$1\"\n").expect("written");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("may be run");
    check!(sandbox.start("edit head").env("EDITOR", &editor.display().to_string()).run());
}

#[test]
fn show_prints_a_revision_and_its_file() {
    let sandbox = Sandbox::branches();
    sandbox.given("upgrade 5eee");
    check!(sandbox.session(&[
        "show 5eee",
        "show current",
        "show head",
        "show billing",
        "show 1 --json",
        "show nowhere"
    ]));
}
