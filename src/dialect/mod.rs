//! What differs between the engines: facts about a server, and how SQL is spelled.
//!
//! A dialect answers and spells; it never holds a connection and never drives. Control flow is written once, in
//! [`crate::db`]. MariaDB is a vendor of MySQL, not a fourth dialect.

mod mysql;
mod postgres;
mod sqlite;

use std::fmt;
use std::time::Duration;

use crate::sql::leftover::Leftover;
use crate::sql::lexis::Lexis;
use crate::sql::object::Object;

/// The three dialects: which chain is meant, and which driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Backend {
    /// SQLite, a file or memory.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
}

impl Backend {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::MySql];

    /// The name of the dialect, which is also the name of its folder below `migrations/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
            Self::MySql => "mysql",
        }
    }

    /// Reads a name or a URL scheme, synonyms included (`postgres`, `mariadb`, `sqlite3`…), in any case.
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "sqlite" | "sqlite3" => Some(Self::Sqlite),
            "postgresql" | "postgres" | "pgsql" => Some(Self::Postgres),
            "mysql" | "mariadb" => Some(Self::MySql),
            _ => None,
        }
    }

    /// The port that the engine listens on unless told otherwise; none for SQLite.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(5432),
            Self::MySql => Some(3306),
        }
    }

    /// The words and spellings of this dialect.
    pub fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::Sqlite => &sqlite::Sqlite,
            Self::Postgres => &postgres::Postgres,
            Self::MySql => &mysql::MySql,
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who made the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// Oracle's MySQL.
    MySql,
    /// MariaDB.
    MariaDb,
}

impl Vendor {
    /// The vendor's name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
        }
    }
}

/// Whether the engine can undo DDL with a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ddl {
    /// `ROLLBACK` undoes it.
    Transactional,
    /// Each DDL statement commits what was open and then itself.
    Committing,
}

/// How the client protocol treats several statements in one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// They make one implicit transaction (PostgreSQL's simple query).
    OneTransaction,
    /// Each stands for itself, in order, up to the first that fails.
    Sequence,
}

/// Facts about the server acted on, asked as questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The dialect it speaks.
    pub backend: Backend,
    /// Who made it.
    pub vendor: Vendor,
    /// Its version as it says it, for people.
    pub version: String,
    /// The bytes that it takes in one message; none where it does not say.
    pub takes: Option<usize>,
}

impl Server {
    /// The server to assume when none is connected: what `upgrade FROM:TO --sql` writes for.
    pub fn assumed(backend: Backend) -> Self {
        let vendor = match backend {
            Backend::Sqlite => Vendor::Sqlite,
            Backend::Postgres => Vendor::Postgres,
            Backend::MySql => Vendor::MySql,
        };
        Self { backend, vendor, version: String::new(), takes: None }
    }

    /// The server that says of itself `version`; MariaDB is known by its name in it.
    pub fn identified(backend: Backend, version: &str) -> Self {
        let mut server = Self::assumed(backend);
        if backend == Backend::MySql && version.to_ascii_lowercase().contains("mariadb") {
            server.vendor = Vendor::MariaDb;
        }
        // PostgreSQL adds the packager, MariaDB its ancestry: "18.4 (Debian 18.4-1)", "10.11.14-MariaDB-0+deb12u2".
        let end = version.find([' ', '-']).unwrap_or(version.len());
        server.version = version[..end].to_owned();
        server
    }

    /// Whether a transaction can undo DDL here.
    pub fn ddl(&self) -> Ddl {
        match self.backend {
            Backend::Sqlite | Backend::Postgres => Ddl::Transactional,
            Backend::MySql => Ddl::Committing,
        }
    }

    /// What several statements in one message mean here.
    pub fn message(&self) -> Message {
        match self.backend {
            Backend::Postgres => Message::OneTransaction,
            Backend::Sqlite | Backend::MySql => Message::Sequence,
        }
    }

    /// Whether one statement may answer with several results, which cannot be told from those of the next: a procedure's.
    pub fn several_results(&self) -> bool {
        self.backend == Backend::MySql
    }

    /// Whether an empty database is this process's alone, so that its first upgrade may be one transaction.
    ///
    /// True for SQLite: a new file has no other user yet, and each commit costs a flush to disk.
    pub fn empty_is_ours(&self) -> bool {
        self.backend == Backend::Sqlite
    }

    /// Whether one statement copies the database into a file.
    pub fn copies_itself(&self) -> bool {
        self.backend == Backend::Sqlite
    }

    /// The programs that copy a database of this server, the best first.
    pub fn dump_programs(&self) -> &'static [&'static str] {
        match self.vendor {
            Vendor::Sqlite => &[],
            Vendor::Postgres => &["pg_dump"],
            Vendor::MySql => &["mysqldump"],
            Vendor::MariaDb => &["mariadb-dump", "mysqldump"],
        }
    }

    /// How the file name of a copy ends.
    pub fn copy_ending(&self) -> &'static str {
        match self.vendor {
            Vendor::Sqlite => "limbeck-backup",
            Vendor::Postgres => "dump",
            Vendor::MySql | Vendor::MariaDb => "sql",
        }
    }

    /// The words and spellings of this server.
    pub fn dialect(&self) -> &'static dyn Dialect {
        self.backend.dialect()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.vendor.name(), self.version)
    }
}

