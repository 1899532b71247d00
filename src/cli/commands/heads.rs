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
        if chain.is_empty() {
            context.ui.aside("There are no revisions yet; `limbeck revision -m \"…\"` writes one.");
        }
        context.ui.json(|| json::revisions(&chain, chain.heads(), None))?;
        Ok(Exit::Done)
    }
}
