//! For programs: one document, or one event per line. The shapes are part of what users rely on.

use serde::Serialize;
use serde_json::{Value, json};

use crate::chain::{Chain, Direction, RevisionId};
use crate::database_url::DatabaseUrl;
use crate::event::{Aftermath, Event};
use crate::ledger::{Extent, Ledger, Row};
use crate::manager::{HalfApplied, Status};
use crate::plan::{Action, Note, Order, Plan, Scope, Step, Transaction, Verdict};
use crate::report::{End, Report};

use super::super::words::Failure;

/// The version of the shapes.
pub const SCHEMA_VERSION: u32 = 1;

/// A document: the version beside what it says.
#[derive(Serialize)]
pub struct Document<T> {
    schema_version: u32,
    #[serde(flatten)]
    says: T,
}

/// Puts the version beside what a document says.
pub fn document<T: Serialize>(says: T) -> Document<T> {
    Document { schema_version: SCHEMA_VERSION, says }
}

/// What a command over several services answers.
#[derive(Serialize)]
pub struct Services<T> {
    /// One for each.
    pub services: Vec<T>,
}

/// The plan of a run, its first line.
#[derive(Serialize)]
pub struct Planned<'a> {
    event: &'static str,
    plan: PlanDocument<'a>,
}

/// The first line of a run.
pub fn planned<'a>(plan: &'a Plan, url: &DatabaseUrl) -> Document<Planned<'a>> {
    document(Planned { event: "plan", plan: self::plan(plan, url) })
}

fn ids(ids: &[RevisionId]) -> Value {
    ids.iter().map(|id| id.as_str()).collect()
}

/// A plan. Borrowed, since it may have thousands of steps.
#[derive(Serialize)]
pub struct PlanDocument<'a> {
    service: &'a str,
    database: String,
    dialect: &'static str,
    server: String,
    direction: &'static str,
    current: Value,
    target: &'a str,
    one_transaction: bool,
    creates_database: bool,
    makes_books: bool,
    extends_books: bool,
    steps: Vec<StepDocument<'a>>,
}

#[derive(Serialize)]
struct StepDocument<'a> {
    revision: &'a str,
    description: &'a str,
    direction: &'static str,
    action: &'static str,
    statements: usize,
    transaction: &'static str,
    guards: Vec<Value>,
    late: bool,
    #[serde(skip_serializing_if = "is_none")]
    replaces: usize,
    file: &'a str,
}

/// A plan for the database at `url`.
pub fn plan<'a>(plan: &'a Plan, url: &DatabaseUrl) -> PlanDocument<'a> {
    PlanDocument {
        service: &plan.format.service,
        database: url.to_string(),
        dialect: plan.server.backend.name(),
        server: plan.server.to_string(),
        direction: plan.direction.verb(),
        current: ids(&plan.current),
        target: &plan.goal,
        one_transaction: plan.scope != Scope::PerRevision,
        creates_database: plan.notes.iter().any(|note| matches!(note, Note::MakesDatabase { .. })),
        makes_books: plan.notes.contains(&Note::MakesBooks),
        extends_books: plan.notes.contains(&Note::ExtendsBooks),
        steps: plan.steps.iter().map(step).collect(),
    }
}

/// Whether there is none of what is counted.
fn is_none(count: &usize) -> bool {
    *count == 0
}

fn step(step: &Step) -> StepDocument<'_> {
    StepDocument {
        revision: step.revision.id.as_str(),
        description: &step.revision.message,
        direction: step.direction.verb(),
        action: match step.action {
            Action::Run => "run",
            Action::Record => "record",
        },
        statements: step.statements(),
        transaction: match step.transaction {
            Transaction::Wrapped { .. } => "wrapped",
            Transaction::Own => "own",
            Transaction::Each => "none",
        },
        guards: step
            .guards
            .iter()
            .map(|(index, guard)| json!({ "statement": index + 1, "guard": guard.to_string() }))
            .collect(),
        late: step.order == Order::Late,
        replaces: step.replaces(),
        file: step.revision.source.name(),
    }
}

