//! What is particular to PostgreSQL.

use super::{BookTypes, Dialect, doubled};
use crate::sql::lexis::{
    Backslash, Backtick, BlockComment, Bracket, Client, ClientCommand, CompoundBody, DelimiterLine, Dollar,
    DoubleQuote, ExecutableComment, Hash, Hint, Hyphens, InlineCopy, Lexis, LineEnd, OpenComment,
    OutsideRule, Parenthesis,
};

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

impl Dialect for Postgres {
    fn lexis(&self) -> &'static Lexis {
        &LEXIS
    }

    fn quote_name(&self, name: &str) -> String {
        doubled(name, '"')
    }

    // A revision may have switched standard_conforming_strings; E'' means the same either way.
    fn quote_text(&self, text: &str) -> String {
        let text = text.replace('\0', "");
        if text.contains('\\') {
            format!("E{}", doubled(&text.replace('\\', "\\\\"), '\''))
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

    fn client(&self) -> &'static str {
        "psql -v ON_ERROR_STOP=1 -f SCRIPT"
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
