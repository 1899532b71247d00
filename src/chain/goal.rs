//! Where in the chain to go: the words people type, and what they mean.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{Chain, Direction, RevisionId, join};

/// A goal as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Every head.
    Heads,
    /// The one head; an error when there are several.
    Head,
    /// Nothing applied.
    Base,
    /// A revision: its id, the beginning of its id, its number, or a label.
    Revision(String),
    /// So many steps from where the database is.
    Steps(i64),
    /// So many steps from a revision.
    From(String, i64),
    /// A goal within one branch.
    Branch(String, Box<Goal>),
}

/// A goal that means nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoalError {
    /// Not a form that limbeck knows.
    #[error("`{0}` is not a goal")]
    Form(String),
    /// A goal of the other direction.
    #[error("`{goal}` is no goal of {}", match direction { Direction::Up => "an upgrade: it goes back", Direction::Down => "a downgrade: it goes forward" })]
    Direction {
        /// What was typed.
        goal: String,
        /// The way that was asked for.
        direction: Direction,
    },
    /// No such revision.
    #[error("no revision is called `{name}`{}", nearest.as_ref().map(|n| format!(", did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// What was typed.
        name: String,
        /// The id or label that looks like it.
        nearest: Option<String>,
    },
    /// A squash replaced the revision.
    #[error("revision {name} was replaced by the squash {squash}")]
    Replaced {
        /// What was typed.
        name: String,
        /// The squash.
        squash: RevisionId,
    },
    /// Too short to be the beginning of an id.
    #[error("`{0}` is too short for a revision id: give 4 characters or more")]
    TooShort(String),
    /// Several revisions begin so.
    #[error("`{name}` is the beginning of several revisions: {}", join(candidates, ", "))]
    Ambiguous {
        /// What was typed.
        name: String,
        /// The revisions that begin so.
        candidates: Vec<RevisionId>,
    },
    /// Several files have the number.
    #[error("several revisions have the number {number}: {}", join(candidates, ", "))]
    AmbiguousNumber {
        /// The number.
        number: u64,
        /// The revisions that have it.
        candidates: Vec<RevisionId>,
    },
    /// `head`, and there are several.
    #[error("`head` means one head and there are {}: {}", heads.len(), join(heads, ", "))]
    SeveralHeads {
        /// The heads.
        heads: Vec<RevisionId>,
    },
    /// No branch has the label.
    #[error("no branch has the label `{0}`")]
    UnknownLabel(String),
    /// The revision is on another branch.
    #[error("revision {revision} is not on the branch `{label}`")]
    OffBranch {
        /// The revision.
        revision: RevisionId,
        /// The label.
        label: String,
    },
    /// Fewer steps are left.
    #[error("`{goal}` asks for {}, and {} left", counted(*asked), remaining(*left))]
    TooFar {
        /// What was typed.
        goal: String,
        /// How many steps it asks for.
        asked: u64,
        /// How many there are.
        left: usize,
    },
    /// The steps could go either way.
    #[error("`{goal}` could mean several ways here: {}", join(ways, ", "))]
    Fork {
        /// What was typed.
        goal: String,
        /// The revisions that could come next.
        ways: Vec<RevisionId>,
    },
}

fn counted(steps: u64) -> String {
    if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") }
}

fn remaining(steps: usize) -> String {
    match steps {
        0 => "none is".to_owned(),
        1 => "1 is".to_owned(),
        more => format!("{more} are"),
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heads => f.write_str("heads"),
            Self::Head => f.write_str("head"),
            Self::Base => f.write_str("base"),
            Self::Revision(name) => f.write_str(name),
            Self::Steps(steps) => write!(f, "{steps:+}"),
            Self::From(name, steps) => write!(f, "{name}{steps:+}"),
            Self::Branch(label, goal) => write!(f, "{label}@{goal}"),
        }
    }
}

impl FromStr for Goal {
    type Err = GoalError;

