//! What is one transaction within a step: decided from the file's directive, its statements, and the server.

use crate::chain::{Script, Wrapping};
use crate::dialect::{Ddl, Server};
use crate::sql::shape::{self, Shape};
use crate::sql::{SourceText, Span};

use super::Transactions;

/// What is one transaction within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// limbeck's own, around the statements `from..to` and the row writes. What stands before and after runs outside
    /// of it: SQLite's pragmas, which a transaction would silently ignore.
    Wrapped {
        /// The first statement inside.
        from: usize,
        /// The first statement after it.
        to: usize,
    },
    /// The file's own `BEGIN … COMMIT`; the row writes join it.
    Own,
    /// None: every statement stands for itself, and the books count them.
    Each,
}

/// What can be wrong with the transactions of a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Statements that need a transaction beside one that cannot have it.
    #[error("this statement cannot run inside a transaction ({0}), and the section has others that should")]
    Mixed(&'static str),
    /// The same, inside the file's own transaction.
    #[error("this statement cannot run inside a transaction ({0}), and the file opens one around it")]
    InsideOwn(&'static str),
    /// A transaction that does not end.
    #[error("the transaction that begins here is never committed")]
    Unclosed,
    /// An end without a beginning.
    #[error("there is no transaction to end here")]
    Unopened,
    /// A transaction inside a transaction.
    #[error("a transaction is open here already")]
    Nested,
}

/// Decides what is one transaction in a script, from its statements and the server.
pub(crate) fn decide(
    script: &Script,
    source: &SourceText,
    server: &Server,
    wanted: Transactions,
) -> Result<Transaction, (ScriptError, Span)> {
    let lexis = server.dialect().lexis();
    let count = script.statements.len();
    let shapes: Vec<Shape> =
        script.statements.iter().map(|statement| shape::shape(lexis, source.slice(statement.span))).collect();
    let span = |at: usize| script.statements[at].span;

    let blocks = match own_transactions(&shapes) {
        Ok(blocks) => blocks,
        // There a COMMIT may end what DDL or autocommit opened, and a BEGIN commits what was open.
        Err((ScriptError::Unopened | ScriptError::Nested, _)) if server.ddl() == Ddl::Committing => {
            Vec::new()
        }
        Err((kind, at)) => return Err((kind, span(at))),
    };
    let apart = wanted == Transactions::None && blocks.is_empty();
    if server.ddl() == Ddl::Committing || script.wrapping == Wrapping::Forbidden || apart {
        return Ok(Transaction::Each);
    }
    let outside = |at: usize| shapes[at].outside.map(|reason| (at, reason));
    if !blocks.is_empty() {
        for (begin, end) in &blocks {
            if let Some((at, reason)) = (*begin..*end).find_map(outside) {
                return Err((ScriptError::InsideOwn(reason), span(at)));
            }
        }
        let all = blocks.as_slice() == [(0, count - 1)] && shapes[count - 1].act == shape::Act::Commit;
        return Ok(if all { Transaction::Own } else { Transaction::Each });
    }
    let from = (0..count).position(|at| outside(at).is_none()).unwrap_or(count);
    let to = (0..count).rposition(|at| outside(at).is_none()).map_or(count, |last| last + 1);
    if from == count && count > 0 {
        return Ok(Transaction::Each);
    }
    let lifted = |at: usize| shapes[at].act == shape::Act::Pragma;
    let stray = (0..count).filter_map(outside).find(|(at, _)| (from..to).contains(at) || !lifted(*at));
    match stray {
        Some((at, reason)) => Err((ScriptError::Mixed(reason), span(at))),
        None => Ok(Transaction::Wrapped { from, to }),
    }
}

/// The transactions that a script opens and ends itself, as (first, last) statement.
fn own_transactions(shapes: &[Shape]) -> Result<Vec<(usize, usize)>, (ScriptError, usize)> {
    let mut blocks = Vec::new();
    let mut open = None;
    for (at, shape) in shapes.iter().enumerate() {
        match (shape.act, open) {
            (shape::Act::Begin, None) => open = Some(at),
            (shape::Act::Begin, Some(_)) => return Err((ScriptError::Nested, at)),
            (shape::Act::Commit | shape::Act::Rollback, None) => return Err((ScriptError::Unopened, at)),
            (shape::Act::Commit | shape::Act::Rollback, Some(begin)) => {
                blocks.push((begin, at));
                open = None;
            }
            _ => {}
        }
    }
    match open {
        Some(at) => Err((ScriptError::Unclosed, at)),
        None => Ok(blocks),
    }
}
