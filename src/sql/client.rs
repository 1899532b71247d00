//! What scripts hold besides SQL when they were written for a command-line client.

use super::BYTE_ORDER_MARK;
use super::lexer::Lexer;
use super::lexis::{InlineCopy, Lexis};
use super::token::TokenKind;

/// Returns what follows the word `DELIMITER`, if the lexer stands before such a line.
pub(super) fn delimiter_argument<'a>(text: &str, lexer: &Lexer<'a>) -> Option<&'a str> {
    const COMMAND: &str = "delimiter";
    let rest = lexer.rest();
    if !rest.get(..COMMAND.len())?.eq_ignore_ascii_case(COMMAND) || !starts_line(text, lexer.at()) {
        return None;
    }
    let argument = rest[COMMAND.len()..].split('\n').next()?;
    (argument.is_empty() || argument.starts_with(|letter: char| letter.is_ascii_whitespace()))
        .then_some(argument)
}

/// Says whether only blanks stand between the beginning of the line and `at`.
pub(super) fn starts_line(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with(['\n', '\r']) || before == BYTE_ORDER_MARK
}

/// Follows a statement and notices `COPY … FROM STDIN`.
#[derive(Debug)]
pub(super) struct CopyWatch {
    copy: InlineCopy,
    stage: CopyStage,
}

#[derive(Debug, PartialEq, Eq)]
enum CopyStage {
    First,
    Copy,
    From,
    Other,
}

impl CopyWatch {
    pub(super) fn new(lexis: &Lexis) -> Self {
        let mut watch = Self { copy: lexis.copy, stage: CopyStage::First };
        watch.reset();
        watch
    }

    /// Forgets the statement and starts before the next.
    #[inline]
    pub(super) fn reset(&mut self) {
        self.stage = if self.copy == InlineCopy::Refused { CopyStage::First } else { CopyStage::Other };
    }

    /// Takes note of a token; says whether it is the `STDIN` that rows follow.
    #[inline]
    pub(super) fn see(&mut self, kind: TokenKind, text: &str, parentheses: usize) -> bool {
        if self.stage == CopyStage::Other {
            return false;
        }
        let is = |word: &str| kind == TokenKind::Word && parentheses == 0 && text.eq_ignore_ascii_case(word);
        let found = self.stage == CopyStage::From && is("STDIN");
        self.stage = match self.stage {
            CopyStage::First if is("COPY") => CopyStage::Copy,
            CopyStage::Copy | CopyStage::From if is("FROM") => CopyStage::From,
            CopyStage::Copy => CopyStage::Copy,
            _ => CopyStage::Other,
        };
        found
    }
}
