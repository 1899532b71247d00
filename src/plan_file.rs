//! A reviewed plan as a document: what was decided, from what, and a digest of the exact SQL of every step.
//!
//! It is applied later exactly, or not at all: the plan is made again from the chain and the books as they are then, and
//! must be the same. A digest is over the messages byte by byte, as they would be sent, with only the names of the user
//! and the host left out: whoever applies a plan need not be who reviewed it, and nothing else may differ.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::batch::{Batch, Role};
use crate::chain::{Checksum, join};
use crate::database_url::DatabaseUrl;
use crate::ledger::record::LIMBECK_VERSION;
use crate::ledger::{Actor, RowWrite, Tables};
use crate::plan::{Action, Edits, Plan, Policy, Scope, Step, Transaction, Transactions};

/// What a plan file says it is.
pub const KIND: &str = "limbeck-plan";

/// The version of the shape.
pub const SCHEMA_VERSION: u32 = 1;

/// A plan file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFile {
    /// [`KIND`].
    pub kind: String,
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The limbeck that wrote it.
    pub limbeck_version: String,
    /// When it was written, in UTC. For people.
    pub created: String,
    /// Whose rows in the books are meant.
    pub service: String,
    /// The database.
    pub target: Target,
    /// The goal, as typed.
    pub goal: String,
    /// `upgrade` or `downgrade`.
    pub direction: String,
    /// What the user wanted of every plan.
    pub policy: BTreeMap<String, String>,
    /// The heads of what was applied.
    pub current: Vec<String>,
    /// What the books said.
    pub basis: Vec<BasisRow>,
    /// Whether the books' tables are made first.
    pub makes_books: bool,
    /// Whether all steps are one transaction.
    pub one_transaction: bool,
    /// The digest of what is sent before the first step and after the last.
    pub frame_sha256: String,
    /// The steps, in order.
    pub steps: Vec<KeptStep>,
}

/// The database that a plan file is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The dialect.
    pub dialect: String,
    /// The server, for people.
    pub server: String,
    /// Where the database is, without user and password.
    pub database: String,
}

/// A row of the books that a plan file stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisRow {
    /// The revision.
    pub revision: String,
    /// How far it was.
    pub state: String,
    /// The digest of its tokens when it was applied.
    pub checksum: String,
}

/// A step of a plan file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptStep {
    /// The revision.
    pub revision: String,
    /// What it does. For people.
    pub description: String,
    /// The way it goes.
    pub direction: String,
    /// `run` or `record`.
    pub action: String,
    /// `wrapped`, `own` or `none`.
    pub transaction: String,
    /// How many statements it runs.
    pub statements: usize,
    /// The file of the revision.
    pub file: String,
    /// The digest of its messages.
    pub sha256: String,
}

/// What keeps a plan file from being applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// It is no plan file, or a part of it is missing.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// A newer limbeck wrote it in a shape that this one does not know.
    #[error("a newer limbeck wrote it: its schema_version is {0}, and this one knows {SCHEMA_VERSION}")]
    Newer(u64),
    /// Another limbeck wrote it, and its bookkeeping may be spelled differently.
    #[error("limbeck {then} wrote it, and this is limbeck {LIMBECK_VERSION}")]
    Version {
        /// Which.
        then: String,
    },
    /// There is no such plan any more.
    #[error("it cannot be planned any more: {0}")]
    NoPlan(String),
    /// One fact that was another when it was made.
    #[error("{what} was {then}, and is {now}")]
    Fact {
        /// Which.
        what: &'static str,
        /// In the file.
        then: String,
        /// Now.
        now: String,
    },
    /// A setting of the policy.
    #[error("the policy `{name}` was {then}, and is {now}")]
    Policy {
        /// Which.
        name: String,
        /// In the file.
        then: String,
        /// Now.
        now: String,
    },
    /// Rows of the books changed.
    #[error("the books say something else of {0}")]
    Books(String),
    /// A step of the file would not be done.
    #[error("step {0} is missing: it would not be done now")]
    MissingStep(String),
    /// A step would be done that the file does not have.
    #[error("step {0} is new: the file does not have it")]
    NewStep(String),
    /// The same steps in another order.
    #[error("the steps would be done in another order")]
    Order,
    /// A step would be done differently.
    #[error("step {revision}: {what} was {then}, and is {now}")]
    Step {
        /// Its revision.
        revision: String,
        /// Which of its facts.
        what: &'static str,
        /// In the file.
        then: String,
        /// Now.
        now: String,
    },
    /// A step would send other SQL.
    #[error("the SQL of step {revision} changed ({file})")]
    Sql {
        /// Its revision.
        revision: String,
        /// Its file.
        file: String,
    },
    /// What limbeck sends around the steps is different.
    #[error("the SQL around the steps changed")]
    Frame,
}

