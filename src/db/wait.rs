//! Getting to a server that is not up yet, as beside a container that has just been started.

use std::time::{Duration, Instant};

use crate::database_url::{DatabaseUrl, Place};
use crate::event::{Event, Observer};

use super::driver::DbError;
use super::session::{Access, Session};

/// The pauses between two tries: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What a try is given at least, however little of the wait is left.
const TRY: Duration = Duration::from_secs(1);

/// Opens a session. Where the server is not up, it tries again for `wait`, and tells `observer` so once.
pub async fn open(
    url: &DatabaseUrl,
    access: Access,
    wait: Duration,
    observer: &mut dyn Observer,
) -> Result<Session, DbError> {
    let began = Instant::now();
    let mut pause = PAUSES.0;
    let mut told = false;
    let mut error = match Session::open(url, access).await {
        Err(error) if may_change(url, &error) && !wait.is_zero() => error,
        opened => return opened,
    };
    loop {
        let Some(left) = wait.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else {
            return Err(after(error, wait));
        };
        if !std::mem::replace(&mut told, true) {
            observer.on_event(&Event::ServerAwaited { url: url.to_string(), reason: said(&error), wait });
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(PAUSES.1);
        let left = wait.saturating_sub(began.elapsed()).max(TRY);
        error = match tokio::time::timeout(left, Session::open(url, access)).await {
            Ok(Err(again)) if may_change(url, &again) => again,
            Ok(opened) => return opened,
            // The last answer says more than that there was none.
            Err(_) => error,
        };
    }
}

fn may_change(url: &DatabaseUrl, error: &DbError) -> bool {
    matches!(url.place, Place::Server(_)) && error.is_passing()
}

/// What was said, without the address, which is told beside it.
fn said(error: &DbError) -> String {
    match error {
        DbError::Connect { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

fn after(error: DbError, wait: Duration) -> DbError {
    match error {
        DbError::Connect { url, reason, message } => {
            DbError::Connect { url, reason, message: format!("{message} (waited {} s)", wait.as_secs_f64()) }
        }
        other => other,
    }
}
