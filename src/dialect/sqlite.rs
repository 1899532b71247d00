//! What is particular to SQLite.

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

/// What SQLite's SQL looks like.
const LEXIS: Lexis = Lexis {
    hyphens: Hyphens::Always,
    hash: Hash::Symbol,
    line_end: LineEnd::Feed,
    block_comment: BlockComment::Flat,
    open_comment: OpenComment::RunsToEnd,
    hint: Hint::Comment,
    executable_comment: ExecutableComment::Comment,
    backslash: Backslash::Literal,
    dollar: Dollar::Word,
    double_quote: DoubleQuote::Identifier,
    backtick: Backtick::Identifier,
    bracket: Bracket::Identifier,
    parenthesis: Parenthesis::Transparent,
    body: CompoundBody::Trigger,
    delimiter: DelimiterLine::Unknown,
    client: Client { name: "sqlite3", command: ClientCommand::DotLine },
    copy: InlineCopy::Unknown,
    name_case: NameCase::AsWritten,
    outside: &[
        OutsideRule { pattern: "VACUUM", reason: "VACUUM cannot run inside a transaction" },
        OutsideRule { pattern: "ATTACH", reason: "ATTACH is meant to run outside a transaction" },
        OutsideRule { pattern: "DETACH", reason: "DETACH cannot run inside a transaction" },
        OutsideRule {
            pattern: "PRAGMA .. FOREIGN_KEYS =|(",
            reason: "PRAGMA foreign_keys is silently ignored inside a transaction",
        },
        OutsideRule {
            pattern: "PRAGMA .. JOURNAL_MODE =|(",
            reason: "PRAGMA journal_mode cannot change inside a transaction",
        },
        OutsideRule {
            pattern: "PRAGMA .. SYNCHRONOUS =|(",
            reason: "PRAGMA synchronous cannot change inside a transaction",
        },
        OutsideRule {
            pattern: "PRAGMA .. PAGE_SIZE|AUTO_VACUUM|ENCODING =|(",
            reason: "this pragma is silently ignored inside a transaction",
        },
    ],
};

/// SQLite.
pub(super) struct Sqlite;

