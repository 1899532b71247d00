//! What is particular to PostgreSQL.

use std::time::Duration;

use super::{
    BookTypes, Dialect, Discard, Extent, NewDatabase, Obstacle, OrphanChecks, Scratch, Server, doubled,
};
use crate::sql::leftover::Leftover;
use crate::sql::lexis::{
    Backslash, Backtick, BlockComment, Bracket, Client, ClientCommand, CompoundBody, DelimiterLine, Dollar,
    DoubleQuote, ExecutableComment, Hash, Hint, Hyphens, InlineCopy, Lexis, LineEnd, NameCase, OpenComment,
    OutsideRule, Parenthesis,
};
use crate::sql::object::{Kind, Object};

/// What PostgreSQL's SQL looks like.
const LEXIS: Lexis = Lexis {
    hyphens: Hyphens::Always,
    hash: Hash::Symbol,
    line_end: LineEnd::FeedOrReturn,
    block_comment: BlockComment::Nested,
    open_comment: OpenComment::Refused,
    hint: Hint::Comment,
    executable_comment: ExecutableComment::Comment,
    backslash: Backslash::EscapesAfterE,
    dollar: Dollar::Quote,
    double_quote: DoubleQuote::Identifier,
    backtick: Backtick::Symbol,
    bracket: Bracket::Symbol,
    parenthesis: Parenthesis::HoldsSemicolon,
    body: CompoundBody::Atomic,
    delimiter: DelimiterLine::Unknown,
    client: Client { name: "psql", command: ClientCommand::Backslash },
    copy: InlineCopy::Refused,
    name_case: NameCase::Small,
    outside: &[
        OutsideRule {
            pattern: "CREATE UNIQUE? INDEX CONCURRENTLY",
            reason: "CREATE INDEX CONCURRENTLY cannot run inside a transaction",
        },
        OutsideRule {
            pattern: "DROP INDEX CONCURRENTLY",
            reason: "DROP INDEX CONCURRENTLY cannot run inside a transaction",
        },
        OutsideRule {
            pattern: "REINDEX .. CONCURRENTLY",
            reason: "REINDEX CONCURRENTLY cannot run inside a transaction",
        },
        OutsideRule {
            pattern: "REINDEX DATABASE|SYSTEM|SCHEMA",
            reason: "REINDEX of a whole schema or database cannot run inside a transaction",
        },
        OutsideRule {
            pattern: "REINDEX ( .. ) DATABASE|SYSTEM|SCHEMA",
            reason: "REINDEX of a whole schema or database cannot run inside a transaction",
        },
        OutsideRule {
            pattern: "ALTER TABLE .. DETACH PARTITION .. CONCURRENTLY",
            reason: "DETACH PARTITION CONCURRENTLY cannot run inside a transaction",
        },
        OutsideRule { pattern: "VACUUM", reason: "VACUUM cannot run inside a transaction" },
        OutsideRule {
            pattern: "CLUSTER VERBOSE? $",
            reason: "CLUSTER of all tables cannot run inside a transaction",
        },
        OutsideRule {
            pattern: "CREATE|DROP DATABASE",
            reason: "databases cannot be created or dropped inside a transaction",
        },
        OutsideRule {
            pattern: "ALTER DATABASE .. SET TABLESPACE",
            reason: "a database cannot change its tablespace inside a transaction",
        },
        OutsideRule {
            pattern: "CREATE|DROP TABLESPACE",
            reason: "tablespaces cannot be created or dropped inside a transaction",
        },
        OutsideRule { pattern: "ALTER SYSTEM", reason: "ALTER SYSTEM cannot run inside a transaction" },
        OutsideRule {
            pattern: "CREATE|DROP SUBSCRIPTION",
            reason: "subscriptions cannot be created or dropped inside a transaction",
        },
        OutsideRule {
            pattern: "ALTER SUBSCRIPTION .. REFRESH PUBLICATION",
            reason: "a subscription cannot be refreshed inside a transaction",
        },
        OutsideRule {
            pattern: "COMMIT|ROLLBACK PREPARED",
            reason: "a prepared transaction cannot be ended inside another one",
        },
        OutsideRule { pattern: "DISCARD ALL", reason: "DISCARD ALL cannot run inside a transaction" },
    ],
};

