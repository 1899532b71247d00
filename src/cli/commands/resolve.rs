//! `resolve`: settle a half-applied revision.

use std::io::{self, IsTerminal};

use crate::config::Service;
use crate::plan::Way;

use super::super::confirm;
use super::super::context::Context;
use super::super::exit::Exit;
use super::super::words::Failure;
use super::change::{self, Manner, Question};

/// Arguments of `resolve`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "When what was done has been undone by hand and the revision is not wanted now: limbeck stamp REV-1"
)]
pub struct Args {
    /// The revision, where several are half-applied
    #[arg(value_name = "REV")]
    revision: Option<String>,
    /// Go on with the first statement that is not done
    #[arg(long = "continue", group = "way")]
    go_on: bool,
    /// Go on with the statement of this number, where nothing tells whether the one under way was done
    #[arg(long, value_name = "STATEMENT", requires = "go_on")]
    from: Option<usize>,
    /// Run all its statements again: what was done has been undone by hand
    #[arg(long, group = "way")]
    retry: bool,
    /// Take back what was done: the statements of the other section whose counterparts were
    #[arg(long, group = "way")]
    undo: bool,
    /// Only write it into the books: what was not done has been done by hand
    #[arg(long, group = "way")]
    done: bool,
    #[command(flatten)]
    manner: Manner,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let service = context.one_service()?;
        let way = match () {
            () if self.go_on => Way::Continue(self.from),
            () if self.retry => Way::Retry,
            () if self.undo => Way::Undo,
            () if self.done => Way::Done,
            () if io::stdin().is_terminal() && !self.manner.no_input => confirm::way(context)?,
            () => {
                return Err(Failure::new(
                    Exit::Dirty,
                    "needs-answer",
                    "which way? there is no terminal to ask at",
                )
                .hint(WAYS));
            }
        };
        change::run(context, service, &self.manner, Question::Asked, |manager| {
            context.wait(manager.plan_resolve(self.revision.as_deref(), way))
        })
    }
}

/// Asks for the way out of the half-applied revision, and takes it.
pub(super) fn settle(context: &Context, service: &Service, manner: &Manner) -> Result<Exit, Failure> {
    let way = confirm::way(context)?;
    change::run(context, service, manner, Question::Asked, |manager| {
        context.wait(manager.plan_resolve(None, way))
    })
}

/// The ways out, as commands.
pub(in crate::cli) const WAYS: &str = "limbeck resolve --continue: goes on with the first statement that is not done\n\
     limbeck resolve --retry: runs all of it again, once what was done is undone by hand\n\
     limbeck resolve --undo: takes back what was done, by the other section\n\
     limbeck resolve --done: only says so, once the rest is done by hand";
