//! The words of a statement, read one after another.

use super::Span;
use super::lexer::Lexer;
use super::lexis::{Lexis, NameCase};
use super::token::{TokenKind, keyword};

/// A token that counts, and its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    kind: TokenKind,
    text: &'a str,
}

impl Word<'_> {
    /// Says whether this is one of the words or symbols in `alternatives`, which `|` separates.
    pub(super) fn is_any_of(self, alternatives: &str) -> bool {
        !matches!(self.kind, TokenKind::QuotedIdentifier | TokenKind::Text)
            && alternatives.split('|').any(|word| word.eq_ignore_ascii_case(self.text))
    }

    /// Counts parentheses; says whether one is still open behind this word.
    pub(super) fn closes(self, depth: &mut usize) -> bool {
        match self.text {
            "(" => *depth += 1,
            ")" => *depth = depth.saturating_sub(1),
            _ => {}
        }
        *depth > 0
    }
}

/// The words of a statement: comments and hints are left out, executable comments are looked into.
#[derive(Clone)]
pub(super) struct Words<'a> {
    lexis: &'a Lexis,
    text: &'a str,
    lexer: Lexer<'a>,
    /// The rest of the executable comment that is being read.
    inside: Option<Lexer<'a>>,
}

impl<'a> Words<'a> {
    pub(super) fn new(lexis: &'a Lexis, text: &'a str) -> Self {
        Self { lexis, text, lexer: Lexer::new(lexis, text, Span::whole(text)), inside: None }
    }

    pub(super) fn at_any(&self, alternatives: &str) -> bool {
        self.clone().next().is_some_and(|word| word.is_any_of(alternatives))
    }

    /// Passes over the next word if it is one of `alternatives`, and says so.
    pub(super) fn accept(&mut self, alternatives: &str) -> bool {
        let mut ahead = self.clone();
        let found = ahead.next().is_some_and(|word| word.is_any_of(alternatives));
        if found {
            *self = ahead;
        }
        found
    }

    pub(super) fn skip_any(&mut self, alternatives: &str) {
        while self.accept(alternatives) {}
    }

    /// Passes over everything up to and including `expected`; says whether it came.
    pub(super) fn skip_past(&mut self, expected: &str) -> bool {
        self.any(|word| word.is_any_of(expected))
    }

    /// Passes over a group in parentheses, if there is one.
    pub(super) fn skip_parentheses(&mut self) -> bool {
        if !self.at_any("(") {
            return false;
        }
        let mut depth = 0;
        self.find_map(|word| (!word.closes(&mut depth)).then_some(()));
        true
    }

    /// Passes over `= value`, where the value may be `name@host` or `name()`.
    pub(super) fn skip_setting(&mut self) {
        self.accept("=");
        self.next();
        if self.accept("@") {
            self.next();
        }
        self.skip_parentheses();
    }

    /// Reads the next word in capitals; empty when it cannot be a keyword.
    pub(super) fn keyword<'b>(&mut self, buffer: &'b mut [u8; 16]) -> &'b str {
        match self.next() {
            Some(Word { kind: TokenKind::Word, text }) => keyword(text, buffer),
            _ => "",
        }
    }

    /// Reads a name of one or more parts, without its quotes.
    pub(super) fn name(&mut self) -> Option<String> {
        let mut name = self.part()?;
        while self.accept(".") {
            name.push('.');
            name.push_str(&self.part()?);
        }
        Some(name)
    }

    /// Reads a name of one or more parts as the catalogue holds it.
    pub(super) fn path(&mut self) -> Option<Vec<String>> {
        let mut path = Vec::new();
        loop {
            let quoted = self.clone().next()?.kind != TokenKind::Word;
            let part = self.part()?;
            path.push(match self.lexis.name_case {
                NameCase::Small if !quoted => part.to_lowercase(),
                NameCase::Small | NameCase::AsWritten => part,
            });
            if !self.accept(".") {
                return Some(path);
            }
        }
    }

    /// Passes over everything up to the next comma outside of parentheses, that comma included; says whether it came.
    pub(super) fn skip_past_comma(&mut self) -> bool {
        let mut depth = 0;
        for word in self.by_ref() {
            let inside = word.closes(&mut depth);
            if !inside && word.text == "," {
                return true;
            }
        }
        false
    }

    fn part(&mut self) -> Option<String> {
        let mut ahead = self.clone();
        let word = ahead.next()?;
        let part = match word.kind {
            TokenKind::Word => word.text.to_owned(),
            TokenKind::QuotedIdentifier => unquoted(word.text),
            // Some dialects let a name begin with a digit, some take a string for a name.
            TokenKind::Number if word.text.bytes().any(|byte| !byte.is_ascii_digit()) => word.text.to_owned(),
            TokenKind::Text if word.text.starts_with('\'') => unquoted(word.text),
            _ => return None,
        };
        *self = ahead;
        Some(part)
    }

    /// Reads the table behind `ON`, if that comes before any parenthesis.
    pub(super) fn table_behind_on(mut self) -> Option<String> {
        loop {
            if self.accept("ON") {
                self.accept("ONLY");
                return self.name();
            }
            if self.next()?.text == "(" {
                return None;
            }
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        loop {
            let lexer = self.inside.as_mut().unwrap_or(&mut self.lexer);
            let Some(token) = lexer.next().and_then(Result::ok) else {
                // Only the end of the statement itself is the end.
                self.inside.take()?;
                continue;
            };
            if token.kind.is_trivia() {
                continue;
            }
            let text = &self.text[token.span.start..token.span.end];
            if token.kind == TokenKind::ExecutableComment && self.inside.is_none() {
                let code = text.strip_prefix("/*!").or_else(|| text.strip_prefix("/*M!")).unwrap_or_default();
                let code = code.trim_start_matches(|letter: char| letter.is_ascii_digit());
                let content = Span { start: token.span.end - code.len(), end: token.span.end - "*/".len() };
                self.inside = Some(Lexer::new(self.lexis, self.text, content));
                continue;
            }
            return Some(Word { kind: token.kind, text });
        }
    }
}

/// Takes the quotes off an identifier, and its doubled quotes apart.
fn unquoted(text: &str) -> String {
    let text = text.trim_start_matches(['U', 'u', '&']);
    let mut letters = text.chars();
    let (opening, closing) = (letters.next(), letters.next_back());
    match (opening, closing) {
        (Some('['), _) => letters.as_str().to_owned(),
        (Some(quote), Some(_)) => {
            letters.as_str().replace(&format!("{quote}{quote}"), quote.encode_utf8(&mut [0; 4]))
        }
        _ => text.to_owned(),
    }
}
