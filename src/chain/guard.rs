//! A condition on one statement: it runs only if something is there, or is not.

use std::fmt;

use crate::sql::lexis::Lexis;
use crate::sql::object::{Kind, Object};
use crate::sql::{Act, Span, shape, split};

/// A condition on one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Whether the statement runs when it holds or when it does not.
    pub when: When,
    /// What is asked.
    pub condition: Condition,
}

/// When a guarded statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// If the condition holds.
    If,
    /// Unless it holds.
    Unless,
}

impl When {
    /// The word of the directive.
    pub fn name(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Unless => "unless",
        }
    }
}

/// What a guard asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Whether an object is there.
    Object(Object),
    /// Whether a query answers with a row.
    Query(String),
}

/// A guard that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// It asks for nothing that can be asked for.
    #[error("`limbeck:{0}` needs one of {kinds} and its name, or `query SELECT …`", kinds = kinds())]
    Kind(&'static str),
    /// The name is none.
    #[error("`{text}` is no name of {} {}", if *kind == Kind::Index { "an" } else { "a" }, kind.name())]
    Name {
        /// What is asked for.
        kind: Kind,
        /// What stands there.
        text: String,
    },
    /// The query is not one question.
    #[error("a guard's query is one SELECT")]
    Query,
    /// No statement follows.
    #[error("`limbeck:{0}` stands before no statement")]
    Loose(&'static str),
    /// It stands inside a statement.
    #[error("`limbeck:{0}` stands inside a statement; it belongs above it")]
    Inside(&'static str),
}

fn kinds() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}

impl Guard {
    /// Reads what follows `if` or `unless`.
    pub fn read(lexis: &Lexis, when: When, text: &str) -> Result<Self, GuardError> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        if word.eq_ignore_ascii_case("query") {
            let parts = split(lexis, rest, Span::whole(rest)).map_err(|_| GuardError::Query)?;
            let [only] = parts.as_slice() else { return Err(GuardError::Query) };
            let query = &rest[only.span.start..only.span.end];
            if shape(lexis, query).act != Act::Query {
                return Err(GuardError::Query);
            }
            return Ok(Self { when, condition: Condition::Query(query.to_owned()) });
        }
        let kind = Kind::ALL.into_iter().find(|kind| word.eq_ignore_ascii_case(kind.name()));
        let kind = kind.ok_or(GuardError::Kind(when.name()))?;
        let object = Object::read(lexis, kind, rest)
            .ok_or_else(|| GuardError::Name { kind, text: rest.to_owned() })?;
        Ok(Self { when, condition: Condition::Object(object) })
    }

    /// As people say it: `unless column t.c is there`, `if SELECT 1 FROM t finds a row`.
    pub fn in_words(&self) -> String {
        match &self.condition {
            Condition::Object(object) => format!("{} {object} is there", self.when.name()),
            Condition::Query(query) => format!("{} {query} finds a row", self.when.name()),
        }
    }

    /// Whether the statement runs, given whether the condition holds.
    pub fn lets_run(&self, holds: Holds) -> bool {
        (self.when == When::If) == (holds == Holds::Yes)
    }
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// As it is written in a file: `unless column t.c`.
impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.condition {
            Condition::Object(object) => write!(f, "{} {object}", self.when.name()),
            Condition::Query(query) => write!(f, "{} query {query}", self.when.name()),
        }
    }
}
