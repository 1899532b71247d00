//! How a revision is written down: file names and markers as data, one reader, one writer.

use std::fmt::Write as _;

use crate::duration::DurationError;
use crate::sql::lexis::Lexis;
use crate::sql::split::line_comments;
use crate::sql::split::{self, SplitError};
use crate::sql::token::LexError;
use crate::sql::{SourceText, Span};

use super::guard::GuardError;
use super::revision::{Checksum, Digests, Downgrade, Revision, RevisionId};
use super::section::{DIRECTIVES, Directive, Sections, nearest};

/// How a tool names its revision files and marks what is in them.
#[derive(Debug)]
pub struct Layout {
    /// What every file name ends with.
    pub extension: &'static str,
    /// What stands between a comment's dashes and a directive.
    pub directive: &'static str,
    /// What stands before the number in a file name.
    pub number: &'static str,
}

/// limbeck's own: one file for both ways, header in comments.
pub const LIMBECK: Layout = Layout { extension: ".sql", directive: "limbeck:", number: "_version_" };

/// The header lines, in the order in which they are written.
pub(super) mod header {
    pub(in crate::chain) const ID: &str = "Revision ID";
    pub(in crate::chain) const PARENTS: &str = "Revises";
    pub(super) const CREATED: &str = "Create Date";
    pub(super) const LABELS: &str = "Branch Labels";
    pub(super) const DEPENDS: &str = "Depends On";
    pub(super) const REPLACES: &str = "Replaces";
    pub(super) const ALL: [&str; 6] = [ID, PARENTS, CREATED, LABELS, DEPENDS, REPLACES];
}

/// A revision file that could not be read as one.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct LayoutError {
    /// What is wrong.
    #[source]
    pub kind: LayoutErrorKind,
    /// The file.
    pub source_text: SourceText,
    /// The place in it.
    pub span: Span,
}

