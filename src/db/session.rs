//! One connection, from connect to close; never recycled, so that what is set on it holds.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Mutex;

use crate::batch::Question;
use crate::chain::guard::Holds;
use crate::database_url::{Address, DatabaseUrl, Place};
use crate::dialect::{Backend, Server};
use crate::ledger::{Content, Format, Home, Tables};

use super::driver::{self, Broken, Connection, DbError, Refusal, ServerError, TextRow, first};
use super::inspect;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Questions. The server is told so where it can be, and a SQLite file is neither made nor written.
    Read,
    /// Changes.
    Write,
}

/// A question as it is sent: on a session for questions, where the server itself keeps it from writing.
fn guarded(backend: Backend, access: Access, sql: &str) -> String {
    match (access, backend.dialect().read_only()) {
        (Access::Read, Some((begin, commit))) => format!("{begin};\n{sql};\n{commit}"),
        _ => sql.to_owned(),
    }
}

/// SQLITE_READONLY_ROLLBACK and SQLITE_READONLY_RECOVERY, <https://www.sqlite.org/rescode.html>.
fn is_hot_journal(error: &ServerError) -> bool {
    matches!(error.code.as_deref(), Some("776" | "264"))
}

/// SQLITE_CANTOPEN, SQLITE_READONLY_CANTINIT, SQLITE_READONLY_DIRECTORY: what readers in WAL mode share cannot be made.
fn needs_shared_memory(error: &ServerError) -> bool {
    matches!(error.code.as_deref(), Some("14" | "1288" | "1544"))
}

/// Opens a file in WAL mode where nothing may be made beside it: as long as no log is to be read, nobody writes to it.
async fn still(url: &DatabaseUrl, error: ServerError) -> Result<Connection, DbError> {
    match driver::write_ahead_log(&url.place) {
        Some((_, 0)) => Connection::open_still(url).await,
        Some((log, _)) => Err(DbError::Connect {
            url: url.to_string(),
            reason: Refusal::File,
            message: format!(
                "the newest changes are in {log}, and to read them its folder must be writable: {error}"
            ),
        }),
        None => Err(DbError::Server(Box::new(error))),
    }
}

/// Lets SQLite undo what a killed process left half-done, as every program that opens the file for writing does.
async fn recover(url: &DatabaseUrl) -> Result<(), DbError> {
    let mut connection = Connection::open(url, Access::Write).await?;
    let read = connection.rows("SELECT count(*) FROM sqlite_master").await;
    connection.close().await;
    read.map(|_| ())
}

/// Whether a count is none.
fn table(count: Option<Option<String>>) -> Tables {
    match count.flatten().as_deref() {
        Some("0") | None => Tables::Absent,
        Some(_) => Tables::Present,
    }
}

/// What the table of the revisions is, by how often it is there and how many of its newest columns are.
fn revisions_table(count: Option<Option<String>>, columns: Option<Option<String>>) -> Tables {
    match (table(count), table(columns)) {
        (Tables::Present, Tables::Absent) => Tables::Outdated,
        (found, _) => found,
    }
}

