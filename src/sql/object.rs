//! A part of a schema that can be there or not: what guards ask for and what statements make or remove.

use std::fmt;

use super::lexis::Lexis;
use super::words::Words;

/// A part of a schema, named as the catalogue names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// The table it belongs to, where one is named: its parts, the schema first.
    pub table: Option<Vec<String>>,
    /// Its name: its parts, the schema first.
    pub name: Vec<String>,
}

/// The kinds of objects whose presence can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A table.
    Table,
    /// A view, materialized ones included.
    View,
    /// A column of a table.
    Column,
    /// An index.
    Index,
    /// A constraint of a table.
    Constraint,
}

impl Kind {
    /// All of them, in the order in which they are listed to people.
    pub const ALL: [Self; 5] = [Self::Table, Self::Column, Self::Index, Self::Constraint, Self::View];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::Column => "column",
            Self::Index => "index",
            Self::Constraint => "constraint",
        }
    }
}

impl Object {
    /// An object that belongs to no table.
    pub fn new(kind: Kind, name: Vec<String>) -> Self {
        Self { kind, table: None, name }
    }

    /// An object of a table.
    pub fn of(table: &[String], kind: Kind, name: Vec<String>) -> Self {
        Self { kind, table: Some(table.to_vec()), name }
    }

    /// Its name with its schema, where that is known: an index lies in the schema of its table.
    pub fn path(&self) -> Vec<String> {
        let schema = match (self.name.as_slice(), self.table.as_deref()) {
            ([_], Some([schema @ .., _])) => schema,
            _ => &[],
        };
        schema.iter().chain(&self.name).cloned().collect()
    }

    /// Reads a name as a person writes it in SQL: `t`, `s.t`, `"My Table"`, for a column `t.c`. None when it is no name,
    /// or a column without its table.
    pub fn read(lexis: &Lexis, kind: Kind, text: &str) -> Option<Self> {
        let mut words = Words::new(lexis, text);
        let mut name = words.path()?;
        if words.next().is_some() {
            return None;
        }
        let table = match kind {
            Kind::Column | Kind::Constraint => {
                let own = name.split_off(name.len() - 1);
                Some(std::mem::replace(&mut name, own)).filter(|table| !table.is_empty())
            }
            Kind::Table | Kind::View | Kind::Index => None,
        };
        (kind != Kind::Column || table.is_some()).then_some(Self { kind, table, name })
    }
}

/// `column t.c`, `table s.t`.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind.name())?;
        for part in self.table.iter().flatten() {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name.join("."))
    }
}
