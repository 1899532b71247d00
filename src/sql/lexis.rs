//! What a dialect's SQL looks like, as data.

/// Everything the lexer, the splitter and the recogniser have to know about a dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexis {
    /// What two hyphens need to start a comment.
    pub hyphens: Hyphens,
    /// What `#` is.
    pub hash: Hash,
    /// Where a line comment ends.
    pub line_end: LineEnd,
    /// Whether `/* */` nest.
    pub block_comment: BlockComment,
    /// What a `/*` means that is never closed.
    pub open_comment: OpenComment,
    /// What `/*+ */` is.
    pub hint: Hint,
    /// What `/*! */` and `/*M! */` are.
    pub executable_comment: ExecutableComment,
    /// Which strings a backslash escapes in.
    pub backslash: Backslash,
    /// What `$` starts.
    pub dollar: Dollar,
    /// What `"…"` holds.
    pub double_quote: DoubleQuote,
    /// What a backtick is.
    pub backtick: Backtick,
    /// What `[` is.
    pub bracket: Bracket,
    /// What a `;` between parentheses does.
    pub parenthesis: Parenthesis,
    /// Which statements have a body with `;` in it.
    pub body: CompoundBody,
    /// Whether a `DELIMITER` line changes the delimiter.
    pub delimiter: DelimiterLine,
    /// The command-line client whose own commands may stray into a script.
    pub client: Client,
    /// Whether rows may follow `COPY … FROM STDIN`.
    pub copy: InlineCopy,
    /// What an unquoted name means in the catalogue.
    pub name_case: NameCase,
    /// The statements that cannot run inside a transaction.
    pub outside: &'static [OutsideRule],
}

/// What an unquoted name means in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameCase {
    /// The same in small letters.
    Small,
    /// What is written.
    AsWritten,
}

/// What two hyphens need to start a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hyphens {
    /// Nothing: `5--1` ends in a comment.
    Always,
    /// White space, a control character or the end of the text after them: `5--1` is 6.
    BeforeSpace,
}

/// What `#` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// The start of a line comment.
    Comment,
    /// An operator.
    Symbol,
}

/// Where a line comment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// At a line feed only.
    Feed,
    /// At a line feed or a carriage return.
    FeedOrReturn,
}

/// Whether block comments nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockComment {
    /// The first `*/` ends the comment.
    Flat,
    /// Each `/*` inside needs its own `*/`.
    Nested,
}

/// What a block comment means that is never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenComment {
    /// A mistake.
    Refused,
    /// A comment up to the end of the text.
    RunsToEnd,
}

/// What `/*+ */` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A hint to the optimizer: dropping it changes what the statement does.
    Counts,
    /// A comment like any other.
    Comment,
}

/// What `/*! */` and `/*M! */` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutableComment {
    /// Code, run by the servers whose version fits.
    Code,
    /// Comments like any other.
    Comment,
}

/// Which strings a backslash escapes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backslash {
    /// In none.
    Literal,
    /// In all.
    Escapes,
    /// In `E'…'` only, and in the strings that continue it on later lines.
    EscapesAfterE,
}

/// What `$` starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dollar {
    /// A quote, as in `$$…$$` and `$tag$…$tag$`.
    Quote,
    /// A word.
    Word,
}

/// What `"…"` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubleQuote {
    /// An identifier.
    Identifier,
    /// A string.
    Text,
}

/// What a backtick is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backtick {
    /// The quote around an identifier.
    Identifier,
    /// An operator.
    Symbol,
}

/// What `[` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bracket {
    /// The quote that opens an identifier, closed by `]`.
    Identifier,
    /// An operator.
    Symbol,
}

/// What a `;` between parentheses does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parenthesis {
    /// Belongs to the statement, as in `CREATE RULE … DO ALSO (a; b)`.
    HoldsSemicolon,
    /// Ends the statement as anywhere else.
    Transparent,
}

/// Which statements have a body with `;` in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompoundBody {
    /// `CREATE FUNCTION` and `CREATE PROCEDURE`, between `BEGIN ATOMIC` and `END`.
    Atomic,
    /// `CREATE TRIGGER`, up to the `END` that directly follows a `;`.
    Trigger,
    /// Stored procedures, functions, triggers and events, and `BEGIN NOT ATOMIC`, with their whole control flow.
    Routine,
}

/// Whether a `DELIMITER` line changes the delimiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelimiterLine {
    /// It does, and is itself never sent.
    Honoured,
    /// The word means nothing.
    Unknown,
}

/// A command-line client whose own commands may stray into a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// What the program is called.
    pub name: &'static str,
    /// What its commands look like.
    pub command: ClientCommand,
}

/// What the commands of a command-line client look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCommand {
    /// A backslash anywhere outside quotes.
    Backslash,
    /// A backslash anywhere outside quotes, but for `\N`, which is a way to write NULL.
    BackslashExceptNull,
    /// A dot at the start of a line on which a statement could begin.
    DotLine,
}

/// Whether rows may follow `COPY … FROM STDIN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InlineCopy {
    /// They may, but they are not SQL: the script has to be refused.
    Refused,
    /// There is no such statement.
    Unknown,
}

/// A kind of statement that cannot run inside a transaction, or does nothing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideRule {
    /// How the statement begins: words in capitals and symbols, separated by blanks.
    ///
    /// `A|B` is either, `A?` may be missing, `..` is anything or nothing, a final `$` is the end of the statement. Quoted
    /// names never match a word.
    pub pattern: &'static str,
    /// Why, in one short sentence.
    pub reason: &'static str,
}
