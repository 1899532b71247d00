//! Reviewed plans: `plan --out` and `--plan`.

use serde_json::Value;

use super::sandbox::Sandbox;

/// A plan file without what differs from run to run and from version to version.
fn shown(sandbox: &Sandbox, file: &str) -> String {
    let mut plan: Value = serde_json::from_str(&sandbox.read(file)).expect("JSON");
    for name in ["created", "limbeck_version", "frame_sha256"] {
        plan[name] = format!("[{name}]").into();
    }
    for step in plan["steps"].as_array_mut().expect("steps") {
        assert_eq!(step["sha256"].as_str().map(str::len), Some(64), "{step}");
        step["sha256"] = "[sha256]".into();
    }
    for row in plan["basis"].as_array_mut().expect("rows") {
        assert_eq!(row["checksum"].as_str().map(str::len), Some(64), "{row}");
        row["checksum"] = "[sha256]".into();
    }
    sandbox.redacted(&format!("{plan:#}"))
}

#[test]
fn a_plan_is_written_and_applied() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade 1aaa");
    let written = sandbox.run("plan --out plan.json");
    let file = shown(&sandbox, "plan.json");
    check!(format!("{written}\n{file}\n\n{}", sandbox.session(&["upgrade --plan plan.json", "status"])));
}

#[test]
fn a_plan_goes_the_way_it_was_made_for() {
    let sandbox = Sandbox::chain();
    sandbox.given("upgrade");
    sandbox.given("plan 1aaa --out down.json");
    check!(sandbox.session(&[
        "upgrade --plan down.json",
        "upgrade heads --plan down.json",
        "goto --plan down.json --dry-run",
        "downgrade --plan down.json --json",
        "downgrade",
    ]));
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa"]);
}

#[test]
fn a_plan_that_is_not_the_same_any_more_is_stale() {
    let sandbox = Sandbox::chain();
    sandbox.given("plan --out plan.json");
    let text = sandbox.read(&super::sandbox::file("3ccccccccccc"));
    let edited = text.replace("title TEXT", "title VARCHAR(99)");
    sandbox.write(&super::sandbox::file("3ccccccccccc"), edited);
    sandbox.revision("4ddddddddddd", "3ccccccccccc", "one more", "SELECT 1;", "SELECT 1;");
    let mut said =
        vec![sandbox.run("upgrade --plan plan.json"), sandbox.run("upgrade --plan plan.json --json")];
    sandbox.write(&super::sandbox::file("3ccccccccccc"), text);
    sandbox.remove(&super::sandbox::file("4ddddddddddd"));
    sandbox.given("upgrade --plan plan.json --dry-run");
    sandbox.given("upgrade 1aaa");
    said.push(sandbox.run("upgrade --plan plan.json"));
    said.push(sandbox.run("upgrade --plan plan.json --database-url sqlite://other.db"));
    assert_eq!(sandbox.applied(), ["1aaaaaaaaaaa"]);
    check!(said.join("\n"));
}

#[test]
fn a_plan_to_a_revision_that_is_gone_is_stale() {
    let sandbox = Sandbox::chain();
    sandbox.given("plan 3ccccccccccc --out plan.json");
    sandbox.remove(&super::sandbox::file("3ccccccccccc"));
    check!(sandbox.run("upgrade --plan plan.json"));
}

#[test]
fn a_file_that_is_no_plan_is_told() {
    let sandbox = Sandbox::chain();
    sandbox.write("newer.json", r#"{"kind": "limbeck-plan", "schema_version": 99}"#);
    sandbox.given("plan --out plan.json");
    let half = sandbox.read("plan.json");
    sandbox.write("half.json", &half[..half.len() / 2]);
    check!(sandbox.session(&[
        "upgrade --plan none.json",
        "upgrade --plan limbeck.toml",
        "upgrade --plan newer.json",
        "upgrade --plan half.json",
    ]));
}

#[test]
fn only_a_plan_file_is_overwritten() {
    let sandbox = Sandbox::chain();
    sandbox.given("plan 1aaa --out plan.json");
    sandbox.given("plan --out plan.json");
    assert!(sandbox.read("plan.json").contains("3ccccccccccc"));
    let before = sandbox.listing();
    check!(sandbox.session(&[
        "plan -q --out limbeck.toml",
        "plan -q --out migrations",
        "plan -q --out no/such/x.json"
    ]));
    assert_eq!(sandbox.listing(), before, "nothing stays behind");
}

#[test]
fn a_plan_picks_its_service() {
    let sandbox = Sandbox::chain();
    sandbox.write(
        "limbeck.toml",
        "[services.shop]\ndatabase_url = \"sqlite://shop.db\"\n\n[services.accounts]\ndatabase_url = \"sqlite://accounts.db\"\n",
    );
    sandbox.given("plan --service shop --out shop.json");
    check!(sandbox.session(&[
        "plan --out all.json",
        "upgrade --service accounts --plan shop.json",
        "upgrade --plan shop.json -q",
        "check --service shop",
        "check --service accounts -q",
    ]));
}

#[test]
fn a_plan_is_made_and_applied_under_one_policy() {
    let sandbox = Sandbox::chain().env("CORTEX_LOCK_WAIT", "700ms");
    sandbox.given("plan --transaction none --out plan.json");
    check!(sandbox.session(&["upgrade --plan plan.json", "upgrade -q --transaction none --plan plan.json"]));
}
