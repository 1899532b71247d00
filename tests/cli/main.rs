//! The program as its users run it: whole outputs, exit codes, and the terminal.
//!
//! Each module is one subject. What a test compares is what a user sees; the pictures are in `snapshots/`.

#![cfg(all(unix, feature = "cli", feature = "sqlite", feature = "postgres", feature = "mysql"))]

/// Compares a text with its picture. Times differ from run to run, and are not what is compared.
macro_rules! check {
    ($text:expr) => {
        insta::with_settings!({
            omit_expression => true,
            filters => vec![
                (r"│ +\d+(\.\d+)? (ms|s) +│", "│ [time] │"),
                (r"\b\d+(\.\d+)? (ms|s)\b|\b\d+ min \d+ s\b", "[time]"),
                (r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?Z?", "[date]"),
                (r"SQLite \d+\.\d+\.\d+", "SQLite [version]"),
                (r"\d{8}T\d{6}Z(-\d+)?", "[moment]"),
            ],
        }, { insta::assert_snapshot!($text) })
    };
}

mod bad_input;
mod books;
mod diff;
mod files;
mod help;
mod history;
mod log;
mod plan_file;
mod rebase;
mod sandbox;
mod services;
mod squash;
mod surroundings;
mod terminal;
mod upgrade;
