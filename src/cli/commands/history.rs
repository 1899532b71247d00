//! `history`: the chain as a graph, newest first.

use std::collections::BTreeSet;

use console::style;

use crate::chain::{Chain, Goal};
use crate::ledger::Ledger;
use crate::manager::{Access, MigrationManager};

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::graph::{self, Node};
use super::super::output::json;
use super::super::words::Failure;
use super::listing::{self, Detail};
use crate::cli::ui::Volume;

/// Arguments of `history`.
#[derive(clap::Args, Debug)]
#[command(after_help = "● applied, ○ pending, ◐ half-applied. Without a database it shows the files alone.")]
pub struct Args {
    /// Only the revisions from A (exclusive) to B: `base:8bd9`, `8bd9:`, `:head`, `current:`
    range: Option<String>,
    /// Mark what is applied; fails when the database cannot be asked
    #[arg(short, long)]
    indicate_current: bool,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let service = context.one_service()?;
        let manager = match context.connect(service, Access::Read) {
            Ok(manager) => Some(manager),
            Err(failure) if self.indicate_current || self.names_current() => return Err(failure),
            // The files are there even where the database is not.
            Err(_) => None,
        };
        let loaded;
        let chain = match &manager {
            Some(manager) => manager.chain(),
            None => {
                loaded = context.chain(service)?;
                context.ui.aside("The database could not be asked; -i says why.");
                &loaded
            }
        };
        let ledger = manager.as_ref().map(MigrationManager::ledger);
        let shown = self.range(chain, ledger.as_ref())?;
        let text = match Detail::new(context.ui.volume == Volume::Verbose) {
            Detail::Full => shown
                .iter()
                .rev()
                .map(|at| listing::revision(chain, *at, ledger.as_ref(), Detail::Full))
                .collect(),
            Detail::Line => graph::draw(chain, &shown, |at| node(chain, ledger.as_ref(), at)),
        };
        context.ui.answer(&text)?;
        if shown.is_empty() {
            context.ui.aside("There are no such revisions.");
        }
        context.ui.json(|| json::revisions(chain, shown.iter().rev().copied(), ledger.as_ref()))?;
        Ok(Exit::Done)
    }

    fn names_current(&self) -> bool {
        self.range.as_ref().is_some_and(|range| range.contains("current"))
    }

    fn range(&self, chain: &Chain, ledger: Option<&Ledger<'_>>) -> Result<BTreeSet<usize>, Failure> {
        let everything = (0..chain.len()).collect();
        let Some(range) = &self.range else { return Ok(everything) };
        let applied = ledger.map(|ledger| ledger.applied.clone()).unwrap_or_default();
        let end = |name: &str, default: Goal| -> Result<BTreeSet<usize>, Failure> {
            Ok(match name {
                "" => chain.wanted(&default, &applied)?,
                "current" => applied.clone(),
                name => chain.wanted(&name.parse()?, &applied)?,
            })
        };
        let (from, to) = match range.split_once(':') {
            Some((from, to)) => (end(from, Goal::Base)?, end(to, Goal::Heads)?),
            None => (BTreeSet::new(), end(range, Goal::Heads)?),
        };
        Ok(to.difference(&from).copied().collect())
    }
}

fn node(chain: &Chain, ledger: Option<&Ledger<'_>>, at: usize) -> Node {
    let revision = &chain.revisions()[at];
    let half = ledger.is_some_and(|ledger| ledger.dirty.iter().any(|row| row.revision == revision.id));
    let mark = match ledger {
        _ if half => '◐',
        Some(ledger) if ledger.applied.contains(&at) => '●',
        _ => '○',
    };
    let marks = listing::marks(chain, at, ledger);
    let marks = if marks.is_empty() {
        String::new()
    } else {
        format!(" {}", style(format!("({})", marks.join(", "))).cyan())
    };
    Node { mark, text: format!("{}{marks} {}", style(&revision.id).yellow(), revision.message) }
}
