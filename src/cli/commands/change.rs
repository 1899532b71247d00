//! What all verbs that change a database share: plan, show, ask, carry out, report; or only the script of it.

use std::sync::atomic::Ordering;

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;

use crate::chain::{Direction, Goal};
use crate::config::Service;
use crate::error::{Error, ExecuteError};
use crate::manager::{self, Access, LOCK_TIMEOUT, MigrationManager};
use crate::plan::{Facts, Plan, PlanError};
use crate::report::{End, Report};
use crate::review::{ApprovedBy, Review};

use super::super::confirm::{self, Asking};
use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::human::{self, Ends};
use super::super::output::json;
use super::super::output::progress::Progress;
use super::super::ui::{Output, wrapped};
use super::super::words::{Failure, Told};

/// The options of every verb that changes a database.
#[derive(Args, Clone, Copy, Debug, Default)]
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
    #[command(flatten)]
    pub patience: Patience,
}

/// How long to wait for others.
#[derive(Args, Clone, Copy, Debug)]
pub struct Patience {
    /// How long to wait for another limbeck at work on the database: 90, 500ms, 2m
    #[arg(long, value_name = "TIME", value_parser = lock_timeout, default_value = "60s")]
    pub lock_timeout: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { lock_timeout: LOCK_TIMEOUT }
    }
}

/// Reads a time: a number of seconds, or a number with its unit.
fn lock_timeout(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a time: for example 90, 500ms, 2m");
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let time: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(time).map_err(|_| wrong())
}

impl Manner {
    /// What was said about asking.
    pub fn asking(self) -> Asking {
        match (self.yes, self.no_input) {
            (true, _) => Asking::Yes,
            (_, true) => Asking::NoInput,
            _ => Asking::Default,
        }
    }

    /// What the connection is for.
    fn access(self) -> Access {
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
pub fn run(
    context: &Context,
    service: &Service,
    manner: Manner,
    question: Question,
    decide: impl FnOnce(&MigrationManager) -> Result<Plan, Error>,
) -> Result<Exit, Failure> {
    let manager = context.connect(service, manner.access())?;
    let mut manager = manager.with_lock_timeout(manner.patience.lock_timeout);
    let stop = &context.stop;
    if manner.access() == Access::Write {
        let mut progress = Progress::new(context.ui);
        context.wait_or_stop(manager.settle(&context.actor, stop, &mut progress))?;
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::new(Exit::Interrupted, "interrupted", "interrupted; nothing was changed"));
        }
    }
    let review = Review::new(decide(&manager)?);
    let url = service.database()?;
    if manner.sql {
        script(context, &review.plan)?;
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
    let approved = match question {
        Question::Asked => confirm::confirm(context, review, manner.asking())?,
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

/// A failed run as a failure; with `--json` the report is the last line and holds the error.
fn reported(context: &Context, service: &Service, error: Error) -> Failure {
    let report = match &error {
        Error::Execute(error) => match error.as_ref() {
            ExecuteError::Step(error) => error.report.clone(),
            ExecuteError::Books { report, .. } => report.as_ref().clone(),
            ExecuteError::Lock(_) | ExecuteError::Stale(_) => Report::default(),
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

/// Prints a plan as the SQL that would be sent, message by message.
pub fn script(context: &Context, plan: &Plan) -> Result<(), Failure> {
    let lexis = plan.server.dialect().lexis();
    let mut text = String::new();
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
    script(context, &plan)?;
    Ok(Exit::Done)
}

/// A goal with `:` means nothing unless a script is asked for.
pub fn online_goal(goal: &str, manner: Manner) -> Result<Goal, Failure> {
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
