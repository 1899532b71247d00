//! Statement → whether it throws away data, as far as its first words tell.

use super::lexis::Lexis;
use super::shape::{Act, ObjectKind, shape};
use super::words::Words;

/// Whether a statement drops a table or a column, empties a table, or changes or deletes all of its rows. A table rebuild
/// drops the old table, so it is one too. What hides in a body or a procedure is not seen.
pub fn loses_data(lexis: &Lexis, statement: &str) -> bool {
    let mut words = Words::new(lexis, statement);
    match shape(lexis, statement).act {
        Act::Drop(ObjectKind::Table | ObjectKind::Schema | ObjectKind::Database) | Act::Truncate => true,
        Act::Create(ObjectKind::Table) => words.nth(1).is_some_and(|word| word.is_any_of("OR")),
        Act::Alter(ObjectKind::Table) => drops_column(words),
        Act::Delete | Act::Update => {
            // A MERGE says by its ON which rows it means; a WHERE of a sub-query says nothing about the rest.
            let mut depth = 0;
            !words.any(|word| !word.closes(&mut depth) && word.is_any_of("WHERE|MERGE"))
        }
        _ => false,
    }
}

/// Whether an action of an `ALTER TABLE` drops a column, or a partition with its rows.
fn drops_column(mut words: Words<'_>) -> bool {
    let mut depth = 0;
    while let Some(word) = words.next() {
        if word.closes(&mut depth) || !word.is_any_of("DROP") {
            continue;
        }
        // ALTER COLUMN c DROP DEFAULT keeps the rows as they are.
        const KEEPS: &str =
            "CONSTRAINT|CHECK|FOREIGN|PRIMARY|INDEX|KEY|DEFAULT|NOT|IDENTITY|EXPRESSION|PERIOD|SYSTEM";
        if !words.at_any(KEEPS) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Backend;

    #[test]
    fn what_throws_data_away_is_seen() {
        for (loses, statements) in [
            (
                true,
                [
                    "DROP TABLE IF EXISTS t",
                    "DROP SCHEMA s CASCADE",
                    "TRUNCATE t",
                    "DELETE FROM t",
                    "UPDATE t SET a = (SELECT b FROM u WHERE u.id = t.id)",
                    "ALTER TABLE t ADD COLUMN a int, DROP COLUMN b",
                    "alter table t drop b",
                    "/* gone */ ALTER TABLE t DROP PARTITION p",
                    "CREATE OR REPLACE TABLE t (a int)",
                    "WITH x AS (SELECT 1 WHERE 1 = 1) DELETE FROM t",
                ]
                .as_slice(),
            ),
            (
                false,
                [
                    "DROP INDEX i",
                    "DROP VIEW v",
                    "CREATE TABLE t (a int)",
                    "DELETE FROM t WHERE a = 1",
                    "UPDATE t SET a = 1 WHERE b IN (SELECT 1)",
                    "ALTER TABLE t ADD COLUMN a int",
                    "ALTER TABLE t DROP CONSTRAINT c, ALTER COLUMN a DROP NOT NULL, ALTER a DROP DEFAULT",
                    "ALTER TABLE t RENAME COLUMN a TO b",
                    "INSERT INTO t SELECT * FROM u",
                    "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2",
                    "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE",
                    "SELECT 'DROP TABLE t'",
                ]
                .as_slice(),
            ),
        ] {
            for statement in statements {
                let lexis = Backend::Postgres.dialect().lexis();
                assert_eq!(loses_data(lexis, statement), loses, "{statement}");
            }
        }
    }
}
