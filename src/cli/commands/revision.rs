//! `revision`: write new revision files.

use crate::chain::{Chain, GoalError};

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::new_file::{self, Draft, New};

/// Arguments of `revision`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The global --dialect takes a list here (`sqlite,mysql`), or `all`: one new file in each chain."
)]
pub struct Args {
    /// What it does, in one line
    #[arg(short, long)]
    message: String,
    /// The revision to stand on: an id, a label, <label>@head, or base
    #[arg(long, default_value = "head", value_name = "H")]
    head: String,
    /// Allow a revision that is no head, which makes a branch
    #[arg(long)]
    splice: bool,
    /// Name the branch that begins here
    #[arg(long, value_name = "L")]
    branch_label: Vec<String>,
    /// Another branch's revision that must be applied first
    #[arg(long, value_name = "R")]
    depends_on: Vec<String>,
    /// The id, in place of a new one
    #[arg(long, value_name = "ID")]
    rev_id: Option<String>,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let service = context.one_service()?;
        let message = new_file::checked_message(&self.message)?;
        if let Some(id) = &self.rev_id {
            new_file::checked_id(id)?;
        }
        for label in &self.branch_label {
            new_file::checked_id(label).map_err(|failure| Failure {
                message: format!("`{label}` cannot be a branch label"),
                ..failure
            })?;
        }
        let backends = match &context.dialects {
            Some(list) => list.clone(),
            None => vec![service.backend()?],
        };
        // All are prepared before the first is written: an error leaves no half set behind.
        let mut drafts: Vec<Draft> = Vec::new();
        for backend in backends {
            let chain = context.chain_of(service, backend)?;
            let id = self.rev_id.clone().unwrap_or_else(new_file::new_id);
            let new = New {
                message,
                parents: self.parents(&chain)?,
                labels: self.labels(&chain)?,
                depends_on: self
                    .depends_on
                    .iter()
                    .map(|name| Ok(chain.revisions()[chain.find(name)?].id.to_string()))
                    .collect::<Result<_, GoalError>>()?,
                replaces: Vec::new(),
                sections: None,
            };
            drafts.push(new_file::draft(context, service, backend, &chain, &id, &new)?);
        }
        new_file::write(context, &drafts)
    }

    fn labels(&self, chain: &Chain) -> Result<Vec<String>, Failure> {
        for label in &self.branch_label {
            if chain.labelled(label).is_some() || chain.get(&label.as_str().into()).is_some() {
                return Err(Failure::new(Exit::Error, "taken", format!("`{label}` is taken already"))
                    .hint("`limbeck branches` and `limbeck history` show the names in use."));
            }
        }
        Ok(self.branch_label.clone())
    }

    /// The revision that the new one stands on.
    fn parents(&self, chain: &Chain) -> Result<Vec<String>, Failure> {
        if chain.is_empty() || self.head == "base" {
            return Ok(Vec::new());
        }
        let several = |error: GoalError| {
            Failure::from(error).hint("Say which one with --head, or join them: limbeck merge heads -m \"…\"")
        };
        let at = match self.head.as_str() {
            "head" | "heads" => chain.only_head(&(0..chain.len()).collect()).map_err(several)?,
            name => match name.split_once('@') {
                Some((label, "head")) => chain.only_head(&chain.branch_of(label)?).map_err(several)?,
                Some((_, name)) => Some(chain.find(name)?),
                None => Some(chain.find(name)?),
            },
        };
        let Some(at) = at else { return Ok(Vec::new()) };
        if !chain.heads().contains(&at) && !self.splice {
            return Err(Failure::usage(
                format!("revision {} is not a head", chain.revisions()[at].id),
                "--splice makes a branch there.",
            ));
        }
        Ok(vec![chain.revisions()[at].id.to_string()])
    }
}
