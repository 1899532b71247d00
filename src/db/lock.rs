//! One runner at a time: a lock on the session's own connection, or beside the SQLite file. A killed process loses it.
//!
//! It is polled, never waited for inside the server: on PostgreSQL a session that waits for an advisory lock holds a
//! snapshot, and a `CREATE INDEX CONCURRENTLY` of the holder waits for that snapshot, which is a deadlock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::database_url::{DatabaseUrl, Place};
use crate::dialect::Backend;
use crate::event::{Event, Observer};
use crate::ledger::{Actor, Format};

use super::driver::DbError;
use super::execute::Terms;
use super::session::Session;

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

/// The lock, held.
pub(super) enum Lock {
    /// On the server, by the session.
    Server(String),
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
        terms: Terms<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Self, LockError> {
        let Terms { url, actor, lock_timeout: timeout, stop, .. } = terms;
        let began = Instant::now();
        let mut pause = PAUSES.0;
        let mut told = false;
        loop {
            let holder = match Self::attempt(session, url, format, actor).await? {
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
        if let Self::Server(sql) = self {
            // A connection that is gone has given it back already.
            let _ = session.ask(&sql).await;
        }
    }

    async fn attempt(
        session: &Session,
        url: &DatabaseUrl,
        format: &Format,
        actor: &Actor,
    ) -> Result<Attempt, LockError> {
        match (url.backend, &url.place) {
            (Backend::Postgres, _) => postgres(session, format).await,
            (Backend::MySql, _) => mysql(session).await,
            (Backend::Sqlite, Place::File(path)) => file(path, actor),
            (Backend::Sqlite, _) => Ok(Attempt::Taken(Self::Unneeded)),
        }
    }
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
async fn postgres(session: &Session, format: &Format) -> Result<Attempt, LockError> {
    let key = i64::from_be_bytes(key(format.revisions.schema.as_deref().unwrap_or_default()));
    let taken = session.ask(&format!("SELECT pg_try_advisory_lock({key})")).await?;
    if first(&taken).is_some_and(|answer| answer.starts_with('t')) {
        return Ok(Attempt::Taken(Lock::Server(format!("SELECT pg_advisory_unlock({key})"))));
    }
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
    Ok(Attempt::Held(known(holder)))
}

/// <https://dev.mysql.com/doc/refman/en/locking-functions.html>: 1 taken, 0 held by another, NULL an error; names belong
/// to the server and have 64 characters at most.
async fn mysql(session: &Session) -> Result<Attempt, LockError> {
    let name = "concat('limbeck:', left(sha2(database(), 256), 40))";
    let answer = session.ask(&format!("SELECT GET_LOCK({name}, 0)")).await?;
    match first(&answer) {
        Some("1") => Ok(Attempt::Taken(Lock::Server(format!("SELECT RELEASE_LOCK({name})")))),
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

fn first(rows: &[super::driver::TextRow]) -> Option<&str> {
    rows.first()?.first()?.as_deref()
}

fn known(rows: Vec<super::driver::TextRow>) -> String {
    first(&rows).map_or_else(|| UNKNOWN.to_owned(), str::to_owned)
}
