//! A step as the exact SQL that goes to the server, message by message.
//!
//! `--sql` prints these texts and the executor sends them, so they cannot differ. A transactional revision is one
//! message: begin, the row writes, the statements, commit.

mod writer;

use std::fmt::Write as _;
use std::time::Duration;

use crate::chain::Guard;
use crate::chain::guard::{Condition, Holds};
use crate::dialect::{Dialect, Discard, Extent};
use crate::ledger::{Actor, Tables};
use crate::plan::{Plan, Scope, Step};
use crate::sql::Lexer;
use crate::sql::leftover::leftover;
use crate::sql::lexis::{DelimiterLine, Lexis};
use crate::sql::shape::{self, Act};
use crate::sql::token::{Token, TokenKind};
use crate::sql::{Span, Statement};

pub use writer::SAVEPOINT;

/// One message to the server.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    text: String,
    parts: Vec<Part>,
    role: Role,
    limit: Option<Duration>,
}

/// What a message is for.
#[derive(Clone, Debug, Default)]
pub enum Role {
    /// It is sent.
    #[default]
    Send,
    /// It is sent if all of these let it run.
    Guarded(Vec<Question>),
    /// It is a question, and its answer decides whether the step goes on.
    Check(Check),
}

/// A guard, and how the server is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The guard.
    pub guard: Guard,
    /// A query that answers with one value: whether its condition holds.
    pub sql: String,
}

impl Question {
    fn new(guard: Guard, dialect: &dyn Dialect) -> Self {
        let sql = match &guard.condition {
            Condition::Object(object) => dialect.presence(object),
            Condition::Query(query) => format!("SELECT EXISTS (\n{query}\n)"),
        };
        Self { guard, sql }
    }

    /// Reads what the server answered: SQLite and MySQL say 1, PostgreSQL t.
    pub fn holds(answer: Option<&str>) -> Holds {
        match answer {
            Some("1" | "t" | "true") => Holds::Yes,
            _ => Holds::No,
        }
    }
}

/// What an answer must be like for a step to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A pragma reads so: what was set holds. The step fails otherwise.
    Reads(&'static str),
    /// Anything: it is only remembered.
    Remembered,
    /// Each row is a table, a table it points to, and how many rows point to nothing: no more than were remembered.
    NoNewOrphans,
    /// No row: the index that the statement made can be used.
    Usable {
        /// The index, as the file names it.
        index: String,
    },
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
        if let Role::Guarded(questions) = &self.role {
            for question in questions {
                let _ = writeln!(script, "-- limbeck:{}", question.guard);
            }
        }
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

    /// What it is for.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// How long it may run, where the server cannot be told.
    pub fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// How many of the revision's statements stay done once the first `parts` parts are: of those in a transaction that
    /// limbeck opened in the message, none before its commit.
    pub fn done(&self, parts: usize, dialect: &dyn Dialect) -> usize {
        if matches!(self.role, Role::Check(_)) {
            return 0;
        }
        let (mut done, mut open) = (0, None);
        for part in self.parts.iter().take(parts) {
            match (part.origin, &self.text[part.span.start..part.span.end]) {
                (Origin::Statement(_), _) => *open.as_mut().unwrap_or(&mut done) += 1,
                (Origin::Limbeck, text) if text == dialect.begin() => open = Some(0),
                (Origin::Limbeck, "COMMIT") => done += open.take().unwrap_or(0),
                (Origin::Limbeck, _) => {}
            }
        }
        done
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

/// What a run has that shares its sessions with others, behind a pooler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The statement that fails once somebody else has the lock. It stands right before each commit, in the same message:
    /// what it locks keeps others waiting.
    pub sql: String,
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
        self.frame_on(self.tables, None)
    }

    /// The same, where the books' tables are found to be so, and behind a pooler if there is a fence.
    pub fn frame_on(&self, tables: Tables, fence: Option<&Fence>) -> Frame {
        let mut frame = Frame::default();
        if self.steps.is_empty() {
            return frame;
        }
        let tables = match tables {
            Tables::Absent => self.format.create(&self.server),
            Tables::Outdated => self.format.extend(&self.server),
            Tables::Present => Vec::new(),
        };
        if (!tables.is_empty() || self.scope != Scope::PerRevision)
            && fence.is_none()
            && let Some(wait) = self.steps[0].limits.lock_wait
            && let Some(sql) = self.server.dialect().limit_waiting(wait, Extent::Session)
        {
            frame.before.limbeck(&sql);
        }
        for sql in tables {
            frame.before.limbeck(&sql);
        }
        if self.scope != Scope::PerRevision {
            frame.before.limbeck(self.server.dialect().begin());
            if let Some(fence) = fence {
                frame.after.limbeck(&fence.sql);
            }
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
        writer::write(self, step, actor, None)
    }

    /// The same, behind a pooler if there is a fence: nothing is set that reaches beyond a transaction.
    pub fn batches_behind(&self, step: &Step, actor: &Actor, fence: Option<&Fence>) -> Vec<Batch> {
        writer::write(self, step, actor, fence)
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
    /// How what the step leaves in the session that is neither is taken out again, the last first.
    fn discards(&self, dialect: &dyn Dialect) -> Vec<Discard> {
        let texts = (0..self.statements()).rev().map(|index| self.text(index));
        let mut discards: Vec<Discard> = Vec::new();
        for discard in texts.filter_map(|text| dialect.discard(&leftover(dialect.lexis(), text)?)) {
            if !discards.contains(&discard) {
                discards.push(discard);
            }
        }
        discards
    }

    /// Whether the step sets something that outlives its transaction.
    pub fn sets_session(&self, lexis: &Lexis) -> bool {
        let Some(script) = self.script() else { return false };
        let local = |text: &str| {
            let second = text.split_whitespace().nth(1).unwrap_or_default();
            ["local", "transaction", "constraints"].iter().any(|word| second.eq_ignore_ascii_case(word))
        };
        script.statements.iter().any(|statement| {
            let text = self.revision.source.slice(statement.span);
            match shape::shape(lexis, text).act {
                Act::Set => !local(text),
                Act::Query => text.to_ascii_lowercase().contains("set_config"),
                _ => false,
            }
        })
    }

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
