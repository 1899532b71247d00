//! Carries an approved plan out: begin, run, record, commit, roll back, try again. The only place that changes a database.

mod attempt;
pub mod backup;
mod failure;
mod retry;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};

use crate::batch::Frame;
use crate::chain::{Direction, RevisionId};
use crate::database_url::DatabaseUrl;
use crate::event::{Aftermath, Event, Observer};
use crate::ledger::record::Actor;
use crate::ledger::{Format, Row, Tables};
use crate::plan::{Action, Plan, Scope, Step, Transaction};
use crate::report::Report;
use crate::review::Approved;
use crate::sql::{SourceText, Span};
use crate::stop::Stop;

use super::books;
use super::driver::{DbError, TextRow};
use super::lock::{Aim, Lock, LockError, Need};
use super::session::Session;
use super::watch::Watch;
use backup::{BackupError, Copying};
use retry::{Again, Retries};

/// A plan that could not be carried out to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The lock was not obtained. Nothing was done.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The database could not be copied first. Nothing was done.
    #[error(transparent)]
    Backup(#[from] BackupError),
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
    /// Who ended it.
    pub cause: Cause,
    /// How often it was tried.
    pub tries: usize,
    /// What the database looks like now.
    pub aftermath: Aftermath,
    /// What was done.
    pub report: Report,
}

/// Who ended a step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The server.
    Server,
    /// Somebody asked to stop at once, and the statement was cancelled on the server.
    Stopped,
    /// The server cancelled the statement: its time was up, or somebody else wanted it so.
    Cancelled,
    /// A statement ran longer than it may, and was cancelled on the server.
    StatementLimit(Duration),
    /// The revision took longer than it may, and the statement that ran was cancelled on the server.
    RevisionLimit(Duration),
}

/// How long a revision is tried again for, unless told otherwise, while others hold the locks it needs.
pub const DEFAULT_LOCK_BUDGET: Duration = Duration::from_secs(120);

/// What a run needs besides its plan.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The database, for the lock beside a SQLite file.
    pub url: &'a DatabaseUrl,
    /// Who acts.
    pub actor: &'a Actor,
    /// How long to wait for another runner.
    pub lock_timeout: Duration,
    /// How long each revision is tried again for while others hold the locks it needs.
    pub lock_budget: Duration,
    /// When the database is copied first, where to, and by what.
    pub copying: Copying<'a>,
    /// Looked at between steps and while a statement runs.
    pub stop: &'a Stop,
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
    let lock = Lock::take(session, &plan.format, Aim::Work, terms, observer).await?;
    if let (Lock::Lease(_), Some((revision, need))) = (&lock, needs_session(plan)) {
        lock.release(session).await;
        return Err(LockError::Pooled { revision, need }.into());
    }
    let watch = Watch::new(session, &lock, terms.url);
    let mut run = Run {
        session,
        plan,
        terms,
        lock,
        watch,
        observer,
        report: Report::default(),
        began: Instant::now(),
        remembered: Vec::new(),
        copy_log: None,
    };
    let done = match run.fresh().await {
        Ok(()) => run.all().await,
        Err(error) => Err(error),
    };
    let Run { session, lock, watch, .. } = run;
    watch.close().await;
    lock.release(session).await;
    done
}

/// The first revision that would not find something on a session that is somebody else's, or leave it there.
fn needs_session(plan: &Plan) -> Option<(RevisionId, Need)> {
    let lexis = plan.server.dialect().lexis();
    let outside = |step: &&Step| step.action == Action::Run && step.transaction == Transaction::Each;
    plan.steps.iter().filter(outside).find_map(|step| {
        let need = match &plan.format.home.search_path {
            Some(schema) => Need::Schema(schema.clone()),
            None if step.sets_session(lexis) => Need::Settings,
            None => return None,
        };
        Some((step.revision.id.clone(), need))
    })
}

