//! Follows a statement and knows when a `;` belongs to a body inside it.

use super::Span;
use super::lexis::CompoundBody;
use super::token::{Token, TokenKind, keyword};

/// The body, if any, of the statement whose tokens it is shown.
#[derive(Debug)]
pub(super) struct Body {
    form: CompoundBody,
    stage: Stage,
    /// What the last token was, as far as the next one depends on it.
    previous: Previous,
    blocks: Vec<Block>,
    place: Place,
    /// How many parentheses are open.
    parentheses: usize,
    opened: Span,
}

/// How much of the statement has been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing, or only words that may stand in front of the verb.
    First,
    /// `CREATE`, and perhaps words that may stand in front of the kind of object.
    Create,
    /// `BEGIN`, which with `NOT ATOMIC` is a body by itself.
    Begin,
    /// A statement that may have a body.
    Object,
    /// A statement without one: nothing more needs to be looked at.
    Bodiless,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Previous {
    Other,
    Begin,
    Character,
    Dot,
    Each,
    End,
    /// An `=` or `@`: the word after it is a name.
    Definer,
    Label,
    Semicolon,
    /// The `END` that closes a trigger: it directly follows a `;`.
    FinalEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// Statements, closed by an `END` where a statement could begin.
    Statements,
    /// A `CASE` inside an expression: only its `END` matters.
    Expression,
}

/// Where in a routine the next token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the name and parameters of a procedure or function.
    Parameters,
    /// At the beginning of a statement.
    Start,
    /// Where a statement may begin, but more of the head may come first.
    Open,
    /// In a `DECLARE`, behind the word `HANDLER`: its `FOR` names conditions, not a loop.
    Handler,
    /// In an `UNTIL`, whose condition is followed by `END` without a `;`.
    Until,
    /// Inside a statement.
    Middle,
}

impl Body {
    /// Starts before the first token of a statement.
    pub(super) fn new(form: CompoundBody) -> Self {
        Self {
            form,
            stage: Stage::First,
            previous: Previous::Other,
            blocks: Vec::new(),
            place: Place::Middle,
            parentheses: 0,
            opened: Span::default(),
        }
    }

    /// Forgets the statement and starts before the next.
    #[inline]
    pub(super) fn reset(&mut self) {
        self.stage = Stage::First;
        self.previous = Previous::Other;
        self.blocks.clear();
        self.place = Place::Middle;
        self.parentheses = 0;
    }

