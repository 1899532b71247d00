//! Looks into the catalogue for what a statement in doubt makes or removes.

use crate::chain::guard::Holds;
use crate::plan::{Evidence, InDoubt};
use crate::sql::effect::Presence;
use crate::sql::object::{Kind, Object};

use super::driver::DbError;
use super::session::Session;

/// Looks for the objects of a statement in doubt.
pub(crate) async fn look(session: &Session, doubt: InDoubt) -> Result<Evidence, DbError> {
    let mut found = Vec::new();
    for effect in doubt.effects() {
        let present = session.holds(&session.server().dialect().presence(&effect.object)).await?;
        found.push(match present {
            Holds::Yes
                if effect.leaves == Presence::Present && is_unusable(session, &effect.object).await? =>
            {
                Presence::Absent
            }
            Holds::Yes => Presence::Present,
            Holds::No => Presence::Absent,
        });
    }
    Ok(Evidence { doubt, found })
}

/// Whether it is an index that was begun and never finished: such a one is built again.
async fn is_unusable(session: &Session, object: &Object) -> Result<bool, DbError> {
    match session.server().dialect().unusable_index(object).filter(|_| object.kind == Kind::Index) {
        Some(query) => Ok(!session.ask(&query).await?.is_empty()),
        None => Ok(false),
    }
}
