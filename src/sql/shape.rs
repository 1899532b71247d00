//! Statement → what it does, and to what: as much as can be told from its first words.

use std::str::Split;

use super::lexis::Lexis;
use super::words::Words;

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The verb.
    pub act: Act,
    /// The table, index, view … it acts on, unquoted, with its schema if that is given. For a pragma, its name in small
    /// letters.
    pub object: Option<String>,
    /// The table that an index or a trigger belongs to, where the statement names it.
    pub on: Option<String>,
    /// Why it cannot run inside a transaction, in one short sentence.
    pub outside: Option<&'static str>,
}

/// The verb of a statement, as far as a planner cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Starts a transaction.
    Begin,
    /// Ends a transaction and keeps its work.
    Commit,
    /// Ends a transaction and drops its work.
    Rollback,
    /// Sets, releases or returns to a point inside a transaction.
    Savepoint,
    /// Locks tables.
    LockTables,
    /// Unlocks tables.
    UnlockTables,
    /// Reads or sets a pragma.
    Pragma,
    /// Creates an object.
    Create(ObjectKind),
    /// Alters an object.
    Alter(ObjectKind),
    /// Drops an object.
    Drop(ObjectKind),
    /// Renames tables (`RENAME TABLE`; `ALTER TABLE … RENAME` is an `Alter`).
    Rename,
    /// Empties a table.
    Truncate,
    /// Adds rows, also by `REPLACE`, `LOAD DATA` and `COPY … FROM`.
    Insert,
    /// Changes rows, also by `MERGE`.
    Update,
    /// Deletes rows.
    Delete,
    /// Reads.
    Query,
    /// Changes settings.
    Set,
    /// Anything else.
    Other,
}

/// The kind of object that is created, altered or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A table, virtual and foreign ones included.
    Table,
    /// An index.
    Index,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A trigger.
    Trigger,
    /// A function.
    Function,
    /// A procedure.
    Procedure,
    /// A type.
    Type,
    /// A domain.
    Domain,
    /// A sequence.
    Sequence,
    /// A schema.
    Schema,
    /// An extension.
    Extension,
    /// A database.
    Database,
    /// A scheduled event.
    Event,
    /// Anything else; such statements have no `object`.
    Other,
}

/// Returns what `statement` does. Whatever is not understood is `Other`.
pub fn shape(lexis: &Lexis, statement: &str) -> Shape {
    let words = Words::new(lexis, statement);
    Shape { outside: outside(lexis, words.clone()), ..verb(words, 0) }
}

