//! Finds the comments that stand on lines of their own: markers and directives are written in them.

use super::Span;
use super::client::{CopyWatch, delimiter_argument, starts_line};
use super::lexer::Lexer;
use super::lexis::{ClientCommand, DelimiterLine, Lexis};
use super::token::{LexError, TokenKind};

/// Returns every line comment that begins its line and lies outside strings, quoted bodies and block comments.
///
/// Spans begin at the comment mark and end before trailing white space. A script that the splitter refuses later, for
/// a command of a client or for rows behind `COPY … FROM STDIN`, is read to its end all the same: its markers say which
/// part of it the fault is in.
pub fn line_comments(lexis: &Lexis, text: &str) -> Result<Vec<Span>, LexError> {
    let mut lexer = Lexer::new(lexis, text, Span::whole(text));
    let mut comments = Vec::new();
    let mut copy = CopyWatch::new(lexis);
    let mut rows_follow = false;
    let mut parentheses = 0_usize;
    loop {
        lexer.skip_space();
        if skip_client_line(lexis, text, &mut lexer) {
            continue;
        }
        let Some(token) = lexer.next().transpose()? else {
            return Ok(comments);
        };
        let Span { start, end } = token.span;
        match token.kind {
            TokenKind::LineComment if starts_line(text, start) => {
                comments.push(Span { start, end: start + text[start..end].trim_ascii_end().len() });
            }
            TokenKind::LineComment | TokenKind::BlockComment => {}
            TokenKind::Semicolon => {
                if std::mem::take(&mut rows_follow) {
                    skip_rows(&mut lexer);
                }
                copy.reset();
                parentheses = 0;
            }
            kind => {
                let text = &text[start..end];
                match text {
                    "(" => parentheses += 1,
                    ")" => parentheses = parentheses.saturating_sub(1),
                    _ => {}
                }
                rows_follow |= copy.see(kind, text, parentheses);
            }
        }
    }
}

/// Passes over a line that is for a client, as its quotes need not be closed.
fn skip_client_line(lexis: &Lexis, text: &str, lexer: &mut Lexer<'_>) -> bool {
    let rest = lexer.rest().as_bytes();
    let skipped = match (rest.first(), lexis.client.command) {
        (Some(b'\\'), ClientCommand::Backslash) => true,
        (Some(b'.'), ClientCommand::DotLine) => {
            rest.get(1).is_some_and(u8::is_ascii_alphabetic) && starts_line(text, lexer.at())
        }
        (Some(b'd' | b'D'), _) if lexis.delimiter == DelimiterLine::Honoured => {
            delimiter_argument(text, lexer).is_some()
        }
        _ => false,
    };
    if skipped {
        lexer.skip_line();
    }
    skipped
}

/// Passes over the rows behind a `COPY … FROM STDIN`, up to their `\.`.
fn skip_rows(lexer: &mut Lexer<'_>) {
    while !lexer.rest().is_empty() {
        lexer.skip_line();
        let rest = lexer.rest().trim_start_matches('\n');
        lexer.seek(lexer.at() + (lexer.rest().len() - rest.len()));
        if rest.starts_with("\\.") {
            lexer.skip_line();
            return;
        }
    }
}
