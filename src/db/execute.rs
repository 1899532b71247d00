//! Carries an approved plan out: begin, run, record, commit, roll back. The only place that changes a database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::batch::{Batch, Origin, SAVEPOINT, Trace};
use crate::chain::{Direction, RevisionId};
use crate::database_url::DatabaseUrl;
use crate::event::{Aftermath, Event, Observer};
use crate::ledger::record::{Act, Actor, RowWrite};
use crate::ledger::{Format, Row, State, Tables};
use crate::plan::{Action, Plan, Scope, Step, Transaction};
use crate::report::Report;
use crate::review::Approved;
use crate::sql::{SourceText, Span, shape};

use super::driver::{Broken, DbError, ServerError};
use super::lock::{Lock, LockError};
use super::session::Session;
use super::{books, locate};

/// A plan that could not be carried out to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The lock was not obtained. Nothing was done.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The books are not what they were when the plan was made. Nothing was done.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// A step failed.
    #[error(transparent)]
    Step(Box<StepError>),
    /// The books could not be read, made or committed.
    #[error("{error}")]
    Books {
        /// What the database said.
        #[source]
        error: DbError,
        /// What was done before.
        report: Box<Report>,
    },
}

/// The books changed between showing a plan and acting on it.
#[derive(Debug, thiserror::Error)]
#[error("the plan is stale: the books changed since it was made ({})", crate::chain::join(changed, ", "))]
pub struct Stale {
    /// The revisions whose rows differ.
    pub changed: Vec<RevisionId>,
}

/// A step that failed, with what was done before it.
#[derive(Debug, thiserror::Error)]
#[error("revision {revision} failed: {error}")]
pub struct StepError {
    /// Its revision.
    pub revision: RevisionId,
    /// The way it went.
    pub direction: Direction,
    /// Its file.
    pub source_text: SourceText,
    /// The place in the file, where a statement of it failed.
    pub span: Option<Span>,
    /// The number of the statement that failed, from 1, and how many there are.
    pub statement: Option<(usize, usize)>,
    /// What the database said.
    #[source]
    pub error: DbError,
    /// What the database looks like now.
    pub aftermath: Aftermath,
    /// What was done.
    pub report: Report,
}

/// What a run needs besides its plan.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The database, for the lock beside a SQLite file.
    pub url: &'a DatabaseUrl,
    /// Who acts.
    pub actor: &'a Actor,
    /// How long to wait for another runner.
    pub lock_timeout: Duration,
    /// Looked at between steps: once it is true, no further step begins.
    pub stop: &'a AtomicBool,
}

/// Carries out `approved`, alone: it holds the lock from before the books are read again until the end. Refuses with
/// [`Stale`] when they differ from the plan's basis.
pub async fn execute(
    session: &mut Session,
    approved: &Approved,
    terms: Terms<'_>,
    observer: &mut dyn Observer,
) -> Result<Report, ExecuteError> {
    let plan = approved.plan();
    if plan.steps.is_empty() {
        return Ok(Report::default());
    }
    let Terms { actor, stop, .. } = terms;
    let lock = Lock::take(session, &plan.format, terms, observer).await?;
    let mut run = Run { session, plan, actor, observer, report: Report::default(), began: Instant::now() };
    let done = match run.fresh().await {
        Ok(()) => run.steps(stop).await,
        Err(error) => Err(error),
    };
    lock.release(session).await;
    done
}

/// Waits until nobody else is at work on the database.
pub async fn alone(
    session: &Session,
    format: &Format,
    terms: Terms<'_>,
    observer: &mut dyn Observer,
) -> Result<(), ExecuteError> {
    let lock = Lock::take(session, format, terms, observer).await?;
    lock.release(session).await;
    Ok(())
}

struct Run<'a> {
    session: &'a mut Session,
    plan: &'a Plan,
    actor: &'a Actor,
    observer: &'a mut dyn Observer,
    report: Report,
    began: Instant,
}

