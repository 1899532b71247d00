//! One runner at a time: a lock on the session's own connection, or beside the SQLite file. A killed process loses it.
//!
//! It is polled, never waited for inside the server: on PostgreSQL a session that waits for an advisory lock holds a
//! snapshot, and a `CREATE INDEX CONCURRENTLY` of the holder waits for that snapshot, which is a deadlock.
//!
//! Behind a pooler that gives each transaction whichever session is free, no session can hold anything: there it is a
//! `lease`. The two keep each other out, so that some runners may be behind the pooler and some not.

mod lease;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::batch::Fence;
use crate::chain::RevisionId;
use crate::database_url::{DatabaseUrl, Place};
use crate::dialect::Backend;
use crate::event::{Event, Observer};
use crate::ledger::{Actor, Format};

use super::driver::{DbError, first};
use super::execute::Terms;
use super::session::Session;
use super::watch::Watch;
use lease::{Lease, Leases};

/// How long to wait for the lock unless told otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The pauses between two tries: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// A lock that was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("another limbeck is at work on this database: {holder} (waited {} s)", waited.as_secs())]
    Held {
        /// Who.
        holder: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The connection goes through a pooler that shares its sessions, and a revision needs one of its own.
    #[error(
        "revision {revision} runs outside of a transaction and {need}, which nothing keeps behind a pooler"
    )]
    Pooled {
        /// The revision.
        revision: RevisionId,
        /// What it needs.
        need: Need,
    },
    /// Somebody asked to stop while it was waited for.
    #[error("interrupted while waiting for another limbeck")]
    Interrupted,
    /// The database could not be asked for it.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The lock file beside a SQLite file cannot be used.
    #[error("cannot lock {}: {error}", path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
}

/// What a revision needs of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The schema that limbeck's settings ask for.
    Schema(String),
    /// What it sets itself.
    Settings,
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Schema(schema) => write!(f, "needs the schema {schema}"),
            Self::Settings => f.write_str("sets something for its session"),
        }
    }
}

/// The lock, held.
pub(super) enum Lock {
    /// On the server, by the session.
    Server {
        /// Asks whether it is.
        held: String,
        /// Gives it back.
        release: String,
    },
    /// In a row, since the session is not this connection's own.
    Lease(Lease),
    /// A locked file; closing it gives the lock back.
    File { _held: File },
    /// None is needed: nobody else can see the database.
    Unneeded,
}

