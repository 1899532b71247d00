//! What is particular to SQLite.

use super::{BookTypes, Dialect, doubled};
use crate::sql::lexis::{
    Backslash, Backtick, BlockComment, Bracket, Client, ClientCommand, CompoundBody, DelimiterLine, Dollar,
    DoubleQuote, ExecutableComment, Hash, Hint, Hyphens, InlineCopy, Lexis, LineEnd, OpenComment,
    OutsideRule, Parenthesis,
};

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
        ["foreign_keys", "legacy_alter_table", "ignore_check_constraints"]
            .map(|pragma| format!("PRAGMA {pragma} = OFF"))
            .to_vec()
    }

    fn client(&self) -> &'static str {
        "sqlite3 -bail FILE < SCRIPT"
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
