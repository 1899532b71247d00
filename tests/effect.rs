//! Statements in; what they leave behind, and how long they may take, out.

use limbeck::dialect::Backend;
use limbeck::sql::effect::{Outcome, Presence, outcome};
use limbeck::sql::pace::{Pace, pace};

fn leaves(dialect: &str, statement: &str) -> String {
    let backend = Backend::parse(dialect).expect("a dialect");
    match outcome(backend.dialect().lexis(), statement) {
        Outcome::Shows(effects) => effects
            .iter()
            .map(|effect| {
                let sign = if effect.leaves == Presence::Present { '+' } else { '-' };
                format!("{sign}{}", effect.object)
            })
            .collect::<Vec<_>>()
            .join(", "),
        Outcome::Repeatable => "repeatable".to_owned(),
        Outcome::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn what_a_statement_leaves_behind() {
    let cases = [
        ("postgresql", "CREATE TABLE A.b (n int)", "+table a.b"),
        ("postgresql", "create unlogged table if not exists \"B\" (n int)", "+table B"),
        ("mysql", "CREATE TABLE `a``b` (n int)", "+table a`b"),
        ("postgresql", "CREATE TEMP TABLE t (n int)", "unknown"),
        ("postgresql", "CREATE MATERIALIZED VIEW v AS SELECT 1", "+view v"),
        ("postgresql", "CREATE OR REPLACE VIEW v AS SELECT 1", "repeatable"),
        ("mysql", "CREATE OR REPLACE TABLE t (n int)", "unknown"),
        ("postgresql", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t (n)", "+index s.t.i"),
        ("mysql", "CREATE FULLTEXT INDEX i ON t (n)", "+index t.i"),
        ("postgresql", "CREATE INDEX ON t (n)", "unknown"),
        ("postgresql", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "unknown"),
        ("mysql", "DROP TABLE IF EXISTS a, b.c", "-table a, -table b.c"),
        ("mysql", "DROP INDEX i ON t", "-index t.i"),
        ("postgresql", "DROP INDEX CONCURRENTLY s.i", "-index s.i"),
        ("postgresql", "ALTER TABLE t ADD c int", "+column t.c"),
        (
            "postgresql",
            "ALTER TABLE ONLY s.t ADD COLUMN IF NOT EXISTS c numeric(10, 2), DROP d",
            "+column s.t.c, -column s.t.d",
        ),
        ("postgresql", "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID", "+constraint t.k"),
        ("postgresql", "ALTER TABLE t ADD CHECK (a > 0)", "unknown"),
        ("mysql", "ALTER TABLE t ADD UNIQUE KEY i (a), ADD INDEX j (b)", "+index t.i, +index t.j"),
        ("mysql", "ALTER TABLE t DROP FOREIGN KEY f, DROP INDEX i", "-constraint t.f, -index t.i"),
        ("mysql", "ALTER TABLE t DROP PRIMARY KEY", "unknown"),
        ("mysql", "ALTER TABLE t MODIFY a bigint, ALTER b SET DEFAULT 1", "repeatable"),
        ("mysql", "ALTER TABLE t MODIFY a bigint, ADD COLUMN b int", "+column t.b"),
        ("postgresql", "ALTER TABLE s.t RENAME TO u", "-table s.t, +table s.u"),
        ("sqlite", "ALTER TABLE t RENAME a TO b", "-column t.a, +column t.b"),
        ("mysql", "RENAME TABLE a TO b, c TO d", "-table a, +table b, -table c, +table d"),
        ("mysql", "SET @a = 1", "repeatable"),
        ("postgresql", "COMMENT ON TABLE t IS 'x'", "repeatable"),
        ("mysql", "INSERT INTO t VALUES (1)", "unknown"),
        ("mysql", "CALL p()", "unknown"),
        ("mysql", "ALTER", "unknown"),
        ("mysql", "", "unknown"),
    ];
    for (dialect, statement, expected) in cases {
        assert_eq!(leaves(dialect, statement), expected, "{dialect}: {statement}");
    }
}

#[test]
fn how_long_a_statement_may_take() {
    let cases = [
        ("DROP TABLE t", Pace::Quick),
        ("DROP INDEX i", Pace::Quick),
        ("DROP INDEX CONCURRENTLY i", Pace::Patient),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", Pace::Patient),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", Pace::Patient),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", Pace::Patient),
        ("CREATE INDEX i ON t (a)", Pace::Any),
        ("CREATE TABLE t (a int)", Pace::Any),
        ("ALTER TABLE t ADD COLUMN a int", Pace::Quick),
        ("ALTER TABLE t ADD COLUMN a numeric(10, 2)", Pace::Quick),
        ("ALTER TABLE t ADD COLUMN a numeric(10, 2) DEFAULT random()", Pace::Any),
        ("ALTER TABLE t ADD a serial", Pace::Any),
        ("ALTER TABLE t ADD COLUMN a int, DROP COLUMN b", Pace::Quick),
        ("ALTER TABLE t ADD COLUMN a int, ADD CHECK (a > 0)", Pace::Any),
        ("ALTER TABLE t ALTER COLUMN a TYPE bigint", Pace::Any),
        ("ALTER TABLE t ALTER a SET DEFAULT 1, ALTER b DROP NOT NULL", Pace::Quick),
        ("ALTER TABLE t ALTER a SET NOT NULL", Pace::Any),
        ("ALTER TABLE t RENAME TO u", Pace::Quick),
        ("ALTER TABLE t VALIDATE CONSTRAINT k", Pace::Any),
        ("INSERT INTO concurrently VALUES (1)", Pace::Any),
        ("UPDATE t SET a = 1", Pace::Any),
    ];
    let lexis = Backend::Postgres.dialect().lexis();
    for (statement, expected) in cases {
        assert_eq!(pace(lexis, statement), expected, "{statement}");
    }
}
