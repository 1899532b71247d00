//! How plans, events, reports and facts are shown.

pub mod diff;
pub mod graph;
pub mod human;
pub mod json;
pub mod log;
pub mod progress;
