//! A second pair of eyes while a message is under way: who is in the way, and cancelling it on the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::database_url::DatabaseUrl;
use crate::dialect::{Dialect, Server};

use super::driver::{Connection, TextRow};
use super::lock::Lock;
use super::session::{Access, Session};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches one session through a connection of its own, which is opened when it is needed first.
pub(super) struct Watch {
    url: DatabaseUrl,
    /// The session's number on the server; none for SQLite, or where it cannot be relied on.
    watched: Option<u64>,
    /// SQLite looks at it while a statement runs.
    cancelled: Option<Arc<AtomicBool>>,
    connection: Option<Connection>,
}

impl Watch {
    /// Watches `session`. Opens nothing yet.
    pub(super) fn new(session: &mut Session, lock: &Lock, url: &DatabaseUrl) -> Self {
        // Behind a pooler the number is by now somebody else's.
        let watched = session.number().filter(|_| !matches!(lock, Lock::Lease(_)));
        Self { url: url.clone(), watched, cancelled: session.cancelled(), connection: None }
    }

    /// Who keeps the session waiting; nobody where that cannot be found out.
    pub(super) async fn blockers(&mut self, server: &Server) -> Vec<String> {
        let Some(watched) = self.watched else { return Vec::new() };
        let queries = server.dialect().blockers(server, watched);
        let Some(connection) = self.connection().await else { return Vec::new() };
        for query in queries {
            let Ok(rows) = connection.rows(&query).await else { continue };
            let found: Vec<String> =
                rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Cancels what the session runs. Where that cannot be done, it runs on.
    pub(super) async fn cancel(&mut self, dialect: &dyn Dialect) {
        if let Some(cancelled) = &self.cancelled {
            cancelled.store(true, Ordering::Relaxed);
        }
        if let Some(sql) = self.watched.and_then(|watched| dialect.cancel(watched))
            && let Some(connection) = self.connection().await
        {
            let _ = connection.run(&sql).await;
        }
    }

    /// Lets the session run again.
    pub(super) fn uncancel(&self) {
        if let Some(cancelled) = &self.cancelled {
            cancelled.store(false, Ordering::Relaxed);
        }
    }

    /// Asks something through its connection; none where there is no answer in time.
    pub(super) async fn ask(&mut self, sql: &str) -> Option<Vec<TextRow>> {
        let connection = self.connection().await?;
        match tokio::time::timeout(PATIENCE, connection.rows(sql)).await {
            Ok(Ok(rows)) => Some(rows),
            // What is left of it on the connection is not to be met again.
            Ok(Err(_)) | Err(_) => {
                self.connection = None;
                None
            }
        }
    }

    /// Closes the connection.
    pub(super) async fn close(self) {
        if let Some(connection) = self.connection {
            connection.close().await;
        }
    }

    async fn connection(&mut self) -> Option<&mut Connection> {
        if self.connection.is_none() {
            self.connection = Connection::open(&self.url, Access::Read).await.ok();
        }
        self.connection.as_mut()
    }
}
