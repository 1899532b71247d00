//! A step as the exact SQL that goes to the server, message by message.
//!
//! `--sql` prints these texts and the executor sends them, so they cannot differ. A transactional revision is one
//! message: begin, the row writes, the statements, commit.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::dialect::{Dialect, Message};
use crate::ledger::{Actor, Format, RowWrite, Tables};
use crate::plan::{Plan, Scope, Step, Transaction};
use crate::sql::Lexer;
use crate::sql::lexis::{DelimiterLine, Lexis};
use crate::sql::shape::{self, Act};
use crate::sql::token::{Token, TokenKind};
use crate::sql::{Span, Statement};

/// One message to the server.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    text: String,
    parts: Vec<Part>,
}

/// One statement of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it comes from.
    pub origin: Origin,
    /// Where it stands in the text of the message.
    pub span: Span,
}

/// Where a statement of a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The statement of this index of the revision's section.
    Statement(usize),
    /// limbeck's: a transaction, or the books.
    Limbeck,
}

/// A message longer than this is cut between two statements: servers limit what they take at once (MariaDB takes
/// 16 MiB by default, <https://mariadb.com/kb/en/server-system-variables/#max_allowed_packet>).
const LONG: usize = 1 << 20;

impl Batch {
    /// The text of the message.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The message as a script for the engine's own client: what the client would cut in the middle of a statement is
    /// put between `DELIMITER` lines, where the client has them.
    pub fn script(&self, lexis: &Lexis) -> String {
        let mut script = String::with_capacity(self.text.len());
        let mut from = 0;
        for part in &self.parts {
            let text = &self.text[part.span.start..part.span.end];
            if lexis.delimiter == DelimiterLine::Unknown || !holds_semicolon(lexis, text) {
                continue;
            }
            script.push_str(&self.text[from..part.span.start]);
            let delimiter = ["//", "$$", ";;", "//limbeck//"].into_iter().find(|mark| !text.contains(mark));
            let delimiter = delimiter.unwrap_or("//limbeck//");
            let _ = write!(script, "DELIMITER {delimiter}\n{text}\n{delimiter}\nDELIMITER ;\n");
            // Behind the statement comes its own `;`, which the delimiter stands for.
            let end =
                self.text[part.span.end..].find(";\n").map_or(part.span.end, |at| part.span.end + at + 2);
            from = end;
        }
        script.push_str(&self.text[from..]);
        script
    }

    /// Its statements, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn limbeck(&mut self, sql: &str) {
        self.push(Origin::Limbeck, sql, ";\n");
    }

    fn statement(&mut self, index: usize, statement: &Statement, text: &str) {
        // Behind an open line comment, the semicolon would be part of the comment.
        let end = if statement.ends_in_line_comment { "\n;\n" } else { ";\n" };
        self.push(Origin::Statement(index), text, end);
    }

    fn push(&mut self, origin: Origin, sql: &str, end: &str) {
        let start = self.text.len();
        self.text.push_str(sql);
        self.parts.push(Part { origin, span: Span { start, end: self.text.len() } });
        self.text.push_str(end);
    }
}

fn holds_semicolon(lexis: &Lexis, text: &str) -> bool {
    Lexer::new(lexis, text, Span::whole(text))
        .any(|token| matches!(token, Ok(Token { kind: TokenKind::Semicolon, .. })))
}

/// What stands around the steps of a plan.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// What is sent before the first step: the books' tables, the beginning of a run in one transaction.
    pub before: Batch,
    /// What is sent after the last.
    pub after: Batch,
}

impl Plan {
    /// The messages around the steps.
    pub fn frame(&self) -> Frame {
        let mut frame = Frame::default();
        if self.steps.is_empty() {
            return frame;
        }
        if self.tables == Tables::Absent {
            for sql in self.format.create(&self.server) {
                frame.before.limbeck(&sql);
            }
        }
        if self.scope == Scope::WholeRun {
            frame.before.limbeck(self.server.dialect().begin());
            frame.after.limbeck("COMMIT");
        }
        frame
    }

    /// The statements that put the session back to where it began.
    pub fn reset_session(&self) -> Vec<String> {
        let home = &self.format.home;
        self.server.dialect().reset_session(home.database.as_deref(), home.search_path.as_deref())
    }

    /// The messages of one step, in order.
    pub fn batches(&self, step: &Step, actor: &Actor) -> Vec<Batch> {
        let dialect = self.server.dialect();
        let trace = step.trace(dialect.lexis());
        let format = match trace {
            Trace::Database => Cow::Owned(self.format.from_elsewhere()),
            Trace::None | Trace::Settings => Cow::Borrowed(&self.format),
        };
        let writer =
            Writer { plan: self, step, actor, format, trace, dialect, batches: vec![Batch::default()] };
        match (self.scope, step.transaction) {
            (Scope::WholeRun, _) => writer.savepoint(),
            (Scope::PerRevision, Transaction::Wrapped { from, to }) => writer.wrapped(from, to),
            (Scope::PerRevision, Transaction::Own) => writer.own(),
            (Scope::PerRevision, Transaction::Each) => writer.each(),
        }
    }
}

/// What a step may leave behind in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trace {
    /// Nothing.
    None,
    /// Other settings than it found.
    Settings,
    /// Another current database.
    Database,
}

