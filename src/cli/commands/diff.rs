//! `diff`: what ran against what the file says now.

use crate::config::Service;
use crate::ledger::Extent;
use crate::manager::{Access, MigrationManager, Ran};
use crate::plan::PlanError;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::diff::{self, Difference};
use super::super::output::json;
use super::super::words::Failure;

/// Arguments of `diff`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Exit 0 without a difference, 1 with one.")]
pub struct Args {
    /// The revision [default: every applied revision whose statements were edited]
    #[arg(value_name = "REV")]
    revision: Option<String>,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut all = Vec::new();
        let mut exit = Exit::Done;
        // A revision is one service's.
        let named = self.revision.is_some();
        let services = if named { vec![context.one_service()?] } else { context.services()? };
        for service in services {
            let differences = self.differences(context, service)?;
            for difference in &differences {
                context.ui.answer(&diff::text(difference))?;
                exit = Exit::Error;
            }
            all.push(diff::document(&service.name, &differences));
        }
        if exit == Exit::Done {
            context.ui.say("No difference.\n")?;
        }
        context
            .ui
            .json(|| json::document(serde_json::json!({ "services": all, "exit_code": exit as u8 })))?;
        Ok(exit)
    }

    fn differences(&self, context: &Context, service: &Service) -> Result<Vec<Difference>, Failure> {
        let manager = context.connect(service, Access::Read)?;
        let mut differences = Vec::new();
        match &self.revision {
            Some(name) => {
                let ran = context.wait(manager.ran(name))?;
                let difference = difference(&manager, &ran)?;
                if difference.diff.is_none() {
                    return Err(Failure::not_kept(&ran));
                }
                differences.push(difference);
            }
            None => {
                for edited in manager.ledger().edited {
                    if edited.extent == Extent::Statements {
                        let ran = context.wait(manager.ran(edited.row.revision.as_str()))?;
                        differences.push(difference(&manager, &ran)?);
                    }
                }
            }
        }
        context.wait(manager.close());
        differences.retain(|difference| difference.diff.as_deref() != Some(""));
        Ok(differences)
    }
}

/// What ran against the file.
fn difference(manager: &MigrationManager, ran: &Ran) -> Result<Difference, Failure> {
    let id = &ran.row.revision;
    let revision = manager.chain().get(id);
    let gone = || crate::error::Error::from(PlanError::FileGone { revisions: vec![id.clone()] });
    let file = &revision.ok_or_else(gone)?.source;
    let diff = ran.source.as_ref().map(|source| diff::unified(id, source, file));
    Ok(Difference { revision: id.clone(), file: file.name().to_owned(), diff })
}
