//! The drivers: opening a connection, sending one message, and what comes back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use sea_orm::sqlx::{self, AssertSqlSafe, ColumnIndex, Decode, Either, Row, Type};

#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::database_url::{Address, TlsMode};
use crate::database_url::{DatabaseUrl, Place};

use super::session::Access;

/// How long opening a connection may take before the server counts as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a database said, or that it said nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The connection could not be opened.
    #[error("cannot connect to {url}: {message}")]
    Connect {
        /// The database, its password hidden.
        url: String,
        /// What went wrong, sorted.
        reason: Refusal,
        /// What the driver or the server said.
        message: String,
    },
    /// The server refused a statement.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// The connection broke.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server would not make the database.
    #[error("the database {name} cannot be created: {error}")]
    NotCreated {
        /// Its name.
        name: String,
        /// What the server said.
        error: Box<ServerError>,
    },
    /// The program was built without the driver.
    #[error("this program was built without the driver for {0}")]
    NoDriver(crate::dialect::Backend),
    /// The schema of the settings does not exist.
    #[error("{0}")]
    NoSchema(String),
    /// The books hold something that cannot be read.
    #[error("the books cannot be read: {0}")]
    Books(String),
}

impl DbError {
    /// Whether the server is there and the database is not.
    pub fn is_no_database(&self) -> bool {
        matches!(self, Self::Connect { reason: Refusal::NoDatabase, .. })
    }

    /// Whether it may be otherwise in a moment, before anything was done: nobody answers yet, or the server says that it
    /// is coming up, going down or full. A refusal for good (who, where, how secured) is none.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Connect { reason, .. } => matches!(reason, Refusal::Unreachable | Refusal::NotReady),
            Self::Server(error) => error.code.as_deref().is_some_and(is_not_ready),
            Self::Lost(_) => true,
            Self::NotCreated { .. } | Self::NoDriver(_) | Self::NoSchema(_) | Self::Books(_) => false,
        }
    }
}

/// PostgreSQL: shutting down, crashing, starting up, too many connections; MySQL: too many connections, shutting down.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
/// <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>
fn is_not_ready(code: &str) -> bool {
    let number = code.split(',').next().unwrap_or(code);
    matches!(number, "57P01" | "57P02" | "57P03" | "53300" | "1040" | "1053")
}

/// Why a connection could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody answered at the address.
    Unreachable,
    /// The server answered that it is starting, stopping or full.
    NotReady,
    /// User or password is wrong.
    Credentials,
    /// There is no such database.
    NoDatabase,
    /// The connection could not be secured as asked.
    Tls,
    /// The file cannot be opened.
    File,
    /// Something else.
    Other,
}

/// What a server said about a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// Its message.
    pub message: String,
    /// SQLSTATE on PostgreSQL, number and SQLSTATE on MySQL, extended result code on SQLite.
    pub code: Option<String>,
    /// More about it.
    pub detail: Option<String>,
    /// The server's own advice.
    pub hint: Option<String>,
    /// The character of the message where it saw the error, from 1.
    pub position: Option<usize>,
    /// Whether it spoke of something inside a body that the statement runs: a function, a `DO` block.
    pub inside: bool,
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ServerError {}

/// A message that failed: how many of its statements were done before, and what was said.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) completed: usize,
    pub(super) error: DbError,
}

/// A row as text, column by column.
pub(super) type TextRow = Vec<Option<String>>;

/// The first value of the first row, where there is one.
pub(super) fn first(rows: &[TextRow]) -> Option<&str> {
    rows.first()?.first()?.as_deref()
}

/// One open connection.
pub(super) enum Connection {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqliteConnection, Arc<AtomicBool>),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgConnection),
    #[cfg(feature = "mysql")]
    MySql(sqlx::MySqlConnection),
}

/// Does the same with whichever connection it is.
macro_rules! on {
    ($connection:expr, $it:ident => $do:expr) => {
        match $connection {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite($it, _) => $do,
            #[cfg(feature = "postgres")]
            Connection::Postgres($it) => $do,
            #[cfg(feature = "mysql")]
            Connection::MySql($it) => $do,
        }
    };
}

impl Connection {
    /// Opens a SQLite file that nobody writes to, as if nobody could: nothing is made beside it, and nothing is locked.
    #[cfg_attr(not(feature = "sqlite"), expect(clippy::unused_async, reason = "what waits is left out"))]
    pub(super) async fn open_still(url: &DatabaseUrl) -> Result<Self, DbError> {
        #[cfg(feature = "sqlite")]
        {
            use sqlx::ConnectOptions as _;
            let options = sqlite_options(&url.place, Access::Read).immutable(true);
            let opened = match options.connect().await {
                Ok(connection) => interruptible(connection, Access::Read).await,
                Err(error) => Err(error),
            };
            opened.map_err(|error| connect_error(url, error))
        }
        #[cfg(not(feature = "sqlite"))]
        Err(DbError::NoDriver(url.backend))
    }

