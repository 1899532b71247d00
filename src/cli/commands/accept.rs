//! `accept`: take the edited file of an applied revision as it is.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::change::{self, Manner, Patience, Question};

/// Arguments of `accept`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Runs nothing: the books take the file's digests, the log says who accepted what and why, and the SQL that \
                        ran stays where `show --applied` and `diff` find it."
)]
pub struct Args {
    /// The revision whose file was edited
    #[arg(value_name = "REV")]
    revision: String,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the SQL and change nothing
    #[arg(long)]
    sql: bool,
    #[command(flatten)]
    patience: Patience,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let (dry_run, sql, patience) = (self.dry_run, self.sql, self.patience);
        let manner = Manner { dry_run, sql, patience, ..Manner::default() };
        let service = context.one_service()?;
        change::run(context, service, &manner, Question::Unasked, |manager| {
            manager.plan_accept(&self.revision, &self.reason)
        })
    }
}