    /// Reads a goal; whether the revision exists is asked later.
    ///
    /// ```
    /// use limbeck::chain::Goal;
    /// assert_eq!("heads".parse(), Ok(Goal::Heads));
    /// assert_eq!("+2".parse(), Ok(Goal::Steps(2)));
    /// assert_eq!("8bd9+1".parse(), Ok(Goal::From("8bd9".into(), 1)));
    /// assert_eq!("billing@head".parse(), Ok(Goal::Branch("billing".into(), Box::new(Goal::Head))));
    /// assert!("".parse::<Goal>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Self, GoalError> {
        let wrong = || GoalError::Form(text.to_owned());
        let text = text.trim();
        if let Some((label, goal)) = text.split_once('@') {
            if label.is_empty() || goal.contains('@') {
                return Err(wrong());
            }
            return Ok(Self::Branch(label.to_owned(), Box::new(goal.parse().map_err(|_| wrong())?)));
        }
        match text {
            "" => return Err(wrong()),
            "heads" => return Ok(Self::Heads),
            "head" => return Ok(Self::Head),
            "base" => return Ok(Self::Base),
            _ => {}
        }
        // Ids may hold a `-` themselves, so only digits behind the last sign make it a step count.
        if let Some(at) = text.rfind(['+', '-']) {
            let (name, steps) = text.split_at(at);
            if steps.len() > 1 && steps[1..].bytes().all(|byte| byte.is_ascii_digit()) {
                let steps = steps.parse().map_err(|_| wrong())?;
                return Ok(if name.is_empty() {
                    Self::Steps(steps)
                } else {
                    Self::From(name.to_owned(), steps)
                });
            }
        }
        if super::layout::is_id(text) { Ok(Self::Revision(text.to_owned())) } else { Err(wrong()) }
    }
}

impl Chain {
    /// Finds a revision by its id, the beginning of its id (4 characters or more), its number, or a label.
    pub fn find(&self, name: &str) -> Result<usize, GoalError> {
        if let Some(at) = self.place(&RevisionId::from(name)).or_else(|| self.labelled(name)) {
            return Ok(at);
        }
        let lower = name.to_ascii_lowercase();
        let begins = |at: &usize| self.revisions()[*at].id.as_str().to_ascii_lowercase().starts_with(&lower);
        let mut matching: Vec<usize> = (0..self.len()).filter(begins).collect();
        if let Some(at) = self.numbered(name)? {
            // Four digits may be the beginning of an id as well: then nobody knows which is meant.
            if name.len() < 4 || matching.iter().all(|other| *other == at) {
                return Ok(at);
            }
            matching.push(at);
        }
        match matching.as_slice() {
            [] => Err(match self.squash_of(name) {
                Some(squash) => GoalError::Replaced { name: name.to_owned(), squash: squash.clone() },
                None => GoalError::Unknown { name: name.to_owned(), nearest: self.nearest(name) },
            }),
            _ if name.len() < 4 => Err(GoalError::TooShort(name.to_owned())),
            [only] => Ok(*only),
            several => Err(GoalError::Ambiguous {
                name: name.to_owned(),
                candidates: self.ids(several.iter().copied()),
            }),
        }
    }

