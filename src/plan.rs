//! The plan: what will be done, decided from the chain, the books and the goal, without any I/O.

mod accept;
mod evidence;
mod policy;
mod resolve;
mod squash;
mod stamp;
mod statements;
mod transaction;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::chain::{
    Chain, Direction, Downgrade, Goal, GoalError, Guard, Limits, Revision, RevisionId, Script, join,
};
use crate::dialect::{Ddl, Server};
use crate::ledger::record::Act;
use crate::ledger::{Books, Content, Extent, Format, Ledger, Row, RowWrite, State, Tables};
use crate::sql::{SourceText, Span};

pub use evidence::{Evidence, InDoubt, Verdict};
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

/// Something that the reader of a plan should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The database does not exist and will be made first.
    MakesDatabase {
        /// Its name.
        name: String,
        /// The schema that is made in it: the one that the settings ask for.
        schema: Option<String>,
    },
    /// The books do not exist yet and will be made.
    MakesBooks,
    /// The books were made by an earlier version, and get the column that keeps what ran.
    ExtendsBooks,
    /// All steps are one transaction, because the database is empty.
    OneTransaction,
    /// All steps are one transaction, because the user wants it so.
    AllOrNothing,
    /// There is nothing to do, and the database is beyond the goal.
    Beyond,
    /// There are no revisions yet.
    NoRevisions,
    /// Applied revisions whose statements were edited since.
    Edited(Vec<RevisionId>),
    /// Revisions that come after their time.
    Late(Vec<RevisionId>),
    /// The statement that was under way when a run ended, judged by what the catalogue shows.
    Judged {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// What follows.
        verdict: Verdict,
        /// What was seen, in words.
        seen: String,
    },
    /// What was done of a half-applied revision is taken back; statements whose counterpart was not done are left out.
    TakesBack(RevisionId),
    /// A statement runs only under conditions.
    Guarded {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// The conditions, all of which must let it run.
        guards: Vec<Guard>,
    },
    /// A half-applied revision goes on: with which statement, and what it says.
    GoesOn {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// How many there are.
        of: usize,
        /// The line of the file where it begins.
        line: usize,
        /// Its first line.
        text: String,
    },
}

/// A goal that cannot be planned for.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The goal means nothing here.
    #[error(transparent)]
    Goal(#[from] GoalError),
    /// A half-applied revision is in the way.
    #[error("revision {} is half-applied: {} stopped after {} of {} statements", row.revision, row.state, row.done, row.total)]
    Dirty {
        /// Its row.
        row: Box<Row>,
    },
    /// The books name revisions that no file has.
    #[error("the books say that {} applied, and no file has {}", was(revisions), it(revisions))]
    FileGone {
        /// The revisions.
        revisions: Vec<RevisionId>,
    },
    /// The files of applied revisions say something else now.
    #[error("{} edited since {} applied", was(revisions), they(revisions))]
    Edited {
        /// The revisions.
        revisions: Vec<RevisionId>,
    },
    /// Revisions come after their time.
    #[error("{} late: what stands beside or on {} is applied already", comes(revisions), it(revisions))]
    Late {
        /// The revisions.
        revisions: Vec<RevisionId>,
    },
    /// The revision is not applied, so its file may be edited as its author likes.
    #[error("revision {0} is not applied")]
    Unapplied(RevisionId),
    /// The file is what the books say.
    #[error("the file of revision {0} is what the books say")]
    NotEdited(RevisionId),
    /// An edited file is accepted for a reason.
    #[error("the reason is empty")]
    NoReason,
    /// A downgrade would go past a revision that has no way back.
    #[error("revision {revision} cannot be downgraded: {reason}")]
    Irreversible {
        /// The revision.
        revision: RevisionId,
        /// Why.
        reason: String,
        /// Its file.
        file: String,
    },
    /// There is nothing half-applied to settle.
    #[error("{}", match revision { Some(id) => format!("revision {id} is not half-applied"), None => "no revision is half-applied".to_owned() })]
    NotDirty {
        /// The revision that was named.
        revision: Option<RevisionId>,
    },
    /// Several revisions are half-applied, and none was named.
    #[error("several revisions are half-applied: {}", join(.0, ", "))]
    SeveralDirty(Vec<RevisionId>),
    /// Nobody knows whether a statement of a half-applied revision was done.
    #[error(
        "statement {statement} of {of} of revision {revision} was under way when a run ended, and nothing tells whether it was \
         done"
    )]
    InDoubt {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// How many there are.
        of: usize,
        /// Its file.
        source_text: SourceText,
        /// The statement in it.
        span: Span,
        /// What was seen, in words; empty where nothing can be.
        seen: String,
    },
    /// Nobody knows whether a statement's counterpart was done, so what was done cannot be taken back statement by
    /// statement.
    #[error("what was done of revision {revision} cannot be taken back statement by statement")]
    CannotUndo {
        /// The revision.
        revision: RevisionId,
        /// Its file.
        source_text: SourceText,
        /// The statement of the other section that cannot be judged.
        span: Span,
    },
    /// The statement to go on with is none.
    #[error("revision {revision} has {of} statements, so that it cannot go on with statement {statement}")]
    NoSuchStatement {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// How many there are.
        of: usize,
    },
    /// The file of a half-applied revision has fewer statements than are done.
    #[error("{done} statements of revision {revision} are done, and its file has only {total} now")]
    Shrunk {
        /// The revision.
        revision: RevisionId,
        /// The statements done.
        done: usize,
        /// The statements there are.
        total: usize,
    },
    /// A run that is to be one transaction holds a revision that cannot be part of one.
    #[error("the run cannot be one transaction because of revision {revision}: {reason}")]
    NotInOne {
        /// The revision.
        revision: RevisionId,
        /// Why.
        reason: &'static str,
    },
    /// A revision that a squash replaced must be finished first, and its file is gone.
    #[error(
        "revision {revision} must be applied before the squash {squash} can take its place, and its file is gone from archive/"
    )]
    ArchiveGone {
        /// The revision.
        revision: RevisionId,
        /// The squash.
        squash: RevisionId,
    },
    /// The goal of a downgrade is not applied.
    #[error("revision {0} is not applied, so there is no way down to it")]
    NotApplied(RevisionId),
    /// A statement that the server would hang up at.
    #[error(
        "statement {statement} of revision {revision} (line {line}) has {}, and the server takes {} at once",
        mebibytes(*bytes), mebibytes(*takes)
    )]
    TooLarge {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// The line of the file where it begins.
        line: usize,
        /// How long it is.
        bytes: usize,
        /// How long a message may be.
        takes: usize,
    },
    /// A script whose transactions cannot be worked out.
    #[error("{kind}")]
    Script {
        /// What is wrong.
        #[source]
        kind: ScriptError,
        /// The revision.
        revision: RevisionId,
        /// Its file.
        source_text: SourceText,
        /// The place in it.
        span: Span,
    },
}

/// `16.0 MiB`.
fn mebibytes(bytes: usize) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
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

fn was(ids: &[RevisionId]) -> String {
    format!("{} {}", join(ids, ", "), if ids.len() == 1 { "was" } else { "were" })
}

fn comes(ids: &[RevisionId]) -> String {
    format!("{} {}", join(ids, ", "), if ids.len() == 1 { "comes" } else { "come" })
}

fn it(ids: &[RevisionId]) -> &'static str {
    if ids.len() == 1 { "it" } else { "them" }
}

fn they(ids: &[RevisionId]) -> &'static str {
    if ids.len() == 1 { "it was" } else { "they were" }
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
