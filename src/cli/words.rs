//! The only place that words errors: message, picture of the source, state of the database, next command, exit code.

use std::io;
use std::path::Path;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use crate::chain::layout::LayoutErrorKind;
use crate::chain::{ChainErrorKind, Direction, GoalError, RebaseError, RevisionId};
use crate::config::{self, ConfigError};
use crate::error::{
    BackupError, Cause, Class, DbError, Error, ExecuteError, LockError, Refusal, ServerError, StepError,
};
use crate::event::Aftermath;
use crate::folder::FolderError;
use crate::manager::Ran;
use crate::plan::{PlanError, ScriptError};
use crate::plan_file::Difference;
use crate::report::End;
use crate::sql::{SourceText, Span};
use crate::squash::SquashError;

use super::commands::resolve::WAYS;
use super::exit::Exit;
use super::output::human;
use super::ui::wrapped;

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

fn config_failure(error: &ConfigError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        ConfigError::NoDatabase { prefix } => failure("no-settings").hint(format!(
            "`limbeck init` writes a {} with one. Or set one of these:\n  \
             database_url = \"sqlite://cortex.db\" in {0}\n  \
             {prefix}_DATABASE_URL=postgresql://user:password@host/name\n  \
             {prefix}_DB_TYPE=sqlite and {prefix}_DB_FILE=cortex.db\n  \
             {prefix}_DB_TYPE=postgresql (or mysql) and {prefix}_DB_HOST, _NAME, _USERNAME, _PASSWORD\n  \
             --database-url sqlite://cortex.db on the command line\n\
             Variables are read from the environment, local.env or .env. A command that only reads files needs no more \
             than --dialect.",
            config::FILE_NAME
        )),
        ConfigError::Variable { variable, .. } => {
            failure("setting").hint(format!("Correct {variable}, or take it out."))
        }
        ConfigError::Url { .. } => failure("database-url").hint(
            "A URL looks like sqlite://file.db, postgresql://user:password@host:5432/name or \
             mysql://user:password@host:3306/name.",
        ),
        ConfigError::Contradiction { variable, origin, .. } => {
            failure("contradiction").hint(format!("Change {variable} or {origin}, or set only one of them."))
        }
        ConfigError::Dialect(_) => failure("dialect").hint("For example: --dialect postgresql"),
        ConfigError::File { source_text, span, .. } => {
            let named = source_text.text().get(span.start..span.end).is_some_and(|text| text.contains("${"));
            let variable = named
                .then_some("Variables are looked for in the environment, then in the env file (local.env, .env).");
            failure("settings-file").at(source_text, *span, "here").maybe_hint(variable)
        }
        ConfigError::UnknownService { .. } => failure("service")
            .hint(format!("Services are the [services.NAME] tables of {}.", config::FILE_NAME)),
    }
}

fn folder_failure(error: &FolderError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        FolderError::NoFolder { folder } => failure("no-migrations").hint(format!(
            "`limbeck init` makes it; or name another folder with --migrations, `migrations` in {} or \
             CORTEX_MIGRATIONS_VERSIONS_DIRECTORY. Looked for: {}",
            config::FILE_NAME,
            std::path::absolute(folder).unwrap_or_else(|_| folder.clone()).display()
        )),
        FolderError::NoDialect { folder, dialect } => failure("no-dialect-folder")
            .hint(format!("Make it: mkdir {}", folder.join(dialect.name()).display())),
        FolderError::Read { .. } => {
            failure("unreadable").hint("Check that the file is there and may be read.")
        }
        FolderError::Changed { .. } => failure("changed").hint("Nothing was written. Run the command again."),
        FolderError::Halfway { .. } => failure("halfway")
            .hint("Some files are changed and some are not. Put them back: git status, git checkout"),
        FolderError::Write { .. } => failure("unwritable")
            .hint("Nothing was written. Check the folder's rights, and that the name is not taken."),
    }
}

fn layout_label(kind: &LayoutErrorKind) -> &'static str {
    match kind {
        LayoutErrorKind::Split(_) | LayoutErrorKind::Lex(_) | LayoutErrorKind::NotUtf8(_) => "here",
        LayoutErrorKind::NoRevisionId | LayoutErrorKind::NoUpgrade => "",
        _ => "this",
    }
}

