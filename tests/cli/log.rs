//! Who did what, when, from where.

use super::sandbox::{Sandbox, file};

#[test]
fn the_log_is_newest_first() {
    let sandbox = Sandbox::chain();
    check!(sandbox.session(&["log", "log --json"]));
    sandbox.given("upgrade 2bbb");
    sandbox.given("downgrade 1aaa --yes");
    sandbox.given("stamp 2bbb");
    check!(sandbox.session(&["log", "log -v -n 2", "log 1aaa", "log 3ccc", "log -n 1 --json"]));
}

#[test]
fn a_failure_is_in_the_log() {
    let sandbox = Sandbox::chain();
    sandbox.revision("4ddddddddddd", "3ccccccccccc", "fails", "INSERT INTO nowhere VALUES (1);", "SELECT 1;");
    let failed = sandbox.run("upgrade");
    assert!(failed.ends_with("[exit 1]\n"), "{failed}");
    check!(sandbox.session(&["log --verbose --limit 1"]));
}

#[test]
fn a_revision_without_a_file_is_in_the_log() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    sandbox.remove(&file("3ccccccccccc"));
    check!(sandbox.session(&["log 3ccc -n 1", "log nowhere", "log 3"]));
}

#[test]
fn long_names_and_a_narrow_place_keep_the_frame() {
    let sandbox = Sandbox::chain().env("HOSTNAME", "build-agent-0042.eu-central.example.com");
    sandbox.given("upgrade 1aaa");
    let run = |columns: &str| sandbox.start("log").env("COLUMNS", columns).run();
    for (columns, limit) in [("60", 60), ("80", 80), ("120", 120)] {
        let told = run(columns);
        assert!(told.lines().all(|line| line.chars().count() <= limit), "{told}");
    }
    check!(run("120"));
}

#[test]
fn the_log_of_several_services() {
    let sandbox = Sandbox::chain();
    sandbox.write(
        "limbeck.toml",
        "[services.shop]\ndatabase_url = \"sqlite://shop.db\"\n\n[services.accounts]\ndatabase_url = \
         \"sqlite://accounts.db\"\n",
    );
    sandbox.given("upgrade 1aaa --service shop");
    check!(sandbox.session(&["log", "log 1aaa", "log 1aaa --service shop --json"]));
}
