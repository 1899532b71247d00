//! Settling a half-applied revision: the plan for each way out.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::chain::{Direction, RevisionId};
use crate::ledger::record::Act;
use crate::ledger::{Row, RowWrite, State};

use super::{Action, Facts, Note, Plan, PlanError, Resumption, Scope, Transaction};

/// How a half-applied revision is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Go on with the first statement that is not done.
    Continue,
    /// Run all its statements again: what was done has been undone by hand.
    Retry,
    /// Only say so: what was not done has been done by hand.
    Done,
}

impl Way {
    /// The word on the command line and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Retry => "retry",
            Self::Done => "done",
        }
    }
}

impl Facts<'_> {
    /// Plans the way out of a half-applied revision; `named` is needed only where there are several.
    pub fn resolve(&self, named: Option<&str>, way: Way) -> Result<Plan, PlanError> {
        let ledger = self.ledger();
        let row = half_applied(&ledger.dirty, self.named(named)?)?;
        let Some(at) = self.chain.place(&row.revision) else {
            return Err(PlanError::FileGone { revisions: vec![row.revision.clone()] });
        };
        let direction = if row.state == State::Downgrading { Direction::Down } else { Direction::Up };
        let mut step = self.step(direction, &BTreeSet::new(), at)?;
        let (done, total) = (row.done as usize, step.statements());
        let revision = || Arc::clone(&step.revision);
        let detail = format!("{}: {} after {done} of {} statements", direction.verb(), way.name(), row.total);
        let said = RowWrite::Log { act: Act::Resolve, revision: revision(), detail: Some(detail.into()) };
        let mut notes = Vec::new();
        step.resumption = Resumption::Resumed;
        match way {
            Way::Done => {
                step.action = Action::Record;
                step.transaction = Transaction::Wrapped { from: 0, to: 0 };
                step.before = vec![said, RowWrite::Resume { revision: revision(), done: total, total }];
            }
            Way::Retry => {
                step.before = vec![said, RowWrite::Resume { revision: revision(), done: 0, total }];
            }
            Way::Continue => {
                if done > total {
                    return Err(PlanError::Shrunk { revision: row.revision.clone(), done, total });
                }
                step.before = vec![said, RowWrite::Resume { revision: revision(), done, total }];
                step.from = done;
                step.transaction = Transaction::Each;
                if let Some(statement) = step.script().and_then(|script| script.statements.get(done)) {
                    let source = &step.revision.source;
                    notes.push(Note::GoesOn {
                        revision: row.revision.clone(),
                        statement: done + 1,
                        of: total,
                        line: source.position(statement.span.start).line,
                        text: source.slice(statement.span).lines().next().unwrap_or_default().to_owned(),
                    });
                }
            }
        }
        let goal = row.revision.to_string();
        let mut plan = self.finished(direction, goal, &ledger, Scope::PerRevision, vec![step]);
        plan.notes.extend(notes);
        Ok(plan)
    }

    fn named(&self, name: Option<&str>) -> Result<Option<RevisionId>, PlanError> {
        let Some(name) = name else { return Ok(None) };
        Ok(Some(self.chain.revisions()[self.chain.find(name)?].id.clone()))
    }
}

/// The half-applied revision that is meant.
fn half_applied<'a>(dirty: &[&'a Row], named: Option<RevisionId>) -> Result<&'a Row, PlanError> {
    match (named, dirty) {
        (Some(id), _) => {
            let found = dirty.iter().find(|row| row.revision == id).copied();
            found.ok_or(PlanError::NotDirty { revision: Some(id) })
        }
        (None, []) => Err(PlanError::NotDirty { revision: None }),
        (None, [only]) => Ok(only),
        (None, several) => {
            Err(PlanError::SeveralDirty(several.iter().map(|row| row.revision.clone()).collect()))
        }
    }
}
