//! The verbs: the only place where gather, decide and act follow one another.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::chain::{Chain, Goal, GoalError, Revision, RevisionId};
use crate::convention::Convention;
use crate::database_url::DatabaseUrl;
pub use crate::db::Access;
pub use crate::db::execute::DEFAULT_LOCK_BUDGET as LOCK_BUDGET;
use crate::db::execute::Terms;
pub use crate::db::lock::DEFAULT_TIMEOUT as LOCK_TIMEOUT;
use crate::db::{self, Session};
use crate::dialect::{Backend, Server};
use crate::error::Error;
use crate::event::Observer;
use crate::folder;
use crate::ledger::{Actor, Books, Content, Entry, Extent, Format, Home, Ledger, Lines, Row, State, Tables};
use crate::plan::{Facts, Late, Plan, PlanError, Policy, Purge, Way};
use crate::report::Report;
use crate::review::Approved;
use crate::stop::Stop;

/// One chain and one database: what every verb needs.
pub struct MigrationManager {
    chain: Chain,
    session: Session,
    format: Format,
    books: Books,
    url: DatabaseUrl,
    access: Access,
    lock_timeout: Duration,
    lock_budget: Duration,
    policy: Policy,
}

/// Where a database stands against its chain.
#[derive(Clone, Debug)]
pub struct Status {
    /// The heads of what is applied.
    pub current: Vec<RevisionId>,
    /// The heads of the chain.
    pub heads: Vec<RevisionId>,
    /// How many revisions are applied.
    pub applied: usize,
    /// What is not applied, in order.
    pub pending: Vec<Arc<Revision>>,
    /// The pending revisions that come after their time: beside or beneath one that is applied.
    pub late: Vec<RevisionId>,
    /// What is half-applied.
    pub dirty: Vec<Row>,
    /// Applied revisions that no file has.
    pub missing: Vec<Row>,
    /// Applied revisions whose files changed since.
    pub edited: Vec<(RevisionId, Extent)>,
}

/// What ran as an applied revision.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its row in the books.
    pub row: Row,
    /// The text of its file as it was applied; none where the books do not hold it: it was longer than
    /// [`SOURCE_LENGTH`](crate::ledger::format::SOURCE_LENGTH), or a version applied it that did not keep it.
    pub source: Option<String>,
}

impl Status {
    /// Whether nothing is pending and nothing is half-applied.
    pub fn is_up_to_date(&self) -> bool {
        self.pending.is_empty() && self.dirty.is_empty()
    }
}

/// Reads the chain of a folder. Changes nothing.
pub fn load(
    migrations: &Path,
    backend: Backend,
    convention: &Convention,
    shown: &Path,
) -> Result<Chain, Error> {
    folder::load(migrations, backend, convention.layout, shown)
}

