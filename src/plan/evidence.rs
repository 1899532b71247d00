//! A statement that was sent and whose answer is not known: what the catalogue shows of it.

use crate::chain::RevisionId;
use crate::ledger::{Row, State};
use crate::sql::effect::{self, Effect, Outcome, Presence};

use super::statements::counted;
use super::{Facts, PlanError, Step};

/// A statement whose answer is not known: the process, or the connection, ended while it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InDoubt {
    /// Its revision.
    pub revision: RevisionId,
    /// The statement, from 0.
    pub statement: usize,
    /// How it can be judged.
    pub outcome: Outcome,
}

impl InDoubt {
    /// The objects to look for.
    pub fn effects(&self) -> &[Effect] {
        match &self.outcome {
            Outcome::Shows(effects) => effects,
            Outcome::Repeatable | Outcome::Unknown => &[],
        }
    }
}

/// What was found of a statement in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The statement.
    pub doubt: InDoubt,
    /// For each object that it makes or removes, whether it is there.
    pub found: Vec<Presence>,
}

/// What follows from the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The statement was done.
    Done,
    /// It was not.
    NotDone,
    /// Nobody knows, and it does no harm a second time.
    Repeatable,
    /// Nobody knows.
    Unknown,
}

impl Evidence {
    /// Judges. A statement is one step, so objects that contradict each other tell nothing.
    pub fn verdict(&self) -> Verdict {
        if self.doubt.outcome == Outcome::Repeatable {
            return Verdict::Repeatable;
        }
        let agree = |effect: &Effect, found: &Presence| effect.leaves == *found;
        let mut pairs = self.doubt.effects().iter().zip(&self.found);
        match pairs.clone().filter(|(effect, found)| agree(effect, found)).count() {
            _ if self.found.is_empty() || self.found.len() != self.doubt.effects().len() => Verdict::Unknown,
            0 => Verdict::NotDone,
            _ if pairs.all(|(effect, found)| agree(effect, found)) => Verdict::Done,
            _ => Verdict::Unknown,
        }
    }

    /// What was seen, in words: `table t is there, column t.c is not`.
    pub fn seen(&self) -> String {
        let seen = self.doubt.effects().iter().zip(&self.found).map(|(effect, found)| match found {
            Presence::Present => format!("{} is there", effect.object),
            Presence::Absent => format!("{} is not there", effect.object),
        });
        seen.collect::<Vec<_>>().join(", ")
    }
}

impl Facts<'_> {
    /// The statement of a half-applied revision whose answer is not known, where there is one. A statement that failed is
    /// in no doubt, nor is one whose count in the books is exact.
    pub fn in_doubt(&self, row: &Row) -> Result<Option<InDoubt>, PlanError> {
        let Some(at) = self.chain.place(&row.revision) else { return Ok(None) };
        if row.state == State::Applied || row.error.is_some() {
            return Ok(None);
        }
        let step = self.step(row.state.direction(), &Default::default(), at)?;
        let statement = row.done as usize;
        let shapes = step.shapes(self.server.dialect().lexis());
        if statement >= step.statements() || step.counts_with(statement, &shapes, self.server) {
            return Ok(None);
        }
        // While tables are locked nothing is counted, so the statements behind it may be done too.
        let outcome = match counted(&shapes).get(statement) {
            Some(true) => self.outcome(&step, statement),
            _ => Outcome::Unknown,
        };
        Ok(Some(InDoubt { revision: row.revision.clone(), statement, outcome }))
    }

    pub(super) fn outcome(&self, step: &Step, statement: usize) -> Outcome {
        effect::outcome(self.server.dialect().lexis(), step.text(statement))
    }
}
