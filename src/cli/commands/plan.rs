//! `plan`: what an upgrade would do, and nothing else.

use std::path::PathBuf;

use crate::manager::Access;
use crate::plan_file::PlanFile;
use crate::review::Review;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::human::{self, Ends};
use super::super::output::json;
use super::super::plan_files;
use super::super::words::Failure;
use super::change::{self, Manner, Patience, Script};
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
    /// Write the plan into this file too, for `limbeck upgrade --plan`
    #[arg(long, value_name = "FILE", conflicts_with = "sql")]
    out: Option<PathBuf>,
    #[command(flatten)]
    judgement: Judgement,
    #[command(flatten)]
    patience: Patience,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let manner = self.judgement.over(Manner {
            sql: self.sql,
            dry_run: true,
            patience: self.patience,
            ..Manner::default()
        });
        if self.sql && change::span(&self.goal).is_some() {
            return change::offline(
                context,
                context.one_service()?,
                &self.goal,
                Script::ToRead,
                |facts, goal| facts.goto(goal),
            );
        }
        let goal = change::online_goal(&self.goal, &manner)?;
        let mut reviews = Vec::new();
        // A script is for one database, and so is a file.
        let one = self.sql || self.out.is_some();
        let services = if one { vec![context.one_service()?] } else { context.services()? };
        for service in services {
            let manager = manner.tell(context.connect(service, Access::Read)?, context);
            let review = Review::new(manager.plan_goto(&goal)?);
            if self.sql {
                change::script(context, &review.plan, Script::ToRead)?;
                continue;
            }
            if !reviews.is_empty() {
                context.ui.answer("\n")?;
            }
            context.ui.answer(&human::plan(&review, context.ui.width, Ends::There))?;
            if let Some(out) = &self.out {
                let url = service.database()?;
                let file = PlanFile::of(&review.plan, manager.policy(), url, plan_files::now());
                plan_files::write(&context.here.join(out), out, &file)?;
                let verb = review.plan.direction.verb();
                let out = out.display();
                context.ui.aside(&format!("The plan is in {out}; `limbeck {verb} --plan {out}` applies it"));
            }
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
