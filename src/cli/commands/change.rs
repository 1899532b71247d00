//! What all verbs that change a database share: plan, show, ask, carry out, report; or only the script of it.

use std::path::PathBuf;
use std::time::Duration;

use crate::backup::Backup;
use crate::chain::{Direction, Goal, Limits};
use crate::config::{self, Service};
use crate::database_url::{DatabaseUrl, Place};
use crate::duration;
use crate::error::{Error, ExecuteError};
use crate::ledger::Content;
use crate::manager::{self, Access, Dump, LOCK_BUDGET, LOCK_TIMEOUT, MigrationManager, MissingDatabase};
use crate::plan::{Facts, Late, Note, Plan, PlanError, Policy, Transactions};
use crate::report::{End, Report};
use crate::review::{ApprovedBy, Review};
use clap::Args;

use super::super::confirm::{self, Asking};
use super::super::context::Context;
use super::super::dump::Program;
use super::super::exit::Exit;
use super::super::output::human::{self, Ends};
use super::super::output::json;
use super::super::output::progress::Progress;
use super::super::ui::{Output, wrapped};
use super::super::words::{Failure, Told};

/// The options of every verb that changes a database.
#[derive(Args, Clone, Debug, Default)]
pub struct Manner {
    /// Show the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the SQL, bookkeeping included, and change nothing
    #[arg(long)]
    pub sql: bool,
    /// Do not ask: the answer is yes
    #[arg(short, long)]
    pub yes: bool,
    /// Do not ask: nobody is there
    #[arg(long, conflicts_with = "yes")]
    pub no_input: bool,
    /// When to copy the database first: auto (SQLite, before a downgrade or what throws data away), always, never
    #[arg(
        long,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "always",
        value_parser = when
    )]
    pub backup: Option<Backup>,
    /// Folder for the copy [default: beside a SQLite file, else backups/ in the project root]
    #[arg(long, value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,
    #[command(flatten)]
    pub patience: Patience,
    /// What the command wants of its plan.
    #[arg(skip)]
    pub policy: Policy,
    /// What to do about a database that does not exist.
    #[arg(skip)]
    pub missing: MissingDatabase,
    /// What is done about late revisions, where the command says so.
    #[arg(skip)]
    pub late: Option<Late>,
}

/// What to do about a database that does not exist.
#[derive(Args, Clone, Copy, Debug)]
pub struct Creation {
    /// Create the database when it does not exist
    #[arg(long)]
    create_database: bool,
}

impl Creation {
    /// As a value.
    pub fn missing(self) -> MissingDatabase {
        if self.create_database { MissingDatabase::Created } else { MissingDatabase::Refused }
    }
}

/// How long to wait, for what, and what is undone together.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Time and transactions")]
pub struct Patience {
    /// How long to wait for another limbeck at work on the database: 90, 500ms, 2m [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub lock_timeout: Option<Duration>,
    /// How long a statement waits for a lock that others hold [default: 2s on PostgreSQL, else 5s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub lock_wait: Option<Duration>,
    /// How long a revision is tried again while others hold its locks [default: 2m]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub lock_budget: Option<Duration>,
    /// How long a statement may run [default: 10s for catalogue changes on PostgreSQL, else no limit]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub statement_timeout: Option<Duration>,
    /// How long a revision may take, waiting included [default: no limit]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub revision_timeout: Option<Duration>,
    /// What is one transaction: revision, all (the whole run), none (each statement) [default: revision]
    #[arg(long, value_name = "EXTENT", value_parser = extent)]
    pub transaction: Option<Transactions>,
}

/// Reads when the database is copied.
fn when(text: &str) -> Result<Backup, String> {
    Backup::parse(text).ok_or_else(|| "it can be auto, always, never".to_owned())
}

/// Reads what is one transaction.
fn extent(text: &str) -> Result<Transactions, String> {
    Transactions::parse(text).ok_or_else(|| "it can be revision, all, none".to_owned())
}

impl Patience {
    /// Tells a manager; what no option says, the settings say.
    fn tell(self, manager: MigrationManager, settings: config::Patience, policy: Policy) -> MigrationManager {
        let limits = Limits {
            lock_wait: self.lock_wait,
            statement: self.statement_timeout,
            revision: self.revision_timeout,
        };
        let policy = Policy {
            limits: limits.or(settings.limits),
            transactions: self.transaction.or(settings.transactions).unwrap_or_default(),
            ..policy
        };
        manager
            .with_lock_timeout(self.lock_timeout.or(settings.lock_timeout).unwrap_or(LOCK_TIMEOUT))
            .with_lock_budget(self.lock_budget.or(settings.lock_budget).unwrap_or(LOCK_BUDGET))
            .with_policy(policy)
    }
}

