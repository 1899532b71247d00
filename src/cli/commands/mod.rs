//! The verbs, one file each: arguments, and what is done with them.

mod accept;
mod branches;
mod change;
mod check;
mod completions;
mod current;
mod diff;
mod downgrade;
mod edit;
mod force;
mod goto;
mod heads;
mod history;
mod init;
mod judgement;
mod listing;
mod log;
mod man;
mod merge;
mod new_file;
mod plan;
mod rebase;
pub(super) mod resolve;
mod reviewed;
mod revision;
mod show;
mod squash;
mod stamp;
mod status;
mod upgrade;
mod verify;
mod version;

use clap::Subcommand;

use super::context::{Context, Globals};
use super::exit::Exit;
use super::ui::Ui;
use super::words::Failure;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make limbeck.toml, the migrations folders and local.env.example
    Init(init::Args),
    /// Write a new revision file
    #[command(visible_aliases = ["create", "generate"])]
    Revision(revision::Args),
    /// Write a revision that joins several heads
    Merge(merge::Args),
    /// Move an unapplied revision to another parent
    Rebase(rebase::Args),
    /// Write several revisions in a row as one
    Squash(squash::Args),
    /// Open a revision file in $VISUAL or $EDITOR
    Edit(edit::Args),
    /// Show a revision
    Show(show::Args),
    /// Show what an upgrade would do, and nothing else
    Plan(plan::Args),
    /// Apply pending revisions
    Upgrade(upgrade::Args),
    /// Take revisions back
    Downgrade(downgrade::Args),
    /// Go to a revision, up or down
    Goto(goto::Args),
    /// Apply the next N revisions, or all
    Up(upgrade::UpArgs),
    /// Take the last N revisions back, or all
    Down(downgrade::DownArgs),
    /// Set the books to a revision, running nothing (golang-migrate's word for stamp)
    Force(force::Args),
    /// Print the revision that the database is at
    Version(version::Args),
    /// Set the books to revisions, running nothing
    Stamp(stamp::Args),
    /// Settle a half-applied revision
    Resolve(resolve::Args),
    /// Take the edited file of an applied revision as it is, for a reason
    Accept(accept::Args),
    /// Show the revisions that the database is at
    Current(current::Args),
    /// Show the heads of the chain
    Heads(heads::Args),
    /// Show where the chain branches
    Branches(branches::Args),
    /// Show the chain as a graph, newest first
    History(history::Args),
    /// Show what is applied, pending, half-applied, late, edited, missing
    Status(status::Args),
    /// Exit with 4 when anything is pending: for CI and health checks
    Check(check::Args),
    /// Compare applied revisions with their files
    Verify(verify::Args),
    /// Show what was edited since it was applied, as a diff
    Diff(diff::Args),
    /// Show who did what, when, from where, newest first
    Log(log::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page
    Man(man::Args),
}

impl Command {
    /// Runs the verb.
    pub fn run(&self, globals: &Globals, ui: Ui) -> Result<Exit, Failure> {
        match self {
            Self::Completions(args) => return args.run(ui),
            Self::Man(args) => return args.run(ui),
            Self::Init(args) => return args.run(globals, ui),
            _ => {}
        }
        let context = Context::gather(globals, ui)?;
        if context.dialects.is_some() && !matches!(self, Self::Revision(_)) {
            return Err(Failure::usage(
                "this command acts on one dialect",
                "Only `limbeck revision` takes several: it writes one file in each chain.",
            ));
        }
        match self {
            Self::Completions(_) | Self::Man(_) | Self::Init(_) => Ok(Exit::Done),
            Self::Revision(args) => args.run(&context),
            Self::Merge(args) => args.run(&context),
            Self::Rebase(args) => args.run(&context),
            Self::Squash(args) => args.run(&context),
            Self::Edit(args) => args.run(&context),
            Self::Show(args) => args.run(&context),
            Self::Plan(args) => args.run(&context),
            Self::Upgrade(args) => args.run(&context),
            Self::Downgrade(args) => args.run(&context),
            Self::Goto(args) => args.run(&context),
            Self::Up(args) => args.run(&context),
            Self::Down(args) => args.run(&context),
            Self::Force(args) => args.run(&context),
            Self::Version(args) => args.run(&context),
            Self::Stamp(args) => args.run(&context),
            Self::Resolve(args) => args.run(&context),
            Self::Accept(args) => args.run(&context),
            Self::Current(args) => args.run(&context),
            Self::Heads(args) => args.run(&context),
            Self::Branches(args) => args.run(&context),
            Self::History(args) => args.run(&context),
            Self::Status(args) => args.run(&context),
            Self::Check(args) => args.run(&context),
            Self::Verify(args) => args.run(&context),
            Self::Diff(args) => args.run(&context),
            Self::Log(args) => args.run(&context),
        }
    }
}

/// The worse of two ends, for a command over several services.
fn worse(one: Exit, other: Exit) -> Exit {
    if one == Exit::Done { other } else { one }
}
