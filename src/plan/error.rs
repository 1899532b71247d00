//! Why a goal cannot be planned for.

use crate::chain::{GoalError, RevisionId, join};
use crate::ledger::Row;
use crate::sql::{SourceText, Span};

use super::ScriptError;

/// A goal that cannot be planned for.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The goal means nothing here.
    #[error(transparent)]
    Goal(#[from] GoalError),
    /// A half-applied revision is in the way.
    #[error("revision {} is half-applied: {} stopped after {} of {} statements", row.revision, row.state, row.done, row.total)]
    Dirty {
        /// Its row.
        row: Box<Row>,
    },
    /// The books name revisions that no file has.
    #[error("the books say that {} applied, and no file has {}", was(revisions), it(revisions))]
    FileGone {
        /// The revisions.
        revisions: Vec<RevisionId>,
    },
    /// The files of applied revisions say something else now.
    #[error("{} edited since {} applied", was(revisions), they(revisions))]
    Edited {
        /// The revisions.
        revisions: Vec<RevisionId>,
    },
    /// Revisions come after their time.
    #[error("{} late: what stands beside or on {} is applied already", comes(revisions), it(revisions))]
    Late {
        /// The revisions.
        revisions: Vec<RevisionId>,
    },
    /// The revision is not applied, so its file may be edited as its author likes.
    #[error("revision {0} is not applied")]
    Unapplied(RevisionId),
    /// The file is what the books say.
    #[error("the file of revision {0} is what the books say")]
    NotEdited(RevisionId),
    /// An edited file is accepted for a reason.
    #[error("the reason is empty")]
    NoReason,
    /// A downgrade would go past a revision that has no way back.
    #[error("revision {revision} cannot be downgraded: {reason}")]
    Irreversible {
        /// The revision.
        revision: RevisionId,
        /// Why.
        reason: String,
        /// Its file.
        file: String,
    },
    /// There is nothing half-applied to settle.
    #[error("{}", match revision { Some(id) => format!("revision {id} is not half-applied"), None => "no revision is half-applied".to_owned() })]
    NotDirty {
        /// The revision that was named.
        revision: Option<RevisionId>,
    },
    /// Several revisions are half-applied, and none was named.
    #[error("several revisions are half-applied: {}", join(.0, ", "))]
    SeveralDirty(Vec<RevisionId>),
    /// Nobody knows whether a statement of a half-applied revision was done.
    #[error(
        "statement {statement} of {of} of revision {revision} was under way when a run ended, and nothing tells whether it was \
         done"
    )]
    InDoubt {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// How many there are.
        of: usize,
        /// Its file.
        source_text: SourceText,
        /// The statement in it.
        span: Span,
        /// What was seen, in words; empty where nothing can be.
        seen: String,
    },
    /// Nobody knows whether a statement's counterpart was done, so what was done cannot be taken back statement by
    /// statement.
    #[error("what was done of revision {revision} cannot be taken back statement by statement")]
    CannotUndo {
        /// The revision.
        revision: RevisionId,
        /// Its file.
        source_text: SourceText,
        /// The statement of the other section that cannot be judged.
        span: Span,
    },
    /// The statement to go on with is none.
    #[error("revision {revision} has {of} statements, so that it cannot go on with statement {statement}")]
    NoSuchStatement {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// How many there are.
        of: usize,
    },
    /// The file of a half-applied revision has fewer statements than are done.
    #[error("{done} statements of revision {revision} are done, and its file has only {total} now")]
    Shrunk {
        /// The revision.
        revision: RevisionId,
        /// The statements done.
        done: usize,
        /// The statements there are.
        total: usize,
    },
    /// A run that is to be one transaction holds a revision that cannot be part of one.
    #[error("the run cannot be one transaction because of revision {revision}: {reason}")]
    NotInOne {
        /// The revision.
        revision: RevisionId,
        /// Why.
        reason: &'static str,
    },
    /// A revision that a squash replaced must be finished first, and its file is gone.
    #[error(
        "revision {revision} must be applied before the squash {squash} can take its place, and its file is gone from archive/"
    )]
    ArchiveGone {
        /// The revision.
        revision: RevisionId,
        /// The squash.
        squash: RevisionId,
    },
    /// The goal of a downgrade is not applied.
    #[error("revision {0} is not applied, so there is no way down to it")]
    NotApplied(RevisionId),
    /// A statement that the server would hang up at.
    #[error(
        "statement {statement} of revision {revision} (line {line}) has {}, and the server takes {} at once",
        mebibytes(*bytes), mebibytes(*takes)
    )]
    TooLarge {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// The line of the file where it begins.
        line: usize,
        /// How long it is.
        bytes: usize,
        /// How long a message may be.
        takes: usize,
    },
    /// A script whose transactions cannot be worked out.
    #[error("{kind}")]
    Script {
        /// What is wrong.
        #[source]
        kind: ScriptError,
        /// The revision.
        revision: RevisionId,
        /// Its file.
        source_text: SourceText,
        /// The place in it.
        span: Span,
    },
}

/// `16.0 MiB`.
fn mebibytes(bytes: usize) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn was(ids: &[RevisionId]) -> String {
    format!("{} {}", join(ids, ", "), if ids.len() == 1 { "was" } else { "were" })
}

fn comes(ids: &[RevisionId]) -> String {
    format!("{} {}", join(ids, ", "), if ids.len() == 1 { "comes" } else { "come" })
}

fn it(ids: &[RevisionId]) -> &'static str {
    if ids.len() == 1 { "it" } else { "them" }
}

fn they(ids: &[RevisionId]) -> &'static str {
    if ids.len() == 1 { "it was" } else { "they were" }
}