impl Manner {
    /// What was said about asking.
    pub fn asking(&self) -> Asking {
        match (self.yes, self.no_input) {
            (true, _) => Asking::Yes,
            (_, true) => Asking::NoInput,
            _ => Asking::Default,
        }
    }

    /// Tells a manager what the command and the settings want.
    pub fn tell(&self, manager: MigrationManager, context: &Context) -> MigrationManager {
        // Whoever only looks is shown what is late.
        let late = if self.access() == Access::Read { Late::Apply } else { self.late(context) };
        self.patience.tell(manager, context.config.patience, Policy { late, ..self.policy })
    }

    /// What is done about late revisions: what the command says, else the settings.
    fn late(&self, context: &Context) -> Late {
        self.late.unwrap_or(context.config.late)
    }

    /// What the connection is for.
    fn access(&self) -> Access {
        if self.dry_run || self.sql { Access::Read } else { Access::Write }
    }
}

/// Whether a change is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Yes.
    Asked,
    /// No: only the books change, and the command says to what.
    Unasked,
}

/// Plans, shows, asks, carries out and reports, for one service.
pub fn run<E>(
    context: &Context,
    service: &Service,
    manner: &Manner,
    question: Question,
    decide: impl FnOnce(&MigrationManager) -> Result<Plan, E>,
) -> Result<Exit, Failure>
where
    Failure: From<E>,
{
    let manager = context.connect_or_create(service, manner.access(), manner.missing)?;
    let mut manager = manner.tell(manager, context);
    let stop = &context.stop;
    if manner.access() == Access::Write {
        let mut progress = Progress::new(context.ui);
        context.wait_or_stop(manager.settle(&context.actor, stop, &mut progress))?;
        if stop.is_asked() {
            return Err(Failure::interrupted());
        }
    }
    let review = Review::new(decide(&manager)?);
    let url = service.database()?;
    if manner.sql {
        script(context, &review.plan, Script::ToRun)?;
        return Ok(Exit::Done);
    }
    let ui = context.ui;
    ui.json(|| json::planned(&review.plan, url))?;
    if manner.dry_run {
        ui.answer(&human::plan(&review, ui.width, Ends::There))?;
        return Ok(Exit::Done);
    }
    if question == Question::Asked {
        ui.say(&human::plan(&review, ui.width, Ends::Question))?;
    }
    if review.plan.steps.is_empty() {
        if question == Question::Unasked {
            ui.say("Nothing to do: the books say so already.\n")?;
        }
        ui.json(|| json::report(&service.name, &Report::default(), None))?;
        return Ok(Exit::Done);
    }
    manager = copying(context, manner, url, &review.plan, manager)?;
    let approved = match question {
        Question::Asked => confirm::confirm(context, review, manner.asking(), manner.late(context))?,
        Question::Unasked => review.approve(ApprovedBy::Command),
    };
    let mut progress = Progress::new(ui);
    let done = context.wait_or_stop(manager.execute(&approved, &context.actor, stop, &mut progress));
    let report = match done {
        Ok(report) => report,
        Err(error) => return Err(reported(context, service, error)),
    };
    context.wait(manager.close());
    ui.json(|| json::report(&service.name, &report, None))?;
    match report.end {
        End::Complete | End::Undone => {
            let done = human::done(approved.plan(), report.done.len(), report.took);
            ui.say(&format!("{}\n", wrapped(&done, ui.width)))?;
            Ok(Exit::Done)
        }
        End::Interrupted => {
            let says = format!(
                "interrupted; {} of {} done, and the books agree; the same command goes on from there",
                report.done.len(),
                report.planned
            );
            Err(Failure { told: Told::InReport, ..Failure::new(Exit::Interrupted, "interrupted", says) })
        }
    }
}

/// Tells the manager about the copy before the run. What it needs is looked for before anybody is asked.
fn copying(
    context: &Context,
    manner: &Manner,
    url: &DatabaseUrl,
    plan: &Plan,
    manager: MigrationManager,
) -> Result<MigrationManager, Failure> {
    let when = manner.backup.or(context.config.backup).unwrap_or_default();
    let given = manner.backup_dir.as_ref().map(|folder| context.here.join(folder));
    let mut folder = given.or_else(|| context.config.backup_dir.clone());
    let mut dump: Option<Box<dyn Dump>> = None;
    if matches!(url.place, Place::Server(_)) {
        folder.get_or_insert_with(|| context.config.usual_backup_dir.clone());
        if manager.books().content == Content::Some && when.is_due(plan) {
            dump = Some(Box::new(Program::find(manager.server())?));
        }
    }
    Ok(manager.with_backup(when, folder, dump))
}

