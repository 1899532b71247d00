//! A change of one revision file, as a value: which piece of the text becomes what. All around it stays, byte for byte.

use crate::sql::lexis::Lexis;
use crate::sql::split::line_comments;
use crate::sql::{SourceText, Span};

use super::layout::{self, Layout, header};
use super::{Direction, RevisionId};

/// One change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The file as it was read, without a byte order mark.
    pub source: SourceText,
    /// The piece that changes.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// The bytes of UTF-8's byte order mark, which is not part of a [`SourceText`].
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl Edit {
    /// The bytes of the changed file; none where `before` is not the file that was read.
    pub fn applied_to(&self, before: &[u8]) -> Option<Vec<u8>> {
        let mark = if before.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        if &before[mark..] != self.source.text().as_bytes() {
            return None;
        }
        let Span { start, end } = self.span;
        Some([&before[..mark + start], self.text.as_bytes(), &before[mark + end..]].concat())
    }

    /// The change in the form of `diff -u`, without context.
    pub fn diff(&self) -> String {
        let text = self.source.text();
        let from = text[..self.span.start].rfind('\n').map_or(0, |at| at + 1);
        let to = text[self.span.end..].find('\n').map_or(text.len(), |at| self.span.end + at);
        let line = self.source.position(from).line;
        let old = (self.span.start < self.span.end || to > from).then(|| &text[from..to]);
        let new = format!("{}{}{}", &text[from..self.span.start], self.text, &text[self.span.end..to]);
        let marked = |mark: char, lines: &str| -> String {
            lines.split('\n').map(|line| format!("{mark}{}\n", line.trim_end_matches('\r'))).collect()
        };
        let name = self.source.name();
        let count = new.split('\n').count();
        let place = if count == 1 { format!("+{line}") } else { format!("+{line},{count}") };
        format!(
            "--- {name}\n+++ {name}\n@@ -{line} {place} @@\n{}{}",
            old.map(|old| marked('-', old)).unwrap_or_default(),
            marked('+', &new)
        )
    }
}

/// A header line: the comment, and the value behind its colon.
struct Line {
    comment: Span,
    value: Span,
}

impl Layout {
    /// The edit after which the revision of this file stands on `to` where it stood on `from`; on nothing where `to` is
    /// none.
    pub fn reparented(
        &self,
        lexis: &Lexis,
        source: &SourceText,
        from: Option<&RevisionId>,
        to: Option<&RevisionId>,
    ) -> Option<Edit> {
        let edit = |span, text: String| Some(Edit { source: source.clone(), span, text });
        let Some(line) = self.header_line(lexis, source, header::PARENTS) else {
            let id = self.header_line(lexis, source, header::ID)?;
            return edit_below(source, &id, &format!("{}: {}", header::PARENTS, to?));
        };
        let old = from.and_then(|from| item(source, line.value, from.as_str()));
        match (old, to) {
            (Some(old), Some(to)) => edit(old, to.to_string()),
            (_, to) => edit(line.value, to.map(|to| format!(" {to}")).unwrap_or_default()),
        }
    }

    /// The text of one section, without the line that opens it and without those that are about all of it.
    pub fn body(&self, lexis: &Lexis, source: &SourceText, direction: Direction) -> Option<String> {
        let comments = line_comments(lexis, source.text()).ok()?;
        let directives: Vec<_> =
            comments.into_iter().filter_map(|span| self.directive(source, span).ok().flatten()).collect();
        let first = directives.iter().position(|directive| directive.word == direction.verb())?;
        let mut body = String::new();
        let mut from = directives[first].span.end;
        for directive in &directives[first + 1..] {
            let line = source.text()[..directive.span.start].rfind('\n').map_or(0, |at| at + 1).max(from);
            if directive.begins_section() {
                body.push_str(&source.text()[from..line]);
                return Some(trimmed(&body));
            }
            // What is said of all of a section is said of the whole by whoever takes its text.
            let whole = ["no-transaction", "lock-wait", "statement-timeout", "revision-timeout"];
            if whole.contains(&directive.word) {
                body.push_str(&source.text()[from..line]);
                from = directive.span.end;
            }
        }
        body.push_str(&source.text()[from..]);
        Some(trimmed(&body))
    }

    /// The header line of this name, in the comments before the first directive.
    fn header_line(&self, lexis: &Lexis, source: &SourceText, name: &str) -> Option<Line> {
        let comments = line_comments(lexis, source.text()).ok()?;
        let head = comments.into_iter().take_while(|span| matches!(self.directive(source, *span), Ok(None)));
        head.map(|comment| (comment, source.slice(comment))).find_map(|(comment, text)| {
            let (before, _) = text.split_once(':')?;
            let found = before.trim_start_matches(['-', '#']).trim();
            let end = comment.start + text.trim_end_matches(['\r', '\n']).len();
            let value = Span { start: comment.start + before.len() + 1, end };
            found.eq_ignore_ascii_case(name).then_some(Line { comment, value })
        })
    }
}

/// A text without the empty lines around it, and with one line end.
fn trimmed(text: &str) -> String {
    let text = text.trim_start_matches(['\r', '\n']).trim_end();
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

/// Where one item of a list like `a, 'b'` stands, without its quotes.
fn item(source: &SourceText, value: Span, wanted: &str) -> Option<Span> {
    let text = source.slice(value);
    let mut at = 0;
    text.split(layout::BETWEEN).find_map(|piece| {
        let start = value.start + at;
        at += piece.len() + 1;
        let bare = layout::bare(piece);
        let inside = piece.find(bare).unwrap_or(0);
        (bare == wanted).then_some(Span { start: start + inside, end: start + inside + bare.len() })
    })
}

/// A new header line below another, written as that one is: the same dashes, the same indentation, the same line end.
fn edit_below(source: &SourceText, above: &Line, says: &str) -> Option<Edit> {
    let text = source.text();
    let start = text[..above.comment.start].rfind('\n').map_or(0, |at| at + 1);
    let feed = above.comment.start + text[above.comment.start..].find('\n')?;
    let line_end = if text[..feed].ends_with('\r') { "\r\n" } else { "\n" };
    let comment = source.slice(above.comment);
    let dashes = comment.len() - comment.trim_start_matches(['-', '#']).trim_start().len();
    let prefix = &text[start..above.comment.start + dashes];
    let end = feed + 1;
    let span = Span { start: end, end };
    Some(Edit { source: source.clone(), span, text: format!("{prefix}{says}{line_end}") })
}