/// What can be wrong with a revision file.
#[derive(Debug, thiserror::Error)]
pub enum LayoutErrorKind {
    /// The header has no id.
    #[error("the header has no `Revision ID:` line")]
    NoRevisionId,
    /// The id has a character that an id cannot have.
    #[error("`{0}` cannot be a revision id: letters, digits, `_`, `-` and `.` can, 64 of them at most")]
    BadRevisionId(String),
    /// A header line that looks like a known one and is none.
    #[error("unknown header line `{found}:`, did you mean `{known}:`?")]
    HeaderMisspelt {
        /// What stands there.
        found: String,
        /// The known line that looks like it.
        known: &'static str,
    },
    /// A header line stands twice.
    #[error("the header line `{0}:` stands twice")]
    HeaderTwice(&'static str),
    /// A directive that limbeck does not know.
    #[error("unknown directive `limbeck:{word}`{}", nearest.map(|n| format!(", did you mean `limbeck:{n}`?")).unwrap_or_default())]
    UnknownDirective {
        /// The word behind the colon.
        word: String,
        /// The known word that looks like it.
        nearest: Option<&'static str>,
    },
    /// A directive of a section where no section has begun.
    #[error(
        "`limbeck:{0}` stands before any section; it belongs below `-- limbeck:upgrade` or `-- limbeck:downgrade`"
    )]
    BeforeSection(&'static str),
    /// A directive that needs a length of time has none.
    #[error("`limbeck:{word}`: {error}")]
    Time {
        /// The directive.
        word: &'static str,
        /// What is wrong.
        error: DurationError,
    },
    /// A directive that can stand once in a section stands twice.
    #[error("`limbeck:{0}` stands twice in this section")]
    DirectiveTwice(&'static str),
    /// A guard that cannot be read.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// A directive says more than it can.
    #[error("`limbeck:{0}` takes nothing behind it")]
    Surplus(&'static str),
    /// The same section twice.
    #[error("the section `limbeck:{0}` begins twice")]
    SectionTwice(&'static str),
    /// No upgrade section.
    #[error("the file has no `-- limbeck:upgrade` section")]
    NoUpgrade,
    /// SQL in front of the first section.
    #[error("SQL stands before the first section")]
    SqlBeforeSection,
    /// `irreversible` without a reason.
    #[error("`limbeck:irreversible` needs a reason: `-- limbeck:irreversible REASON`")]
    NoReason,
    /// Both a way back and the statement that there is none.
    #[error("the file has a downgrade section and says that it is irreversible")]
    IrreversibleDowngrade,
    /// Several statements where one is meant.
    #[error("several statements in one DELIMITER block: end each of them with the block's delimiter")]
    SeveralStatements,
    /// The file is not UTF-8.
    #[error("the file is not UTF-8 (byte {0} is not)")]
    NotUtf8(usize),
    /// The section cannot be cut into statements.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The text cannot be cut into tokens.
    #[error(transparent)]
    Lex(#[from] LexError),
}

impl Layout {
    /// Whether a file of this name belongs to the chain.
    pub fn takes(&self, name: &str) -> bool {
        name.ends_with(self.extension) && !name.starts_with('.')
    }

    /// The number in a file name: 12 in `8bd9e9780557_cortex_db_version_12.sql`.
    pub fn number(&self, name: &str) -> Option<u64> {
        let stem = name.strip_suffix(self.extension)?;
        let (_, tail) = stem.rsplit_once(self.number)?;
        let digits = tail.split('_').next().unwrap_or(tail);
        digits.parse().ok()
    }

    /// Reads one file. `name` is its path as people see it.
    pub fn read(&self, lexis: &Lexis, name: &str, bytes: Vec<u8>) -> Result<Revision, Box<LayoutError>> {
        let source = source_text(name, bytes)?;
        let fail = |kind: LayoutErrorKind, span: Span| {
            Box::new(LayoutError { kind, source_text: source.clone(), span })
        };
        let comments = line_comments(lexis, source.text()).map_err(|error| {
            let span = error.span;
            fail(error.into(), span)
        })?;

        let mut directives = Vec::new();
        for span in &comments {
            if let Some(directive) = self.directive(&source, *span).map_err(|kind| fail(kind, *span))? {
                directives.push(directive);
            }
        }
        let body = directives.first().map_or(source.text().len(), |first| first.span.start);
        let head = read_header(&source, comments.iter().copied().take_while(|span| span.start < body))
            .map_err(|(kind, span)| fail(kind, span))?;
        let Some(id) = head.id else {
            return Err(fail(LayoutErrorKind::NoRevisionId, source.span_of_line(1)));
        };

        let before = Span { start: 0, end: body };
        let stray = split::split(lexis, source.text(), before).map_err(|error| {
            let span = error.span;
            fail(error.into(), span)
        })?;
        if let Some(stray) = stray.first() {
            return Err(fail(LayoutErrorKind::SqlBeforeSection, stray.span));
        }

        let mut sections = Sections::default();
        for (index, directive) in directives.iter().enumerate() {
            let end = directives[index + 1..]
                .iter()
                .find(|next| next.begins_section())
                .map_or(source.text().len(), |next| next.span.start);
            let within = Span { start: directive.span.end, end };
            sections.add(lexis, &source, directive, within).map_err(|(kind, span)| fail(kind, span))?;
        }
        let Some(upgrade) = sections.upgrade else {
            return Err(fail(LayoutErrorKind::NoUpgrade, source.span_of_line(1)));
        };
        let downgrade = match (sections.downgrade, sections.irreversible) {
            (Some(_), Some((_, span))) => return Err(fail(LayoutErrorKind::IrreversibleDowngrade, span)),
            (Some(script), None) => Downgrade::Script(script),
            (None, Some((reason, _))) => Downgrade::Irreversible(reason),
            (None, None) => Downgrade::Missing,
        };
        let digest = Digests {
            tokens: Checksum::of_tokens(lexis, &source, &upgrade).map_err(|error| {
                let span = error.span;
                fail(error.into(), span)
            })?,
            bytes: Checksum::of_bytes(source.text()),
        };
        let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        Ok(Revision {
            id,
            parents: head.parents.iter().map(|parent| RevisionId::from(parent.as_str())).collect(),
            depends_on: head.depends_on,
            labels: head.labels,
            replaces: head.replaces.iter().map(|id| RevisionId::from(id.as_str())).collect(),
            message: head.message,
            created: head.created,
            number: self.number(file_name),
            upgrade,
            downgrade,
            digest,
            source,
        })
    }

    /// Reads a comment as a directive, if it is one.
    pub(super) fn directive(
        &self,
        source: &SourceText,
        span: Span,
    ) -> Result<Option<Directive>, LayoutErrorKind> {
        let comment = source.slice(span).trim_start_matches(['-', '#']).trim_start();
        // In any case: a directive that is taken for a comment would run one section as part of another.
        let (Some(prefix), Some(said)) =
            (comment.get(..self.directive.len()), comment.get(self.directive.len()..))
        else {
            return Ok(None);
        };
        if !prefix.eq_ignore_ascii_case(self.directive) {
            return Ok(None);
        }
        let said = said.trim();
        let (word, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
        match DIRECTIVES.iter().find(|known| **known == word) {
            Some(known) => Ok(Some(Directive { word: known, rest: rest.trim().to_owned(), span })),
            None => Err(LayoutErrorKind::UnknownDirective { word: word.to_owned(), nearest: nearest(word) }),
        }
    }

    /// Whether a message is read as one, and not as a header line or a directive.
    pub fn is_message(&self, text: &str) -> bool {
        !text.get(..self.directive.len()).is_some_and(|start| start.eq_ignore_ascii_case(self.directive))
            && !text.starts_with(['-', '#'])
            && header_field(text).is_none()
    }

    /// Writes a new revision file.
    pub fn write(&self, new: &NewRevision<'_>) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "-- {}", new.message);
        text.push_str("--\n");
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "-- {name}: {value}");
        };
        line(header::ID, new.id);
        line(header::PARENTS, &new.parents.join(", "));
        if !new.labels.is_empty() {
            line(header::LABELS, &new.labels.join(", "));
        }
        if !new.depends_on.is_empty() {
            line(header::DEPENDS, &new.depends_on.join(", "));
        }
        if !new.replaces.is_empty() {
            line(header::REPLACES, &new.replaces.join(", "));
        }
        line(header::CREATED, new.created);
        let text = text.replace(": \n", ":\n");
        match new.sections {
            Some(sections) => format!("{text}\n{sections}"),
            None => format!("{text}\n-- {0}upgrade\n\n\n-- {0}downgrade\n\n", self.directive),
        }
    }
}

/// What a new revision file says.
#[derive(Debug)]
pub struct NewRevision<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it does, in one line.
    pub message: &'a str,
    /// The revisions it stands on.
    pub parents: &'a [String],
    /// Names for the branch that begins with it.
    pub labels: &'a [String],
    /// Revisions of other branches that it needs.
    pub depends_on: &'a [String],
    /// Revisions that it is written in place of.
    pub replaces: &'a [String],
    /// Its sections; two empty ones when there is nothing yet.
    pub sections: Option<&'a str>,
    /// When it is written.
    pub created: &'a str,
}

/// Reads the bytes of a file as text, without a byte order mark.
fn source_text(name: &str, bytes: Vec<u8>) -> Result<SourceText, Box<LayoutError>> {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').map_or(text.as_str(), |rest| rest);
            Ok(SourceText::new(name, text))
        }
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Err(Box::new(LayoutError {
                kind: LayoutErrorKind::NotUtf8(valid),
                source_text: SourceText::new(name, text),
                // What is no UTF-8 shows as one replacement character.
                span: Span { start: valid, end: valid + char::REPLACEMENT_CHARACTER.len_utf8() },
            }))
        }
    }
}

