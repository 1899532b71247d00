//! A revision: one change, with its ways up and down, as its file says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::sql::lexis::Lexis;
use crate::sql::token::{self, LexError};
use crate::sql::{SourceText, Statement};

use super::guard::Guard;

/// The name of a revision: the text behind `Revision ID:`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RevisionId(Arc<str>);

impl RevisionId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RevisionId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One change to the schema or the data, with its place in the chain.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Its id.
    pub id: RevisionId,
    /// The revisions it stands on: none for a root, several for a merge.
    pub parents: Vec<RevisionId>,
    /// Revisions of other branches that must be applied first: ids or labels.
    pub depends_on: Vec<String>,
    /// Names of the branch that begins here.
    pub labels: Vec<String>,
    /// The revisions that it was written in place of, in order: a squash.
    pub replaces: Vec<RevisionId>,
    /// What it does, in one line.
    pub message: String,
    /// When it was written, as the file says.
    pub created: Option<String>,
    /// The number in the file's name, where the convention counts.
    pub number: Option<u64>,
    /// The file.
    pub source: SourceText,
    /// How to apply it.
    pub upgrade: Script,
    /// How to take it back.
    pub downgrade: Downgrade,
    /// The digests of the file, for the books.
    pub digest: Digests,
}

/// The way back.
#[derive(Clone, Debug)]
pub enum Downgrade {
    /// A section of the file.
    Script(Script),
    /// There is none, for this reason.
    Irreversible(String),
    /// The file says nothing about it.
    Missing,
}

/// One section of a revision file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The statements, as spans of the file.
    pub statements: Vec<Statement>,
    /// The conditions on some of them: the statement's place, and the condition. All of one statement's must let it run.
    pub guards: Vec<(usize, Guard)>,
    /// Whether limbeck may put a transaction around them.
    pub wrapping: Wrapping,
    /// How long they may take.
    pub limits: Limits,
}

/// How long a section may take, where something is said about it. A length of zero is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long a statement may wait for a lock that somebody else holds.
    pub lock_wait: Option<Duration>,
    /// How long a statement may run.
    pub statement: Option<Duration>,
    /// How long a revision may take, all its statements and its waiting for locks together.
    pub revision: Option<Duration>,
}

impl Limits {
    /// These limits, and where they say nothing, what `others` say.
    pub fn or(self, others: Self) -> Self {
        Self {
            lock_wait: self.lock_wait.or(others.lock_wait),
            statement: self.statement.or(others.statement),
            revision: self.revision.or(others.revision),
        }
    }
}

impl Script {
    /// The conditions on one statement.
    pub fn guards_of(&self, index: usize) -> impl Iterator<Item = &Guard> {
        self.guards.iter().filter(move |(at, _)| *at == index).map(|(_, guard)| guard)
    }
}

/// What the file says about a transaction around a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// Nothing: the planner decides.
    Decide,
    /// `-- limbeck:no-transaction`.
    Forbidden,
}

/// The digests of a revision, as they stand in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256 over the tokens of the upgrade section: comments and white space do not count.
    pub tokens: Checksum,
    /// SHA-256 over the bytes of the file, a byte order mark left out.
    pub bytes: Checksum,
}

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// Digests the tokens of one section. Fails where the text cannot be cut into tokens.
    pub fn of_tokens(lexis: &Lexis, source: &SourceText, script: &Script) -> Result<Self, LexError> {
        let mut hash = Sha256::new();
        for (index, statement) in script.statements.iter().enumerate() {
            // A condition decides what is run, so it is no mere comment.
            for guard in script.guards_of(index) {
                hash.update(format!("limbeck:{guard}\0"));
            }
            for token in token::significant(lexis, source.slice(statement.span)) {
                hash.update(token?.as_bytes());
                hash.update([0]);
            }
            hash.update(b";\0");
        }
        // Taking the transaction away changes what a failure leaves behind, so it is no mere comment.
        if script.wrapping == Wrapping::Forbidden {
            hash.update(b"no-transaction");
        }
        Ok(Self(hash.finalize().into()))
    }

    /// Digests a text as it is.
    pub fn of_bytes(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0_u8; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The way that a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards the heads.
    Up,
    /// Towards the base.
    Down,
}

impl Direction {
    /// The command's word for it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Up => "upgrade",
            Self::Down => "downgrade",
        }
    }
}

impl Revision {
    /// A revision that the books name and no file has.
    pub fn without_file(id: RevisionId, message: &str) -> Self {
        let empty = Checksum::of_bytes("");
        Self {
            id,
            parents: Vec::new(),
            depends_on: Vec::new(),
            labels: Vec::new(),
            replaces: Vec::new(),
            message: message.to_owned(),
            created: None,
            number: None,
            source: SourceText::new("", ""),
            upgrade: Script {
                statements: Vec::new(),
                guards: Vec::new(),
                wrapping: Wrapping::Decide,
                limits: Limits::default(),
            },
            downgrade: Downgrade::Missing,
            digest: Digests { tokens: empty, bytes: empty },
        }
    }

    /// Whether a file says what it does.
    pub fn has_file(&self) -> bool {
        !self.source.name().is_empty()
    }

    /// The script of one direction, where there is one.
    pub fn script(&self, direction: Direction) -> Option<&Script> {
        match (direction, &self.downgrade) {
            (Direction::Up, _) => Some(&self.upgrade),
            (Direction::Down, Downgrade::Script(script)) => Some(script),
            (Direction::Down, Downgrade::Irreversible(_) | Downgrade::Missing) => None,
        }
    }

    /// Whether it joins several revisions.
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }
}