impl Lock {
    /// Takes the lock, waiting as long as `terms` allow and telling `observer` once who is in the way.
    pub(super) async fn take(
        session: &Session,
        format: &Format,
        aim: Aim,
        terms: Terms<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Self, LockError> {
        let Terms { url, actor, lock_timeout: timeout, stop, .. } = terms;
        let began = Instant::now();
        let mut pause = PAUSES.0;
        let mut told = false;
        loop {
            let holder = match Self::attempt(session, url, format, aim, actor).await? {
                Attempt::Taken(lock) => return Ok(lock),
                Attempt::Held(holder) => holder,
            };
            if stop.is_asked() {
                return Err(LockError::Interrupted);
            }
            let waited = began.elapsed();
            if waited >= timeout {
                return Err(LockError::Held { holder, waited });
            }
            if !std::mem::replace(&mut told, true) {
                observer.on_event(&Event::LockHeld { holder });
            }
            tokio::time::sleep(pause.min(timeout - waited)).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Gives the lock back.
    pub(super) async fn release(self, session: &Session) {
        let sql = match self {
            Self::Server { release, .. } => release,
            Self::Lease(lease) => lease.release(),
            Self::File { .. } | Self::Unneeded => return,
        };
        // A connection that is gone has given it back already; a lease runs out.
        let _ = session.ask(&sql).await;
    }

    /// What must stand before each commit, where the session itself does not keep others out.
    pub(super) fn fence(&self) -> Option<Fence> {
        match self {
            Self::Lease(lease) => Some(lease.fence()),
            Self::Server { .. } | Self::File { .. } | Self::Unneeded => None,
        }
    }

    /// Whether the session has it still: a revision may let go of all the locks of its session.
    pub(super) async fn is_held(&self, session: &Session) -> Result<bool, DbError> {
        match self {
            Self::Server { held, .. } => {
                Ok(first(&session.ask(held).await?).is_some_and(|count| count != "0"))
            }
            Self::Lease(_) | Self::File { .. } | Self::Unneeded => Ok(true),
        }
    }

    /// Looks after the lock: only a lease can be lost while its connection lives.
    pub(super) async fn keep(&mut self, watch: &mut Watch) -> Result<(), DbError> {
        match self {
            Self::Lease(lease) => lease.keep(watch).await,
            Self::Server { .. } | Self::File { .. } | Self::Unneeded => Ok(()),
        }
    }

    /// Takes the lock again on a new connection, in the place of one that was lost.
    pub(super) async fn retake(
        &mut self,
        session: &Session,
        format: &Format,
        terms: Terms<'_>,
    ) -> Result<(), LockError> {
        match self {
            // A file's lock was not lost.
            Self::File { .. } | Self::Unneeded => {}
            Self::Lease(lease) => {
                if !lease.take_over(session).await? {
                    return Err(LockError::Held { holder: UNKNOWN.to_owned(), waited: Duration::ZERO });
                }
            }
            Self::Server { .. } => *self = Self::take(session, format, Aim::Work, terms, &mut ()).await?,
        }
        Ok(())
    }

    async fn attempt(
        session: &Session,
        url: &DatabaseUrl,
        format: &Format,
        aim: Aim,
        actor: &Actor,
    ) -> Result<Attempt, LockError> {
        match (url.backend, &url.place) {
            (Backend::Postgres, _) => postgres(session, format, aim, actor).await,
            (Backend::MySql, _) => mysql(session).await,
            (Backend::Sqlite, Place::File(path)) => file(path, actor),
            (Backend::Sqlite, _) => Ok(Attempt::Taken(Self::Unneeded)),
        }
    }
}

/// What the lock is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// To change things under it.
    Work,
    /// To see that nobody has it; nothing is written for that.
    Look,
}

enum Attempt {
    Taken(Lock),
    Held(String),
}

/// The key of the books: the same for every service of them, since their tables may meet.
fn key(name: &str) -> [u8; 8] {
    let digest = Sha256::digest(format!("limbeck:{name}"));
    let mut key = [0; 8];
    key.copy_from_slice(&digest[..8]);
    key
}

/// <https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS>: keys belong to the database.
///
/// The question finds out by itself whether the session is this connection's own, and asks for the lock only then: one
/// that was taken through a pooler would stay with a session that nobody can find again. Two signs, each of which is
/// enough to know that something stands in between:
///
/// - The session's number is not what it was in the first question. This proves a pooler, but its absence proves nothing:
///   an idle pooler hands out the same session again.
/// - What the driver says when it connects did not come with the session's own beginning (`source` would be `client`). A
///   pooler's sessions began before the client came, with the pooler's own words, and it sets the client's later
///   (`session`) or not at all. Unlike the number, this does not depend on who else is at work.
///
/// A pooler that begins a session with its first client's words and gives it to others later shows only the first sign.
/// A pooler that leaves each client its session, or a trigger that sets things at login, is taken for one that does not:
/// the lease holds there as well.
async fn postgres(session: &Session, format: &Format, aim: Aim, actor: &Actor) -> Result<Attempt, LockError> {
    let key = i64::from_be_bytes(key(format.revisions.schema.as_deref().unwrap_or_default()));
    let leases = Leases::of(format, session.server().dialect());
    let answer = session
        .ask(&format!(
            "SELECT CASE WHEN own THEN pg_try_advisory_lock({key}) END, {there} FROM (\
             SELECT count(*) = 3 AND pg_backend_pid() = {number} AS own FROM pg_settings \
             WHERE name IN ('application_name', 'DateStyle', 'TimeZone') AND source = 'client') s",
            there = leases.there(),
            number = session.number().unwrap_or_default(),
        ))
        .await?;
    let mut cells =
        answer.into_iter().next().unwrap_or_default().into_iter().map(|cell| cell.map(|text| text == "t"));
    let (taken, there) = (cells.next().flatten(), cells.next().flatten() == Some(true));
    let (high, low) = ((key >> 32) as u32, key as u32);
    let held = format!(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND classid = {high} AND objid = {low} AND objsubid = 1"
    );
    let release = format!("SELECT pg_advisory_unlock({key})");
    let leased = match (taken, aim) {
        (Some(false), _) => None,
        // While it is held, no lease can be taken; one may have been before.
        (Some(true), _) if there => match leases.holder(session).await? {
            Some(holder) => {
                session.ask(&release).await?;
                Some(holder)
            }
            None => return Ok(Attempt::Taken(Lock::Server { held, release })),
        },
        (Some(true), _) => return Ok(Attempt::Taken(Lock::Server { held, release })),
        (None, Aim::Look) => {
            let leased = if there { leases.holder(session).await? } else { None };
            if leased.is_none() {
                return Ok(match advisory_holder(session, key).await? {
                    Some(holder) => Attempt::Held(holder),
                    None => Attempt::Taken(Lock::Unneeded),
                });
            }
            leased
        }
        (None, Aim::Work) => {
            if !there {
                leases.make(session).await?;
            }
            match leases.take(session, key, actor).await? {
                Ok(lease) => return Ok(Attempt::Taken(Lock::Lease(lease))),
                Err(leases) => leases.holder(session).await?,
            }
        }
    };
    let holder = match leased {
        Some(holder) => Some(holder),
        None => advisory_holder(session, key).await?,
    };
    Ok(Attempt::Held(holder.unwrap_or_else(|| UNKNOWN.to_owned())))
}

/// Who holds the advisory lock.
async fn advisory_holder(session: &Session, key: i64) -> Result<Option<String>, DbError> {
    let (high, low) = ((key >> 32) as u32, key as u32);
    let holder = session
        .ask(&format!(
            "SELECT 'pid ' || a.pid || coalesce(', ' || nullif(a.application_name, ''), '') \
             || coalesce(', ' || a.usename, '') || coalesce(' from ' || host(a.client_addr), '') \
             || ', connected since ' || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC' \
             FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted \
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
             AND l.classid = {high} AND l.objid = {low} AND l.objsubid = 1"
        ))
        .await?;
    Ok(first(&holder).map(str::to_owned))
}

/// <https://dev.mysql.com/doc/refman/en/locking-functions.html>: 1 taken, 0 held by another, NULL an error; names belong
/// to the server and have 64 characters at most.
async fn mysql(session: &Session) -> Result<Attempt, LockError> {
    let name = "concat('limbeck:', left(sha2(database(), 256), 40))";
    let answer = session.ask(&format!("SELECT GET_LOCK({name}, 0)")).await?;
    match first(&answer) {
        Some("1") => Ok(Attempt::Taken(Lock::Server {
            held: format!("SELECT coalesce(IS_USED_LOCK({name}) = CONNECTION_ID(), 0)"),
            release: format!("SELECT RELEASE_LOCK({name})"),
        })),
        Some(_) => {
            let shown = session
                .ask(&format!(
                    "SELECT concat('connection ', id, ', ', user, ' from ', host) FROM information_schema.processlist \
                     WHERE id = IS_USED_LOCK({name})"
                ))
                .await;
            let holder = match shown {
                // MySQL shows no session at all while one of them runs a statement with a character outside of utf8mb3.
                Err(DbError::Server(_)) => {
                    session.ask(&format!("SELECT concat('connection ', IS_USED_LOCK({name}))")).await
                }
                shown => shown,
            };
            Ok(Attempt::Held(known(holder?)))
        }
        None => {
            Err(DbError::Lost("GET_LOCK answered NULL: the server could not take the lock".to_owned()).into())
        }
    }
}

/// A file beside the database, locked by the operating system; what is in it says who holds it. It stays, unlocked:
/// deleting it would let two processes lock two files of the same name.
fn file(database: &str, actor: &Actor) -> Result<Attempt, LockError> {
    // One file has one lock, whatever link leads to it.
    let real = std::fs::canonicalize(database).unwrap_or_else(|_| PathBuf::from(database));
    let mut path = real.into_os_string();
    path.push("-limbeck-lock");
    let path = PathBuf::from(path);
    let failed = |error| LockError::File { path: path.clone(), error };
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            let who =
                [&actor.os_user, &actor.host].into_iter().flatten().cloned().collect::<Vec<_>>().join("@");
            let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
            let note = format!("pid {} {who} since {now}\n", std::process::id());
            let noted =
                file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(note.as_bytes()));
            noted.map_err(failed)?;
            Ok(Attempt::Taken(Lock::File { _held: file }))
        }
        Err(TryLockError::WouldBlock) => {
            let mut note = String::new();
            let _ = file.read_to_string(&mut note);
            let note = note.trim();
            Ok(Attempt::Held(if note.is_empty() { UNKNOWN.to_owned() } else { note.to_owned() }))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The holder that was gone, or may not be seen, when it was asked for.
const UNKNOWN: &str = "a process that cannot be seen";

fn known(rows: Vec<super::driver::TextRow>) -> String {
    first(&rows).map_or_else(|| UNKNOWN.to_owned(), str::to_owned)
}
