//! The database: the only place that talks to one, and the only one that names the drivers.

pub mod books;
pub mod driver;
pub mod execute;
mod inspect;
mod locate;
pub mod lock;
pub(crate) mod probe;
pub mod session;
mod watch;

pub use execute::{ExecuteError, Stale, StepError};
pub use session::{Access, Session};
