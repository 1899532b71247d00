//! Exit codes: part of what users rely on.

use std::process::ExitCode;

/// How a run ended, for whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// An error.
    Error = 1,
    /// The command line means nothing.
    Usage = 2,
    /// A person said no.
    Declined = 3,
    /// Revisions are pending (`check`).
    Pending = 4,
    /// An answer is needed, and there is no terminal to ask at.
    NeedsAnswer = 5,
    /// The lock was not obtained in time.
    Locked = 6,
    /// A half-applied revision is in the way.
    Dirty = 7,
    /// The books changed between showing the plan and acting on it.
    Stale = 8,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