/// Waits until nobody else is at work on the database.
pub async fn alone(
    session: &Session,
    format: &Format,
    terms: Terms<'_>,
    observer: &mut dyn Observer,
) -> Result<(), ExecuteError> {
    let lock = Lock::take(session, format, Aim::Look, terms, observer).await?;
    lock.release(session).await;
    Ok(())
}

struct Run<'a> {
    session: &'a mut Session,
    plan: &'a Plan,
    terms: Terms<'a>,
    lock: Lock,
    watch: Watch,
    observer: &'a mut dyn Observer,
    report: Report,
    began: Instant,
    /// What a question answered that a later one is compared with.
    remembered: Vec<TextRow>,
    /// The line about the copy, until there is a log to write it into.
    copy_log: Option<String>,
}

/// Whether a run goes on behind a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    /// The step was undone, and somebody asked to stop.
    Stopped,
}

/// How a run of steps ended before its end.
enum Ended {
    /// For good.
    Failed(ExecuteError),
    /// All of it was taken back, and may be tried again.
    Again,
}

impl From<ExecuteError> for Ended {
    fn from(error: ExecuteError) -> Self {
        Self::Failed(error)
    }
}

impl Run<'_> {
    fn tell(&mut self, event: Event) {
        self.report.take(&event);
        self.observer.on_event(&event);
    }

    /// Waits for something that takes its time, and looks after the lock meanwhile.
    async fn keeping<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            match select(work.as_mut(), std::pin::pin!(tokio::time::sleep(attempt::TICK))).await {
                Either::Left((done, _)) => return done,
                // That it is lost, the first message is told.
                Either::Right(_) => drop(self.lock.keep(&mut self.watch).await),
            }
        }
    }

    fn books_error(&mut self, error: DbError) -> ExecuteError {
        ExecuteError::Books { error, report: Box::new(std::mem::take(&mut self.report)) }
    }

    /// Reads the books again: what was shown is what is done, or nothing is.
    async fn fresh(&mut self) -> Result<(), ExecuteError> {
        let now = match self.plan.tables {
            Tables::Present | Tables::Outdated => books::rows(self.session, &self.plan.format).await,
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

    /// All steps, and all of them again where the run is one transaction that met an obstacle.
    async fn all(&mut self) -> Result<Report, ExecuteError> {
        self.back_up().await?;
        self.tell(Event::Started { steps: self.plan.steps.len() });
        let mut retries = Retries::new(self.terms.lock_budget);
        loop {
            match self.steps(&mut retries).await {
                Ok(()) => break,
                Err(Ended::Failed(error)) => return Err(error),
                Err(Ended::Again) => {}
            }
        }
        let took = self.began.elapsed();
        self.tell(Event::Finished { took });
        Ok(std::mem::take(&mut self.report))
    }

    /// The messages around the steps. Another runner, or an earlier try, may have extended the books, and no column can
    /// be added twice.
    async fn frame(&mut self) -> Result<Frame, ExecuteError> {
        let tables = match self.plan.tables {
            Tables::Outdated => self.session.look_again().await.map_err(|error| self.books_error(error))?,
            tables => tables,
        };
        Ok(self.plan.frame_on(tables, self.lock.fence().as_ref()))
    }

    async fn steps(&mut self, whole: &mut Retries) -> Result<(), Ended> {
        let mut frame = self.frame().await?;
        if !frame.before.is_empty() {
            while let Err(broken) = self.session.act(frame.before.text()).await {
                let _ = self.session.act("ROLLBACK").await;
                let Some((obstacle, pause)) = self.pause(&broken.error, whole) else {
                    return Err(self.books_error(broken.error).into());
                };
                let (revision, error) = (self.plan.steps[0].revision.id.clone(), broken.error.to_string());
                self.tell(Event::Retrying {
                    index: 0,
                    revision,
                    tries: whole.tries(),
                    obstacle,
                    error,
                    pause,
                });
                self.wait(pause).await;
                frame = self.frame().await?;
            }
            if self.plan.tables == Tables::Absent {
                self.tell(Event::BooksCreated);
            }
            self.log_copy().await?;
        }
        for (index, step) in self.plan.steps.iter().enumerate() {
            self.guard_lock(index).await?;
            let went_on = !self.terms.stop.is_asked() && self.step(index, step, whole).await? == Flow::On;
            if !went_on {
                // All of it, or nothing.
                if self.plan.scope == Scope::AllOrNothing {
                    let _ = self.session.act("ROLLBACK").await;
                    self.tell(Event::Undone);
                    self.tell(Event::Interrupted { index });
                    return Ok(());
                }
                self.tell(Event::Interrupted { index });
                break;
            }
        }
        if !frame.after.is_empty()
            && let Err(broken) = self.session.act(frame.after.text()).await
        {
            return self.uncommitted(broken.error, whole).await;
        }
        Ok(())
    }

    /// After the commit of a run in one transaction failed, or its answer was lost.
    async fn uncommitted(&mut self, error: DbError, whole: &mut Retries) -> Result<(), Ended> {
        let lost = !matches!(error, DbError::Server(_));
        if lost && let Some(rows) = self.reconnected().await {
            let last = self.plan.steps.iter().rev().find(|step| step.action == Action::Run);
            let row = last.and_then(|step| rows.iter().find(|row| row.revision == step.revision.id));
            if row.is_some() == last.is_some_and(|step| step.direction == Direction::Up) {
                return Ok(());
            }
        }
        self.tell(Event::Undone);
        let pause = self.pause(&error, whole);
        if let Some((_, pause)) = pause
            && self.session.act("ROLLBACK").await.is_ok()
        {
            self.wait(pause).await;
            return Err(Ended::Again);
        }
        Err(self.books_error(error).into())
    }

    /// Takes the lock again that the step before may have let go of, and looks whether anybody used the time.
    async fn guard_lock(&mut self, index: usize) -> Result<(), ExecuteError> {
        let Some(before) = index.checked_sub(1).map(|at| &self.plan.steps[at]) else { return Ok(()) };
        if !before.may_let_go() {
            return Ok(());
        }
        let held = self.lock.is_held(self.session).await;
        if held.map_err(|error| self.books_error(error))? {
            return Ok(());
        }
        self.lock.retake(self.session, &self.plan.format, self.terms).await?;
        let rows = books::rows(self.session, &self.plan.format).await;
        let rows = rows.map_err(|error| self.books_error(error))?;
        // What this run has done so far is no news.
        let rest = &self.plan.steps[index..];
        let mut changed = differences(&self.plan.basis, &rows);
        changed.retain(|id| rest.iter().any(|step| step.revision.id == *id));
        if changed.is_empty() { Ok(()) } else { Err(Stale { changed }.into()) }
    }

    async fn step(&mut self, index: usize, step: &Step, whole: &mut Retries) -> Result<Flow, Ended> {
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
        let mut own = Retries::new(self.terms.lock_budget);
        let mut now = Cow::Borrowed(step);
        while let Err(fault) = self.attempt(index, &now, began).await {
            let retries = if self.plan.scope == Scope::AllOrNothing { &mut *whole } else { &mut own };
            match self.again(index, &now, &fault, retries).await {
                Again::No => {
                    let tries = retries.tries();
                    return Err(self.failed(index, &now, fault, began, tries).await.into());
                }
                // Undone as a whole, and somebody asked to stop meanwhile.
                Again::Step(again)
                    if self.terms.stop.is_asked() && again.transaction != Transaction::Each =>
                {
                    return Ok(Flow::Stopped);
                }
                Again::Step(step) => now = Cow::Owned(*step),
                Again::Run => return Err(Ended::Again),
            }
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
        Ok(Flow::On)
    }
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
