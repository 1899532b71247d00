//! Script → statements, by the rules of the server rather than of any client.

use std::error::Error;
use std::fmt;

use super::body::Body;
use super::client::{CopyWatch, delimiter_argument, starts_line};
pub use super::comment::line_comments;
use super::lexer::Lexer;
use super::lexis::{ClientCommand, DelimiterLine, Lexis, OpenComment, Parenthesis};
use super::token::{LexError, LexErrorKind, Token, TokenKind};
use super::{Span, Statement};

/// Splits the piece `within` of `text` into statements; all spans count from the beginning of `text`.
pub fn split(lexis: &Lexis, text: &str, within: Span) -> Result<Vec<Statement>, SplitError> {
    Splitter::new(lexis, text, within).run()
}

/// A script cannot be split, or holds something that no server understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitError {
    /// What is wrong.
    pub kind: SplitErrorKind,
    /// Where it is.
    pub span: Span,
}

/// What is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitErrorKind {
    /// Something was opened and never closed.
    Unterminated(LexErrorKind),
    /// A command of a command-line client.
    ClientCommand {
        /// What the program is called.
        client: &'static str,
        /// The command as written, without its arguments.
        command: Box<str>,
    },
    /// `COPY … FROM STDIN`, whose rows are not SQL.
    InlineCopy,
    /// A `;` inside an executable comment, which would end the statement inside the comment.
    CutComment,
    /// `DELIMITER` without a delimiter, or with one that no client accepts.
    Delimiter,
    /// The body of a routine or trigger that has no `END`.
    OpenBody,
}

impl fmt::Display for SplitErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unterminated(opened) => opened.fmt(formatter),
            Self::ClientCommand { client, command } => {
                write!(formatter, "`{command}` is a command of {client}, not SQL: remove it or write it as SQL")
            }
            Self::InlineCopy => formatter.write_str(
                "COPY … FROM STDIN takes its rows from the client: put them into INSERT statements, or into a file that \
                 the server reads",
            ),
            Self::CutComment => formatter.write_str(
                "the delimiter inside this executable comment ends the statement in the middle of the comment: move it \
                 behind the */, or wrap the statement in DELIMITER lines",
            ),
            Self::Delimiter => {
                formatter.write_str("DELIMITER needs a delimiter without a backslash, such as DELIMITER //")
            }
            Self::OpenBody => formatter.write_str("the body opened here is never closed with END"),
        }
    }
}

impl fmt::Display for SplitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(formatter)
    }
}

impl Error for SplitError {}

impl From<LexError> for SplitError {
    fn from(error: LexError) -> Self {
        Self { kind: SplitErrorKind::Unterminated(error.kind), span: error.span }
    }
}

struct Splitter<'a> {
    lexis: &'a Lexis,
    text: &'a str,
    lexer: Lexer<'a>,
    /// What a `DELIMITER` line put in the place of `;`.
    delimiter: Option<&'a str>,
    /// The statement that is being read.
    current: Option<Statement>,
    body: Body,
    copy: CopyWatch,
    parentheses: usize,
    /// In a chunk: the last `;` outside a body, which counts once something follows it.
    semicolon: Option<Span>,
    statements: Vec<Statement>,
}

