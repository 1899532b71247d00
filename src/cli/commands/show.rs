//! `show`: a revision and its file.

use crate::manager::Access;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::json;
use super::super::words::Failure;
use super::listing::{self, Detail};

/// Arguments of `show`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// An id, its first 4 characters, a number, a label, `head`, or `current`
    revision: String,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let service = context.one_service()?;
        if self.revision == "current" {
            let manager = context.connect(service, Access::Read)?;
            let places = manager.chain().heads_of(&manager.ledger().applied);
            return show(context, manager.chain(), &places);
        }
        let chain = context.chain(service)?;
        let places = match self.revision.as_str() {
            "head" | "heads" => chain.heads(),
            name => vec![chain.find(name)?],
        };
        show(context, &chain, &places)
    }
}

fn show(context: &Context, chain: &crate::chain::Chain, places: &[usize]) -> Result<Exit, Failure> {
    for at in places {
        context.ui.answer(&listing::revision(chain, *at, None, Detail::Full))?;
        context.ui.answer(&format!("{}\n", chain.revisions()[*at].source.text().trim_end()))?;
    }
    let revisions: Vec<_> = places
        .iter()
        .map(|at| {
            let mut says = json::revision(chain, *at, None);
            if let serde_json::Value::Object(fields) = &mut says {
                fields.insert("source".to_owned(), chain.revisions()[*at].source.text().into());
            }
            says
        })
        .collect();
    context.ui.json(|| json::document(serde_json::json!({ "revisions": revisions })))?;
    Ok(Exit::Done)
}
