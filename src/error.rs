//! What can go wrong: one variant per stage, and its class.

use crate::chain::layout::LayoutError;
use crate::chain::{ChainError, GoalError, RebaseError};
use crate::config::ConfigError;
pub use crate::db::driver::{DbError, Refusal, ServerError};
pub use crate::db::execute::Cause;
pub use crate::db::execute::backup::BackupError;
pub use crate::db::lock::LockError;
pub use crate::db::{ExecuteError, Stale, StepError};
use crate::folder::FolderError;
use crate::plan::PlanError;
use crate::squash::SquashError;

/// Anything that limbeck can refuse or fail to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder of revisions.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A revision file.
    #[error(transparent)]
    Layout(#[from] Box<LayoutError>),
    /// The graph.
    #[error(transparent)]
    Chain(#[from] Box<ChainError>),
    /// A revision that was to move to another parent.
    #[error(transparent)]
    Rebase(#[from] RebaseError),
    /// Revisions that were to become one.
    #[error(transparent)]
    Squash(#[from] Box<SquashError>),
    /// The plan.
    #[error(transparent)]
    Plan(#[from] Box<PlanError>),
    /// The database, while it was asked.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The database, while it was changed.
    #[error(transparent)]
    Execute(#[from] Box<ExecuteError>),
}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        Self::Plan(Box::new(error))
    }
}

impl From<GoalError> for Error {
    fn from(error: GoalError) -> Self {
        PlanError::from(error).into()
    }
}

impl From<ExecuteError> for Error {
    fn from(error: ExecuteError) -> Self {
        Self::Execute(Box::new(error))
    }
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Something typed means nothing.
    Usage,
    /// Settings, files, or the database.
    Failure,
    /// Somebody asked to stop.
    Interrupted,
    /// Another runner holds the lock.
    Locked,
    /// A half-applied revision is in the way.
    Dirty,
    /// The books changed between showing a plan and acting on it.
    Stale,
}

impl Error {
    /// Sorts the error.
    pub fn class(&self) -> Class {
        match self {
            Self::Plan(error) => match error.as_ref() {
                PlanError::Goal(_) | PlanError::NoReason => Class::Usage,
                PlanError::Dirty { .. } | PlanError::InDoubt { .. } => Class::Dirty,
                PlanError::NoSuchStatement { .. } => Class::Usage,
                _ => Class::Failure,
            },
            Self::Rebase(
                RebaseError::Cycle { .. } | RebaseError::Already { .. } | RebaseError::Merge { .. },
            ) => Class::Usage,
            Self::Squash(error) => match error.as_ref() {
                SquashError::Single(_) | SquashError::NoRange { .. } => Class::Usage,
                _ => Class::Failure,
            },
            Self::Config(ConfigError::Dialect(_) | ConfigError::UnknownService { .. }) => Class::Usage,
            Self::Execute(error) => match error.as_ref() {
                ExecuteError::Stale(Stale { .. }) => Class::Stale,
                ExecuteError::Lock(LockError::Held { .. }) => Class::Locked,
                ExecuteError::Lock(LockError::Interrupted)
                | ExecuteError::Backup(BackupError::Interrupted) => Class::Interrupted,
                ExecuteError::Step(error) if error.cause == Cause::Stopped => Class::Interrupted,
                _ => Class::Failure,
            },
            _ => Class::Failure,
        }
    }
}