    /// A bare number means the revision whose file name carries it.
    fn numbered(&self, name: &str) -> Result<Option<usize>, GoalError> {
        // A number is written without zeros in front; `0002` is the beginning of an id.
        let Some(number) = name.parse::<u64>().ok().filter(|_| !name.starts_with('0')) else {
            return Ok(None);
        };
        let matching: Vec<usize> =
            (0..self.len()).filter(|at| self.revisions()[*at].number == Some(number)).collect();
        match matching.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            several => {
                Err(GoalError::AmbiguousNumber { number, candidates: self.ids(several.iter().copied()) })
            }
        }
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let ids = self.revisions().iter().map(|revision| revision.id.as_str());
        let labels = self.revisions().iter().flat_map(|revision| revision.labels.iter().map(String::as_str));
        ids.chain(labels)
            .map(|id| (strsim::damerau_levenshtein(name, id), id))
            .filter(|(distance, _)| *distance <= 2)
            .min()
            .map(|(_, id)| id.to_owned())
    }

    /// The ids at these places.
    pub fn ids(&self, places: impl IntoIterator<Item = usize>) -> Vec<RevisionId> {
        places.into_iter().map(|at| self.revisions()[at].id.clone()).collect()
    }

    /// The revisions of a labelled branch: where it begins and what stands on it. What it stands on itself is not part of
    /// it, so a way back within the branch ends where the branch does.
    pub fn branch_of(&self, label: &str) -> Result<BTreeSet<usize>, GoalError> {
        let start = match self.labelled(label) {
            Some(at) => at,
            // `<revision>@head` means the branch that the revision is on.
            None => self.find(label).map_err(|_| GoalError::UnknownLabel(label.to_owned()))?,
        };
        Ok(self.branch([start]))
    }

    /// The goal, read against the ids that there are: `release-2` is the revision of that name, if there is one.
    pub fn meant(&self, goal: &Goal) -> Goal {
        match goal {
            Goal::From(name, steps) => {
                let steps_in = |id: &str| id.strip_prefix(name.as_str()).and_then(|tail| tail.parse().ok());
                let ids = self.revisions().iter().map(|revision| revision.id.as_str());
                let labels =
                    self.revisions().iter().flat_map(|revision| revision.labels.iter().map(String::as_str));
                let id = ids.chain(labels).find(|id| *steps < 0 && steps_in(id) == Some(*steps));
                id.map_or_else(|| goal.clone(), |id| Goal::Revision(id.to_owned()))
            }
            Goal::Branch(label, inner) => Goal::Branch(label.clone(), Box::new(self.meant(inner))),
            _ => goal.clone(),
        }
    }

    /// The one head of a set of revisions; an error that names them when there are several, none for an empty set.
    pub fn only_head(&self, set: &BTreeSet<usize>) -> Result<Option<usize>, GoalError> {
        match self.heads_of(set).as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            several => Err(GoalError::SeveralHeads { heads: self.ids(several.iter().copied()) }),
        }
    }

    /// What must be applied for an upgrade to `goal`, when `applied` is: the goal and all that it stands on.
    pub fn wanted(&self, goal: &Goal, applied: &BTreeSet<usize>) -> Result<BTreeSet<usize>, GoalError> {
        let everything: BTreeSet<usize> = (0..self.len()).collect();
        let goal = &self.meant(goal);
        self.wanted_within(goal, goal, applied, &everything)
    }

    fn wanted_within(
        &self,
        goal: &Goal,
        whole: &Goal,
        applied: &BTreeSet<usize>,
        scope: &BTreeSet<usize>,
    ) -> Result<BTreeSet<usize>, GoalError> {
        match goal {
            Goal::Heads => Ok(self.ancestors(self.heads_of(scope))),
            Goal::Head => Ok(self.ancestors(self.only_head(scope)?)),
            Goal::Base => Ok(BTreeSet::new()),
            Goal::Revision(name) => {
                let at = self.find(name)?;
                if !scope.contains(&at) {
                    let label = match whole {
                        Goal::Branch(label, _) => label.clone(),
                        _ => String::new(),
                    };
                    return Err(GoalError::OffBranch { revision: self.revisions()[at].id.clone(), label });
                }
                Ok(self.ancestors([at]))
            }
            Goal::Steps(steps) if *steps >= 0 => self.forward(whole, applied.clone(), *steps as u64, scope),
            Goal::Steps(_) => Err(GoalError::Direction { goal: whole.to_string(), direction: Direction::Up }),
            Goal::From(name, steps) if *steps >= 0 => {
                let at = self.find(name)?;
                let start = self.ancestors([at]);
                let scope = self.branch([at]).intersection(scope).copied().collect();
                self.forward(whole, start, *steps as u64, &scope)
            }
            Goal::From(name, steps) => {
                let at = self.find(name)?;
                let start = self.ancestors([at]);
                self.backward(whole, &start, steps.unsigned_abs(), &start)
            }
            Goal::Branch(label, goal) => {
                let scope = self.branch_of(label)?;
                self.wanted_within(goal, whole, applied, &scope)
            }
        }
    }

    /// `reached` and the next `steps` revisions of `scope`, as long as there is only one way to go.
    fn forward(
        &self,
        goal: &Goal,
        mut reached: BTreeSet<usize>,
        steps: u64,
        scope: &BTreeSet<usize>,
    ) -> Result<BTreeSet<usize>, GoalError> {
        for done in 0..steps {
            let next: Vec<usize> = scope
                .iter()
                .copied()
                .filter(|at| !reached.contains(at))
                .filter(|at| {
                    self.parents[*at].iter().all(|parent| reached.contains(parent) || !scope.contains(parent))
                })
                .collect();
            match next.as_slice() {
                [] => {
                    return Err(GoalError::TooFar {
                        goal: goal.to_string(),
                        asked: steps,
                        left: done as usize,
                    });
                }
                [only] => reached.extend(self.ancestors([*only])),
                ways => {
                    return Err(GoalError::Fork {
                        goal: goal.to_string(),
                        ways: self.ids(ways.iter().copied()),
                    });
                }
            }
        }
        Ok(reached)
    }

    /// `reached` without its last `steps` revisions of `scope`, as long as there is only one way to go.
    fn backward(
        &self,
        goal: &Goal,
        reached: &BTreeSet<usize>,
        steps: u64,
        scope: &BTreeSet<usize>,
    ) -> Result<BTreeSet<usize>, GoalError> {
        let mut reached = reached.clone();
        for done in 0..steps {
            let last: Vec<usize> =
                self.last_of(&reached).into_iter().filter(|at| scope.contains(at)).collect();
            match last.as_slice() {
                [] => {
                    return Err(GoalError::TooFar {
                        goal: goal.to_string(),
                        asked: steps,
                        left: done as usize,
                    });
                }
                [only] => {
                    for at in self.descendants([*only]) {
                        reached.remove(&at);
                    }
                }
                ways => {
                    return Err(GoalError::Fork {
                        goal: goal.to_string(),
                        ways: self.ids(ways.iter().copied()),
                    });
                }
            }
        }
        Ok(reached)
    }

    /// The revisions that a goal names as the place to stop, where it names any.
    pub fn stops(&self, goal: &Goal) -> Result<Option<Vec<usize>>, GoalError> {
        match goal {
            Goal::Revision(_) | Goal::From(..) => {
                Ok(Some(self.last_of(&self.wanted(goal, &BTreeSet::new())?)))
            }
            Goal::Branch(_, inner) => self.stops(inner),
            Goal::Heads | Goal::Head | Goal::Base | Goal::Steps(_) => Ok(None),
        }
    }

    /// What stays applied after a downgrade to `goal`, when `applied` is.
    pub fn kept(&self, goal: &Goal, applied: &BTreeSet<usize>) -> Result<BTreeSet<usize>, GoalError> {
        let everything: BTreeSet<usize> = (0..self.len()).collect();
        let goal = &self.meant(goal);
        self.kept_within(goal, goal, applied, &everything)
    }

    fn kept_within(
        &self,
        goal: &Goal,
        whole: &Goal,
        applied: &BTreeSet<usize>,
        scope: &BTreeSet<usize>,
    ) -> Result<BTreeSet<usize>, GoalError> {
        let without = |gone: BTreeSet<usize>| applied.difference(&self.descendants(gone)).copied().collect();
        match goal {
            Goal::Base => Ok(without(scope.clone())),
            Goal::Heads | Goal::Head => {
                Err(GoalError::Direction { goal: whole.to_string(), direction: Direction::Down })
            }
            Goal::Revision(name) => {
                let at = self.find(name)?;
                let mut above = self.branch([at]);
                above.remove(&at);
                Ok(without(above.intersection(scope).copied().collect()))
            }
            Goal::Steps(steps) if *steps <= 0 => self.backward(whole, applied, steps.unsigned_abs(), scope),
            Goal::From(name, steps) => {
                let stop = self.wanted_within(goal, whole, applied, scope)?;
                let line = if *steps < 0 {
                    self.ancestors([self.find(name)?])
                } else {
                    self.branch(self.last_of(&stop))
                };
                Ok(without(line.difference(&stop).copied().collect()))
            }
            Goal::Steps(_) => {
                Err(GoalError::Direction { goal: whole.to_string(), direction: Direction::Down })
            }
            Goal::Branch(label, goal) => {
                let scope = self.branch_of(label)?;
                self.kept_within(goal, whole, applied, &scope)
            }
        }
    }
}
