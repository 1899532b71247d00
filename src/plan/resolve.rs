//! Settling a half-applied revision: the plan for each way out.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::chain::guard::{Condition, When};
use crate::chain::{Direction, Guard, RevisionId};
use crate::ledger::record::Act;
use crate::ledger::{Row, RowWrite, State};
use crate::sql::effect::{Outcome, Presence};

use super::{Action, Evidence, Facts, Note, Plan, PlanError, Resumption, Scope, Step, Transaction, Verdict};

/// How a half-applied revision is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Go on: with the first statement that is not done, or with the statement of this number, from 1.
    Continue(Option<usize>),
    /// Run all its statements again: what was done has been undone by hand.
    Retry,
    /// Take back what was done, by the statements of the other section whose counterparts were.
    Undo,
    /// Only say so: what was not done has been done by hand.
    Done,
}

impl Way {
    /// The word on the command line and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Continue(_) => "continue",
            Self::Retry => "retry",
            Self::Undo => "undo",
            Self::Done => "done",
        }
    }
}

impl Facts<'_> {
    /// The row of the half-applied revision that is meant; `named` is needed only where there are several.
    pub fn half_applied(&self, named: Option<&str>) -> Result<&Row, PlanError> {
        let dirty: Vec<&Row> = self.books.rows.iter().filter(|row| row.state != State::Applied).collect();
        half_applied(&dirty, self.named(named)?)
    }

    /// Plans the way out of a half-applied revision. `evidence` is what was found of the statement that was under way,
    /// where one was.
    pub fn resolve(
        &self,
        named: Option<&str>,
        way: Way,
        evidence: Option<&Evidence>,
    ) -> Result<Plan, PlanError> {
        let ledger = self.ledger();
        let row = self.half_applied(named)?;
        let Some(at) = self.chain.place(&row.revision) else {
            return Err(PlanError::FileGone { revisions: vec![row.revision.clone()] });
        };
        let went = row.state.direction();
        let direction = match (way, went) {
            (Way::Undo, Direction::Up) => Direction::Down,
            (Way::Undo, Direction::Down) => Direction::Up,
            _ => went,
        };
        let mut step = self.step(direction, &BTreeSet::new(), at)?;
        let (done, total) = (row.done as usize, step.statements());
        let revision = || Arc::clone(&step.revision);
        let detail = format!("{}: {} after {done} of {} statements", went.verb(), way.name(), row.total);
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
            Way::Continue(from) => {
                if done > total {
                    return Err(PlanError::Shrunk { revision: row.revision.clone(), done, total });
                }
                let from = match (from, evidence) {
                    (Some(from), _) if (1..=total + 1).contains(&from) => from - 1,
                    (Some(statement), _) => {
                        let revision = row.revision.clone();
                        return Err(PlanError::NoSuchStatement { revision, statement, of: total });
                    }
                    (None, Some(evidence)) => {
                        notes.push(Note::Judged {
                            revision: row.revision.clone(),
                            statement: evidence.doubt.statement + 1,
                            verdict: evidence.verdict(),
                            seen: evidence.seen(),
                        });
                        judged(&step, evidence)?
                    }
                    (None, None) => done,
                };
                step.before = vec![said, RowWrite::Resume { revision: revision(), done: from, total }];
                step.from = from;
                step.transaction = Transaction::Each;
                if let Some(statement) = step.script().and_then(|script| script.statements.get(from)) {
                    let source = &step.revision.source;
                    notes.push(Note::GoesOn {
                        revision: row.revision.clone(),
                        statement: from + 1,
                        of: total,
                        line: source.position(statement.span.start).line,
                        text: source.slice(statement.span).lines().next().unwrap_or_default().to_owned(),
                    });
                }
            }
            Way::Undo => {
                // What was done completely is taken back completely.
                if done < row.total as usize {
                    step.guards.extend(self.counterparts(&step)?);
                }
                step.before = vec![said, RowWrite::Depart { revision: revision(), direction, total }];
                notes.push(Note::TakesBack(row.revision.clone()));
            }
        }
        let goal = row.revision.to_string();
        let mut plan = self.finished(direction, goal, &ledger, Scope::PerRevision, vec![step]);
        plan.notes.extend(notes);
        Ok(plan)
    }

    /// For each statement of a way back the condition that what it takes back is there.
    fn counterparts(&self, step: &Step) -> Result<Vec<(usize, Guard)>, PlanError> {
        let mut guards = Vec::new();
        for index in 0..step.statements() {
            match self.outcome(step, index) {
                Outcome::Shows(effects) => guards.extend(effects.into_iter().map(|effect| {
                    let when = match effect.leaves {
                        Presence::Absent => When::If,
                        Presence::Present => When::Unless,
                    };
                    (index, Guard { when, condition: Condition::Object(effect.object) })
                })),
                Outcome::Repeatable => {}
                Outcome::Unknown => {
                    return Err(PlanError::CannotUndo {
                        revision: step.revision.id.clone(),
                        source_text: step.revision.source.clone(),
                        span: step.span(index),
                    });
                }
            }
        }
        Ok(guards)
    }

    fn named(&self, name: Option<&str>) -> Result<Option<RevisionId>, PlanError> {
        let Some(name) = name else { return Ok(None) };
        Ok(Some(self.chain.revisions()[self.chain.find(name)?].id.clone()))
    }
}

/// The statement to go on with.
fn judged(step: &Step, evidence: &Evidence) -> Result<usize, PlanError> {
    let at = evidence.doubt.statement;
    match evidence.verdict() {
        Verdict::Done => Ok(at + 1),
        Verdict::NotDone | Verdict::Repeatable => Ok(at),
        Verdict::Unknown => Err(PlanError::InDoubt {
            revision: step.revision.id.clone(),
            statement: at + 1,
            of: step.statements(),
            source_text: step.revision.source.clone(),
            span: step.span(at),
            seen: evidence.seen(),
        }),
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
