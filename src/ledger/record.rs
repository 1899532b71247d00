//! Row writes: what a step does to the books, as values, and how each is spelled.

use crate::chain::{Direction, Revision, RevisionId};
use crate::dialect::Dialect;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowWrite {
    /// A row for a revision: in flight before its statements run, applied when it is only recorded.
    Insert {
        /// The revision.
        revision: RevisionId,
        /// Its message.
        description: String,
        /// The digest of its tokens.
        checksum: String,
        /// The digest of its bytes.
        file_checksum: String,
        /// The state to write.
        state: State,
        /// How many statements it has.
        total: u64,
    },
    /// A revision that is applied goes into flight again, downwards.
    Depart {
        /// The revision.
        revision: RevisionId,
        /// How many statements the way down has.
        total: u64,
    },
    /// So many statements of the revision in flight are done.
    Progress {
        /// The revision.
        revision: RevisionId,
        /// The statements done.
        done: u64,
    },
    /// The revision in flight has arrived: it is applied.
    Arrive {
        /// The revision.
        revision: RevisionId,
    },
    /// What the server said when a statement of the revision failed.
    Failure {
        /// The revision.
        revision: RevisionId,
        /// The statements done before.
        done: u64,
        /// The server's words.
        error: String,
    },
    /// The revision is gone.
    Delete {
        /// The revision.
        revision: RevisionId,
    },
    /// One line of the log.
    Log {
        /// What was done.
        act: Act,
        /// To which revision.
        revision: RevisionId,
        /// Its message.
        description: String,
        /// The digest of its tokens.
        checksum: String,
        /// What else there is to say: the server's words after a failure.
        detail: Option<String>,
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
    /// A step failed.
    Failure,
}

impl Act {
    /// The word in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Stamp => "stamp",
            Self::Failure => "failure",
        }
    }
}

impl RowWrite {
    /// A row for `revision`.
    pub fn insert(revision: &Revision, state: State) -> Self {
        Self::Insert {
            revision: revision.id.clone(),
            description: revision.message.clone(),
            checksum: revision.digest.tokens.to_string(),
            file_checksum: revision.digest.bytes.to_string(),
            state,
            total: revision.upgrade.statements.len() as u64,
        }
    }

    /// A line of the log about `revision`.
    pub fn log(revision: &Revision, act: Act, detail: Option<String>) -> Self {
        Self::Log {
            act,
            revision: revision.id.clone(),
            description: revision.message.clone(),
            checksum: revision.digest.tokens.to_string(),
            detail,
        }
    }

    /// The revision that it is about.
    pub fn revision(&self) -> &RevisionId {
        match self {
            Self::Insert { revision, .. }
            | Self::Depart { revision, .. }
            | Self::Progress { revision, .. }
            | Self::Arrive { revision }
            | Self::Failure { revision, .. }
            | Self::Delete { revision }
            | Self::Log { revision, .. } => revision,
        }
    }

    /// Spells the statement.
    pub fn sql(&self, format: &Format, dialect: &dyn Dialect, actor: &Actor) -> String {
        let text = |text: &str| dialect.quote_text(text);
        let maybe = |value: &Option<String>| value.as_deref().map_or_else(|| "NULL".to_owned(), text);
        let table = format.revisions.quoted(dialect);
        let service = text(&format.service);
        let only = |revision: &RevisionId| {
            format!("WHERE service = {service} AND revision = {}", text(revision.as_str()))
        };
        let who = || {
            format!(
                "{}, {}, {}, {}",
                dialect.database_user(),
                maybe(&actor.os_user),
                maybe(&actor.host),
                text(LIMBECK_VERSION)
            )
        };
        let now = dialect.now();
        match self {
            Self::Insert { revision, description, checksum, file_checksum, state, total } => {
                let (done, applied_at, duration) = match state {
                    State::Applied => (*total, now, "0"),
                    State::Upgrading | State::Downgrading => (0, "NULL", "NULL"),
                };
                format!(
                    "INSERT INTO {table} (service, revision, description, checksum, file_checksum, state, \
                     statements_done, statements_total, started_at, applied_at, duration_ms, db_user, os_user, host, \
                     limbeck_version) VALUES ({service}, {}, {}, {}, {}, {}, {done}, {total}, {now}, {applied_at}, \
                     {duration}, {})",
                    text(revision.as_str()),
                    text(description),
                    text(checksum),
                    text(file_checksum),
                    text(state.name()),
                    who()
                )
            }
            Self::Depart { revision, total } => format!(
                "UPDATE {table} SET state = {}, statements_done = 0, statements_total = {total}, error = NULL, \
                 started_at = {now} {}",
                text(State::in_flight(Direction::Down).name()),
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
            Self::Delete { revision } => format!("DELETE FROM {table} {}", only(revision)),
            Self::Log { act, revision, description, checksum, detail } => {
                // The row is still there, before a downgrade deletes it, so its own clock says how long the step took.
                let duration = match act {
                    Act::Upgrade | Act::Downgrade => {
                        format!(
                            "(SELECT {} FROM {table} {})",
                            dialect.elapsed_ms("started_at"),
                            only(revision)
                        )
                    }
                    Act::Stamp | Act::Failure => "NULL".to_owned(),
                };
                format!(
                    "INSERT INTO {} (happened_at, service, act, revision, description, checksum, detail, duration_ms, \
                     db_user, os_user, host, limbeck_version) VALUES ({now}, {service}, {}, {}, {}, {}, {}, \
                     {duration}, {})",
                    format.log.quoted(dialect),
                    text(act.name()),
                    text(revision.as_str()),
                    text(description),
                    text(checksum),
                    maybe(detail),
                    who()
                )
            }
        }
    }
}