/// A status.
pub fn status(service: &str, url: &DatabaseUrl, status: &Status, half: &[HalfApplied]) -> Value {
    let pending: Vec<Value> = status
        .pending
        .iter()
        .map(|revision| {
            json!({
                "revision": revision.id.as_str(),
                "description": revision.message,
                "late": status.late.contains(&revision.id),
            })
        })
        .collect();
    let mut says = json!({
        "service": service,
        "database": url.to_string(),
        "dialect": url.backend.name(),
        "current": ids(&status.current),
        "heads": ids(&status.heads),
        "applied": status.applied,
        "pending": pending,
        "dirty": half.iter().map(half_applied).collect::<Vec<_>>(),
        "missing": status.missing.iter().map(row).collect::<Vec<_>>(),
        "edited": status
            .edited
            .iter()
            .map(|(id, extent)| json!({
                "revision": id.as_str(),
                "extent": match extent {
                    Extent::Bytes => "bytes",
                    Extent::Statements => "statements",
                },
            }))
            .collect::<Vec<_>>(),
        "up_to_date": status.is_up_to_date(),
    });
    if let Value::Object(fields) = &mut says
        && !status.unrecorded.is_empty()
    {
        let squashes = status.unrecorded.iter();
        let squashes =
            squashes.map(|(id, replaced)| json!({ "revision": id.as_str(), "replaces": replaced }));
        fields.insert("unrecorded".to_owned(), squashes.collect());
    }
    says
}

/// A half-applied revision.
fn half_applied(half: &HalfApplied) -> Value {
    let mut says = row(&half.row);
    if let Value::Object(fields) = &mut says {
        let at = half.at.as_ref().map(|at| json!({ "file": at.file, "line": at.line, "text": at.text }));
        let evidence = half.evidence.as_ref().map(|evidence| {
            json!({
                "statement": evidence.doubt.statement + 1,
                "verdict": match evidence.verdict() {
                    Verdict::Done => "done",
                    Verdict::NotDone => "not_done",
                    Verdict::Repeatable => "repeatable",
                    Verdict::Unknown => "unknown",
                },
                "seen": evidence.seen(),
            })
        });
        fields.insert("stopped_at".to_owned(), at.into());
        fields.insert("in_doubt".to_owned(), evidence.into());
    }
    says
}

/// A row of the books.
pub fn row(row: &Row) -> Value {
    json!({
        "revision": row.revision.as_str(),
        "description": row.description,
        "state": row.state.name(),
        "statements_done": row.done,
        "statements_total": row.total,
        "error": row.error,
        "applied_at": row.applied_at,
        "duration_ms": row.duration_ms,
        "applied_by": row.applied_by,
        "limbeck_version": row.limbeck_version,
    })
}

/// A revision of the chain; with a ledger also whether it is applied.
pub fn revision(chain: &Chain, at: usize, ledger: Option<&Ledger<'_>>) -> Value {
    let revision = &chain.revisions()[at];
    let mut says = json!({
        "revision": revision.id.as_str(),
        "description": revision.message,
        "parents": ids(&revision.parents),
        "children": ids(&chain.ids(chain.children(at).iter().copied())),
        "depends_on": revision.depends_on,
        "labels": revision.labels,
        "number": revision.number,
        "created": revision.created,
        "file": revision.source.name(),
        "head": chain.children(at).is_empty(),
        "branch_point": chain.children(at).len() > 1,
        "merge_point": revision.is_merge(),
        "reversible": revision.script(Direction::Down).is_some(),
    });
    if let Value::Object(fields) = &mut says
        && !revision.replaces.is_empty()
    {
        fields.insert("replaces".to_owned(), ids(&revision.replaces));
    }
    if let (Value::Object(fields), Some(ledger)) = (&mut says, ledger) {
        fields.insert("applied".to_owned(), ledger.applied.contains(&at).into());
        let row = ledger.rows.iter().find(|row| row.revision == revision.id);
        fields.insert("applied_at".to_owned(), row.and_then(|row| row.applied_at.clone()).into());
    }
    says
}

/// The revisions at some places of the chain.
pub fn revisions(
    chain: &Chain,
    places: impl IntoIterator<Item = usize>,
    ledger: Option<&Ledger<'_>>,
) -> Document<Value> {
    let revisions: Vec<Value> = places.into_iter().map(|at| revision(chain, at, ledger)).collect();
    document(json!({ "revisions": revisions }))
}

/// An event.
pub fn event(event: &Event) -> Document<Value> {
    document(event_fields(event))
}

