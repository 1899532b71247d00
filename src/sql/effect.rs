//! Statement → which objects are there afterwards that were not before, and the other way round.
//!
//! This is how a statement whose answer was lost is judged: by what the catalogue shows.

use super::lexis::Lexis;
use super::object::{Kind, Object};
use super::words::Words;

/// One object that a statement makes or removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The object.
    pub object: Object,
    /// Whether it is there afterwards.
    pub leaves: Presence,
}

/// Whether an object is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

/// What can be said about a statement that was sent and whose answer is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The catalogue shows it: these objects are there afterwards, or gone.
    Shows(Vec<Effect>),
    /// It does no harm a second time.
    Repeatable,
    /// Nothing.
    Unknown,
}

/// Returns how a statement can be judged afterwards. Whatever is not understood is unknown.
pub fn outcome(lexis: &Lexis, statement: &str) -> Outcome {
    let mut reader =
        Reader { words: Words::new(lexis, statement), effects: Vec::new(), harmless: Harmless::Yes };
    match reader.statement() {
        Some(()) if !reader.effects.is_empty() => Outcome::Shows(reader.effects),
        Some(()) if reader.harmless == Harmless::Yes => Outcome::Repeatable,
        _ => Outcome::Unknown,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Harmless {
    Yes,
    No,
}

struct Reader<'a> {
    words: Words<'a>,
    effects: Vec<Effect>,
    harmless: Harmless,
}

/// What may stand between `CREATE` and the kind of the object.
const BEFORE_KIND: &str =
    "UNIQUE|FULLTEXT|SPATIAL|UNLOGGED|FOREIGN|VIRTUAL|RECURSIVE|MATERIALIZED|ONLINE|OFFLINE|IGNORE";

impl Reader<'_> {
    fn leaves(&mut self, leaves: Presence, object: Object) {
        self.effects.push(Effect { object, leaves });
    }

    /// None when the statement is not understood.
    fn statement(&mut self) -> Option<()> {
        if self.words.accept("CREATE") {
            self.create()
        } else if self.words.accept("DROP") {
            self.drop()
        } else if self.words.accept("ALTER") {
            self.words.skip_any("ONLINE|IGNORE|FOREIGN");
            self.words.accept("TABLE").then_some(())?;
            self.alter_table()
        } else if self.words.accept("RENAME") {
            self.words.accept("TABLE|TABLES").then_some(())?;
            self.rename_tables()
        } else {
            const AGAIN: &str = "SET|RESET|PRAGMA|SELECT|VALUES|SHOW|COMMENT|GRANT|REVOKE|ANALYZE|VACUUM|REINDEX|REFRESH|\
                                 OPTIMIZE|CHECKPOINT|USE";
            self.words.accept(AGAIN).then_some(())
        }
    }

    fn create(&mut self) -> Option<()> {
        let replaces = self.words.accept("OR") && self.words.accept("REPLACE");
        if self.words.at_any("TEMP|TEMPORARY|GLOBAL|LOCAL") {
            return None;
        }
        if replaces {
            // A second time, the same stands there again; a table's rows do not.
            return (!self.words.at_any("TABLE")).then_some(());
        }
        self.words.skip_any(BEFORE_KIND);
        if self.words.accept("TABLE") {
            self.if_not_exists();
            let name = self.words.path()?;
            self.leaves(Presence::Present, Object::new(Kind::Table, name));
        } else if self.words.accept("VIEW") {
            self.if_not_exists();
            let name = self.words.path()?;
            self.leaves(Presence::Present, Object::new(Kind::View, name));
        } else if self.words.accept("INDEX") {
            self.words.accept("CONCURRENTLY");
            self.if_not_exists();
            let name = self.words.path()?;
            self.words.skip_past("ON").then_some(())?;
            self.words.accept("ONLY");
            let table = self.words.path()?;
            self.leaves(Presence::Present, Object::of(&table, Kind::Index, name));
        } else {
            return None;
        }
        Some(())
    }

    fn if_not_exists(&mut self) {
        if self.words.accept("IF") {
            self.words.skip_any("NOT|EXISTS");
        }
    }

    fn drop(&mut self) -> Option<()> {
        self.words.skip_any("MATERIALIZED|FOREIGN|ONLINE|OFFLINE");
        let kind = match () {
            () if self.words.accept("TABLE|TABLES") => Kind::Table,
            () if self.words.accept("VIEW") => Kind::View,
            () if self.words.accept("INDEX") => Kind::Index,
            () => return None,
        };
        self.words.accept("CONCURRENTLY");
        self.if_not_exists();
        loop {
            let name = self.words.path()?;
            // MySQL: DROP INDEX i ON t.
            let object = match kind == Kind::Index && self.words.accept("ON") {
                true => Object::of(&self.words.path()?, kind, name),
                false => Object::new(kind, name),
            };
            self.leaves(Presence::Absent, object);
            if !self.words.accept(",") {
                return Some(());
            }
        }
    }

    fn rename_tables(&mut self) -> Option<()> {
        loop {
            self.if_not_exists();
            let from = self.words.path()?;
            self.words.accept("TO").then_some(())?;
            let to = self.words.path()?;
            self.leaves(Presence::Absent, Object::new(Kind::Table, from));
            self.leaves(Presence::Present, Object::new(Kind::Table, to));
            if !self.words.accept(",") {
                return Some(());
            }
        }
    }

    fn alter_table(&mut self) -> Option<()> {
        self.if_not_exists();
        self.words.accept("ONLY");
        let table = self.words.path()?;
        self.words.accept("*");
        loop {
            self.action(&table);
            if !self.words.skip_past_comma() {
                return Some(());
            }
        }
    }

    /// One action of an `ALTER TABLE`. What is not known of it is left out: the statement is one step, so the rest tells.
    fn action(&mut self, table: &[String]) {
        let said = self.effects.len();
        if self.words.accept("ADD") {
            self.add(table);
        } else if self.words.accept("DROP") {
            self.remove(table);
        } else if self.words.accept("RENAME") {
            self.rename(table);
        } else if self
            .words
            .at_any("MODIFY|ALTER|ENABLE|DISABLE|OWNER|VALIDATE|ENGINE|CONVERT|COMMENT|SET|RESET")
        {
            return;
        }
        if self.effects.len() == said {
            self.harmless = Harmless::No;
        }
    }

    fn add(&mut self, table: &[String]) {
        if self.words.accept("CONSTRAINT") {
            self.if_not_exists();
            if let Some(name) = self.words.path() {
                self.leaves(Presence::Present, Object::of(table, Kind::Constraint, name));
            }
            return;
        }
        let index = self.words.clone();
        self.words.skip_any("UNIQUE|FULLTEXT|SPATIAL");
        if self.words.accept("INDEX|KEY") {
            self.if_not_exists();
            if let Some(name) = self.words.path() {
                self.leaves(Presence::Present, Object::of(table, Kind::Index, name));
            }
            return;
        }
        self.words = index;
        if self
            .words
            .at_any("PRIMARY|UNIQUE|FOREIGN|CHECK|FULLTEXT|SPATIAL|EXCLUDE|PARTITION|PERIOD|SYSTEM|(|NOT")
        {
            return;
        }
        self.words.accept("COLUMN");
        self.if_not_exists();
        if let Some(name) = self.words.path() {
            self.leaves(Presence::Present, Object::of(table, Kind::Column, name));
        }
    }

    fn remove(&mut self, table: &[String]) {
        let kind = match () {
            () if self.words.accept("CONSTRAINT|CHECK") => Kind::Constraint,
            () if self.words.accept("FOREIGN") && self.words.accept("KEY") => Kind::Constraint,
            () if self.words.accept("INDEX|KEY") => Kind::Index,
            () if self.words.at_any("PRIMARY|PARTITION|PERIOD|SYSTEM") => return,
            () => {
                self.words.accept("COLUMN");
                Kind::Column
            }
        };
        self.if_not_exists();
        if let Some(name) = self.words.path() {
            self.leaves(Presence::Absent, Object::of(table, kind, name));
        }
    }

    fn rename(&mut self, table: &[String]) {
        let kind = match () {
            () if self.words.accept("TO|AS") => None,
            () if self.words.accept("INDEX|KEY") => Some(Kind::Index),
            () if self.words.accept("CONSTRAINT") => Some(Kind::Constraint),
            () => {
                self.words.accept("COLUMN");
                Some(Kind::Column)
            }
        };
        let Some(kind) = kind else {
            if let Some(to) = self.words.path() {
                self.leaves(Presence::Absent, Object::new(Kind::Table, table.to_vec()));
                self.leaves(Presence::Present, Object::new(Kind::Table, beside(table, to)));
            }
            return;
        };
        if let Some(from) = self.words.path()
            && self.words.accept("TO")
            && let Some(to) = self.words.path()
        {
            self.leaves(Presence::Absent, Object::of(table, kind, from));
            self.leaves(Presence::Present, Object::of(table, kind, to));
        }
    }
}

/// A renamed table stays in its schema unless the new name says otherwise.
fn beside(table: &[String], mut to: Vec<String>) -> Vec<String> {
    if to.len() == 1 && table.len() > 1 {
        to.splice(0..0, table[..table.len() - 1].iter().cloned());
    }
    to
}
