//! What the books say was applied, read against the chain.

pub mod format;
pub mod log;
pub mod record;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::chain::{Chain, Direction, RevisionId};

pub use format::{Format, Home};
pub use log::{Entry, Lines};
pub use record::{Actor, RowWrite};

/// How far a revision in the books is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All of it is applied.
    Applied,
    /// An upgrade began and did not end.
    Upgrading,
    /// A downgrade began and did not end.
    Downgrading,
}

impl State {
    /// The word in the books.
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Upgrading => "upgrading",
            Self::Downgrading => "downgrading",
        }
    }

    /// The way that a revision in this state went last.
    pub fn direction(self) -> Direction {
        match self {
            Self::Applied | Self::Upgrading => Direction::Up,
            Self::Downgrading => Direction::Down,
        }
    }

    /// The state of a revision while a step goes in `direction`.
    pub fn in_flight(direction: Direction) -> Self {
        match direction {
            Direction::Up => Self::Upgrading,
            Direction::Down => Self::Downgrading,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(word: &str) -> Result<Self, UnknownState> {
        [Self::Applied, Self::Upgrading, Self::Downgrading]
            .into_iter()
            .find(|state| state.name() == word)
            .ok_or_else(|| UnknownState(word.to_owned()))
    }
}

/// A state in the books that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("the books hold the state `{0}`, which this version of limbeck does not know")]
pub struct UnknownState(pub String);

/// One row of `limbeck_revisions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The revision.
    pub revision: RevisionId,
    /// Its message when it was applied.
    pub description: String,
    /// The digest of its tokens when it was applied.
    pub checksum: String,
    /// The digest of its bytes when it was applied.
    pub file_checksum: String,
    /// How far it is.
    pub state: State,
    /// How many statements of the section are done.
    pub done: u64,
    /// How many statements the section has.
    pub total: u64,
    /// What the server said when it failed.
    pub error: Option<String>,
    /// When it was applied, in UTC.
    pub applied_at: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The database user, the user of the operating system and the host that applied it.
    pub applied_by: String,
    /// The version of limbeck that wrote the row.
    pub limbeck_version: String,
    /// The heads of the chain when it was applied; none where the books do not remember.
    pub heads: Option<String>,
}

/// Whether the tables of the books exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    /// They do.
    Present,
    /// They do, as an earlier version made them; the next act adds what they lack.
    Outdated,
    /// They do not; the first act makes them.
    Absent,
}

/// Whether the database holds anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Not even the database is there.
    NoDatabase,
    /// No table, no view, nothing.
    Empty,
    /// Something.
    Some,
}

/// The books as they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// Whether their tables exist.
    pub tables: Tables,
    /// Whether the database holds anything at all.
    pub content: Content,
    /// The rows of this service, in the order of their revisions' names.
    pub rows: Vec<Row>,
}

/// The books, read against the chain.
#[derive(Clone, Debug)]
pub struct Ledger<'a> {
    /// The rows.
    pub rows: &'a [Row],
    /// The places of the applied revisions, half-applied downgrades included.
    pub applied: BTreeSet<usize>,
    /// The places of squashes that are applied as what they replaced, and wait to be recorded: no row has them.
    pub unrecorded: Vec<usize>,
    /// The rows that are neither applied nor gone.
    pub dirty: Vec<&'a Row>,
    /// The rows whose revision no file has.
    pub unknown: Vec<&'a Row>,
    /// The rows whose revision's file says something else now.
    pub edited: Vec<Edited<'a>>,
}

/// An applied revision whose file is not what it was.
#[derive(Clone, Copy, Debug)]
pub struct Edited<'a> {
    /// The row.
    pub row: &'a Row,
    /// The place of the revision.
    pub place: usize,
    /// What differs.
    pub extent: Extent,
}

/// How much of a file differs from what was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Comments, white space or the way back: what was run is the same.
    Bytes,
    /// The statements of the upgrade.
    Statements,
}

impl<'a> Ledger<'a> {
    /// Reads `rows` against `chain`.
    pub fn read(chain: &Chain, rows: &'a [Row]) -> Self {
        let mut ledger = Self {
            rows,
            applied: BTreeSet::new(),
            unrecorded: Vec::new(),
            dirty: Vec::new(),
            unknown: Vec::new(),
            edited: Vec::new(),
        };
        for row in rows {
            if row.state != State::Applied {
                ledger.dirty.push(row);
            }
            let Some(place) = chain.place(&row.revision) else {
                ledger.unknown.push(row);
                continue;
            };
            if row.state != State::Upgrading {
                ledger.applied.insert(place);
            }
            if !chain.revisions()[place].has_file() {
                continue;
            }
            let digest = &chain.revisions()[place].digest;
            if row.checksum != digest.tokens.to_string() {
                ledger.edited.push(Edited { row, place, extent: Extent::Statements });
            } else if row.file_checksum != digest.bytes.to_string() {
                ledger.edited.push(Edited { row, place, extent: Extent::Bytes });
            }
        }
        // Parents come before children, so a squash that another one replaced is known before that one.
        for place in 0..chain.len() {
            let replaced = chain.replaced(place);
            if !replaced.is_empty() && replaced.iter().all(|at| ledger.applied.contains(at)) {
                ledger.applied.insert(place);
                ledger.unrecorded.push(place);
            }
        }
        ledger
    }

    /// How many revisions the books say are applied.
    pub fn count(&self) -> usize {
        self.applied.len() - self.unrecorded.len()
    }

    /// The places of the pending revisions that come after their time: beneath one that is applied, or beside one that was
    /// applied before they were there. What an upgrade was on its way to when it ended is not late.
    pub fn late(&self, chain: &Chain) -> BTreeSet<usize> {
        let beneath = chain.ancestors(self.applied.iter().copied());
        let late = |at: &usize| {
            let siblings = chain.parents(*at).iter().flat_map(|parent| chain.children(*parent));
            let mut applied = siblings.filter(|sibling| self.applied.contains(sibling));
            beneath.contains(at) || applied.any(|sibling| !self.was_there(chain, *at, *sibling))
        };
        (0..chain.len()).filter(|at| !self.applied.contains(at)).filter(late).collect()
    }

    /// Whether the revision at `at` was there when the one at `applied` was applied, as the books remember it.
    fn was_there(&self, chain: &Chain, at: usize, applied: usize) -> bool {
        let id = &chain.revisions()[applied].id;
        let row = self.rows.iter().find(|row| row.revision == *id);
        let heads = row.and_then(|row| row.heads.as_deref()).unwrap_or_default();
        let heads = heads.split(", ").filter_map(|head| chain.place(&head.into()));
        chain.ancestors(heads).contains(&at)
    }

    /// The ids of the heads of what is applied.
    pub fn heads(&self, chain: &Chain) -> Vec<RevisionId> {
        chain.ids(chain.heads_of(&self.applied))
    }
}
