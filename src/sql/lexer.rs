//! Text → tokens, without allocating. It never panics, and always moves on.

use super::lexis::{
    Backslash, Backtick, BlockComment, Bracket, Dollar, DoubleQuote, ExecutableComment, Hash, Hint, Hyphens,
    Lexis, LineEnd, OpenComment,
};
use super::token::{LexError, LexErrorKind, Token, TokenKind};
use super::{BYTE_ORDER_MARK, Span};

/// The tokens of a piece of text; the first error is the last item.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    lexis: &'a Lexis,
    /// The text up to the end of the piece: what lies behind is never looked at.
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of `within`; spans count from the beginning of `text`.
    pub fn new(lexis: &'a Lexis, text: &'a str, within: Span) -> Self {
        let within = within.clamped(text);
        let text = &text[..within.end];
        let marked = within.start == 0 && text.starts_with(BYTE_ORDER_MARK);
        Self { lexis, text, at: if marked { BYTE_ORDER_MARK.len() } else { within.start } }
    }

    /// Returns where the next token, or the space in front of it, begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Returns what has not been read yet.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Goes on at `at`, which must lie between two characters.
    pub(super) fn seek(&mut self, at: usize) {
        debug_assert!(self.text.is_char_boundary(at));
        self.at = at;
    }

    /// Passes over the rest of the line, up to its line feed.
    pub(super) fn skip_line(&mut self) {
        self.at = self.rest().find('\n').map_or(self.text.len(), |newline| self.at + newline);
    }

    /// Passes over white space.
    pub(super) fn skip_space(&mut self) {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() && CLASS[bytes[self.at] as usize] == Class::Space {
            self.at += 1;
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Reads one token and leaves `at` behind it. There must be one.
    fn token(&mut self) -> Result<TokenKind, LexError> {
        let bytes = self.text.as_bytes();
        let lexis = self.lexis;
        let start = self.at;
        match CLASS[bytes[start] as usize] {
            Class::Word => self.word(),
            Class::Digit => Ok(self.number()),
            Class::Plain | Class::Space => Ok(self.symbol()),
            Class::Special => match bytes[start] {
                b';' => {
                    self.at += 1;
                    Ok(TokenKind::Semicolon)
                }
                b'\'' => self.quoted(1, b'\'', lexis.backslash == Backslash::Escapes, TokenKind::Text),
                b'"' => match lexis.double_quote {
                    DoubleQuote::Identifier => self.quoted(1, b'"', false, TokenKind::QuotedIdentifier),
                    DoubleQuote::Text => {
                        self.quoted(1, b'"', lexis.backslash == Backslash::Escapes, TokenKind::Text)
                    }
                },
                b'`' if lexis.backtick == Backtick::Identifier => {
                    self.quoted(1, b'`', false, TokenKind::QuotedIdentifier)
                }
                b'[' if lexis.bracket == Bracket::Identifier => self.bracketed(),
                b'-' if self.peek(1) == Some(b'-') && self.hyphens_start_comment() => Ok(self.line_comment()),
                b'#' if lexis.hash == Hash::Comment => Ok(self.line_comment()),
                b'/' if self.peek(1) == Some(b'*') => self.block_comment(),
                b'$' if lexis.dollar == Dollar::Word => self.word(),
                b'$' => self.dollar_quote(),
                b'.' if self.peek(1).is_some_and(|byte| byte.is_ascii_digit()) => Ok(self.number()),
                _ => Ok(self.symbol()),
            },
        }
    }

    fn symbol(&mut self) -> TokenKind {
        self.at += 1;
        TokenKind::Symbol
    }

    fn word(&mut self) -> Result<TokenKind, LexError> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + 1;
        while at < bytes.len() && CONTINUES_WORD[bytes[at] as usize] {
            at += 1;
        }
        if at - start == 1 {
            // One letter and a quote are one token: E'', B'', X'', N'', U&''.
            match (bytes[start] | 0x20, self.peek(1), self.peek(2)) {
                (b'e', Some(b'\''), _) if self.lexis.backslash == Backslash::EscapesAfterE => {
                    return self.escape_string();
                }
                (b'b' | b'x' | b'n', Some(b'\''), _) => {
                    let escapes = self.lexis.backslash == Backslash::Escapes;
                    return self.quoted(2, b'\'', escapes, TokenKind::Text);
                }
                (b'u', Some(b'&'), Some(b'\'')) if self.lexis.dollar == Dollar::Quote => {
                    return self.quoted(3, b'\'', false, TokenKind::Text);
                }
                (b'u', Some(b'&'), Some(b'"')) if self.lexis.dollar == Dollar::Quote => {
                    return self.quoted(3, b'"', false, TokenKind::QuotedIdentifier);
                }
                _ => {}
            }
        }
        self.at = at;
        Ok(TokenKind::Word)
    }

    fn number(&mut self) -> TokenKind {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let hexadecimal = bytes[start] == b'0' && self.peek(1).is_some_and(|byte| byte | 0x20 == b'x');
        let mut at = start + 1;
        while at < bytes.len() {
            let signs_exponent = matches!(bytes[at], b'+' | b'-')
                && !hexadecimal
                && bytes[at - 1] | 0x20 == b'e'
                && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            // A `$` would be the start of a dollar quote, as in `$1$$text$$`.
            if !(signs_exponent
                || bytes[at] == b'.'
                || (CONTINUES_WORD[bytes[at] as usize] && bytes[at] != b'$'))
            {
                break;
            }
            at += 1;
        }
        self.at = at;
        TokenKind::Number
    }

    /// Reads up to the closing quote; `opening` bytes of prefix and quote stand in front of the content.
    fn quoted(
        &mut self,
        opening: usize,
        quote: u8,
        escapes: bool,
        kind: TokenKind,
    ) -> Result<TokenKind, LexError> {
        let bytes = self.text.as_bytes();
        let mut at = self.at + opening;
        while at < bytes.len() {
            if bytes[at] == quote {
                if bytes.get(at + 1) != Some(&quote) {
                    self.at = at + 1;
                    return Ok(kind);
                }
                at += 2;
            } else if escapes && bytes[at] == b'\\' {
                at += 2;
            } else {
                at += 1;
            }
        }
        let opened = if kind == TokenKind::Text { LexErrorKind::Text } else { LexErrorKind::Identifier };
        Err(self.unterminated(opened, opening))
    }

    /// Reads an `E'…'` and the strings on later lines that continue it: they are escaped as it is.
    fn escape_string(&mut self) -> Result<TokenKind, LexError> {
        let start = self.at;
        let mut opening = 2;
        loop {
            self.quoted(opening, b'\'', true, TokenKind::Text)?;
            let end = self.at;
            if !(self.continues_on_later_line() && self.at > start) {
                self.at = end;
                return Ok(TokenKind::Text);
            }
            opening = 1;
        }
    }

    /// Passes over space and line comments; says whether a newline was among them and a quote follows.
    fn continues_on_later_line(&mut self) -> bool {
        let end = self.at;
        loop {
            self.skip_space();
            match self.peek(0) {
                Some(b'-') if self.peek(1) == Some(b'-') => {
                    self.line_comment();
                }
                Some(b'\'') => {
                    return self.text.as_bytes()[end..self.at].iter().any(|byte| b"\r\n".contains(byte));
                }
                _ => return false,
            }
        }
    }

    fn bracketed(&mut self) -> Result<TokenKind, LexError> {
        match self.rest().find(']') {
            Some(length) => {
                self.at += length + 1;
                Ok(TokenKind::QuotedIdentifier)
            }
            None => Err(self.unterminated(LexErrorKind::Identifier, 1)),
        }
    }

    /// Reads a dollar-quoted string, or the `$` alone when no tag follows it.
    fn dollar_quote(&mut self) -> Result<TokenKind, LexError> {
        let bytes = &self.text.as_bytes()[self.at..];
        let tag =
            bytes[1..].iter().take_while(|&&byte| byte != b'$' && CONTINUES_WORD[byte as usize]).count();
        if bytes.get(tag + 1) != Some(&b'$') || (tag > 0 && bytes[1].is_ascii_digit()) {
            return Ok(self.symbol());
        }
        let opening = tag + 2;
        let (tag, content) = self.rest().split_at(opening);
        match content.find(tag) {
            Some(length) => {
                self.at += opening + length + opening;
                Ok(TokenKind::Text)
            }
            None => Err(self.unterminated(LexErrorKind::DollarQuote, opening)),
        }
    }

    fn hyphens_start_comment(&self) -> bool {
        match self.lexis.hyphens {
            Hyphens::Always => true,
            Hyphens::BeforeSpace => self.peek(2).is_none_or(|byte| byte == b' ' || byte.is_ascii_control()),
        }
    }

    fn line_comment(&mut self) -> TokenKind {
        let rest = self.rest();
        let mut length = rest.find('\n').unwrap_or(rest.len());
        if self.lexis.line_end == LineEnd::FeedOrReturn {
            length = rest[..length].find('\r').unwrap_or(length);
        } else if rest.len() > length && rest[..length].ends_with('\r') {
            length -= 1;
        }
        self.at += length;
        TokenKind::LineComment
    }

    fn block_comment(&mut self) -> Result<TokenKind, LexError> {
        let lexis = self.lexis;
        match (self.peek(2), self.peek(3)) {
            (Some(b'+'), _) if lexis.hint == Hint::Counts => {
                self.plain_comment(BlockComment::Flat)?;
                Ok(TokenKind::Hint)
            }
            (Some(b'!'), _) if lexis.executable_comment == ExecutableComment::Code => {
                self.executable_comment(3)
            }
            (Some(b'M'), Some(b'!')) if lexis.executable_comment == ExecutableComment::Code => {
                self.executable_comment(4)
            }
            _ => {
                self.plain_comment(lexis.block_comment)?;
                Ok(TokenKind::BlockComment)
            }
        }
    }

    fn plain_comment(&mut self, nesting: BlockComment) -> Result<(), LexError> {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 2;
        let mut depth = 1;
        while at + 1 < bytes.len() {
            match (bytes[at], bytes[at + 1]) {
                (b'*', b'/') => {
                    at += 2;
                    depth -= 1;
                    if depth == 0 {
                        self.at = at;
                        return Ok(());
                    }
                }
                (b'/', b'*') if nesting == BlockComment::Nested => {
                    at += 2;
                    depth += 1;
                }
                _ => at += 1,
            }
        }
        match self.lexis.open_comment {
            OpenComment::Refused => Err(self.unterminated(LexErrorKind::Comment, 2)),
            OpenComment::RunsToEnd => {
                self.at = bytes.len();
                Ok(())
            }
        }
    }

    /// Reads code up to its `*/`: strings hide the mark, and an ordinary comment may stand inside.
    fn executable_comment(&mut self, opening: usize) -> Result<TokenKind, LexError> {
        let unterminated = self.unterminated(LexErrorKind::Comment, opening);
        self.at += opening;
        loop {
            self.skip_space();
            match (self.peek(0), self.peek(1)) {
                (None, _) => return Err(unterminated),
                (Some(b'*'), Some(b'/')) => {
                    self.at += 2;
                    return Ok(TokenKind::ExecutableComment);
                }
                (Some(b'/'), Some(b'*')) => self.plain_comment(BlockComment::Flat)?,
                _ => {
                    self.token()?;
                }
            }
        }
    }

    fn unterminated(&self, kind: LexErrorKind, opening: usize) -> LexError {
        LexError { kind, span: Span { start: self.at, end: self.at + opening } }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<Token, LexError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.skip_space();
        let start = self.at;
        if start >= self.text.len() {
            return None;
        }
        match self.token() {
            Ok(kind) => Some(Ok(Token { kind, span: Span { start, end: self.at } })),
            Err(error) => {
                self.at = self.text.len();
                Some(Err(error))
            }
        }
    }
}

/// What a byte can be the first of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Digit,
    /// Punctuation that is always a symbol of its own.
    Plain,
    /// Punctuation that may open something, or that depends on the dialect.
    Special,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Plain; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => Class::Word,
            b'0'..=b'9' => Class::Digit,
            b';' | b'\'' | b'"' | b'`' | b'[' | b'-' | b'#' | b'/' | b'$' | b'.' => Class::Special,
            _ => Class::Plain,
        };
        byte += 1;
    }
    table
};

/// All dialects let `$` stand inside a word; every byte of a non-ASCII character belongs to one.
const CONTINUES_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(CLASS[byte], Class::Word | Class::Digit) || byte as u8 == b'$';
        byte += 1;
    }
    table
};
