//! The lock behind a pooler: a row that says who may work, and until when.
//!
//! It is renewed while its holder works, and a killed process's runs out. What makes it safe is not the time but the
//! fence: the statement that looks for the row, and locks it, just before each commit. Whoever takes a lease that ran out
//! changes its token, so that the commit of the one who lost it fails, however late it comes.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use crate::batch::Fence;
use crate::dialect::{Dialect, TableName};
use crate::ledger::{Actor, Format};

use super::super::driver::{DbError, ServerError};
use super::super::session::Session;
use super::super::watch::Watch;

/// How long a lease holds without being renewed: what a killed process keeps the others waiting for. It is renewed when
/// a third of it is gone.
const LENGTH: Duration = Duration::from_secs(30);

/// The pause after a renewal that did not come about.
const AGAIN: Duration = Duration::from_secs(1);

/// What a server says of a table that somebody else makes at the same moment.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const MADE: [&str; 2] = ["42P07", "23505"];

/// The leases of one set of books.
pub(super) struct Leases {
    table: String,
    dialect: &'static dyn Dialect,
}

impl Leases {
    /// Those beside the books.
    pub(super) fn of(format: &Format, dialect: &'static dyn Dialect) -> Self {
        let name = TableName { schema: format.revisions.schema.clone(), name: "limbeck_lock".to_owned() };
        Self { table: name.quoted(dialect), dialect }
    }

    /// An expression: whether their table is there.
    pub(super) fn there(&self) -> String {
        format!("to_regclass({}) IS NOT NULL", self.dialect.quote_text(&self.table))
    }

    /// Makes the table.
    pub(super) async fn make(&self, session: &Session) -> Result<(), DbError> {
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {} (name varchar(20) PRIMARY KEY, holder text NOT NULL, \
             token varchar(40) NOT NULL, expires_at timestamptz NOT NULL)",
            self.table
        );
        match session.ask(&sql).await {
            Err(DbError::Server(error)) if error.code.as_deref().is_some_and(|code| MADE.contains(&code)) => {
                Ok(())
            }
            made => made.map(|_| ()),
        }
    }

    /// Who holds the lease.
    pub(super) async fn holder(&self, session: &Session) -> Result<Option<String>, DbError> {
        let sql = format!("SELECT holder FROM {} WHERE expires_at >= clock_timestamp()", self.table);
        let rows = session.ask(&sql).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    /// Takes the lease where nobody has it, and nobody has the advisory lock `key` either: a runner that is connected to
    /// the server itself.
    pub(super) async fn take(
        self,
        session: &Session,
        key: i64,
        actor: &Actor,
    ) -> Result<Result<Lease, Self>, DbError> {
        let who = [&actor.os_user, &actor.host].into_iter().flatten().cloned().collect::<Vec<_>>().join("@");
        let who = self.dialect.quote_text(&format!("pid {} {who}", std::process::id()));
        let token = token();
        let asked = Instant::now();
        let rows = session
            .ask(&format!(
                "INSERT INTO {table} AS held (name, holder, token, expires_at) \
                 SELECT 'books', {who} || ' behind a pooler, since ' \
                 || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC', \
                 {text}, {end} WHERE pg_try_advisory_xact_lock({key}) ON CONFLICT (name) DO UPDATE SET \
                 holder = excluded.holder, token = excluded.token, expires_at = {end} \
                 WHERE held.expires_at < clock_timestamp() RETURNING 1",
                table = self.table,
                text = self.dialect.quote_text(&token),
                end = end(),
            ))
            .await?;
        if rows.is_empty() {
            return Ok(Err(self));
        }
        let Self { table, dialect } = self;
        Ok(Ok(Lease { table, dialect, token, due: asked + LENGTH / 3, lost: false }))
    }
}

/// The lease, held.
pub(in super::super) struct Lease {
    table: String,
    dialect: &'static dyn Dialect,
    token: String,
    /// When it is to be renewed.
    due: Instant,
    lost: bool,
}

impl Lease {
    /// What keeps a commit from happening once the lease is somebody else's.
    pub(in super::super) fn fence(&self) -> Fence {
        let body = format!(
            "BEGIN PERFORM FROM {table} WHERE {own} FOR NO KEY UPDATE; IF NOT FOUND THEN \
             RAISE EXCEPTION '{LOST}' USING ERRCODE = '{LOST_CODE}'; END IF; END",
            table = self.table,
            own = self.own(),
        );
        Fence { sql: format!("DO {}", self.dialect.quote_text(&body)) }
    }

    /// Renews the lease where it is time for that, through `watch`: the session may be at work. Fails once it is
    /// somebody else's.
    pub(in super::super) async fn keep(&mut self, watch: &mut Watch) -> Result<(), DbError> {
        let now = Instant::now();
        if !self.lost && now >= self.due {
            // A fence of a transaction that the file began locks the row until the file ends it: that is not waited for.
            let sql = format!(
                "WITH free AS (SELECT name FROM {table} WHERE {own} FOR NO KEY UPDATE SKIP LOCKED), \
                 renewed AS (UPDATE {table} lease SET expires_at = {end} FROM free WHERE lease.name = free.name \
                 RETURNING 1) SELECT (SELECT count(*) FROM {table} WHERE {own}), (SELECT count(*) FROM renewed)",
                table = self.table,
                own = self.own(),
                end = end(),
            );
            let answer = watch.ask(&sql).await.and_then(|rows| rows.into_iter().next()).unwrap_or_default();
            let counts: Vec<Option<&str>> = answer.iter().map(Option::as_deref).collect();
            self.lost = counts.first() == Some(&Some("0"));
            self.due = match counts.get(1) {
                Some(Some("1")) => now + LENGTH / 3,
                // Whether it is lost, the fence will say.
                _ => Instant::now() + AGAIN,
            };
        }
        if !self.lost {
            return Ok(());
        }
        // As the fence would say it.
        let (message, code) = (LOST.to_owned(), Some(LOST_CODE.to_owned()));
        Err(DbError::Server(Box::new(ServerError { message, code, ..ServerError::default() })))
    }

    /// Changes the token, so that what an earlier connection may still be at can no longer be committed; what it commits
    /// at this moment is waited for. False when the lease is somebody else's.
    pub(super) async fn take_over(&mut self, session: &Session) -> Result<bool, DbError> {
        let (token, now) = (token(), Instant::now());
        let sql = format!(
            "UPDATE {} SET token = {}, expires_at = {} WHERE {} RETURNING 1",
            self.table,
            self.dialect.quote_text(&token),
            end(),
            self.own()
        );
        let ours = !session.ask(&sql).await?.is_empty();
        (self.token, self.due, self.lost) = (token, now + LENGTH / 3, !ours);
        Ok(ours)
    }

    /// The statement that gives it back.
    pub(super) fn release(&self) -> String {
        format!("DELETE FROM {} WHERE {}", self.table, self.own())
    }

    fn own(&self) -> String {
        format!("name = 'books' AND token = {}", self.dialect.quote_text(&self.token))
    }
}

/// What is said to somebody who took too long.
const LOST: &str = "another limbeck took over, since the lease of this one had run out";

/// The SQLSTATE of that: no server's own.
const LOST_CODE: &str = "LB001";

/// An expression: when a lease ends that begins now.
fn end() -> String {
    format!("clock_timestamp() + interval '{} seconds'", LENGTH.as_secs())
}

/// A text that no other holder has.
fn token() -> String {
    let part = || RandomState::new().hash_one((std::process::id(), Instant::now()));
    format!("{:016x}{:016x}", part(), part())
}
