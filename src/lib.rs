//! limbeck, a migration planner.

pub mod batch;
pub mod chain;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod convention;
pub mod database_url;
pub mod db;
pub mod dialect;
pub mod error;
pub mod event;
pub mod folder;
pub mod ledger;
pub mod manager;
pub mod plan;
pub mod report;
pub mod review;
pub mod sql;