impl Step {
    /// What the step may leave behind in the session: the next revision must not see it.
    pub fn trace(&self, lexis: &Lexis) -> Trace {
        let Some(script) = self.script() else { return Trace::None };
        let traces = script.statements.iter().map(|statement| {
            let text = self.revision.source.slice(statement.span);
            let says = |words: &str| {
                text.as_bytes()
                    .windows(words.len())
                    .any(|window| window.eq_ignore_ascii_case(words.as_bytes()))
            };
            match shape::shape(lexis, text).act {
                Act::Set | Act::Pragma => Trace::Settings,
                // PostgreSQL's function, which every dump begins with.
                Act::Query if says("set_config") => Trace::Settings,
                Act::Other if text.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("use")) => {
                    Trace::Database
                }
                // What hides in `/*!40101 SET … */`.
                Act::Other if says("set") => Trace::Settings,
                _ => Trace::None,
            }
        });
        traces.max().unwrap_or(Trace::None)
    }
}

/// The name of the savepoint around a step of a run in one transaction.
pub const SAVEPOINT: &str = "limbeck_step";

struct Writer<'a> {
    plan: &'a Plan,
    step: &'a Step,
    actor: &'a Actor,
    format: Cow<'a, Format>,
    trace: Trace,
    dialect: &'static dyn Dialect,
    batches: Vec<Batch>,
}

impl Writer<'_> {
    /// The message being written; a long one is closed and the next begun.
    fn batch(&mut self) -> &mut Batch {
        if self.batches.last().is_some_and(|batch| batch.text.len() > LONG) {
            self.batches.push(Batch::default());
        }
        let last = self.batches.len() - 1;
        &mut self.batches[last]
    }

    fn cut(&mut self) {
        if self.batches.last().is_some_and(|batch| !batch.is_empty()) {
            self.batches.push(Batch::default());
        }
    }

    fn finish(mut self) -> Vec<Batch> {
        if self.trace != Trace::None {
            for sql in self.plan.reset_session() {
                self.limbeck(&sql);
            }
        }
        self.batches.retain(|batch| !batch.is_empty());
        self.batches
    }

    fn limbeck(&mut self, sql: &str) {
        self.batch().limbeck(sql);
    }

    fn write(&mut self, write: &RowWrite) {
        let sql = write.sql(&self.format, self.dialect, self.actor);
        self.limbeck(&sql);
    }

    fn writes(&mut self, writes: &[RowWrite]) {
        for write in writes {
            self.write(write);
        }
    }

    fn statements(&mut self, range: std::ops::Range<usize>) {
        let step = self.step;
        if let Some(script) = step.script() {
            for index in range {
                let statement = &script.statements[index];
                let text = step.revision.source.slice(statement.span);
                self.batch().statement(index, statement, text);
                // CALL and whatever else is not known: behind it, results could no longer be counted.
                let server = &self.plan.server;
                if server.several_results() && shape::shape(self.dialect.lexis(), text).act == Act::Other {
                    self.cut();
                }
            }
        }
    }

    fn savepoint(mut self) -> Vec<Batch> {
        let step = self.step;
        self.limbeck(&format!("SAVEPOINT {SAVEPOINT}"));
        self.writes(&step.before);
        self.statements(0..step.statements());
        self.writes(&step.after);
        self.limbeck(&format!("RELEASE {SAVEPOINT}"));
        self.finish()
    }

    fn wrapped(mut self, from: usize, to: usize) -> Vec<Batch> {
        let step = self.step;
        self.statements(0..from);
        self.cut();
        self.limbeck(self.dialect.begin());
        self.writes(&step.before);
        self.statements(from..to);
        self.writes(&step.after);
        self.limbeck("COMMIT");
        self.cut();
        self.statements(to..step.statements());
        self.finish()
    }

    fn own(mut self) -> Vec<Batch> {
        let step = self.step;
        let last = step.statements().saturating_sub(1);
        self.statements(0..1);
        self.writes(&step.before);
        self.statements(1..last);
        self.writes(&step.after);
        self.statements(last..step.statements());
        self.finish()
    }

    /// Every statement by itself, counted in the books behind it.
    fn each(mut self) -> Vec<Batch> {
        let step = self.step;
        let alone = self.plan.server.message() == Message::OneTransaction;
        self.writes(&step.before);
        let counts = self.counts();
        for (index, count) in counts.iter().enumerate().skip(step.from) {
            if alone {
                self.cut();
            }
            self.statements(index..index + 1);
            // The last statement is counted by the row writes that close the step.
            if *count && index + 1 < counts.len() {
                if alone {
                    self.cut();
                }
                self.write(&RowWrite::Progress { revision: Arc::clone(&step.revision), done: index + 1 });
            }
        }
        if alone {
            self.cut();
        }
        self.limbeck(self.dialect.begin());
        self.writes(&step.after);
        self.limbeck("COMMIT");
        self.finish()
    }

    /// Whether the books can be written after each statement: not while `LOCK TABLES` leaves them out.
    fn counts(&self) -> Vec<bool> {
        let lexis: &Lexis = self.dialect.lexis();
        let Some(script) = self.step.script() else { return Vec::new() };
        let mut locked = false;
        script
            .statements
            .iter()
            .map(|statement| {
                match shape::shape(lexis, self.step.revision.source.slice(statement.span)).act {
                    Act::LockTables => locked = true,
                    Act::UnlockTables => locked = false,
                    _ => {}
                }
                !locked
            })
            .collect()
    }
}
