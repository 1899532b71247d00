//! The database: the only place that talks to one, and the only one that names the drivers.

pub mod books;
pub mod create;
pub mod driver;
pub mod execute;
mod inspect;
mod locate;
pub mod lock;
pub(crate) mod probe;
pub mod scratch;
pub mod session;
pub mod wait;
mod watch;

pub(crate) use inspect::schema;

pub use execute::{ExecuteError, Stale, StepError};
pub use scratch::Scratch;
pub use session::{Access, Session};
