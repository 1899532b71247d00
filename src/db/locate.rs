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
        .or_else(|| by_rest(&error.message, batch, part))
        .or_else(|| if error.inside { None } else { by_words(&error.message, text, lexis) })
        .unwrap_or_else(|| Span { start: 0, end: text.find('\n').unwrap_or(text.len()) });
    let end = home.start + inside.end.clamp(inside.start, text.len());
    Some(Span { start: home.start + inside.start, end: end.max(home.start + inside.start) })
}

/// The statement of a message that the server's position lies in.
pub(super) fn part(error: &ServerError, batch: &Batch) -> Option<Part> {
    let at = offset(error, batch)?;
    batch.parts().iter().find(|part| (part.span.start..=part.span.end).contains(&at)).copied()
}

/// PostgreSQL counts characters from the start of the message.
fn offset(error: &ServerError, batch: &Batch) -> Option<usize> {
    let characters = error.position?.checked_sub(1)?;
    let ends = batch.text().char_indices().map(|(at, _)| at).chain([batch.text().len()]);
    ends.into_iter().nth(characters)
}

fn by_position(error: &ServerError, batch: &Batch, part: Part) -> Option<Span> {
    let offset = offset(error, batch)?;
    let start = offset.checked_sub(part.span.start)?;
    let rest = batch.text().get(offset..part.span.end)?;
    Some(Span { start, end: start + word(rest) })
}

/// The length of the word that a text begins with, else of its first character.
fn word(text: &str) -> usize {
    let first = text.chars().next().map_or(0, char::len_utf8);
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()).max(first)
}

/// MySQL and MariaDB quote what is left of the message from the error on, and cut it off somewhere:
/// `near 'FOO bar' at line 2`. The line is counted from the start of the statement.
fn by_rest(message: &str, batch: &Batch, part: Part) -> Option<Span> {
    let (rest, line) = message.split_once("near '")?.1.rsplit_once("' at line ")?;
    let rest = rest.strip_suffix("...").unwrap_or(rest);
    let line: usize = line.trim().parse().ok()?;
    let text = &batch.text()[part.span.start..];
    let starts: Vec<usize> = text.match_indices(rest).map(|(at, _)| at).collect();
    let on_line = |at: &&usize| text[..**at].matches('\n').count() + 1 == line;
    let at = *starts.iter().filter(|_| !rest.is_empty()).find(on_line)?;
    // MariaDB begins behind a `,` or a `(` that it did not expect.
    let before = text[..at].trim_end();
    let start = match rest.starts_with(char::is_whitespace) {
        true => before.char_indices().next_back()?.0,
        false => at,
    };
    let left = text.get(start..part.span.end - part.span.start).filter(|left| !left.is_empty())?;
    Some(Span { start, end: start + word(left) })
}

/// Servers quote a name or a piece of the statement: `near "FOO"`, `no such table: t`, `Table 'db.t' doesn't exist`.
///
/// What stands in the statement several times may be meant at any of them, so it says nothing; but a table that does not
/// exist, or exists already, is the same wherever it is named.
fn by_words(message: &str, text: &str, lexis: &Lexis) -> Option<Span> {
    // The value of a duplicate key need not come from the statement.
    let message = message
        .strip_prefix("Duplicate entry ")
        .and_then(|rest| rest.split_once(" for "))
        .map_or(message, |at| at.1);
    let anywhere =
        ["no such table", "doesn't exist", "already exists"].iter().any(|words| message.contains(words));
    let tokens: Vec<Span> =
        Lexer::new(lexis, text, Span::whole(text)).filter_map(Result::ok).map(|token| token.span).collect();
    let candidates =
        quoted(message).chain(message.rsplit_once(": ").map(|(_, name)| name)).chain(named(message));
    candidates.filter(|name| !name.is_empty()).find_map(|name| {
        let last = name.rsplit('.').next().unwrap_or(name);
        let mut found = mentions(name, text, &tokens);
        if found.is_empty() {
            found = mentions(last, text, &tokens);
        }
        found.first().copied().filter(|_| anywhere || found.len() == 1)
    })
}

fn quoted(message: &str) -> impl Iterator<Item = &str> {
    let double = message.split('"').skip(1).step_by(2);
    let single = message.split('\'').skip(1).step_by(2);
    double.chain(single)
}

/// `table users already exists`, `index ix already exists`, `table users has no column named age`.
fn named(message: &str) -> Option<&str> {
    if let Some((_, name)) = message.split_once(" column named ") {
        return Some(name);
    }
    let mut words = message.split_whitespace();
    words.find(|word| matches!(*word, "table" | "index" | "view" | "trigger"))?;
    words.next()
}

/// Where `name` stands, which may be several tokens with dots between them.
fn mentions(name: &str, text: &str, tokens: &[Span]) -> Vec<Span> {
    let is = |span: &Span, word: &str| {
        let token = &text[span.start..span.end];
        let bare = token.trim_matches(['"', '`', '[', ']', '\'']);
        token == word || bare.eq_ignore_ascii_case(word)
    };
    let parts: Vec<&str> = if name == "." { vec![name] } else { name.split('.').collect() };
    let length = parts.len() * 2 - 1;
    let matches = |window: &&[Span]| {
        let dots = window.iter().skip(1).step_by(2).all(|span| is(span, "."));
        dots && window.iter().step_by(2).zip(&parts).all(|(span, part)| is(span, part))
    };
    let found = tokens.windows(length).filter(matches);
    found.map(|window| Span { start: window[0].start, end: window[length - 1].end }).collect()
}
