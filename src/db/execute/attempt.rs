//! One try of one step: its messages, the questions between them, and the clock beside them.

use std::time::{Duration, Instant};

use futures_util::future::{Either, select};

use crate::batch::{Batch, Check, Origin, Part, Question, Role};
use crate::event::Event;
use crate::plan::Step;
use crate::stop::Haste;

use super::super::driver::{Broken, DbError, ServerError, TextRow, first};
use super::{Cause, Run};

/// How often one looks up while a message is under way.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// A try that failed.
pub(super) struct Fault {
    /// The message that failed.
    pub(super) batch: Batch,
    /// The step's statements that are done, those of that message included.
    pub(super) done: usize,
    /// How far the message came, and what was said.
    pub(super) broken: Broken,
    /// Who ended it.
    pub(super) cause: Cause,
    /// Whether the row writes before the statements may be undone.
    pub(super) first: bool,
}

impl Fault {
    /// The server's error, if it was one.
    pub(super) fn server(&self) -> Option<&ServerError> {
        match &self.broken.error {
            DbError::Server(error) => Some(error),
            _ => None,
        }
    }
}

impl Run<'_> {
    /// Sends the messages of a step.
    pub(super) async fn attempt(&mut self, index: usize, step: &Step, began: Instant) -> Result<(), Fault> {
        let limit = step.limits.revision.filter(|limit| !limit.is_zero());
        let deadline = limit.map(|limit| (began + limit, Cause::RevisionLimit(limit)));
        let dialect = self.plan.server.dialect();
        let mut done = step.from;
        let fence = self.lock.fence();
        let batches = self.plan.batches_behind(step, self.terms.actor, fence.as_ref());
        for (at, batch) in batches.into_iter().enumerate() {
            let kept = self.lock.keep(&mut self.watch).await;
            let sent = match (kept, batch.role()) {
                (Err(error), _) => Err((Broken { completed: 0, error }, Cause::Server)),
                (Ok(()), Role::Send) => self.send(step, &batch, deadline).await,
                (Ok(()), Role::Guarded(questions)) => match self.allowed(questions).await {
                    Ok(None) => self.send(step, &batch, deadline).await,
                    Ok(Some(guard)) => {
                        self.skipped(index, step, &batch, guard);
                        Ok(())
                    }
                    // The statement that it stands before is where it stands.
                    Err(error) => {
                        let guarded = |part: &Part| matches!(part.origin, Origin::Statement(_));
                        let completed = batch.parts().iter().position(guarded).unwrap_or(0);
                        Err((Broken { completed, error }, Cause::Server))
                    }
                },
                (Ok(()), Role::Check(check)) => match self.check(&batch, check).await {
                    Ok(()) => Ok(()),
                    Err(error) => Err((Broken { completed: 0, error }, Cause::Server)),
                },
            };
            if let Err((broken, cause)) = sent {
                if let (Role::Check(_), Some(Origin::Statement(blamed))) =
                    (batch.role(), batch.parts().first().map(|part| part.origin))
                {
                    // What the statement made is not what it should be.
                    done = done.min(blamed);
                }
                // A procedure's results count like those of statements; a statement that may have several is its
                // message's last.
                let completed = broken.completed.min(batch.parts().len().saturating_sub(1));
                let done = done + batch.done(completed, dialect);
                return Err(Fault {
                    batch,
                    done,
                    broken: Broken { completed, ..broken },
                    cause,
                    first: at == 0,
                });
            }
            done += batch.done(batch.parts().len(), dialect);
        }
        Ok(())
    }

    /// The first guard that does not let a statement run.
    async fn allowed(&mut self, questions: &[Question]) -> Result<Option<String>, DbError> {
        for question in questions {
            if !question.guard.lets_run(self.session.holds(&question.sql).await?) {
                return Ok(Some(question.guard.to_string()));
            }
        }
        Ok(None)
    }

    fn skipped(&mut self, index: usize, step: &Step, batch: &Batch, guard: String) {
        // What limbeck itself would have cleared away and is not there is no news.
        let statement = batch.parts().iter().find_map(|part| match part.origin {
            Origin::Statement(at) => Some(at + 1),
            Origin::Limbeck => None,
        });
        if let Some(statement) = statement {
            self.tell(Event::StatementSkipped {
                index,
                revision: step.revision.id.clone(),
                statement,
                guard,
            });
        }
    }

    /// Asks, and looks at the answer.
    async fn check(&mut self, batch: &Batch, check: &Check) -> Result<(), DbError> {
        let rows = match (self.session.ask(batch.text()).await, check) {
            (Ok(rows), _) => rows,
            // Foreign keys that were broken before are not what is looked for.
            (Err(DbError::Server(_)), Check::Remembered) => Vec::new(),
            (Err(error), _) => return Err(error),
        };
        let wrong = |message: String, hint: &str| {
            let hint = Some(hint.to_owned());
            Err(DbError::Server(Box::new(ServerError { message, hint, ..ServerError::default() })))
        };
        match check {
            Check::Reads(expected) => match first(&rows) {
                Some(read) if read == *expected => Ok(()),
                read => wrong(
                    format!("the pragma reads {:?} after it was set, not {expected}", read),
                    "something keeps the pragma from taking effect: an open transaction, or how SQLite was built",
                ),
            },
            Check::Remembered => {
                self.remembered = rows;
                Ok(())
            }
            Check::NoNewOrphans => match orphans(&self.remembered, &rows) {
                Some(message) => {
                    wrong(message, "the rows, or the tables they point to, were lost in the rebuild")
                }
                None => Ok(()),
            },
            Check::Usable { index } if !rows.is_empty() => wrong(
                format!("the index {index} is there and cannot be used: an earlier build of it failed"),
                "`limbeck resolve --continue` drops what is left of it and builds it again",
            ),
            Check::Usable { .. } => Ok(()),
        }
    }

    /// Sends one message and waits for its answer. Meanwhile: who asked to stop at once is obeyed, time that is up is
    /// noticed, and somebody who holds a lock that is waited for is named.
    pub(super) async fn send(
        &mut self,
        step: &Step,
        batch: &Batch,
        deadline: Option<(Instant, Cause)>,
    ) -> Result<(), (Broken, Cause)> {
        let Self { session, lock, watch, terms, observer, report, plan, .. } = self;
        let began = Instant::now();
        let limit = batch.limit().map(|limit| (began + limit, Cause::StatementLimit(limit)));
        let ends: Vec<(Instant, Cause)> = [deadline, limit].into_iter().flatten().collect();
        let dialect = plan.server.dialect();
        let look_at = step.limits.lock_wait.unwrap_or_else(|| dialect.lock_wait()).mul_f32(0.6);
        let mut act = std::pin::pin!(session.act(batch.text()));
        let mut cause = Cause::Server;
        let mut looked = false;
        let sent = loop {
            match select(act.as_mut(), std::pin::pin!(tokio::time::sleep(TICK))).await {
                Either::Left((sent, _)) => break sent,
                Either::Right(_) => {}
            }
            // A lease that is lost keeps the message from being committed; there is nothing more to do about it.
            let _ = lock.keep(watch).await;
            if cause == Cause::Server {
                let up = ends.iter().find(|(end, _)| Instant::now() >= *end).map(|(_, cause)| *cause);
                let stopped = (terms.stop.haste() == Haste::Now).then_some(Cause::Stopped);
                if let Some(ended) = stopped.or(up) {
                    cause = ended;
                    watch.cancel(dialect).await;
                }
            }
            if !looked && began.elapsed() >= look_at {
                looked = true;
                let by = watch.blockers(&plan.server).await;
                if !by.is_empty() {
                    let event = Event::Blocked { revision: step.revision.id.clone(), by };
                    report.take(&event);
                    observer.on_event(&event);
                }
            }
        };
        watch.uncancel();
        // What came through before the cancelling did is no failure.
        sent.map_err(|broken| (broken, cause))
    }
}

/// What is worse than before, in words: `2 rows of child point to no row of parent`.
fn orphans(before: &[TextRow], after: &[TextRow]) -> Option<String> {
    let count = |rows: &[TextRow], of: &TextRow| {
        let row = rows.iter().find(|row| row.get(..2) == of.get(..2));
        row.and_then(|row| row.get(2)?.as_deref()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let worse: Vec<String> = after
        .iter()
        .filter(|row| count(after, row) > count(before, row))
        .map(|row| {
            let name = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
            let more = count(after, row) - count(before, row);
            let (rows, point) = if more == 1 { ("row", "points") } else { ("rows", "point") };
            format!("{more} {rows} of {} {point} to no row of {}", name(0), name(1))
        })
        .collect();
    (!worse.is_empty()).then(|| format!("foreign keys are broken: {}", worse.join(", ")))
}
