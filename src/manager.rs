//! The verbs: the only place where gather, decide and act follow one another.

mod status;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::backup::Backup;
use crate::chain::{Chain, Goal, GoalError, Revision, RevisionId};
use crate::convention::Convention;
use crate::database_url::DatabaseUrl;
pub use crate::db::Access;
pub use crate::db::execute::DEFAULT_LOCK_BUDGET as LOCK_BUDGET;
use crate::db::execute::Terms;
use crate::db::execute::backup::Copying;
pub use crate::db::execute::backup::{BackupError, Dump, Dumping};
pub use crate::db::lock::DEFAULT_TIMEOUT as LOCK_TIMEOUT;
use crate::db::{self, Scratch, Session};
use crate::dialect::{Backend, Server};
use crate::error::{DbError, Error};
use crate::event::{Event, Observer};
use crate::folder;
use crate::ledger::{Actor, Books, Content, Entry, Format, Home, Ledger, Lines, Row, State, Tables};
use crate::plan::{Evidence, Facts, Late, Note, Plan, PlanError, Policy, Purge, Way};
use crate::report::{End, Report};
use crate::review::{Approved, ApprovedBy, Review};
use crate::squash::{self, Difference};
use crate::stop::Stop;

pub use status::{HalfApplied, Ran, Status, StoppedAt};

/// One chain and one database: what every verb needs.
pub struct MigrationManager {
    /// The chain as its files say.
    files: Arc<Chain>,
    /// The chain as this database sees it.
    chain: Arc<Chain>,
    session: Session,
    format: Format,
    books: Books,
    url: DatabaseUrl,
    access: Access,
    lock_timeout: Duration,
    lock_budget: Duration,
    policy: Policy,
    backup: Backup,
    backup_folder: Option<PathBuf>,
    dump: Option<Box<dyn Dump>>,
}

/// How to get to a database.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// What the connection is for.
    pub access: Access,
    /// How long to wait for a server that is not up yet.
    pub wait: Duration,
    /// What to do about a database that does not exist.
    pub missing: MissingDatabase,
}

/// What to do about a database that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingDatabase {
    /// It is an error.
    #[default]
    Refused,
    /// It is planned for as an empty one, and made when the plan is carried out.
    Created,
}

impl From<Access> for Reach {
    /// At once or not at all.
    fn from(access: Access) -> Self {
        Self { access, wait: Duration::ZERO, missing: MissingDatabase::Refused }
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
        heads: None,
    }
}

/// The chain as the database of these books sees it.
fn seen(files: &Arc<Chain>, books: &Books) -> Result<Arc<Chain>, Error> {
    if !files.has_squashes() {
        return Ok(Arc::clone(files));
    }
    let known = books.rows.iter().map(|row| &row.revision).collect();
    Ok(files.seen_by(&known)?.map_or_else(|| Arc::clone(files), Arc::new))
}

/// Which of two ways to the same schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The old revisions, one after the other.
    Old,
    /// The squash.
    Squash,
}

/// Two ways that could not be compared. What was made for it is gone again.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// No scratch database could be made.
    #[error("a scratch database cannot be made: {0}")]
    Scratch(#[source] DbError),
    /// One of the ways failed.
    #[error("{error}")]
    Failed {
        /// Which.
        route: Route,
        /// Why.
        #[source]
        error: Box<Error>,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A scratch database could not be dropped.
    #[error("the scratch database {url} cannot be dropped: {error}")]
    Left {
        /// Where it is.
        url: String,
        /// Why.
        #[source]
        error: DbError,
    },
}

/// Where two ways are tried out.
#[derive(Clone, Copy, Debug)]
pub struct Laboratory<'a> {
    /// The server that the scratch databases are made on.
    pub url: &'a DatabaseUrl,
    /// What tells their names from all others.
    pub name: &'a str,
    /// Who acts.
    pub actor: &'a Actor,
    /// Once it asks, no further revision begins.
    pub stop: &'a Stop,
}

/// Runs two chains to their revisions, each on a scratch database of its own, and compares the schemas.
pub async fn prove(
    old: (Chain, &RevisionId),
    squash: (Chain, &RevisionId),
    laboratory: Laboratory<'_>,
) -> Result<Vec<Difference>, ProofError> {
    let old = made_by(old, Route::Old, laboratory).await?;
    let new = made_by(squash, Route::Squash, laboratory).await?;
    Ok(squash::differences(&old, &new))
}

