//! Arguments, environment and files, gathered once: the only place that reads the environment.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures_util::future::{Either, select};

use crate::chain::Chain;
use crate::config::{self, Config, ConfigError, EnvFile, Flags, Given, Service};
use crate::convention;
use crate::dialect::Backend;
use crate::duration;
use crate::ledger::Actor;
use crate::manager::{self, Access, MigrationManager, MissingDatabase, Reach};
use crate::sql::SourceText;
use crate::stop::{Haste, Stop};

use super::exit::Exit;
use super::output::progress::Progress;
use super::ui::{Color, Output, Ui, Volume};
use super::words::Failure;

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Settings file [default: the nearest limbeck.toml upwards]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Env file [default: local.env, then .env, in the project root]
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Database, for example sqlite://cortex.db
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Dialect: sqlite, postgresql or mysql [default: as the database]
    #[arg(long, global = true, value_name = "DIALECT")]
    pub dialect: Option<String>,
    /// One of the [services.*] of limbeck.toml
    #[arg(long, global = true, value_name = "NAME")]
    pub service: Option<String>,
    /// Migrations folder, holding sqlite/, postgresql/, mysql/
    #[arg(long, global = true, value_name = "DIR")]
    pub migrations: Option<PathBuf>,
    /// Wait so long for a server that is not up yet: 90, 500ms, 2m [default: 0]
    #[arg(long, global = true, value_name = "TIME", value_parser = duration::parse)]
    pub wait: Option<Duration>,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// When to colour: auto (on a terminal, unless NO_COLOR is set), always, never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub color: Color,
    /// Say more
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Say less
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// What a command works with.
pub struct Context {
    /// The terminal.
    pub ui: Ui,
    /// The settings.
    pub config: Config,
    /// The folder that the user is in.
    pub here: PathBuf,
    /// Who acts.
    pub actor: Actor,
    /// The service asked for.
    pub service: Option<String>,
    /// The program that `edit` starts.
    pub editor: Option<String>,
    /// A flag that was given and can only be meant for one service.
    one_only: Option<&'static str>,
    /// The dialects of a `--dialect` that lists several, or all.
    pub dialects: Option<Vec<Backend>>,
    /// Set when somebody asked to stop: nothing further is begun.
    pub stop: Stop,
    runtime: tokio::runtime::Runtime,
}

/// The terminal, which needs no settings.
pub fn ui(globals: &Globals) -> Ui {
    let output = if globals.json { Output::Json } else { Output::Human };
    let volume = match (globals.quiet, globals.verbose) {
        (true, _) => Volume::Quiet,
        (_, true) => Volume::Verbose,
        _ => Volume::Normal,
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Ui::new(output, volume, globals.color, no_color, std::env::var("COLUMNS").ok().as_deref())
}

/// The folder that the user is in.
pub fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::new(Exit::Error, "folder", format!("the current folder cannot be read: {error}"))
    })
}

