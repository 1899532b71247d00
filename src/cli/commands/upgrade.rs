//! `upgrade` and `up`: apply pending revisions.

use std::path::PathBuf;

use crate::chain::{Direction, Goal};
use crate::config::Service;

use super::super::confirm;
use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::change::{self, Creation, Manner, Question, Script};
use super::judgement::UpwardJudgement;
use super::resolve;
use super::reviewed;

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

/// Arguments of `up`.
#[derive(clap::Args, Debug)]
pub struct UpArgs {
    /// How many revisions [default: all]
    n: Option<u32>,
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
        match &self.plan {
            Some(file) => reviewed::run(context, file, Some(Direction::Up), &manner),
            None => upgrade(context, &self.goal, &manner),
        }
    }
}

impl UpArgs {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let goal = self.n.map_or_else(|| "heads".to_owned(), |n| format!("+{n}"));
        let manner = self.judgement.over(self.manner.clone());
        upgrade(context, &goal, &Manner { missing: self.creation.missing(), ..manner })
    }
}

/// Upgrades one service. Where nobody looked at the plan and the goal is a place, not a number of steps, a run that comes
/// after another's plans again: fifty that start at once all end well.
fn to_goal(context: &Context, service: &Service, manner: &Manner, goal: &Goal) -> Result<Exit, Failure> {
    let place = matches!(goal, Goal::Heads | Goal::Head | Goal::Revision(_));
    let watched = confirm::unasked(context, manner.asking()).is_none();
    let alone = place && !watched;
    // Each plan made again means that another runner has changed the books meanwhile: that ends.
    let mut again = if alone { 5 } else { 0 };
    loop {
        match change::run(context, service, manner, Question::Asked, |manager| manager.plan_upgrade(goal)) {
            Err(failure) if again > 0 && failure.exit == Exit::Stale => {
                again -= 1;
                context.ui.aside("The books changed meanwhile; planning again");
            }
            // Whoever is there is asked what is to become of it; then the upgrade goes on.
            Err(failure)
                if watched && !manner.dry_run && failure.exit == Exit::Dirty && failure.code == "dirty" =>
            {
                context.ui.aside(failure.text(context.ui.width).trim_end());
                resolve::settle(context, service, manner)?;
            }
            done => return done,
        }
    }
}

fn upgrade(context: &Context, goal: &str, manner: &Manner) -> Result<Exit, Failure> {
    if manner.sql && change::span(goal).is_some() {
        return change::offline(context, context.one_service()?, goal, Script::ToRun, |facts, goal| {
            facts.upgrade(goal)
        });
    }
    let goal: Goal = change::online_goal(goal, manner)?;
    let services = context.services()?;
    let mut exit = Exit::Done;
    for (index, service) in services.iter().enumerate() {
        if index > 0 && !manner.sql {
            context.ui.say("\n")?;
        }
        let done = to_goal(context, service, manner, &goal);
        let done = done.map_err(|failure| match services.len() {
            1 => failure,
            _ => failure
                .among(&service.name, services[index + 1..].iter().map(|service| service.name.as_str())),
        })?;
        exit = super::worse(exit, done);
    }
    Ok(exit)
}
