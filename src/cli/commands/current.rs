//! `current`: the revisions that the database is at.

use crate::manager::Access;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::json;
use super::super::words::Failure;
use super::listing::{self, Detail};
use crate::cli::ui::Volume;

/// Arguments of `current`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Exit with 4 unless the database is at all heads
    #[arg(short, long)]
    check_heads: bool,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let manager = context.connect(context.one_service()?, Access::Read)?;
        let (chain, ledger) = (manager.chain(), manager.ledger());
        let heads = chain.heads_of(&ledger.applied);
        let detail = Detail::new(context.ui.volume == Volume::Verbose);
        for at in &heads {
            context.ui.answer(&listing::revision(chain, *at, Some(&ledger), detail))?;
        }
        if heads.is_empty() {
            context.ui.aside("No revision is applied.");
        }
        context.ui.json(|| json::revisions(chain, heads.iter().copied(), Some(&ledger)))?;
        let behind = self.check_heads && heads != chain.heads();
        Ok(if behind { Exit::Pending } else { Exit::Done })
    }
}