fn layout_hint(kind: &LayoutErrorKind) -> Option<String> {
    let hint = match kind {
        LayoutErrorKind::NoRevisionId => {
            "A revision file begins with a header:\n-- what it does\n--\n-- Revision ID: 8bd9e9780557\n-- Revises: \
             450bd09cd019\n`limbeck revision -m \"what it does\"` writes one."
        }
        LayoutErrorKind::UnknownDirective { .. } => {
            "The directives are: upgrade, downgrade, no-transaction, irreversible REASON, if …, unless …, lock-wait TIME, \
             statement-timeout TIME, revision-timeout TIME."
        }
        LayoutErrorKind::Guard(_) => {
            "A guard stands on the line above its statement, for example: -- limbeck:unless column t.c"
        }
        LayoutErrorKind::DirectiveTwice(_) => "Keep one of the two lines.",
        LayoutErrorKind::Time { .. } => {
            "For example: -- limbeck:statement-timeout 10m. A time of 0 is no limit."
        }
        LayoutErrorKind::BeforeSection(_) => "Move the line below the section that it is about.",
        LayoutErrorKind::NoUpgrade | LayoutErrorKind::SqlBeforeSection => {
            "Put `-- limbeck:upgrade` on a line of its own before the statements, and `-- limbeck:downgrade` before \
             those that take them back."
        }
        LayoutErrorKind::IrreversibleDowngrade => "Keep one of the two.",
        LayoutErrorKind::NotUtf8(_) => "Save the file as UTF-8: iconv -f ISO-8859-1 -t UTF-8 FILE",
        LayoutErrorKind::HeaderTwice(_) | LayoutErrorKind::SectionTwice(_) => "Keep one of the two lines.",
        LayoutErrorKind::Surplus(_) => "Leave the directive alone on its line.",
        LayoutErrorKind::NoReason => "For example: -- limbeck:irreversible the old column is gone for good",
        LayoutErrorKind::BadRevisionId(_) => {
            "Take 12 hex digits, and correct the `Revises:` lines that mean this file."
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn chain_hint(kind: &ChainErrorKind) -> String {
    match kind {
        ChainErrorKind::Duplicate { .. } => {
            "Give one of them another id (12 hex digits), and correct the `Revises:` lines that meant it."
                .to_owned()
        }
        ChainErrorKind::Missing { missing, .. } => {
            format!("Bring the file of {missing} back, or correct this line.")
        }
        ChainErrorKind::Replaced { squash, .. } => {
            format!("Write {squash} into this line: it does what the replaced revisions did.")
        }
        ChainErrorKind::StillThere { file, .. } => {
            format!("Move {file} into the folder archive/ beside it, or take its id out of this line.")
        }
        ChainErrorKind::Cycle { .. } => "Correct the `Revises:` line of one of them.".to_owned(),
        ChainErrorKind::LabelTwice { .. } => "Rename one of the labels.".to_owned(),
    }
}

fn rebase_hint(error: &RebaseError) -> String {
    match error {
        RebaseError::Applied { applied, .. } => format!(
            "Nothing was written. A revision moves only before it is applied: `limbeck downgrade {applied}-1` takes it \
             back, `limbeck merge heads` joins the branches and moves nothing."
        ),
        RebaseError::Merge { parents, .. } => format!(
            "Nothing was written. Move one of the branches that it joins, for example: limbeck rebase {} --onto …. Or \
             delete its file and write the merge anew: limbeck merge …",
            parents.last().map(ToString::to_string).unwrap_or_default()
        ),
        RebaseError::Cycle { .. } => {
            "Nothing was written. Name a revision that does not stand on it; `limbeck history` shows the chain."
                .to_owned()
        }
        RebaseError::Already { .. } => "Nothing to do; `limbeck history` shows the chain.".to_owned(),
        RebaseError::Header(_) => "Write a `-- Revises:` line into it.".to_owned(),
    }
}

fn squash_failure(error: &SquashError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    let failure = failure("squash");
    let hint = match error {
        SquashError::Single(_) => "A:B names two revisions, and B stands on A.".to_owned(),
        SquashError::NoRange { first, last } => {
            format!("A:B begins with the older one: {last}:{first}? `limbeck history` shows the chain.")
        }
        SquashError::Merge { revision, .. } => {
            format!("Squash the branches below {revision} by themselves, and what stands on it.")
        }
        SquashError::Branch { revision, .. } => {
            format!("End the range with {revision}, or begin it above {revision}.")
        }
        SquashError::Needed { by, .. } => {
            format!("End the range before that revision, or take it out of the `Depends On:` line of {by}.")
        }
        SquashError::Uneven { revision, other, .. } => format!(
            "Squash what comes before and what comes behind by themselves: one range that has {other}, and one that has \
             {revision}."
        ),
        SquashError::OwnTransaction { revision, .. } => format!(
            "Leave {revision} out of the range. Where it is applied nowhere: take BEGIN and COMMIT, or the pragmas, out \
             of it; limbeck puts a transaction around the section itself."
        ),
        SquashError::Unreadable { error } => {
            let hint = "Leave the revision that this comes from out of the range.";
            return failure
                .at(&error.source_text, error.span, "here")
                .hint(format!("Nothing was written. {hint}"));
        }
        SquashError::Different { .. } => {
            "Squash a smaller range: a section that changes how the next is read must be its last.".to_owned()
        }
        SquashError::Header(_) => "Write a `-- Revises:` line into it.".to_owned(),
    };
    failure.hint(format!("Nothing was written. {hint}"))
}

/// What to do about late revisions.
const LATE: &str = "Nothing was changed. A late revision runs on a schema that its author did not see; `limbeck plan` shows it. If \
                    that is right: --late apply. Or let it stand on what is applied: limbeck rebase REV --onto HEAD";

fn plan_failure(error: &PlanError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        PlanError::Goal(error) => failure("goal").hint(match error {
            GoalError::SeveralHeads { .. } => {
                "`heads` means all of them; an id or <label>@head means one; `limbeck merge heads -m \"…\"` joins them."
            }
            GoalError::Direction { direction: Direction::Up, .. } => "`limbeck downgrade` goes back, `limbeck goto` either way.",
            GoalError::Direction { direction: Direction::Down, .. } => {
                "`limbeck upgrade` goes forward, `limbeck goto` either way."
            }
            GoalError::Form(_) => {
                "A goal is heads, head, base, an id or its first 4 characters, +2, -1, <id>+1, <label>@head or a \
                 revision's number. An upgrade goes forward, a downgrade back."
            }
            GoalError::Fork { .. } => "Name the revision itself, or a branch: <label>@+1, <label>@-1.",
            GoalError::Replaced { .. } => {
                "Name the squash. A database that still has the replaced revisions in its books knows them by their ids."
            }
            GoalError::TooFar { .. } => "`limbeck status` shows what is applied and what is pending.",
            _ => "`limbeck history` lists the revisions, `limbeck heads` the heads, `limbeck branches` the branches.",
        }),
        PlanError::Dirty { row } => {
            let failure = match &row.error {
                Some(error) => failure("dirty").note(format!("The server said: {error}")),
                None => failure("dirty"),
            };
            failure.hint(format!("`limbeck status` shows it. The ways out:\n{}", ways_out(&row.revision)))
        }
        PlanError::NotDirty { .. } => failure("not-dirty").hint("`limbeck status` shows what is half-applied."),
        PlanError::SeveralDirty(_) => failure("several-dirty").hint("Name one: limbeck resolve REV --continue"),
        PlanError::InDoubt { statement, source_text, span, seen, .. } => {
            let told = failure("in-doubt").at(source_text, *span, "was it done?");
            let told = if seen.is_empty() { told } else { told.note(format!("The catalogue says: {seen}.")) };
            told.hint(format!(
                "Nothing was changed. Look whether it was done, then one of\n\
                 limbeck resolve --continue --from {statement}: it was not, and is run\n\
                 limbeck resolve --continue --from {}: it was, and the next one is run",
                statement + 1
            ))
        }
        PlanError::CannotUndo { source_text, span, .. } => failure("cannot-undo")
            .at(source_text, *span, "nothing tells whether its counterpart was done")
            .hint(
                "Nothing was changed. Undo by hand what was done, then `limbeck resolve --retry`, or `limbeck stamp REV-1` to \
                 forget it; `limbeck resolve --continue` goes on instead.",
            ),
        PlanError::NoSuchStatement { .. } => failure("usage").hint("`limbeck status` shows where it stopped."),
        PlanError::Shrunk { .. } => {
            failure("shrunk").hint("Bring the statements back, or settle it by hand: limbeck resolve --done")
        }
        PlanError::FileGone { revisions } => failure("file-gone").hint(format!(
            "Bring the file back (another branch of the repository may have it, and `limbeck show --applied REV` prints what \
             ran), or check that this is the right database. If it is gone for good: `limbeck stamp --purge REV`, with the revision that the schema is at, makes \
             the books forget {}.",
            crate::chain::join(revisions, ", ")
        )),
        PlanError::Late { .. } => failure("late").hint(LATE),
        PlanError::Unapplied(id) => failure("not-applied").hint(format!(
            "`limbeck show {id}` prints its file, which may be edited as long as it is not applied."
        )),
        PlanError::NotEdited(_) => failure("not-edited").hint("Nothing was changed: there is nothing to accept."),
        PlanError::NoReason => {
            failure("usage").hint("The log keeps it: --reason \"a typing error in a default\"")
        }
        PlanError::Edited { .. } => failure("edited").hint(
            "Nothing was changed. `limbeck diff` shows the change. What was applied stays as it was, so bring the file back as it \
             was, and put the change into a new revision; or, if the file is right as it is: limbeck accept REV --reason \
             \"…\". --allow-edited goes on all the same, this once.",
        ),
        PlanError::Irreversible { file, .. } if file.is_empty() => {
            failure("irreversible").hint("Nothing was changed.")
        }
        PlanError::Irreversible { file, .. } => {
            failure("irreversible").hint(format!("Nothing was changed. The revision is in {file}."))
        }
        PlanError::NotInOne { .. } => failure("not-in-one").hint(
            "Nothing was changed. Without --transaction all each revision is a transaction of its own, where the server \
             has them.",
        ),
        PlanError::ArchiveGone { squash, .. } => failure("archive-gone").hint(format!(
            "Nothing was changed. Bring the folder archive/ back, from the history of the repository, and upgrade. Or do \
             by hand what is missing, and say so: limbeck stamp {squash}"
        )),
        PlanError::NotApplied(_) => failure("not-applied").hint("`limbeck upgrade` goes forward."),
        PlanError::TooLarge { .. } => failure("too-large").hint(
            "Nothing was changed. Cut the statement in several, an INSERT between its rows; or have the server take more: SET \
             GLOBAL max_allowed_packet = …, and in its settings.",
        ),
        PlanError::Script { kind, source_text, span, revision } => {
            let hint = match kind {
                ScriptError::Mixed(_) => format!(
                    "Put the statement into a revision of its own, or write `-- limbeck:no-transaction` into the section: \
                     then each statement of {revision} stands for itself."
                ),
                ScriptError::InsideOwn(_) => "Move the statement out of the BEGIN … COMMIT.".to_owned(),
                ScriptError::Unclosed => "End it with COMMIT, or leave BEGIN out: limbeck wraps the section itself.".to_owned(),
                ScriptError::Unopened | ScriptError::Nested => {
                    "Leave the statement out, or pair each BEGIN with one COMMIT.".to_owned()
                }
            };
            failure("transaction").at(source_text, *span, "this statement").hint(hint)
        }
    }
}

fn database_failure(error: &DbError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        DbError::Connect { reason, .. } => {
            let (code, hint) = match reason {
                Refusal::Unreachable => {
                    ("unreachable", "Is the server up, and are host and port right? --wait 30s waits for it.")
                }
                Refusal::NotReady => ("not-ready", "Try again in a moment; --wait 30s does."),
                Refusal::Credentials => ("credentials", "Check user and password."),
                Refusal::NoDatabase => {
                    ("no-database", "Check the name, or create the database first; `limbeck upgrade --create-database` does.")
                }
                Refusal::Tls => ("tls", "Check sslmode and the certificate files."),
                Refusal::File => {
                    ("file", "Check that its folder exists and that both may be read and written.")
                }
                Refusal::Other => ("connect", "Check the settings of the connection."),
            };
            failure(code).hint(hint)
        }
        DbError::Server(error) => with_server(failure("database"), error).hint(match surroundings(error) {
            Some(first) => format!("Next: {first}, then try again."),
            None => "`limbeck status` shows where the database stands.".to_owned(),
        }),
        DbError::NotCreated { error, .. } => with_server(failure("not-created"), error).hint(
            "Nothing was changed. The role needs the right to create databases (PostgreSQL: CREATEDB); or somebody who has \
             it creates this one.",
        ),
        DbError::Lost(_) => failure("lost").hint("Run `limbeck status` once the server is back."),
        DbError::NoDriver(backend) => {
            failure("no-driver").hint(format!("Build limbeck with the driver for {backend}."))
        }
        DbError::NoSchema(_) => {
            failure("no-schema").hint("Create it first: CREATE SCHEMA …, or name a database.")
        }
        DbError::Books(_) => failure("books").hint("A newer limbeck may have written them."),
    }
}

fn with_server(mut failure: Failure, error: &ServerError) -> Failure {
    failure.notes.extend(error.detail.iter().map(|detail| format!("Detail: {detail}")));
    failure.notes.extend(error.hint.iter().map(|hint| format!("The server's hint: {hint}")));
    failure
}

fn execute_failure(error: &ExecuteError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        ExecuteError::Lock(LockError::Held { .. }) => failure("locked")
            .hint("Nothing was changed. Try again when it is done, or wait longer: --lock-timeout 10m"),
        ExecuteError::Lock(LockError::Pooled { .. }) => failure("pooled")
            .hint("Nothing was changed. Connect to the server itself for it, past the pooler."),
        ExecuteError::Lock(LockError::Interrupted) | ExecuteError::Backup(BackupError::Interrupted) => {
            let mut told = failure("interrupted");
            told.message.push_str("; nothing was changed");
            told
        }
        ExecuteError::Lock(LockError::Database(error)) => database_failure(error, failure),
        ExecuteError::Lock(LockError::File { .. }) => failure("lock-file")
            .hint("Nothing was changed. Check that the folder of the database may be written."),
        ExecuteError::Backup(BackupError::Failed(_)) => failure("backup").hint(
            "Nothing was changed. Correct what keeps it from being copied, or go on without: --backup=never",
        ),
        ExecuteError::Stale(_) => {
            failure("stale").hint("Nothing was changed. Run the command again and look at the new plan.")
        }
        ExecuteError::Books { error, report } => {
            let told = database_failure(error, failure).note(match report.done.len() {
                0 => "State: nothing was applied, and the books agree.".to_owned(),
                done => format!("State: {done} of {} steps are done and stay.", report.planned),
            });
            match error {
                DbError::Server(server) if denied(server) => {
                    let mut told = told;
                    told.message = format!("limbeck's own tables cannot be made or written: {server}");
                    told.hint("Nothing was changed. The role needs the right to create tables, and to write (and, after a new version of limbeck, to alter) limbeck_revisions and limbeck_log.")
                }
                DbError::Server(server) if server.code.as_deref() == Some("5") => told.hint(
                    "Next: again when nobody else writes to the file, or with more patience: --lock-budget 10m",
                ),
                _ => told,
            }
        }
        ExecuteError::Step(error) => step_failure(error, failure),
    }
}