/// Plans without a database: from `from` to `to`, for the server to assume.
pub fn offline(
    chain: &Chain,
    backend: Backend,
    schema: Option<String>,
    service: &str,
    from: &Goal,
    to: impl FnOnce(&Facts<'_>) -> Result<Plan, PlanError>,
) -> Result<Plan, Error> {
    let server = Server::assumed(backend);
    let home = Home { database: None, search_path: schema.clone() };
    let format = Format::limbeck(schema, service).at(home);
    let start = chain.wanted(from, &BTreeSet::new())?;
    let tables = if start.is_empty() { Tables::Absent } else { Tables::Present };
    let rows = start.iter().map(|at| assumed_row(&chain.revisions()[*at])).collect();
    let books = Books { tables, content: Content::Some, rows };
    // A script from one place to another: what is late against a database nobody knows.
    let policy = Policy { late: Late::Apply, ..Policy::default() };
    Ok(to(&Facts { chain, books: &books, server: &server, format: &format, policy })?)
}

/// The row that an applied revision has.
fn assumed_row(revision: &Revision) -> Row {
    Row {
        revision: revision.id.clone(),
        description: revision.message.clone(),
        checksum: revision.digest.tokens.to_string(),
        file_checksum: revision.digest.bytes.to_string(),
        state: State::Applied,
        done: revision.upgrade.statements.len() as u64,
        total: revision.upgrade.statements.len() as u64,
        error: None,
        applied_at: None,
        duration_ms: None,
        applied_by: String::new(),
        limbeck_version: String::new(),
    }
}

impl MigrationManager {
    /// Connects and reads the books. Changes nothing; with [`Access::Read`] it could not.
    pub async fn connect(
        chain: Chain,
        url: &DatabaseUrl,
        service: &str,
        access: Access,
    ) -> Result<Self, Error> {
        // The first connection to a SQLite file must not make it: the answer may still be no.
        let gathering = if url.backend == Backend::Sqlite { Access::Read } else { access };
        let session = Session::open(url, gathering).await?;
        let format = session.format(service);
        let books = db::books::read(&session, &format).await?;
        let url = url.clone();
        Ok(Self {
            chain,
            session,
            format,
            books,
            url,
            access,
            lock_timeout: LOCK_TIMEOUT,
            lock_budget: LOCK_BUDGET,
            policy: Policy::default(),
        })
    }

    /// Waits for another runner to end where one is at work: a revision in flight is then no half-applied one. Changes
    /// nothing.
    pub async fn settle(
        &mut self,
        actor: &Actor,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        if self.books.rows.iter().any(|row| row.state != State::Applied) {
            let terms = Terms {
                url: &self.url,
                actor,
                lock_timeout: self.lock_timeout,
                lock_budget: self.lock_budget,
                stop,
            };
            db::execute::alone(&self.session, &self.format, terms, observer).await?;
            self.books = db::books::read(&self.session, &self.format).await?;
        }
        Ok(())
    }

    /// Waits for another runner for `timeout` at most, in place of a minute.
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Tries each revision again for `budget` at most while others hold the locks that it needs, in place of two minutes.
    pub fn with_lock_budget(mut self, budget: Duration) -> Self {
        self.lock_budget = budget;
        self
    }

    /// Plans as `policy` says.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The server.
    pub fn server(&self) -> &Server {
        self.session.server()
    }

    /// The books as they were read when the manager connected.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// The books, read against the chain.
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger::read(&self.chain, &self.books.rows)
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            chain: &self.chain,
            books: &self.books,
            server: self.session.server(),
            format: &self.format,
            policy: self.policy,
        }
    }

    /// Plans an upgrade.
    pub fn plan_upgrade(&self, goal: &Goal) -> Result<Plan, Error> {
        Ok(self.facts().upgrade(goal)?)
    }

    /// Plans a downgrade.
    pub fn plan_downgrade(&self, goal: &Goal) -> Result<Plan, Error> {
        Ok(self.facts().downgrade(goal)?)
    }

    /// Plans the way to a goal, up or down.
    pub fn plan_goto(&self, goal: &Goal) -> Result<Plan, Error> {
        Ok(self.facts().goto(goal)?)
    }

    /// Plans a change of the books alone.
    pub fn plan_stamp(&self, goals: &[Goal], purge: Purge) -> Result<Plan, Error> {
        Ok(self.facts().stamp(goals, purge)?)
    }

    /// Plans the way out of a half-applied revision.
    pub fn plan_resolve(&self, named: Option<&str>, way: Way) -> Result<Plan, Error> {
        Ok(self.facts().resolve(named, way)?)
    }

    /// Plans that the edited file of an applied revision is taken as it is.
    pub fn plan_accept(&self, name: &str, reason: &str) -> Result<Plan, Error> {
        Ok(self.facts().accept(name, reason)?)
    }

    /// Where the database stands.
    pub fn status(&self) -> Status {
        let ledger = self.ledger();
        let chain = &self.chain;
        let pending: Vec<usize> = (0..chain.len()).filter(|at| !ledger.applied.contains(at)).collect();
        Status {
            current: ledger.heads(chain),
            heads: chain.ids(chain.heads()),
            applied: ledger.applied.len(),
            late: chain.ids(chain.late(&ledger.applied)),
            pending: pending.iter().map(|at| Arc::clone(&chain.revisions()[*at])).collect(),
            dirty: ledger.dirty.iter().map(|row| (*row).clone()).collect(),
            missing: ledger.unknown.iter().map(|row| (*row).clone()).collect(),
            edited: ledger.edited.iter().map(|edited| (edited.row.revision.clone(), edited.extent)).collect(),
        }
    }

    /// What ran as the applied revision called `name`, which no file need have any more.
    pub async fn ran(&self, name: &str) -> Result<Ran, Error> {
        let row = self.facts().applied(name)?.clone();
        let source = db::books::source(&self.session, &self.format, &row.revision).await?;
        Ok(Ran { row, source })
    }

    /// The newest lines of the log, newest first: all of them, or those of the revision called `named`, which no file
    /// need have any more.
    pub async fn log(&self, named: Option<&str>, limit: u32) -> Result<Vec<Entry>, Error> {
        let read = |lines| async move { db::books::log(&self.session, &self.format, &lines, limit).await };
        let Some(name) = named else { return Ok(read(Lines::All).await?) };
        match self.chain.find(name) {
            Ok(at) => Ok(read(Lines::Of(self.chain.revisions()[at].id.clone())).await?),
            Err(error @ GoalError::Unknown { .. }) => {
                let found = read(Lines::Beginning(name.to_owned())).await?;
                if found.is_empty() { Err(error.into()) } else { Ok(found) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Carries an approved plan out. This is the one verb that changes a database.
    ///
    /// It waits for another runner to end, and refuses with [`crate::db::Stale`] when the books are not what they were when the plan was made.
    pub async fn execute(
        &mut self,
        approved: &Approved,
        actor: &Actor,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Report, Error> {
        if self.url.backend == Backend::Sqlite && self.access == Access::Write {
            self.session = Session::open(&self.url, Access::Write).await?;
        }
        let terms = Terms {
            url: &self.url,
            actor,
            lock_timeout: self.lock_timeout,
            lock_budget: self.lock_budget,
            stop,
        };
        Ok(db::execute::execute(&mut self.session, approved, terms, observer).await?)
    }

    /// Closes the connection.
    pub async fn close(self) {
        self.session.close().await;
    }
}
