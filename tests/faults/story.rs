//! The chain that the faults happen to: revisions of every kind, and for each statement how to see its effect.

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

/// A statement of a revision, the statement that takes it back, and how its effect shows.
pub struct Statement {
    pub up: String,
    pub down: String,
    pub effect: Option<Effect>,
}

impl Statement {
    /// Whether the books count it in one transaction with its effect, the way it runs: then no fault comes in between.
    pub fn is_counted_with_its_effect(&self, engine: Engine, down: bool) -> bool {
        let sql = if down { &self.down } else { &self.up };
        if engine.rolls_ddl_back() {
            !sql.contains("CONCURRENTLY")
        } else {
            ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| sql.starts_with(verb))
        }
    }
}

/// How the effect of a statement shows.
pub enum Effect {
    /// An object of the catalogue: `table t`, `column t.c`, `index i`, `view v`.
    Object(String),
    /// A query that answers 0 or 1; anything else is a statement that ran twice, or by half. Before the object is there,
    /// it is 0.
    Count { needs: String, query: String },
}

/// How a revision's statements hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In limbeck's transaction.
    Wrapped,
    /// In a transaction of the file's own.
    Own,
    /// Each for itself.
    Each,
}

/// One revision.
pub struct Chapter {
    pub id: String,
    pub revises: String,
    pub mode: Mode,
    pub statements: Vec<Statement>,
    /// The way down, where it is not the statements' own in reverse.
    down: Option<Vec<String>>,
}

impl Chapter {
    /// Whether it is there as a whole or not at all.
    pub fn atomic(&self, engine: Engine) -> bool {
        engine.rolls_ddl_back() && self.mode != Mode::Each
    }

    fn sections(&self) -> String {
        let directive = if self.mode == Mode::Each { "-- limbeck:no-transaction\n" } else { "" };
        let up: Vec<&str> = self.statements.iter().map(|statement| statement.up.as_str()).collect();
        let down: Vec<&str> = match &self.down {
            Some(down) => down.iter().map(String::as_str).collect(),
            None => self.statements.iter().rev().map(|statement| statement.down.as_str()).collect(),
        };
        format!(
            "-- limbeck:upgrade\n{directive}{};\n\n-- limbeck:downgrade\n{directive}{};\n",
            up.join(";\n"),
            down.join(";\n")
        )
    }
}

/// The chain.
pub struct Story {
    pub engine: Engine,
    pub chapters: Vec<Chapter>,
}

impl Story {
    /// All kinds of revisions, with a branch and a merge among them.
    pub fn whole(engine: Engine) -> Self {
        let mut story = Self { engine, chapters: Vec::new() };
        story.add(Mode::Wrapped, tables(engine, 1));
        story.add(Mode::Wrapped, family());
        story.add(Mode::Each, definitions(engine, 3));
        story.add(Mode::Each, rows(4));
        story.rebuild(5);
        story.add(Mode::Own, own(engine, 6));
        story.add(Mode::Each, definitions(engine, 7));
        story.add(Mode::Wrapped, bulk(engine));
        story.add(Mode::Each, rows(9));
        story.add(Mode::Each, on_bulk(engine));
        story.add(Mode::Wrapped, tables(engine, 11));
        story.rebuild(12);
        story.add(Mode::Own, own(engine, 13));
        story.add(Mode::Each, rows(14));
        // Two revisions side by side, and one that joins them.
        story.chapters[7].revises = id(6);
        story.chapters[8].revises = format!("{}, {}", id(7), id(8));
        story
    }

    /// One of each kind.
    pub fn short(engine: Engine) -> Self {
        let mut story = Self { engine, chapters: Vec::new() };
        story.add(Mode::Wrapped, tables(engine, 1));
        story.add(Mode::Wrapped, family());
        story.add(Mode::Each, definitions(engine, 3));
        story.add(Mode::Each, rows(4));
        story.add(Mode::Own, own(engine, 5));
        story
    }

    /// What an empty database takes in one transaction, where the engine can.
    pub fn plain(engine: Engine) -> Self {
        let mut story = Self { engine, chapters: Vec::new() };
        for number in 1..=3 {
            story.add(Mode::Wrapped, tables(engine, number));
        }
        story
    }

    /// Two indexes that are built beside the traffic.
    pub fn concurrent(engine: Engine) -> Self {
        let mut story = Self { engine, chapters: Vec::new() };
        story.add(Mode::Wrapped, vec![table("parent", "id INT, name TEXT")]);
        story.add(Mode::Each, concurrent(2));
        story
    }

    /// A revision that waits at a gate in the middle of a chain; all of them make things and write no rows.
    pub fn gated(engine: Engine, mode: Mode, gate: &str) -> Self {
        let mut story = Self { engine, chapters: Vec::new() };
        story.add(Mode::Wrapped, vec![table("first", "a INT")]);
        story.add(
            mode,
            vec![
                table("second", "a INT"),
                statement(gate, "SELECT 1", None),
                table("third", "a INT"),
                index(engine, "third_a", "third", "a"),
            ],
        );
        story.add(Mode::Wrapped, vec![table("fourth", "a INT")]);
        story
    }

