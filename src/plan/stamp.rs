//! Stamps: plans that change the books alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::chain::{Direction, Goal, Limits, Revision, join};
use crate::ledger::record::Act;
use crate::ledger::{RowWrite, State};

use super::{Action, Facts, Order, Plan, PlanError, Resumption, Scope, Step, Transaction};

/// Whether a stamp forgets what the books said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// It forgets all of it.
    Yes,
    /// It changes only the branches that it names.
    No,
}

impl Facts<'_> {
    /// Plans a stamp: the books are to say that exactly the goals and what they stand on is applied. Revisions of
    /// other branches stay as they are, unless `purge` forgets the old books altogether.
    pub fn stamp(&self, goals: &[Goal], purge: Purge) -> Result<Plan, PlanError> {
        let ledger = self.ledger();
        let mut wanted = BTreeSet::new();
        let mut released = BTreeSet::new();
        for goal in goals {
            let goal = &self.chain.meant(goal);
            let reached = self.chain.wanted(goal, &ledger.applied)?;
            let line = match goal {
                Goal::From(name, steps) if *steps < 0 => self.chain.ancestors([self.chain.find(name)?]),
                Goal::Revision(_) | Goal::From(..) => self.chain.branch(self.chain.last_of(&reached)),
                Goal::Base | Goal::Heads | Goal::Head => (0..self.chain.len()).collect(),
                Goal::Branch(label, _) => self.chain.branch_of(label)?,
                Goal::Steps(_) => BTreeSet::new(),
            };
            released.extend(self.chain.descendants(line.difference(&reached).copied()));
            wanted.extend(reached);
        }
        let spoken_of: BTreeSet<usize> = match purge {
            Purge::No => wanted.union(&released).copied().collect(),
            Purge::Yes => (0..self.chain.len()).collect(),
        };
        if purge == Purge::No {
            wanted.extend(ledger.applied.difference(&released));
        }
        // What a squash replaced is in the books as the squash, or by itself, and never both ways.
        let squashes = self.stamped_squashes(&wanted, &ledger);
        let replaced = |at: &usize| {
            let mut within = wanted.iter().flat_map(|squash| self.chain.replaced(*squash));
            within.any(|other| other == *at)
        };
        let wanted: BTreeSet<usize> = wanted.iter().filter(|at| !replaced(at)).copied().collect();
        let kept_rows =
            |at: &usize| ledger.unrecorded.contains(at) || squashes.iter().any(|(_, rows)| rows.contains(at));
        let gone: Vec<usize> =
            ledger.applied.difference(&wanted).filter(|at| !kept_rows(at)).copied().collect();
        let mut steps: Vec<Step> =
            gone.into_iter().rev().map(|at| self.record(at, Direction::Down)).collect();
        // A half-applied revision is settled by a stamp that speaks of it: its row says what the stamp says.
        let settled = |at: &&usize| {
            let id = &self.chain.revisions()[**at].id;
            !(spoken_of.contains(at) && ledger.dirty.iter().any(|row| row.revision == *id))
        };
        let kept: BTreeSet<usize> = match purge {
            Purge::No => ledger.applied.iter().filter(settled).copied().collect(),
            // All that the books said is forgotten, so every row is written anew.
            Purge::Yes => BTreeSet::new(),
        };
        for row in &ledger.dirty {
            if let Some(at) = self.chain.place(&row.revision)
                && row.state == State::Upgrading
                && spoken_of.contains(&at)
                && !wanted.contains(&at)
            {
                steps.push(self.record(at, Direction::Down));
            }
        }
        for at in &wanted {
            if let Some((_, rows)) = squashes.iter().find(|(squash, _)| squash == at) {
                steps.push(self.record_squash(*at, rows));
                continue;
            }
            if kept.contains(at) {
                continue;
            }
            let mut step = self.record(*at, Direction::Up);
            let id = &step.revision.id;
            if ledger.rows.iter().any(|row| row.revision == *id) {
                step.before.insert(0, RowWrite::Delete { revision: Arc::clone(&step.revision) });
            }
            steps.push(step);
        }
        let goal = join(goals, ", ");
        let mut plan = self.finished(Direction::Up, goal, &ledger, Scope::PerRevision, steps);
        if purge == Purge::Yes {
            plan.steps.extend(ledger.unknown.iter().map(|row| {
                let revision = Revision::without_file(row.revision.clone(), &row.description);
                Step::record(Arc::new(revision), Direction::Down, None)
            }));
        }
        Ok(plan)
    }

    /// A step that only records that a revision is applied, or that it is not.
    fn record(&self, at: usize, direction: Direction) -> Step {
        Step::record(Arc::clone(&self.chain.revisions()[at]), direction, self.chain.remembered_heads())
    }
}

impl Step {
    /// A step that only changes the books.
    fn record(revision: Arc<Revision>, direction: Direction, heads: Option<Arc<str>>) -> Self {
        let write = match direction {
            Direction::Up => {
                RowWrite::Insert { revision: Arc::clone(&revision), state: State::Applied, heads }
            }
            Direction::Down => RowWrite::Delete { revision: Arc::clone(&revision) },
        };
        let detail = direction.verb().into();
        Self::recorded(revision, direction, write, Act::Stamp, detail)
    }

    /// A step that writes this into the books, logs it as that, and runs nothing.
    pub(super) fn recorded(
        revision: Arc<Revision>,
        direction: Direction,
        write: RowWrite,
        act: Act,
        detail: Box<str>,
    ) -> Self {
        Self {
            before: vec![write],
            after: vec![RowWrite::Log { act, revision: Arc::clone(&revision), detail: Some(detail) }],
            revision,
            direction,
            action: Action::Record,
            from: 0,
            transaction: Transaction::Wrapped { from: 0, to: 0 },
            limits: Limits::default(),
            guards: Vec::new(),
            resumption: Resumption::Fresh,
            order: Order::InOrder,
        }
    }
}
