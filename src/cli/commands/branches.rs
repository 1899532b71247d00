//! `branches`: where the chain branches. Needs no database.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::json;
use super::super::words::Failure;
use super::listing::{self, Detail};
use crate::cli::ui::Volume;

/// Arguments of `branches`.
#[derive(clap::Args, Debug)]
pub struct Args {}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let chain = context.chain(context.one_service()?)?;
        let detail = Detail::new(context.ui.volume == Volume::Verbose);
        let points: Vec<usize> = (0..chain.len()).filter(|at| chain.children(*at).len() > 1).collect();
        for at in &points {
            context.ui.answer(&listing::revision(&chain, *at, None, detail))?;
            for child in chain.children(*at) {
                context
                    .ui
                    .answer(&format!("  -> {}", listing::revision(&chain, *child, None, Detail::Line)))?;
            }
        }
        if points.is_empty() {
            context.ui.aside("The chain does not branch.");
        }
        context.ui.json(|| json::revisions(&chain, points, None))?;
        Ok(Exit::Done)
    }
}
