//! The same stories, told on every engine: SQLite always, the servers where the environment names them.
//!
//! `LIMBECK_TEST_POSTGRES_URL`, `LIMBECK_TEST_MARIADB_URL` and `LIMBECK_TEST_MYSQL_URL` name servers whose account may
//! make databases and users; `scripts/test` starts such servers and sets them. Without a variable the engine is left out,
//! which the run says; with `LIMBECK_TEST_REQUIRE=all` (or a list, `postgresql,mysql`) that is a failure. `LIMBECK_TEST_PGBOUNCER_URL` names a
//! PgBouncer in front of the PostgreSQL server, which goes with it.

#[macro_use]
mod engine;
mod missing_database;
mod plan_file;
mod raw;
mod sandbox;

mod at_once;
mod audit;
mod backup;
mod connection;
mod failure;
mod guards;
mod kept;
mod patience;
mod pooler;
mod resolve;
mod round_trips;
mod session;
mod squash;
mod story;
mod waiting;
