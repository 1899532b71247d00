//! `version`: the revision that the database is at, as golang-migrate prints it.

use crate::ledger::State;
use crate::manager::Access;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::json;
use super::super::words::Failure;

/// Arguments of `version`.
#[derive(clap::Args, Debug)]
pub struct Args {}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let manager = context.connect(context.one_service()?, Access::Read)?;
        let chain = manager.chain();
        let ledger = manager.ledger();
        let mut places = chain.heads_of(&ledger.applied);
        places.extend(
            ledger
                .dirty
                .iter()
                .filter(|row| row.state == State::Upgrading)
                .filter_map(|row| chain.place(&row.revision)),
        );
        let mut text = String::new();
        let mut all = Vec::new();
        for at in places {
            let revision = &chain.revisions()[at];
            let dirty = ledger.dirty.iter().any(|row| row.revision == revision.id);
            let number = revision.number.map(|number| format!("{number} ")).unwrap_or_default();
            text.push_str(&format!("{number}{}{}\n", revision.id, if dirty { " (dirty)" } else { "" }));
            all.push(serde_json::json!({ "revision": revision.id.as_str(), "number": revision.number, "dirty": dirty }));
        }
        if all.is_empty() {
            text.push_str("base\n");
        }
        context.ui.answer(&text)?;
        context.ui.json(|| json::document(serde_json::json!({ "versions": all })))?;
        Ok(Exit::Done)
    }
}
