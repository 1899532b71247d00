//! The graph of revisions: parents before children, with several heads, merges, labels and dependencies.

mod archive;
pub mod edit;
pub mod goal;
pub mod guard;
pub mod layout;
pub mod rebase;
pub mod revision;
mod section;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::sync::Arc;

use crate::sql::{SourceText, Span};

pub use edit::Edit;
pub use goal::{Goal, GoalError};
pub use guard::Guard;
pub use layout::Layout;
pub use rebase::{Rebase, RebaseError};
pub use revision::{Checksum, Direction, Downgrade, Limits, Revision, RevisionId, Script, Wrapping};

/// All revisions of one dialect, parents before children.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    revisions: Vec<Arc<Revision>>,
    index: HashMap<RevisionId, usize>,
    parents: Vec<Vec<usize>>,
    depends_on: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
    dependents: Vec<Vec<usize>>,
    archive: archive::Archive,
    remembered: Option<Arc<str>>,
}

/// More heads than this are not remembered in the books.
const REMEMBERED: usize = 50;

/// Revisions that do not make a chain.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct ChainError {
    /// What is wrong.
    #[source]
    pub kind: ChainErrorKind,
    /// The file where it shows.
    pub source_text: SourceText,
    /// The place in it.
    pub span: Span,
}

/// What can be wrong with a set of revisions.
#[derive(Debug, thiserror::Error)]
pub enum ChainErrorKind {
    /// Two files with one id.
    #[error("two files have the revision id {id}: {first} and {second}")]
    Duplicate {
        /// The id.
        id: RevisionId,
        /// The file that has it.
        first: String,
        /// The other file.
        second: String,
    },
    /// `Revises:` or `Depends On:` names something that is not there.
    #[error("revision {revision} {relation} {missing}, which no file has")]
    Missing {
        /// The revision that names it.
        revision: RevisionId,
        /// `revises` or `depends on`.
        relation: &'static str,
        /// The name.
        missing: String,
    },
    /// `Revises:` or `Depends On:` names something that a squash replaced.
    #[error("revision {revision} {relation} {missing}, which the squash {squash} replaced")]
    Replaced {
        /// The revision that names it.
        revision: RevisionId,
        /// `revises` or `depends on`.
        relation: &'static str,
        /// The name.
        missing: String,
        /// The squash.
        squash: RevisionId,
    },
    /// A squash replaces a revision that is still in the chain.
    #[error("the squash {squash} replaces {replaced}, whose file {file} is still beside it")]
    StillThere {
        /// The squash.
        squash: RevisionId,
        /// The revision.
        replaced: RevisionId,
        /// Its file.
        file: String,
    },
    /// Revisions that stand on each other.
    #[error("the revisions stand on each other in a circle: {}", join(circle, " → "))]
    Cycle {
        /// The circle, its first revision again at its end.
        circle: Vec<RevisionId>,
    },
    /// The same label twice.
    #[error("two branches have the label `{label}`: it begins in {first} and in {second}")]
    LabelTwice {
        /// The label.
        label: String,
        /// The revision that has it.
        first: RevisionId,
        /// The other one.
        second: RevisionId,
    },
}

/// Joins things as text.
pub(crate) fn join<T: ToString>(items: impl IntoIterator<Item = T>, separator: &str) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(separator)
}

impl Chain {
    /// Puts revisions in order and checks the graph. The order in which they come does not matter.
    pub fn new(revisions: Vec<Revision>) -> Result<Self, Box<ChainError>> {
        // Sorting moves them about, and a revision is large.
        let chain = Self::of(revisions.into_iter().map(Arc::new).collect())?;
        for squash in &chain.revisions {
            if let Some(replaced) = squash.replaces.iter().find_map(|id| chain.get(id)) {
                let kind = ChainErrorKind::StillThere {
                    squash: squash.id.clone(),
                    replaced: replaced.id.clone(),
                    file: replaced.source.name().to_owned(),
                };
                return Err(fault(kind, squash, "Replaces"));
            }
        }
        Ok(chain)
    }

    /// The same, of revisions among which a squash may stand beside what it replaced.
    fn of(mut revisions: Vec<Arc<Revision>>) -> Result<Self, Box<ChainError>> {
        // Equal ids are told apart by their file, so that the error is the same whichever file was read first.
        revisions.sort_by(|a, b| {
            (a.number.is_none(), a.number, &a.id, a.source.name()).cmp(&(
                b.number.is_none(),
                b.number,
                &b.id,
                b.source.name(),
            ))
        });
        let mut index = HashMap::with_capacity(revisions.len());
        for (at, revision) in revisions.iter().enumerate() {
            if let Some(first) = index.insert(revision.id.clone(), at) {
                return Err(duplicate(&revisions[first], revision));
            }
        }
        let labels = labels(&revisions)?;
        let parents = edges(&revisions, |revision| {
            revision
                .parents
                .iter()
                .map(|parent| index.get(parent).copied().ok_or_else(|| parent.to_string()))
                .collect::<Result<_, _>>()
                .map_err(|missing| ("revises", "Revises", missing))
        })?;
        let depends_on = edges(&revisions, |revision| {
            revision
                .depends_on
                .iter()
                .map(|name| {
                    let by_id = index.get(&RevisionId::from(name.as_str())).copied();
                    by_id.or_else(|| labels.get(name.as_str()).copied()).ok_or_else(|| name.clone())
                })
                .collect::<Result<_, _>>()
                .map_err(|missing| ("depends on", "Depends On", missing))
        })?;
        let order = order(&revisions, &parents, &depends_on)?;
        Ok(Self::ordered(&revisions, index, &order, &parents, &depends_on))
    }

