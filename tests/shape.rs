//! Statements in, what they do out.

use limbeck::dialect::Backend;
use limbeck::sql::{Act, ObjectKind, Shape, shape};

fn found(backend: Backend, statement: &str) -> Shape {
    shape(backend.dialect().lexis(), statement)
}

/// Checks the verb and the object in each of the dialects.
#[track_caller]
fn check(statement: &str, act: Act, object: &str) {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::MySql] {
        let shape = found(backend, statement);
        let expected = Some(object).filter(|object| !object.is_empty());
        assert_eq!((shape.act, shape.object.as_deref()), (act, expected), "{statement}");
    }
}

/// Checks which of `statements` cannot run inside a transaction: those after a `!`.
#[track_caller]
fn check_outside(backend: Backend, statements: &[&str]) {
    for line in statements {
        let (statement, expected) = line.strip_prefix('!').map_or((*line, false), |line| (line, true));
        assert_eq!(found(backend, statement).outside.is_some(), expected, "{statement}");
    }
}

#[test]
fn transactions() {
    for begin in
        ["BEGIN", "begin work", "BEGIN IMMEDIATE", "START TRANSACTION READ ONLY", "-- a\nBEGIN TRANSACTION"]
    {
        check(begin, Act::Begin, "");
    }
    for commit in ["COMMIT", "COMMIT AND CHAIN", "END", "END TRANSACTION", "PREPARE TRANSACTION 'a'"] {
        check(commit, Act::Commit, "");
    }
    for rollback in ["ROLLBACK", "ROLLBACK WORK", "ABORT", "ROLLBACK AND NO CHAIN"] {
        check(rollback, Act::Rollback, "");
    }
    for savepoint in ["SAVEPOINT a", "RELEASE a", "ROLLBACK TO a", "ROLLBACK WORK TO SAVEPOINT a"] {
        check(savepoint, Act::Savepoint, "");
    }
    for other in
        ["BEGIN NOT ATOMIC SELECT 1; END", "XA START 'a'", "START REPLICA", "COMMIT PREPARED 'a'", "", "'a"]
    {
        check(other, Act::Other, "");
    }
}

#[test]
fn locks_and_settings() {
    check("LOCK TABLES a READ, b WRITE", Act::LockTables, "a");
    check("LOCK TABLE ONLY s.a IN SHARE MODE", Act::LockTables, "s.a");
    check("LOCK INSTANCE FOR BACKUP", Act::Other, "");
    check("UNLOCK TABLES", Act::UnlockTables, "");
    check("SET search_path = a", Act::Set, "");
    check("PRAGMA main.Foreign_Keys = ON", Act::Pragma, "foreign_keys");
    check("PRAGMA table_info(a)", Act::Pragma, "table_info");
}

#[test]
fn definitions() {
    use ObjectKind::*;
    check("CREATE TABLE IF NOT EXISTS s.a (b int)", Act::Create(Table), "s.a");
    check("CREATE VIRTUAL TABLE a USING fts5(b)", Act::Create(Table), "a");
    check("CREATE TABLE größe (a int)", Act::Create(Table), "größe");
    check("CREATE OR REPLACE RECURSIVE VIEW a AS SELECT 1", Act::Create(View), "a");
    check("CREATE MATERIALIZED VIEW a AS SELECT 1", Act::Create(MaterializedView), "a");
    check(
        "CREATE ALGORITHM=MERGE DEFINER=b@c SQL SECURITY INVOKER VIEW a AS SELECT 1",
        Act::Create(View),
        "a",
    );
    check("CREATE DEFINER=CURRENT_USER() PROCEDURE a() SELECT 1", Act::Create(Procedure), "a");
    check("CREATE FUNCTION s.a() RETURNS int RETURN 1", Act::Create(Function), "s.a");
    check("CREATE EVENT a ON SCHEDULE EVERY 1 DAY DO SELECT 1", Act::Create(Event), "a");
    check("CREATE TYPE a AS ENUM ('b')", Act::Create(Type), "a");
    check("CREATE SCHEMA AUTHORIZATION a", Act::Create(Schema), "");
    check("CREATE EXTENSION IF NOT EXISTS a", Act::Create(Extension), "a");
    check("CREATE ROLE a", Act::Create(Other), "");
    check("ALTER TABLE IF EXISTS ONLY s.a ADD COLUMN b int", Act::Alter(Table), "s.a");
    check("ALTER SEQUENCE a RESTART", Act::Alter(Sequence), "a");
    check("DROP TABLE IF EXISTS a, b", Act::Drop(Table), "a");
    check("DROP DATABASE a", Act::Drop(Database), "a");
    check("DROP INDEX CONCURRENTLY IF EXISTS s.a", Act::Drop(Index), "s.a");
    check("RENAME TABLE a TO b", Act::Rename, "a");
    check("TRUNCATE TABLE ONLY a", Act::Truncate, "a");
    check("REFRESH MATERIALIZED VIEW CONCURRENTLY a", Act::Other, "a");
}

