//! SQL as text: where it is, which tokens and statements it is made of, and what a statement does.
//!
//! Nothing here knows a database. What differs from one dialect to the next is a value, [`Lexis`], that is handed in.

use std::sync::Arc;

mod body;
mod client;
mod comment;
pub mod effect;
pub mod leftover;
mod lexer;
pub mod lexis;
pub mod loss;
pub mod object;
pub mod pace;
pub mod shape;
pub mod split;
pub mod token;
mod words;

pub use lexer::Lexer;
pub use lexis::Lexis;
pub use object::Object;
pub use shape::{Act, ObjectKind, Shape, shape};
pub use split::{SplitError, SplitErrorKind, line_comments, split};
pub use token::{LexError, LexErrorKind, Token, TokenKind, significant};

/// The mark that some editors put in front of UTF-8; it is not part of the first line.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A piece of a text, in bytes from the start of that text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// Covers the whole of `text`.
    pub fn whole(text: &str) -> Self {
        Self { start: 0, end: text.len() }
    }

    /// Moves the ends inwards until they lie inside `text` and between two of its characters.
    fn clamped(self, text: &str) -> Self {
        let end = boundary_before(text, self.end);
        let mut start = self.start.min(end);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        Self { start, end }
    }
}

/// Returns the last place between two characters that is not behind `offset`.
fn boundary_before(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// A place as people count it: both numbers start at 1, the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in that line.
    pub column: usize,
}

/// One statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// From its first token to the delimiter; comments in front are left out, comments inside are kept.
    pub span: Span,
    /// Whether its text ends in a line comment: a `;` needs a newline in front, or becomes part of it.
    pub ends_in_line_comment: bool,
    /// Where a second statement begins to hide: the `;` between several statements in one `DELIMITER` chunk.
    ///
    /// A server takes one statement at a time, so such a chunk has to be refused before it is sent.
    pub inner: Option<Span>,
}

/// A text and the name it is shown under; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    name: Arc<str>,
    text: Arc<str>,
}

impl SourceText {
    /// Keeps `text` under `name`, which is the path as people know it.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Returns the path as shown to people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the piece that `span` covers, as far as it lies inside the text.
    pub fn slice(&self, span: Span) -> &str {
        let span = span.clamped(&self.text);
        &self.text[span.start..span.end]
    }

    /// Returns the line and column of the character at `offset`; past the end, those of the end.
    pub fn position(&self, offset: usize) -> Position {
        let before = &self.text[..boundary_before(&self.text, offset)];
        let before = before.strip_prefix(BYTE_ORDER_MARK).unwrap_or(before);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Returns line `number`, counted from 1, without its line end; empty when there is no such line.
    pub fn line(&self, number: usize) -> &str {
        self.slice(self.span_of_line(number))
    }

    /// Returns where line `number` lies, without its line end; the empty end of the text when there is no such line.
    pub fn span_of_line(&self, number: usize) -> Span {
        let text = &*self.text;
        let nowhere = Span { start: text.len(), end: text.len() };
        let Some(skipped) = number.checked_sub(1) else {
            return nowhere;
        };
        let mut start = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        for _ in 0..skipped {
            match text[start..].find('\n') {
                Some(newline) => start += newline + 1,
                None => return nowhere,
            }
        }
        let line = text[start..].split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        Span { start, end: start + line.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(text: &str, offset: usize) -> (usize, usize) {
        let position = SourceText::new("a.sql", text).position(offset);
        (position.line, position.column)
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("ab\ncd", 1), (1, 2));
        assert_eq!(position("ab\ncd", 2), (1, 3));
        assert_eq!(position("ab\ncd", 3), (2, 1));
        assert_eq!(position("ab\r\ncd", 5), (2, 2));
        assert_eq!(position("straße x", 8), (1, 8));
    }

    #[test]
    fn positions_outside_the_text_or_inside_a_character_are_moved_back() {
        assert_eq!(position("ab\n", 99), (2, 1));
        assert_eq!(position("aß", 2), (1, 2));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        assert_eq!(position("\u{feff}ab", 3), (1, 1));
        assert_eq!(position("\u{feff}ab", 4), (1, 2));
        assert_eq!(position("\u{feff}ab", 0), (1, 1));
        assert_eq!(SourceText::new("a.sql", "\u{feff}ab\nc").line(1), "ab");
    }

    #[test]
    fn lines_come_without_their_ends() {
        let source = SourceText::new("a.sql", "one\r\ntwo\n\nfour");
        assert_eq!(source.line(0), "");
        assert_eq!(source.line(1), "one");
        assert_eq!(source.line(2), "two");
        assert_eq!(source.line(3), "");
        assert_eq!(source.line(4), "four");
        assert_eq!(source.line(5), "");
        assert_eq!(source.span_of_line(2), Span { start: 5, end: 8 });
    }

    #[test]
    fn slices_are_cut_to_the_text() {
        let source = SourceText::new("a.sql", "aßb");
        assert_eq!(source.slice(Span { start: 1, end: 3 }), "ß");
        assert_eq!(source.slice(Span { start: 2, end: 99 }), "b");
        assert_eq!(source.slice(Span { start: 3, end: 1 }), "");
        assert_eq!(source.slice(Span { start: 50, end: 60 }), "");
    }
}
