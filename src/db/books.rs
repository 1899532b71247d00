//! Reads the books.

use crate::ledger::{Books, Format, Row, State, Tables};

use super::driver::{DbError, TextRow};
use super::session::Session;

/// Reads the books of one service; none when their tables did not exist when the session began.
pub async fn read(session: &Session, format: &Format) -> Result<Books, DbError> {
    let rows = match session.revisions() {
        Tables::Absent => Vec::new(),
        Tables::Present => rows(session, format).await?,
    };
    Ok(Books { tables: session.tables(), content: session.content(), rows })
}

/// Reads the rows of one service.
pub(super) async fn rows(session: &Session, format: &Format) -> Result<Vec<Row>, DbError> {
    let rows = session.ask(&format.select(session.server().dialect())).await?;
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
    let who = [next(), next(), next()];
    let limbeck_version = next().unwrap_or_default();
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
        applied_by: applied_by(&who),
        limbeck_version,
    })
}

/// `app, ann@build-7`: the database user, then the user of the operating system at the host.
fn applied_by([db_user, os_user, host]: &[Option<String>; 3]) -> String {
    let person = match (os_user, host) {
        (Some(user), Some(host)) => Some(format!("{user}@{host}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    };
    [db_user.clone(), person].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
