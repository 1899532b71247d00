//! What SQL text is made of, and what cannot be made out.

use std::error::Error;
use std::fmt;

use super::Span;
use super::lexer::Lexer;
use super::lexis::Lexis;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword or an unquoted identifier.
    Word,
    /// An identifier in quotes, quotes included.
    QuotedIdentifier,
    /// A string literal of any form, with its prefix.
    Text,
    /// A number; also an identifier that begins with a digit.
    Number,
    /// One character of punctuation or of an operator.
    Symbol,
    /// A `;`.
    Semicolon,
    /// A comment up to the end of its line, which is not part of it.
    LineComment,
    /// A `/* */` comment.
    BlockComment,
    /// A `/*+ */` that the server heeds.
    Hint,
    /// A `/*! */` or `/*M! */` whose content is code.
    ExecutableComment,
}

impl TokenKind {
    /// Says whether the token separates statements' parts without being one: comments and hints.
    pub(super) fn is_trivia(self) -> bool {
        matches!(self, Self::LineComment | Self::BlockComment | Self::Hint)
    }
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands in the whole text.
    pub span: Span,
}

/// Something was opened and never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexError {
    /// What was opened.
    pub kind: LexErrorKind,
    /// Where it was opened: the opening quote or comment mark.
    pub span: Span,
}

/// What was opened and never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexErrorKind {
    /// A string.
    Text,
    /// A quoted identifier.
    Identifier,
    /// A dollar-quoted string.
    DollarQuote,
    /// A block comment, executable or not.
    Comment,
}

impl fmt::Display for LexErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text => "unterminated string: the quote opened here is never closed",
            Self::Identifier => "unterminated identifier: the quote opened here is never closed",
            Self::DollarQuote => "unterminated dollar-quoted string: the tag opened here never comes again",
            Self::Comment => "unterminated comment: the /* opened here is never closed with */",
        })
    }
}

impl fmt::Display for LexError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(formatter)
    }
}

impl Error for LexError {}

/// Yields the texts of all tokens that count for a checksum: no comments, but hints and executable comments.
pub fn significant<'a>(lexis: &'a Lexis, text: &'a str) -> impl Iterator<Item = Result<&'a str, LexError>> {
    Lexer::new(lexis, text, Span::whole(text)).filter_map(move |token| match token {
        Ok(Token { kind: TokenKind::LineComment | TokenKind::BlockComment, .. }) => None,
        Ok(Token { span, .. }) => Some(Ok(&text[span.start..span.end])),
        Err(error) => Some(Err(error)),
    })
}

/// Writes `word` in capitals, to be matched against keywords; empty when it is longer than any of them.
pub(super) fn keyword<'b>(word: &str, buffer: &'b mut [u8; 16]) -> &'b str {
    let Some(room) = buffer.get_mut(..word.len()) else {
        return "";
    };
    room.copy_from_slice(word.as_bytes());
    room.make_ascii_uppercase();
    str::from_utf8(room).unwrap_or_default()
}
