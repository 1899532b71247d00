//! `log`: who did what, when, from where; per service.

use crate::manager::Access;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::{json, log};
use super::super::ui::Volume;
use super::super::words::Failure;

/// Arguments of `log`.
#[derive(clap::Args, Debug)]
#[command(after_help = "-v shows all that the log holds. Times are UTC. Nothing in the log is ever changed.")]
pub struct Args {
    /// Only what was done to this revision; its file need not be there any more
    #[arg(value_name = "REV")]
    revision: Option<String>,
    /// How many lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: u32,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let named = self.revision.as_deref();
        // A revision is one service's.
        let services = if named.is_some() { vec![context.one_service()?] } else { context.services()? };
        let mut all = Vec::new();
        for service in services {
            let manager = context.connect(service, Access::Read)?;
            let entries = context.wait(manager.log(named, self.limit))?;
            context.wait(manager.close());
            if !all.is_empty() {
                context.ui.answer("\n")?;
            }
            context.ui.answer(&match context.ui.volume {
                Volume::Verbose => log::full(&service.name, &entries, context.ui.width),
                _ => log::table(&service.name, &entries, context.ui.width),
            })?;
            all.push(log::document(&service.name, &entries));
        }
        context.ui.json(|| json::document(json::Services { services: all }))?;
        Ok(Exit::Done)
    }
}
