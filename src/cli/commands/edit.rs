//! `edit`: open a revision file in an editor.

use std::process::Command;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;

/// Arguments of `edit`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// An id, its first 4 characters, a number, a label, or `head`
    revision: String,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let service = context.one_service()?;
        let chain = context.chain(service)?;
        let at = match self.revision.as_str() {
            "head" => chain.only_head(&(0..chain.len()).collect())?,
            name => Some(chain.find(name)?),
        };
        let Some(at) = at else {
            return Err(Failure::new(Exit::Error, "no-revisions", "there are no revisions yet")
                .hint("`limbeck revision -m \"…\"` writes one."));
        };
        let path = context.here.join(chain.revisions()[at].source.name());
        let Some(editor) = context.editor.as_deref().filter(|editor| !editor.trim().is_empty()) else {
            return Err(Failure::new(Exit::Error, "no-editor", "neither VISUAL nor EDITOR is set")
                .hint(format!("Set one of them, or open {}", context.shown(&path).display())));
        };
        // The variable may hold arguments: EDITOR="code --wait".
        let mut words = editor.split_whitespace();
        let program = words.next().unwrap_or(editor);
        let ended = Command::new(program).args(words).arg(&path).status().map_err(|error| {
            Failure::new(Exit::Error, "no-editor", format!("cannot start {program}: {error}"))
        })?;
        if !ended.success() {
            return Err(Failure::new(Exit::Error, "editor", format!("{program} ended with {ended}")));
        }
        // What was saved is read at once, so that a slip shows now and not at the next upgrade.
        context.chain(service)?;
        Ok(Exit::Done)
    }
}
