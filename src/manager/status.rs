//! Where a database stands: values for whoever asks.

use std::sync::Arc;

use crate::chain::{Revision, RevisionId};
use crate::ledger::{Extent, Row};
use crate::plan::Evidence;

/// Where a database stands against its chain.
#[derive(Clone, Debug)]
pub struct Status {
    /// The heads of what is applied.
    pub current: Vec<RevisionId>,
    /// The heads of the chain.
    pub heads: Vec<RevisionId>,
    /// How many revisions are applied.
    pub applied: usize,
    /// Squashes that the next upgrade records, each with the number of applied revisions that it replaces.
    pub unrecorded: Vec<(RevisionId, usize)>,
    /// What is not applied, in order.
    pub pending: Vec<Arc<Revision>>,
    /// The pending revisions that come after their time: beside or beneath one that is applied.
    pub late: Vec<RevisionId>,
    /// What is half-applied.
    pub dirty: Vec<Row>,
    /// Applied revisions that no file has.
    pub missing: Vec<Row>,
    /// Applied revisions whose files changed since.
    pub edited: Vec<(RevisionId, Extent)>,
}

/// What ran as an applied revision.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its row in the books.
    pub row: Row,
    /// The text of its file as it was applied; none where the books do not hold it: it was longer than
    /// [`SOURCE_LENGTH`](crate::ledger::format::SOURCE_LENGTH), or a version applied it that did not keep it.
    pub source: Option<String>,
}

/// A half-applied revision.
#[derive(Clone, Debug)]
pub struct HalfApplied {
    /// Its row.
    pub row: Row,
    /// Where it stopped; none where no file has it any more, or all its statements are done.
    pub at: Option<StoppedAt>,
    /// What the catalogue shows of the statement that was under way; none where none is in doubt.
    pub evidence: Option<Evidence>,
}

/// The statement that a half-applied revision stopped at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedAt {
    /// The file.
    pub file: String,
    /// The line where the statement begins, from 1.
    pub line: usize,
    /// The statement's first line.
    pub text: String,
}

impl Status {
    /// Whether nothing is pending and nothing is half-applied.
    pub fn is_up_to_date(&self) -> bool {
        self.pending.is_empty() && self.dirty.is_empty()
    }
}
