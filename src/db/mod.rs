//! The database: the only place that talks to one, and the only one that names the drivers.

pub mod books;
pub mod create;
pub mod driver;
pub mod execute;
mod inspect;
mod locate;
pub mod lock;
pub mod session;
pub mod wait;
mod watch;

pub use execute::{ExecuteError, Stale, StepError};
pub use session::{Access, Session};
