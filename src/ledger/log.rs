//! The log as it is read back: who did what, when, from where. It is only ever added to.

use crate::chain::RevisionId;
use crate::dialect::Dialect;

use super::Format;

/// One line of `limbeck_log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in UTC.
    pub happened_at: String,
    /// What was done: the name of an [`Act`](super::record::Act), or one that a newer version knows.
    pub act: String,
    /// To which revision.
    pub revision: RevisionId,
    /// Its message then.
    pub description: Option<String>,
    /// The digest of its tokens then.
    pub checksum: Option<String>,
    /// What else was said: the server's words after a failure, a reason.
    pub detail: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The user of the database.
    pub db_user: Option<String>,
    /// The user of the operating system.
    pub os_user: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// The version of limbeck that did it.
    pub limbeck_version: Option<String>,
}

impl Entry {
    /// Who did it, in one line.
    pub fn who(&self) -> String {
        who(self.db_user.as_deref(), self.os_user.as_deref(), self.host.as_deref())
    }
}

/// `app, ann@build-7`: the database user, then the user of the operating system at the host.
pub(crate) fn who(db_user: Option<&str>, os_user: Option<&str>, host: Option<&str>) -> String {
    let person = match (os_user, host) {
        (Some(user), Some(host)) => Some(format!("{user}@{host}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    };
    [db_user.map(str::to_owned), person].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Which lines of the log are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lines {
    /// All of the service.
    All,
    /// Those of one revision.
    Of(RevisionId),
    /// Those of the revisions whose id begins so: no file has them any more.
    Beginning(String),
}

impl Format {
    /// The query that reads the newest lines of the log, newest first; the columns are those of [`Entry`], in order, as
    /// text.
    pub fn select_log(&self, dialect: &dyn Dialect, lines: &Lines, limit: u32) -> String {
        let only = match lines {
            Lines::All => String::new(),
            Lines::Of(id) => format!(" AND revision = {}", dialect.quote_text(id.as_str())),
            Lines::Beginning(name) => {
                let length = name.chars().count();
                format!(" AND substr(revision, 1, {length}) = {}", dialect.quote_text(name))
            }
        };
        format!(
            "SELECT {happened_at}, act, revision, description, checksum, detail, duration_ms, db_user, os_user, host, \
             limbeck_version FROM {table} WHERE service = {service}{only} ORDER BY id DESC LIMIT {limit}",
            happened_at = dialect.moment_as_text("happened_at"),
            table = self.log.quoted(dialect),
            service = dialect.quote_text(&self.service),
        )
    }
}
