//! The plan: what will be done, decided from the chain, the books and the goal, without any I/O.

mod accept;
mod error;
mod evidence;
mod note;
mod policy;
mod resolve;
mod squash;
mod stamp;
mod statements;
mod transaction;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::chain::{Chain, Direction, Downgrade, Goal, Guard, Limits, Revision, RevisionId, Script};
use crate::dialect::{Ddl, Server};
use crate::ledger::record::Act;
use crate::ledger::{Books, Content, Extent, Format, Ledger, Row, RowWrite, State, Tables};

pub use error::PlanError;
pub use evidence::{Evidence, InDoubt, Verdict};
pub use note::Note;
pub use policy::{Edits, Late, Policy, Transactions};
pub use resolve::Way;
pub use stamp::Purge;
pub(crate) use statements::counted;
pub(crate) use transaction::decide as decide_transaction;
pub use transaction::{ScriptError, Transaction};

/// Everything that a plan is decided from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The revisions.
    pub chain: &'a Chain,
    /// What the database says was applied.
    pub books: &'a Books,
    /// The server.
    pub server: &'a Server,
    /// Where the books lie.
    pub format: &'a Format,
    /// What the user wants of every plan.
    pub policy: Policy,
}

/// What will be done. A value: shown, approved, and carried out exactly so.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The way that its steps go.
    pub direction: Direction,
    /// The goal, as typed.
    pub goal: String,
    /// Where the books lie.
    pub format: Format,
    /// The server that it is for.
    pub server: Server,
    /// Whether the books must be made first.
    pub tables: Tables,
    /// What the books said when the plan was made. It is carried out on these books or not at all.
    pub basis: Vec<Row>,
    /// The heads of what was applied.
    pub current: Vec<RevisionId>,
    /// How much of it is one transaction.
    pub scope: Scope,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What else the reader should know.
    pub notes: Vec<Note>,
}

impl Plan {
    /// The revisions that come after their time.
    pub fn late(&self) -> Vec<RevisionId> {
        late(&self.steps)
    }
}

/// One revision of a plan.
#[derive(Clone, Debug)]
pub struct Step {
    /// The revision.
    pub revision: Arc<Revision>,
    /// The way it goes.
    pub direction: Direction,
    /// What is done besides writing the books.
    pub action: Action,
    /// The first statement to run: others than the first only where a half-applied revision goes on.
    pub from: usize,
    /// What a failure in the middle leaves behind.
    pub transaction: Transaction,
    /// How long it may take.
    pub limits: Limits,
    /// The conditions on some of its statements.
    pub guards: Vec<(usize, Guard)>,
    /// Whether something of it was done before.
    pub resumption: Resumption,
    /// The row writes before the statements.
    pub before: Vec<RowWrite>,
    /// The row writes after them.
    pub after: Vec<RowWrite>,
    /// Whether it comes after its time.
    pub order: Order,
}

impl Step {
    /// The statements that the step runs: none when it only records.
    pub fn script(&self) -> Option<&Script> {
        match self.action {
            Action::Run => self.revision.script(self.direction),
            Action::Record => None,
        }
    }

    /// The conditions on one statement.
    pub fn guards_of(&self, index: usize) -> impl Iterator<Item = &Guard> {
        self.guards.iter().filter(move |(at, _)| *at == index).map(|(_, guard)| guard)
    }

    /// How many rows of other revisions leave the books: those of the revisions that a squash replaced.
    pub fn replaces(&self) -> usize {
        let others = |write: &&RowWrite| matches!(write, RowWrite::Delete { revision } if revision.id != self.revision.id);
        self.before.iter().filter(others).count()
    }

    /// How many statements the step runs.
    pub fn statements(&self) -> usize {
        self.script().map_or(0, |script| script.statements.len())
    }
}

/// What a step does besides writing the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Runs the revision's statements.
    Run,
    /// Nothing: only the books change.
    Record,
}

/// Whether something of a step was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// No: it begins with it.
    Fresh,
    /// Yes: what failed may have left something behind.
    Resumed,
}

/// How much of a run is one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each step decides for itself.
    PerRevision,
    /// The whole run: the database is empty and nobody else uses it. What is done before a failure stays.
    WholeRun,
    /// The whole run, because the user wants it so: all of it is applied, or nothing.
    AllOrNothing,
}

/// Where a step stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// After all that was applied.
    InOrder,
    /// Another child of its parent, or a revision that stands on it, was applied before it.
    Late,
}

/// The revisions among the steps that come after their time.
fn late(steps: &[Step]) -> Vec<RevisionId> {
    let late = steps.iter().filter(|step| step.order == Order::Late);
    late.map(|step| step.revision.id.clone()).collect()
}

/// The applied revisions whose statements were edited since; that a file was reformatted stops nothing.
fn edited(ledger: &Ledger<'_>) -> Vec<RevisionId> {
    let applied = ledger.edited.iter().filter(|edited| edited.row.state == State::Applied);
    let edited = applied.filter(|edited| edited.extent == Extent::Statements);
    edited.map(|edited| edited.row.revision.clone()).collect()
}

