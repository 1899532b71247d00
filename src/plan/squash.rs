//! Recording a squash where the revisions that it replaced are applied: their rows leave the books, its own enters.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::chain::{Direction, RevisionId, join};
use crate::ledger::record::Act;
use crate::ledger::{Ledger, RowWrite, State};

use super::{Facts, Step};

impl Facts<'_> {
    /// The step that records the squash at `at` in place of the revisions at `rows`.
    pub(super) fn record_squash(&self, at: usize, rows: &[usize]) -> Step {
        let revisions = self.chain.revisions();
        let revision = Arc::clone(&revisions[at]);
        let gone = rows.iter().map(|at| RowWrite::Delete { revision: Arc::clone(&revisions[*at]) });
        let own = RowWrite::Insert {
            revision: Arc::clone(&revision),
            state: State::Applied,
            heads: self.chain.remembered_heads(),
        };
        let detail = format!("replaces {}", join(&revision.replaces, ", ")).into();
        let mut step = Step::recorded(revision, Direction::Up, own, Act::Squash, detail);
        step.before.splice(0..0, gone);
        step
    }

    /// The squash that replaced the revision at `at`.
    pub(super) fn squash_on(&self, at: usize) -> RevisionId {
        let id = &self.chain.revisions()[at].id;
        let squash = self.chain.revisions().iter().find(|squash| squash.replaces.contains(id));
        squash.map_or_else(|| id.clone(), |squash| squash.id.clone())
    }

    /// The squashes among `wanted` that a stamp records, each with the applied revisions whose rows leave: all that it
    /// stands on below `wanted` by way of what it replaced.
    pub(super) fn stamped_squashes(
        &self,
        wanted: &BTreeSet<usize>,
        ledger: &Ledger<'_>,
    ) -> Vec<(usize, Vec<usize>)> {
        let mut squashes: Vec<(usize, BTreeSet<usize>)> = Vec::new();
        for at in wanted {
            let mut replaced: BTreeSet<usize> = self.chain.replaced(*at).into_iter().collect();
            if replaced.is_empty() {
                continue;
            }
            // One that is replaced itself leaves its part to the one that replaces it.
            squashes.retain(|(inner, rows)| {
                let inside = replaced.contains(inner);
                if inside {
                    replaced.extend(rows);
                }
                !inside
            });
            squashes.push((*at, replaced));
        }
        let has_row = |at: &usize| ledger.applied.contains(at) && !ledger.unrecorded.contains(at);
        squashes.into_iter().map(|(at, rows)| (at, rows.into_iter().filter(has_row).collect())).collect()
    }
}
