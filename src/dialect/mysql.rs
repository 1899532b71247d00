//! What is particular to MySQL and MariaDB.

use std::time::Duration;

use super::{
    BookTypes, Dialect, Discard, Extent, NewDatabase, Obstacle, OrphanChecks, Scratch, Server, Vendor,
    doubled,
};
use crate::sql::leftover::Leftover;
use crate::sql::lexis::{
    Backslash, Backtick, BlockComment, Bracket, Client, ClientCommand, CompoundBody, DelimiterLine, Dollar,
    DoubleQuote, ExecutableComment, Hash, Hint, Hyphens, InlineCopy, Lexis, LineEnd, NameCase, OpenComment,
    Parenthesis,
};
use crate::sql::object::{Kind, Object};

/// What the SQL of MySQL and MariaDB looks like under their default `sql_mode`: a backslash escapes, and double quotes hold
/// text. A server whose global mode says otherwise (`NO_BACKSLASH_ESCAPES`, `ANSI_QUOTES`) reads some texts differently.
///
/// `outside` is empty: what these servers cannot roll back they commit without being asked, inside a transaction or not.
const LEXIS: Lexis = Lexis {
    hyphens: Hyphens::BeforeSpace,
    hash: Hash::Comment,
    line_end: LineEnd::Feed,
    block_comment: BlockComment::Flat,
    open_comment: OpenComment::Refused,
    hint: Hint::Counts,
    executable_comment: ExecutableComment::Code,
    backslash: Backslash::Escapes,
    dollar: Dollar::Word,
    double_quote: DoubleQuote::Text,
    backtick: Backtick::Identifier,
    bracket: Bracket::Symbol,
    parenthesis: Parenthesis::Transparent,
    body: CompoundBody::Routine,
    delimiter: DelimiterLine::Honoured,
    client: Client { name: "mysql", command: ClientCommand::BackslashExceptNull },
    copy: InlineCopy::Unknown,
    name_case: NameCase::AsWritten,
    outside: &[],
};

/// MySQL and MariaDB.
pub(super) struct MySql;