    fn add(&mut self, mode: Mode, statements: Vec<Statement>) {
        let number = self.chapters.len() + 1;
        let revises = if number == 1 { String::new() } else { id(number - 1) };
        self.chapters.push(Chapter { id: id(number), revises, mode, statements, down: None });
    }

    /// SQLite's rebuild of a table that others refer to; elsewhere what corresponds to it.
    fn rebuild(&mut self, number: usize) {
        match self.engine {
            Engine::Sqlite => {
                self.add(Mode::Wrapped, rebuild(number));
                let chapter = self.chapters.last_mut().expect("it was added");
                chapter.down = Some(rebuild_back(number));
            }
            Engine::PostgreSql => self.add(Mode::Each, concurrent(number)),
            Engine::MariaDb | Engine::MySql => self.add(
                Mode::Wrapped,
                vec![
                    column("parent", &format!("extra{number}")),
                    index(self.engine, &format!("parent_extra{number}"), "parent", &format!("extra{number}")),
                ],
            ),
        }
    }

    /// A project with these revisions.
    pub fn sandbox(&self, database: &Database) -> Sandbox {
        let mut sandbox = Sandbox::new(database);
        for chapter in &self.chapters {
            sandbox.revision(&chapter.id, &chapter.revises, &chapter.sections());
        }
        sandbox
    }

    pub fn chapter(&self, id: &str) -> &Chapter {
        self.chapters.iter().find(|chapter| chapter.id == id).unwrap_or_else(|| panic!("no revision {id}"))
    }
}

fn id(number: usize) -> String {
    format!("a{number:011}")
}

fn statement(up: impl Into<String>, down: impl Into<String>, effect: Option<Effect>) -> Statement {
    Statement { up: up.into(), down: down.into(), effect }
}

fn table(name: &str, columns: &str) -> Statement {
    let effect = Effect::Object(format!("table {name}"));
    statement(format!("CREATE TABLE {name} ({columns})"), format!("DROP TABLE {name}"), Some(effect))
}

fn column(table: &str, name: &str) -> Statement {
    let effect = Effect::Object(format!("column {table}.{name}"));
    statement(
        format!("ALTER TABLE {table} ADD COLUMN {name} INT"),
        format!("ALTER TABLE {table} DROP COLUMN {name}"),
        Some(effect),
    )
}

fn index(engine: Engine, name: &str, table: &str, columns: &str) -> Statement {
    let effect = Effect::Object(format!("index {name}"));
    let on = if engine.rolls_ddl_back() { String::new() } else { format!(" ON {table}") };
    statement(
        format!("CREATE INDEX {name} ON {table} ({columns})"),
        format!("DROP INDEX {name}{on}"),
        Some(effect),
    )
}

/// A row of `table` with this mark, of which there must never be two.
fn row(table: &str, mark: &str) -> Statement {
    let effect = Effect::Count {
        needs: format!("table {table}"),
        query: format!("SELECT count(*) FROM {table} WHERE mark = '{mark}'"),
    };
    statement(
        format!("INSERT INTO {table} (mark) VALUES ('{mark}')"),
        format!("DELETE FROM {table} WHERE mark = '{mark}'"),
        Some(effect),
    )
}

/// Counts the row of this mark up, which must never happen twice.
fn counted(table: &str, mark: &str) -> Statement {
    let effect = Effect::Count {
        needs: format!("table {table}"),
        query: format!("SELECT coalesce(sum(n), 0) FROM {table} WHERE mark = '{mark}'"),
    };
    statement(
        format!("UPDATE {table} SET n = n + 1 WHERE mark = '{mark}'"),
        format!("UPDATE {table} SET n = n - 1 WHERE mark = '{mark}'"),
        Some(effect),
    )
}

const MARKED: &str = "mark VARCHAR(20), n INT NOT NULL DEFAULT 0";

fn tables(engine: Engine, number: usize) -> Vec<Statement> {
    let name = format!("t{number}");
    vec![
        table(&name, MARKED),
        index(engine, &format!("t{number}_mark"), &name, "mark"),
        row(&name, "one"),
        counted(&name, "one"),
    ]
}

/// A table that is rebuilt later, and rows that hang on its rows.
fn family() -> Vec<Statement> {
    let two = |table: &str, up: &str| {
        let effect = Effect::Count {
            needs: format!("table {table}"),
            query: format!("SELECT CASE count(*) WHEN 0 THEN 0 WHEN 2 THEN 1 ELSE 2 END FROM {table}"),
        };
        statement(up, format!("DELETE FROM {table}"), Some(effect))
    };
    vec![
        table("data", MARKED),
        table("parent", "id INT PRIMARY KEY, name VARCHAR(20)"),
        two("parent", "INSERT INTO parent (id, name) VALUES (1, 'one'), (2, 'two')"),
        table(
            "child",
            "id INT, parent_id INT NOT NULL, FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE",
        ),
        two("child", "INSERT INTO child (id, parent_id) VALUES (1, 1), (2, 2)"),
    ]
}

