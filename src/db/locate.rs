//! Where in a statement a server saw an error, from what it said.

use crate::batch::{Batch, Origin, Part};
use crate::sql::Lexer;
use crate::sql::lexis::Lexis;
use crate::sql::{SourceText, Span, Statement};

use super::driver::ServerError;

/// The place of an error in the revision's file: as near as the server's words allow, else the whole first line of
/// the statement.
pub(super) fn in_file(
    error: &ServerError,
    batch: &Batch,
    part: Part,
    statements: &[Statement],
    source: &SourceText,
    lexis: &Lexis,
) -> Option<Span> {
    let Origin::Statement(index) = part.origin else { return None };
    let home = statements.get(index)?.span;
    let text = source.slice(home);
    let inside = by_position(error, batch, part)
        .or_else(|| by_words(&error.message, text, lexis))
        .unwrap_or_else(|| Span { start: 0, end: text.find('\n').unwrap_or(text.len()) });
    let end = home.start + inside.end.clamp(inside.start, text.len());
    Some(Span { start: home.start + inside.start, end: end.max(home.start + inside.start) })
}

/// PostgreSQL counts characters from the start of the message.
fn by_position(error: &ServerError, batch: &Batch, part: Part) -> Option<Span> {
    let offset = batch.text().char_indices().nth(error.position?.checked_sub(1)?)?.0;
    let start = offset.checked_sub(part.span.start)?;
    let rest = batch.text().get(offset..part.span.end)?;
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(Span { start, end: start + word.max(1) })
}

/// SQLite and MySQL quote a piece of the statement: `near "FOO"`, `near 'FOO bar' at line 2`, `no such table: t`,
/// `Table 'db.t' doesn't exist`.
fn by_words(message: &str, text: &str, lexis: &Lexis) -> Option<Span> {
    if let Some(rest) = message.split("near '").nth(1)
        && let Some(end) = rest.rfind("' at line")
    {
        let quoted = &rest[..end];
        if let Some(start) = text.find(quoted).filter(|_| !quoted.is_empty()) {
            let word = quoted.find(char::is_whitespace).unwrap_or(quoted.len());
            return Some(Span { start, end: start + word });
        }
    }
    let candidates =
        quoted(message).chain(message.rsplit_once(": ").map(|(_, name)| name)).chain(named(message));
    let names: Vec<&str> = candidates.map(|name| name.rsplit('.').next().unwrap_or(name)).collect();
    names.into_iter().filter(|name| !name.is_empty()).find_map(|name| token(name, text, lexis))
}

fn quoted(message: &str) -> impl Iterator<Item = &str> {
    let double = message.split('"').skip(1).step_by(2);
    let single = message.split('\'').skip(1).step_by(2);
    double.chain(single)
}

/// `table users already exists`, `index ix already exists`.
fn named(message: &str) -> Option<&str> {
    let mut words = message.split_whitespace();
    words.find(|word| matches!(*word, "table" | "index" | "view" | "trigger"))?;
    words.next()
}

fn token(name: &str, text: &str, lexis: &Lexis) -> Option<Span> {
    Lexer::new(lexis, text, Span::whole(text)).filter_map(Result::ok).map(|token| token.span).find(|span| {
        let word = text[span.start..span.end].trim_matches(['"', '`', '[', ']', '\'']);
        word.eq_ignore_ascii_case(name)
    })
}
