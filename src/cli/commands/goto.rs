//! `goto`: go to a revision, whichever way it is.

use std::path::PathBuf;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::change::{self, Creation, Manner, Question};
use super::judgement::UpwardJudgement;
use super::reviewed;

/// Arguments of `goto`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to go: an id, a number, base, heads, +1, -1…
    #[arg(allow_hyphen_values = true, required_unless_present = "plan")]
    goal: Option<String>,
    /// Apply the plan in this file exactly, or refuse with the difference; `limbeck plan --out` writes it
    #[arg(long, value_name = "FILE", conflicts_with = "goal")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    judgement: UpwardJudgement,
    #[command(flatten)]
    creation: Creation,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let manner = self.judgement.over(self.manner.clone());
        let manner = Manner { missing: self.creation.missing(), ..manner };
        if let Some(file) = &self.plan {
            return reviewed::run(context, file, None, &manner);
        }
        let goal = self.goal.as_deref().unwrap_or_default();
        let goal = change::online_goal(goal, &Manner { sql: false, ..self.manner.clone() })?;
        let service = context.one_service()?;
        change::run(context, service, &manner, Question::Asked, |manager| manager.plan_goto(&goal))
    }
}