fn event_fields(event: &Event) -> Value {
    match event {
        Event::Started { steps } => json!({ "event": "started", "steps": steps }),
        Event::ServerAwaited { url, reason, wait } => json!({
            "event": "server_awaited",
            "database": url,
            "reason": reason,
            "wait_ms": milliseconds(*wait),
        }),
        Event::LockHeld { holder } => json!({ "event": "lock_held", "holder": holder }),
        Event::DatabaseCreated { name } => json!({ "event": "database_created", "database": name }),
        Event::BackedUp { file, restore } => {
            json!({ "event": "backed_up", "file": file, "restore": restore })
        }
        Event::BooksCreated => json!({ "event": "books_created" }),
        Event::StepStarted { index, revision, message, direction, recorded } => json!({
            "event": "step_started",
            "index": index,
            "revision": revision.as_str(),
            "description": message,
            "direction": direction.verb(),
            "recorded": recorded,
        }),
        Event::Blocked { revision, by } => {
            json!({ "event": "blocked", "revision": revision.as_str(), "by": by })
        }
        Event::Retrying { index, revision, tries, obstacle, error, pause } => json!({
            "event": "retrying",
            "index": index,
            "revision": revision.as_str(),
            "try": tries,
            "obstacle": obstacle.name(),
            "error": error,
            "pause_ms": milliseconds(*pause),
        }),
        Event::StatementSkipped { index, revision, statement, guard } => json!({
            "event": "statement_skipped",
            "index": index,
            "revision": revision.as_str(),
            "statement": statement,
            "guard": guard,
        }),
        Event::StepDone { index, revision, direction, statements, took, .. } => json!({
            "event": "step_done",
            "index": index,
            "revision": revision.as_str(),
            "direction": direction.verb(),
            "statements": statements,
            "duration_ms": milliseconds(*took),
        }),
        Event::StepFailed { index, revision, direction, aftermath, took } => json!({
            "event": "step_failed",
            "index": index,
            "revision": revision.as_str(),
            "direction": direction.verb(),
            "state": state(*aftermath),
            "duration_ms": milliseconds(*took),
        }),
        Event::Interrupted { index } => json!({ "event": "interrupted", "index": index }),
        Event::Undone => json!({ "event": "undone" }),
        Event::Finished { took } => json!({ "event": "finished", "duration_ms": milliseconds(*took) }),
    }
}

fn milliseconds(took: std::time::Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

fn state(aftermath: Aftermath) -> &'static str {
    match aftermath {
        Aftermath::RolledBack => "rolled_back",
        Aftermath::Committed => "committed",
        Aftermath::Dirty { .. } => "dirty",
        Aftermath::Unknown => "unknown",
    }
}

/// A report, the last line of a run.
pub fn report(service: &str, report: &Report, failure: Option<&Failure>) -> Document<Value> {
    let done: Vec<Value> = report
        .done
        .iter()
        .map(|done| {
            json!({
                "revision": done.revision.as_str(),
                "direction": done.direction.verb(),
                "duration_ms": milliseconds(done.took),
            })
        })
        .collect();
    let mut says = json!({
        "event": "report",
        "service": service,
        "planned": report.planned,
        "done": done,
        "failed": report.failed.as_ref().map(|failed| json!({
            "revision": failed.revision.as_str(),
            "direction": failed.direction.verb(),
            "state": state(failed.aftermath),
        })),
        "interrupted": report.end == End::Interrupted,
        "duration_ms": milliseconds(report.took),
    });
    if let (Value::Object(fields), Some(failure)) = (&mut says, failure) {
        fields.insert("error".to_owned(), error_fields(failure));
    }
    document(says)
}

/// An error.
pub fn error(failure: &Failure) -> Document<Value> {
    document(json!({ "error": error_fields(failure), "exit_code": failure.exit as u8 }))
}

fn error_fields(failure: &Failure) -> Value {
    let mut says = json!({
        "code": failure.code,
        "message": failure.message,
        "notes": failure.notes,
        "hint": failure.hint,
    });
    if let (Value::Object(fields), Some(place)) = (&mut says, &failure.place) {
        let position = place.source.position(place.span.start);
        fields.insert("file".to_owned(), place.source.name().into());
        fields.insert("line".to_owned(), position.line.into());
        fields.insert("column".to_owned(), position.column.into());
        fields.insert("source".to_owned(), place.source.line(position.line).into());
    }
    says
}