impl PlanFile {
    /// A plan for the database at `url` as a document, written at `created`.
    pub fn of(plan: &Plan, policy: Policy, url: &DatabaseUrl, created: String) -> Self {
        let frame = plan.frame();
        Self {
            kind: KIND.to_owned(),
            schema_version: SCHEMA_VERSION,
            limbeck_version: LIMBECK_VERSION.to_owned(),
            created,
            service: plan.format.service.clone(),
            target: Target {
                dialect: plan.server.backend.name().to_owned(),
                server: plan.server.to_string(),
                database: url.address(),
            },
            goal: plan.goal.clone(),
            direction: plan.direction.verb().to_owned(),
            policy: policy_words(policy),
            current: plan.current.iter().map(ToString::to_string).collect(),
            basis: plan
                .basis
                .iter()
                .map(|row| BasisRow {
                    revision: row.revision.to_string(),
                    state: row.state.name().to_owned(),
                    checksum: row.checksum.clone(),
                })
                .collect(),
            makes_books: plan.tables == Tables::Absent && !plan.steps.is_empty(),
            one_transaction: plan.scope != Scope::PerRevision,
            frame_sha256: digest([frame.before.text(), frame.after.text()]),
            steps: plan.steps.iter().map(|step| kept(plan, step)).collect(),
        }
    }

    /// What keeps this file from being applied where `now` is the plan; nothing when they are the same.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        if self.limbeck_version != now.limbeck_version {
            found.push(Difference::Version { then: self.limbeck_version.clone() });
        }
        for (what, then, is) in [
            ("the service", &self.service, &now.service),
            ("the dialect", &self.target.dialect, &now.target.dialect),
            ("the database", &self.target.database, &now.target.database),
            ("the goal", &self.goal, &now.goal),
            ("the direction", &self.direction, &now.direction),
            ("the database's revision", &heads(&self.current), &heads(&now.current)),
            ("whether all is one transaction", &said(self.one_transaction), &said(now.one_transaction)),
            ("whether limbeck's tables are made", &said(self.makes_books), &said(now.makes_books)),
        ] {
            if then != is {
                found.push(Difference::Fact { what, then: then.clone(), now: is.clone() });
            }
        }
        let policies: BTreeSet<&String> = self.policy.keys().chain(now.policy.keys()).collect();
        for name in policies {
            let word = |of: &Self| of.policy.get(name).cloned().unwrap_or_else(|| "not known".to_owned());
            let (then, is) = (word(self), word(now));
            if then != is {
                found.push(Difference::Policy { name: name.clone(), then, now: is });
            }
        }
        found.extend(books(&self.basis, &now.basis));
        // Otherwise the SQL of every step is another, and that says nothing.
        let comparable = self.limbeck_version == now.limbeck_version
            && self.service == now.service
            && self.one_transaction == now.one_transaction;
        let differences = steps(&self.steps, &now.steps).into_iter();
        found.extend(differences.filter(|found| comparable || !matches!(found, Difference::Sql { .. })));
        if self.frame_sha256 != now.frame_sha256 && self.makes_books == now.makes_books {
            found.push(Difference::Frame);
        }
        found
    }
}

fn heads(ids: &[String]) -> String {
    if ids.is_empty() { "base".to_owned() } else { join(ids, ", ") }
}

fn said(fact: bool) -> String {
    if fact { "yes".to_owned() } else { "no".to_owned() }
}

fn policy_words(policy: Policy) -> BTreeMap<String, String> {
    // Not what is done about late revisions: whoever only looks is shown them, and whoever applies them decides.
    let Policy { edits, transactions, limits, late: _ } = policy;
    let edits = match edits {
        Edits::Refused => "refused",
        Edits::Allowed => "allowed",
    };
    let transactions = match transactions {
        Transactions::PerRevision => "revision",
        Transactions::All => "all",
        Transactions::None => "none",
    };
    let time =
        |limit: Option<Duration>| limit.map_or_else(|| "default".to_owned(), |limit| format!("{limit:?}"));
    [
        ("edits", edits.to_owned()),
        ("transaction", transactions.to_owned()),
        ("lock_wait", time(limits.lock_wait)),
        ("statement_timeout", time(limits.statement)),
        ("revision_timeout", time(limits.revision)),
    ]
    .map(|(name, word)| (name.to_owned(), word))
    .into()
}