/// The ways out of a half-applied revision, as commands.
fn ways_out(id: &RevisionId) -> String {
    format!("{WAYS}\nlimbeck stamp {id}-1: forgets it, once all of it is undone by hand")
}

/// SQLite's primary result code: the extended ones say more about the same, <https://www.sqlite.org/rescode.html>.
fn sqlite_code(error: &ServerError) -> Option<u32> {
    // An SQLSTATE has five characters.
    let code = error.code.as_deref().filter(|code| code.len() < 5)?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// Whether the server said that the role may not do it: SQLSTATE 42501 on PostgreSQL, 1142 and 1044 on MySQL,
/// "readonly" on SQLite.
fn denied(error: &ServerError) -> bool {
    let code = error.code.as_deref().unwrap_or_default();
    code == "42501" || code.starts_with("1142") || code.starts_with("1044") || sqlite_code(error) == Some(8)
}

/// What to do where neither the file nor limbeck is at fault.
fn surroundings(error: &ServerError) -> Option<&'static str> {
    let code = error.code.as_deref().unwrap_or_default();
    match sqlite_code(error) {
        Some(8) => return Some("make the database file and its folder writable"),
        Some(10) => return Some("check the disk, and how large the file may become"),
        Some(13) => return Some("make room on the disk"),
        _ => {}
    }
    // Disk full: 53100 on PostgreSQL; 1021 and 1114 on MySQL.
    if code == "53100" || code.starts_with("1021,") || code.starts_with("1114,") {
        Some("make room on the server's disk")
    } else if denied(error) {
        Some("give the role the right")
    } else {
        None
    }
}