    /// Lays the revisions out in `order`, with the edges renamed to the new places.
    fn ordered(
        revisions: &[Arc<Revision>],
        mut index: HashMap<RevisionId, usize>,
        order: &[usize],
        parents: &[Vec<usize>],
        depends_on: &[Vec<usize>],
    ) -> Self {
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new;
        }
        let moved = |edges: &[Vec<usize>]| -> Vec<Vec<usize>> {
            order.iter().map(|old| edges[*old].iter().map(|to| place[*to]).collect()).collect()
        };
        let reversed = |edges: &[Vec<usize>]| {
            let mut back = vec![Vec::new(); edges.len()];
            for (from, to) in edges.iter().enumerate() {
                for to in to {
                    back[*to].push(from);
                }
            }
            back
        };
        let (parents, depends_on) = (moved(parents), moved(depends_on));
        for at in index.values_mut() {
            *at = place[*at];
        }
        let revisions: Vec<Arc<Revision>> = order.iter().map(|old| Arc::clone(&revisions[*old])).collect();
        let children = reversed(&parents);
        let heads: Vec<&RevisionId> = revisions
            .iter()
            .zip(&children)
            .filter(|(_, children)| children.is_empty())
            .map(|(head, _)| &head.id)
            .collect();
        let remembered = (heads.len() <= REMEMBERED).then(|| join(heads, ", ").into());
        Self {
            index,
            children,
            dependents: reversed(&depends_on),
            parents,
            depends_on,
            remembered,
            revisions,
            archive: archive::Archive::default(),
        }
    }

    /// All revisions, parents before children.
    pub fn revisions(&self) -> &[Arc<Revision>] {
        &self.revisions
    }

    /// How many revisions there are.
    pub fn len(&self) -> usize {
        self.revisions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.revisions.is_empty()
    }

    /// The revision of this id.
    pub fn get(&self, id: &RevisionId) -> Option<&Arc<Revision>> {
        self.place(id).map(|at| &self.revisions[at])
    }

    /// The place of a revision in the order.
    pub fn place(&self, id: &RevisionId) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// The revisions that none stands on.
    pub fn heads(&self) -> Vec<usize> {
        (0..self.len()).filter(|at| self.children[*at].is_empty()).collect()
    }

    /// The heads of a set of revisions: those of them that no other of them stands on.
    pub fn heads_of(&self, set: &BTreeSet<usize>) -> Vec<usize> {
        set.iter().copied().filter(|at| !self.children[*at].iter().any(|child| set.contains(child))).collect()
    }

    /// The last of a set of revisions: those of them that no other of them stands on or depends on.
    pub fn last_of(&self, set: &BTreeSet<usize>) -> Vec<usize> {
        let needed = |at: &usize| self.dependents[*at].iter().any(|other| set.contains(other));
        self.heads_of(set).into_iter().filter(|at| !needed(at)).collect()
    }

    /// The ids of the heads, as the books remember them with every revision that is applied: what was there then, and what
    /// was not. None when there are too many.
    pub fn remembered_heads(&self) -> Option<Arc<str>> {
        self.remembered.clone()
    }

    /// The places of a revision's parents.
    pub fn parents(&self, at: usize) -> &[usize] {
        &self.parents[at]
    }

    /// The places of a revision's children.
    pub fn children(&self, at: usize) -> &[usize] {
        &self.children[at]
    }

    /// The places of the revisions that depend on one.
    pub fn dependents(&self, at: usize) -> &[usize] {
        &self.dependents[at]
    }

    /// The given revisions and all that they stand on or depend on.
    pub fn ancestors(&self, of: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        self.closure(of, |at| self.parents[at].iter().chain(&self.depends_on[at]))
    }

    /// The given revisions and all that stands on them or depends on them.
    pub fn descendants(&self, of: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        self.closure(of, |at| self.children[at].iter().chain(&self.dependents[at]))
    }

    /// The given revisions and all that stands on them; dependencies do not count.
    pub fn branch(&self, of: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        self.closure(of, |at| self.children[at].iter())
    }

    fn closure<'a, I: Iterator<Item = &'a usize>>(
        &self,
        of: impl IntoIterator<Item = usize>,
        next: impl Fn(usize) -> I,
    ) -> BTreeSet<usize> {
        let mut seen = vec![false; self.len()];
        let mut stack: Vec<usize> = of.into_iter().collect();
        while let Some(at) = stack.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                stack.extend(next(at).copied());
            }
        }
        seen.iter().enumerate().filter_map(|(at, seen)| seen.then_some(at)).collect()
    }

    /// The revision where the branch of this label begins.
    pub fn labelled(&self, label: &str) -> Option<usize> {
        self.revisions.iter().position(|revision| revision.labels.iter().any(|own| own == label))
    }

    /// The highest number that a file name carries.
    pub fn highest_number(&self) -> u64 {
        self.revisions.iter().filter_map(|revision| revision.number).max().unwrap_or(0)
    }
}