impl Context {
    /// Gathers everything.
    pub fn gather(globals: &Globals, ui: Ui) -> Result<Self, Failure> {
        let here = here()?;
        let (root, file) = settings_file(globals.config.as_deref(), &here)?;
        let prefix = config::prefix(file.as_ref())?;
        let process: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let env_file = env_file(globals.env_file.as_deref(), &process, &prefix, &root, &here)?;
        let service = globals.service.clone();
        let who = |names: [&str; 2]| names.iter().find_map(|name| process.get(*name)).cloned();
        let actor = Actor { os_user: who(["USER", "LOGNAME"]), host: host() };
        let editor = who(["VISUAL", "EDITOR"]);
        let listed = globals.dialect.as_deref().filter(|list| *list == "all" || list.contains(','));
        let dialects = listed.map(dialects).transpose()?;
        let given = Given {
            root,
            here: here.clone(),
            flags: Flags {
                database_url: globals.database_url.clone(),
                dialect: globals.dialect.clone().filter(|_| dialects.is_none()),
                migrations: globals.migrations.clone(),
                wait: globals.wait,
            },
            process,
            env_file,
            file,
        };
        let config = given.resolve()?;
        for note in &config.notes {
            ui.warn(note);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let one_only = match globals {
            Globals { database_url: Some(_), .. } => Some("--database-url"),
            Globals { migrations: Some(_), .. } => Some("--migrations"),
            _ => None,
        };
        Ok(Self { ui, config, here, actor, service, editor, one_only, dialects, stop: Stop::new(), runtime })
    }

    /// Waits for something.
    pub fn wait<F: Future>(&self, what: F) -> F::Output {
        self.runtime.block_on(what)
    }

    /// Waits for something that changes a database. The first Ctrl-C or SIGTERM only sets `stop`.
    pub fn wait_or_stop<F: Future>(&self, what: F) -> F::Output {
        self.runtime.block_on(until_stopped(self.ui, &self.stop, what))
    }

    /// The services that the command acts on.
    pub fn services(&self) -> Result<Vec<&Service>, Failure> {
        let services = self.config.chosen(self.service.as_deref())?;
        match self.one_only {
            Some(flag) if services.len() > 1 => Err(Failure::usage(
                format!("{flag} is for one service, and there are several"),
                format!(
                    "Pick one: --service {}",
                    crate::chain::join(services.iter().map(|service| &service.name), " | ")
                ),
            )),
            _ => Ok(services),
        }
    }

    /// The one service that the command acts on.
    pub fn one_service(&self) -> Result<&Service, Failure> {
        match self.services()?.as_slice() {
            [only] => Ok(only),
            several => Err(Failure::usage(
                "this command acts on one service, and there are several",
                format!(
                    "Pick one: --service {}",
                    crate::chain::join(several.iter().map(|service| &service.name), " | ")
                ),
            )),
        }
    }

    /// A path as the user would type it.
    pub fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.here).unwrap_or(path).to_owned()
    }

    /// Reads the chain of a service.
    pub fn chain(&self, service: &Service) -> Result<Chain, Failure> {
        self.chain_of(service, service.backend()?)
    }

    /// Reads the chain of one dialect of a service.
    pub fn chain_of(&self, service: &Service, backend: Backend) -> Result<Chain, Failure> {
        let shown = self.shown(&service.migrations);
        manager::load(&service.migrations, backend, &convention::LIMBECK, &shown).map_err(|error| {
            let mut failure = Failure::from(error);
            // The project's own name of the variable.
            failure.hint =
                failure.hint.map(|hint| hint.replace("CORTEX_", &format!("{}_", self.config.prefix)));
            failure
        })
    }

    /// Connects to the database of a service and reads its chain and books.
    pub fn connect(&self, service: &Service, access: Access) -> Result<MigrationManager, Failure> {
        self.connect_or_create(service, access, MissingDatabase::Refused)
    }

    /// The same; a database that does not exist may be one that is going to be made.
    pub fn connect_or_create(
        &self,
        service: &Service,
        access: Access,
        missing: MissingDatabase,
    ) -> Result<MigrationManager, Failure> {
        let url = service.database()?;
        let chain = self.chain(service)?;
        let reach = Reach { access, wait: self.config.wait, missing };
        // Only a change tells its events on stdout.
        let output = if access == Access::Write { self.ui.output } else { Output::Human };
        let mut progress = Progress::new(Ui { output, ..self.ui });
        let connecting = MigrationManager::reach(chain, url, &service.name, reach, &mut progress);
        let connected = match (access, reach.wait) {
            (Access::Read, Duration::ZERO) => self.wait(connecting),
            _ => self.wait(unless_interrupted(connecting)).ok_or_else(Failure::interrupted)?,
        };
        connected.map_err(|error| {
            let mut failure = Failure::from(error);
            failure.hint.get_or_insert_with(|| format!("The database is {url}"));
            failure
        })
    }

    /// Shows a question and reads a line from stdin; none at its end. Ctrl-C ends the command.
    pub fn answer_to(&self, question: impl FnOnce() -> io::Result<()>) -> Result<Option<String>, Failure> {
        let line = async {
            // From here on Ctrl-C is ours: it must be before the question can be seen.
            #[cfg(unix)]
            let mut stop = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
            #[cfg(windows)]
            let mut stop = tokio::signal::windows::ctrl_c()?;
            question()?;
            let (sender, line) = tokio::sync::oneshot::channel();
            // A thread of its own, which nobody waits for: a read from a terminal cannot be given up.
            std::thread::spawn(move || {
                let mut line = String::new();
                let read = io::stdin().read_line(&mut line).map(|length| (length > 0).then_some(line));
                let _ = sender.send(read);
            });
            let stop = std::pin::pin!(stop.recv());
            match futures_util::future::select(line, stop).await {
                futures_util::future::Either::Left((read, _)) => read.unwrap_or(Ok(None)).map(Some),
                futures_util::future::Either::Right(_) => Ok(None),
            }
        };
        self.wait(line)?.ok_or_else(Failure::interrupted)
    }
}

/// Waits for something that changes nothing: Ctrl-C or SIGTERM gives it up.
async fn unless_interrupted<T>(what: impl Future<Output = T>) -> Option<T> {
    let what = std::pin::pin!(what);
    let signal = std::pin::pin!(interrupted());
    match select(signal, what).await {
        Either::Right((done, _)) => Some(done),
        Either::Left(((), _)) => None,
    }
}

