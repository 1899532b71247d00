//! `check`: exit 4 when anything is pending.

use crate::manager::Access;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::{human, json};
use super::super::words::Failure;

/// Arguments of `check`.
#[derive(clap::Args, Debug)]
pub struct Args {}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut exit = Exit::Done;
        let mut all = Vec::new();
        for service in context.services()? {
            let manager = context.connect(service, Access::Read)?;
            let url = service.database()?;
            let status = manager.status();
            let half = context.wait(manager.half_applied())?;
            // Half-applied is worse than pending, and pending worse than done.
            let found = match (status.dirty.is_empty(), status.pending.is_empty()) {
                (false, _) => Exit::Dirty,
                (true, false) => Exit::Pending,
                (true, true) => Exit::Done,
            };
            exit = if found == Exit::Dirty { found } else { super::worse(exit, found) };
            let name = if service.name == crate::config::DEFAULT_SERVICE {
                ""
            } else {
                &format!("{}: ", service.name)
            };
            let says = match found {
                Exit::Dirty => {
                    format!("{name}{} half-applied; `limbeck status` says more\n", status.dirty.len())
                }
                Exit::Pending => {
                    format!(
                        "{name}{} pending{}; the database is at {}\n",
                        status.pending.len(),
                        match status.late.len() {
                            0 => String::new(),
                            late => format!(" ({late} late)"),
                        },
                        human::ids_or_base(&status.current)
                    )
                }
                _ => format!("{name}up to date at {}\n", human::ids_or_base(&status.current)),
            };
            context.ui.say(&says)?;
            all.push((service, url, status, half));
        }
        context.ui.json(|| {
            let all: Vec<_> = all
                .iter()
                .map(|(service, url, status, half)| json::status(&service.name, url, status, half))
                .collect();
            json::document(serde_json::json!({ "services": all, "exit_code": exit as u8 }))
        })?;
        Ok(exit)
    }
}