/// What to do after a revision that left nothing behind, or all of it.
fn next_command(error: &StepError, what: &str) -> String {
    let server = match &error.error {
        DbError::Server(server) => server,
        _ => return format!("Next: `limbeck {what}` again; it goes on from there."),
    };
    let verb = match error.aftermath {
        Aftermath::Dirty { .. } => "resolve --continue",
        _ => what,
    };
    match (error.cause, server.code.as_deref().unwrap_or_default()) {
        (Cause::Stopped, _) => format!("Next: `limbeck {verb}` when it suits."),
        (Cause::RevisionLimit(_), _) => {
            format!("Next: `limbeck {verb} --revision-timeout 1h`, or the directive of that name.")
        }
        (Cause::StatementLimit(_) | Cause::Cancelled, _) => format!(
            "Next: `limbeck {verb} --statement-timeout 1h`, or `-- limbeck:statement-timeout 1h` in the section of {}.",
            error.revision
        ),
        // A lock that others held.
        (Cause::Server, "55P03" | "5") => {
            format!(
                "Next: `limbeck {what}` again when there is less traffic, or with more patience: --lock-budget 10m"
            )
        }
        (Cause::Server, code) if code.starts_with("1205") => {
            format!(
                "Next: `limbeck {what}` again when there is less traffic, or with more patience: --lock-budget 10m"
            )
        }
        (Cause::Server, _) => {
            let first = surroundings(server).unwrap_or("correct the file");
            format!("Next: {first}, then `limbeck {what}` again.")
        }
    }
}