    /// Opens a connection. With [`Access::Read`] a SQLite file is neither made nor written.
    pub(super) async fn open(url: &DatabaseUrl, access: Access) -> Result<Self, DbError> {
        match tokio::time::timeout(CONNECT_TIMEOUT, Self::connect(url, access)).await {
            Ok(opened) => opened,
            Err(_) => Err(DbError::Connect {
                url: url.to_string(),
                reason: Refusal::Unreachable,
                message: format!("no answer within {} seconds", CONNECT_TIMEOUT.as_secs()),
            }),
        }
    }

    async fn connect(url: &DatabaseUrl, access: Access) -> Result<Self, DbError> {
        let opened = match &url.place {
            #[cfg(feature = "sqlite")]
            Place::Memory | Place::File(_) => {
                use sqlx::ConnectOptions as _;
                if let Some(message) = wrong_file(&url.place) {
                    return Err(DbError::Connect { url: url.to_string(), reason: Refusal::File, message });
                }
                match sqlite_options(&url.place, access).connect().await {
                    Ok(connection) => interruptible(connection, access).await,
                    Err(error) => Err(error),
                }
            }
            #[cfg(feature = "postgres")]
            Place::Server(address) if url.backend == crate::dialect::Backend::Postgres => {
                use sqlx::ConnectOptions as _;
                postgres_options(address).connect().await.map(Self::Postgres)
            }
            #[cfg(feature = "mysql")]
            Place::Server(address) if url.backend == crate::dialect::Backend::MySql => {
                use sqlx::ConnectOptions as _;
                mysql_options(address).connect().await.map(Self::MySql)
            }
            #[allow(unreachable_patterns, reason = "which drivers are left out is a matter of features")]
            _ => {
                let _ = access;
                return Err(DbError::NoDriver(url.backend));
            }
        };
        opened.map_err(|error| connect_error(url, error))
    }

    /// What SQLite looks at while a statement runs: once it is true, the statement ends. None for servers.
    pub(super) fn cancelled(&self) -> Option<Arc<AtomicBool>> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_, cancelled) => Some(Arc::clone(cancelled)),
            #[allow(unreachable_patterns, reason = "which drivers are left out is a matter of features")]
            _ => None,
        }
    }

    /// Sends one message and waits for all its results.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Broken> {
        on!(self, it => drain(sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(it)).await)
    }

    /// Sends one message and reads all its rows as text.
    pub(super) async fn rows(&mut self, sql: &str) -> Result<Vec<TextRow>, DbError> {
        on!(self, it => collect(sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(it)).await)
    }

    /// Says goodbye to the server. What it answers no longer matters.
    pub(super) async fn close(self) {
        use sqlx::Connection as _;
        let _ = on!(self, it => it.close().await);
    }
}

async fn drain<Done, Line>(
    mut results: impl Stream<Item = Result<Either<Done, Line>, sqlx::Error>> + Unpin,
) -> Result<(), Broken> {
    let mut completed = 0;
    while let Some(result) = results.next().await {
        match result {
            Ok(Either::Left(_)) => completed += 1,
            Ok(Either::Right(_)) => {}
            Err(error) => return Err(Broken { completed, error: statement_error(error) }),
        }
    }
    Ok(())
}

async fn collect<Done, Line>(
    mut results: impl Stream<Item = Result<Either<Done, Line>, sqlx::Error>> + Unpin,
) -> Result<Vec<TextRow>, DbError>
where
    Line: Row,
    usize: ColumnIndex<Line>,
    for<'r> String: Decode<'r, Line::Database> + Type<Line::Database>,
{
    let mut rows = Vec::new();
    while let Some(result) = results.next().await {
        if let Either::Right(row) = result.map_err(statement_error)? {
            let text: Result<TextRow, _> =
                (0..row.len()).map(|at| row.try_get_unchecked::<Option<String>, _>(at)).collect();
            rows.push(text.map_err(statement_error)?);
        }
    }
    Ok(rows)
}

/// What keeps a path from being a SQLite file, found out before anybody is asked about a plan for it.
#[cfg(feature = "sqlite")]
fn wrong_file(place: &Place) -> Option<String> {
    let Place::File(path) = place else { return None };
    let path = std::path::Path::new(path);
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        _ if path.is_dir() => Some("it is a folder".to_owned()),
        Some(folder) if !folder.is_dir() => Some(format!("the folder {} does not exist", folder.display())),
        _ => None,
    }
}

