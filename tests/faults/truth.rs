//! What a database says of itself, and whether its books and its catalogue say the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Engine;
use crate::raw::Raw;
use crate::story::{Chapter, Effect, Story};

/// A row of the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub state: String,
    pub done: usize,
    pub total: usize,
    pub error: Option<String>,
}

/// Whether a statement's effect is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum There {
    Yes,
    No,
    /// By half, or twice.
    Odd(String),
}

/// What was found in a database.
pub struct Truth {
    pub books: BTreeMap<String, Row>,
    /// For each revision, for each statement, its effect; `None` for a statement without one.
    pub effects: BTreeMap<String, Vec<Option<There>>>,
}

impl Truth {
    /// Reads the books and the catalogue. Nobody else may be at work.
    pub fn read(story: &Story, raw: &mut Raw) -> Self {
        let objects = objects(story.engine, raw);
        let mut books = BTreeMap::new();
        if objects.contains("table limbeck_revisions") {
            let query =
                "SELECT revision, state, statements_done, statements_total, error FROM limbeck_revisions";
            for row in raw.rows(query) {
                let number = |text: &str| text.parse().expect("a number");
                let error = Some(row[4].clone()).filter(|error| error != "∅");
                let found =
                    Row { state: row[1].clone(), done: number(&row[2]), total: number(&row[3]), error };
                books.insert(row[0].clone(), found);
            }
        }
        let mut effects = BTreeMap::new();
        for chapter in &story.chapters {
            let mut one =
                |effect: &Option<Effect>| effect.as_ref().map(|effect| there(effect, &objects, raw));
            let found = chapter.statements.iter().map(|statement| one(&statement.effect)).collect();
            effects.insert(chapter.id.clone(), found);
        }
        Self { books, effects }
    }

    /// What the books and the catalogue contradict each other in.
    pub fn contradictions(&self, story: &Story) -> Vec<String> {
        let mut found: Vec<String> =
            story.chapters.iter().filter_map(|chapter| self.contradiction(story.engine, chapter)).collect();
        // What is applied has its parents.
        for chapter in &story.chapters {
            let is = |id: &str, state: &str| self.books.get(id).is_some_and(|row| row.state == state);
            for parent in chapter.revises.split(", ").filter(|parent| !parent.is_empty()) {
                if is(&chapter.id, "applied") && !is(parent, "applied") {
                    found.push(format!("{} is applied, and its parent {parent} is not", chapter.id));
                }
            }
        }
        found
    }

    fn contradiction(&self, engine: Engine, chapter: &Chapter) -> Option<String> {
        let effects = &self.effects[&chapter.id];
        let row = self.books.get(&chapter.id);
        let all = |wanted: There| effects.iter().flatten().all(|found| *found == wanted);
        let agrees = match row {
            None => all(There::No),
            Some(row) if row.state == "applied" => all(There::Yes),
            // One transaction is there as a whole or not at all.
            Some(_) if chapter.atomic(engine) => false,
            Some(row) => (0..effects.len()).all(|at| {
                let (place, before, after) = match row.state.as_str() {
                    "upgrading" => (at, There::Yes, There::No),
                    // The way down begins with the last statement.
                    "downgrading" => (effects.len() - 1 - at, There::No, There::Yes),
                    state => panic!("{} is in state {state}", chapter.id),
                };
                match (&effects[at], place.cmp(&row.done)) {
                    (None, _) => true,
                    (Some(found), std::cmp::Ordering::Less) => *found == before,
                    // The one that may have been in flight; where the server refused it, it was not.
                    (Some(found), std::cmp::Ordering::Equal) => {
                        let down = row.state == "downgrading";
                        let exact = chapter.statements[at].is_counted_with_its_effect(engine, down);
                        *found == after || (row.error.is_none() && !exact)
                    }
                    (Some(found), std::cmp::Ordering::Greater) => *found == after,
                }
            }),
        };
        (!agrees).then(|| {
            format!("{} ({:?}): the books say {row:?}, the catalogue {effects:?}", chapter.id, chapter.mode)
        })
    }

    /// Fails where the books and the catalogue contradict each other.
    #[track_caller]
    pub fn holds(self, story: &Story, after: &str) -> Self {
        let contradictions = self.contradictions(story);
        assert!(contradictions.is_empty(), "{after}:\n{}", contradictions.join("\n"));
        self
    }

    /// The half-applied revision, and its row.
    pub fn half_applied(&self) -> Option<(&str, &Row)> {
        let mut rows = self.books.iter().filter(|(_, row)| row.state != "applied");
        let first = rows.next().map(|(id, row)| (id.as_str(), row));
        assert!(rows.next().is_none(), "several are half-applied: {:?}", self.books);
        first
    }

    pub fn applied(&self) -> BTreeSet<&str> {
        self.books.iter().filter(|(_, row)| row.state == "applied").map(|(id, _)| id.as_str()).collect()
    }
}

fn there(effect: &Effect, objects: &BTreeSet<String>, raw: &mut Raw) -> There {
    match effect {
        Effect::Object(name) if objects.contains(name) => There::Yes,
        Effect::Object(name) => {
            let invalid = format!("invalid {name}");
            if objects.contains(&invalid) { There::Odd(invalid) } else { There::No }
        }
        Effect::Count { needs, .. } if !objects.contains(needs) => There::No,
        Effect::Count { query, .. } => match raw.lines(query).remove(0).as_str() {
            "0" => There::No,
            "1" => There::Yes,
            other => There::Odd(other.to_owned()),
        },
    }
}

