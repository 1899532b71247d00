//! `plan`: what an upgrade would do, and nothing else.

use crate::manager::Access;
use crate::review::Review;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::human::{self, Ends};
use super::super::output::json;
use super::super::words::Failure;
use super::change::{self, Manner};
use super::judgement::Judgement;

/// Arguments of `plan`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "GOAL: heads, head, base, an id or its first 4 characters, +2, -1, <id>+1, <label>@head, a revision's number.\n\
                        With --sql also FROM:TO (`base:heads`), which needs no database, only --dialect."
)]
pub struct Args {
    /// Where to go; a revision that is applied means a downgrade to it
    #[arg(default_value = "heads", allow_hyphen_values = true)]
    goal: String,
    /// Print the SQL, bookkeeping included
    #[arg(long)]
    sql: bool,
    #[command(flatten)]
    judgement: Judgement,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let manner = self.judgement.over(Manner { sql: self.sql, dry_run: true, ..Manner::default() });
        if self.sql && change::span(&self.goal).is_some() {
            return change::offline(context, context.one_service()?, &self.goal, |facts, goal| {
                facts.goto(goal)
            });
        }
        let goal = change::online_goal(&self.goal, manner)?;
        let mut reviews = Vec::new();
        // A script is for one database.
        let services = if self.sql { vec![context.one_service()?] } else { context.services()? };
        for service in services {
            let manager = manner.tell(context.connect(service, Access::Read)?, context);
            let review = Review::new(manager.plan_goto(&goal)?);
            if self.sql {
                change::script(context, &review.plan)?;
                continue;
            }
            if !reviews.is_empty() {
                context.ui.answer("\n")?;
            }
            context.ui.answer(&human::plan(&review, context.ui.width, Ends::There))?;
            reviews.push((review, service.database()?));
        }
        if !self.sql {
            let services: Vec<_> =
                reviews.iter().map(|(review, url)| json::plan(&review.plan, url)).collect();
            context.ui.json(|| json::document(json::Services { services }))?;
        }
        Ok(Exit::Done)
    }
}
