//! The plan: what will be done, decided from the chain, the books and the goal, without any I/O.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::chain::{
    Chain, Direction, Downgrade, Goal, GoalError, Revision, RevisionId, Script, Wrapping, join,
};
use crate::dialect::{Ddl, Server};
use crate::ledger::record::Act;
use crate::ledger::{Books, Content, Format, Ledger, Row, RowWrite, State, Tables};
use crate::sql::shape::{self, Shape};
use crate::sql::{SourceText, Span};

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

/// What is one transaction within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// limbeck's own, around the statements `from..to` and the row writes. What stands before and after runs outside
    /// of it: SQLite's pragmas, which a transaction would silently ignore.
    Wrapped {
        /// The first statement inside.
        from: usize,
        /// The first statement after it.
        to: usize,
    },
    /// The file's own `BEGIN … COMMIT`; the row writes join it.
    Own,
    /// None: every statement stands for itself, and the books count them.
    Each,
}

/// How much of a run is one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each step decides for itself.
    PerRevision,
    /// The whole run: the database is empty and nobody else uses it.
    WholeRun,
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
    /// The books do not exist yet and will be made.
    MakesBooks,
    /// All steps are one transaction, because the database is empty.
    OneTransaction,
    /// There is nothing to do, and the database is beyond the goal.
    Beyond,
    /// There are no revisions yet.
    NoRevisions,
    /// Applied revisions whose statements were edited since.
    Edited(Vec<RevisionId>),
    /// Revisions that come after their time.
    Late(Vec<RevisionId>),
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
    /// The goal of a downgrade is not applied.
    #[error("revision {0} is not applied, so there is no way down to it")]
    NotApplied(RevisionId),
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

fn was(ids: &[RevisionId]) -> String {
    format!("{} {}", join(ids, ", "), if ids.len() == 1 { "was" } else { "were" })
}

fn it(ids: &[RevisionId]) -> &'static str {
    if ids.len() == 1 { "it" } else { "them" }
}

/// What can be wrong with the transactions of a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Statements that need a transaction beside one that cannot have it.
    #[error("this statement cannot run inside a transaction ({0}), and the section has others that should")]
    Mixed(&'static str),
    /// The same, inside the file's own transaction.
    #[error("this statement cannot run inside a transaction ({0}), and the file opens one around it")]
    InsideOwn(&'static str),
    /// A transaction that does not end.
    #[error("the transaction that begins here is never committed")]
    Unclosed,
    /// An end without a beginning.
    #[error("there is no transaction to end here")]
    Unopened,
    /// A transaction inside a transaction.
    #[error("a transaction is open here already")]
    Nested,
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
        Ok(ledger)
    }

    /// Plans an upgrade.
    pub fn upgrade(&self, goal: &Goal) -> Result<Plan, PlanError> {
        let ledger = self.sound_ledger()?;
        let wanted = self.chain.wanted(goal, &ledger.applied)?;
        let pending: BTreeSet<usize> = wanted.difference(&ledger.applied).copied().collect();
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
        let gone: Vec<usize> = ledger.applied.difference(&kept).copied().collect();
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
        let late = self.chain.late(&ledger.applied);
        let steps: Vec<Step> = places.map(|at| self.step(direction, &late, at)).collect::<Result<_, _>>()?;
        let whole = |step: &Step| step.transaction == Transaction::Wrapped { from: 0, to: step.statements() };
        let alone = self.books.content == Content::Empty && self.server.empty_is_ours();
        let scope = if alone && steps.len() > 1 && steps.iter().all(whole) {
            Scope::WholeRun
        } else {
            Scope::PerRevision
        };
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
        if scope == Scope::WholeRun {
            notes.push(Note::OneTransaction);
        }
        let edited: Vec<RevisionId> = ledger
            .edited
            .iter()
            .filter(|edited| edited.row.state == State::Applied)
            .filter(|edited| edited.extent == crate::ledger::Extent::Statements)
            .map(|edited| edited.row.revision.clone())
            .collect();
        if !edited.is_empty() {
            notes.push(Note::Edited(edited));
        }
        let late: Vec<RevisionId> = steps
            .iter()
            .filter(|step| step.order == Order::Late)
            .map(|step| step.revision.id.clone())
            .collect();
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

    pub(crate) fn step(
        &self,
        direction: Direction,
        late: &BTreeSet<usize>,
        at: usize,
    ) -> Result<Step, PlanError> {
        let revision = &self.chain.revisions()[at];
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
            transaction(script, &revision.source, self.server).map_err(|(kind, span)| PlanError::Script {
                kind,
                revision: revision.id.clone(),
                source_text: revision.source.clone(),
                span,
            })?;
        let own = || Arc::clone(revision);
        let log = |act| RowWrite::Log { act, revision: own(), detail: None };
        let (before, after) = match direction {
            Direction::Up => (
                vec![RowWrite::Insert { revision: own(), state: State::Upgrading }],
                vec![RowWrite::Arrive { revision: own() }, log(Act::Upgrade)],
            ),
            // The log looks at the row's clock, so it comes before the row goes.
            Direction::Down => (
                vec![RowWrite::Depart { revision: own(), total: script.statements.len() }],
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
            before,
            after,
            order,
        })
    }

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
        let gone: Vec<usize> = ledger.applied.difference(&wanted).copied().collect();
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
        for at in wanted.difference(&kept) {
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
                Step::record(Arc::new(revision), Direction::Down)
            }));
        }
        Ok(plan)
    }

    /// A step that only records that a revision is applied, or that it is not.
    fn record(&self, at: usize, direction: Direction) -> Step {
        Step::record(Arc::clone(&self.chain.revisions()[at]), direction)
    }
}

