//! Runs that did not come to their end: the state of the database, and the next command.

use crate::chain::{Direction, RevisionId};
use crate::cli::commands::resolve::WAYS;
use crate::cli::output::human;
use crate::error::{BackupError, Cause, DbError, ExecuteError, LockError, StepError};
use crate::event::Aftermath;
use crate::report::End;

use super::Failure;
use super::database::{database_failure, denied, surroundings, with_server};

pub(super) fn execute_failure(error: &ExecuteError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        ExecuteError::Lock(LockError::Held { .. }) => failure("locked")
            .hint("Nothing was changed. Try again when it is done, or wait longer: --lock-timeout 10m"),
        ExecuteError::Lock(LockError::Pooled { .. }) => failure("pooled")
            .hint("Nothing was changed. Connect to the server itself for it, past the pooler."),
        ExecuteError::Lock(LockError::Interrupted) | ExecuteError::Backup(BackupError::Interrupted) => {
            let mut told = failure("interrupted");
            told.message.push_str("; nothing was changed");
            told
        }
        ExecuteError::Lock(LockError::Database(error)) => database_failure(error, failure),
        ExecuteError::Lock(LockError::File { .. }) => failure("lock-file")
            .hint("Nothing was changed. Check that the folder of the database may be written."),
        ExecuteError::Backup(BackupError::Failed(_)) => failure("backup").hint(
            "Nothing was changed. Correct what keeps it from being copied, or go on without: --backup=never",
        ),
        ExecuteError::Stale(_) => {
            failure("stale").hint("Nothing was changed. Run the command again and look at the new plan.")
        }
        ExecuteError::Books { error, report } => {
            let told = database_failure(error, failure).note(match report.done.len() {
                0 => "State: nothing was applied, and the books agree.".to_owned(),
                done => format!("State: {done} of {} steps are done and stay.", report.planned),
            });
            match error {
                DbError::Server(server) if denied(server) => {
                    let mut told = told;
                    told.message = format!("limbeck's own tables cannot be made or written: {server}");
                    told.hint("Nothing was changed. The role needs the right to create tables, and to write (and, after a new version of limbeck, to alter) limbeck_revisions and limbeck_log.")
                }
                DbError::Server(server) if server.code.as_deref() == Some("5") => told.hint(
                    "Next: again when nobody else writes to the file, or with more patience: --lock-budget 10m",
                ),
                _ => told,
            }
        }
        ExecuteError::Step(error) => step_failure(error, failure),
    }
}

/// The ways out of a half-applied revision, as commands.
pub(super) fn ways_out(id: &RevisionId) -> String {
    format!("{WAYS}\nlimbeck stamp {id}-1: forgets it, once all of it is undone by hand")
}

/// What to do after a revision that left nothing behind, or all of it.
fn next_command(error: &StepError, what: &str) -> String {
    let server = match &error.error {
        DbError::Server(server) => server,
        _ => return format!("Next: `limbeck {what}` again; it goes on from there."),
    };
    let verb = match error.aftermath {
        Aftermath::Dirty { .. } => "resolve --continue",
        _ => what,
    };
    match (error.cause, server.code.as_deref().unwrap_or_default()) {
        (Cause::Stopped, _) => format!("Next: `limbeck {verb}` when it suits."),
        (Cause::RevisionLimit(_), _) => {
            format!("Next: `limbeck {verb} --revision-timeout 1h`, or the directive of that name.")
        }
        (Cause::StatementLimit(_) | Cause::Cancelled, _) => format!(
            "Next: `limbeck {verb} --statement-timeout 1h`, or `-- limbeck:statement-timeout 1h` in the section of {}.",
            error.revision
        ),
        // A lock that others held.
        (Cause::Server, "55P03" | "5") => {
            format!(
                "Next: `limbeck {what}` again when there is less traffic, or with more patience: --lock-budget 10m"
            )
        }
        (Cause::Server, code) if code.starts_with("1205") => {
            format!(
                "Next: `limbeck {what}` again when there is less traffic, or with more patience: --lock-budget 10m"
            )
        }
        (Cause::Server, _) => {
            let first = surroundings(server).unwrap_or("correct the file");
            format!("Next: {first}, then `limbeck {what}` again.")
        }
    }
}

fn step_failure(error: &StepError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    let mut told = failure("revision-failed");
    let what = match error.direction {
        Direction::Up => "upgrade",
        Direction::Down => "downgrade",
    };
    let statement = match error.statement {
        Some((at, of)) => format!(", statement {at} of {of}"),
        None => String::new(),
    };
    let id = &error.revision;
    told.message = match error.cause {
        Cause::Server | Cause::Cancelled => {
            format!("revision {id} failed ({what}{statement}): {}", error.error)
        }
        Cause::Stopped => {
            format!("interrupted; the statement that ran was cancelled ({id}, {what}{statement})")
        }
        Cause::StatementLimit(limit) => {
            format!(
                "revision {id} failed ({what}{statement}): it ran longer than {} and was cancelled",
                human::duration(limit)
            )
        }
        Cause::RevisionLimit(limit) => format!(
            "revision {id} failed ({what}{statement}): it took longer than {} and was cancelled",
            human::duration(limit)
        ),
    };
    if let DbError::Server(server) = &error.error {
        told = with_server(told, server);
    }
    if let Some(span) = error.span {
        told = told.at(&error.source_text, span, "the server stopped here");
    }
    let before = match error.report.done.len() {
        _ if error.report.end == End::Undone => {
            "The run was one transaction: nothing of it is applied.".to_owned()
        }
        0 => "It was the first of this run.".to_owned(),
        1 => "The one before it is done and stays.".to_owned(),
        many => format!("The {many} before it are done and stay."),
    };
    if error.tries > 1 {
        told = told.note(format!("It was tried {} times.", error.tries));
    }
    let next = next_command(error, what);
    match error.aftermath {
        Aftermath::RolledBack => {
            told.note(format!("State: {id} was rolled back, and the books agree. {before}")).hint(next)
        }
        Aftermath::Committed if matches!(error.error, DbError::Lost(_)) => told
            .note(format!("State: the connection was lost, and {id} is done: the books say so. {before}"))
            .hint(next),
        Aftermath::Committed => told
            .note(format!(
                "State: the transaction of {id} was committed, and the books agree; what failed stands behind it. {before}"
            ))
            .hint("Next: `limbeck status`. A pragma behind the transaction is all that is missing."),
        Aftermath::Dirty { done, total } => told
            .note(format!(
                "State: dirty. {done} of {total} statements of {id} are done and cannot be rolled back here. {before}"
            ))
            .hint(match error.cause {
                Cause::Server => format!("Next: look at it with `limbeck status`, then one of\n{}", ways_out(id)),
                _ => format!("{next}\nThe ways on:\n{}", ways_out(id)),
            }),
        Aftermath::Unknown => told
            .note(match &error.error {
                DbError::Lost(_) => format!("State: unknown, the connection was lost while {id} ran. {before}"),
                _ => format!("State: unknown, the books could not be read after the failure of {id}. {before}"),
            })
            .hint("Next: `limbeck status` once the server is back."),
    }
}
