//! What a plan may pass over: the flags of every command that runs statements.

use crate::plan::{Edits, Late, Policy};

use super::change::Manner;

/// What a plan may pass over.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct Judgement {
    /// Go on although files of applied revisions were edited since
    #[arg(long)]
    allow_edited: bool,
}

/// What a plan may pass over on its way up.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct UpwardJudgement {
    #[command(flatten)]
    judgement: Judgement,
    /// What to do about late revisions, beside or beneath one that is applied: refuse, ask, apply [default: ask, and
    /// refuse where nobody is asked]
    #[arg(long, value_name = "WHAT", value_parser = late)]
    late: Option<Late>,
}

/// Reads what is done about late revisions.
fn late(text: &str) -> Result<Late, String> {
    Late::parse(text).ok_or_else(|| "it can be refuse, ask, apply".to_owned())
}

impl Judgement {
    /// The manner of the command, with this judgement.
    pub fn over(self, manner: Manner) -> Manner {
        let edits = if self.allow_edited { Edits::Allowed } else { Edits::Refused };
        Manner { policy: Policy { edits, ..manner.policy }, ..manner }
    }
}

impl UpwardJudgement {
    /// The manner of the command, with this judgement.
    pub fn over(self, manner: Manner) -> Manner {
        Manner { late: self.late, ..self.judgement.over(manner) }
    }
}
