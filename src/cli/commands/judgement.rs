//! What a plan may pass over: the flags of every command that runs statements.

use crate::plan::{Edits, Policy};

use super::change::Manner;

/// What a plan may pass over.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct Judgement {
    /// Go on although files of applied revisions were edited since
    #[arg(long)]
    allow_edited: bool,
}

impl Judgement {
    /// The manner of the command, with this judgement.
    pub fn over(self, manner: Manner) -> Manner {
        let edits = if self.allow_edited { Edits::Allowed } else { Edits::Refused };
        Manner { policy: Policy { edits, ..manner.policy }, ..manner }
    }
}
