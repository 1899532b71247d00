//! The plan as it is shown, and the yes that lets it be carried out.

use crate::plan::Plan;

/// A plan, ready to be judged.
#[derive(Clone, Debug)]
pub struct Review {
    /// The plan.
    pub plan: Plan,
}

impl Review {
    /// Reviews a plan.
    pub fn new(plan: Plan) -> Self {
        Self { plan }
    }

    /// Says yes to it.
    pub fn approve(self, by: ApprovedBy) -> Approved {
        Approved { review: self, by }
    }
}

/// A review with a yes. Made by [`Review::approve`] alone, and only it can be carried out.
#[derive(Clone, Debug)]
pub struct Approved {
    review: Review,
    by: ApprovedBy,
}

impl Approved {
    /// The plan that was approved.
    pub fn plan(&self) -> &Plan {
        &self.review.plan
    }

    /// Who said yes.
    pub fn by(&self) -> ApprovedBy {
        self.by
    }
}

/// Who said yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovedBy {
    /// A person at a terminal.
    Person,
    /// A flag on the command line.
    Flag,
    /// Nobody was there to ask, and the command is explicit.
    NoTerminal,
    /// The settings: `CORTEX_DB_MIGRATIONS_IS_INTERACTIVE` is off.
    Settings,
    /// The command changes only the books.
    Command,
}