/// One connection to one database, and what is known about it.
///
/// Asking takes `&Session`, acting takes `&mut Session`.
pub struct Session {
    connection: Mutex<Connection>,
    server: Server,
    access: Access,
    number: Option<u64>,
    schema: Option<String>,
    home: Home,
    revisions: Tables,
    log: Tables,
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
        let identity = guarded(url.backend, access, &inspect::identity(url.backend, wanted));
        let rows = match connection.rows(&identity).await {
            // A killed process left its journal: SQLite rolls it back for a reader that may write.
            Err(DbError::Server(error)) if is_hot_journal(&error) => {
                connection.close().await;
                recover(url).await?;
                connection = Connection::open(url, access).await?;
                connection.rows(&identity).await
            }
            Err(DbError::Server(error)) if access == Access::Read && needs_shared_memory(&error) => {
                connection.close().await;
                connection = still(url, *error).await?;
                connection.rows(&identity).await
            }
            rows => rows,
        };
        let rows = rows.map_err(|error| driver::first_question(url, error))?;
        let mut row = rows.into_iter().next().unwrap_or_default().into_iter();
        let version = row.next().flatten().unwrap_or_default();
        let schema = row.next().flatten();
        let (revisions, log, objects, columns) = (row.next(), row.next(), row.next(), row.next());
        let number = row.next().flatten().and_then(|number| number.parse().ok());
        let takes = row.next().flatten().and_then(|bytes| bytes.parse().ok());
        if let (Place::Server(_), None) = (&url.place, &schema) {
            return Err(DbError::NoSchema(match wanted {
                Some(schema) => format!("the schema `{schema}` does not exist in {url}"),
                None => format!("{url} names no database, or none of its search path exists"),
            }));
        }
        let server = Server { takes, ..Server::identified(url.backend, &version) };
        Ok(Self {
            connection: Mutex::new(connection),
            access,
            number,
            home: Home {
                database: schema.clone().filter(|_| url.backend == Backend::MySql),
                search_path: wanted.map(str::to_owned),
            },
            // On MySQL the schema is the database itself, which the connection knows.
            schema: schema.filter(|_| url.backend == Backend::Postgres),
            server,
            revisions: revisions_table(revisions, columns),
            log: table(log),
            content: if objects.flatten().as_deref() == Some("0") { Content::Empty } else { Content::Some },
        })
    }

    /// Connects beside a database that does not exist: for what is true of it before it does, and to make it. None where
    /// it does exist.
    pub async fn beside(url: &DatabaseUrl, access: Access) -> Result<Option<Self>, DbError> {
        let Place::Server(address) = &url.place else { return Ok(None) };
        let name = address.database.clone().unwrap_or_default();
        let Some(how) = url.backend.dialect().new_database(&name) else { return Ok(None) };
        let mut connection = Err(DbError::NoDriver(url.backend));
        for database in how.from {
            let elsewhere =
                Address { database: database.map(str::to_owned), schema: None, ..Address::clone(address) };
            let place = Place::Server(Box::new(elsewhere));
            connection = Connection::open(&DatabaseUrl { place, ..url.clone() }, access).await;
            if connection.is_ok() {
                break;
            }
        }
        let mut connection = connection?;
        let identity = guarded(url.backend, access, &inspect::identity(url.backend, None));
        let version = connection.rows(&identity).await?.into_iter().flatten().flatten().next();
        if !connection.rows(&guarded(url.backend, access, &how.exists)).await?.is_empty() {
            connection.close().await;
            return Ok(None);
        }
        let on_mysql = url.backend == Backend::MySql;
        Ok(Some(Self {
            connection: Mutex::new(connection),
            server: Server::identified(url.backend, &version.unwrap_or_default()),
            access,
            // Where a new database of PostgreSQL puts things.
            schema: (!on_mysql).then(|| address.schema.clone().unwrap_or_else(|| "public".to_owned())),
            home: Home { database: Some(name).filter(|_| on_mysql), search_path: address.schema.clone() },
            revisions: Tables::Absent,
            log: Tables::Absent,
            content: Content::NoDatabase,
            number: None,
        }))
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The books of `service` in this database.
    pub fn format(&self, service: &str) -> Format {
        Format::limbeck(self.schema.clone(), service).at(self.home.clone())
    }

    /// Whether both tables of the books existed when the session began.
    pub fn tables(&self) -> Tables {
        match (self.revisions, self.log) {
            (Tables::Present, Tables::Absent) => Tables::Absent,
            (revisions, _) => revisions,
        }
    }

    /// Looks at the tables of the books once more.
    pub(super) async fn look_again(&mut self) -> Result<Tables, DbError> {
        let identity = inspect::identity(self.server.backend, self.home.search_path.as_deref());
        let row = self.ask(&identity).await?.into_iter().next().unwrap_or_default();
        let mut row = row.into_iter().skip(2);
        let (revisions, log, _, columns) = (row.next(), row.next(), row.next(), row.next());
        self.revisions = revisions_table(revisions, columns);
        self.log = table(log);
        Ok(self.tables())
    }

    /// Whether there were rows to read when the session began: the log may be missing, or out of this role's sight.
    pub(super) fn revisions(&self) -> Tables {
        self.revisions
    }

    /// Whether there was a log when the session began.
    pub(super) fn log(&self) -> Tables {
        self.log
    }

    /// Whether the database held anything when the session began.
    pub fn content(&self) -> Content {
        self.content
    }

    /// The number that the server knows the session by; none for SQLite.
    pub(super) fn number(&self) -> Option<u64> {
        self.number
    }

    /// What SQLite looks at while a statement runs: once it is true, the statement ends. None for servers.
    pub(super) fn cancelled(&mut self) -> Option<Arc<AtomicBool>> {
        self.connection.get_mut().cancelled()
    }

    /// Closes the connection.
    pub async fn close(self) {
        self.connection.into_inner().close().await;
    }

    /// Asks; for code of this module alone, which knows that its questions change nothing.
    pub(super) async fn ask(&self, sql: &str) -> Result<Vec<TextRow>, DbError> {
        self.connection.lock().await.rows(&guarded(self.server.backend, self.access, sql)).await
    }

    /// Asks whether something holds: a guard's condition, the presence of an object.
    pub(super) async fn holds(&self, sql: &str) -> Result<Holds, DbError> {
        Ok(Question::holds(first(&self.ask(sql).await?)))
    }

    /// Sends one message.
    pub(super) async fn act(&mut self, sql: &str) -> Result<(), Broken> {
        self.connection.get_mut().run(sql).await
    }
}