/// PostgreSQL.
pub(super) struct Postgres;

impl Postgres {
    /// The `oid` of a relation, by the rules of the search path; NULL when there is none.
    fn relation(&self, path: &[String]) -> String {
        let quoted: Vec<String> = path.iter().map(|part| self.quote_name(part)).collect();
        format!("to_regclass({})", self.quote_text(&quoted.join(".")))
    }
}

fn set(setting: &str, time: Duration, extent: Extent) -> String {
    let local = match extent {
        Extent::Transaction => "LOCAL ",
        Extent::Session => "",
    };
    match time.as_millis() {
        0 => format!("SET {local}{setting} = 0"),
        whole if whole % 1000 == 0 => format!("SET {local}{setting} = '{}s'", whole / 1000),
        milliseconds => format!("SET {local}{setting} = '{milliseconds}ms'"),
    }
}

impl Dialect for Postgres {
    fn lexis(&self) -> &'static Lexis {
        &LEXIS
    }

    fn quote_name(&self, name: &str) -> String {
        doubled(name, '"')
    }

    // A revision may have switched standard_conforming_strings; E'' means the same either way. The server looks for the
    // body of a function in the whole message to say where an error in it is, and gives up when it stands there twice: the
    // text of a file, on its way into the books, must not look like one.
    fn quote_text(&self, text: &str) -> String {
        let text = text.replace('\0', "");
        if text.contains(['\\', '$']) {
            let text = text.replace('\\', "\\\\").replace('$', "\\x24");
            format!("E{}", doubled(&text, '\''))
        } else {
            doubled(&text, '\'')
        }
    }

    fn begin(&self) -> &'static str {
        "BEGIN"
    }

    // Not now(): that is the moment at which the transaction began.
    fn read_only(&self) -> Option<(&'static str, &'static str)> {
        Some(("BEGIN READ ONLY", "COMMIT"))
    }

    fn now(&self) -> &'static str {
        "clock_timestamp()"
    }

    fn elapsed_ms(&self, column: &str) -> String {
        format!("round(extract(epoch FROM clock_timestamp() - {column}) * 1000)")
    }

    fn database_user(&self) -> &'static str {
        "session_user"
    }

    fn moment_as_text(&self, column: &str) -> String {
        format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')")
    }

    // Not DISCARD ALL: that would give limbeck's advisory lock back.
    fn reset_session(&self, _database: Option<&str>, search_path: Option<&str>) -> Vec<String> {
        let mut statements =
            vec!["RESET SESSION AUTHORIZATION".to_owned(), "RESET ROLE".to_owned(), "RESET ALL".to_owned()];
        statements.extend(search_path.map(|schema| format!("SET search_path = {}", self.quote_name(schema))));
        statements
    }

    // Whatever it is and is called. https://www.postgresql.org/docs/current/sql-discard.html
    fn discard(&self, _leftover: &Leftover) -> Option<Discard> {
        Some(Discard::always("DISCARD TEMP"))
    }

    // https://www.postgresql.org/docs/current/catalog-pg-class.html
    fn presence(&self, object: &Object) -> String {
        let last = object.name.last().map(String::as_str).unwrap_or_default();
        let own = self.quote_text(last);
        let of_table = || object.table.as_deref().map(|table| self.relation(table));
        let found = match object.kind {
            Kind::Table | Kind::View | Kind::Index => {
                let kinds = match object.kind {
                    Kind::Table => "'r', 'p', 'f'",
                    Kind::View => "'v', 'm'",
                    _ => "'i', 'I'",
                };
                format!(
                    "FROM pg_class WHERE oid = {} AND relkind IN ({kinds})",
                    self.relation(&object.path())
                )
            }
            Kind::Column => format!(
                "FROM pg_attribute WHERE attrelid = {} AND attname = {own} AND NOT attisdropped",
                of_table().unwrap_or_else(|| "NULL".to_owned())
            ),
            Kind::Constraint => match of_table() {
                Some(table) => format!("FROM pg_constraint WHERE conname = {own} AND conrelid = {table}"),
                None => format!(
                    "FROM pg_constraint WHERE conname = {own} \
                     AND connamespace = ANY (current_schemas(false)::regnamespace[])"
                ),
            },
        };
        format!("SELECT EXISTS (SELECT 1 {found})")
    }

    fn quick(&self) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }

    fn orphan_checks(&self) -> Option<OrphanChecks> {
        None
    }

    fn lock_wait(&self) -> Duration {
        Duration::from_secs(2)
    }

    // https://www.postgresql.org/docs/current/runtime-config-client.html
    fn limit_waiting(&self, wait: Duration, extent: Extent) -> Option<String> {
        Some(set("lock_timeout", wait, extent))
    }

    fn begin_waits(&self) -> bool {
        false
    }

    fn limit_running(&self, _server: &Server, time: Duration, extent: Extent) -> Option<String> {
        Some(set("statement_timeout", time, extent))
    }

    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    fn obstacle(&self, code: &str) -> Option<Obstacle> {
        match code {
            "55P03" => Some(Obstacle::Lock),
            "40P01" => Some(Obstacle::Deadlock),
            "40001" => Some(Obstacle::Serialization),
            _ => None,
        }
    }

    fn is_duplicate(&self, code: &str) -> bool {
        code == "23505"
    }

    fn as_itself(&self) -> &'static [&'static str] {
        &["SET LOCAL SESSION AUTHORIZATION DEFAULT", "SET LOCAL ROLE NONE", "SET LOCAL statement_timeout = 0"]
    }

    fn is_cancelled(&self, code: &str) -> bool {
        code == "57014"
    }

    // Not what they run: it may hold a secret.
    fn blockers(&self, _server: &Server, connection: u64) -> Vec<String> {
        vec![format!(
            "SELECT 'pid ' || a.pid || coalesce(', ' || nullif(a.application_name, ''), '') \
             || coalesce(', ' || a.usename, '') || coalesce(' from ' || host(a.client_addr), '') \
             || coalesce(', ' || a.state, '') \
             || coalesce(', in its transaction since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC', '') \
             FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids({connection})) ORDER BY a.xact_start LIMIT 5"
        )]
    }

    fn cancel(&self, connection: u64) -> Option<String> {
        Some(format!("SELECT pg_cancel_backend({connection})"))
    }

    // https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    fn unusable_index(&self, index: &Object) -> Option<String> {
        Some(format!(
            "SELECT 1 FROM pg_index WHERE indexrelid = {} AND NOT indisvalid",
            self.relation(&index.path())
        ))
    }

    fn client(&self) -> &'static str {
        "psql -v ON_ERROR_STOP=1 -f SCRIPT"
    }

    fn scratch(&self, name: &str, schema: Option<&str>) -> Option<Scratch> {
        let name = self.quote_name(name);
        let schema = schema.map(|schema| self.quote_name(schema));
        Some(Scratch {
            make: format!("CREATE DATABASE {name}"),
            furnish: schema.map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {schema}")),
            drop: format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        })
    }

    // Roles, databases and tablespaces are the server's: https://www.postgresql.org/docs/current/manage-ag-overview.html
    fn server_wide(&self) -> &'static [&'static str] {
        &[
            "CREATE|ALTER|DROP ROLE|USER|GROUP|DATABASE|TABLESPACE|SUBSCRIPTION",
            "ALTER SYSTEM",
            "COMMENT ON ROLE|DATABASE|TABLESPACE",
            "REASSIGN OWNED",
            "DROP OWNED",
        ]
    }

    // https://www.postgresql.org/docs/current/manage-ag-templatedbs.html: `postgres` is there to connect to, and may be
    // dropped; `template1` may not. Two at once: 42P04, or 23505 from the index of the catalogue.
    fn new_database(&self, name: &str) -> Option<NewDatabase> {
        Some(NewDatabase {
            from: &[Some("postgres"), Some("template1")],
            exists: format!("SELECT 1 FROM pg_database WHERE datname = {}", self.quote_text(name)),
            create: format!("CREATE DATABASE {}", self.quote_name(name)),
            made: &["42P04", "23505"],
        })
    }

    fn book_types(&self) -> &'static BookTypes {
        &BookTypes {
            key: |length| format!("varchar({length})"),
            text: "text",
            integer: "bigint",
            moment: "timestamptz",
            serial: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            options: "",
        }
    }
}