impl Run<'_> {
    fn tell(&mut self, event: Event) {
        self.report.take(&event);
        self.observer.on_event(&event);
    }

    fn books_error(&mut self, error: DbError) -> ExecuteError {
        ExecuteError::Books { error, report: Box::new(std::mem::take(&mut self.report)) }
    }

    /// Reads the books again: what was shown is what is done, or nothing is.
    async fn fresh(&mut self) -> Result<(), ExecuteError> {
        let now = match self.plan.tables {
            Tables::Present => books::rows(self.session, &self.plan.format).await,
            // Tables that were absent can only have been made by somebody else; then the rows are theirs.
            Tables::Absent => match books::rows(self.session, &self.plan.format).await {
                Err(DbError::Server(_)) => Ok(Vec::new()),
                other => other,
            },
        };
        let now = now.map_err(|error| self.books_error(error))?;
        let changed = differences(&self.plan.basis, &now);
        if changed.is_empty() { Ok(()) } else { Err(Stale { changed }.into()) }
    }

    async fn steps(&mut self, stop: &AtomicBool) -> Result<Report, ExecuteError> {
        self.tell(Event::Started { steps: self.plan.steps.len() });
        let frame = self.plan.frame();
        if !frame.before.is_empty() {
            if let Err(broken) = self.session.act(frame.before.text()).await {
                return Err(self.books_error(broken.error));
            }
            if self.plan.tables == Tables::Absent {
                self.tell(Event::BooksCreated);
            }
        }
        for (index, step) in self.plan.steps.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                self.tell(Event::Interrupted { index });
                break;
            }
            self.step(index, step).await?;
        }
        if !frame.after.is_empty()
            && let Err(broken) = self.session.act(frame.after.text()).await
        {
            self.tell(Event::Undone);
            return Err(self.books_error(broken.error));
        }
        let took = self.began.elapsed();
        self.tell(Event::Finished { took });
        Ok(std::mem::take(&mut self.report))
    }

    async fn step(&mut self, index: usize, step: &Step) -> Result<(), ExecuteError> {
        let recorded = step.action == Action::Record;
        let revision = step.revision.id.clone();
        let message = step.revision.message.clone();
        let direction = step.direction;
        self.tell(Event::StepStarted {
            index,
            revision: revision.clone(),
            message: message.clone(),
            direction,
            recorded,
        });
        let began = Instant::now();
        let mut done = step.from;
        for batch in self.plan.batches(step, self.actor) {
            if let Err(broken) = self.session.act(batch.text()).await {
                return Err(self.failed(index, step, &batch, done, broken, began).await);
            }
            done += statements(&batch, batch.parts().len());
        }
        self.tell(Event::StepDone {
            index,
            revision,
            message,
            direction,
            recorded,
            statements: step.statements(),
            took: began.elapsed(),
        });
        Ok(())
    }

    /// Puts the database into a state that can be named, records what happened, and says so.
    async fn failed(
        &mut self,
        index: usize,
        step: &Step,
        batch: &Batch,
        before: usize,
        broken: Broken,
        began: Instant,
    ) -> ExecuteError {
        let parts = batch.parts();
        // A procedure's results count like those of statements; a statement that may have several is its message's last.
        let completed = broken.completed.min(parts.len().saturating_sub(1));
        let server = match &broken.error {
            DbError::Server(error) => Some(error.as_ref().clone()),
            _ => None,
        };
        // PostgreSQL reads a message whole before it runs any of it, so a syntax error comes before all results.
        let pointed_at = server.as_ref().and_then(|server| locate::part(server, batch));
        let part = pointed_at.or(parts.get(completed).copied());
        let statement = match part.map(|part| part.origin) {
            Some(Origin::Statement(at)) => Some((at + 1, step.statements())),
            Some(Origin::Limbeck) | None => None,
        };
        let span = server.as_ref().zip(part).zip(step.script()).and_then(|((server, part), script)| {
            let lexis = self.plan.server.dialect().lexis();
            locate::in_file(server, batch, part, &script.statements, &step.revision.source, lexis)
        });
        let done = before + statements(batch, completed);
        let aftermath = match (&server, step.transaction) {
            (None, _) => Aftermath::Unknown,
            (Some(server), Transaction::Each) => self.half_applied(step, done, server).await,
            (Some(server), Transaction::Wrapped { .. } | Transaction::Own) => {
                self.rolled_back(step, server).await
            }
        };
        self.tell(Event::StepFailed {
            index,
            revision: step.revision.id.clone(),
            direction: step.direction,
            aftermath,
            took: began.elapsed(),
        });
        ExecuteError::Step(Box::new(StepError {
            revision: step.revision.id.clone(),
            direction: step.direction,
            source_text: step.revision.source.clone(),
            span,
            statement,
            error: broken.error,
            aftermath,
            report: std::mem::take(&mut self.report),
        }))
    }

    /// After a failure inside a transaction: nothing of the step stays.
    async fn rolled_back(&mut self, step: &Step, server: &ServerError) -> Aftermath {
        let undo = match self.plan.scope {
            // The steps before it are done and stay.
            Scope::WholeRun => format!("ROLLBACK TO {SAVEPOINT}; RELEASE {SAVEPOINT}; COMMIT"),
            Scope::PerRevision => "ROLLBACK".to_owned(),
        };
        let undone = match self.session.act(&undo).await {
            Ok(()) => true,
            // Some errors make SQLite roll back by itself (https://www.sqlite.org/lang_transaction.html); then there is
            // nothing left to undo, and of a run in one transaction nothing is left at all.
            Err(Broken { error: DbError::Server(_), .. }) => {
                if self.plan.scope == Scope::WholeRun {
                    let _ = self.session.act("ROLLBACK").await;
                    self.tell(Event::Undone);
                }
                true
            }
            Err(_) => false,
        };
        if !undone {
            return Aftermath::Unknown;
        }
        // What failed may stand behind the commit: the books know, since they commit with the effects.
        let Ok(rows) = books::rows(self.session, &self.plan.format).await else {
            return Aftermath::Unknown;
        };
        let row = rows.iter().find(|row| row.revision == step.revision.id);
        let arrived = match step.direction {
            Direction::Up => row.is_some_and(|row| row.state == State::Applied),
            Direction::Down => row.is_none(),
        };
        self.log_failure(step, server).await;
        // A step that only records has nothing behind its commit, and its row may be the old one.
        if arrived && step.action == Action::Run { Aftermath::Committed } else { Aftermath::RolledBack }
    }

    /// After a failure between statements that each stand for themselves: the books say how many are done.
    async fn half_applied(&mut self, step: &Step, done: usize, server: &ServerError) -> Aftermath {
        // A transaction that the file opened itself goes, with the count of what it had done.
        let _ = self.session.act("ROLLBACK").await;
        // MySQL: LOCK TABLES would keep the books out of reach, and a new transaction lets it go.
        let unlock = format!("{};\nROLLBACK", self.plan.server.dialect().begin());
        let _ = self.session.act(&unlock).await;
        if step.trace(self.plan.server.dialect().lexis()) != Trace::None {
            for sql in self.plan.reset_session() {
                let _ = self.session.act(&sql).await;
            }
        }
        let total = step.statements();
        let format = &self.plan.format;
        let recorded = match books::rows(self.session, format).await {
            Ok(rows) => rows.into_iter().find(|row| row.revision == step.revision.id),
            Err(_) => return Aftermath::Unknown,
        };
        let Some(row) = recorded else {
            // Not even the row could be written, so nothing ran.
            return Aftermath::RolledBack;
        };
        let done = if opens_transactions(step, self.plan) { row.done as usize } else { done };
        let note =
            RowWrite::Failure { revision: Arc::clone(&step.revision), done, error: server.to_string() };
        let sql = note.sql(format, self.plan.server.dialect(), self.actor);
        if self.session.act(&sql).await.is_err() {
            return Aftermath::Unknown;
        }
        self.log_failure(step, server).await;
        Aftermath::Dirty { done, total }
    }

    /// Adds the failure to the log. When even that fails, the failure itself is the news.
    async fn log_failure(&mut self, step: &Step, server: &ServerError) {
        let detail = Some(format!("{}: {server}", step.direction.verb()).into());
        let log = RowWrite::Log { act: Act::Failure, revision: Arc::clone(&step.revision), detail };
        let sql = log.sql(&self.plan.format, self.plan.server.dialect(), self.actor);
        let _ = self.session.act(&sql).await;
    }
}

