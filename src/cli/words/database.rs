//! What a database said, or that it said nothing.

use crate::error::{DbError, Refusal, ServerError};

use super::Failure;

pub(super) fn database_failure(error: &DbError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        DbError::Connect { reason, .. } => {
            let (code, hint) = match reason {
                Refusal::Unreachable => {
                    ("unreachable", "Is the server up, and are host and port right? --wait 30s waits for it.")
                }
                Refusal::NotReady => ("not-ready", "Try again in a moment; --wait 30s does."),
                Refusal::Credentials => ("credentials", "Check user and password."),
                Refusal::NoDatabase => {
                    ("no-database", "Check the name, or create the database first; `limbeck upgrade --create-database` does.")
                }
                Refusal::Tls => ("tls", "Check sslmode and the certificate files."),
                Refusal::File => {
                    ("file", "Check that its folder exists and that both may be read and written.")
                }
                Refusal::Other => ("connect", "Check the settings of the connection."),
            };
            failure(code).hint(hint)
        }
        DbError::Server(error) => with_server(failure("database"), error).hint(match surroundings(error) {
            Some(first) => format!("Next: {first}, then try again."),
            None => "`limbeck status` shows where the database stands.".to_owned(),
        }),
        DbError::NotCreated { error, .. } => with_server(failure("not-created"), error).hint(
            "Nothing was changed. The role needs the right to create databases (PostgreSQL: CREATEDB); or somebody who has \
             it creates this one.",
        ),
        DbError::Lost(_) => failure("lost").hint("Run `limbeck status` once the server is back."),
        DbError::NoDriver(backend) => {
            failure("no-driver").hint(format!("Build limbeck with the driver for {backend}."))
        }
        DbError::NoSchema(_) => {
            failure("no-schema").hint("Create it first: CREATE SCHEMA …, or name a database.")
        }
        DbError::Books(_) => failure("books").hint("A newer limbeck may have written them."),
    }
}

pub(super) fn with_server(mut failure: Failure, error: &ServerError) -> Failure {
    failure.notes.extend(error.detail.iter().map(|detail| format!("Detail: {detail}")));
    failure.notes.extend(error.hint.iter().map(|hint| format!("The server's hint: {hint}")));
    failure
}

/// SQLite's primary result code: the extended ones say more about the same, <https://www.sqlite.org/rescode.html>.
fn sqlite_code(error: &ServerError) -> Option<u32> {
    // An SQLSTATE has five characters.
    let code = error.code.as_deref().filter(|code| code.len() < 5)?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// Whether the server said that the role may not do it: SQLSTATE 42501 on PostgreSQL, 1142 and 1044 on MySQL,
/// "readonly" on SQLite.
pub(super) fn denied(error: &ServerError) -> bool {
    let code = error.code.as_deref().unwrap_or_default();
    code == "42501" || code.starts_with("1142") || code.starts_with("1044") || sqlite_code(error) == Some(8)
}

/// What to do where neither the file nor limbeck is at fault.
pub(super) fn surroundings(error: &ServerError) -> Option<&'static str> {
    let code = error.code.as_deref().unwrap_or_default();
    match sqlite_code(error) {
        Some(8) => return Some("make the database file and its folder writable"),
        Some(10) => return Some("check the disk, and how large the file may become"),
        Some(13) => return Some("make room on the disk"),
        _ => {}
    }
    // Disk full: 53100 on PostgreSQL; 1021 and 1114 on MySQL.
    if code == "53100" || code.starts_with("1021,") || code.starts_with("1114,") {
        Some("make room on the server's disk")
    } else if denied(error) {
        Some("give the role the right")
    } else {
        None
    }
}
