//! What the catalogue says: which server this is, whether it holds anything, whether the books exist.

mod mysql;
mod postgres;
mod sqlite;

use crate::dialect::Backend;

use super::driver::DbError;
use super::session::Session;

/// The one query that a session begins with. It answers with one row: the version, the schema, whether each of the
/// books' two tables is there, how many objects there are, whether the books have their newest columns, the number of
/// the connection, and where there is a limit how many bytes a message may have. Whatever the session needs set is set
/// in the same message.
pub(super) fn identity(backend: Backend, schema: Option<&str>) -> String {
    match backend {
        Backend::Sqlite => sqlite::identity(),
        Backend::Postgres => postgres::identity(schema),
        Backend::MySql => mysql::identity(),
    }
}

/// The queries that tell all of a schema but the books, a line a row.
fn schema_queries(backend: Backend) -> &'static [&'static str] {
    match backend {
        Backend::Sqlite => sqlite::SCHEMA,
        Backend::Postgres => postgres::SCHEMA,
        Backend::MySql => mysql::SCHEMA,
    }
}

/// All of a schema but the books, as sorted lines: two databases whose lines are the same have the same schema.
///
/// `database` is its name, in whose place the lines say the same for every database.
pub(crate) async fn schema(session: &Session, database: &str) -> Result<Vec<String>, DbError> {
    let mut lines = Vec::new();
    for query in schema_queries(session.server().backend) {
        for row in session.ask(query).await? {
            let cells: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
            let line = cells.join(" | ");
            lines.push(if database.is_empty() { line } else { line.replace(database, "…") });
        }
    }
    lines.sort();
    Ok(lines)
}