/// Two files with one id; the second is pointed at.
fn duplicate(first: &Revision, second: &Revision) -> Box<ChainError> {
    let kind = ChainErrorKind::Duplicate {
        id: second.id.clone(),
        first: first.source.name().to_owned(),
        second: second.source.name().to_owned(),
    };
    fault(kind, second, "Revision ID")
}

/// An error at a header line of a revision.
fn fault(kind: ChainErrorKind, revision: &Revision, header: &str) -> Box<ChainError> {
    let says = |line: &str| {
        let name =
            line.trim_start().trim_start_matches(['-', '#']).split_once(':').map(|(name, _)| name.trim());
        name.is_some_and(|name| name.eq_ignore_ascii_case(header))
    };
    let line = revision.source.text().lines().position(says).unwrap_or(0);
    Box::new(ChainError {
        kind,
        span: revision.source.span_of_line(line + 1),
        source_text: revision.source.clone(),
    })
}

fn labels(revisions: &[Arc<Revision>]) -> Result<HashMap<&str, usize>, Box<ChainError>> {
    let mut labels = HashMap::new();
    for (at, revision) in revisions.iter().enumerate() {
        for label in &revision.labels {
            if let Some(first) = labels.insert(label.as_str(), at).filter(|first| *first != at) {
                let kind = ChainErrorKind::LabelTwice {
                    label: label.clone(),
                    first: revisions[first].id.clone(),
                    second: revision.id.clone(),
                };
                return Err(fault(kind, revision, "Branch Labels"));
            }
        }
    }
    Ok(labels)
}

/// What is missing: the relation in words, the header line, the name.
type Absent = (&'static str, &'static str, String);

fn edges(
    revisions: &[Arc<Revision>],
    of: impl Fn(&Revision) -> Result<Vec<usize>, Absent>,
) -> Result<Vec<Vec<usize>>, Box<ChainError>> {
    revisions
        .iter()
        .map(|revision| {
            of(revision).map_err(|(relation, header, missing)| {
                let replaced =
                    |squash: &&Arc<Revision>| squash.replaces.iter().any(|id| id.as_str() == missing);
                let squash = revisions.iter().find(replaced).map(|squash| squash.id.clone());
                let revision_id = revision.id.clone();
                let kind = match squash {
                    Some(squash) => {
                        ChainErrorKind::Replaced { revision: revision_id, relation, missing, squash }
                    }
                    None => ChainErrorKind::Missing { revision: revision_id, relation, missing },
                };
                fault(kind, revision, header)
            })
        })
        .collect()
}

/// Kahn's algorithm. Of the revisions that could come next, the lowest place comes first, so the result depends on
/// the revisions alone.
fn order(
    revisions: &[Arc<Revision>],
    parents: &[Vec<usize>],
    depends_on: &[Vec<usize>],
) -> Result<Vec<usize>, Box<ChainError>> {
    let before = |at: usize| parents[at].iter().chain(&depends_on[at]).copied();
    let mut waiting: Vec<usize> = (0..revisions.len()).map(|at| before(at).count()).collect();
    let mut after = vec![Vec::new(); revisions.len()];
    for at in 0..revisions.len() {
        for to in before(at) {
            after[to].push(at);
        }
    }
    let mut ready: BinaryHeap<_> =
        waiting.iter().enumerate().filter(|(_, count)| **count == 0).map(|(at, _)| Reverse(at)).collect();
    let mut order = Vec::with_capacity(revisions.len());
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for next in &after[at] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                ready.push(Reverse(*next));
            }
        }
    }
    if order.len() == revisions.len() {
        return Ok(order);
    }
    // Whoever still waits, waits for another that waits: walking back ends in the circle.
    let mut path: Vec<usize> = waiting.iter().position(|count| *count > 0).into_iter().collect();
    let circle = loop {
        let last = path[path.len() - 1];
        let Some(next) = before(last).find(|to| waiting[*to] > 0) else { break path.clone() };
        if let Some(start) = path.iter().position(|at| *at == next) {
            let mut circle = path.split_off(start);
            circle.push(next);
            circle.reverse();
            break circle;
        }
        path.push(next);
    };
    let kind = ChainErrorKind::Cycle { circle: circle.iter().map(|at| revisions[*at].id.clone()).collect() };
    // The circle closes where its first revision names the one before its end.
    let stands = circle.iter().rev().nth(1).is_some_and(|last| parents[circle[0]].contains(last));
    let header = if stands { "Revises" } else { "Depends On" };
    Err(fault(kind, &revisions[circle[0]], header))
}
