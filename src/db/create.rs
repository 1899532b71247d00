//! Makes a database that does not exist yet, from a session beside it.

use crate::database_url::{Address, DatabaseUrl, Place};

use super::driver::{Broken, Connection, DbError};
use super::session::{Access, Session};

/// Makes the database at `url`, and in it the schema that the URL asks for. Somebody else may have made them meanwhile.
pub async fn create(session: &mut Session, url: &DatabaseUrl) -> Result<(), DbError> {
    let name = url.name();
    let Some(how) = url.backend.dialect().new_database(&name) else { return Ok(()) };
    if let Err(Broken { error, .. }) = session.act(&how.create).await {
        match error {
            DbError::Server(error) if error.code.as_deref().is_some_and(|code| how.made.contains(&code)) => {}
            DbError::Server(error) => return Err(DbError::NotCreated { name, error }),
            other => return Err(other),
        }
    }
    schema(url).await
}

/// A new database has no schema but its usual ones.
async fn schema(url: &DatabaseUrl) -> Result<(), DbError> {
    let (Place::Server(address), Some(name)) = (&url.place, url.schema()) else { return Ok(()) };
    let place = Place::Server(Box::new(Address { schema: None, ..Address::clone(address) }));
    let mut connection = Connection::open(&DatabaseUrl { place, ..url.clone() }, Access::Write).await?;
    let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", url.backend.dialect().quote_name(name));
    let made = connection.run(&sql).await;
    connection.close().await;
    made.map_err(|broken| broken.error)
}
