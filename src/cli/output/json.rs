//! For programs: one document, or one event per line. The shapes are part of what users rely on.

use serde_json::{Value, json};

use crate::chain::{Chain, Direction, RevisionId};
use crate::event::{Aftermath, Event};
use crate::ledger::{Extent, Ledger, Row};
use crate::manager::Status;
use crate::plan::{Action, Note, Order, Plan, Scope, Transaction};
use crate::report::{End, Report};

use super::super::words::Failure;

/// The version of the shapes.
pub const SCHEMA_VERSION: u32 = 1;

/// A document: the version, then what it says.
pub fn document(mut says: Value) -> Value {
    if let Value::Object(fields) = &mut says {
        fields.insert("schema_version".to_owned(), SCHEMA_VERSION.into());
    }
    says
}

fn ids(ids: &[RevisionId]) -> Value {
    ids.iter().map(|id| id.as_str()).collect()
}

/// A plan.
pub fn plan(plan: &Plan, url: Option<&str>) -> Value {
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
            json!({
                "revision": step.revision.id.as_str(),
                "description": step.revision.message,
                "direction": step.direction.verb(),
                "action": match step.action {
                    Action::Run => "run",
                    Action::Record => "record",
                },
                "statements": step.statements(),
                "transaction": match step.transaction {
                    Transaction::Wrapped { .. } => "wrapped",
                    Transaction::Own => "own",
                    Transaction::Each => "none",
                },
                "late": step.order == Order::Late,
                "file": step.revision.source.name(),
            })
        })
        .collect();
    json!({
        "service": plan.format.service,
        "database": url,
        "dialect": plan.server.backend.name(),
        "server": plan.server.to_string().trim(),
        "direction": plan.direction.verb(),
        "current": ids(&plan.current),
        "target": plan.goal,
        "one_transaction": plan.scope == Scope::WholeRun,
        "makes_books": plan.notes.contains(&Note::MakesBooks),
        "steps": steps,
    })
}

/// A status.
pub fn status(service: &str, url: &str, dialect: &str, status: &Status) -> Value {
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
    json!({
        "service": service,
        "database": url,
        "dialect": dialect,
        "current": ids(&status.current),
        "heads": ids(&status.heads),
        "applied": status.applied,
        "pending": pending,
        "dirty": status.dirty.iter().map(row).collect::<Vec<_>>(),
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
    })
}

fn row(row: &Row) -> Value {
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
    if let (Value::Object(fields), Some(ledger)) = (&mut says, ledger) {
        fields.insert("applied".to_owned(), ledger.applied.contains(&at).into());
        let row = ledger.rows.iter().find(|row| row.revision == revision.id);
        fields.insert("applied_at".to_owned(), row.and_then(|row| row.applied_at.clone()).into());
    }
    says
}

/// An event.
pub fn event(event: &Event) -> Value {
    match event {
        Event::Started { steps } => json!({ "event": "started", "steps": steps }),
        Event::BooksCreated => json!({ "event": "books_created" }),
        Event::StepStarted { index, revision, message, direction, recorded } => json!({
            "event": "step_started",
            "index": index,
            "revision": revision.as_str(),
            "description": message,
            "direction": direction.verb(),
            "recorded": recorded,
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
        Aftermath::Dirty { .. } => "dirty",
        Aftermath::Unknown => "unknown",
    }
}

/// A report, the last line of a run.
pub fn report(service: &str, report: &Report, failure: Option<&Failure>) -> Value {
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
pub fn error(failure: &Failure) -> Value {
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