/// Every object of the database by kind and name.
fn objects(engine: Engine, raw: &mut Raw) -> BTreeSet<String> {
    let queries: &[&str] = match engine {
        Engine::Sqlite => &[
            "SELECT type || ' ' || name FROM sqlite_master",
            "SELECT 'column ' || m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table'",
        ],
        Engine::PostgreSql => &[
            "SELECT CASE c.relkind WHEN 'r' THEN 'table ' WHEN 'v' THEN 'view ' \
                    ELSE CASE WHEN i.indisvalid THEN 'index ' ELSE 'invalid index ' END END || c.relname \
             FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid \
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'i')",
            "SELECT 'column ' || c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped",
        ],
        Engine::MariaDb | Engine::MySql => &[
            "SELECT CONCAT(IF(table_type = 'VIEW', 'view ', 'table '), table_name) FROM information_schema.tables \
             WHERE table_schema = DATABASE()",
            "SELECT CONCAT('column ', table_name, '.', column_name) FROM information_schema.columns \
             WHERE table_schema = DATABASE()",
            "SELECT DISTINCT CONCAT('index ', index_name) FROM information_schema.statistics \
             WHERE table_schema = DATABASE()",
        ],
    };
    queries.iter().flat_map(|query| raw.lines(query)).collect()
}

/// The ids of the other sessions on the database.
fn others(engine: Engine, raw: &mut Raw) -> Vec<String> {
    let query = match engine {
        Engine::Sqlite => return Vec::new(),
        Engine::PostgreSql => {
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND backend_type = 'client backend'"
        }
        Engine::MariaDb => {
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        }
        // There information_schema fails while anybody on the server runs a statement with a character outside of utf8mb3.
        Engine::MySql => {
            "SELECT processlist_id FROM performance_schema.threads \
             WHERE processlist_db = DATABASE() AND processlist_id <> CONNECTION_ID()"
        }
    };
    raw.lines(query)
}

/// Whether nobody else has a session on the database.
pub fn is_alone(engine: Engine, raw: &mut Raw) -> bool {
    others(engine, raw).is_empty()
}

/// Waits until the server has noticed that the connections of killed processes are gone.
pub fn wait_until_alone(engine: Engine, raw: &mut Raw) {
    let began = std::time::Instant::now();
    while !is_alone(engine, raw) {
        assert!(began.elapsed().as_secs() < 60, "a killed process's session is still there");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Ends the other sessions on the server's side. Whether there was one.
pub fn sever(engine: Engine, raw: &mut Raw) -> bool {
    let others = others(engine, raw);
    for id in &others {
        // It may have ended by itself meanwhile.
        let _ = raw.attempt(&match engine {
            Engine::PostgreSql => format!("SELECT pg_terminate_backend({id})"),
            _ => format!("KILL CONNECTION {id}"),
        });
    }
    !others.is_empty()
}

/// Ends the other sessions, and waits until they are gone; those of `kept` stay.
pub fn sever_all_but(engine: Engine, raw: &mut Raw, kept: &[String]) {
    for id in others(engine, raw).into_iter().filter(|id| !kept.contains(id)) {
        raw.run(&match engine {
            Engine::PostgreSql => format!("SELECT pg_terminate_backend({id})"),
            _ => format!("KILL CONNECTION {id}"),
        });
    }
    while others(engine, raw).iter().any(|id| !kept.contains(id)) {
        std::thread::yield_now();
    }
}

/// The schema and every row of the tables that hold some, but the books: two databases that say the same are the same.
pub fn content(engine: Engine, raw: &mut Raw) -> Vec<String> {
    let mut found = raw.schema();
    let tables: Vec<String> = objects(engine, raw)
        .iter()
        .filter_map(|object| object.strip_prefix("table "))
        .filter(|table| !table.starts_with("limbeck_") && !table.starts_with("sqlite_"))
        .map(str::to_owned)
        .collect();
    for table in tables {
        let mut rows: Vec<String> = if table == "bulk" {
            raw.lines("SELECT count(*), min(length(body)), max(id) FROM bulk")
        } else {
            raw.lines(&format!("SELECT * FROM {table}"))
        };
        rows.sort();
        found.extend(rows.into_iter().map(|row| format!("row of {table}: {row}")));
    }
    found.sort();
    found
}

/// How often each revision went up more than it went down, by the log: once where it is applied, else never.
#[track_caller]
pub fn log_agrees(story: &Story, truth: &Truth, raw: &mut Raw) {
    let acts = if truth.books.is_empty() && !raw.has_table("limbeck_log") { Vec::new() } else { raw.acts() };
    for chapter in &story.chapters {
        let count = |act: &str| acts.iter().filter(|line| **line == format!("{act} {}", chapter.id)).count();
        let applied = usize::from(truth.books.get(&chapter.id).is_some_and(|row| row.state == "applied"));
        assert_eq!(count("upgrade"), count("downgrade") + applied, "the log of {}: {acts:#?}", chapter.id);
    }
}
