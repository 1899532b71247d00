//! Looks into the catalogue for what a statement in doubt makes or removes.

use crate::batch::Question;
use crate::chain::guard::Holds;
use crate::plan::{Evidence, InDoubt};
use crate::sql::effect::Presence;

use super::driver::DbError;
use super::session::Session;

/// Looks for the objects of a statement in doubt.
pub(crate) async fn look(session: &Session, doubt: InDoubt) -> Result<Evidence, DbError> {
    let mut found = Vec::new();
    for effect in doubt.effects() {
        let rows = session.ask(&session.server().dialect().presence(&effect.object)).await?;
        let answer = rows.first().and_then(|row| row.first()).and_then(Option::as_deref);
        found.push(match Question::holds(answer) {
            Holds::Yes => Presence::Present,
            Holds::No => Presence::Absent,
        });
    }
    Ok(Evidence { doubt, found })
}
