//! `heads`: the heads of the chain. Needs no database.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::json;
use super::super::words::Failure;
use super::listing::{self, Detail};
use crate::cli::ui::Volume;

/// Arguments of `heads`.
#[derive(clap::Args, Debug)]
pub struct Args {}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let chain = context.chain(context.one_service()?)?;
        let detail = Detail::new(context.ui.volume == Volume::Verbose);
        for at in chain.heads() {
            context.ui.answer(&listing::revision(&chain, at, None, detail))?;
        }
        let revisions: Vec<_> =
            chain.heads().into_iter().map(|at| json::revision(&chain, at, None)).collect();
        context.ui.json(&json::document(serde_json::json!({ "revisions": revisions })))?;
        Ok(Exit::Done)
    }
}
