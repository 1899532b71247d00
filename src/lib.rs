//! limbeck is a migration planner for SQLite, PostgreSQL and MySQL (MariaDB too): it keeps a chain of revisions for each
//! dialect, shows what is pending as a plan, asks, and applies it.
//!
//! # One upgrade
//!
//! Facts are gathered, a decision is made from them without any I/O, and the decision, a value, is shown, approved and
//! carried out. [`manager`] is the only place where the three follow one another.
//!
//! ```text
//! limbeck.toml + flags + env ─► Config ─────────────┐          config (cli/context reads the environment)
//! folder ─► files ─► Layout::read ─► Chain ─────────┤ gather   folder, chain
//! connect ─► Session (Server) ─► rows ─► Ledger ────┤          db::session, db::books, ledger
//! Goal ─────────────────────────────────────────────┘
//! Facts { chain, books, server, format, policy }.upgrade(goal) ─► Plan   decide   plan
//! Review::new(plan) ─► Review ─► approve() ─► Approved           ask      cli/confirm
//! execute(session, approved, …) ─► Report                        act      db::execute
//! ```
//!
//! A question is a prefix of this: `status`, `plan`, `check` and `history` stop before the last line and could not write
//! if they wanted to. `stamp` is a plan whose steps only record. [`batch`] spells a step as the exact SQL that is sent;
//! `--sql` prints it.
//!
//! # Walls
//!
//! `tests/architecture.rs` reads the source files and holds them:
//!
//! - the pure modules import only those above them in the list below; none of them does I/O;
//! - `sea_orm` and `sqlx` are named in `db` alone, and `db` only by `manager` and `error`;
//! - `std::fs` only in `folder`, `cli`, `db::lock` and `db::execute::backup` (SQLite's lock is a file of the operating
//!   system, and a copy is a file);
//! - the environment, stdin, stdout, clap, dotenvy and the table and terminal crates only in `cli`: the library tells what
//!   happens as [`event::Event`]s and never asks, prints or reads the environment;
//! - a `match` on the backend only in `dialect`, `db::inspect`, `db::driver` and `db::lock`: a dialect answers and spells,
//!   and control flow is written once.
//!
//! # Glossary
//!
//! One word per thing. *target*: the database acted on · *goal*: where in the chain to go · *revision*: one change with its
//! ways up and down · *chain*: all revisions and their parents · *layout*: how files are named · *ledger*, the *books*: what
//! the database says was applied · *convention*: a layout and a ledger · *plan*: what will be done · *step*: one revision of
//! a plan · *batch*: one message to the server · *review*: a plan, ready to be judged · *approved*: a review with a yes ·
//! *event*: what is happening · *report*: what was done · *service*: a named folder and database · *squash*: a revision
//! written in place of others · *archive*: what it replaced · *scratch*: a database to try something out in ·
//! *lease*: the lock behind a pooler · *fence*: what keeps a commit from happening once the lease is lost.

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!(
    "limbeck needs a driver: switch on at least one of its features `sqlite`, `postgres` and `mysql`"
);

// The way in.
#[cfg(feature = "cli")]
pub mod cli;
pub mod error;
pub mod folder;
pub mod manager;

// Pure: each imports only those above it.
pub mod duration;

pub mod stop;

pub mod sql;

pub mod dialect;

pub mod database_url;

pub mod chain;

pub mod ledger;

pub mod convention;

pub mod plan;

pub mod squash;

pub mod batch;

pub mod plan_file;

pub mod backup;

pub mod config;

pub mod review;

pub mod event;

pub mod report;

// The database: the only place that names the drivers.
pub mod db;
