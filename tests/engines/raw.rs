//! Connections past limbeck, and what a database holds.

use futures_util::StreamExt as _;
use limbeck::database_url::Address;
use limbeck::sql::Span;
use limbeck::sql::split::split;
use sea_orm::sqlx::{
    self, AssertSqlSafe, ColumnIndex, ConnectOptions as _, Decode, Either, Row, Type,
    mysql::MySqlConnectOptions, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use tokio::runtime::Runtime;

use crate::engine::Engine;

/// A connection past limbeck. It waits by itself, so tests need not.
pub struct Raw {
    runtime: Runtime,
    engine: Engine,
    connection: Connection,
}

enum Connection {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
    MySql(sqlx::MySqlConnection),
}

/// A runtime for one thread.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

impl Raw {
    pub fn file(path: &str) -> Self {
        let runtime = runtime();
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).foreign_keys(false);
        let connection = Connection::Sqlite(runtime.block_on(options.connect()).expect("SQLite"));
        Self { runtime, engine: Engine::Sqlite, connection }
    }

    pub fn server(engine: Engine, address: &Address) -> Self {
        Self::connect(engine, address).unwrap_or_else(|error| panic!("{}: {error}", engine.name()))
    }

    pub fn connect(engine: Engine, address: &Address) -> Result<Self, sqlx::Error> {
        let runtime = runtime();
        let user = address.user.as_deref().unwrap_or_default();
        let password = address.password.as_ref().map(|password| password.reveal()).unwrap_or_default();
        let database = address.database.as_deref().unwrap_or_default();
        let connection = match engine {
            Engine::PostgreSql => {
                let options = PgConnectOptions::new().host(&address.host).port(address.port);
                let options = options.username(user).password(password).database(database);
                // A pooler would refuse it.
                let options = options.extra_float_digits(None);
                Connection::Postgres(runtime.block_on(options.connect())?)
            }
            _ => {
                let options = MySqlConnectOptions::new().host(&address.host).port(address.port);
                let options = options.username(user).password(password).database(database);
                // As the native client: what the server's settings say.
                let options = options.pipes_as_concat(false).no_engine_substitution(false).timezone(None);
                Connection::MySql(runtime.block_on(options.connect())?)
            }
        };
        Ok(Self { runtime, engine, connection })
    }

    /// Runs one message, and says what the server said.
    pub fn attempt(&mut self, sql: &str) -> Result<(), String> {
        self.query(sql).map(|_| ())
    }

    /// Runs one message.
    pub fn run(&mut self, sql: &str) {
        self.attempt(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }

    /// Runs a script as a client would: one statement after the other.
    pub fn script(&mut self, sql: &str) {
        let lexis = self.engine.backend().dialect().lexis();
        for statement in split(lexis, sql, Span::whole(sql)).expect("a script") {
            self.run(&sql[statement.span.start..statement.span.end]);
        }
    }

    /// The rows of a query, as text; NULL is `∅`.
    pub fn rows(&mut self, sql: &str) -> Vec<Vec<String>> {
        let rows = self.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let text = |cell: Option<String>| cell.unwrap_or_else(|| "∅".to_owned());
        rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
    }

    /// The rows of a query, a line each.
    pub fn lines(&mut self, sql: &str) -> Vec<String> {
        self.rows(sql).into_iter().map(|row| row.join(" | ")).collect()
    }

    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        let sql = AssertSqlSafe(sql);
        match &mut self.connection {
            Connection::Sqlite(it) => self.runtime.block_on(collect(sqlx::raw_sql(sql).fetch_many(it))),
            Connection::Postgres(it) => self.runtime.block_on(collect(sqlx::raw_sql(sql).fetch_many(it))),
            Connection::MySql(it) => self.runtime.block_on(collect(sqlx::raw_sql(sql).fetch_many(it))),
        }
    }

    /// The tables of this name that the database holds, in whatever schema.
    pub fn has_table(&mut self, table: &str) -> bool {
        let query = match self.engine {
            Engine::Sqlite => format!("SELECT 1 FROM sqlite_master WHERE name = '{table}'"),
            Engine::PostgreSql => {
                format!("SELECT 1 FROM pg_class WHERE relname = '{table}' AND relkind = 'r'")
            }
            _ => format!(
                "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{table}'"
            ),
        };
        !self.rows(&query).is_empty()
    }

    /// What `limbeck_revisions` says, clocks and persons aside.
    pub fn books(&mut self) -> Vec<String> {
        self.lines(
            "SELECT service, revision, description, checksum, file_checksum, state, statements_done, \
             statements_total, error, CASE WHEN applied_at IS NULL THEN 'not applied' ELSE 'at a time' END \
             FROM limbeck_revisions ORDER BY service, revision",
        )
    }

    /// What `limbeck_log` says, clocks and persons aside.
    pub fn log(&mut self) -> Vec<String> {
        self.lines(
            "SELECT service, act, revision, description, checksum, detail FROM limbeck_log ORDER BY id",
        )
    }

    /// `act revision` of each line of the log; the copies that SQLite makes before it loses something are left out.
    pub fn acts(&mut self) -> Vec<String> {
        self.rows("SELECT act, revision FROM limbeck_log WHERE act <> 'backup' ORDER BY id")
            .into_iter()
            .map(|row| row.join(" "))
            .collect()
    }

    /// `revision state done/total` of each row of the books.
    pub fn states(&mut self) -> Vec<String> {
        let query = "SELECT revision, state, statements_done, statements_total FROM limbeck_revisions ORDER BY revision";
        self.rows(query)
            .into_iter()
            .map(|row| format!("{} {} {}/{}", row[0], row[1], row[2], row[3]))
            .collect()
    }

    /// All that the database holds but the books, as text: compare it, do not read it.
    pub fn schema(&mut self) -> Vec<String> {
        match self.engine {
            Engine::Sqlite => self
                .rows(
                    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                     AND tbl_name NOT LIKE 'limbeck\\_%' ESCAPE '\\' ORDER BY type, name",
                )
                .into_iter()
                .map(|row| row.join(" | ").split_whitespace().collect::<Vec<_>>().join(" "))
                .collect(),
            Engine::PostgreSql => POSTGRES_CATALOGUE.iter().flat_map(|query| self.lines(query)).collect(),
            Engine::MariaDb | Engine::MySql => self.mysql_schema(),
        }
    }

    fn mysql_schema(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        for (kind, names, column) in [
            (
                "TABLE",
                "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
                 AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'limbeck\\_%' ORDER BY 1",
                1,
            ),
            (
                "VIEW",
                "SELECT table_name FROM information_schema.views WHERE table_schema = DATABASE() ORDER BY 1",
                1,
            ),
            (
                "TRIGGER",
                "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1",
                2,
            ),
            (
                "PROCEDURE",
                "SELECT routine_name FROM information_schema.routines WHERE routine_schema = DATABASE() \
                 AND routine_type = 'PROCEDURE' ORDER BY 1",
                2,
            ),
            (
                "FUNCTION",
                "SELECT routine_name FROM information_schema.routines WHERE routine_schema = DATABASE() \
                 AND routine_type = 'FUNCTION' ORDER BY 1",
                2,
            ),
            (
                "EVENT",
                "SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY 1",
                3,
            ),
        ] {
            for name in self.lines(names) {
                let row = self.rows(&format!("SHOW CREATE {kind} `{name}`")).remove(0);
                found.push(format!("{kind} {name}: {}", without_counter(&row[column])));
            }
        }
        found
    }
}

