//! What is known of the statements of a step.

use crate::dialect::{Ddl, Server};
use crate::sql::Span;
use crate::sql::lexis::Lexis;
use crate::sql::shape::{self, Act, Shape};

use super::Step;

impl Step {
    /// The text of one of its statements; nothing where there is none.
    pub fn text(&self, index: usize) -> &str {
        let statement = self.script().and_then(|script| script.statements.get(index));
        statement.map_or("", |statement| self.revision.source.slice(statement.span))
    }

    /// Where one of its statements stands in the file.
    pub fn span(&self, index: usize) -> Span {
        let statement = self.script().and_then(|script| script.statements.get(index));
        statement.map_or_else(Span::default, |statement| statement.span)
    }

    /// What each of its statements does.
    pub(crate) fn shapes(&self, lexis: &Lexis) -> Vec<Shape> {
        (0..self.statements()).map(|index| shape::shape(lexis, self.text(index))).collect()
    }

    /// Whether a statement of it sets something of whose name `part` is a part.
    pub(crate) fn says_set(&self, part: &str, shapes: &[Shape]) -> bool {
        shapes.iter().enumerate().any(|(index, shape)| {
            shape.act == Act::Set && self.text(index).to_ascii_lowercase().contains(part)
        })
    }

    /// Whether the script has transactions of its own, opened by a statement or by switching autocommit off: a rollback
    /// then takes the books' count back too.
    pub(crate) fn opens_transactions(&self, shapes: &[Shape]) -> bool {
        shapes.iter().any(|shape| shape.act == Act::Begin) || self.says_set("autocommit", shapes)
    }

    /// Whether it may let go of locks that its session holds: `DISCARD ALL` and the functions for that.
    pub(crate) fn may_let_go(&self) -> bool {
        const WORDS: [&str; 4] = ["discard", "advisory_unlock", "release_lock", "release_all_locks"];
        (0..self.statements()).any(|index| {
            let text = self.text(index).to_ascii_lowercase();
            WORDS.iter().any(|word| text.contains(word))
        })
    }

    /// Whether a statement and its count in the books are one transaction, so that the count is exact whatever dies.
    pub(crate) fn counts_with(&self, index: usize, shapes: &[Shape], server: &Server) -> bool {
        let Some(shape) = shapes.get(index) else { return false };
        let undone = match shape.act {
            Act::Insert | Act::Update | Act::Delete => true,
            Act::Create(_) | Act::Alter(_) | Act::Drop(_) | Act::Rename | Act::Truncate => {
                server.ddl() == Ddl::Transactional && shape.outside.is_none()
            }
            _ => false,
        };
        undone && counted(shapes).get(index) == Some(&true) && !self.opens_transactions(shapes)
    }
}

/// Whether the books can be written after each statement: not while `LOCK TABLES` leaves them out.
pub(crate) fn counted(shapes: &[Shape]) -> Vec<bool> {
    let mut locked = false;
    shapes
        .iter()
        .map(|shape| {
            match shape.act {
                Act::LockTables => locked = true,
                Act::UnlockTables => locked = false,
                _ => {}
            }
            !locked
        })
        .collect()
}