/// The log beside a SQLite file in WAL mode, and how much is in it; none where the place is no file.
pub(super) fn write_ahead_log(place: &Place) -> Option<(String, u64)> {
    let Place::File(path) = place else { return None };
    let log = format!("{path}-wal");
    let bytes = std::path::Path::new(&log).metadata().map_or(0, |log| log.len());
    Some((log, bytes))
}

/// The error of a session's first question: a file that is no database shows only there.
pub(super) fn first_question(url: &DatabaseUrl, error: DbError) -> DbError {
    match (&url.place, error) {
        (Place::File(_), DbError::Server(error)) => {
            DbError::Connect { url: url.to_string(), reason: Refusal::File, message: error.to_string() }
        }
        (_, error) => error,
    }
}

/// Lets a statement be ended while it runs. <https://www.sqlite.org/c3ref/progress_handler.html>
#[cfg(feature = "sqlite")]
async fn interruptible(
    mut connection: sqlx::SqliteConnection,
    access: Access,
) -> Result<Connection, sqlx::Error> {
    /// How many steps of SQLite's machine lie between two looks: some microseconds.
    const STEPS: i32 = 10_000;
    let cancelled = Arc::new(AtomicBool::new(false));
    if access == Access::Write {
        let flag = Arc::clone(&cancelled);
        let mut handle = connection.lock_handle().await?;
        handle.set_progress_handler(STEPS, move || !flag.load(std::sync::atomic::Ordering::Relaxed));
    }
    Ok(Connection::Sqlite(connection, cancelled))
}

#[cfg(feature = "sqlite")]
fn sqlite_options(place: &Place, access: Access) -> sqlx::sqlite::SqliteConnectOptions {
    use sqlx::ConnectOptions as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        // SQLite's own default. With foreign keys on, the DROP TABLE of a table rebuild would delete the child rows.
        .foreign_keys(false)
        .disable_statement_logging();
    match (place, access) {
        (Place::File(path), Access::Write) => options.filename(path).create_if_missing(true),
        (Place::File(path), Access::Read) if std::path::Path::new(path).exists() => {
            options.filename(path).read_only(true)
        }
        // A question about a file that does not exist is a question about an empty database.
        _ => options.in_memory(true),
    }
}

#[cfg(feature = "postgres")]
fn postgres_options(address: &Address) -> sqlx::postgres::PgConnectOptions {
    use sqlx::ConnectOptions as _;
    use sqlx::postgres::{PgConnectOptions, PgSslMode};
    let mut options = PgConnectOptions::new()
        .host(&address.host)
        .port(address.port)
        .application_name(address.application_name.as_deref().unwrap_or("limbeck"))
        // PgBouncer refuses a client that says so, and limbeck reads no such numbers.
        .extra_float_digits(None)
        .disable_statement_logging();
    if let Some(socket) = &address.socket {
        options = options.socket(socket);
    }
    if let Some(user) = &address.user {
        options = options.username(user);
    }
    if let Some(password) = &address.password {
        options = options.password(password.reveal());
    }
    if let Some(database) = &address.database {
        options = options.database(database);
    }
    if let Some(mode) = address.tls.mode {
        options = options.ssl_mode(match mode {
            TlsMode::Disable => PgSslMode::Disable,
            TlsMode::Allow => PgSslMode::Allow,
            TlsMode::Prefer => PgSslMode::Prefer,
            TlsMode::Require => PgSslMode::Require,
            TlsMode::VerifyCa => PgSslMode::VerifyCa,
            TlsMode::VerifyFull => PgSslMode::VerifyFull,
        });
    }
    if let Some(ca) = &address.tls.ca {
        options = options.ssl_root_cert(ca);
    }
    if let Some(certificate) = &address.tls.certificate {
        options = options.ssl_client_cert(certificate);
    }
    if let Some(key) = &address.tls.key {
        options = options.ssl_client_key(key);
    }
    options
}

#[cfg(feature = "mysql")]
fn mysql_options(address: &Address) -> sqlx::mysql::MySqlConnectOptions {
    use sqlx::ConnectOptions as _;
    use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
    // What the driver sets for applications is not set for revisions: they mean what the server's settings say.
    let mut options = MySqlConnectOptions::new()
        .host(&address.host)
        .port(address.port)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .disable_statement_logging();
    if let Some(socket) = &address.socket {
        options = options.socket(socket);
    }
    if let Some(user) = &address.user {
        options = options.username(user);
    }
    if let Some(password) = &address.password {
        options = options.password(password.reveal());
    }
    if let Some(database) = &address.database {
        options = options.database(database);
    }
    if let Some(mode) = address.tls.mode {
        options = options.ssl_mode(match mode {
            TlsMode::Disable => MySqlSslMode::Disabled,
            TlsMode::Allow | TlsMode::Prefer => MySqlSslMode::Preferred,
            TlsMode::Require => MySqlSslMode::Required,
            TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
            TlsMode::VerifyFull => MySqlSslMode::VerifyIdentity,
        });
    }
    if let Some(ca) = &address.tls.ca {
        options = options.ssl_ca(ca);
    }
    if let Some(certificate) = &address.tls.certificate {
        options = options.ssl_client_cert(certificate);
    }
    if let Some(key) = &address.tls.key {
        options = options.ssl_client_key(key);
    }
    options
}