impl Dialect for Sqlite {
    fn lexis(&self) -> &'static Lexis {
        &LEXIS
    }

    fn quote_name(&self, name: &str) -> String {
        doubled(name, '"')
    }

    fn quote_text(&self, text: &str) -> String {
        // SQLite's own functions end a text at NUL; a statement cannot hold one at all.
        doubled(&text.replace('\0', ""), '\'')
    }

    // IMMEDIATE takes the write lock at once, where the busy timeout still applies: a deferred transaction that reads
    // first and writes later fails without waiting. https://www.sqlite.org/lang_transaction.html
    fn begin(&self) -> &'static str {
        "BEGIN IMMEDIATE"
    }

    fn read_only(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    fn now(&self) -> &'static str {
        "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    }

    fn elapsed_ms(&self, column: &str) -> String {
        format!("CAST(round((julianday('now') - julianday({column})) * 86400000) AS INTEGER)")
    }

    fn database_user(&self) -> &'static str {
        "NULL"
    }

    fn moment_as_text(&self, column: &str) -> String {
        column.to_owned()
    }

    // The pragmas that change what a later statement does or checks, at their defaults.
    // https://www.sqlite.org/pragma.html
    fn reset_session(&self, _database: Option<&str>, _search_path: Option<&str>) -> Vec<String> {
        ["foreign_keys", "legacy_alter_table", "ignore_check_constraints", "query_only"]
            .map(|pragma| format!("PRAGMA {pragma} = OFF"))
            .to_vec()
    }

    // https://www.sqlite.org/lang_naming.html: what is temporary lies in the schema `temp`.
    fn discard(&self, leftover: &Leftover) -> Option<Discard> {
        match leftover {
            Leftover::Temporary { kind, name } => {
                let name = self.quote_name(name.last()?);
                Some(Discard::always(format!("DROP {kind} IF EXISTS temp.{name}")))
            }
            Leftover::Hidden => None,
            Leftover::Attached(name) => Some(Discard {
                statement: format!("DETACH {}", self.quote_name(name)),
                found: Some(format!(
                    "SELECT 1 FROM pragma_database_list WHERE name = {} COLLATE NOCASE",
                    self.quote_text(name)
                )),
            }),
        }
    }

    // https://www.sqlite.org/schematab.html. SQLite compares names without regard to case.
    fn presence(&self, object: &Object) -> String {
        let own = self.quote_text(object.name.last().map(String::as_str).unwrap_or_default());
        let schema = |path: &[String]| match path {
            [.., schema, _] => schema.clone(),
            _ => "main".to_owned(),
        };
        let table = object.table.as_deref().unwrap_or_default();
        let table_name = self.quote_text(table.last().map(String::as_str).unwrap_or_default());
        let master = |path: &[String]| format!("{}.sqlite_master", self.quote_name(&schema(path)));
        let found = match object.kind {
            Kind::Table | Kind::View | Kind::Index => {
                let kind = object.kind.name();
                format!("{} WHERE type = '{kind}' AND name = {own} COLLATE NOCASE", master(&object.name))
            }
            Kind::Column => format!(
                "pragma_table_xinfo({table_name}, {}) WHERE name = {own} COLLATE NOCASE",
                self.quote_text(&schema(table))
            ),
            // The catalogue has no constraints, only the text of their table.
            Kind::Constraint => {
                let of_table = match table {
                    [] => String::new(),
                    _ => format!(" AND name = {table_name} COLLATE NOCASE"),
                };
                let bare = |text: &str| {
                    let quotes =
                        ["\"", "`", "[", "]"].iter().fold(format!("lower({text})"), |text, quote| {
                            format!("replace({text}, '{quote}', '')")
                        });
                    format!("replace(replace({quotes}, char(10), ' '), '  ', ' ')")
                };
                format!(
                    "{} WHERE type = 'table'{of_table} AND instr({}, 'constraint ' || lower({own}) || ' ') > 0",
                    master(table),
                    bare("sql")
                )
            }
        };
        format!("SELECT EXISTS (SELECT 1 FROM {found})")
    }

    fn quick(&self) -> Option<Duration> {
        None
    }

    fn orphan_checks(&self) -> Option<OrphanChecks> {
        Some(OrphanChecks {
            pragma: "foreign_keys",
            read_back: "PRAGMA foreign_keys",
            count: "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2",
        })
    }

    fn lock_wait(&self) -> Duration {
        Duration::from_secs(5)
    }

    // What a connection of limbeck's begins with need not be said. https://www.sqlite.org/pragma.html#pragma_busy_timeout
    fn limit_waiting(&self, wait: Duration, _extent: Extent) -> Option<String> {
        let milliseconds = match wait.as_millis() {
            0 => i32::MAX.unsigned_abs().into(),
            milliseconds => milliseconds,
        };
        (wait != self.lock_wait()).then(|| format!("PRAGMA busy_timeout = {milliseconds}"))
    }

    fn begin_waits(&self) -> bool {
        true
    }

    fn limit_running(&self, _server: &Server, _time: Duration, _extent: Extent) -> Option<String> {
        None
    }

    // SQLITE_BUSY and its kin, extended codes included. https://www.sqlite.org/rescode.html#busy
    fn obstacle(&self, code: &str) -> Option<Obstacle> {
        match code.parse::<u32>().ok()? & 0xff {
            5 => Some(Obstacle::Lock),
            _ => None,
        }
    }

    // SQLITE_INTERRUPT
    fn is_duplicate(&self, code: &str) -> bool {
        matches!(code, "1555" | "2067")
    }

    fn as_itself(&self) -> &'static [&'static str] {
        &["PRAGMA query_only = OFF"]
    }

    fn is_cancelled(&self, code: &str) -> bool {
        code == "9"
    }

    fn blockers(&self, _server: &Server, _connection: u64) -> Vec<String> {
        Vec::new()
    }

    fn cancel(&self, _connection: u64) -> Option<String> {
        None
    }

    fn unusable_index(&self, _index: &Object) -> Option<String> {
        None
    }

    fn client(&self) -> &'static str {
        "sqlite3 -bail FILE < SCRIPT"
    }

    fn scratch(&self, _name: &str, _schema: Option<&str>) -> Option<Scratch> {
        None
    }

    fn server_wide(&self) -> &'static [&'static str] {
        &["ATTACH", "VACUUM INTO"]
    }

    fn new_database(&self, _name: &str) -> Option<NewDatabase> {
        None
    }

    fn book_types(&self) -> &'static BookTypes {
        &BookTypes {
            key: |_| "TEXT".to_owned(),
            text: "TEXT",
            integer: "INTEGER",
            moment: "TEXT",
            serial: "INTEGER PRIMARY KEY AUTOINCREMENT",
            options: "",
        }
    }
}
