//! `status`: what is applied, pending, half-applied, late, edited, missing; per service.

use crate::manager::Access;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::{human, json};
use super::super::words::Failure;

/// Arguments of `status`.
#[derive(clap::Args, Debug)]
pub struct Args {}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut all = Vec::new();
        for service in context.services()? {
            let manager = context.connect(service, Access::Read)?;
            let url = service.database()?;
            let status = manager.status();
            let half = context.wait(manager.half_applied())?;
            if !all.is_empty() {
                context.ui.answer("\n")?;
            }
            context.ui.answer(&human::status(
                &service.name,
                &url.to_string(),
                &status,
                &half,
                context.ui.width,
            ))?;
            all.push((service, url, status, half));
        }
        context.ui.json(|| {
            let services = all
                .iter()
                .map(|(service, url, status, half)| json::status(&service.name, url, status, half))
                .collect();
            json::document(json::Services { services })
        })?;
        Ok(Exit::Done)
    }
}
