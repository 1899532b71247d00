//! What was done: a fold over the events of a run.

use std::time::Duration;

use crate::chain::{Direction, RevisionId};
use crate::event::{Aftermath, Event};

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many steps were planned.
    pub planned: usize,
    /// The steps that are done, in order.
    pub done: Vec<Done>,
    /// The step that failed.
    pub failed: Option<Failed>,
    /// Where the copy from before the run lies.
    pub copy: Option<String>,
    /// How it ended.
    pub end: End,
    /// From the first event to the last.
    pub took: Duration,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// By itself.
    #[default]
    Complete,
    /// Between two steps, because it was asked to.
    Interrupted,
    /// As if it had never been: it was one transaction, and that was rolled back.
    Undone,
}

/// A step that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Its revision.
    pub revision: RevisionId,
    /// What the revision does.
    pub message: String,
    /// The way it went.
    pub direction: Direction,
    /// How long it took.
    pub took: Duration,
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its revision.
    pub revision: RevisionId,
    /// The way it went.
    pub direction: Direction,
    /// What it left behind.
    pub aftermath: Aftermath,
}

impl Report {
    /// Takes one event in.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Started { steps } => self.planned = *steps,
            Event::StepDone { revision, message, direction, took, .. } => self.done.push(Done {
                revision: revision.clone(),
                message: message.clone(),
                direction: *direction,
                took: *took,
            }),
            Event::StepFailed { revision, direction, aftermath, .. } => {
                self.failed =
                    Some(Failed { revision: revision.clone(), direction: *direction, aftermath: *aftermath });
            }
            Event::Interrupted { .. } => self.end = End::Interrupted,
            Event::Undone => {
                self.done.clear();
                self.end = End::Undone;
            }
            Event::Finished { took } => self.took = *took,
            // A run that is tried again has not ended.
            Event::StepStarted { .. } => self.end = End::Complete,
            Event::BackedUp { file, .. } => self.copy = Some(file.clone()),
            Event::ServerAwaited { .. }
            | Event::DatabaseCreated { .. }
            | Event::LockHeld { .. }
            | Event::BooksCreated
            | Event::Blocked { .. }
            | Event::Retrying { .. }
            | Event::StatementSkipped { .. } => {}
        }
    }
}
