//! A database to try something out in: made beside the target or in memory, and dropped afterwards.

use crate::database_url::{DatabaseUrl, Place};
use crate::dialect::Scratch as Statements;

use super::driver::DbError;
use super::session::{Access, Session};

/// A database of this name is limbeck's, and may be dropped.
const PREFIX: &str = "limbeck_scratch_";

/// An empty database that nobody else uses.
pub struct Scratch {
    /// Where it is.
    pub url: DatabaseUrl,
    /// The connection that made it and drops it; none for memory.
    keeper: Option<(Session, Statements)>,
}

impl Scratch {
    /// Makes one on the server of `url`, called `limbeck_scratch_<name>`; in memory for SQLite.
    pub async fn make(url: &DatabaseUrl, name: &str) -> Result<Self, DbError> {
        let name = format!("{PREFIX}{name}");
        let (schema, mut place) = match &url.place {
            Place::Server(address) => (address.schema.clone(), address.clone()),
            Place::Memory | Place::File(_) => {
                let url = DatabaseUrl { place: Place::Memory, unused: Vec::new(), ..url.clone() };
                return Ok(Self { url, keeper: None });
            }
        };
        // The schema of the settings need not exist where the scratch database is made.
        place.schema = None;
        let at = |place| DatabaseUrl { place: Place::Server(place), unused: Vec::new(), ..url.clone() };
        let mut keeper = Session::open(&at(place.clone()), Access::Write).await?;
        let Some(statements) = url.backend.dialect().scratch(&name, schema.as_deref()) else {
            return Err(DbError::NoDriver(url.backend));
        };
        keeper.act(&statements.make).await.map_err(|broken| broken.error)?;
        place.database = Some(name);
        let inside = at(place.clone());
        place.schema = schema;
        let scratch = Self { url: at(place), keeper: Some((keeper, statements)) };
        match scratch.furnish(&inside).await {
            Ok(()) => Ok(scratch),
            Err(error) => {
                // What failed first is the news.
                let _ = scratch.drop().await;
                Err(error)
            }
        }
    }

    async fn furnish(&self, inside: &DatabaseUrl) -> Result<(), DbError> {
        let Some(sql) = self.keeper.as_ref().and_then(|(_, statements)| statements.furnish.as_ref()) else {
            return Ok(());
        };
        let mut session = Session::open(inside, Access::Write).await?;
        let made = session.act(sql).await;
        session.close().await;
        made.map_err(|broken| broken.error)
    }

    /// Drops it.
    pub async fn drop(self) -> Result<(), DbError> {
        let Some((mut keeper, statements)) = self.keeper else { return Ok(()) };
        let dropped = keeper.act(&statements.drop).await;
        keeper.close().await;
        dropped.map_err(|broken| broken.error)
    }
}
