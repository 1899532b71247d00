//! Several services in one limbeck.toml.

use super::sandbox::Sandbox;

fn services() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "limbeck.toml",
        "[services.shop]\nmigrations = \"shop/migrations\"\ndatabase_url = \"sqlite://shop.db\"\n\n[services.accounts]\n\
         migrations = \"accounts/migrations\"\ndatabase_url = \"sqlite://accounts.db\"\n",
    );
    for (service, id, table) in [("shop", "1aaaaaaaaaaa", "orders"), ("accounts", "2bbbbbbbbbbb", "users")] {
        sandbox.write(
            &format!("{service}/migrations/sqlite/{id}_{service}_db_version_1.sql"),
            format!(
                "-- create {table}\n--\n-- Revision ID: {id}\n-- Revises:\n\n-- limbeck:upgrade\nCREATE TABLE {table} (id \
                 INTEGER);\n\n-- limbeck:downgrade\nDROP TABLE {table};\n"
            ),
        );
    }
    sandbox
}

#[test]
fn some_commands_run_over_all_services_in_file_order() {
    let sandbox = services();
    check!(sandbox.session(&["status", "check", "plan", "verify"]));
    check!(sandbox.session(&["upgrade", "status", "check", "verify", "upgrade"]));
}

#[test]
fn in_json_too() {
    let sandbox = services();
    check!(sandbox.session(&["check --json", "plan --json", "upgrade --json", "verify --json"]));
}

#[test]
fn one_service_is_picked() {
    let sandbox = services();
    check!(sandbox.session(&[
        "upgrade --service accounts",
        "check",
        "check --service accounts",
        "downgrade base --service accounts --yes",
        "status --service warehouse",
    ]));
}

#[test]
fn other_commands_need_one() {
    let sandbox = services();
    let before = sandbox.listing();
    check!(sandbox.session(&[
        "downgrade base",
        "goto base",
        "history",
        "current",
        "stamp heads",
        "revision -m 'a'",
        "plan base:heads --sql",
        "current --json",
    ]));
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn a_failure_in_one_service_stops_before_the_next() {
    let sandbox = services();
    sandbox.write(
        "shop/migrations/sqlite/3ccccccccccc_shop_db_version_2.sql",
        "-- wrong\n--\n-- Revision ID: 3ccccccccccc\n-- Revises: 1aaaaaaaaaaa\n\n-- limbeck:upgrade\nINSERT INTO nowhere \
         VALUES (1);\n",
    );
    check!(sandbox.session(&["upgrade", "check"]));
}

#[test]
fn two_services_in_one_database() {
    let sandbox = services();
    let settings = sandbox.read("limbeck.toml").replace("accounts.db", "shop.db");
    sandbox.write("limbeck.toml", settings);
    check!(sandbox.session(&["upgrade", "status"]));
}

#[test]
fn a_flag_for_one_service_is_not_taken_for_all() {
    let sandbox = services();
    check!(sandbox.session(&[
        "upgrade --database-url sqlite://x.db",
        "status --migrations shop/migrations",
        "upgrade -q --service shop --database-url sqlite://x.db",
        "check",
    ]));
}

#[test]
fn the_projects_folder_is_not_a_services() {
    let sandbox = services().env("CORTEX_MIGRATIONS_VERSIONS_DIRECTORY", "accounts/migrations");
    check!(sandbox.session(&["upgrade -q", "status"]));
}