fn kept(plan: &Plan, step: &Step) -> KeptStep {
    // What the books remember of the chain changes with every new file, also with one beyond the plan.
    let mut lasting = step.clone();
    for write in &mut lasting.before {
        if let RowWrite::Insert { heads, .. } = write {
            *heads = None;
        }
    }
    let batches = plan.batches(&lasting, &Actor::default());
    KeptStep {
        revision: step.revision.id.to_string(),
        description: step.revision.message.clone(),
        direction: step.direction.verb().to_owned(),
        action: match step.action {
            Action::Run => "run",
            Action::Record => "record",
        }
        .to_owned(),
        transaction: match step.transaction {
            Transaction::Wrapped { .. } => "wrapped",
            Transaction::Own => "own",
            Transaction::Each => "none",
        }
        .to_owned(),
        statements: step.statements(),
        file: step.revision.source.name().to_owned(),
        sha256: digest(batches.iter().flat_map(messages)),
    }
}

/// A message, and the questions that decide whether it is sent.
fn messages(batch: &Batch) -> Vec<String> {
    let questions = match batch.role() {
        Role::Guarded(questions) => questions.as_slice(),
        Role::Send | Role::Check(_) => &[],
    };
    let asked = questions.iter().flat_map(|question| [question.guard.to_string(), question.sql.clone()]);
    asked.chain([batch.text().to_owned()]).collect()
}

/// The digest of messages, and of where one ends and the next begins.
fn digest<Text: AsRef<str>>(messages: impl IntoIterator<Item = Text>) -> String {
    let texts: Vec<String> =
        messages.into_iter().map(|text| format!("{}\n{}", text.as_ref().len(), text.as_ref())).collect();
    Checksum::of_bytes(&texts.join("\n")).to_string()
}

fn books(then: &[BasisRow], now: &[BasisRow]) -> Vec<Difference> {
    let gone = then.iter().filter(|row| !now.contains(row));
    let come = now.iter().filter(|row| !then.contains(row));
    let mut revisions: Vec<&String> = gone.chain(come).map(|row| &row.revision).collect();
    revisions.sort();
    revisions.dedup();
    if revisions.is_empty() { Vec::new() } else { vec![Difference::Books(join(revisions, ", "))] }
}

