//! Trying again when somebody else held a lock: what, how often, after which pause.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use crate::batch::Origin;
use crate::dialect::Obstacle;
use crate::event::{Aftermath, Event};
use crate::plan::{Resumption, Scope, Step, Transaction};

use super::super::driver::DbError;
use super::attempt::Fault;
use super::{Cause, Run};

/// The pauses grow like this, and stay at the last; each is cut to a random part of itself, so that two who met do not
/// meet again.
const PAUSES: [u64; 6] = [1, 2, 4, 8, 16, 30];

/// The tries of one thing.
pub(super) struct Retries {
    began: Instant,
    budget: Duration,
    tries: usize,
}

impl Retries {
    pub(super) fn new(budget: Duration) -> Self {
        Self { began: Instant::now(), budget, tries: 1 }
    }

    /// How often it was tried.
    pub(super) fn tries(&self) -> usize {
        self.tries
    }

    /// The pause before the next try; none when there is no time for one.
    fn next(&mut self) -> Option<Duration> {
        let longest = PAUSES[(self.tries - 1).min(PAUSES.len() - 1)];
        let part = RandomState::new().hash_one(self.tries) % 1000;
        let pause = Duration::from_millis(longest * part.max(50));
        if self.began.elapsed() + pause > self.budget {
            return None;
        }
        self.tries += 1;
        Some(pause)
    }
}

/// What is tried again.
pub(super) enum Again {
    /// Nothing.
    No,
    /// The step, as it is now.
    Step(Box<Step>),
    /// The whole run, which was one transaction.
    Run,
}

impl Run<'_> {
    /// What stood in the way of something that ended with `error`, and the pause after which it may be tried again: none
    /// when that would not help.
    pub(super) fn pause(&mut self, error: &DbError, retries: &mut Retries) -> Option<(Obstacle, Duration)> {
        let DbError::Server(server) = error else { return None };
        let obstacle = self.plan.server.dialect().obstacle(server.code.as_deref()?)?;
        if self.terms.stop.is_asked() { None } else { Some((obstacle, retries.next()?)) }
    }

    /// Puts things in order for another try, and waits for its time.
    pub(super) async fn again(
        &mut self,
        index: usize,
        step: &Step,
        fault: &Fault,
        retries: &mut Retries,
    ) -> Again {
        if fault.cause != Cause::Server {
            return Again::No;
        }
        let next = match (self.plan.scope, step.transaction) {
            (Scope::AllOrNothing, _) => Again::Run,
            (_, Transaction::Each) => match from_there(step, fault, self.plan.server.dialect().lexis()) {
                Some(step) => Again::Step(Box::new(step)),
                None => return Again::No,
            },
            (_, Transaction::Wrapped { .. } | Transaction::Own) => Again::Step(Box::new(step.clone())),
        };
        let Some((obstacle, pause)) = self.pause(&fault.broken.error, retries) else { return Again::No };
        let clean = match (&next, step.transaction) {
            (_, Transaction::Each) => self.session.act("ROLLBACK").await.is_ok(),
            (Again::Run, _) => self.session.act("ROLLBACK").await.is_ok(),
            _ => self.taken_back(step).await == Aftermath::RolledBack,
        };
        if !clean {
            return Again::No;
        }
        let (revision, tries) = (step.revision.id.clone(), retries.tries());
        let error = fault.broken.error.to_string();
        self.tell(Event::Retrying { index, revision, tries, obstacle, error, pause });
        if matches!(next, Again::Run) {
            self.tell(Event::Undone);
        }
        self.wait(pause).await;
        next
    }

    /// Waits, but not for somebody who asked to stop.
    pub(super) async fn wait(&mut self, pause: Duration) {
        let end = Instant::now() + pause;
        while Instant::now() < end && !self.terms.stop.is_asked() {
            // That it is lost, the next message is told.
            let _ = self.lock.keep(&mut self.watch).await;
            let left = end.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(Duration::from_millis(50))).await;
        }
    }
}

/// The step from the statement that met an obstacle on. None where its transactions are the file's own affair, or not even
/// the books' row could be written.
fn from_there(step: &Step, fault: &Fault, lexis: &crate::sql::Lexis) -> Option<Step> {
    let part = fault.batch.parts().get(fault.broken.completed)?;
    let unwritten = fault.first && part.origin == Origin::Limbeck;
    if unwritten || step.opens_transactions(&step.shapes(lexis)) {
        return None;
    }
    let mut rest = step.clone();
    rest.from = fault.done;
    rest.before.clear();
    rest.resumption = Resumption::Resumed;
    Some(rest)
}