/// The schema that a chain makes, from an empty database to the revision.
async fn made_by(
    (chain, goal): (Chain, &RevisionId),
    route: Route,
    laboratory: Laboratory<'_>,
) -> Result<Vec<String>, ProofError> {
    let scratch = Scratch::make(laboratory.url, laboratory.name).await.map_err(ProofError::Scratch)?;
    let made = run_on(&scratch, chain, goal, laboratory).await;
    let url = scratch.url.to_string();
    let dropped = scratch.drop().await.map_err(|error| ProofError::Left { url, error });
    match made {
        Ok(Some(schema)) => dropped.map(|()| schema),
        Ok(None) => dropped.and(Err(ProofError::Interrupted)),
        Err(error) => Err(ProofError::Failed { route, error: Box::new(error) }),
    }
}

/// Runs a chain; none when somebody asked to stop.
async fn run_on(
    scratch: &Scratch,
    chain: Chain,
    goal: &RevisionId,
    Laboratory { actor, stop, .. }: Laboratory<'_>,
) -> Result<Option<Vec<String>>, Error> {
    let mut manager = MigrationManager::connect(chain, &scratch.url, "scratch", Access::Write).await?;
    let plan = manager.plan_upgrade(&Goal::Revision(goal.to_string()))?;
    let approved = Review::new(plan).approve(ApprovedBy::Command);
    let ran = manager.execute(&approved, actor, stop, &mut ()).await;
    let schema = match ran {
        Ok(report) if report.end == End::Complete => {
            let schema = db::schema(&manager.session, &scratch.url.name()).await;
            schema.map(Some).map_err(Error::from)
        }
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    manager.close().await;
    schema
}

impl MigrationManager {
    /// Connects and reads the books. Changes nothing; with [`Access::Read`] it could not.
    pub async fn connect(
        chain: Chain,
        url: &DatabaseUrl,
        service: &str,
        access: Access,
    ) -> Result<Self, Error> {
        Self::reach(chain, url, service, access.into(), &mut ()).await
    }

    /// The same, as patiently as `reach` says. Given up at any moment, it leaves nothing behind.
    pub async fn reach(
        chain: Chain,
        url: &DatabaseUrl,
        service: &str,
        reach: Reach,
        observer: &mut dyn Observer,
    ) -> Result<Self, Error> {
        let Reach { access, wait, missing } = reach;
        // The first connection to a SQLite file must not make it: the answer may still be no.
        let gathering = if url.backend == Backend::Sqlite { Access::Read } else { access };
        let session = match db::wait::open(url, gathering, wait, observer).await {
            Err(error) if missing == MissingDatabase::Created && error.is_no_database() => {
                match Session::beside(url, gathering).await? {
                    Some(session) => session,
                    // Somebody has just made it; or it is there, and not for this role.
                    None => Session::open(url, gathering).await?,
                }
            }
            opened => opened?,
        };
        let format = session.format(service);
        let books = db::books::read(&session, &format).await?;
        let url = url.clone();
        let files = Arc::new(chain);
        Ok(Self {
            chain: seen(&files, &books)?,
            files,
            session,
            format,
            books,
            url,
            access,
            lock_timeout: LOCK_TIMEOUT,
            lock_budget: LOCK_BUDGET,
            policy: Policy::default(),
            backup: Backup::default(),
            backup_folder: None,
            dump: None,
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
                copying: Copying::default(),
                stop,
            };
            db::execute::alone(&self.session, &self.format, terms, observer).await?;
            self.books = db::books::read(&self.session, &self.format).await?;
            self.chain = seen(&self.files, &self.books)?;
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

    /// Copies the database before a run as `when` says, in place of [`Backup::Auto`]: into `folder` if that is given, else
    /// beside the SQLite file; a server's database by `dump`.
    pub fn with_backup(mut self, when: Backup, folder: Option<PathBuf>, dump: Option<Box<dyn Dump>>) -> Self {
        self.backup = when;
        self.backup_folder = folder;
        self.dump = dump;
        self
    }

    /// Plans as `policy` says.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// What the user wants of every plan.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// The chain, as this database sees it: with the revisions that a squash replaced where the books still have them.
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

    /// The plan, with a word about a database that must be made first.
    fn noted(&self, mut plan: Plan) -> Plan {
        if self.session.content() == Content::NoDatabase && !plan.steps.is_empty() {
            let schema = self.url.schema().map(str::to_owned);
            plan.notes.insert(0, Note::MakesDatabase { name: self.url.name(), schema });
        }
        plan
    }

    /// Plans an upgrade.
    pub fn plan_upgrade(&self, goal: &Goal) -> Result<Plan, Error> {
        Ok(self.noted(self.facts().upgrade(goal)?))
    }

    /// Plans a downgrade.
    pub fn plan_downgrade(&self, goal: &Goal) -> Result<Plan, Error> {
        Ok(self.facts().downgrade(goal)?)
    }

    /// Plans the way to a goal, up or down.
    pub fn plan_goto(&self, goal: &Goal) -> Result<Plan, Error> {
        Ok(self.noted(self.facts().goto(goal)?))
    }

    /// Plans a change of the books alone.
    pub fn plan_stamp(&self, goals: &[Goal], purge: Purge) -> Result<Plan, Error> {
        Ok(self.noted(self.facts().stamp(goals, purge)?))
    }

    /// Plans the way out of a half-applied revision. Where a statement was under way when a run ended, the catalogue is
    /// asked whether it was done. Changes nothing.
    pub async fn plan_resolve(&self, named: Option<&str>, way: Way) -> Result<Plan, Error> {
        let evidence = self.evidence(self.facts().half_applied(named)?).await?;
        Ok(self.facts().resolve(named, way, evidence.as_ref())?)
    }

    /// The half-applied revisions, each with where it stopped and what the catalogue shows of that. Changes nothing.
    pub async fn half_applied(&self) -> Result<Vec<HalfApplied>, Error> {
        let mut all = Vec::new();
        for row in self.ledger().dirty {
            let evidence = self.evidence(row).await?;
            all.push(HalfApplied { row: row.clone(), at: self.stopped_at(row), evidence });
        }
        Ok(all)
    }

    /// The statement after those that are done.
    fn stopped_at(&self, row: &Row) -> Option<StoppedAt> {
        let revision = &self.chain.revisions()[self.chain.place(&row.revision)?];
        let script = revision.script(row.state.direction())?;
        let span = script.statements.get(usize::try_from(row.done).ok()?)?.span;
        let source = &revision.source;
        Some(StoppedAt {
            file: source.name().to_owned(),
            line: source.position(span.start).line,
            text: source.slice(span).lines().next().unwrap_or_default().to_owned(),
        })
    }

    /// What the catalogue shows of the statement of a half-applied revision whose answer is not known; none where no
    /// statement is in doubt. Changes nothing.
    pub async fn evidence(&self, row: &Row) -> Result<Option<Evidence>, Error> {
        match self.facts().in_doubt(row)? {
            Some(doubt) => Ok(Some(db::probe::look(&self.session, doubt).await?)),
            None => Ok(None),
        }
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
            applied: ledger.count(),
            unrecorded: ledger
                .unrecorded
                .iter()
                .map(|at| (chain.revisions()[*at].id.clone(), chain.replaced(*at).len()))
                .collect(),
            late: chain.ids(ledger.late(chain)),
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
        if self.session.content() == Content::NoDatabase && !approved.plan().steps.is_empty() {
            db::create::create(&mut self.session, &self.url).await?;
            observer.on_event(&Event::DatabaseCreated { name: self.url.name() });
            self.session = Session::open(&self.url, self.access).await?;
        } else if self.url.backend == Backend::Sqlite && self.access == Access::Write {
            self.session = Session::open(&self.url, Access::Write).await?;
        }
        let terms = Terms {
            url: &self.url,
            actor,
            lock_timeout: self.lock_timeout,
            lock_budget: self.lock_budget,
            copying: Copying {
                when: self.backup,
                folder: self.backup_folder.as_deref(),
                dump: self.dump.as_deref(),
            },
            stop,
        };
        Ok(db::execute::execute(&mut self.session, approved, terms, observer).await?)
    }

    /// Closes the connection.
    pub async fn close(self) {
        self.session.close().await;
    }
}
