//! `upgrade` and `up`: apply pending revisions.

use crate::chain::Goal;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::change::{self, Manner, Question};

/// Arguments of `upgrade`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "GOAL: heads, head, an id or its first 4 characters, +2, <id>+1, <label>@head, a revision's number.\n\
                        With --sql also FROM:TO (`base:heads`), which needs no database."
)]
pub struct Args {
    /// Where to go
    #[arg(default_value = "heads", allow_hyphen_values = true)]
    goal: String,
    #[command(flatten)]
    manner: Manner,
}

/// Arguments of `up`.
#[derive(clap::Args, Debug)]
pub struct UpArgs {
    /// How many revisions [default: all]
    n: Option<u32>,
    #[command(flatten)]
    manner: Manner,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        upgrade(context, &self.goal, self.manner)
    }
}

impl UpArgs {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let goal = self.n.map_or_else(|| "heads".to_owned(), |n| format!("+{n}"));
        upgrade(context, &goal, self.manner)
    }
}

fn upgrade(context: &Context, goal: &str, manner: Manner) -> Result<Exit, Failure> {
    if manner.sql && change::span(goal).is_some() {
        return change::offline(context, context.one_service()?, goal, |facts, goal| facts.upgrade(goal));
    }
    let goal: Goal = change::online_goal(goal, manner)?;
    let mut exit = Exit::Done;
    for service in context.services()? {
        exit = super::worse(
            exit,
            change::run(context, service, manner, Question::Asked, |manager| manager.plan_upgrade(&goal))?,
        );
    }
    Ok(exit)
}
