//! What the user wants of every plan, whatever its goal.

use crate::chain::Limits;

/// What the user wants of every plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether a plan may be made over files that were edited since they were applied.
    pub edits: Edits,
    /// What is done about revisions that come after their time.
    pub late: Late,
    /// What is one transaction.
    pub transactions: Transactions,
    /// How long a revision may take whose file says nothing about it.
    pub limits: Limits,
}

/// Whether a plan may be made over files that were edited since they were applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edits {
    /// It may not.
    #[default]
    Refused,
    /// It may, and says so.
    Allowed,
}

/// What is done about revisions that come after their time: beside or beneath one that is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Late {
    /// No plan is made with them: what a library does that has nobody to ask.
    #[default]
    Refuse,
    /// They are planned, and whoever approves the plan must have been asked about them.
    Ask,
    /// They are planned.
    Apply,
}

impl Late {
    /// Reads a setting: `refuse`, `ask` or `apply`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "refuse" => Some(Self::Refuse),
            "ask" => Some(Self::Ask),
            "apply" => Some(Self::Apply),
            _ => None,
        }
    }
}

/// What is one transaction, where the engine and the statements leave the choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transactions {
    /// Each revision.
    #[default]
    PerRevision,
    /// The whole run: all of it is applied, or nothing.
    All,
    /// Each statement by itself.
    None,
}

impl Transactions {
    /// Reads a setting: `revision`, `all` or `none`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "revision" => Some(Self::PerRevision),
            "all" => Some(Self::All),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}
