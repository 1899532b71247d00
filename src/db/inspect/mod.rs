//! What the catalogue says: which server this is, whether it holds anything, whether the books exist.

mod mysql;
mod postgres;
mod sqlite;

use crate::dialect::Backend;

/// The one query that a session begins with. It answers with one row: the version, the schema, whether each of the
/// books' two tables is there, how many objects there are, whether the books have their newest column, and the number
/// of the connection. Whatever the session needs set is set in the same message.
pub(super) fn identity(backend: Backend, schema: Option<&str>) -> String {
    match backend {
        Backend::Sqlite => sqlite::identity(),
        Backend::Postgres => postgres::identity(schema),
        Backend::MySql => mysql::identity(),
    }
}