/// Looks for a rule that keeps the statement out of a transaction.
fn outside(lexis: &Lexis, mut words: Words<'_>) -> Option<&'static str> {
    let first = words.next()?;
    let rule = lexis.outside.iter().find(|rule| {
        let mut pattern = rule.pattern.split(' ');
        pattern.next().is_some_and(|part| first.is_any_of(part)) && matches(pattern, words.clone())
    });
    rule.map(|rule| rule.reason)
}

/// Says whether the words begin as the rest of a pattern says; see `OutsideRule::pattern`.
fn matches(mut pattern: Split<'_, char>, mut words: Words<'_>) -> bool {
    let Some(part) = pattern.next() else {
        return true;
    };
    if part == ".." {
        loop {
            if matches(pattern.clone(), words.clone()) {
                return true;
            }
            if words.next().is_none() {
                return false;
            }
        }
    }
    if part == "$" {
        return words.next().is_none();
    }
    if let Some(part) = part.strip_suffix('?') {
        words.accept(part);
        return matches(pattern, words);
    }
    words.accept(part) && matches(pattern, words)
}

/// How many `WITH` and `EXPLAIN` are looked through, one inside the other.
const DEEPEST: usize = 8;

fn verb(mut words: Words<'_>, depth: usize) -> Shape {
    if depth > DEEPEST {
        return Act::Other.into();
    }
    while words.accept("(") {}
    let mut buffer = [0; 16];
    match words.keyword(&mut buffer) {
        "BEGIN" if words.accept("NOT") => Act::Other.into(),
        "BEGIN" => Act::Begin.into(),
        "START" if words.accept("TRANSACTION") => Act::Begin.into(),
        "COMMIT" | "ROLLBACK" if words.accept("PREPARED") => Act::Other.into(),
        // PREPARE TRANSACTION, too, ends the transaction of the session.
        "PREPARE" if words.accept("TRANSACTION") => Act::Commit.into(),
        "COMMIT" | "END" => Act::Commit.into(),
        "ABORT" => Act::Rollback.into(),
        "ROLLBACK" => {
            words.accept("WORK|TRANSACTION");
            if words.accept("TO") { Act::Savepoint.into() } else { Act::Rollback.into() }
        }
        "SAVEPOINT" | "RELEASE" => Act::Savepoint.into(),
        "LOCK" if words.accept("INSTANCE") => Act::Other.into(),
        "LOCK" => {
            words.accept("TABLE|TABLES");
            words.accept("ONLY");
            named(Act::LockTables, words)
        }
        "UNLOCK" if words.accept("TABLE|TABLES") => Act::UnlockTables.into(),
        "PRAGMA" => pragma(words),
        "CREATE" => definition(Act::Create, words),
        "ALTER" => definition(Act::Alter, words),
        "DROP" => definition(Act::Drop, words),
        "RENAME" if words.accept("TABLE|TABLES") => existing(Act::Rename, words),
        "TRUNCATE" => {
            words.accept("TABLE");
            existing(Act::Truncate, words)
        }
        "INSERT" | "REPLACE" => {
            words.skip_any("LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE");
            skip_conflict_clause(&mut words);
            words.accept("INTO|OVERWRITE");
            words.accept("TABLE");
            named(Act::Insert, words)
        }
        "UPDATE" => {
            words.skip_any("LOW_PRIORITY|IGNORE");
            skip_conflict_clause(&mut words);
            existing(Act::Update, words)
        }
        "DELETE" => {
            words.skip_any("LOW_PRIORITY|QUICK|IGNORE");
            words.accept("FROM");
            existing(Act::Delete, words)
        }
        "MERGE" => {
            words.accept("INTO");
            existing(Act::Update, words)
        }
        "LOAD" if words.skip_past("INTO") && words.accept("TABLE") => named(Act::Insert, words),
        "COPY" => copy(words),
        "REFRESH" if words.accept("MATERIALIZED") && words.accept("VIEW") => {
            words.accept("CONCURRENTLY");
            named(Act::Other, words)
        }
        "WITH" => with(words, depth + 1),
        "EXPLAIN" => explain(words, depth + 1),
        "SELECT" | "VALUES" | "SHOW" | "TABLE" | "DESCRIBE" | "DESC" => Act::Query.into(),
        "SET" | "RESET" => Act::Set.into(),
        _ => Act::Other.into(),
    }
}

impl From<Act> for Shape {
    fn from(act: Act) -> Self {
        Self { act, object: None, on: None, outside: None }
    }
}

fn named(act: Act, mut words: Words<'_>) -> Shape {
    Shape { object: words.name(), ..act.into() }
}

/// The name of an object that should be there already, behind what may stand in front of it.
fn existing(act: Act, mut words: Words<'_>) -> Shape {
    words.skip_any("IF|EXISTS");
    words.accept("ONLY");
    named(act, words)
}

/// `OR REPLACE`, `OR IGNORE` …
fn skip_conflict_clause(words: &mut Words<'_>) {
    if words.accept("OR") {
        words.next();
    }
}

fn pragma(mut words: Words<'_>) -> Shape {
    let name = words.name().unwrap_or_default().to_ascii_lowercase();
    let object = name.rsplit('.').next().filter(|name| !name.is_empty()).map(str::to_owned);
    Shape { object, ..Act::Pragma.into() }
}

fn copy(mut words: Words<'_>) -> Shape {
    let object = words.name();
    words.skip_parentheses();
    if words.accept("FROM") { Shape { object, ..Act::Insert.into() } } else { Act::Query.into() }
}

/// Looks through `WITH`: to a change of rows in one of its queries, else to the verb behind them.
fn with(mut words: Words<'_>, depth: usize) -> Shape {
    const CHANGES: &str = "INSERT|UPDATE|DELETE|MERGE|REPLACE";
    words.accept("RECURSIVE");
    while words.name().is_some() {
        words.skip_parentheses();
        words.accept("AS");
        words.accept("NOT");
        words.accept("MATERIALIZED");
        let mut query = words.clone();
        if query.accept("(") && (query.at_any(CHANGES) || query.at_any("WITH")) {
            let inner = verb(query, depth);
            if inner.act != Act::Query {
                return inner;
            }
        }
        words.skip_parentheses();
        // SEARCH … SET name, CYCLE … SET name
        while !words.at_any(",|SELECT|VALUES|TABLE|(") && !words.at_any(CHANGES) {
            if words.next().is_none() {
                return Act::Other.into();
            }
        }
        if !words.accept(",") {
            break;
        }
    }
    verb(words, depth)
}

/// `EXPLAIN` reads, but `EXPLAIN ANALYZE` does what it explains.
fn explain(mut words: Words<'_>, depth: usize) -> Shape {
    let mut options = words.clone();
    let analyze = if words.skip_parentheses() {
        let mut depth = 0_usize;
        options
            .by_ref()
            .take_while(|word| word.closes(&mut depth))
            .any(|word| word.is_any_of("ANALYZE|ANALYSE"))
    } else {
        words.accept("ANALYZE|ANALYSE")
    };
    words.accept("VERBOSE");
    if analyze { verb(words, depth) } else { Act::Query.into() }
}

fn definition(act: fn(ObjectKind) -> Act, mut words: Words<'_>) -> Shape {
    let mut materialized = false;
    let kind = loop {
        let mut buffer = [0; 16];
        break match words.keyword(&mut buffer) {
            "OR" | "REPLACE" | "TEMP" | "TEMPORARY" | "GLOBAL" | "LOCAL" | "UNLOGGED" | "UNIQUE"
            | "FULLTEXT" | "SPATIAL" | "VIRTUAL" | "RECURSIVE" | "FOREIGN" | "CONSTRAINT" | "AGGREGATE"
            | "ONLINE" | "OFFLINE" | "IGNORE" => continue,
            "MATERIALIZED" => {
                materialized = true;
                continue;
            }
            "ALGORITHM" | "DEFINER" => {
                words.skip_setting();
                continue;
            }
            "SQL" if words.accept("SECURITY") => {
                words.next();
                continue;
            }
            "EVENT" if words.accept("TRIGGER") => ObjectKind::Trigger,
            "TABLE" => ObjectKind::Table,
            "INDEX" => ObjectKind::Index,
            "VIEW" if materialized => ObjectKind::MaterializedView,
            "VIEW" => ObjectKind::View,
            "TRIGGER" => ObjectKind::Trigger,
            "FUNCTION" => ObjectKind::Function,
            "PROCEDURE" => ObjectKind::Procedure,
            "TYPE" => ObjectKind::Type,
            "DOMAIN" => ObjectKind::Domain,
            "SEQUENCE" => ObjectKind::Sequence,
            "SCHEMA" => ObjectKind::Schema,
            "EXTENSION" => ObjectKind::Extension,
            "DATABASE" => ObjectKind::Database,
            "EVENT" => ObjectKind::Event,
            _ => return act(ObjectKind::Other).into(),
        };
    };
    words.accept("CONCURRENTLY");
    if words.accept("IF") {
        words.skip_any("NOT|EXISTS");
    }
    words.accept("ONLY");
    // An index may be created without a name, and a schema may be named after its owner.
    let object = if words.at_any("ON|AUTHORIZATION") { None } else { words.name() };
    let on = match kind {
        ObjectKind::Index | ObjectKind::Trigger => words.table_behind_on(),
        _ => None,
    };
    Shape { object, on, ..act(kind).into() }
}