fn connect_error(url: &DatabaseUrl, error: sqlx::Error) -> DbError {
    let missing = missing_tls_file(url);
    let reason = match &error {
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound && missing.is_some() => {
            Refusal::Tls
        }
        // rustls speaks through the stream: an unknown authority, another host's certificate.
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => Refusal::Tls,
        // A socket that this user may not open.
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Refusal::Other,
        sqlx::Error::Io(_) => Refusal::Unreachable,
        sqlx::Error::Tls(_) => Refusal::Tls,
        sqlx::Error::Database(database) => match server_error(database.as_ref()).code.as_deref() {
            Some(code) if is_not_ready(code) => Refusal::NotReady,
            // https://www.postgresql.org/docs/current/errcodes-appendix.html, class 28 and 3D
            Some("28P01" | "28000") => Refusal::Credentials,
            Some("3D000") => Refusal::NoDatabase,
            // https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
            Some(code) if code.starts_with("1045") || code.starts_with("1698") => Refusal::Credentials,
            Some(code) if code.starts_with("1044") || code.starts_with("1049") => Refusal::NoDatabase,
            // https://www.sqlite.org/rescode.html#cantopen
            Some("14" | "26" | "266") => Refusal::File,
            _ => Refusal::Other,
        },
        _ => Refusal::Other,
    };
    let message = match statement_error(error) {
        DbError::Server(error) => error.to_string(),
        DbError::Lost(message) => message,
        other => other.to_string(),
    };
    let message = match missing.filter(|_| reason == Refusal::Tls) {
        Some(file) => format!("{file}: {message}"),
        None => message,
    };
    DbError::Connect { url: url.to_string(), reason, message }
}

/// The first file of the TLS settings that is not there.
fn missing_tls_file(url: &DatabaseUrl) -> Option<&str> {
    let Place::Server(address) = &url.place else { return None };
    let tls = &address.tls;
    let files = [&tls.ca, &tls.certificate, &tls.key].into_iter().flatten();
    files.map(String::as_str).find(|file| !std::path::Path::new(file).exists())
}

fn statement_error(error: sqlx::Error) -> DbError {
    match error {
        sqlx::Error::Database(error) => {
            let said = server_error(error.as_ref());
            if ends_session(&said) {
                DbError::Lost(said.to_string())
            } else {
                DbError::Server(Box::new(said))
            }
        }
        sqlx::Error::Io(error) => DbError::Lost(error.to_string()),
        sqlx::Error::Tls(error) => DbError::Lost(error.to_string()),
        sqlx::Error::Protocol(message) => DbError::Lost(message),
        other => {
            DbError::Server(Box::new(ServerError { message: other.to_string(), ..ServerError::default() }))
        }
    }
}

/// Whether the server says goodbye with it: nothing more can be asked on this connection.
fn ends_session(error: &ServerError) -> bool {
    let code = error.code.as_deref().unwrap_or_default();
    // https://www.postgresql.org/docs/current/errcodes-appendix.html: an administrator, a crash, a shutdown, a timeout.
    let postgres = ["57P01", "57P02", "57P03", "57P05", "25P03", "25P04"].contains(&code);
    // https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html: shutdown, killed (1927 is MariaDB's), idle.
    let number = code.split(',').next().unwrap_or_default();
    let mysql = code.contains("SQLSTATE") && ["1053", "1927", "3169", "4031"].contains(&number);
    postgres || mysql
}

fn server_error(error: &dyn sqlx::error::DatabaseError) -> ServerError {
    // Not the error's own text: for PostgreSQL that ends with a line number of the server's C source.
    let said = ServerError {
        message: error.message().to_owned(),
        code: error.code().map(Into::into),
        ..ServerError::default()
    };
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        let position = match error.position() {
            Some(sqlx::postgres::PgErrorPosition::Original(position)) => Some(position),
            _ => None,
        };
        return ServerError {
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            inside: position.is_none() && error.r#where().is_some(),
            position,
            ..said
        };
    }
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        let code = match error.code() {
            Some(state) => format!("{}, SQLSTATE {state}", error.number()),
            None => error.number().to_string(),
        };
        return ServerError { code: Some(code), ..said };
    }
    said
}