/// What the header says.
#[derive(Default)]
struct Header {
    message: String,
    id: Option<RevisionId>,
    parents: Vec<String>,
    depends_on: Vec<String>,
    labels: Vec<String>,
    replaces: Vec<String>,
    created: Option<String>,
}

pub(super) type Place<E> = (E, Span);

fn read_header(
    source: &SourceText,
    comments: impl Iterator<Item = Span>,
) -> Result<Header, Place<LayoutErrorKind>> {
    let mut head = Header::default();
    let mut seen: Vec<&'static str> = Vec::new();
    let mut message: Vec<&str> = Vec::new();
    let mut message_over = false;
    for span in comments {
        let line = source.slice(span).trim_start_matches(['-', '#']).trim();
        let Some((name, value)) = header_field(line) else {
            // A parent that is overlooked makes a root of the revision.
            if (message_over || !seen.is_empty())
                && let Some((found, known)) = misspelt(line)
            {
                return Err((LayoutErrorKind::HeaderMisspelt { found: found.to_owned(), known }, span));
            }
            if line.is_empty() {
                message_over |= !message.is_empty();
            } else if !message_over && seen.is_empty() {
                message.push(line);
            }
            continue;
        };
        if seen.contains(&name) {
            return Err((LayoutErrorKind::HeaderTwice(name), span));
        }
        seen.push(name);
        match name {
            header::ID => {
                if !value.is_empty() {
                    if !is_id(value) {
                        return Err((LayoutErrorKind::BadRevisionId(value.to_owned()), span));
                    }
                    head.id = Some(value.into());
                }
            }
            header::PARENTS => head.parents = list(value),
            header::LABELS => head.labels = list(value),
            header::DEPENDS => head.depends_on = list(value),
            header::REPLACES => head.replaces = list(value),
            _ => head.created = (!value.is_empty()).then(|| value.to_owned()),
        }
    }
    head.message = message.join(" ");
    Ok(head)
}

/// The name of a line that is almost a header line, and the name that is probably meant.
fn misspelt(line: &str) -> Option<(&str, &'static str)> {
    let found = line.split_once(':')?.0.trim();
    let distance = |known: &str| strsim::levenshtein(&found.to_lowercase(), &known.to_lowercase());
    header::ALL.into_iter().find(|known| distance(known) <= 2).map(|known| (found, known))
}

/// Reads a line as a header line: its name as limbeck writes it, and its value.
fn header_field(line: &str) -> Option<(&'static str, &str)> {
    let (name, value) = line.split_once(':')?;
    let known = header::ALL.into_iter().find(|known| known.eq_ignore_ascii_case(name.trim()))?;
    Some((known, value.trim()))
}

/// Whether a text can be a revision id.
pub fn is_id(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && text.len() <= 64 && text.chars().all(inside) && !text.starts_with('-')
}

/// What stands between two items of a list.
pub(super) const BETWEEN: [char; 2] = [',', ' '];

/// One item of a list without white space and quotes.
pub(super) fn bare(item: &str) -> &str {
    item.trim().trim_matches(['\'', '"'])
}

/// Reads `a, b`; Alembic's `None` for nothing is understood.
fn list(value: &str) -> Vec<String> {
    value
        .split(BETWEEN)
        .map(bare)
        .filter(|item| !item.is_empty() && *item != "None")
        .map(str::to_owned)
        .collect()
}