impl<'a> Splitter<'a> {
    fn new(lexis: &'a Lexis, text: &'a str, within: Span) -> Self {
        Self {
            lexis,
            text,
            lexer: Lexer::new(lexis, text, within),
            delimiter: None,
            current: None,
            body: Body::new(lexis.body),
            copy: CopyWatch::new(lexis),
            parentheses: 0,
            semicolon: None,
            statements: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Vec<Statement>, SplitError> {
        if self.lexis.delimiter == DelimiterLine::Unknown {
            while let Some(token) = self.lexer.next() {
                self.take(token?)?;
            }
        } else {
            while let Some(token) = self.next_before_delimiter()? {
                self.take(token)?;
            }
        }
        self.finish()?;
        // Chains of ten thousand files are held in memory: room that was kept for growing adds up.
        self.statements.shrink_to_fit();
        Ok(self.statements)
    }

    /// Reads a token as a client with a `DELIMITER` command would: commands and delimiters come first.
    fn next_before_delimiter(&mut self) -> Result<Option<Token>, SplitError> {
        loop {
            self.lexer.skip_space();
            if self.current.is_none()
                && self.lexer.rest().starts_with(['d', 'D'])
                && self.change_delimiter()?
            {
                continue;
            }
            let Some(delimiter) = self.delimiter else {
                break;
            };
            if !self.lexer.rest().starts_with(delimiter) {
                break;
            }
            self.lexer.seek(self.lexer.at() + delimiter.len());
            self.finish()?;
        }
        let Some(mut token) = self.lexer.next().transpose()? else {
            return Ok(None);
        };
        // A delimiter such as `$$` may be glued to a word: `END$$`.
        if let Some(delimiter) = self.delimiter
            && matches!(token.kind, TokenKind::Word | TokenKind::Number)
        {
            let delimiter = delimiter.as_bytes();
            let near = &self.text.as_bytes()[token.span.start..];
            let near = &near[..near.len().min(token.span.end - token.span.start + delimiter.len() - 1)];
            if let Some(length) = near.windows(delimiter.len()).position(|bytes| bytes == delimiter) {
                token.span.end = token.span.start + length;
                self.lexer.seek(token.span.end);
            }
        }
        Ok(Some(token))
    }

    /// Honours a `DELIMITER` line, if the next line is one.
    fn change_delimiter(&mut self) -> Result<bool, SplitError> {
        let start = self.lexer.at();
        let Some(argument) = delimiter_argument(self.text, &self.lexer) else {
            return Ok(false);
        };
        self.lexer.skip_line();
        let delimiter = argument.split_ascii_whitespace().next().unwrap_or_default();
        let unquoted = ['\'', '"', '`']
            .iter()
            .find_map(|&quote| delimiter.strip_prefix(quote)?.strip_suffix(quote))
            .unwrap_or(delimiter);
        if unquoted.is_empty() || unquoted.contains('\\') {
            let end = start + self.text[start..self.lexer.at()].trim_ascii_end().len();
            return Err(SplitError { kind: SplitErrorKind::Delimiter, span: Span { start, end } });
        }
        self.delimiter = (unquoted != ";").then_some(unquoted);
        Ok(true)
    }

    #[inline]
    fn take(&mut self, token: Token) -> Result<(), SplitError> {
        match token.kind {
            TokenKind::BlockComment if self.is_open_comment(token) => {}
            TokenKind::LineComment | TokenKind::BlockComment | TokenKind::Hint => self.extend(token),
            TokenKind::Semicolon if !self.holds_semicolon() => match self.delimiter {
                None => self.finish()?,
                Some(_) if self.current.is_some() => self.semicolon = self.semicolon.or(Some(token.span)),
                Some(_) => {}
            },
            _ => self.take_code(token)?,
        }
        Ok(())
    }

    fn holds_semicolon(&self) -> bool {
        self.body.is_open() || (self.parentheses > 0 && self.lexis.parenthesis == Parenthesis::HoldsSemicolon)
    }

    #[inline]
    fn take_code(&mut self, token: Token) -> Result<(), SplitError> {
        let text = &self.text[token.span.start..token.span.end];
        match token.kind {
            TokenKind::Symbol => match text {
                "(" => self.parentheses += 1,
                ")" => self.parentheses = self.parentheses.saturating_sub(1),
                "\\" | "." => self.refuse_client_command(token.span)?,
                _ => {}
            },
            TokenKind::ExecutableComment => self.refuse_cut_comment(token.span)?,
            _ => {}
        }
        match &mut self.current {
            Some(statement) => {
                statement.inner = statement.inner.or(self.semicolon.take());
                statement.span.end = token.span.end;
                statement.ends_in_line_comment = false;
            }
            None => {
                self.current = Some(Statement { span: token.span, ends_in_line_comment: false, inner: None })
            }
        }
        if self.copy.see(token.kind, text, self.parentheses) {
            let start = self.current.as_ref().map_or(token.span.start, |statement| statement.span.start);
            let span = Span { start, end: token.span.end };
            return Err(SplitError { kind: SplitErrorKind::InlineCopy, span });
        }
        self.body.see(token, text);
        Ok(())
    }

    /// Keeps a comment that stands before the delimiter; one in front of the statement is left out.
    fn extend(&mut self, comment: Token) {
        if let Some(statement) = &mut self.current
            && self.semicolon.is_none()
        {
            statement.span.end = comment.span.end;
            statement.ends_in_line_comment = comment.kind == TokenKind::LineComment;
        }
    }

    /// Says whether the comment runs to the end for want of a `*/`: it would swallow whatever is appended.
    fn is_open_comment(&self, comment: Token) -> bool {
        let text = &self.text[comment.span.start..comment.span.end];
        self.lexis.open_comment == OpenComment::RunsToEnd && !(text.len() >= 4 && text.ends_with("*/"))
    }

    fn finish(&mut self) -> Result<(), SplitError> {
        self.semicolon = None;
        let Some(mut statement) = self.current.take() else {
            return Ok(());
        };
        if self.delimiter.is_none()
            && let Some(span) = self.body.unclosed()
        {
            return Err(SplitError { kind: SplitErrorKind::OpenBody, span });
        }
        if statement.ends_in_line_comment {
            let text = &self.text[statement.span.start..statement.span.end];
            statement.span.end = statement.span.start + text.trim_ascii_end().len();
        }
        self.statements.push(statement);
        self.body.reset();
        self.copy.reset();
        self.parentheses = 0;
        Ok(())
    }

    /// Refuses a command of the client at `span`, which is a backslash or a dot.
    fn refuse_client_command(&self, span: Span) -> Result<(), SplitError> {
        let rest = self.lexer.rest();
        let is_command = match (self.lexis.client.command, &self.text[span.start..span.end]) {
            (ClientCommand::Backslash, "\\") => true,
            (ClientCommand::BackslashExceptNull, "\\") => !rest.starts_with('N'),
            (ClientCommand::DotLine, ".") => self.current.is_none() && starts_line(self.text, span.start),
            _ => false,
        };
        if !is_command {
            return Ok(());
        }
        let argument =
            rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        // Commands such as `\.` and `\!` are one character.
        let length = if argument > 0 { argument } else { rest.chars().next().map_or(0, char::len_utf8) };
        let span = Span { start: span.start, end: span.end + length };
        let command = self.text[span.start..span.end].trim_end().into();
        let client = self.lexis.client.name;
        Err(SplitError { kind: SplitErrorKind::ClientCommand { client, command }, span })
    }

    /// Refuses an executable comment that holds the delimiter outside strings: client and server would cut it in two.
    fn refuse_cut_comment(&self, span: Span) -> Result<(), SplitError> {
        let delimiter = self.delimiter.unwrap_or(";");
        if !self.text[span.start..span.end].contains(delimiter) {
            return Ok(());
        }
        let content = Span { start: span.start + "/*!".len(), end: span.end - "*/".len() };
        for token in Lexer::new(self.lexis, self.text, content) {
            let token = token?;
            let quoted = matches!(token.kind, TokenKind::Text | TokenKind::QuotedIdentifier);
            if !(quoted || token.kind.is_trivia())
                && self.text[token.span.start..content.end].starts_with(delimiter)
            {
                return Err(SplitError { kind: SplitErrorKind::CutComment, span });
            }
        }
        Ok(())
    }
}
