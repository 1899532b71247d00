//! Reads the books.

use crate::chain::RevisionId;
use crate::ledger::{Books, Entry, Format, Lines, Row, State, Tables, log};

use super::driver::{DbError, TextRow};
use super::session::Session;

/// Reads the books of one service; none when their tables did not exist when the session began.
pub async fn read(session: &Session, format: &Format) -> Result<Books, DbError> {
    let rows = match session.revisions() {
        Tables::Absent => Vec::new(),
        Tables::Present | Tables::Outdated => rows(session, format).await?,
    };
    Ok(Books { tables: session.tables(), content: session.content(), rows })
}

/// Reads the rows of one service.
pub(super) async fn rows(session: &Session, format: &Format) -> Result<Vec<Row>, DbError> {
    let rows = session.ask(&format.select(session.server().dialect(), session.revisions())).await?;
    rows.into_iter().map(row).collect()
}

fn row(columns: TextRow) -> Result<Row, DbError> {
    let mut columns = columns.into_iter();
    let mut next = || columns.next().flatten();
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let revision = next().unwrap_or_default();
    let description = next().unwrap_or_default();
    let checksum = next().unwrap_or_default();
    let file_checksum = next().unwrap_or_default();
    let state: State = next()
        .unwrap_or_default()
        .parse()
        .map_err(|error: crate::ledger::UnknownState| DbError::Books(error.to_string()))?;
    let done = number(next()).unwrap_or_default();
    let total = number(next()).unwrap_or_default();
    let error = next();
    let applied_at = next();
    let duration_ms = number(next());
    let [db_user, os_user, host] = [next(), next(), next()];
    let limbeck_version = next().unwrap_or_default();
    let heads = next();
    Ok(Row {
        revision: revision.as_str().into(),
        description,
        checksum,
        file_checksum,
        state,
        done,
        total,
        error,
        applied_at,
        duration_ms,
        applied_by: log::who(db_user.as_deref(), os_user.as_deref(), host.as_deref()),
        limbeck_version,
        heads,
    })
}

/// Reads what ran as a revision; none where the books do not hold it.
pub async fn source(
    session: &Session,
    format: &Format,
    revision: &RevisionId,
) -> Result<Option<String>, DbError> {
    if session.revisions() != Tables::Present {
        return Ok(None);
    }
    let rows = session.ask(&format.select_source(session.server().dialect(), revision)).await?;
    Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
}

/// Reads the newest lines of the log, newest first; none when there was no log when the session began.
pub async fn log(
    session: &Session,
    format: &Format,
    lines: &Lines,
    limit: u32,
) -> Result<Vec<Entry>, DbError> {
    if session.log() == Tables::Absent {
        return Ok(Vec::new());
    }
    let rows = session.ask(&format.select_log(session.server().dialect(), lines, limit)).await?;
    Ok(rows.into_iter().map(entry).collect())
}

fn entry(columns: TextRow) -> Entry {
    let mut columns = columns.into_iter();
    let mut next = || columns.next().flatten();
    Entry {
        happened_at: next().unwrap_or_default(),
        act: next().unwrap_or_default(),
        revision: next().unwrap_or_default().as_str().into(),
        description: next(),
        checksum: next(),
        detail: next(),
        duration_ms: next().and_then(|text| text.parse().ok()),
        db_user: next(),
        os_user: next(),
        host: next(),
        limbeck_version: next(),
    }
}
