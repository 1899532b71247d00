//! Lines about revisions, as `current`, `heads`, `branches` and `show` print them.

use std::fmt::Write as _;

use crate::chain::{Chain, Direction, Downgrade, Revision, join};
use crate::ledger::Ledger;

/// How much is said about a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// One line.
    Line,
    /// All of it.
    Full,
}

impl Detail {
    pub(super) fn new(verbose: bool) -> Self {
        if verbose { Self::Full } else { Self::Line }
    }
}

/// What is particular about a revision, in brackets behind its id.
pub(super) fn marks(chain: &Chain, at: usize, ledger: Option<&Ledger<'_>>) -> Vec<String> {
    let revision = &chain.revisions()[at];
    let mut marks = revision.labels.clone();
    let children = chain.children(at).len();
    if let Some(ledger) = ledger {
        if ledger.dirty.iter().any(|row| row.revision == revision.id) {
            marks.push("half-applied".to_owned());
        } else if ledger.applied.contains(&at) {
            if ledger.unrecorded.contains(&at) {
                marks.push("not recorded yet".to_owned());
            }
            if !chain.children(at).iter().any(|child| ledger.applied.contains(child)) {
                marks.push("current".to_owned());
            }
        } else {
            marks.push("pending".to_owned());
        }
    }
    for (mark, holds) in
        [("head", children == 0), ("branchpoint", children > 1), ("mergepoint", revision.is_merge())]
    {
        if holds {
            marks.push(mark.to_owned());
        }
    }
    marks
}

/// One line, or all there is, about the revision at a place.
pub(super) fn revision(chain: &Chain, at: usize, ledger: Option<&Ledger<'_>>, detail: Detail) -> String {
    let revision = &chain.revisions()[at];
    let marks = marks(chain, at, ledger);
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", join(marks, ", ")) };
    match detail {
        Detail::Line => format!("{}{marks} {}\n", revision.id, revision.message),
        Detail::Full => full(chain, at, revision, &marks),
    }
}

fn full(chain: &Chain, at: usize, revision: &Revision, marks: &str) -> String {
    let mut text = format!("Revision ID: {}{marks}\n", revision.id);
    let parents = if revision.parents.is_empty() { "base".to_owned() } else { join(&revision.parents, ", ") };
    let _ = writeln!(text, "Revises: {parents}");
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    line("Depends On", join(&revision.depends_on, ", "));
    line("Replaces", join(&revision.replaces, ", "));
    line("Branch Labels", join(&revision.labels, ", "));
    line("Followed by", join(chain.ids(chain.children(at).iter().copied()), ", "));
    line("Create Date", revision.created.clone().unwrap_or_default());
    line("File", revision.source.name().to_owned());
    line("Statements", statements(revision));
    let _ = writeln!(text, "\n    {}\n", revision.message);
    text
}

fn statements(revision: &Revision) -> String {
    let back = match &revision.downgrade {
        Downgrade::Script(script) => format!("{} down", script.statements.len()),
        Downgrade::Irreversible(reason) => format!("irreversible: {reason}"),
        Downgrade::Missing => "no way down".to_owned(),
    };
    let up = revision.script(Direction::Up).map_or(0, |script| script.statements.len());
    format!("{up} up, {back}")
}
