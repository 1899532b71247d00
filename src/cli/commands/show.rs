//! `show`: a revision and its file, or what ran.

use crate::manager::{Access, MigrationManager, Ran};

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
    /// The SQL that really ran, as the books keep it; its file need not be there any more
    #[arg(long)]
    applied: bool,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let service = context.one_service()?;
        if self.applied {
            return self.what_ran(context, &context.connect(service, Access::Read)?);
        }
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

    /// Prints what ran and nothing else, so that it can become a file.
    fn what_ran(&self, context: &Context, manager: &MigrationManager) -> Result<Exit, Failure> {
        let chain = manager.chain();
        let ids = match self.revision.as_str() {
            "current" => manager.ledger().heads(chain),
            "head" | "heads" => chain.ids(chain.heads()),
            name => vec![name.into()],
        };
        let mut revisions = Vec::new();
        for id in ids {
            let ran = context.wait(manager.ran(id.as_str()))?;
            let Some(source) = &ran.source else { return Err(Failure::not_kept(&ran)) };
            let end = if source.ends_with('\n') { "" } else { "\n" };
            context.ui.answer(&format!("{source}{end}"))?;
            revisions.push(document(&ran));
        }
        context.ui.json(|| json::document(serde_json::json!({ "revisions": revisions })))?;
        Ok(Exit::Done)
    }
}

fn document(ran: &Ran) -> serde_json::Value {
    let mut says = json::row(&ran.row);
    if let serde_json::Value::Object(fields) = &mut says {
        fields.insert("checksum".to_owned(), ran.row.checksum.as_str().into());
        fields.insert("file_checksum".to_owned(), ran.row.file_checksum.as_str().into());
        fields.insert("source".to_owned(), ran.source.as_deref().into());
    }
    says
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
