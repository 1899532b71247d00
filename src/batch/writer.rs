//! Writes the messages of one step.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::chain::guard::{Condition, Guard, When};
use crate::dialect::{Dialect, Extent, Message, OrphanChecks};
use crate::ledger::{Actor, Format, RowWrite};
use crate::plan::{Action, Plan, Resumption, Scope, Step, Transaction, counted};
use crate::sql::effect::{self, Outcome};
use crate::sql::object::{Kind, Object};
use crate::sql::pace::{Pace, pace};
use crate::sql::shape::{Act, ObjectKind, Shape};

use super::{Batch, Check, Fence, LONG, Origin, Question, Role, Trace};

/// The name of the savepoint around a step of a run in one transaction.
pub const SAVEPOINT: &str = "limbeck_step";

/// Writes the messages of one step, in order.
pub(super) fn write(plan: &Plan, step: &Step, actor: &Actor, fence: Option<&Fence>) -> Vec<Batch> {
    let dialect = plan.server.dialect();
    let trace = step.trace(dialect.lexis());
    let format = match trace {
        Trace::Database => Cow::Owned(plan.format.from_elsewhere()),
        Trace::None | Trace::Settings => Cow::Borrowed(&plan.format),
    };
    let shapes = step.shapes(dialect.lexis());
    let writer = Writer {
        plan,
        step,
        actor,
        fence,
        format,
        trace,
        dialect,
        limits_itself: step.says_set("_timeout", &shapes),
        shapes,
        set: Set::default(),
        cutting: Cutting::Allowed,
        batches: vec![Batch::default()],
    };
    match (plan.scope, step.transaction) {
        (Scope::WholeRun | Scope::AllOrNothing, _) => writer.savepoint(),
        (Scope::PerRevision, Transaction::Wrapped { from, to }) => writer.wrapped(from, to),
        (Scope::PerRevision, Transaction::Own) => writer.own(),
        (Scope::PerRevision, Transaction::Each) => writer.each(),
    }
}

/// The limits that the session has been given.
#[derive(Default)]
struct Set {
    waiting: Option<Duration>,
    running: Option<Duration>,
}

struct Writer<'a> {
    plan: &'a Plan,
    step: &'a Step,
    actor: &'a Actor,
    fence: Option<&'a Fence>,
    format: Cow<'a, Format>,
    trace: Trace,
    dialect: &'static dyn Dialect,
    shapes: Vec<Shape>,
    /// The file has its own word about timeouts.
    limits_itself: bool,
    set: Set,
    cutting: Cutting,
    batches: Vec<Batch>,
}

/// Whether a long message may be cut here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cutting {
    Allowed,
    Held,
}