/// `SHOW CREATE TABLE` also tells how far AUTO_INCREMENT has counted, which is not schema.
fn without_counter(text: &str) -> String {
    match text.split_once(" AUTO_INCREMENT=") {
        Some((before, after)) => {
            format!("{before}{}", after.trim_start_matches(|character: char| character.is_ascii_digit()))
        }
        None => text.to_owned(),
    }
}

async fn collect<Done, Line>(
    mut results: impl futures_util::Stream<Item = Result<Either<Done, Line>, sqlx::Error>> + Unpin,
) -> Result<Vec<Vec<Option<String>>>, String>
where
    Line: Row,
    usize: ColumnIndex<Line>,
    for<'r> String: Decode<'r, Line::Database> + Type<Line::Database>,
{
    let mut rows = Vec::new();
    while let Some(result) = results.next().await {
        if let Either::Right(row) = result.map_err(|error| error.to_string())? {
            let cells = (0..row.len()).map(|at| row.try_get_unchecked::<Option<String>, _>(at));
            rows.push(cells.collect::<Result<_, _>>().map_err(|error| error.to_string())?);
        }
    }
    Ok(rows)
}

/// Every kind of object that the chains make, from PostgreSQL's catalogue.
const POSTGRES_CATALOGUE: [&str; 8] = [
    "SELECT 'relation', n.nspname, c.relname, c.relkind, c.relpersistence, obj_description(c.oid, 'pg_class'), \
            CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, c.relrowsecurity, c.reloptions::text, \
            pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid) \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relname !~ '^limbeck_' ORDER BY 2, 3",
    "SELECT 'column', n.nspname, c.relname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname, \
            format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, \
            pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum) \
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
       AND c.relname !~ '^limbeck_' ORDER BY 2, 3, a.attnum",
    "SELECT 'constraint', n.nspname, conrelid::regclass, conname, pg_get_constraintdef(k.oid), convalidated \
     FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace \
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND conrelid::regclass::text !~ 'limbeck_' \
     ORDER BY 2, 3, 4",
    "SELECT 'index', schemaname, tablename, indexname, indexdef, i.indisvalid FROM pg_indexes \
     JOIN pg_index i ON i.indexrelid = (quote_ident(schemaname) || '.' || quote_ident(indexname))::regclass \
     WHERE schemaname !~ '^pg_' AND tablename !~ '^limbeck_' ORDER BY 2, 3, 4",
    "SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 2",
    "SELECT 'function', pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prokind IN ('f', 'p') \
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 2",
    "SELECT 'type', n.nspname, t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) \
     FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid JOIN pg_namespace n ON n.oid = t.typnamespace \
     GROUP BY 2, 3 ORDER BY 2, 3",
    "SELECT 'extension', extname, obj_description(oid, 'pg_extension') FROM pg_extension ORDER BY 2",
];