impl Step {
    /// A step that only changes the books.
    fn record(revision: Arc<Revision>, direction: Direction) -> Self {
        let write = match direction {
            Direction::Up => RowWrite::Insert { revision: Arc::clone(&revision), state: State::Applied },
            Direction::Down => RowWrite::Delete { revision: Arc::clone(&revision) },
        };
        let detail = Some(direction.verb().into());
        Self {
            before: vec![write],
            after: vec![RowWrite::Log { act: Act::Stamp, revision: Arc::clone(&revision), detail }],
            revision,
            direction,
            action: Action::Record,
            from: 0,
            transaction: Transaction::Wrapped { from: 0, to: 0 },
            order: Order::InOrder,
        }
    }
}

/// Whether a stamp forgets what the books said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// It forgets all of it.
    Yes,
    /// It changes only the branches that it names.
    No,
}

/// Decides what is one transaction in a script, from its statements and the server.
fn transaction(
    script: &Script,
    source: &SourceText,
    server: &Server,
) -> Result<Transaction, (ScriptError, Span)> {
    let lexis = server.dialect().lexis();
    let count = script.statements.len();
    let shapes: Vec<Shape> =
        script.statements.iter().map(|statement| shape::shape(lexis, source.slice(statement.span))).collect();
    let span = |at: usize| script.statements[at].span;

    let blocks = match own_transactions(&shapes) {
        Ok(blocks) => blocks,
        // There a COMMIT may end what DDL or autocommit opened, and a BEGIN commits what was open.
        Err((ScriptError::Unopened | ScriptError::Nested, _)) if server.ddl() == Ddl::Committing => {
            Vec::new()
        }
        Err((kind, at)) => return Err((kind, span(at))),
    };
    if server.ddl() == Ddl::Committing || script.wrapping == Wrapping::Forbidden {
        return Ok(Transaction::Each);
    }
    let outside = |at: usize| shapes[at].outside.map(|reason| (at, reason));
    if !blocks.is_empty() {
        for (begin, end) in &blocks {
            if let Some((at, reason)) = (*begin..*end).find_map(outside) {
                return Err((ScriptError::InsideOwn(reason), span(at)));
            }
        }
        let all = blocks.as_slice() == [(0, count - 1)] && shapes[count - 1].act == shape::Act::Commit;
        return Ok(if all { Transaction::Own } else { Transaction::Each });
    }
    let from = (0..count).position(|at| outside(at).is_none()).unwrap_or(count);
    let to = (0..count).rposition(|at| outside(at).is_none()).map_or(count, |last| last + 1);
    if from == count && count > 0 {
        return Ok(Transaction::Each);
    }
    let lifted = |at: usize| shapes[at].act == shape::Act::Pragma;
    let stray = (0..count).filter_map(outside).find(|(at, _)| (from..to).contains(at) || !lifted(*at));
    match stray {
        Some((at, reason)) => Err((ScriptError::Mixed(reason), span(at))),
        None => Ok(Transaction::Wrapped { from, to }),
    }
}

/// The transactions that a script opens and ends itself, as (first, last) statement.
fn own_transactions(shapes: &[Shape]) -> Result<Vec<(usize, usize)>, (ScriptError, usize)> {
    let mut blocks = Vec::new();
    let mut open = None;
    for (at, shape) in shapes.iter().enumerate() {
        match (shape.act, open) {
            (shape::Act::Begin, None) => open = Some(at),
            (shape::Act::Begin, Some(_)) => return Err((ScriptError::Nested, at)),
            (shape::Act::Commit | shape::Act::Rollback, None) => return Err((ScriptError::Unopened, at)),
            (shape::Act::Commit | shape::Act::Rollback, Some(begin)) => {
                blocks.push((begin, at));
                open = None;
            }
            _ => {}
        }
    }
    match open {
        Some(at) => Err((ScriptError::Unclosed, at)),
        None => Ok(blocks),
    }
}
