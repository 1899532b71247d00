//! The only place that words errors: message, picture of the source, state of the database, next command, exit code.

mod config;
mod database;
mod files;
mod plan;
mod step;

use std::io;
use std::path::Path;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use crate::chain::{GoalError, RebaseError, RevisionId};
use crate::config::ConfigError;
use crate::error::{Class, Error};
use crate::folder::FolderError;
use crate::manager::Ran;
use crate::plan::PlanError;
use crate::plan_file::Difference;
use crate::sql::{SourceText, Span};

use super::exit::Exit;
use super::ui::wrapped;
use config::config_failure;
use database::database_failure;
use files::{chain_hint, folder_failure, layout_hint, layout_label, rebase_hint, squash_failure};
use plan::{LATE, plan_failure};
use step::execute_failure;

/// What a person, or a program, is told when something went wrong.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// A word for programs, stable across versions.
    pub code: &'static str,
    /// What happened, to which revision.
    pub message: String,
    /// More about it: the server's detail, the state of the database now.
    pub notes: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// Where it shows.
    pub place: Option<Box<Place>>,
    /// Whether the last line of a run has told it already.
    pub told: Told,
}

/// Whether a program was told of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Not yet.
    No,
    /// In the report, which is the last line of its run.
    InReport,
}

/// A place in a file.
#[derive(Debug)]
pub struct Place {
    /// The file.
    pub source: SourceText,
    /// The place in it.
    pub span: Span,
    /// What stands at the caret.
    pub label: String,
}

impl Failure {
    /// An error of the command line itself.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message).hint(hint)
    }

    /// A failure with nothing but its message.
    pub fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code,
            message: message.into(),
            notes: Vec::new(),
            hint: None,
            place: None,
            told: Told::No,
        }
    }

    /// Somebody asked to stop before anything was done.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted", "interrupted; nothing was changed")
    }

    /// A plan file that cannot be applied, and why.
    pub fn stale_plan(file: &Path, differences: &[Difference]) -> Self {
        /// More differences than this are counted, not listed.
        const LISTED: usize = 20;
        let file = file.display();
        let mut told = Self::new(Exit::Stale, "stale", format!("the plan in {file} is stale"));
        told.notes.extend(differences.iter().take(LISTED).map(|difference| format!("- {difference}")));
        if let Some(more) = differences.len().checked_sub(LISTED).filter(|more| *more > 0) {
            told.notes.push(format!("- and {more} more"));
        }
        told.hint(format!("Nothing was changed. Review a new plan: limbeck plan --out {file}"))
    }

    /// Says what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Late revisions, and nobody is asked about them.
    pub fn late_unasked(revisions: &[RevisionId]) -> Self {
        let error = PlanError::Late { revisions: revisions.to_vec() };
        let message = format!("an answer is needed: {error}");
        Self::new(Exit::NeedsAnswer, "needs-answer", message).hint(LATE)
    }

    /// What ran as a revision is not in the books.
    pub fn not_kept(ran: &Ran) -> Self {
        let id = &ran.row.revision;
        Self::new(Exit::Error, "not-kept", format!("what ran as revision {id} is not in the books"))
            .hint("They hold no text of more than 1 MiB, and nothing that a limbeck without the column `source` applied.")
    }

    /// Says which of several services it is about, and which come after it and were not tried.
    pub fn among<'a>(mut self, service: &str, rest: impl Iterator<Item = &'a str>) -> Self {
        let rest: Vec<&str> = rest.collect();
        let not_tried =
            if rest.is_empty() { String::new() } else { format!(" Not tried: {}.", rest.join(", ")) };
        self.notes.insert(0, format!("Service: {service}.{not_tried}"));
        self
    }

    fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn at(mut self, source: &SourceText, span: Span, label: impl Into<String>) -> Self {
        // A file without a line has nothing to point at.
        if !source.name().is_empty() {
            self.place = Some(Box::new(Place { source: source.clone(), span, label: label.into() }));
        }
        self
    }

    /// The failure as text for people, `width` columns wide.
    pub fn text(&self, width: usize) -> String {
        let width = width.max(20);
        // Wrapped here, at spaces only: a path or a command is to be copied whole.
        let mut diagnostic = MietteDiagnostic::new(wrapped(&self.message, width - "  × ".chars().count()));
        let help: Vec<&str> = self.notes.iter().map(String::as_str).chain(self.hint.as_deref()).collect();
        if !help.is_empty() {
            diagnostic = diagnostic.with_help(wrapped(&help.join("\n"), width - "  help: ".len()));
        }
        let report = match &self.place {
            Some(place) => {
                let label = LabeledSpan::new_primary_with_span(
                    Some(place.label.clone()).filter(|label| !label.is_empty()),
                    (place.span.start, place.span.end - place.span.start),
                );
                let source = NamedSource::new(place.source.name(), place.source.text().to_owned());
                Report::new(diagnostic.with_label(label)).with_source_code(source)
            }
            None => Report::new(diagnostic),
        };
        let theme = if console::colors_enabled_stderr() {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_wrap_lines(false)
            .with_context_lines(1)
            .with_links(false);
        if handler.render_report(&mut text, report.as_ref()).is_err() {
            text = format!("error: {}\n", self.message);
        }
        text
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Error, "io", error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Error::from(error).into()
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        Error::from(error).into()
    }
}

impl From<RebaseError> for Failure {
    fn from(error: RebaseError) -> Self {
        Error::from(error).into()
    }
}

impl From<GoalError> for Failure {
    fn from(error: GoalError) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.class() {
            Class::Usage => Exit::Usage,
            Class::Failure => Exit::Error,
            Class::Interrupted => Exit::Interrupted,
            Class::Locked => Exit::Locked,
            Class::Dirty => Exit::Dirty,
            Class::Stale => Exit::Stale,
        };
        let message = error.to_string();
        let failure = |code| Self::new(exit, code, message.clone());
        match &error {
            Error::Config(error) => config_failure(error, failure),
            Error::Folder(error) => folder_failure(error, failure),
            Error::Layout(error) => failure("revision-file")
                .at(&error.source_text, error.span, layout_label(&error.kind))
                .maybe_hint(layout_hint(&error.kind)),
            Error::Chain(error) => {
                failure("chain").at(&error.source_text, error.span, "").hint(chain_hint(&error.kind))
            }
            Error::Rebase(error) => failure("rebase").hint(rebase_hint(error)),
            Error::Squash(error) => squash_failure(error, failure),
            Error::Plan(error) => plan_failure(error, failure),
            Error::Database(error) => database_failure(error, failure),
            Error::Execute(error) => execute_failure(error, failure),
        }
    }
}