/// The name of a table, with its schema where one is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// PostgreSQL schema; none where the connection decides.
    pub schema: Option<String>,
    /// The table.
    pub name: String,
}

impl TableName {
    /// Spells the name for a statement, quoted.
    pub fn quoted(&self, dialect: &dyn Dialect) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", dialect.quote_name(schema), dialect.quote_name(&self.name)),
            None => dialect.quote_name(&self.name),
        }
    }
}

/// Text and judgement of one dialect: no connection, no `async`.
pub trait Dialect: Sync {
    /// What a lexer must know.
    fn lexis(&self) -> &'static Lexis;

    /// Quotes an identifier.
    fn quote_name(&self, name: &str) -> String;

    /// Quotes a string literal. Nothing else in limbeck puts a value into SQL.
    fn quote_text(&self, text: &str) -> String;

    /// The statement that opens limbeck's own transaction.
    fn begin(&self) -> &'static str;

    /// The statements around a question that the server itself keeps from writing, in the question's own message: a
    /// setting of the session would outlive it on a pooled connection. None where the connection is read-only.
    fn read_only(&self) -> Option<(&'static str, &'static str)>;

    /// An expression: this moment, in UTC, as the books store it.
    fn now(&self) -> &'static str;

    /// An expression: the milliseconds from the moment in `column` until now.
    fn elapsed_ms(&self, column: &str) -> String;

    /// An expression: the database user.
    fn database_user(&self) -> &'static str;

    /// An expression that reads the moment in `column` as text, `2026-11-20 09:30:00.123456` in UTC.
    fn moment_as_text(&self, column: &str) -> String;

    /// Statements that put the session's settings back to what they were when it began, for after a revision that changed
    /// some: MySQL's `database` and PostgreSQL's `search_path` included, where there is one to go back to.
    fn reset_session(&self, database: Option<&str>, search_path: Option<&str>) -> Vec<String>;

    /// How what a revision left in its session is taken out of it: also where it is gone already, or hides something else
    /// of its name. None where nothing can be said.
    fn discard(&self, leftover: &Leftover) -> Option<Discard>;

    /// How the engine's own client must be called so that a script ends at the first statement that fails.
    fn client(&self) -> &'static str;

    /// A query that answers with one row: whether `object` is there.
    fn presence(&self, object: &Object) -> String;

    /// How long a statement waits for somebody else's lock before the revision is tried again, unless something else is
    /// said: short enough that the traffic which queues up behind it does not notice much.
    fn lock_wait(&self) -> Duration;

    /// How long a statement that only changes the catalogue may run, unless something else is said; all others may then
    /// run as long as they like. None where nothing is limited without being asked.
    fn quick(&self) -> Option<Duration>;

    /// How a rebuild of tables is watched, where the engine lets it break foreign keys in silence.
    fn orphan_checks(&self) -> Option<OrphanChecks>;

    /// The statement that limits how long each of those behind it waits for a lock; zero is no limit. It is spelled anew
    /// for every revision. None where it would say what the connection begins with.
    fn limit_waiting(&self, wait: Duration, extent: Extent) -> Option<String>;

    /// Whether it is the beginning of limbeck's transaction that waits for others, and no later statement.
    fn begin_waits(&self) -> bool;

    /// The statement that limits how long each of those behind it runs; zero is no limit. None where the server has no
    /// such limit.
    fn limit_running(&self, server: &Server, time: Duration, extent: Extent) -> Option<String>;

    /// What a server's error code says about trying again.
    fn obstacle(&self, code: &str) -> Option<Obstacle>;

    /// Whether a server's error code says that a row with this key is there already.
    fn is_duplicate(&self, code: &str) -> bool;

    /// Statements that give the books' own writes the rights and the time that the session began with, to the end of the
    /// transaction: a revision may have taken another role.
    fn as_itself(&self) -> &'static [&'static str];

    /// Whether a server's error code says that a statement was cancelled.
    fn is_cancelled(&self, code: &str) -> bool;

    /// Queries for another connection, each with the right to fail: who keeps `connection` waiting, one text a row. The
    /// first that answers with a row is believed.
    fn blockers(&self, server: &Server, connection: u64) -> Vec<String>;

    /// The statement for another connection that cancels what `connection` runs; none where there is no other connection.
    fn cancel(&self, connection: u64) -> Option<String>;

    /// A query for an index of this name that a failed build left behind unusable: a row when there is one. None where
    /// builds leave nothing behind.
    fn unusable_index(&self, index: &Object) -> Option<String>;

    /// The statements around a database that is made to try something out; none where memory is one.
    fn scratch(&self, name: &str, schema: Option<&str>) -> Option<Scratch>;

    /// How statements begin that reach beyond their database; `|` separates alternatives.
    fn server_wide(&self) -> &'static [&'static str];

    /// How a database of this name is made; none where a database is a file.
    fn new_database(&self, name: &str) -> Option<NewDatabase>;

    /// The types that the books' columns have here.
    fn book_types(&self) -> &'static BookTypes;
}

