//! The tables of the books: their names, their columns, and the statements that make and read them.

use crate::chain::RevisionId;
use crate::dialect::{Dialect, Server, TableName};

use super::Tables;

/// Where the books of a service lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// One row per revision that is applied or in flight.
    pub revisions: TableName,
    /// One row per act; only ever added to.
    pub log: TableName,
    /// Whose rows are meant: several services may share a database.
    pub service: String,
    /// Where the session begins, to go back to.
    pub home: Home,
}

/// Where a session begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    /// MySQL: the database of the connection.
    pub database: Option<String>,
    /// PostgreSQL: the search path that the settings ask for, where they do.
    pub search_path: Option<String>,
}

/// The longest service name that the books hold, in characters.
pub const SERVICE_LENGTH: usize = 100;

/// The column of the revisions that keeps the text of the file as it was applied. Books of the first version lack it.
pub const SOURCE: &str = "source";

/// The column of the revisions that remembers the heads of the chain. Books of the first version lack it.
pub const HEADS: &str = "heads";

/// The longest text that is kept there, in bytes: the books are read with every command, and sent in one message.
pub const SOURCE_LENGTH: usize = 1 << 20;

impl Format {
    /// limbeck's own books for `service`, in `schema` where the engine has schemas.
    pub fn limbeck(schema: Option<String>, service: &str) -> Self {
        let table = |name: &str| TableName { schema: schema.clone(), name: name.to_owned() };
        Self {
            revisions: table("limbeck_revisions"),
            log: table("limbeck_log"),
            service: service.to_owned(),
            home: Home::default(),
        }
    }

    /// The same, on a session that begins at `home`.
    pub fn at(mut self, home: Home) -> Self {
        self.home = home;
        self
    }

    /// The same tables, named so that they are found from another database too.
    pub fn from_elsewhere(&self) -> Self {
        let mut format = self.clone();
        for table in [&mut format.revisions, &mut format.log] {
            table.schema = table.schema.take().or_else(|| self.home.database.clone());
        }
        format
    }

    /// The statements that make the tables, each harmless when they exist.
    pub fn create(&self, server: &Server) -> Vec<String> {
        let dialect = server.dialect();
        let types = dialect.book_types();
        let key = types.key;
        let (text, integer, moment) = (types.text, types.integer, types.moment);
        let who = format!("db_user {0}, os_user {0}, host {0}, limbeck_version {1}", key(255), key(32));
        vec![
            format!(
                "CREATE TABLE IF NOT EXISTS {table} (service {service} NOT NULL, revision {id} NOT NULL, \
                 description {text} NOT NULL, checksum {sum} NOT NULL, file_checksum {sum} NOT NULL, \
                 state {state} NOT NULL, statements_done {integer} NOT NULL, statements_total {integer} NOT NULL, \
                 error {text}, started_at {moment}, applied_at {moment}, duration_ms {integer}, {who}, \
                 {SOURCE} {text}, {HEADS} {text}, PRIMARY KEY (service, revision)){options}",
                table = self.revisions.quoted(dialect),
                service = key(SERVICE_LENGTH),
                id = key(64),
                sum = key(64),
                state = key(20),
                options = types.options,
            ),
            format!(
                "CREATE TABLE IF NOT EXISTS {table} (id {serial}, happened_at {moment} NOT NULL, service {service} NOT NULL, \
                 act {act} NOT NULL, revision {id} NOT NULL, description {text}, checksum {sum}, detail {text}, \
                 duration_ms {integer}, {who}){options}",
                table = self.log.quoted(dialect),
                serial = types.serial,
                service = key(SERVICE_LENGTH),
                act = key(20),
                id = key(64),
                sum = key(64),
                options = types.options,
            ),
        ]
    }

    /// The statements that bring tables which an earlier version made to what [`Self::create`] makes. A column that is
    /// there already is an error on some engines.
    pub fn extend(&self, server: &Server) -> Vec<String> {
        let dialect = server.dialect();
        let mut statements = self.create(server);
        statements.extend([SOURCE, HEADS].map(|column| {
            let table = self.revisions.quoted(dialect);
            format!("ALTER TABLE {table} ADD COLUMN {column} {}", dialect.book_types().text)
        }));
        statements
    }

    /// The query that reads what ran as a revision: the text of its file, as it was applied.
    pub fn select_source(&self, dialect: &dyn Dialect, revision: &RevisionId) -> String {
        format!(
            "SELECT {SOURCE} FROM {table} WHERE service = {service} AND revision = {revision}",
            table = self.revisions.quoted(dialect),
            service = dialect.quote_text(&self.service),
            revision = dialect.quote_text(revision.as_str()),
        )
    }

    /// The query that reads the rows of the service; the columns are those of [`super::Row`], in order, as text.
    ///
    /// Tables of an earlier version are asked only for what they have.
    pub fn select(&self, dialect: &dyn Dialect, tables: Tables) -> String {
        let heads = if tables == Tables::Outdated { "NULL" } else { HEADS };
        format!(
            "SELECT revision, description, checksum, file_checksum, state, statements_done, statements_total, error, \
             {applied_at}, duration_ms, db_user, os_user, host, limbeck_version, {heads} FROM {table} WHERE service = {service} \
             ORDER BY revision",
            applied_at = dialect.moment_as_text("applied_at"),
            table = self.revisions.quoted(dialect),
            service = dialect.quote_text(&self.service),
        )
    }
}
