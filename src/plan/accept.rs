//! Accepting an edited file: a plan that records the change, with a reason, and runs nothing.

use std::sync::Arc;

use crate::chain::{Direction, GoalError, RevisionId};
use crate::ledger::record::Act;
use crate::ledger::{Extent, Row, RowWrite, State};

use super::{Facts, Plan, PlanError, Scope, Step};

impl<'a> Facts<'a> {
    /// Plans that the file of an applied revision is taken as it is now; what ran stays in the books.
    pub fn accept(&self, name: &str, reason: &str) -> Result<Plan, PlanError> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(PlanError::NoReason);
        }
        let row = self.applied(name)?;
        let id = || row.revision.clone();
        let Some(at) = self.chain.place(&row.revision) else {
            return Err(PlanError::FileGone { revisions: vec![id()] });
        };
        if row.state != State::Applied {
            return Err(PlanError::Dirty { row: Box::new(row.clone()) });
        }
        let mut ledger = self.ledger();
        let Some(found) = ledger.edited.iter().position(|edited| edited.place == at) else {
            return Err(PlanError::NotEdited(id()));
        };
        // The plan tells of the others only.
        let edited = ledger.edited.remove(found);
        let revision = || Arc::clone(&self.chain.revisions()[at]);
        let digest = &self.chain.revisions()[at].digest;
        let detail = match edited.extent {
            Extent::Statements => format!("{reason}; checksum {} -> {}", row.checksum, digest.tokens),
            Extent::Bytes => format!("{reason}; file_checksum {} -> {}", row.file_checksum, digest.bytes),
        };
        let write = RowWrite::Accept { revision: revision() };
        let step = Step::recorded(revision(), Direction::Up, write, Act::Accept, detail.into());
        let goal = row.revision.to_string();
        Ok(self.finished(Direction::Up, goal, &ledger, Scope::PerRevision, vec![step]))
    }

    /// The row of the revision called `name`, which no file need have any more.
    pub fn applied(&self, name: &str) -> Result<&'a Row, PlanError> {
        let id = match self.chain.find(name) {
            Ok(at) => self.chain.revisions()[at].id.clone(),
            Err(error @ GoalError::Unknown { .. }) => self.forgotten(name)?.ok_or(error)?,
            Err(error) => return Err(error.into()),
        };
        let row = self.books.rows.iter().find(|row| row.revision == id);
        row.ok_or(PlanError::Unapplied(id))
    }

    /// The revision of the books alone whose id is `name` or begins so.
    fn forgotten(&self, name: &str) -> Result<Option<RevisionId>, PlanError> {
        let ids = self.ledger().unknown.into_iter().map(|row| row.revision.clone());
        let begins = |id: &RevisionId| id.as_str().to_lowercase().starts_with(&name.to_lowercase());
        let long = name.len() >= 4;
        let matching: Vec<RevisionId> =
            ids.filter(|id| id.as_str() == name || (long && begins(id))).collect();
        match matching.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            several => match several.iter().find(|id| id.as_str() == name) {
                Some(exact) => Ok(Some(exact.clone())),
                None => {
                    Err(GoalError::Ambiguous { name: name.to_owned(), candidates: matching.clone() }.into())
                }
            },
        }
    }
}