impl Writer<'_> {
    /// The message being written; a long one is closed and the next begun.
    fn batch(&mut self) -> &mut Batch {
        self.batch_for(0)
    }

    /// The same, for a text of so many bytes: one that is long by itself begins a message.
    fn batch_for(&mut self, bytes: usize) -> &mut Batch {
        let most = self.plan.server.takes.map_or(LONG, |takes| LONG.min(takes / 2));
        let long = self.batches.last().is_some_and(|batch| batch.text.len() + bytes > most);
        if long && self.cutting == Cutting::Allowed {
            self.cut();
        }
        self.last()
    }

    /// The message being written, however long it is.
    fn last(&mut self) -> &mut Batch {
        let last = self.batches.len() - 1;
        &mut self.batches[last]
    }

    fn cut(&mut self) {
        if self.batches.last().is_some_and(|batch| !batch.is_empty()) {
            self.batches.push(Batch::default());
        }
    }

    fn finish(mut self) -> Vec<Batch> {
        // Behind a pooler there is no session of one's own.
        if self.fence.is_some() {
            self.batches.retain(|batch| !batch.is_empty());
            return self.batches;
        }
        // Before the way home: a name may be one of another database.
        for discard in self.step.discards(self.dialect) {
            let guarded = discard.found.is_some();
            if guarded {
                self.cut();
            }
            self.limbeck(&discard.statement);
            if let Some(found) = discard.found {
                self.batch().role = self.if_found(found);
                self.cut();
            }
        }
        if self.trace != Trace::None {
            for sql in self.plan.reset_session() {
                self.limbeck(&sql);
            }
        }
        self.batches.retain(|batch| !batch.is_empty());
        self.batches
    }

    fn limbeck(&mut self, sql: &str) {
        self.batch().limbeck(sql);
    }

    fn write(&mut self, write: &RowWrite) {
        let sql = write.sql(&self.format, self.dialect, self.actor);
        self.limbeck(&sql);
    }

    /// Begins limbeck's transaction.
    fn begin(&mut self) {
        self.limbeck(self.dialect.begin());
        self.enter();
    }

    /// Behind a pooler, a transaction is told what the session was told elsewhere.
    fn enter(&mut self) {
        if self.fence.is_some()
            && let Some(schema) = &self.plan.format.home.search_path
        {
            let sql = format!("SET LOCAL search_path = {}", self.dialect.quote_name(schema));
            self.limbeck(&sql);
        }
    }

    /// Makes sure that nobody else has the lock; what follows is in the same message.
    fn fence(&mut self) {
        if let Some(fence) = self.fence {
            self.batch();
            self.cutting = Cutting::Held;
            self.limbeck(&fence.sql);
        }
    }

    /// What stands right before a commit behind a pooler, and in its message.
    fn closing(&mut self) {
        let Some(fence) = self.fence else { return };
        self.batch();
        self.cutting = Cutting::Held;
        self.forget();
        self.limbeck(&fence.sql);
    }

    /// Behind a pooler, what a step set goes before its transaction does: the session is somebody else's then.
    fn forget(&mut self) {
        if self.fence.is_some() && self.trace != Trace::None {
            for sql in self.dialect.reset_session(None, None) {
                self.limbeck(&sql);
            }
        }
    }

    /// Ends limbeck's transaction.
    fn commit(&mut self) {
        self.closing();
        self.limbeck("COMMIT");
        self.cutting = Cutting::Allowed;
    }

    fn writes(&mut self, writes: &[RowWrite]) {
        for write in writes {
            self.write(write);
        }
    }

    /// Row writes behind statements that may have taken another role, or set limits of their own.
    fn writes_behind(&mut self, writes: &[RowWrite]) {
        if self.trace != Trace::None {
            for sql in self.dialect.as_itself() {
                self.limbeck(sql);
            }
        }
        self.writes(writes);
    }

    /// A question in a message of its own. A part that is a statement is the one that is blamed.
    fn check(&mut self, check: Check, origin: Origin, sql: &str) {
        self.cut();
        let batch = self.batch();
        batch.push(origin, sql, ";\n");
        batch.role = Role::Check(check);
        self.cut();
    }

    /// Tells the server how long the statement may wait and run, where that is not what it was told last.
    fn limits(&mut self, index: usize, extent: Extent) {
        let unheld = extent == Extent::Session && self.fence.is_some();
        if self.limits_itself || unheld || self.step.action == Action::Record {
            return;
        }
        let limits = self.step.limits;
        let pace = pace(self.dialect.lexis(), self.step.text(index));
        let waiting = match (limits.lock_wait, pace) {
            // It waits for transactions to end, by its nature, and nobody waits behind it.
            (_, Pace::Patient) => Duration::ZERO,
            (said, _) => said.unwrap_or_else(|| self.dialect.lock_wait()),
        };
        if self.set.waiting.replace(waiting) != Some(waiting)
            && let Some(sql) = self.dialect.limit_waiting(waiting, extent)
        {
            self.limbeck(&sql);
        }
        let running = limits.statement.or(match pace {
            Pace::Quick => self.dialect.quick(),
            Pace::Any | Pace::Patient => self.dialect.quick().map(|_| Duration::ZERO),
        });
        if let Some(running) = running
            && self.set.running.replace(running) != Some(running)
            && let Some(sql) = self.dialect.limit_running(&self.plan.server, running, extent)
        {
            self.limbeck(&sql);
        }
    }

    /// How long a statement may run where only this side can tell.
    fn own_limit(&self) -> Option<Duration> {
        let limit = self.step.limits.statement.filter(|limit| !limit.is_zero())?;
        let told = self.dialect.limit_running(&self.plan.server, limit, Extent::Session).is_some();
        (!told).then_some(limit)
    }

    fn statements(&mut self, range: std::ops::Range<usize>, extent: Extent) {
        for index in range {
            self.limits(index, extent);
            self.statement(index);
        }
    }

    fn questions(&self, index: usize) -> Vec<Question> {
        self.step.guards_of(index).map(|guard| Question::new(guard.clone(), self.dialect)).collect()
    }

    /// A statement, without anything around it.
    fn plain(&mut self, index: usize) {
        let step = self.step;
        let Some(statement) = step.script().and_then(|script| script.statements.get(index)) else { return };
        let text = step.revision.source.slice(statement.span);
        self.batch_for(text.len()).statement(index, statement, text);
    }

    /// A statement; in a message of its own where something is asked before it, or its time is taken.
    fn statement(&mut self, index: usize) {
        let (questions, limit) = (self.questions(index), self.own_limit());
        if questions.is_empty() && limit.is_none() {
            self.plain(index);
        } else {
            self.cut();
            self.plain(index);
            let batch = self.last();
            batch.limit = limit;
            if !questions.is_empty() {
                batch.role = Role::Guarded(questions);
            }
            self.cut();
        }
        // CALL and whatever else is not known: behind it, results could no longer be counted.
        if self.plan.server.several_results() && self.shapes[index].act == Act::Other {
            self.cut();
        }
    }

    fn savepoint(mut self) -> Vec<Batch> {
        let step = self.step;
        self.limbeck(&format!("SAVEPOINT {SAVEPOINT}"));
        self.enter();
        self.limits(0, Extent::Transaction);
        self.writes(&step.before);
        self.statements(0..step.statements(), Extent::Transaction);
        self.writes_behind(&step.after);
        self.limbeck(&format!("RELEASE {SAVEPOINT}"));
        self.forget();
        self.finish()
    }

    fn wrapped(mut self, from: usize, to: usize) -> Vec<Batch> {
        let step = self.step;
        let orphans = self.lifted(0..from);
        self.cut();
        if self.dialect.begin_waits() {
            self.limits(from, Extent::Session);
        }
        self.begin();
        self.limits(from, Extent::Transaction);
        self.writes(&step.before);
        self.statements(from..to, Extent::Transaction);
        if let Some(orphans) = orphans {
            self.check(Check::NoNewOrphans, Origin::Limbeck, orphans.count);
        }
        self.writes_behind(&step.after);
        self.commit();
        self.cut();
        self.lifted(to..step.statements());
        self.finish()
    }

    /// Statements that stand outside of the transaction. Where one of them switches foreign keys off, that is read back,
    /// and the rows that point to nothing are counted before and after.
    fn lifted(&mut self, range: std::ops::Range<usize>) -> Option<OrphanChecks> {
        let mut counted = None;
        for index in range {
            self.statement(index);
            let Some(checks) = self.dialect.orphan_checks() else { continue };
            let shape = &self.shapes[index];
            if shape.act == Act::Pragma && shape.object.as_deref() == Some(checks.pragma) {
                let on = switched_on(self.step.text(index));
                let reads = if on { "1" } else { "0" };
                self.check(Check::Reads(reads), Origin::Statement(index), checks.read_back);
                counted = (!on).then_some(checks);
            }
        }
        if let Some(checks) = counted {
            self.check(Check::Remembered, Origin::Limbeck, checks.count);
        }
        counted
    }

    fn own(mut self) -> Vec<Batch> {
        let step = self.step;
        let last = step.statements().saturating_sub(1);
        self.statement(0);
        self.enter();
        self.limits(1, Extent::Transaction);
        self.writes(&step.before);
        self.statements(1..last, Extent::Transaction);
        self.writes_behind(&step.after);
        self.closing();
        self.statement(last);
        self.cutting = Cutting::Allowed;
        self.finish()
    }

    /// Every statement by itself and counted in the books: together with its count where that can be undone.
    fn each(mut self) -> Vec<Batch> {
        let step = self.step;
        let alone = self.plan.server.message() == Message::OneTransaction;
        self.limits(step.from, Extent::Session);
        if !step.before.is_empty() {
            self.fence();
        }
        self.writes(&step.before);
        self.cutting = Cutting::Allowed;
        let counted = counted(&self.shapes);
        let count = counted.len();
        let mut closed = false;
        for (index, counted) in counted.into_iter().enumerate().skip(step.from) {
            let last = index + 1 == count;
            self.limits(index, Extent::Session);
            if alone {
                self.cut();
            }
            if step.counts_with(index, &self.shapes, &self.plan.server) {
                closed = self.together(index, last);
                continue;
            }
            if index == step.from && step.resumption == Resumption::Resumed {
                self.drop_unusable(index);
            }
            self.statement(index);
            if let Some(object) = self.built(index)
                && let Some(sql) = self.dialect.unusable_index(&object)
            {
                let index_name = object.name.join(".");
                self.check(Check::Usable { index: index_name }, Origin::Statement(index), &sql);
            }
            // The last statement is counted by the row writes that close the step.
            if counted && !last {
                if alone {
                    self.cut();
                }
                self.batch();
                self.cutting = Cutting::Held;
                self.writes_behind(&[RowWrite::Progress {
                    revision: Arc::clone(&step.revision),
                    done: index + 1,
                }]);
                self.fence();
                self.cutting = Cutting::Allowed;
            }
        }
        if !closed {
            if alone {
                self.cut();
            }
            self.begin();
            self.writes_behind(&step.after);
            self.commit();
        }
        self.finish()
    }

    /// A statement and its count in one transaction; says whether the step is closed with it.
    fn together(&mut self, index: usize, last: bool) -> bool {
        let step = self.step;
        let guarded = step.guards_of(index).next().is_some();
        if guarded {
            self.cut();
        }
        // One message, however long: its parts are counted together.
        self.batch_for(step.text(index).len());
        self.cutting = Cutting::Held;
        self.begin();
        if self.fence.is_some() {
            self.set = Set::default();
            self.limits(index, Extent::Transaction);
        }
        self.plain(index);
        // A guard that keeps the statement from running must not keep the step from being closed.
        let closes = last && !guarded;
        match closes {
            true => self.writes_behind(&step.after),
            false => {
                self.writes_behind(&[RowWrite::Progress {
                    revision: Arc::clone(&step.revision),
                    done: index + 1,
                }]);
            }
        }
        self.commit();
        let (questions, limit) = (self.questions(index), self.own_limit());
        if guarded {
            self.last().role = Role::Guarded(questions);
        }
        if limit.is_some() {
            self.last().limit = limit;
        }
        if guarded || limit.is_some() {
            self.cut();
        }
        closes
    }

    /// The index that a statement builds beside the traffic; a failed build leaves it there, unusable.
    fn built(&self, index: usize) -> Option<Object> {
        if self.shapes[index].act != Act::Create(ObjectKind::Index)
            || pace(self.dialect.lexis(), self.step.text(index)) != Pace::Patient
        {
            return None;
        }
        let Outcome::Shows(effects) = effect::outcome(self.dialect.lexis(), self.step.text(index)) else {
            return None;
        };
        effects.into_iter().map(|effect| effect.object).find(|object| object.kind == Kind::Index)
    }

    /// Before an index is built again: what the build that failed left behind goes.
    fn drop_unusable(&mut self, index: usize) {
        let Some(object) = self.built(index) else { return };
        let Some(query) = self.dialect.unusable_index(&object) else { return };
        let name: Vec<String> = object.path().iter().map(|part| self.dialect.quote_name(part)).collect();
        self.cut();
        self.limbeck(&format!("DROP INDEX CONCURRENTLY IF EXISTS {}", name.join(".")));
        self.batch().role = self.if_found(query);
        self.cut();
    }

    /// The role of a message that is sent if a query answers with a row.
    fn if_found(&self, query: String) -> Role {
        let guard = Guard { when: When::If, condition: Condition::Query(query) };
        Role::Guarded(vec![Question::new(guard, self.dialect)])
    }
}

/// Whether a pragma switches something on: `= ON`, `(1)`, `= true`, `= yes`.
fn switched_on(pragma: &str) -> bool {
    let value = pragma.split_once(['=', '(']).map_or("", |(_, value)| value);
    let value = value.trim().trim_end_matches([')', ';', ' ']).trim_matches(['\'', '"']);
    ["on", "1", "true", "yes"].iter().any(|on| value.eq_ignore_ascii_case(on))
}