    /// Says whether a `;` that came now would belong to the body.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Object
            && match self.form {
                CompoundBody::Trigger => self.previous != Previous::FinalEnd,
                CompoundBody::Atomic | CompoundBody::Routine => !self.blocks.is_empty(),
            }
    }

    /// Returns where the body was opened that is still open.
    pub(super) fn unclosed(&self) -> Option<Span> {
        self.is_open().then_some(self.opened)
    }

    /// Takes note of a token that is not a comment, nor a `;` that ends the statement.
    #[inline]
    pub(super) fn see(&mut self, token: Token, text: &str) {
        if self.stage != Stage::Bodiless {
            self.look(token, text);
        }
    }

    fn look(&mut self, token: Token, text: &str) {
        match text {
            "(" => self.parentheses += 1,
            ")" => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
        let mut buffer = [0; 16];
        let word = if token.kind == TokenKind::Word { keyword(text, &mut buffer) } else { "" };
        if self.stage != Stage::Object {
            self.head(token, text, word);
            return;
        }
        match self.form {
            CompoundBody::Atomic => self.atomic(token, text, word),
            CompoundBody::Trigger => self.trigger(token, word),
            CompoundBody::Routine => self.routine(token, text, word),
        }
    }

    fn head(&mut self, token: Token, text: &str, word: &str) {
        use CompoundBody::{Atomic, Routine, Trigger};
        let named = self.previous == Previous::Definer;
        self.previous = if matches!(text, "=" | "@") { Previous::Definer } else { Previous::Other };
        self.stage = match (self.stage, self.form, word) {
            (Stage::First, _, "CREATE") => Stage::Create,
            (Stage::First, Trigger, "EXPLAIN" | "QUERY" | "PLAN") => Stage::First,
            (Stage::First, Routine, "BEGIN") => Stage::Begin,
            // Dumps wrap parts of the head in executable comments.
            (Stage::First | Stage::Create, Routine, _) if token.kind == TokenKind::ExecutableComment => {
                self.stage
            }
            (Stage::Begin, _, "NOT") => Stage::Begin,
            (Stage::Begin, _, "ATOMIC") => {
                self.open(Block::Statements, token.span);
                self.place = Place::Start;
                Stage::Object
            }
            // DEFINER = name @ host
            (Stage::Create, Routine, _) if named || token.kind != TokenKind::Word => Stage::Create,
            (Stage::Create, _, "OR" | "REPLACE")
            | (Stage::Create, Trigger, "TEMP" | "TEMPORARY")
            | (Stage::Create, Routine, "AGGREGATE" | "DEFINER") => Stage::Create,
            (Stage::Create, Atomic | Routine, "FUNCTION" | "PROCEDURE")
            | (Stage::Create, Trigger, "TRIGGER")
            | (Stage::Create, Routine, "TRIGGER" | "EVENT") => {
                self.opened = token.span;
                self.parentheses = 0;
                if matches!(word, "FUNCTION" | "PROCEDURE") {
                    self.place = Place::Parameters;
                }
                Stage::Object
            }
            _ => Stage::Bodiless,
        };
    }

    fn open(&mut self, block: Block, span: Span) {
        if self.blocks.is_empty() {
            self.opened = span;
        }
        self.blocks.push(block);
    }

    /// `BEGIN ATOMIC … END`, in which only `CASE` has an `END` of its own. Both sides of a parenthesis balance.
    fn atomic(&mut self, token: Token, text: &str, word: &str) {
        let named = self.previous == Previous::Dot || self.previous == Previous::Label;
        let begun = self.previous == Previous::Begin;
        self.previous = match (text, word) {
            (".", _) => Previous::Dot,
            (_, "AS") => Previous::Label,
            (_, "BEGIN") => Previous::Begin,
            _ => Previous::Other,
        };
        if self.parentheses > 0 || named {
            return;
        }
        match word {
            "ATOMIC" if begun => self.open(Block::Statements, token.span),
            "CASE" if !self.blocks.is_empty() => self.blocks.push(Block::Expression),
            "END" => {
                self.blocks.pop();
            }
            _ => {}
        }
    }

    fn trigger(&mut self, token: Token, word: &str) {
        self.previous = match (token.kind, word) {
            (TokenKind::Semicolon, _) => Previous::Semicolon,
            (_, "END") if self.previous == Previous::Semicolon => Previous::FinalEnd,
            _ => Previous::Other,
        };
    }

    /// A stored program: its control words are ordinary names and functions wherever no statement can begin.
    fn routine(&mut self, token: Token, text: &str, word: &str) {
        let previous = self.previous;
        self.previous = match (text, word) {
            (".", _) => Previous::Dot,
            (_, "CHARACTER" | "RETURNS") => Previous::Character,
            (_, "EACH") => Previous::Each,
            (_, "END") => Previous::End,
            _ => Previous::Other,
        };
        if token.kind == TokenKind::Semicolon {
            while self.blocks.last() == Some(&Block::Expression) {
                self.blocks.pop();
            }
            self.place = Place::Start;
            return;
        }
        if self.place == Place::Parameters {
            if text == ")" && self.parentheses == 0 {
                self.place = Place::Open;
            }
            return;
        }
        if self.blocks.last() == Some(&Block::Expression) {
            match word {
                "CASE" => self.blocks.push(Block::Expression),
                "END" if previous != Previous::Dot => {
                    self.blocks.pop();
                }
                _ => {}
            }
            return;
        }
        let begins = matches!(self.place, Place::Start | Place::Open);
        self.place = match word {
            // After a label. `:=` comes here too, and its second half leads back.
            _ if text == ":" => Place::Start,
            _ if previous == Previous::Dot => self.place,
            "END" if matches!(self.place, Place::Start | Place::Until) => {
                self.blocks.pop();
                Place::Middle
            }
            "BEGIN" | "LOOP" | "REPEAT" if begins => {
                self.open(Block::Statements, token.span);
                Place::Start
            }
            "IF" | "WHILE" | "FOR" | "CASE" if begins => {
                self.open(Block::Statements, token.span);
                Place::Middle
            }
            "CASE" if previous != Previous::End => {
                self.open(Block::Expression, token.span);
                self.place
            }
            "THEN" | "ELSE" => Place::Start,
            // `WHILE … DO` and an event's `DO` come before a statement; `DO` at its beginning is one.
            "DO" if !begins => Place::Start,
            "UNTIL" if self.place == Place::Start => Place::Until,
            "HANDLER" if self.place == Place::Middle => Place::Handler,
            "FOR" if self.place == Place::Handler => Place::Open,
            "ROW" if previous == Previous::Each && self.blocks.is_empty() => Place::Open,
            "SET" if previous == Previous::Character => self.place,
            "CALL" | "DELETE" | "DO" | "EXECUTE" | "INSERT" | "REPLACE" | "RESIGNAL" | "RETURN"
            | "SELECT" | "SET" | "SIGNAL" | "UPDATE" | "VALUES" | "WITH" => Place::Middle,
            _ => self.place_within(),
        };
    }

    fn place_within(&self) -> Place {
        if self.place == Place::Start { Place::Middle } else { self.place }
    }
}