/// Waits for `run`. The first Ctrl-C or SIGTERM asks it to stop after the revision that runs; the second cancels the
/// statement that runs on the server; the third ends the process.
async fn until_stopped<T>(ui: Ui, stop: &Stop, run: impl Future<Output = T>) -> T {
    let mut run = std::pin::pin!(run);
    loop {
        let signal = std::pin::pin!(interrupted());
        // The signal first: it is heard before the run begins.
        match select(signal, run).await {
            Either::Right((done, _)) => return done,
            Either::Left(((), rest)) => {
                match (stop.haste(), stop.ask()) {
                    (Haste::Now, _) => std::process::exit(Exit::Interrupted as i32),
                    (_, Haste::None) => {
                        ui.aside("Stopping at the next safe place; once more cancels what runs now.");
                    }
                    _ => ui.aside(
                        "Cancelling the statement that runs; once more leaves without waiting for it.",
                    ),
                }
                run = rest;
            }
        }
    }
}

async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            let control_c = std::pin::pin!(tokio::signal::ctrl_c());
            let terminated = std::pin::pin!(terminated.recv());
            select(control_c, terminated).await;
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// The dialects of a list, or all.
fn dialects(list: &str) -> Result<Vec<Backend>, Failure> {
    if list == "all" {
        return Ok(Backend::ALL.to_vec());
    }
    let mut backends = Vec::new();
    for name in list.split(',').map(str::trim) {
        let backend = Backend::parse(name).ok_or_else(|| ConfigError::dialect(name))?;
        if !backends.contains(&backend) {
            backends.push(backend);
        }
    }
    Ok(backends)
}

/// Finds the project root and its settings file.
fn settings_file(named: Option<&Path>, here: &Path) -> Result<(PathBuf, Option<SourceText>), Failure> {
    let unreadable = |path: &Path, error: io::Error| {
        Failure::new(Exit::Error, "settings-file", format!("cannot read {}: {error}", path.display()))
            .hint("`limbeck init` writes one.")
    };
    let path = match named {
        Some(path) => Some(here.join(path)),
        None => here.ancestors().map(|folder| folder.join(config::FILE_NAME)).find(|path| path.is_file()),
    };
    let Some(path) = path else { return Ok((here.to_owned(), None)) };
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
    let root = path.parent().unwrap_or(here).to_owned();
    let shown = path.strip_prefix(here).unwrap_or(&path).to_string_lossy().into_owned();
    Ok((root, Some(SourceText::new(shown, text))))
}

/// Reads the env file: the flag's, the variable's, `local.env`, `.env`.
fn env_file(
    named: Option<&Path>,
    process: &BTreeMap<String, String>,
    prefix: &str,
    root: &Path,
    here: &Path,
) -> Result<Option<EnvFile>, Failure> {
    let variable = format!("{prefix}_ENV_FILE_PATH");
    let by_variable = process.get(&variable).filter(|path| !path.is_empty());
    let (path, origin) = match (named, by_variable) {
        (Some(path), _) => (here.join(path), Some("--env-file")),
        (None, Some(path)) => (root.join(path), Some(variable.as_str())),
        (None, None) => {
            let usual = ["local.env", ".env"].map(|name| root.join(name));
            match usual.into_iter().find(|path| path.is_file()) {
                Some(path) => (path, None),
                None => return Ok(None),
            }
        }
    };
    let shown = path.strip_prefix(here).unwrap_or(&path).display().to_string();
    if let Some(origin) = origin
        && !path.is_file()
    {
        return Err(Failure::new(
            Exit::Error,
            "env-file",
            format!("the env file {shown} does not exist ({origin} names it)"),
        )
        .hint("Make the file, or correct its name."));
    }
    // The error of a line may hold the line, and the line a password: only its number is told.
    let wrong = |error: dotenvy::Error| {
        let what = match error {
            dotenvy::Error::Io(error) => error.to_string(),
            dotenvy::Error::LineParse(line, _) => {
                // What the error holds is the line or its end.
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                match text.lines().position(|whole| whole.trim_end().ends_with(line.trim_end())) {
                    Some(before) => format!("line {} is not NAME=value", before + 1),
                    None => "a line is not NAME=value".to_owned(),
                }
            }
            _ => "it is not an env file".to_owned(),
        };
        Failure::new(Exit::Error, "env-file", format!("cannot read the env file {shown}: {what}"))
            .hint("Quote a value with spaces or special characters: NAME='value'.")
    };
    let variables = dotenvy::from_path_iter(&path)
        .map_err(wrong)?
        .collect::<Result<BTreeMap<_, _>, _>>()
        .map_err(wrong)?;
    Ok(Some(EnvFile { name: shown, variables }))
}

/// The name of this machine, where the system tells it.
fn host() -> Option<String> {
    let named = std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string("/etc/hostname").ok())?;
    let name = named.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
