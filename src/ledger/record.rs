//! Row writes: what a step does to the books, as values, and how each is spelled.

use std::sync::Arc;

use crate::chain::{Direction, Revision, RevisionId};
use crate::dialect::Dialect;

use super::format::{HEADS, SOURCE, SOURCE_LENGTH};
use super::{Format, State};

/// Who acts, as the books record it. The database user comes from the server itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// The user of the operating system.
    pub os_user: Option<String>,
    /// The host.
    pub host: Option<String>,
}

/// The version that the books record.
pub const LIMBECK_VERSION: &str = env!("CARGO_PKG_VERSION");

/// One change to the books.
#[derive(Clone, Debug)]
pub enum RowWrite {
    /// A row for a revision: in flight before its statements run, applied when it is only recorded.
    Insert {
        /// The revision.
        revision: Arc<Revision>,
        /// The state to write.
        state: State,
        /// The heads of the chain, to be remembered.
        heads: Option<Arc<str>>,
    },
    /// A revision that has a row goes into flight again.
    Depart {
        /// The revision.
        revision: Arc<Revision>,
        /// The way.
        direction: Direction,
        /// How many statements that way has.
        total: usize,
    },
    /// A half-applied revision is in flight again, with so many statements done, of its file as it is now.
    Resume {
        /// The revision.
        revision: Arc<Revision>,
        /// The statements done.
        done: usize,
        /// How many statements the way has.
        total: usize,
    },
    /// So many statements of the revision in flight are done.
    Progress {
        /// The revision.
        revision: Arc<Revision>,
        /// The statements done.
        done: usize,
    },
    /// The revision in flight has arrived: it is applied.
    Arrive {
        /// The revision.
        revision: Arc<Revision>,
    },
    /// What the server said when a statement of the revision failed.
    Failure {
        /// The revision.
        revision: Arc<Revision>,
        /// The statements done before.
        done: usize,
        /// The server's words.
        error: String,
    },
    /// The revision's file is accepted as it is now; what ran stays in the row.
    Accept {
        /// The revision.
        revision: Arc<Revision>,
    },
    /// The revision is gone.
    Delete {
        /// The revision.
        revision: Arc<Revision>,
    },
    /// One line of the log.
    Log {
        /// What was done.
        act: Act,
        /// To which revision.
        revision: Arc<Revision>,
        /// What else there is to say: the server's words after a failure.
        detail: Option<Box<str>>,
    },
}

/// The acts that the log knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A revision was applied.
    Upgrade,
    /// A revision was taken back.
    Downgrade,
    /// A revision was written into the books, or out of them, without running anything.
    Stamp,
    /// A half-applied revision was settled, or is going to be.
    Resolve,
    /// An edited file was accepted.
    Accept,
    /// A squash was written into the books in place of the revisions that it replaced.
    Squash,
    /// A step failed.
    Failure,
    /// The database was copied before a run, of which this revision is the first.
    Backup,
}

impl Act {
    /// The word in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Stamp => "stamp",
            Self::Resolve => "resolve",
            Self::Accept => "accept",
            Self::Squash => "squash",
            Self::Failure => "failure",
            Self::Backup => "backup",
        }
    }
}

impl RowWrite {
    /// The revision that it is about.
    pub fn revision(&self) -> &RevisionId {
        match self {
            Self::Insert { revision, .. }
            | Self::Depart { revision, .. }
            | Self::Resume { revision, .. }
            | Self::Progress { revision, .. }
            | Self::Arrive { revision }
            | Self::Failure { revision, .. }
            | Self::Accept { revision }
            | Self::Delete { revision }
            | Self::Log { revision, .. } => &revision.id,
        }
    }

