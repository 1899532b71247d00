//! Whether a run is preceded by a copy of the database, and how such a copy is restored.

use crate::chain::Direction;
use crate::database_url::{DatabaseUrl, Place};
use crate::dialect::{Server, Vendor};
use crate::plan::{Action, Plan};
use crate::sql::loss::loses_data;

/// When the database is copied before a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backup {
    /// Where a copy costs one statement, before a downgrade and before what throws data away.
    #[default]
    Auto,
    /// Before every run.
    Always,
    /// Before none.
    Never,
}

impl Backup {
    /// Reads a setting: `auto`, `always` or `never`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            _ => None,
        }
    }

    /// Whether the database is to be copied before `plan` is carried out.
    pub fn is_due(self, plan: &Plan) -> bool {
        let mut running = plan.steps.iter().filter(|step| step.action == Action::Run);
        match self {
            Self::Never => false,
            Self::Always => running.next().is_some(),
            Self::Auto if !plan.server.copies_itself() => false,
            Self::Auto => {
                let lexis = plan.server.dialect().lexis();
                running.any(|step| {
                    let statements = step.script().map(|script| script.statements.as_slice());
                    step.direction == Direction::Down
                        || statements
                            .unwrap_or_default()
                            .iter()
                            .any(|statement| loses_data(lexis, step.revision.source.slice(statement.span)))
                })
            }
        }
    }
}

/// The command that restores the copy in `file` to the database at `url`.
pub fn restore(server: &Server, url: &DatabaseUrl, file: &str) -> String {
    let file = quoted(file);
    let Place::Server(address) = &url.place else {
        let database = url.path().unwrap_or_default();
        let beside = |ending: &str| quoted(&format!("{database}{ending}"));
        // A log of writes that belongs to the old file must not meet the new one.
        return format!("rm -f {} {} && cp {file} {}", beside("-wal"), beside("-shm"), quoted(database));
    };
    let host = address.socket.as_deref().unwrap_or(&address.host);
    let user = address.user.as_deref().unwrap_or_default();
    let name = address.database.as_deref().unwrap_or_default();
    match server.vendor {
        Vendor::MySql | Vendor::MariaDb => {
            let program = if server.vendor == Vendor::MySql { "mysql" } else { "mariadb" };
            let place = match &address.socket {
                Some(socket) => format!("--socket={}", quoted(socket)),
                None => format!("--host={} --port={}", quoted(&address.host), address.port),
            };
            format!("{program} {place} --user={} --password {} < {file}", quoted(user), quoted(name))
        }
        Vendor::Postgres | Vendor::Sqlite => format!(
            "pg_restore --clean --if-exists --host={} --port={} --username={} --dbname={} {file}",
            quoted(host),
            address.port,
            quoted(user),
            quoted(name)
        ),
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Backend;

    #[test]
    fn the_command_to_restore_can_be_typed_and_shows_no_password() {
        for (url, expected) in [
            (
                "sqlite:///data/it's.db",
                r"rm -f '/data/it'\''s.db-wal' '/data/it'\''s.db-shm' && cp '/a b' '/data/it'\''s.db'",
            ),
            (
                "postgresql://app:hunter2@db/app",
                "pg_restore --clean --if-exists --host=db --port=5432 --username=app --dbname=app '/a b'",
            ),
            ("mysql://app:hunter2@db/app", "mysql --host=db --port=3306 --user=app --password app < '/a b'"),
        ] {
            let url = DatabaseUrl::parse(url).unwrap();
            assert_eq!(restore(&Server::assumed(url.backend), &url, "/a b"), expected);
        }
        assert!(Server::assumed(Backend::Sqlite).copies_itself());
    }
}
