//! What happens while a plan is carried out, told as it happens.

use std::time::Duration;

use crate::chain::{Direction, RevisionId};
use crate::dialect::Obstacle;

/// One thing that happened. It tells what, never how to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The run begins.
    Started {
        /// How many steps are planned.
        steps: usize,
    },
    /// The server is not up yet, and is waited for.
    ServerAwaited {
        /// The database, its password hidden.
        url: String,
        /// What it, or the network, said.
        reason: String,
        /// How long it is waited for at most.
        wait: Duration,
    },
    /// Somebody else is at work on the database, and the run waits.
    LockHeld {
        /// Who: process or connection, user, host, since when.
        holder: String,
    },
    /// The database was made.
    DatabaseCreated {
        /// Its name.
        name: String,
    },
    /// The database was copied, before anything was changed.
    BackedUp {
        /// Where the copy lies.
        file: String,
        /// The command that restores it.
        restore: String,
    },
    /// The tables of the books were made.
    BooksCreated,
    /// A step begins.
    StepStarted {
        /// Its place in the plan, from 0.
        index: usize,
        /// Its revision.
        revision: RevisionId,
        /// What the revision does.
        message: String,
        /// The way it goes.
        direction: Direction,
        /// Whether it only changes the books.
        recorded: bool,
    },
    /// A statement waits for a lock.
    Blocked {
        /// The revision it belongs to.
        revision: RevisionId,
        /// Who holds the lock: process or connection, user, host, since when.
        by: Vec<String>,
    },
    /// A step met an obstacle that may go away: it, or the statement that met it, is undone and tried again after a pause.
    Retrying {
        /// Its place in the plan, from 0.
        index: usize,
        /// Its revision.
        revision: RevisionId,
        /// The number of the try that comes, from 2.
        tries: usize,
        /// What kind of obstacle it is.
        obstacle: Obstacle,
        /// What the server said.
        error: String,
        /// How long it waits before.
        pause: Duration,
    },
    /// A guarded statement did not run.
    StatementSkipped {
        /// The step's place in the plan, from 0.
        index: usize,
        /// Its revision.
        revision: RevisionId,
        /// The number of the statement, from 1.
        statement: usize,
        /// The guard that kept it from running, as it is written: `unless column t.c`.
        guard: String,
    },
    /// A step is done, effects and books.
    StepDone {
        /// Its place in the plan, from 0.
        index: usize,
        /// Its revision.
        revision: RevisionId,
        /// What the revision does.
        message: String,
        /// The way it went.
        direction: Direction,
        /// Whether it only changed the books.
        recorded: bool,
        /// How many statements it ran.
        statements: usize,
        /// From sending it to having the answer.
        took: Duration,
    },
    /// A step failed; nothing after it is tried.
    StepFailed {
        /// Its place in the plan, from 0.
        index: usize,
        /// Its revision.
        revision: RevisionId,
        /// The way it went.
        direction: Direction,
        /// What the database looks like now.
        aftermath: Aftermath,
        /// How long it took to fail.
        took: Duration,
    },
    /// Somebody asked to stop, and the run stopped between two steps.
    Interrupted {
        /// The step that was not begun.
        index: usize,
    },
    /// A run in one transaction could not be committed: nothing of it is applied.
    Undone,
    /// The run is over.
    Finished {
        /// From its beginning.
        took: Duration,
    },
}

/// What a failed step left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// Nothing: it was rolled back, books included.
    RolledBack,
    /// All of it: its transaction was committed, and what failed stands behind the commit.
    Committed,
    /// Some of its statements; the books say how many.
    Dirty {
        /// The statements done.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// Nobody knows: the connection was lost, and the books could not be read again.
    Unknown,
}

/// Hears events.
pub trait Observer: Send {
    /// Is told of `event`, in order.
    fn on_event(&mut self, event: &Event);
}

/// An observer that hears nothing.
impl Observer for () {
    fn on_event(&mut self, _event: &Event) {}
}