/// A failed run as a failure; with `--json` the report is the last line and holds the error.
fn reported(context: &Context, service: &Service, error: Error) -> Failure {
    let report = match &error {
        Error::Execute(error) => match error.as_ref() {
            ExecuteError::Step(error) => error.report.clone(),
            ExecuteError::Books { report, .. } => report.as_ref().clone(),
            ExecuteError::Lock(_) | ExecuteError::Stale(_) | ExecuteError::Backup(_) => Report::default(),
        },
        _ => Report::default(),
    };
    let mut failure = Failure::from(error);
    if context.ui.output == Output::Json {
        let _ = context.ui.json(|| json::report(&service.name, &report, Some(&failure)));
        failure.told = Told::InReport;
    }
    failure
}

/// What a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// To be looked at.
    ToRead,
    /// To be run by the engine's own client, which cannot ask what a guard asks.
    ToRun,
}

/// Prints a plan as the SQL that would be sent, message by message.
pub fn script(context: &Context, plan: &Plan, wanted: Script) -> Result<(), Failure> {
    let guarded = plan.steps.iter().find_map(|step| Some((step, step.guards.first()?)));
    if let (Script::ToRun, Some((step, (statement, guard)))) = (wanted, guarded) {
        let message = format!(
            "revision {} cannot be written as a script: its statement {} runs {}",
            step.revision.id,
            statement + 1,
            guard.in_words()
        );
        return Err(Failure::new(Exit::Error, "guard-in-script", message)
            .hint("A client cannot ask that. Let limbeck run it; `limbeck plan --sql` shows the SQL."));
    }
    let lexis = plan.server.dialect().lexis();
    let mut text = String::new();
    if let Some(Note::MakesDatabase { name, .. }) = plan.notes.first() {
        text.push_str(&format!("-- The database {name} does not exist: create it first.\n"));
    }
    if !plan.steps.is_empty() {
        // A client that goes on after an error would commit a revision of which a part is missing.
        text.push_str(&format!("-- Run with: {}\n", plan.server.dialect().client()));
        if let Some(path) = &plan.format.home.search_path {
            text.push_str(&format!("SET search_path = {};\n", plan.server.dialect().quote_name(path)));
        }
    }
    let frame = plan.frame();
    text.push_str(frame.before.text());
    for step in &plan.steps {
        let parents = human::ids_or_base(&step.revision.parents);
        let (from, to) = match step.direction {
            Direction::Up => (parents.as_str(), step.revision.id.as_str()),
            Direction::Down => (step.revision.id.as_str(), parents.as_str()),
        };
        let message = step.revision.message.replace(['\n', '\r'], " ");
        text.push_str(&format!("\n-- Running {} {from} -> {to}, {message}\n", step.direction.verb()));
        for batch in plan.batches(step, &context.actor) {
            text.push_str(&batch.script(lexis));
        }
    }
    if !frame.after.is_empty() {
        text.push('\n');
        text.push_str(frame.after.text());
    }
    context.ui.answer(&text)?;
    if let Some(note @ Note::Late(_)) = plan.notes.iter().find(|note| matches!(note, Note::Late(_))) {
        context.ui.aside(&wrapped(&human::note_text(note), context.ui.width));
    }
    context.ui.json(|| json::document(serde_json::json!({ "sql": text })))?;
    Ok(())
}

/// `FROM:TO`, the goal of a script that needs no database.
pub fn span(goal: &str) -> Option<(&str, &str)> {
    goal.split_once(':')
}

/// Writes the script from one revision to another, without a database.
pub fn offline(
    context: &Context,
    service: &Service,
    goal: &str,
    wanted: Script,
    to: impl FnOnce(&Facts<'_>, &Goal) -> Result<Plan, PlanError>,
) -> Result<Exit, Failure> {
    let Some((from, until)) = span(goal) else {
        return Err(Failure::usage(
            format!("`{goal}` is not FROM:TO"),
            "For example: limbeck upgrade base:heads --sql",
        ));
    };
    let from: Goal = if from.is_empty() { Goal::Base } else { from.parse()? };
    let until: Goal = if until.is_empty() { Goal::Heads } else { until.parse()? };
    let backend = service.backend()?;
    let chain = context.chain(service)?;
    let schema = service.database().ok().and_then(|url| match &url.place {
        crate::database_url::Place::Server(address) => address.schema.clone(),
        _ => None,
    });
    let plan = manager::offline(&chain, backend, schema, &service.name, &from, |facts| to(facts, &until))?;
    script(context, &plan, wanted)?;
    Ok(Exit::Done)
}

/// A goal with `:` means nothing unless a script is asked for.
pub fn online_goal(goal: &str, manner: &Manner) -> Result<Goal, Failure> {
    // Goals may begin with a sign, so that clap lets a mistyped option through.
    if goal.starts_with("--") {
        return Err(Failure::usage(
            format!("there is no option {goal}"),
            "-h behind the command lists its options.",
        ));
    }
    if span(goal).is_some() && !manner.sql {
        return Err(Failure::usage(
            format!("`{goal}` is the goal of a script"),
            "FROM:TO goes with --sql, and needs no database.",
        ));
    }
    Ok(goal.parse()?)
}