#[test]
fn indexes_and_triggers_name_their_table() {
    let on = |backend, statement| {
        let shape = found(backend, statement);
        (shape.object.unwrap_or_default(), shape.on.unwrap_or_default())
    };
    let pair = |object: &str, on: &str| (object.to_owned(), on.to_owned());
    assert_eq!(
        on(Backend::Postgres, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a ON ONLY s.b (c)"),
        pair("a", "s.b")
    );
    assert_eq!(on(Backend::Postgres, "CREATE INDEX ON b (c)"), pair("", "b"));
    assert_eq!(on(Backend::Postgres, "CREATE TRIGGER a AFTER UPDATE OF c ON b FOR EACH ROW"), pair("a", "b"));
    assert_eq!(on(Backend::MySql, "CREATE FULLTEXT INDEX a USING BTREE ON `b` (c)"), pair("a", "b"));
    assert_eq!(on(Backend::MySql, "DROP INDEX a ON b"), pair("a", "b"));
    assert_eq!(
        on(Backend::Sqlite, "CREATE TEMP TRIGGER a INSTEAD OF DELETE ON [b c] BEGIN"),
        pair("a", "b c")
    );
    assert_eq!(
        on(
            Backend::MySql,
            "/*!50003 CREATE*/ /*!50017 DEFINER=`x`@`y`*/ /*!50003TRIGGER a BEFORE INSERT ON b */"
        ),
        pair("a", "b"),
    );
}

#[test]
fn rows() {
    check("INSERT INTO s.a VALUES (1)", Act::Insert, "s.a");
    check("INSERT OR IGNORE INTO a VALUES (1)", Act::Insert, "a");
    check("REPLACE a VALUES (1)", Act::Insert, "a");
    check("LOAD DATA INFILE 'b' INTO TABLE a", Act::Insert, "a");
    check("UPDATE OR ROLLBACK a SET b = 1", Act::Update, "a");
    check("UPDATE ONLY a SET b = 1", Act::Update, "a");
    check("DELETE FROM a WHERE b", Act::Delete, "a");
    check("MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", Act::Update, "a");
    check("COPY a (b) FROM '/c'", Act::Insert, "a");
    check("COPY a TO '/c'", Act::Query, "");
    check("((SELECT 1)) UNION SELECT 2", Act::Query, "");
    check("EXPLAIN DELETE FROM a", Act::Query, "");
    check("EXPLAIN ANALYZE DELETE FROM a", Act::Delete, "a");
    check("EXPLAIN (COSTS off, ANALYZE) DELETE FROM a", Act::Delete, "a");
    check("EXPLAIN (COSTS off) DELETE FROM a", Act::Query, "");
}

#[test]
fn queries_in_front_are_looked_through() {
    check("WITH b AS (SELECT 1) INSERT INTO a SELECT * FROM b", Act::Insert, "a");
    check(
        "WITH RECURSIVE b (c) AS (SELECT 1), d AS MATERIALIZED (SELECT (2)) UPDATE a SET c = 1",
        Act::Update,
        "a",
    );
    check("WITH b AS (SELECT 'DELETE') SELECT * FROM b", Act::Query, "");
    check("WITH b AS (DELETE FROM a RETURNING *) SELECT * FROM b", Act::Delete, "a");
    check("WITH b AS (SELECT 1) CYCLE c SET d USING e DELETE FROM a", Act::Delete, "a");
    check("WITH b AS (SELECT 1", Act::Other, "");
}

#[test]
fn outside_a_transaction_in_postgresql() {
    check_outside(
        Backend::Postgres,
        &[
            "!CREATE INDEX CONCURRENTLY a ON b (c)",
            "!create unique index /* d */ concurrently a on b (c)",
            "CREATE INDEX a ON b (c)",
            "CREATE INDEX \"CONCURRENTLY\" ON b (c)",
            "!DROP INDEX CONCURRENTLY IF EXISTS a",
            "DROP INDEX a",
            "!REINDEX INDEX CONCURRENTLY a",
            "!REINDEX (VERBOSE, CONCURRENTLY) TABLE a",
            "!REINDEX (VERBOSE) SCHEMA a",
            "!REINDEX DATABASE a",
            "REINDEX TABLE a",
            "!ALTER TABLE IF EXISTS s.a DETACH PARTITION b CONCURRENTLY",
            "ALTER TABLE a DETACH PARTITION b",
            "!VACUUM (ANALYZE) a",
            "!CLUSTER",
            "CLUSTER a USING b",
            "!CREATE DATABASE a",
            "!ALTER DATABASE a SET TABLESPACE b",
            "ALTER DATABASE a SET work_mem = 1",
            "!ALTER SYSTEM SET a = 1",
            "!DROP TABLESPACE a",
            "!CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c",
            "!COMMIT PREPARED 'a'",
            "COMMIT",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY a",
            "ALTER TYPE a ADD VALUE 'b'",
            "INSERT INTO a VALUES ('VACUUM')",
        ],
    );
}

#[test]
fn outside_a_transaction_elsewhere() {
    check_outside(
        Backend::Sqlite,
        &[
            "!VACUUM",
            "!ATTACH 'a' AS b",
            "!DETACH a",
            "!PRAGMA foreign_keys = OFF",
            "!PRAGMA main.journal_mode(wal)",
            "!pragma synchronous=0",
            "!PRAGMA page_size = 4096",
            "PRAGMA foreign_keys",
            "PRAGMA foreign_key_check",
            "PRAGMA table_info(foreign_keys)",
            "PRAGMA user_version = 1",
        ],
    );
    check_outside(Backend::MySql, &["CREATE DATABASE a", "ALTER TABLE a ADD b int"]);
    assert_eq!(found(Backend::Sqlite, "PRAGMA Foreign_Keys=0").object.as_deref(), Some("foreign_keys"));
}

#[test]
fn names_lose_their_quotes() {
    let object = |backend, statement| found(backend, statement).object.unwrap_or_default();
    assert_eq!(object(Backend::Postgres, "CREATE UNLOGGED TABLE \"A\"\"b\" . U&\"c\" ()"), "A\"b.c");
    assert_eq!(object(Backend::MySql, "DROP TABLE `a``b`.c"), "a`b.c");
    assert_eq!(object(Backend::Sqlite, "DROP TABLE [a\"b]"), "a\"b");
    assert_eq!(object(Backend::Sqlite, "DROP TABLE 'it''s'"), "it's");
}
