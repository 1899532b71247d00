//! What is particular to MySQL and MariaDB.

use super::{BookTypes, Dialect, doubled};
use crate::sql::lexis::{
    Backslash, Backtick, BlockComment, Bracket, Client, ClientCommand, CompoundBody, DelimiterLine, Dollar,
    DoubleQuote, ExecutableComment, Hash, Hint, Hyphens, InlineCopy, Lexis, LineEnd, OpenComment,
    Parenthesis,
};

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

    fn client(&self) -> &'static str {
        "mysql DATABASE < SCRIPT (without --force)"
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