    /// Spells the statement.
    pub fn sql(&self, format: &Format, dialect: &dyn Dialect, actor: &Actor) -> String {
        let text = |text: &str| dialect.quote_text(text);
        let maybe = |value: Option<&str>| value.map_or_else(|| "NULL".to_owned(), text);
        let table = format.revisions.quoted(dialect);
        let service = text(&format.service);
        let only = |revision: &Revision| {
            format!("WHERE service = {service} AND revision = {}", text(revision.id.as_str()))
        };
        let who = || {
            format!(
                "{}, {}, {}, {}",
                dialect.database_user(),
                maybe(actor.os_user.as_deref()),
                maybe(actor.host.as_deref()),
                text(LIMBECK_VERSION)
            )
        };
        let now = dialect.now();
        let source = |revision: &Revision| {
            maybe(Some(revision.source.text()).filter(|source| source.len() <= SOURCE_LENGTH))
        };
        match self {
            Self::Insert { revision, state, heads } => {
                let total = revision.upgrade.statements.len();
                let (done, applied_at, duration) = match state {
                    State::Applied => (total, now, "0"),
                    State::Upgrading | State::Downgrading => (0, "NULL", "NULL"),
                };
                format!(
                    "INSERT INTO {table} (service, revision, description, checksum, file_checksum, state, \
                     statements_done, statements_total, started_at, applied_at, duration_ms, db_user, os_user, host, \
                     limbeck_version, {SOURCE}, {HEADS}) VALUES ({service}, {}, {}, {}, {}, {}, {done}, {total}, {now}, \
                     {applied_at}, {duration}, {}, {}, {})",
                    text(revision.id.as_str()),
                    text(&revision.message),
                    text(&revision.digest.tokens.to_string()),
                    text(&revision.digest.bytes.to_string()),
                    text(state.name()),
                    who(),
                    source(revision),
                    maybe(heads.as_deref())
                )
            }
            Self::Depart { revision, direction, total } => format!(
                "UPDATE {table} SET state = {}, statements_done = 0, statements_total = {total}, error = NULL, \
                 started_at = {now} {}",
                text(State::in_flight(*direction).name()),
                only(revision)
            ),
            Self::Resume { revision, done, total } => format!(
                "UPDATE {table} SET statements_done = {done}, statements_total = {total}, checksum = {}, \
                 file_checksum = {}, {SOURCE} = {}, error = NULL, started_at = {now} {}",
                text(&revision.digest.tokens.to_string()),
                text(&revision.digest.bytes.to_string()),
                source(revision),
                only(revision)
            ),
            Self::Progress { revision, done } => {
                format!("UPDATE {table} SET statements_done = {done} {}", only(revision))
            }
            Self::Arrive { revision } => format!(
                "UPDATE {table} SET state = {}, statements_done = statements_total, applied_at = {now}, \
                 duration_ms = {} {}",
                text(State::Applied.name()),
                dialect.elapsed_ms("started_at"),
                only(revision)
            ),
            Self::Failure { revision, done, error } => format!(
                "UPDATE {table} SET statements_done = {done}, error = {} {}",
                text(error),
                only(revision)
            ),
            Self::Accept { revision } => format!(
                "UPDATE {table} SET checksum = {}, file_checksum = {} {}",
                text(&revision.digest.tokens.to_string()),
                text(&revision.digest.bytes.to_string()),
                only(revision)
            ),
            Self::Delete { revision } => format!("DELETE FROM {table} {}", only(revision)),
            Self::Log { act, revision, detail } => {
                // The row is still there, before a downgrade deletes it, so its own clock says how long the step took.
                let duration = match act {
                    Act::Upgrade | Act::Downgrade => {
                        format!(
                            "(SELECT {} FROM {table} {})",
                            dialect.elapsed_ms("started_at"),
                            only(revision)
                        )
                    }
                    Act::Stamp | Act::Resolve | Act::Accept | Act::Squash | Act::Failure | Act::Backup => {
                        "NULL".to_owned()
                    }
                };
                format!(
                    "INSERT INTO {} (happened_at, service, act, revision, description, checksum, detail, duration_ms, \
                     db_user, os_user, host, limbeck_version) VALUES ({now}, {service}, {}, {}, {}, {}, {}, \
                     {duration}, {})",
                    format.log.quoted(dialect),
                    text(act.name()),
                    text(revision.id.as_str()),
                    text(&revision.message),
                    text(&revision.digest.tokens.to_string()),
                    maybe(detail.as_deref()),
                    who()
                )
            }
        }
    }
}
