//! Re-parenting a revision: from the chain and two names to the edit of one file.

use std::collections::BTreeSet;

use crate::sql::lexis::Lexis;

use super::edit::Edit;
use super::{Chain, GoalError, Layout, RevisionId, join};

/// A revision, and what stands on it, moved to another parent.
#[derive(Clone, Debug)]
pub struct Rebase {
    /// The revision.
    pub revision: RevisionId,
    /// What it stood on; nothing for a root.
    pub from: Option<RevisionId>,
    /// What it stands on afterwards; nothing for a root.
    pub onto: Option<RevisionId>,
    /// What stands on it and moves with it.
    pub with: Vec<RevisionId>,
    /// The change of its file.
    pub edit: Edit,
}

/// A revision that cannot be moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RebaseError {
    /// The books of the target have it, or something that stands on it.
    #[error("{}", if revision == applied { format!("revision {revision} is applied, wholly or in part, in this database") } else { format!("revision {applied}, which stands on {revision}, is applied in this database") })]
    Applied {
        /// The revision.
        revision: RevisionId,
        /// The one in the books.
        applied: RevisionId,
    },
    /// It would stand on itself.
    #[error("{}", if revision == onto { format!("revision {revision} cannot stand on itself") } else { format!("revision {onto} stands on {revision} or depends on it: the two would make a circle") })]
    Cycle {
        /// The revision.
        revision: RevisionId,
        /// The new parent.
        onto: RevisionId,
    },
    /// It is there already.
    #[error("revision {revision} {} already", match onto { Some(onto) => format!("stands on {onto}"), None => "is a root".to_owned() })]
    Already {
        /// The revision.
        revision: RevisionId,
        /// Its parent.
        onto: Option<RevisionId>,
    },
    /// It joins several revisions.
    #[error("revision {revision} is a merge of {}", join(parents, " and "))]
    Merge {
        /// The revision.
        revision: RevisionId,
        /// What it joins.
        parents: Vec<RevisionId>,
    },
    /// Its header cannot be edited.
    #[error("the header of revision {0} has no line that could be changed")]
    Header(RevisionId),
}

impl Chain {
    /// The place that `name` means as the new parent of the revision at `at`; none for `base`. `head` is the one head that
    /// does not stand on the revision.
    pub fn parent_to_be(&self, at: usize, name: &str) -> Result<Option<usize>, GoalError> {
        let moved = self.branch([at]);
        match name.split_once('@').unwrap_or(("", name)) {
            ("", "base") => Ok(None),
            ("", "head" | "heads") => {
                self.only_head(&(0..self.len()).filter(|other| !moved.contains(other)).collect())
            }
            ("", name) => self.find(name).map(Some),
            (label, "head" | "heads") => {
                self.only_head(&self.branch_of(label)?.difference(&moved).copied().collect())
            }
            _ => Err(GoalError::Form(name.to_owned())),
        }
    }

    /// Decides how the revision at `at` comes to stand on the one at `onto`. `books` are the revisions that the books of
    /// the target have in whatever state.
    pub fn rebase(
        &self,
        layout: &Layout,
        lexis: &Lexis,
        books: &BTreeSet<RevisionId>,
        at: usize,
        onto: Option<usize>,
    ) -> Result<Rebase, RebaseError> {
        let file = &self.revisions()[at];
        let revision = file.id.clone();
        let onto_id = onto.map(|onto| self.revisions()[onto].id.clone());
        if file.is_merge() {
            return Err(RebaseError::Merge { revision, parents: file.parents.clone() });
        }
        if let Some(onto) = onto.filter(|onto| self.descendants([at]).contains(onto)) {
            return Err(RebaseError::Cycle { revision, onto: self.revisions()[onto].id.clone() });
        }
        if file.parents.first() == onto_id.as_ref() {
            return Err(RebaseError::Already { revision, onto: onto_id });
        }
        let moved = self.ids(self.branch([at]));
        let in_books = |id: &&RevisionId| {
            books.contains(id)
                || self.get(id).is_some_and(|revision| {
                    self.all_replaced(revision).into_iter().any(|id| books.contains(id))
                })
        };
        if let Some(applied) = moved.iter().find(in_books) {
            return Err(RebaseError::Applied { revision, applied: applied.clone() });
        }
        let from = file.parents.first().cloned();
        let edit = layout
            .reparented(lexis, &file.source, from.as_ref(), onto_id.as_ref())
            .ok_or_else(|| RebaseError::Header(revision.clone()))?;
        let with = moved.into_iter().filter(|id| *id != revision).collect();
        Ok(Rebase { revision, from, onto: onto_id, with, edit })
    }
}