fn step_failure(error: &StepError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    let mut told = failure("revision-failed");
    let what = match error.direction {
        Direction::Up => "upgrade",
        Direction::Down => "downgrade",
    };
    let statement = match error.statement {
        Some((at, of)) => format!(", statement {at} of {of}"),
        None => String::new(),
    };
    let id = &error.revision;
    told.message = match error.cause {
        Cause::Server | Cause::Cancelled => {
            format!("revision {id} failed ({what}{statement}): {}", error.error)
        }
        Cause::Stopped => {
            format!("interrupted; the statement that ran was cancelled ({id}, {what}{statement})")
        }
        Cause::StatementLimit(limit) => {
            format!(
                "revision {id} failed ({what}{statement}): it ran longer than {} and was cancelled",
                human::duration(limit)
            )
        }
        Cause::RevisionLimit(limit) => format!(
            "revision {id} failed ({what}{statement}): it took longer than {} and was cancelled",
            human::duration(limit)
        ),
    };
    if let DbError::Server(server) = &error.error {
        told = with_server(told, server);
    }
    if let Some(span) = error.span {
        told = told.at(&error.source_text, span, "the server stopped here");
    }
    let before = match error.report.done.len() {
        _ if error.report.end == End::Undone => {
            "The run was one transaction: nothing of it is applied.".to_owned()
        }
        0 => "It was the first of this run.".to_owned(),
        1 => "The one before it is done and stays.".to_owned(),
        many => format!("The {many} before it are done and stay."),
    };
    if error.tries > 1 {
        told = told.note(format!("It was tried {} times.", error.tries));
    }
    let next = next_command(error, what);
    match error.aftermath {
        Aftermath::RolledBack => {
            told.note(format!("State: {id} was rolled back, and the books agree. {before}")).hint(next)
        }
        Aftermath::Committed if matches!(error.error, DbError::Lost(_)) => told
            .note(format!("State: the connection was lost, and {id} is done: the books say so. {before}"))
            .hint(next),
        Aftermath::Committed => told
            .note(format!(
                "State: the transaction of {id} was committed, and the books agree; what failed stands behind it. {before}"
            ))
            .hint("Next: `limbeck status`. A pragma behind the transaction is all that is missing."),
        Aftermath::Dirty { done, total } => told
            .note(format!(
                "State: dirty. {done} of {total} statements of {id} are done and cannot be rolled back here. {before}"
            ))
            .hint(match error.cause {
                Cause::Server => format!("Next: look at it with `limbeck status`, then one of\n{}", ways_out(id)),
                _ => format!("{next}\nThe ways on:\n{}", ways_out(id)),
            }),
        Aftermath::Unknown => told
            .note(match &error.error {
                DbError::Lost(_) => format!("State: unknown, the connection was lost while {id} ran. {before}"),
                _ => format!("State: unknown, the books could not be read after the failure of {id}. {before}"),
            })
            .hint("Next: `limbeck status` once the server is back."),
    }
}
