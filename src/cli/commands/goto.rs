//! `goto`: go to a revision, whichever way it is.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::change::{self, Manner, Question};
use super::judgement::UpwardJudgement;

/// Arguments of `goto`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to go: an id, a number, base, heads, +1, -1…
    #[arg(allow_hyphen_values = true)]
    goal: String,
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    judgement: UpwardJudgement,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let goal = change::online_goal(&self.goal, Manner { sql: false, ..self.manner })?;
        let service = context.one_service()?;
        let manner = self.judgement.over(self.manner);
        change::run(context, service, manner, Question::Asked, |manager| manager.plan_goto(&goal))
    }
}