impl<'a> Facts<'a> {
    pub(crate) fn ledger(&self) -> Ledger<'a> {
        Ledger::read(self.chain, &self.books.rows)
    }

    /// Refuses what no plan may pass over.
    fn sound_ledger(&self) -> Result<Ledger<'a>, PlanError> {
        let ledger = self.ledger();
        if let Some(row) = ledger.dirty.first() {
            return Err(PlanError::Dirty { row: Box::new((*row).clone()) });
        }
        if !ledger.unknown.is_empty() {
            let revisions = ledger.unknown.iter().map(|row| row.revision.clone()).collect();
            return Err(PlanError::FileGone { revisions });
        }
        let revisions = edited(&ledger);
        if !revisions.is_empty() && self.policy.edits == Edits::Refused {
            return Err(PlanError::Edited { revisions });
        }
        Ok(ledger)
    }

    /// Plans an upgrade.
    pub fn upgrade(&self, goal: &Goal) -> Result<Plan, PlanError> {
        let ledger = self.sound_ledger()?;
        let wanted = self.chain.wanted(goal, &ledger.applied)?;
        let recorded = |at: &usize| ledger.applied.contains(at) && !ledger.unrecorded.contains(at);
        let pending: Vec<usize> = wanted.into_iter().filter(|at| !recorded(at)).collect();
        self.plan(Direction::Up, goal, &ledger, pending.into_iter())
    }

    /// Plans a downgrade.
    pub fn downgrade(&self, goal: &Goal) -> Result<Plan, PlanError> {
        let ledger = self.sound_ledger()?;
        let kept = self.chain.kept(goal, &ledger.applied)?;
        let stops = self.chain.stops(goal)?.unwrap_or_default();
        if let Some(at) = stops.into_iter().find(|at| !ledger.applied.contains(at)) {
            return Err(PlanError::NotApplied(self.chain.revisions()[at].id.clone()));
        }
        // What a squash replaced goes its own way back; the squash itself left no trace yet.
        let left = |at: &&usize| !ledger.unrecorded.contains(at);
        let gone: Vec<usize> = ledger.applied.difference(&kept).filter(left).copied().collect();
        self.plan(Direction::Down, goal, &ledger, gone.into_iter().rev())
    }

    /// Plans the way to `goal`, whichever way that is.
    pub fn goto(&self, goal: &Goal) -> Result<Plan, PlanError> {
        let ledger = self.ledger();
        let down = match (self.chain.stops(goal)?, goal) {
            (Some(stops), _) => stops.iter().all(|at| ledger.applied.contains(at)),
            (None, Goal::Branch(_, inner)) => matches!(**inner, Goal::Base | Goal::Steps(i64::MIN..0)),
            (None, _) => matches!(goal, Goal::Base | Goal::Steps(i64::MIN..0)),
        };
        if down { self.downgrade(goal) } else { self.upgrade(goal) }
    }

    fn plan(
        &self,
        direction: Direction,
        goal: &Goal,
        ledger: &Ledger<'_>,
        places: impl Iterator<Item = usize>,
    ) -> Result<Plan, PlanError> {
        let late = ledger.late(self.chain);
        let steps: Vec<Step> = places.map(|at| self.step(direction, &late, at)).collect::<Result<_, _>>()?;
        let revisions = self::late(&steps);
        if !revisions.is_empty() && self.policy.late == Late::Refuse {
            return Err(PlanError::Late { revisions });
        }
        let scope = self.scope(&steps)?;
        let mut plan = self.finished(direction, goal.to_string(), ledger, scope, steps);
        if self.chain.is_empty() {
            plan.notes.push(Note::NoRevisions);
        } else if direction == Direction::Up && plan.steps.is_empty() {
            let passed =
                |at: &usize| self.chain.children(*at).iter().any(|child| ledger.applied.contains(child));
            if self.chain.stops(goal)?.is_some_and(|stops| stops.iter().any(passed)) {
                plan.notes.push(Note::Beyond);
            }
        }
        Ok(plan)
    }

    /// How much of a run of these steps is one transaction.
    fn scope(&self, steps: &[Step]) -> Result<Scope, PlanError> {
        let apart = steps
            .iter()
            .find(|step| step.transaction != Transaction::Wrapped { from: 0, to: step.statements() });
        match self.policy.transactions {
            Transactions::All => match (apart, steps) {
                (Some(step), _) => Err(PlanError::NotInOne {
                    revision: step.revision.id.clone(),
                    reason: match (self.server.ddl(), step.transaction) {
                        (Ddl::Committing, _) => "this server commits with every DDL statement",
                        (_, Transaction::Own) => "its file has a transaction of its own",
                        _ => "it has statements that run outside of a transaction",
                    },
                }),
                (None, []) => Ok(Scope::PerRevision),
                (None, _) => Ok(Scope::AllOrNothing),
            },
            Transactions::None => Ok(Scope::PerRevision),
            Transactions::PerRevision => {
                let ours = self.books.content == Content::Empty && self.server.empty_is_ours();
                let whole = ours && steps.len() > 1 && apart.is_none();
                Ok(if whole { Scope::WholeRun } else { Scope::PerRevision })
            }
        }
    }

    pub(crate) fn finished(
        &self,
        direction: Direction,
        goal: String,
        ledger: &Ledger<'_>,
        scope: Scope,
        steps: Vec<Step>,
    ) -> Plan {
        let mut notes = Vec::new();
        if !steps.is_empty() && self.books.tables == Tables::Absent {
            notes.push(Note::MakesBooks);
        }
        if !steps.is_empty() && self.books.tables == Tables::Outdated {
            notes.push(Note::ExtendsBooks);
        }
        match scope {
            Scope::WholeRun => notes.push(Note::OneTransaction),
            Scope::AllOrNothing => notes.push(Note::AllOrNothing),
            Scope::PerRevision => {}
        }
        let edited = edited(ledger);
        if !edited.is_empty() {
            notes.push(Note::Edited(edited));
        }
        for step in steps.iter().filter(|step| step.action == Action::Run) {
            let places: BTreeSet<usize> = step.guards.iter().map(|(at, _)| *at).collect();
            notes.extend(places.into_iter().map(|at| Note::Guarded {
                revision: step.revision.id.clone(),
                statement: at + 1,
                guards: step.guards_of(at).cloned().collect(),
            }));
        }
        let late = late(&steps);
        if !late.is_empty() {
            notes.push(Note::Late(late));
        }
        Plan {
            direction,
            goal,
            format: self.format.clone(),
            server: self.server.clone(),
            tables: self.books.tables,
            basis: self.books.rows.clone(),
            current: ledger.heads(self.chain),
            scope,
            steps,
            notes,
        }
    }

    /// Refuses a statement that the server does not take.
    fn small_enough(&self, revision: &Revision, script: &Script) -> Result<(), PlanError> {
        /// What limbeck says around a statement in the same message.
        const AROUND: usize = 4 << 10;
        let Some(takes) = self.server.takes else { return Ok(()) };
        let bytes = |at: usize| script.statements[at].span.end - script.statements[at].span.start;
        match (0..script.statements.len()).find(|at| bytes(*at) + AROUND > takes) {
            None => Ok(()),
            Some(at) => Err(PlanError::TooLarge {
                revision: revision.id.clone(),
                statement: at + 1,
                line: revision.source.position(script.statements[at].span.start).line,
                bytes: bytes(at),
                takes,
            }),
        }
    }

    pub(crate) fn step(
        &self,
        direction: Direction,
        late: &BTreeSet<usize>,
        at: usize,
    ) -> Result<Step, PlanError> {
        let revision = &self.chain.revisions()[at];
        let replaced = self.chain.replaced(at);
        if direction == Direction::Up && !replaced.is_empty() {
            return Ok(self.record_squash(at, &replaced));
        }
        if direction == Direction::Up && !revision.has_file() {
            return Err(PlanError::ArchiveGone { revision: revision.id.clone(), squash: self.squash_on(at) });
        }
        let Some(script) = revision.script(direction) else {
            let reason = match &revision.downgrade {
                Downgrade::Irreversible(reason) => reason.clone(),
                Downgrade::Missing | Downgrade::Script(_) => "its file has no downgrade section".to_owned(),
            };
            return Err(PlanError::Irreversible {
                revision: revision.id.clone(),
                reason,
                file: revision.source.name().to_owned(),
            });
        };
        let transaction =
            transaction::decide(script, &revision.source, self.server, self.policy.transactions).map_err(
                |(kind, span)| PlanError::Script {
                    kind,
                    revision: revision.id.clone(),
                    source_text: revision.source.clone(),
                    span,
                },
            )?;
        self.small_enough(revision, script)?;
        let own = || Arc::clone(revision);
        let log = |act| RowWrite::Log { act, revision: own(), detail: None };
        let (before, after) = match direction {
            Direction::Up => (
                vec![RowWrite::Insert {
                    revision: own(),
                    state: State::Upgrading,
                    heads: self.chain.remembered_heads(),
                }],
                vec![RowWrite::Arrive { revision: own() }, log(Act::Upgrade)],
            ),
            // The log looks at the row's clock, so it comes before the row goes.
            Direction::Down => (
                vec![RowWrite::Depart { revision: own(), direction, total: script.statements.len() }],
                vec![log(Act::Downgrade), RowWrite::Delete { revision: own() }],
            ),
        };
        let order = if late.contains(&at) { Order::Late } else { Order::InOrder };
        Ok(Step {
            revision: Arc::clone(revision),
            direction,
            action: Action::Run,
            from: 0,
            transaction,
            limits: script.limits.or(self.policy.limits),
            guards: script.guards.clone(),
            resumption: Resumption::Fresh,
            before,
            after,
            order,
        })
    }
}