impl Dialect for MySql {
    fn lexis(&self) -> &'static Lexis {
        &LEXIS
    }

    fn quote_name(&self, name: &str) -> String {
        doubled(name, '`')
    }

    // What a backslash means depends on sql_mode (NO_BACKSLASH_ESCAPES), so a text with one is spelled in hex.
    fn quote_text(&self, text: &str) -> String {
        if text.contains('\\') {
            let hex: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
            format!("_utf8mb4 X'{hex}'")
        } else {
            doubled(&text.replace('\0', ""), '\'')
        }
    }

    fn begin(&self) -> &'static str {
        "START TRANSACTION"
    }

    fn read_only(&self) -> Option<(&'static str, &'static str)> {
        Some(("START TRANSACTION READ ONLY", "COMMIT"))
    }

    fn now(&self) -> &'static str {
        "UTC_TIMESTAMP(6)"
    }

    fn elapsed_ms(&self, column: &str) -> String {
        format!("TIMESTAMPDIFF(MICROSECOND, {column}, UTC_TIMESTAMP(6)) DIV 1000")
    }

    fn database_user(&self) -> &'static str {
        "CURRENT_USER()"
    }

    fn moment_as_text(&self, column: &str) -> String {
        format!("DATE_FORMAT({column}, '%Y-%m-%d %H:%i:%s.%f')")
    }

    // What dumps set at their beginning, and what a revision may leave behind.
    fn reset_session(&self, database: Option<&str>, _search_path: Option<&str>) -> Vec<String> {
        let mut statements = vec![
            "SET NAMES utf8mb4".to_owned(),
            "SET SESSION sql_mode = DEFAULT, foreign_key_checks = DEFAULT, unique_checks = DEFAULT, \
             autocommit = DEFAULT, time_zone = DEFAULT"
                .to_owned(),
        ];
        statements.extend(database.map(|database| format!("USE {}", self.quote_name(database))));
        statements
    }

    fn discard(&self, leftover: &Leftover) -> Option<Discard> {
        let Leftover::Temporary { kind: "TABLE", name } = leftover else { return None };
        let name: Vec<String> = name.iter().map(|part| self.quote_name(part)).collect();
        Some(Discard::always(format!("DROP TEMPORARY TABLE IF EXISTS {}", name.join("."))))
    }

    // https://dev.mysql.com/doc/refman/en/information-schema.html
    fn presence(&self, object: &Object) -> String {
        let own = self.quote_text(object.name.last().map(String::as_str).unwrap_or_default());
        let database = |path: &[String]| match path {
            [.., database, _] => self.quote_text(database),
            _ => "DATABASE()".to_owned(),
        };
        // An index belongs to its table: `t.i`.
        let table = match (&object.table, object.kind, object.name.as_slice()) {
            (Some(table), _, _) => Some(table.as_slice()),
            (None, Kind::Index, [table @ .., _]) if !table.is_empty() => Some(table),
            _ => None,
        };
        let of_table = table.map_or_else(
            || "table_schema = DATABASE()".to_owned(),
            |path| {
                let name = path.last().map(String::as_str).unwrap_or_default();
                format!("table_schema = {} AND table_name = {}", database(path), self.quote_text(name))
            },
        );
        let found = match object.kind {
            Kind::Table | Kind::View => {
                let kind = if object.kind == Kind::Table { "BASE TABLE" } else { "VIEW" };
                let database = database(&object.name);
                format!(
                    "tables WHERE table_schema = {database} AND table_name = {own} AND table_type = '{kind}'"
                )
            }
            Kind::Column => format!("columns WHERE {of_table} AND column_name = {own}"),
            Kind::Index => format!("statistics WHERE {of_table} AND index_name = {own}"),
            Kind::Constraint => format!("table_constraints WHERE {of_table} AND constraint_name = {own}"),
        };
        format!("SELECT EXISTS (SELECT 1 FROM information_schema.{found})")
    }

    fn quick(&self) -> Option<Duration> {
        None
    }

    fn orphan_checks(&self) -> Option<OrphanChecks> {
        None
    }

    fn lock_wait(&self) -> Duration {
        Duration::from_secs(5)
    }

    // Both count whole seconds, from 1 on. https://mariadb.com/kb/en/server-system-variables/#lock_wait_timeout
    fn limit_waiting(&self, wait: Duration, _extent: Extent) -> Option<String> {
        let seconds = match wait.as_millis() {
            0 => 31_536_000,
            milliseconds => milliseconds.div_ceil(1000),
        };
        Some(format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}"))
    }

    // MySQL's max_execution_time is for SELECT alone.
    fn begin_waits(&self) -> bool {
        false
    }

    fn limit_running(&self, server: &Server, time: Duration, _extent: Extent) -> Option<String> {
        (server.vendor == Vendor::MariaDb)
            .then(|| format!("SET SESSION max_statement_time = {:.3}", time.as_secs_f64()))
    }

    // https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
    fn obstacle(&self, code: &str) -> Option<Obstacle> {
        match code.split(',').next()? {
            "1205" => Some(Obstacle::Lock),
            "1213" => Some(Obstacle::Deadlock),
            _ => None,
        }
    }

    fn is_duplicate(&self, code: &str) -> bool {
        code.split(',').next() == Some("1062")
    }

    fn as_itself(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_cancelled(&self, code: &str) -> bool {
        // 1969: MariaDB's max_statement_time.
        matches!(code.split(',').next(), Some("1317" | "1969" | "3024"))
    }

    // The exact answers need rights that a role may not have; the last ones show who else is in this database. On MySQL
    // `information_schema.processlist` fails while anybody runs a statement with a character outside of utf8mb3.
    fn blockers(&self, server: &Server, connection: u64) -> Vec<String> {
        let who = "concat('connection ', p.id, ', ', p.user, ' from ', p.host, ', ', lower(p.command), ' for ', p.time, ' s')";
        let old = "information_schema.processlist";
        let list = match server.vendor {
            Vendor::MySql => {
                "(SELECT processlist_id AS id, processlist_user AS user, processlist_host AS host, processlist_db AS db, \
                 processlist_command AS command, processlist_time AS time FROM performance_schema.threads \
                 WHERE processlist_id IS NOT NULL)"
            }
            _ => old,
        };
        let waits = |view: &str| {
            format!(
                "SELECT DISTINCT {who} FROM sys.{view} w JOIN {list} p ON p.id = w.blocking_pid \
                 WHERE w.waiting_pid = {connection} AND p.id <> {connection} LIMIT 5"
            )
        };
        let others = |list: &str| {
            format!(
                "SELECT {who} FROM {list} p WHERE p.db = DATABASE() \
                 AND p.id NOT IN ({connection}, CONNECTION_ID()) ORDER BY p.time DESC LIMIT 5"
            )
        };
        let mut queries = vec![
            waits("schema_table_lock_waits"),
            waits("innodb_lock_waits"),
            format!(
                "SELECT {who} FROM information_schema.innodb_trx t JOIN {list} p \
                 ON p.id = t.trx_mysql_thread_id WHERE p.id <> {connection} ORDER BY t.trx_started LIMIT 5"
            ),
            others(list),
        ];
        // A role's own sessions are there for it without any right.
        if list != old {
            queries.push(others(old));
        }
        queries
    }

    fn cancel(&self, connection: u64) -> Option<String> {
        Some(format!("KILL QUERY {connection}"))
    }

    fn unusable_index(&self, _index: &Object) -> Option<String> {
        None
    }

    fn client(&self) -> &'static str {
        "mysql DATABASE < SCRIPT (without --force)"
    }

    fn scratch(&self, name: &str, _schema: Option<&str>) -> Option<Scratch> {
        let name = self.quote_name(name);
        Some(Scratch {
            make: format!("CREATE DATABASE {name}"),
            furnish: None,
            drop: format!("DROP DATABASE IF EXISTS {name}"),
        })
    }

    // Accounts and their rights are the server's: https://dev.mysql.com/doc/refman/en/grant-tables.html
    fn server_wide(&self) -> &'static [&'static str] {
        &[
            "USE",
            "CREATE|ALTER|DROP USER|ROLE|DATABASE|SCHEMA|TABLESPACE|SERVER",
            "GRANT|REVOKE",
            "RENAME USER",
            "SET GLOBAL|PERSIST|PERSIST_ONLY|PASSWORD|DEFAULT",
            "INSTALL|UNINSTALL|FLUSH|RESET|PURGE|KILL|SHUTDOWN",
        ]
    }

    // Without IF NOT EXISTS the second of two would fail; with it, it is told by a warning.
    fn new_database(&self, name: &str) -> Option<NewDatabase> {
        Some(NewDatabase {
            from: &[None],
            exists: format!(
                "SELECT 1 FROM information_schema.schemata WHERE schema_name = {}",
                self.quote_text(name)
            ),
            create: format!("CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4", self.quote_name(name)),
            made: &[],
        })
    }

    fn book_types(&self) -> &'static BookTypes {
        &BookTypes {
            key: |length| format!("varchar({length})"),
            text: "longtext",
            integer: "bigint",
            moment: "datetime(6)",
            serial: "bigint NOT NULL AUTO_INCREMENT PRIMARY KEY",
            options: " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
        }
    }
}