fn definitions(engine: Engine, number: usize) -> Vec<Statement> {
    let name = format!("u{number}");
    vec![
        table(&name, "a INT, b INT"),
        index(engine, &format!("u{number}_a"), &name, "a"),
        column("t1", &format!("x{number}")),
        statement(
            format!("CREATE VIEW v{number} AS SELECT a FROM {name}"),
            format!("DROP VIEW v{number}"),
            Some(Effect::Object(format!("view v{number}"))),
        ),
    ]
}

fn rows(number: usize) -> Vec<Statement> {
    let (first, second) = (format!("a{number}"), format!("b{number}"));
    vec![row("data", &first), counted("data", &first), row("data", &second), counted("data", &second)]
}

/// DDL where it can be rolled back, else rows alone.
fn own(engine: Engine, number: usize) -> Vec<Statement> {
    let mut inner = if engine.rolls_ddl_back() {
        let name = format!("w{number}");
        vec![table(&name, MARKED), row(&name, "own")]
    } else {
        let mark = format!("own{number}");
        vec![row("data", &mark), counted("data", &mark)]
    };
    inner.insert(0, statement("BEGIN", "COMMIT", None));
    inner.push(statement("COMMIT", "BEGIN", None));
    inner
}

/// More than SQLite's page cache holds, so that a transaction spills into the file before it commits.
fn bulk(engine: Engine) -> Vec<Statement> {
    let body = match engine {
        Engine::Sqlite => "hex(zeroblob(2000))",
        _ => "repeat('x', 4000)",
    };
    let effect = Effect::Count {
        needs: "table bulk".to_owned(),
        query: "SELECT CASE count(*) WHEN 0 THEN 0 WHEN 900 THEN 1 ELSE 2 END FROM bulk".to_owned(),
    };
    vec![
        table("bulk", "id INT, body TEXT"),
        statement(
            format!(
                "INSERT INTO bulk WITH RECURSIVE k (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 900) \
                 SELECT i, {body} FROM k"
            ),
            "DELETE FROM bulk",
            Some(effect),
        ),
    ]
}

/// What takes its time on the large table, outside of a transaction.
fn on_bulk(engine: Engine) -> Vec<Statement> {
    match engine {
        Engine::PostgreSql => vec![
            concurrently("bulk_id", "bulk", "id"),
            column("bulk", "more"),
            concurrently("bulk_more", "bulk", "id, more"),
            row("data", "on bulk"),
        ],
        _ => vec![
            index(engine, "bulk_id", "bulk", "id"),
            column("bulk", "more"),
            index(engine, "bulk_more", "bulk", "id, more"),
            row("data", "on bulk"),
        ],
    }
}

fn concurrently(name: &str, table: &str, columns: &str) -> Statement {
    statement(
        format!("CREATE INDEX CONCURRENTLY {name} ON {table} ({columns})"),
        format!("DROP INDEX CONCURRENTLY {name}"),
        Some(Effect::Object(format!("index {name}"))),
    )
}

fn concurrent(number: usize) -> Vec<Statement> {
    vec![
        concurrently(&format!("parent_a{number}"), "parent", "name"),
        concurrently(&format!("parent_b{number}"), "parent", "name, id"),
    ]
}

/// <https://www.sqlite.org/lang_altertable.html#otheralter>: inside a transaction the pragma would be ignored, and the
/// children would go with the old table.
fn rebuild(number: usize) -> Vec<Statement> {
    let earlier = if number > 5 { "extra5 INT, " } else { "" };
    let names = if number > 5 { "id, name, extra5" } else { "id, name" };
    let plain = |sql: String| statement(sql, "", None);
    vec![
        plain("PRAGMA foreign_keys = OFF".to_owned()),
        plain(format!(
            "CREATE TABLE new_parent (id INT PRIMARY KEY, name VARCHAR(20), {earlier}extra{number} INT)"
        )),
        plain(format!("INSERT INTO new_parent ({names}) SELECT {names} FROM parent")),
        plain("DROP TABLE parent".to_owned()),
        statement(
            "ALTER TABLE new_parent RENAME TO parent",
            "",
            Some(Effect::Object(format!("column parent.extra{number}"))),
        ),
        plain("PRAGMA foreign_keys = ON".to_owned()),
    ]
}

fn rebuild_back(number: usize) -> Vec<String> {
    let (columns, names) = if number > 5 {
        ("id INT PRIMARY KEY, name VARCHAR(20), extra5 INT", "id, name, extra5")
    } else {
        ("id INT PRIMARY KEY, name VARCHAR(20)", "id, name")
    };
    vec![
        "PRAGMA foreign_keys = OFF".to_owned(),
        format!("CREATE TABLE new_parent ({columns})"),
        format!("INSERT INTO new_parent SELECT {names} FROM parent"),
        "DROP TABLE parent".to_owned(),
        "ALTER TABLE new_parent RENAME TO parent".to_owned(),
        "PRAGMA foreign_keys = ON".to_owned(),
    ]
}
