//! The log is only ever added to: every statement that limbeck can make for its books is looked at.

use std::sync::Arc;

use limbeck::chain::Revision;
use limbeck::dialect::{Backend, Server};
use limbeck::ledger::format::SOURCE_LENGTH;
use limbeck::ledger::record::Act;
use limbeck::ledger::{Actor, Format, Lines, RowWrite, State};
use limbeck::sql::SourceText;

use super::written;

/// One of each kind. The match has an arm for each of them, so that a new kind cannot be forgotten here.
fn every(revision: &Arc<Revision>) -> Vec<RowWrite> {
    let own = || Arc::clone(revision);
    let log =
        |act| RowWrite::Log { act, revision: own(), detail: Some("'; DELETE FROM limbeck_log; --".into()) };
    let states = [State::Applied, State::Upgrading, State::Downgrading];
    let mut writes: Vec<RowWrite> = states
        .into_iter()
        .map(|state| RowWrite::Insert { revision: own(), state, heads: Some("limbeck_log".into()) })
        .collect();
    writes.extend([
        RowWrite::Depart { revision: own(), direction: limbeck::chain::Direction::Down, total: 2 },
        RowWrite::Resume { revision: own(), done: 1, total: 2 },
        RowWrite::Progress { revision: own(), done: 1 },
        RowWrite::Arrive { revision: own() },
        RowWrite::Failure { revision: own(), done: 1, error: "limbeck_log".to_owned() },
        RowWrite::Accept { revision: own() },
        RowWrite::Delete { revision: own() },
    ]);
    writes.extend(
        [
            Act::Upgrade,
            Act::Downgrade,
            Act::Stamp,
            Act::Resolve,
            Act::Accept,
            Act::Squash,
            Act::Failure,
            Act::Backup,
        ]
        .map(log),
    );
    for write in &writes {
        match write {
            RowWrite::Insert { .. }
            | RowWrite::Depart { .. }
            | RowWrite::Resume { .. }
            | RowWrite::Progress { .. }
            | RowWrite::Arrive { .. }
            | RowWrite::Failure { .. }
            | RowWrite::Accept { .. }
            | RowWrite::Delete { .. } => {}
            RowWrite::Log { act, .. } => match act {
                Act::Upgrade
                | Act::Downgrade
                | Act::Stamp
                | Act::Resolve
                | Act::Accept
                | Act::Squash
                | Act::Failure
                | Act::Backup => {}
            },
        }
    }
    writes
}

/// The words of a statement up to the table that it is about.
fn aimed_at<'a>(sql: &'a str, format: &Format, server: &Server) -> (&'a str, bool) {
    let dialect = server.dialect();
    let (log, rows) = (format.log.quoted(dialect), format.revisions.quoted(dialect));
    let (at_log, at_rows) = (sql.find(&log), sql.find(&rows));
    let logs = at_log.is_some_and(|at| at_rows.is_none_or(|other| at < other));
    let at = if logs { at_log } else { at_rows };
    (sql[..at.expect("it names a table of the books")].trim(), logs)
}

#[test]
fn no_statement_changes_or_takes_away_a_line_of_the_log() {
    let chain = written::chain("a");
    for backend in Backend::ALL {
        let revision = Arc::clone(&written::read(&chain, backend).revisions()[0]);
        let server = Server::assumed(backend);
        let format = Format::limbeck(None, "default");
        let actor = Actor { os_user: Some("limbeck_log".to_owned()), host: None };
        for write in every(&revision) {
            let sql = write.sql(&format, server.dialect(), &actor);
            let (words, logs) = aimed_at(&sql, &format, &server);
            match &write {
                RowWrite::Log { .. } => assert_eq!((words, logs), ("INSERT INTO", true), "{sql}"),
                _ => assert!(!logs, "{sql}"),
            }
        }
        for sql in format.create(&server) {
            assert_eq!(aimed_at(&sql, &format, &server).0, "CREATE TABLE IF NOT EXISTS", "{sql}");
        }
        for sql in format.extend(&server) {
            let (words, logs) = aimed_at(&sql, &format, &server);
            let adds = words == "ALTER TABLE" && !logs && sql.contains(" ADD COLUMN ");
            assert!(adds || words == "CREATE TABLE IF NOT EXISTS", "{sql}");
        }
        let question = format.select_log(server.dialect(), &Lines::All, 1);
        assert!(question.starts_with("SELECT "), "{question}");
    }
}

#[test]
fn what_ran_is_kept_unless_it_is_too_long() {
    for backend in Backend::ALL {
        let dialect = backend.dialect();
        let format = Format::limbeck(None, "default");
        for (padding, kept) in [(0, true), (SOURCE_LENGTH, false)] {
            let mut revision = Revision::clone(&written::read(&written::chain("a"), backend).revisions()[0]);
            let text = format!("{}{}", revision.source.text(), "-".repeat(padding));
            revision.source = SourceText::new("a.sql", text.clone());
            let revision = Arc::new(revision);
            let literal = dialect.quote_text(&text);
            for write in [
                RowWrite::Insert { revision: Arc::clone(&revision), state: State::Upgrading, heads: None },
                RowWrite::Resume { revision, done: 0, total: 1 },
            ] {
                let sql = write.sql(&format, dialect, &Actor::default());
                assert_eq!(sql.contains(&literal), kept, "{sql:.400}");
                assert_eq!(
                    sql.contains("source = NULL") || sql.ends_with(", NULL, NULL)"),
                    !kept,
                    "{sql:.400}"
                );
            }
        }
    }
}

/// The table of the log is spelled in three places, all of which the test above looks at.
#[test]
fn nothing_else_spells_the_log() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut places = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code: String = std::fs::read_to_string(&path)
                .expect("UTF-8")
                .split_whitespace()
                .filter(|word| !word.starts_with("//"))
                .collect();
            let times = code.matches("log.quoted(").count();
            let name = path.strip_prefix(&source).expect("below").to_string_lossy().into_owned();
            places.extend((times > 0).then_some((name, times)));
        }
    }
    places.sort();
    let expected = [("ledger/format.rs", 1), ("ledger/log.rs", 1), ("ledger/record.rs", 1)];
    assert_eq!(places, expected.map(|(name, times)| (name.to_owned(), times)));
}
