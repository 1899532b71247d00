//! Statements → what they leave in their session that ends with it: temporary objects and attached databases.

use super::lexis::Lexis;
use super::shape::{Act, ObjectKind, shape};
use super::words::Words;

/// Something that lives as long as its session, and would change what a later statement means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// A temporary object.
    Temporary {
        /// The word for its kind: `TABLE`, `VIEW`, `TRIGGER`.
        kind: &'static str,
        /// Its name: its parts, the schema first.
        name: Vec<String>,
    },
    /// Something temporary of which nothing but the word is known.
    Hidden,
    /// A database beside the connection's own, by the name it was given.
    Attached(String),
}

/// Returns what `statement` may leave.
pub fn leftover(lexis: &Lexis, statement: &str) -> Option<Leftover> {
    let mut words = Words::new(lexis, statement);
    match shape(lexis, statement).act {
        // They make nothing, and can be long.
        Act::Insert | Act::Update | Act::Delete => None,
        Act::Other if words.accept("ATTACH") => {
            words.skip_past("AS").then_some(())?;
            words.name().map(Leftover::Attached)
        }
        Act::Create(kind @ (ObjectKind::Table | ObjectKind::View | ObjectKind::Trigger)) => {
            created(words, kind).or_else(|| hidden(statement))
        }
        _ => hidden(statement),
    }
}

fn created(mut words: Words<'_>, kind: ObjectKind) -> Option<Leftover> {
    const BEFORE_KIND: &str = "OR|REPLACE|GLOBAL|LOCAL|RECURSIVE|VIRTUAL";
    words.accept("CREATE").then_some(())?;
    words.skip_any(BEFORE_KIND);
    let says_so = words.accept("TEMP|TEMPORARY");
    words.skip_any(BEFORE_KIND);
    let kind = match kind {
        ObjectKind::View => "VIEW",
        ObjectKind::Trigger => "TRIGGER",
        _ => "TABLE",
    };
    words.accept(kind).then_some(())?;
    if words.accept("IF") {
        words.skip_any("NOT|EXISTS");
    }
    let name = words.path()?;
    let in_temp = |schema: &String| ["temp", "pg_temp"].iter().any(|temp| schema.eq_ignore_ascii_case(temp));
    let lies_so = name.len() > 1 && name.first().is_some_and(in_temp);
    (says_so || lies_so).then_some(Leftover::Temporary { kind, name })
}

/// What a body, an executable comment or a `SELECT … INTO TEMP` makes: the word stands in it somewhere.
fn hidden(statement: &str) -> Option<Leftover> {
    let mut parts = statement.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let temporary = |part: &str| {
        ["temp", "temporary", "pg_temp"].iter().any(|temporary| part.eq_ignore_ascii_case(temporary))
    };
    parts.any(temporary).then_some(Leftover::Hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Backend;

    #[test]
    fn temporary_objects_are_known_by_their_names() {
        let temporary = |kind, name: &[&str]| {
            Some(Leftover::Temporary { kind, name: name.iter().map(|part| (*part).to_owned()).collect() })
        };
        let attached = Some(Leftover::Attached("o p".to_owned()));
        let cases = [
            (Backend::Sqlite, "CREATE TEMP TABLE t (a)", temporary("TABLE", &["t"])),
            (
                Backend::Sqlite,
                "create temporary view if not exists [a b] AS SELECT 1",
                temporary("VIEW", &["a b"]),
            ),
            (Backend::Sqlite, "CREATE TABLE Temp.t (a)", temporary("TABLE", &["Temp", "t"])),
            (
                Backend::Sqlite,
                "CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
                temporary("TRIGGER", &["g"]),
            ),
            (Backend::Sqlite, "CREATE TABLE t (temperature int)", None),
            (Backend::Sqlite, "ATTACH DATABASE 'x.db' AS \"o p\"", attached.clone()),
            (Backend::Sqlite, "ATTACH 'as.db' AS \"o p\"", attached),
            (
                Backend::MySql,
                "/*!40000 CREATE TEMPORARY TABLE o.t (a int) */",
                temporary("TABLE", &["o", "t"]),
            ),
            (Backend::MySql, "CREATE OR REPLACE TEMPORARY TABLE t (a int)", temporary("TABLE", &["t"])),
            (Backend::Postgres, "CREATE LOCAL TEMP TABLE T (a int)", temporary("TABLE", &["t"])),
            (Backend::Postgres, "SELECT 1 AS a INTO TEMP t", Some(Leftover::Hidden)),
            (Backend::Postgres, "CREATE TEMP SEQUENCE s", Some(Leftover::Hidden)),
            (
                Backend::Postgres,
                "DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE t ()'; END $$",
                Some(Leftover::Hidden),
            ),
            (Backend::Postgres, "INSERT INTO t VALUES ('temp')", None),
        ];
        for (backend, statement, expected) in cases {
            assert_eq!(leftover(backend.dialect().lexis(), statement), expected, "{statement}");
        }
    }
}
