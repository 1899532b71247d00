//! `verify`: applied revisions against their files.

use serde_json::json as value;

use crate::ledger::Extent;
use crate::manager::Access;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::json;
use super::super::words::Failure;

/// Arguments of `verify`.
#[derive(clap::Args, Debug)]
pub struct Args {}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut exit = Exit::Done;
        let mut all = Vec::new();
        for service in context.services()? {
            let manager = context.connect(service, Access::Read)?;
            let ledger = manager.ledger();
            let mut findings = Vec::new();
            let mut text = String::new();
            for edited in &ledger.edited {
                let revision = &manager.chain().revisions()[edited.place];
                let (kind, what) = match edited.extent {
                    Extent::Statements => ("edited", "its statements are not those that were applied"),
                    Extent::Bytes => (
                        "reformatted",
                        "comments, white space or its downgrade changed; what was applied is the same",
                    ),
                };
                if edited.extent == Extent::Statements {
                    exit = Exit::Error;
                }
                text.push_str(&format!("{kind}: {} ({})\n  {what}\n", revision.id, revision.source.name()));
                findings.push(value!({ "kind": kind, "revision": revision.id.as_str(), "file": revision.source.name() }));
            }
            for row in &ledger.unknown {
                exit = Exit::Error;
                text.push_str(&format!(
                    "missing: {} was applied and no file has it ({})\n",
                    row.revision, row.description
                ));
                findings.push(value!({ "kind": "missing", "revision": row.revision.as_str(), "file": null }));
            }
            let no_file = |id| manager.chain().get(id).is_some_and(|revision| !revision.has_file());
            for row in ledger.rows.iter().filter(|row| no_file(&row.revision)) {
                text.push_str(&format!(
                    "not compared: {} ({}), which a squash replaced; its file is gone from archive/\n",
                    row.revision, row.description
                ));
                findings.push(
                    value!({ "kind": "archive-gone", "revision": row.revision.as_str(), "file": null }),
                );
            }
            for row in &ledger.dirty {
                exit = Exit::Error;
                text.push_str(&format!(
                    "half-applied: {} ({} of {} statements)\n",
                    row.revision, row.done, row.total
                ));
                findings.push(
                    value!({ "kind": "half-applied", "revision": row.revision.as_str(), "file": null }),
                );
            }
            let count = |kinds: &[&str]| {
                findings.iter().filter(|finding| kinds.iter().any(|kind| finding["kind"] == **kind)).count()
            };
            let name = if service.name == crate::config::DEFAULT_SERVICE {
                String::new()
            } else {
                format!("{}: ", service.name)
            };
            let told = match count(&["edited", "missing", "half-applied"]) {
                0 => "and their files say the same".to_owned(),
                _ => format!(
                    "{} edited, {} missing, {} half-applied",
                    count(&["edited"]),
                    count(&["missing"]),
                    count(&["half-applied"])
                ),
            };
            text.push_str(&format!("{name}{} applied, {told}\n", ledger.count()));
            context.ui.answer(&text)?;
            all.push(value!({
                "service": service.name,
                "applied": ledger.count(),
                "findings": findings,
            }));
        }
        context.ui.json(|| json::document(value!({ "services": all, "exit_code": exit as u8 })))?;
        Ok(exit)
    }
}
