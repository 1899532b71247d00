//! One connection, from connect to close; never recycled, so that what is set on it holds.

use tokio::sync::Mutex;

use crate::database_url::{DatabaseUrl, Place};
use crate::dialect::Server;
use crate::ledger::{Content, Format, Tables};

use super::driver::{Broken, Connection, DbError, TextRow};
use super::inspect;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Questions. The server is told so where it can be, and a SQLite file is neither made nor written.
    Read,
    /// Changes.
    Write,
}

/// One connection to one database, and what is known about it.
///
/// Asking takes `&Session`, acting takes `&mut Session`.
pub struct Session {
    connection: Mutex<Connection>,
    server: Server,
    schema: Option<String>,
    tables: Tables,
    content: Content,
}

impl Session {
    /// Connects, and asks who is there: two questions in one message. Changes nothing.
    pub async fn open(url: &DatabaseUrl, access: Access) -> Result<Self, DbError> {
        let mut connection = Connection::open(url, access).await?;
        let wanted = match &url.place {
            Place::Server(address) => address.schema.as_deref(),
            Place::File(_) | Place::Memory => None,
        };
        let rows = connection.rows(&inspect::identity(url.backend, wanted, access)).await?;
        let mut row = rows.into_iter().next().unwrap_or_default().into_iter();
        let version = row.next().flatten().unwrap_or_default();
        let schema = row.next().flatten();
        let tables = row.next().flatten();
        let objects = row.next().flatten();
        if let (Place::Server(_), None) = (&url.place, &schema) {
            return Err(DbError::NoSchema(match wanted {
                Some(schema) => format!("the schema `{schema}` does not exist in {url}"),
                None => format!("{url} names no database, or none of its search path exists"),
            }));
        }
        let server = Server::identified(url.backend, &version);
        Ok(Self {
            connection: Mutex::new(connection),
            // On MySQL the schema is the database itself; the books need no more than its name on the connection.
            schema: schema.filter(|_| url.backend == crate::dialect::Backend::Postgres),
            server,
            tables: if tables.as_deref() == Some("2") { Tables::Present } else { Tables::Absent },
            content: if objects.as_deref() == Some("0") { Content::Empty } else { Content::Some },
        })
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The books of `service` in this database.
    pub fn format(&self, service: &str) -> Format {
        Format::limbeck(self.schema.clone(), service)
    }

    /// Whether the books' tables existed when the session began.
    pub fn tables(&self) -> Tables {
        self.tables
    }

    /// Whether the database held anything when the session began.
    pub fn content(&self) -> Content {
        self.content
    }

    /// Closes the connection.
    pub async fn close(self) {
        self.connection.into_inner().close().await;
    }

    /// Asks; for code of this module alone, which knows that its questions change nothing.
    pub(super) async fn ask(&self, sql: &str) -> Result<Vec<TextRow>, DbError> {
        self.connection.lock().await.rows(sql).await
    }

    /// Sends one message.
    pub(super) async fn act(&mut self, sql: &str) -> Result<(), Broken> {
        self.connection.get_mut().run(sql).await
    }
}
