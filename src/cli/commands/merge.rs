//! `merge`: write a revision that joins several heads.

use std::collections::BTreeSet;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::new_file::{self, New};

/// Arguments of `merge`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The revisions to join, or `heads` for all heads
    #[arg(required = true, value_name = "REV")]
    revisions: Vec<String>,
    /// What it does, in one line
    #[arg(short, long, default_value = "merge heads")]
    message: String,
    /// Name the branch that begins here
    #[arg(long, value_name = "L")]
    branch_label: Vec<String>,
    /// The id, in place of a new one
    #[arg(long, value_name = "ID")]
    rev_id: Option<String>,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let service = context.one_service()?;
        let backend = service.backend()?;
        let chain = context.chain(service)?;
        let mut places = BTreeSet::new();
        for name in &self.revisions {
            match name.as_str() {
                "heads" => places.extend(chain.heads()),
                name => {
                    places.insert(chain.find(name)?);
                }
            }
        }
        let ids: Vec<String> = chain.ids(places.iter().copied()).iter().map(ToString::to_string).collect();
        if places.len() < 2 {
            return Err(Failure::usage(
                format!(
                    "a merge joins two revisions or more, and this is {}",
                    ids.first().map_or("none", String::as_str)
                ),
                "`limbeck heads` lists the heads.",
            ));
        }
        if let Some(under) = places
            .iter()
            .find(|at| chain.branch([**at]).iter().any(|above| above != *at && places.contains(above)))
        {
            return Err(Failure::usage(
                format!("revision {} is an ancestor of another of them", chain.revisions()[*under].id),
                "A merge joins revisions of different branches.",
            ));
        }
        let id = self.rev_id.clone().unwrap_or_else(new_file::new_id);
        new_file::checked_id(&id)?;
        let new = New {
            message: new_file::checked_message(&self.message)?,
            parents: ids,
            labels: self.branch_label.clone(),
            depends_on: Vec::new(),
            replaces: Vec::new(),
            sections: None,
        };
        let draft = new_file::draft(context, service, backend, &chain, &id, &new)?;
        new_file::write(context, &[draft])
    }
}