/// How something is taken out of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discard {
    /// The statement.
    pub statement: String,
    /// A query with a row where there is something to take out; none where the statement does no harm otherwise.
    pub found: Option<String>,
}

impl Discard {
    fn always(statement: impl Into<String>) -> Self {
        Self { statement: statement.into(), found: None }
    }
}

/// How a rebuild of tables is watched.
#[derive(Clone, Copy, Debug)]
pub struct OrphanChecks {
    /// The pragma that switches foreign keys.
    pub pragma: &'static str,
    /// Reads it.
    pub read_back: &'static str,
    /// A row for each table with rows that point to nothing: the table, the table they point to, how many they are.
    pub count: &'static str,
}

/// How far a setting reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// To the end of the transaction.
    Transaction,
    /// To the end of the session.
    Session,
}

/// Something that may be gone when the same is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Somebody else held a lock for too long.
    Lock,
    /// Two transactions waited for each other, and this one was chosen to end.
    Deadlock,
    /// Somebody else changed what this transaction had read.
    Serialization,
}

impl Obstacle {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Deadlock => "deadlock",
            Self::Serialization => "serialization failure",
        }
    }
}

/// The statements around a database that is made to try something out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scratch {
    /// Makes it.
    pub make: String,
    /// Makes the schema in it, where the settings ask for one.
    pub furnish: Option<String>,
    /// Drops it.
    pub drop: String,
}

/// How a database is made on its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDatabase {
    /// The databases to do it from, in the order in which they are tried: `None` is a connection to none.
    pub from: &'static [Option<&'static str>],
    /// The question whether it exists: a row if it does.
    pub exists: String,
    /// The statement that makes it.
    pub create: String,
    /// The codes by which a server says that somebody else has just made it.
    pub made: &'static [&'static str],
}

/// The column types of the books in one dialect.
#[derive(Debug)]
pub struct BookTypes {
    /// A short text that is part of a key, `n` characters long at most.
    pub key: fn(usize) -> String,
    /// A text of any length.
    pub text: &'static str,
    /// A count.
    pub integer: &'static str,
    /// A moment in UTC with microseconds.
    pub moment: &'static str,
    /// A number that the database counts up by itself, as the primary key.
    pub serial: &'static str,
    /// What stands behind the closing parenthesis of `CREATE TABLE`.
    pub options: &'static str,
}

/// Doubles every `quote` inside `text` and puts `quote` around it.
fn doubled(text: &str, quote: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for character in text.chars() {
        if character == quote {
            quoted.push(quote);
        }
        quoted.push(character);
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_synonyms_are_read_in_any_case() {
        for (name, backend) in [
            ("sqlite", Backend::Sqlite),
            ("Postgres", Backend::Postgres),
            ("POSTGRESQL", Backend::Postgres),
            ("mysql", Backend::MySql),
            ("MariaDB", Backend::MySql),
        ] {
            assert_eq!(Backend::parse(name), Some(backend), "{name}");
        }
        assert_eq!(Backend::parse("oracle"), None);
    }

    #[test]
    fn a_server_is_known_by_its_version_text() {
        let maria = Server::identified(Backend::MySql, "10.11.14-MariaDB-0+deb12u2");
        assert_eq!(maria.to_string(), "MariaDB 10.11.14");
        let mysql = Server::identified(Backend::MySql, "9.7.1");
        assert_eq!(mysql.to_string(), "MySQL 9.7.1");
        let postgres = Server::identified(Backend::Postgres, "18.4 (Debian 18.4-1)");
        assert_eq!(postgres.to_string(), "PostgreSQL 18.4");
    }

    #[test]
    fn quoting_keeps_what_is_inside_inside() {
        let nasty = r#"a'b"c`d\e"#;
        let quoted: Vec<_> = Backend::ALL
            .iter()
            .map(|backend| {
                let dialect = backend.dialect();
                format!("{} {}", dialect.quote_name(nasty), dialect.quote_text(nasty))
            })
            .collect();
        assert_eq!(
            quoted,
            [
                r#""a'b""c`d\e" 'a''b"c`d\e'"#,
                r#""a'b""c`d\e" E'a''b"c`d\\e'"#,
                "`a'b\"c``d\\e` _utf8mb4 X'612762226360645C65'",
            ]
        );
        let body = Backend::Postgres.dialect().quote_text("AS $$ SELECT '\\n' $$");
        assert_eq!(body, r"E'AS \x24\x24 SELECT ''\\n'' \x24\x24'");
    }
}
