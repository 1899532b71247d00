//! `force`: golang-migrate's word for `stamp`.

use crate::chain::Goal;
use crate::plan::Purge;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::change::{Manner, Patience};

/// Arguments of `force`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A revision's number or id; -1 for nothing applied
    #[arg(allow_negative_numbers = true, value_name = "V")]
    version: String,
    #[command(flatten)]
    patience: Patience,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let goal = if self.version == "-1" { Goal::Base } else { self.version.parse()? };
        super::stamp::stamp(
            context,
            &[goal],
            Purge::No,
            &Manner { patience: self.patience, ..Manner::default() },
        )
    }
}
