//! After a failure: the database is put into a state that can be named, what happened is recorded, and said.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::batch::{Fence, Origin, SAVEPOINT, Trace};
use crate::chain::Direction;
use crate::event::{Aftermath, Event};
use crate::ledger::record::{Act, RowWrite};
use crate::ledger::{Row, State};
use crate::plan::{Action, Plan, Scope, Step, Transaction};
use crate::report::End;

use super::super::driver::{Broken, DbError, ServerError};
use super::super::session::{Access, Session};
use super::super::{books, locate};
use super::attempt::Fault;
use super::{Cause, ExecuteError, Run, Stale, StepError, Terms};

/// Whether the server says that it cancelled a statement.
fn cancelled(server: &ServerError, plan: &Plan) -> bool {
    server.code.as_deref().is_some_and(|code| plan.server.dialect().is_cancelled(code))
}

/// A row write that is not made once the lease is somebody else's: a message is one transaction there.
fn fenced(fence: Option<&Fence>, sql: String) -> String {
    match fence {
        Some(fence) => format!("{};\n{sql}", fence.sql),
        None => sql,
    }
}

impl Run<'_> {
    /// Puts the database into a state that can be named, records what happened, and says so.
    pub(super) async fn failed(
        &mut self,
        index: usize,
        step: &Step,
        fault: Fault,
        began: Instant,
        tries: usize,
    ) -> ExecuteError {
        let parts = fault.batch.parts();
        let server = fault.server().cloned();
        // PostgreSQL reads a message whole before it runs any of it, so a syntax error comes before all results.
        let pointed_at = server.as_ref().and_then(|server| locate::part(server, &fault.batch));
        let part = pointed_at.or(parts.get(fault.broken.completed).copied());
        let statement = match part.map(|part| part.origin) {
            Some(Origin::Statement(at)) => Some((at + 1, step.statements())),
            Some(Origin::Limbeck) | None => None,
        };
        let span = server.as_ref().zip(part).zip(step.script()).and_then(|((server, part), script)| {
            let lexis = self.plan.server.dialect().lexis();
            locate::in_file(server, &fault.batch, part, &script.statements, &step.revision.source, lexis)
        });
        // The lock was lost, and somebody else has begun the revision meanwhile.
        let ours = matches!(part.map(|part| part.origin), Some(Origin::Limbeck));
        let begun = |server: &ServerError| {
            server.code.as_deref().is_some_and(|code| self.plan.server.dialect().is_duplicate(code))
        };
        if fault.first && ours && server.as_ref().is_some_and(begun) && self.plan.scope == Scope::PerRevision
        {
            let _ = self.session.act("ROLLBACK").await;
            return Stale { changed: vec![step.revision.id.clone()] }.into();
        }
        let aftermath = match (&server, step.transaction, self.plan.scope) {
            (None, ..) => self.after_loss(step).await,
            (Some(server), Transaction::Each, Scope::PerRevision) => {
                self.half_applied(step, fault.done, server).await
            }
            (Some(server), ..) => {
                let mut state = self.taken_back(step).await;
                // The steps before it are done and stay.
                if self.plan.scope == Scope::WholeRun
                    && self.report.end != End::Undone
                    && self.session.act("COMMIT").await.is_err()
                {
                    state = Aftermath::Unknown;
                }
                if state != Aftermath::Unknown {
                    self.log_failure(step, server).await;
                }
                state
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
            error: fault.broken.error,
            cause: match &server {
                Some(server) if fault.cause == Cause::Server && cancelled(server, self.plan) => {
                    Cause::Cancelled
                }
                _ => fault.cause,
            },
            tries,
            aftermath,
            report: std::mem::take(&mut self.report),
        }))
    }

    /// After the connection was lost: what the books say, once nobody else can write them. The server may be at work on
    /// the last message still; the lock is free only when it is not.
    async fn after_loss(&mut self, step: &Step) -> Aftermath {
        if self.plan.scope != Scope::PerRevision {
            // The commit was not sent yet, so the server takes all of it back.
            self.tell(Event::Undone);
            return Aftermath::RolledBack;
        }
        let Some(rows) = self.reconnected().await else { return Aftermath::Unknown };
        let row = rows.iter().find(|row| row.revision == step.revision.id);
        let before = self.plan.basis.iter().find(|row| row.revision == step.revision.id);
        match (row, step.direction) {
            (Some(row), Direction::Up) if row.state == State::Applied && before != Some(row) => {
                Aftermath::Committed
            }
            (None, Direction::Down) => Aftermath::Committed,
            (row, _) if row == before => Aftermath::RolledBack,
            (Some(row), _) => Aftermath::Dirty { done: row.done as usize, total: step.statements() },
            (None, Direction::Up) => Aftermath::RolledBack,
        }
    }

    /// A new connection in the place of the lost one, with the lock, and what the books say. None when the server does
    /// not come back in time.
    pub(super) async fn reconnected(&mut self) -> Option<Vec<Row>> {
        const PATIENCE: Duration = Duration::from_secs(10);
        let end = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(50);
        loop {
            match Session::open(self.terms.url, Access::Write).await {
                Ok(session) => {
                    *self.session = session;
                    break;
                }
                Err(_) if Instant::now() + pause < end && !self.terms.stop.is_asked() => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
                Err(_) => return None,
            }
        }
        let terms = Terms { lock_timeout: PATIENCE, ..self.terms };
        self.lock.retake(self.session, &self.plan.format, terms).await.ok()?;
        books::rows(self.session, &self.plan.format).await.ok()
    }

    /// After a failure inside a transaction: nothing of the step stays.
    pub(super) async fn taken_back(&mut self, step: &Step) -> Aftermath {
        let undo = match self.plan.scope {
            Scope::WholeRun => format!("ROLLBACK TO {SAVEPOINT}; RELEASE {SAVEPOINT}"),
            Scope::PerRevision | Scope::AllOrNothing => "ROLLBACK".to_owned(),
        };
        let undone = match self.session.act(&undo).await {
            Ok(()) => {
                if self.plan.scope == Scope::AllOrNothing {
                    self.tell(Event::Undone);
                }
                true
            }
            // Some errors make SQLite roll back by itself (https://www.sqlite.org/lang_transaction.html); then there is
            // nothing left to undo, and of a run in one transaction nothing is left at all.
            Err(Broken { error: DbError::Server(_), .. }) => {
                if self.plan.scope != Scope::PerRevision {
                    let _ = self.session.act("ROLLBACK").await;
                    self.tell(Event::Undone);
                }
                true
            }
            Err(_) => false,
        };
        if !undone {
            return self.after_loss(step).await;
        }
        // What failed may stand behind the commit: the books know, since they commit with the effects.
        let Ok(rows) = books::rows(self.session, &self.plan.format).await else {
            // Books that the same transaction made are gone with it.
            return match self.plan.scope {
                Scope::AllOrNothing => Aftermath::RolledBack,
                Scope::PerRevision | Scope::WholeRun => Aftermath::Unknown,
            };
        };
        let row = rows.iter().find(|row| row.revision == step.revision.id);
        let arrived = match step.direction {
            Direction::Up => row.is_some_and(|row| row.state == State::Applied),
            Direction::Down => row.is_none(),
        };
        // A step that only records has nothing behind its commit, and its row may be the old one.
        if arrived && step.action == Action::Run { Aftermath::Committed } else { Aftermath::RolledBack }
    }

    /// After a failure between statements that each stand for themselves: the books say how many are done.
    async fn half_applied(&mut self, step: &Step, done: usize, server: &ServerError) -> Aftermath {
        // A transaction that the file opened itself goes, with the count of what it had done.
        let _ = self.session.act("ROLLBACK").await;
        let dialect = self.plan.server.dialect();
        // MySQL: LOCK TABLES would keep the books out of reach, and a new transaction lets it go.
        let unlock = format!("{};\nROLLBACK", dialect.begin());
        let _ = self.session.act(&unlock).await;
        let fence = self.lock.fence();
        if step.trace(dialect.lexis()) != Trace::None && fence.is_none() {
            for sql in self.plan.reset_session() {
                let _ = self.session.act(&sql).await;
            }
        }
        let total = step.statements();
        let format = &self.plan.format;
        let recorded = match books::rows(self.session, format).await {
            Ok(rows) => rows.into_iter().find(|row| row.revision == step.revision.id),
            Err(_) => return self.after_loss(step).await,
        };
        let Some(row) = recorded else {
            // Not even the row could be written, so nothing ran.
            return Aftermath::RolledBack;
        };
        // A lock that was not had at the first statement: nothing ran, and nothing is to be settled.
        let waited = server.code.as_deref().and_then(|code| dialect.obstacle(code)).is_some();
        if waited && done == 0 && step.from == 0 && step.direction == Direction::Up {
            let gone = RowWrite::Delete { revision: Arc::clone(&step.revision) };
            let sql = fenced(fence.as_ref(), gone.sql(format, dialect, self.terms.actor));
            let forgotten = self.session.act(&sql).await;
            self.log_failure(step, server).await;
            return if forgotten.is_ok() { Aftermath::RolledBack } else { Aftermath::Unknown };
        }
        let own = step.opens_transactions(&step.shapes(dialect.lexis()));
        let done = if own { row.done as usize } else { done };
        let note =
            RowWrite::Failure { revision: Arc::clone(&step.revision), done, error: server.to_string() };
        let sql = fenced(fence.as_ref(), note.sql(format, dialect, self.terms.actor));
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
        let sql = log.sql(&self.plan.format, self.plan.server.dialect(), self.terms.actor);
        let _ = self.session.act(&sql).await;
    }
}
