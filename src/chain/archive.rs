//! Squashes, and what they replaced: the chain as a database must see it whose books still have the old revisions.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Chain, ChainError, Downgrade, Revision, RevisionId, duplicate};

/// The revisions that squashes replaced, by id: the files of `archive/`.
pub(super) type Archive = Arc<HashMap<RevisionId, Arc<Revision>>>;

impl Chain {
    /// The chain with the revisions of its archive. They have no place in it until [`Self::seen_by`] gives them one.
    pub fn with_archive(mut self, archived: Vec<Revision>) -> Result<Self, Box<ChainError>> {
        let mut archive: HashMap<RevisionId, Arc<Revision>> = HashMap::with_capacity(archived.len());
        for revision in archived {
            if let Some(first) = archive.get(&revision.id) {
                return Err(duplicate(first, &revision));
            }
            archive.insert(revision.id.clone(), Arc::new(revision));
        }
        self.archive = Arc::new(archive);
        Ok(self)
    }

    /// Whether any of its revisions is a squash.
    pub fn has_squashes(&self) -> bool {
        self.revisions().iter().any(|revision| !revision.replaces.is_empty())
    }

    /// The chain as a database sees it whose books have the revisions `known`; none where that is this chain.
    ///
    /// A squash stands for what it replaced, unless the books have some of that and not the squash. Then the old
    /// revisions are in their places again, and the squash stands on the last of them: it is only recorded. An old
    /// revision whose file is gone has a place all the same, and no statements.
    pub fn seen_by(&self, known: &BTreeSet<&RevisionId>) -> Result<Option<Self>, Box<ChainError>> {
        let mut revisions = self.revisions().to_vec();
        let mut at = 0;
        while let Some(squash) = revisions.get(at).map(Arc::clone) {
            if !known.contains(&squash.id) && self.all_replaced(&squash).iter().any(|id| known.contains(id)) {
                let (squash, replaced) = self.unfolded(&squash);
                revisions[at] = squash;
                revisions.extend(replaced);
            }
            at += 1;
        }
        if revisions.len() == self.len() {
            return Ok(None);
        }
        let mut seen = Self::of(revisions)?;
        seen.archive = Arc::clone(&self.archive);
        Ok(Some(seen))
    }

    /// The squash on the last of the revisions that it replaced, and those, in a line on what the squash stood on.
    fn unfolded(&self, squash: &Revision) -> (Arc<Revision>, Vec<Arc<Revision>>) {
        let mut parents = squash.parents.clone();
        let mut labels = squash.labels.clone();
        let mut replaced = Vec::with_capacity(squash.replaces.len());
        for id in &squash.replaces {
            let file = self.archive.get(id).map(|file| Revision::clone(file));
            let revision = Revision { parents, ..file.unwrap_or_else(|| without_file(id, &squash.id)) };
            labels.retain(|label| !revision.labels.contains(label));
            parents = vec![id.clone()];
            replaced.push(Arc::new(revision));
        }
        (Arc::new(Revision { parents, labels, ..squash.clone() }), replaced)
    }

    /// All that a squash replaced, and what that replaced if it was a squash itself.
    pub(super) fn all_replaced<'a>(&'a self, squash: &'a Revision) -> BTreeSet<&'a RevisionId> {
        let mut all = BTreeSet::new();
        let mut rest: Vec<&RevisionId> = squash.replaces.iter().collect();
        while let Some(id) = rest.pop() {
            if all.insert(id) {
                rest.extend(self.archive.get(id).iter().flat_map(|revision| &revision.replaces));
            }
        }
        all
    }

    /// The places of the revisions that the one at `at` replaced; none where it stands for them.
    pub fn replaced(&self, at: usize) -> Vec<usize> {
        self.revisions()[at].replaces.iter().filter_map(|id| self.place(id)).collect()
    }

    /// The squash that replaced the revision of this id.
    pub fn replaced_by(&self, id: &RevisionId) -> Option<&RevisionId> {
        let replaced = |squash: &&Arc<Revision>| self.all_replaced(squash).contains(id);
        self.revisions().iter().find(replaced).map(|squash| &squash.id)
    }

    /// The squash in whose place the revision of this name, or of an id that begins so, once stood.
    pub(super) fn squash_of(&self, name: &str) -> Option<&RevisionId> {
        let is = |id: &RevisionId| id.as_str() == name || (name.len() >= 4 && id.as_str().starts_with(name));
        let stood = |squash: &&Arc<Revision>| self.all_replaced(squash).into_iter().any(is);
        self.revisions().iter().find(stood).map(|squash| &squash.id)
    }
}

/// A replaced revision that the archive does not have.
fn without_file(id: &RevisionId, squash: &RevisionId) -> Revision {
    let reason =
        format!("its file is gone from archive/; the squash {squash}, once recorded in its place, can be");
    let downgrade = Downgrade::Irreversible(reason);
    Revision { downgrade, ..Revision::without_file(id.clone(), "(its file is gone from archive/)") }
}
