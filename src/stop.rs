//! Asking a run to end: first at the next safe place, then at once.

use std::sync::atomic::{AtomicU8, Ordering};

/// Asks a run to end. Shared between whoever hears the signals and the run.
#[derive(Debug, Default)]
pub struct Stop(AtomicU8);

/// How soon a run is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Haste {
    /// Not at all.
    None,
    /// Before the next revision: what runs is finished first.
    Soon,
    /// Now: the statement that runs is cancelled on the server.
    Now,
}

impl Stop {
    /// Asks for nothing yet.
    pub const fn new() -> Self {
        Self(AtomicU8::new(0))
    }

    /// Asks to end soon; asked again, to end now. Says what was asked for before.
    pub fn ask(&self) -> Haste {
        let before = self.haste();
        self.0.store(if before == Haste::None { 1 } else { 2 }, Ordering::Relaxed);
        before
    }

    /// What is asked for.
    pub fn haste(&self) -> Haste {
        match self.0.load(Ordering::Relaxed) {
            0 => Haste::None,
            1 => Haste::Soon,
            _ => Haste::Now,
        }
    }

    /// Whether it is asked for at all.
    pub fn is_asked(&self) -> bool {
        self.haste() > Haste::None
    }
}