/// How many of the revision's statements are among the first `parts` of a message.
fn statements(batch: &Batch, parts: usize) -> usize {
    batch.parts().iter().take(parts).filter(|part| part.origin != Origin::Limbeck).count()
}

/// Whether the script has transactions of its own, opened by a statement or by switching autocommit off: a rollback then
/// takes the books' count back too.
fn opens_transactions(step: &Step, plan: &Plan) -> bool {
    let lexis = plan.server.dialect().lexis();
    step.script().is_some_and(|script| {
        script.statements.iter().any(|statement| {
            let text = step.revision.source.slice(statement.span);
            match shape::shape(lexis, text).act {
                shape::Act::Begin => true,
                shape::Act::Set => text.to_ascii_lowercase().contains("autocommit"),
                _ => false,
            }
        })
    })
}

/// The revisions whose rows are not the same.
fn differences(then: &[Row], now: &[Row]) -> Vec<RevisionId> {
    let missing = |from: &[Row], row: &Row| !from.contains(row);
    let mut changed: Vec<RevisionId> = then
        .iter()
        .filter(|row| missing(now, row))
        .chain(now.iter().filter(|row| missing(then, row)))
        .map(|row| row.revision.clone())
        .collect();
    changed.sort();
    changed.dedup();
    changed
}
