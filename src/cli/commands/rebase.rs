//! `rebase`: move an unapplied revision to another parent, by one line of its file.

use std::collections::BTreeSet;

use crate::chain::RevisionId;
use crate::convention;
use crate::folder;
use crate::manager::Access;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::json;
use super::super::ui::wrapped;
use super::super::words::Failure;

/// Arguments of `rebase`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Only the `Revises:` line of the revision's file changes. What stands on the revision moves with it."
)]
pub struct Args {
    /// The revision: an id, its first 4 characters, or a number
    #[arg(value_name = "REV")]
    revision: String,
    /// What it is to stand on: an id, head (the one that does not stand on REV), <label>@head, or base
    #[arg(long, value_name = "HEAD")]
    onto: String,
    /// Show the change and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask the database whether the revision is applied
    #[arg(long)]
    files_only: bool,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let service = context.one_service()?;
        let backend = service.backend()?;
        let chain = context.chain(service)?;
        let at = chain.find(&self.revision)?;
        let onto = chain.parent_to_be(at, &self.onto)?;
        let books: BTreeSet<RevisionId> = if self.files_only {
            context.ui.aside("The database was not asked; the revision must not be applied anywhere.");
            BTreeSet::new()
        } else {
            let manager = context.connect(service, Access::Read).map_err(|failure| Failure {
                notes: [failure.notes, vec!["--files-only moves it without asking a database.".to_owned()]]
                    .concat(),
                ..failure
            })?;
            let books = manager.books().rows.iter().map(|row| row.revision.clone()).collect();
            context.wait(manager.close());
            books
        };
        let layout = convention::LIMBECK.layout;
        let rebase = chain.rebase(layout, backend.dialect().lexis(), &books, at, onto)?;
        let name = rebase.edit.source.name();
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let path = service.migrations.join(backend.name()).join(file);
        let change = folder::edit(&path, &rebase.edit)?;
        let base = || "base".to_owned();
        let onto = rebase.onto.as_ref().map_or_else(base, ToString::to_string);
        let from = rebase.from.as_ref().map_or_else(base, ToString::to_string);
        if self.dry_run {
            context.ui.answer(&rebase.edit.diff())?;
        } else {
            folder::change(&[change])?;
            let with = match rebase.with.len() {
                0 => String::new(),
                1 => ", and with it the revision that stands on it".to_owned(),
                more => format!(", and with it the {more} revisions that stand on it"),
            };
            let says = format!("Moved {} from {from} to {onto}{with}", rebase.revision);
            context.ui.say(&format!("{}\n{}", wrapped(&says, context.ui.width), rebase.edit.diff()))?;
        }
        context.ui.json(|| {
            json::document(serde_json::json!({
                "revision": rebase.revision.as_str(),
                "from": rebase.from.as_ref().map(RevisionId::as_str),
                "onto": rebase.onto.as_ref().map(RevisionId::as_str),
                "with": rebase.with.iter().map(RevisionId::as_str).collect::<Vec<_>>(),
                "file": name,
                "diff": rebase.edit.diff(),
                "database_asked": !self.files_only,
                "written": !self.dry_run,
            }))
        })?;
        Ok(Exit::Done)
    }
}
