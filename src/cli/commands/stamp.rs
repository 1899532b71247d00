//! `stamp`: set the books without running anything.

use crate::chain::{Goal, GoalError};
use crate::plan::Purge;

use super::super::confirm;
use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::change::{self, Creation, Manner, Patience, Question};

/// Arguments of `stamp`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The books then say that the revisions and all that they stand on are applied. Revisions of other branches \
                        stay as they are."
)]
pub struct Args {
    /// Revisions: ids, numbers, heads, base
    #[arg(required = true, value_name = "REV")]
    revisions: Vec<String>,
    /// Forget first whatever the books said
    #[arg(long)]
    purge: bool,
    /// With --purge: the database's name, in place of typing it at the question
    #[arg(long, value_name = "NAME", requires = "purge")]
    yes_really: Option<String>,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the SQL and change nothing
    #[arg(long)]
    sql: bool,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    creation: Creation,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let goals =
            self.revisions.iter().map(|text| text.parse()).collect::<Result<Vec<Goal>, GoalError>>()?;
        let purge = if self.purge { Purge::Yes } else { Purge::No };
        if self.purge && !self.dry_run && !self.sql {
            let name = context.one_service()?.database()?.name();
            confirm::named(context, &name, self.yes_really.as_deref())?;
        }
        let (dry_run, sql, patience) = (self.dry_run, self.sql, self.patience);
        let missing = self.creation.missing();
        stamp(context, &goals, purge, &Manner { dry_run, sql, patience, missing, ..Manner::default() })
    }
}

/// Stamps the one service of the command.
pub(super) fn stamp(
    context: &Context,
    goals: &[Goal],
    purge: Purge,
    manner: &Manner,
) -> Result<Exit, Failure> {
    let service = context.one_service()?;
    change::run(context, service, manner, Question::Unasked, |manager| manager.plan_stamp(goals, purge))
}
