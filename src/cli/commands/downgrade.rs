//! `downgrade` and `down`: take revisions back.

use std::path::PathBuf;

use crate::chain::{Direction, Goal};
use crate::review::ApprovedBy;

use super::super::confirm;
use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::change::{self, Manner, Question, Script};
use super::judgement::Judgement;
use super::reviewed;

/// Arguments of `downgrade`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "GOAL: base, an id or its first 4 characters, -1, <id>-1, <label>@base, a revision's number. The goal \
                        itself stays.\nWith --sql also FROM:TO (`heads:base`), which needs no database."
)]
pub struct Args {
    /// Where to go
    #[arg(allow_hyphen_values = true, required_unless_present = "plan")]
    goal: Option<String>,
    /// Apply the plan in this file exactly, or refuse with the difference; `limbeck plan --out` writes it
    #[arg(long, value_name = "FILE", conflicts_with = "goal")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    judgement: Judgement,
}

/// Arguments of `down`.
#[derive(clap::Args, Debug)]
pub struct DownArgs {
    /// How many revisions; without it all of them, which is asked about or needs --yes
    n: Option<u32>,
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    judgement: Judgement,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let manner = &self.judgement.over(self.manner.clone());
        if let Some(file) = &self.plan {
            return reviewed::run(context, file, Some(Direction::Down), manner);
        }
        let goal = self.goal.as_deref().unwrap_or_default();
        if manner.sql && change::span(goal).is_some() {
            return change::offline(context, context.one_service()?, goal, Script::ToRun, |facts, goal| {
                facts.downgrade(goal)
            });
        }
        downgrade(context, &change::online_goal(goal, manner)?, manner)
    }
}

impl DownArgs {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let manner = &self.judgement.over(self.manner.clone());
        let changes = !manner.dry_run && !manner.sql;
        let by = confirm::unasked(context, manner.asking());
        let unsaid = matches!(by, Some(ApprovedBy::NoTerminal | ApprovedBy::Settings));
        let goal = match self.n {
            Some(n) => Goal::Steps(-i64::from(n)),
            // "All of them" was not said in so many words, so somebody must say yes to it.
            None if changes && unsaid => {
                return Err(Failure::new(
                    Exit::NeedsAnswer,
                    "needs-answer",
                    "`down` without a number takes everything back, and nobody is asked",
                )
                .hint(
                    "Nothing was changed. One revision: `limbeck down 1`. All of them: `limbeck down --yes`.",
                ));
            }
            None => Goal::Base,
        };
        downgrade(context, &goal, manner)
    }
}

fn downgrade(context: &Context, goal: &Goal, manner: &Manner) -> Result<Exit, Failure> {
    let service = context.one_service()?;
    change::run(context, service, manner, Question::Asked, |manager| manager.plan_downgrade(goal))
}