fn steps(then: &[KeptStep], now: &[KeptStep]) -> Vec<Difference> {
    let named = |steps: &[KeptStep], id: &str| steps.iter().any(|step| step.revision == id);
    let gone = then.iter().filter(|step| !named(now, &step.revision));
    let come = now.iter().filter(|step| !named(then, &step.revision));
    let mut found: Vec<Difference> =
        gone.map(|step| Difference::MissingStep(step.revision.clone())).collect();
    found.extend(come.map(|step| Difference::NewStep(step.revision.clone())));
    let order = |steps: &[KeptStep]| steps.iter().map(|step| step.revision.clone()).collect::<Vec<_>>();
    if found.is_empty() && order(then) != order(now) {
        found.push(Difference::Order);
    }
    for step in then {
        let Some(is) = now.iter().find(|now| now.revision == step.revision) else { continue };
        let differs = |what, then: &str, now: &str| {
            (then != now).then(|| Difference::Step {
                revision: step.revision.clone(),
                what,
                then: then.to_owned(),
                now: now.to_owned(),
            })
        };
        found.extend(differs("the direction", &step.direction, &is.direction));
        found.extend(differs("the action", &step.action, &is.action));
        found.extend(differs("the transaction", &step.transaction, &is.transaction));
        if step.sha256 != is.sha256 {
            found.push(Difference::Sql { revision: step.revision.clone(), file: is.file.clone() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(steps: &[(&str, &str)]) -> PlanFile {
        let step = |(revision, sha256): &(&str, &str)| KeptStep {
            revision: (*revision).to_owned(),
            description: String::new(),
            direction: "upgrade".to_owned(),
            action: "run".to_owned(),
            transaction: "wrapped".to_owned(),
            statements: 1,
            file: format!("{revision}.sql"),
            sha256: (*sha256).to_owned(),
        };
        PlanFile {
            kind: KIND.to_owned(),
            schema_version: SCHEMA_VERSION,
            limbeck_version: "1".to_owned(),
            created: "then".to_owned(),
            service: "default".to_owned(),
            target: Target {
                dialect: "postgresql".to_owned(),
                server: "PostgreSQL 18".to_owned(),
                database: "postgresql://host:5432/db".to_owned(),
            },
            goal: "heads".to_owned(),
            direction: "upgrade".to_owned(),
            policy: [("edits".to_owned(), "refused".to_owned())].into(),
            current: vec!["a".to_owned()],
            basis: vec![BasisRow {
                revision: "a".to_owned(),
                state: "applied".to_owned(),
                checksum: "s".to_owned(),
            }],
            makes_books: false,
            one_transaction: false,
            frame_sha256: String::new(),
            steps: steps.iter().map(step).collect(),
        }
    }

    /// What is said when the file was this and the plan is that.
    #[track_caller]
    fn says(then: &PlanFile, change: impl FnOnce(&mut PlanFile), expected: &[&str]) {
        let mut now = then.clone();
        change(&mut now);
        let found: Vec<String> = then.differences(&now).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_for_people_makes_no_difference() {
        let then = file(&[("b", "1")]);
        says(&then, |_| {}, &[]);
        let for_people = |now: &mut PlanFile| {
            now.created = "now".to_owned();
            now.target.server = "PostgreSQL 18.1".to_owned();
            now.steps[0].file = "elsewhere/b.sql".to_owned();
            now.steps[0].description = "b, in other words".to_owned();
        };
        says(&then, for_people, &[]);
    }

    #[test]
    fn each_difference_is_said_in_words() {
        let then = file(&[("b", "1"), ("c", "2")]);
        says(
            &then,
            |now| {
                now.current = vec!["a".to_owned(), "b".to_owned()];
                now.basis.push(BasisRow { revision: "b".to_owned(), ..now.basis[0].clone() });
                now.steps.remove(0);
            },
            &[
                "the database's revision was a, and is a, b",
                "the books say something else of b",
                "step b is missing: it would not be done now",
            ],
        );
        let heads = |now: &mut PlanFile| now.current.clear();
        says(&then, heads, &["the database's revision was a, and is base"]);
        let row = |now: &mut PlanFile| now.basis[0].checksum = "t".to_owned();
        says(&then, row, &["the books say something else of a"]);
        let new = |now: &mut PlanFile| now.steps.extend(file(&[("d", "3")]).steps);
        says(&then, new, &["step d is new: the file does not have it"]);
        let order = |now: &mut PlanFile| now.steps.reverse();
        says(&then, order, &["the steps would be done in another order"]);
        let sql = |now: &mut PlanFile| now.steps[1].sha256 = "3".to_owned();
        says(&then, sql, &["the SQL of step c changed (c.sql)"]);
        let transaction = |now: &mut PlanFile| now.steps[0].transaction = "none".to_owned();
        says(&then, transaction, &["step b: the transaction was wrapped, and is none"]);
        let service = |now: &mut PlanFile| now.service = "shop".to_owned();
        says(&then, service, &["the service was default, and is shop"]);
        let database = |now: &mut PlanFile| now.target.database = "postgresql://host:5432/prod".to_owned();
        says(
            &then,
            database,
            &["the database was postgresql://host:5432/db, and is postgresql://host:5432/prod"],
        );
        let policy = |now: &mut PlanFile| {
            now.policy.insert("edits".to_owned(), "allowed".to_owned());
            now.policy.insert("late".to_owned(), "refuse".to_owned());
        };
        says(
            &then,
            policy,
            &[
                "the policy `edits` was refused, and is allowed",
                "the policy `late` was not known, and is refuse",
            ],
        );
        let frame = |now: &mut PlanFile| now.frame_sha256 = "f".to_owned();
        says(&then, frame, &["the SQL around the steps changed"]);
        let version = |now: &mut PlanFile| now.limbeck_version = LIMBECK_VERSION.to_owned();
        let expected = format!("limbeck 1 wrote it, and this is limbeck {LIMBECK_VERSION}");
        says(&then, version, &[&expected]);
    }

    #[test]
    fn where_one_message_ends_counts() {
        assert_ne!(digest(["a", "b"]), digest(["ab", ""]));
        assert_ne!(digest(["a"]), digest(["a", ""]));
        assert_ne!(digest(["a", "1\nb"]), digest(["a\n1", "b"]));
    }
}
