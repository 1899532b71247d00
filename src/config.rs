//! Settings: flags, environment, env file and `limbeck.toml`, read as values. The texts are handed in.

mod database;
mod file;
mod patience;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::backup::Backup;
use crate::chain::join;
use crate::database_url::{DatabaseUrl, UrlError};
use crate::dialect::Backend;
use crate::ledger::format::SERVICE_LENGTH;
use crate::plan::Late;
use crate::sql::{SourceText, Span};

use file::{File, FileService, parse, wrong_file};

pub use file::prefix;
pub use patience::Patience;

/// The name of the settings file.
pub const FILE_NAME: &str = "limbeck.toml";

/// The prefix of the environment variables unless `env_prefix` says otherwise.
pub const DEFAULT_PREFIX: &str = "CORTEX";

/// The service whose rows are meant when the settings name none.
pub const DEFAULT_SERVICE: &str = "default";

/// What was given, before anything is decided.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The project root: relative paths in settings start there.
    pub root: PathBuf,
    /// The folder that the user is in: relative paths in flags start there.
    pub here: PathBuf,
    /// From the command line.
    pub flags: Flags,
    /// The process environment.
    pub process: BTreeMap<String, String>,
    /// The env file.
    pub env_file: Option<EnvFile>,
    /// `limbeck.toml`.
    pub file: Option<SourceText>,
}

/// An env file as it was read.
#[derive(Clone, Debug)]
pub struct EnvFile {
    /// Its name, as people know it.
    pub name: String,
    /// What it sets.
    pub variables: BTreeMap<String, String>,
}

/// The flags that are settings.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--database-url`.
    pub database_url: Option<String>,
    /// `--dialect`.
    pub dialect: Option<String>,
    /// `--migrations`.
    pub migrations: Option<PathBuf>,
    /// `--wait`.
    pub wait: Option<Duration>,
}

/// The settings of a project.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name in file names.
    pub name: String,
    /// The prefix of the environment variables.
    pub prefix: String,
    /// The name of new revision files, without the extension.
    pub file_template: String,
    /// Ask before applying: what the settings say, if they say anything.
    pub interactive: Option<bool>,
    /// Apply at application start-up.
    pub auto_apply: bool,
    /// What is done about late revisions: ask, unless the settings say otherwise.
    pub late: Late,
    /// How long to wait, for what, and what is undone together.
    pub patience: Patience,
    /// How long to wait for a server that is not up yet.
    pub wait: Duration,
    /// When the database is copied before a run: what the settings say, if they say anything.
    pub backup: Option<Backup>,
    /// The folder for the copies: what the settings say, if they say anything.
    pub backup_dir: Option<PathBuf>,
    /// The folder for the copies of servers' databases where nothing is said.
    pub usual_backup_dir: PathBuf,
    /// The services, in file order; one when the file names none.
    pub services: Vec<Service>,
    /// Things worth a warning.
    pub notes: Vec<String>,
}

/// A named folder and database.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name: whose rows in the books are meant.
    pub name: String,
    /// The folder that holds the dialects' folders.
    pub migrations: PathBuf,
    /// Its database, where the settings name one that can be read.
    database: Result<DatabaseUrl, ConfigError>,
    /// The dialect of `--dialect`.
    dialect: Option<Backend>,
}

impl Service {
    /// Its database; an error that says what to set when there is none.
    pub fn database(&self) -> Result<&DatabaseUrl, ConfigError> {
        self.database.as_ref().map_err(Clone::clone)
    }

    /// Its dialect, of which the database need not be known.
    pub fn backend(&self) -> Result<Backend, ConfigError> {
        match (self.dialect, &self.database) {
            (Some(backend), _) => Ok(backend),
            (None, Ok(url)) => Ok(url.backend),
            (None, Err(error)) => Err(error.clone()),
        }
    }
}

/// Settings that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nothing says which database.
    #[error("no database is set")]
    NoDatabase {
        /// The prefix of the variables to set.
        prefix: String,
    },
    /// A variable with a value that it cannot have.
    #[error("{variable} is `{value}`{from}: {expected}")]
    Variable {
        /// Its name.
        variable: String,
        /// Its value; never that of a secret.
        value: String,
        /// ` (in local.env)`, or nothing.
        from: String,
        /// What it can be.
        expected: String,
    },
    /// A URL that cannot be read.
    #[error("{origin} is not a database URL: {error}")]
    Url {
        /// Where it was given.
        origin: String,
        /// What is wrong.
        #[source]
        error: UrlError,
    },
    /// The type says one thing and the URL another.
    #[error("{variable} says {kind} and {origin} says {scheme}")]
    Contradiction {
        /// The variable or flag that gives the type.
        variable: String,
        /// The type.
        kind: Backend,
        /// Where the URL was given.
        origin: String,
        /// The URL's dialect.
        scheme: Backend,
    },
    /// A `--dialect` that is none.
    #[error("`{0}` is not a dialect: sqlite, postgresql (postgres) and mysql (mariadb) are")]
    Dialect(String),
    /// `limbeck.toml` cannot be read.
    #[error("{message}")]
    File {
        /// What is wrong.
        message: String,
        /// The file.
        source_text: SourceText,
        /// The place in it.
        span: Span,
    },
    /// No such service.
    #[error("no service is called `{name}`; {}", if known.is_empty() { "limbeck.toml names none".to_owned() } else { format!("limbeck.toml names {}", join(known, ", ")) })]
    UnknownService {
        /// What was asked for.
        name: String,
        /// The services that there are.
        known: Vec<String>,
    },
}

impl ConfigError {
    /// A `--dialect` that is none.
    pub fn dialect(name: &str) -> Self {
        Self::Dialect(shown(name))
    }
}

/// A value as errors show it: one that may hold a URL, and with it a password, is not shown.
fn shown(value: &str) -> String {
    if value.contains([':', '@']) { "***".to_owned() } else { value.to_owned() }
}

impl Given {
    /// Decides the settings.
    pub fn resolve(&self) -> Result<Config, ConfigError> {
        let file = parse(self.file.as_ref())?;
        let prefix = file.env_prefix.clone().unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
        let mut config = Config {
            name: file.name.clone().unwrap_or_else(|| "cortex".to_owned()),
            file_template: file
                .file_template
                .clone()
                .unwrap_or_else(|| "{rev}_{name}_db_version_{n}".to_owned()),
            interactive: self.boolean(&format!("{prefix}_DB_MIGRATIONS_IS_INTERACTIVE"))?,
            auto_apply: self.boolean(&format!("{prefix}_AUTO_APPLY_DB_MIGRATIONS"))?.unwrap_or(true),
            late: self.late(&prefix, &file)?,
            patience: self.patience(&prefix, &file)?,
            wait: self.wait(&prefix, &file)?,
            backup: self.backup(&prefix, &file)?,
            backup_dir: self.backup_dir(&prefix, &file),
            usual_backup_dir: self.root.join("backups"),
            services: Vec::new(),
            notes: Vec::new(),
            prefix,
        };
        if let Some(convention) = &file.convention {
            self.convention(convention.get_ref(), convention.span())?;
        }
        let dialect = self
            .flags
            .dialect
            .as_deref()
            .map(|name| Backend::parse(name).ok_or_else(|| ConfigError::dialect(name)))
            .transpose()?;
        let folder = file.migrations.as_ref().map(|folder| (folder.get_ref().as_str(), folder.span()));
        let migrations = self.migrations(&config.prefix, folder)?;
        if file.services.is_empty() {
            let database = self.database(&config.prefix, file.database_url.as_ref(), dialect);
            config.services.push(Service { name: DEFAULT_SERVICE.to_owned(), migrations, database, dialect });
        } else {
            for (name, value) in &file.services {
                config.services.push(self.service(&config.prefix, name, value, &file, dialect)?);
            }
        }
        for service in &config.services {
            if let Ok(url) = &service.database
                && !url.unused.is_empty()
            {
                config.notes.push(format!(
                    "the database URL has parameters that limbeck does not use: {}",
                    url.unused.join(", ")
                ));
            }
        }
        Ok(config)
    }

    fn service(
        &self,
        prefix: &str,
        name: &str,
        value: &toml::Value,
        file: &File,
        dialect: Option<Backend>,
    ) -> Result<Service, ConfigError> {
        let source = self.file.clone().unwrap_or_else(|| SourceText::new(FILE_NAME, ""));
        let place = || {
            let table = [format!("services.{name}"), format!("services.\"{name}\"")];
            let found = table.iter().find_map(|table| source.text().find(table.as_str()));
            let from = found.map_or(0, |at| at + "services.".len());
            let at = source.text()[from..].find(name).map_or(0, |at| from + at);
            Span { start: at, end: at + name.len() }
        };
        let wrong = |message: String| wrong_file(&source, place(), message);
        let own: FileService =
            value.clone().try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        if name.chars().count() > SERVICE_LENGTH {
            return Err(wrong(format!("a service name has {SERVICE_LENGTH} characters at most")));
        }
        if let Some(convention) = &own.convention {
            self.convention(convention, place().start..place().end)?;
        }
        let folder = match (&own.migrations, &file.migrations) {
            (Some(folder), _) => Some((folder.as_str(), place().start..place().end)),
            (None, Some(folder)) => Some((folder.get_ref().as_str(), folder.span())),
            (None, None) => None,
        };
        let migrations = match (folder, &own.migrations) {
            // The variable is the project's, and the service says where its own folder is.
            (Some((text, span)), Some(_)) if self.flags.migrations.is_none() => {
                self.root.join(self.expand(text, Encoding::Plain, span)?)
            }
            (folder, _) => self.migrations(prefix, folder)?,
        };
        let database = match &own.database_url {
            // A flag is one database for one service; the environment's variables are the project's, not a service's.
            Some(_) if self.flags.database_url.is_some() => self.database(prefix, None, dialect),
            Some(url) => {
                let from = place().end;
                let found =
                    source.text().get(from..).and_then(|text| text.find(url.as_str())).map(|at| from + at);
                let span = found.map_or_else(|| place().start..from, |at| at..at + url.len());
                self.file_url(url, span).and_then(|url| self.agrees(url, "limbeck.toml", dialect, None))
            }
            None => self.database(prefix, file.database_url.as_ref(), dialect),
        };
        Ok(Service { name: name.to_owned(), migrations, database, dialect })
    }

    fn convention(&self, name: &str, span: std::ops::Range<usize>) -> Result<(), ConfigError> {
        if crate::convention::named(name).is_some() {
            return Ok(());
        }
        let known = join(crate::convention::ALL.iter().map(|convention| convention.name), ", ");
        let message = format!("`{name}` is not a convention that this version knows: {known}");
        Err(self.wrong_in_file(span, message))
    }

    /// An error at a place of `limbeck.toml`.
    fn wrong_in_file(&self, span: std::ops::Range<usize>, message: String) -> ConfigError {
        let source = self.file.clone().unwrap_or_else(|| SourceText::new(FILE_NAME, ""));
        wrong_file(&source, Span { start: span.start, end: span.end }, message)
    }

    /// What is done about late revisions.
    fn late(&self, prefix: &str, file: &File) -> Result<Late, ConfigError> {
        let read = |text: &str| Late::parse(text).ok_or_else(|| "it can be refuse, ask, apply".to_owned());
        Ok(self.read(prefix, "LATE", &file.late, read)?.unwrap_or(Late::Ask))
    }

    /// The folder that holds the dialects' folders: flag, environment, file, `migrations`.
    fn migrations(
        &self,
        prefix: &str,
        file: Option<(&str, std::ops::Range<usize>)>,
    ) -> Result<PathBuf, ConfigError> {
        if let Some(folder) = &self.flags.migrations {
            return Ok(self.here.join(folder));
        }
        if let Some((folder, _)) = self.variable(&format!("{prefix}_MIGRATIONS_VERSIONS_DIRECTORY")) {
            return Ok(self.root.join(folder));
        }
        let folder = file.map(|(text, span)| self.expand(text, Encoding::Plain, span)).transpose()?;
        Ok(self.root.join(folder.as_deref().unwrap_or("migrations")))
    }

    /// A variable that is set and not empty, with where it was found.
    fn variable(&self, name: &str) -> Option<(&str, String)> {
        self.raw_variable(name).filter(|(value, _)| !value.is_empty())
    }

    fn raw_variable(&self, name: &str) -> Option<(&str, String)> {
        if let Some(value) = self.process.get(name) {
            return Some((value, String::new()));
        }
        let file = self.env_file.as_ref()?;
        file.variables.get(name).map(|value| (value.as_str(), format!(" (in {})", file.name)))
    }

    fn boolean(&self, name: &str) -> Result<Option<bool>, ConfigError> {
        let Some((value, from)) = self.variable(name) else { return Ok(None) };
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Some(true)),
            "false" | "0" | "no" | "off" => Ok(Some(false)),
            _ => Err(ConfigError::Variable {
                variable: name.to_owned(),
                value: shown(value),
                from,
                expected: "it can be true, 1, yes, on, or false, 0, no, off".to_owned(),
            }),
        }
    }

    /// Replaces `${VAR}` by the variable's value; one that is not set is an error.
    fn expand(
        &self,
        text: &str,
        encoding: Encoding,
        span: std::ops::Range<usize>,
    ) -> Result<String, ConfigError> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            expanded.push_str(&rest[..start]);
            let wrong = |message: String| self.wrong_in_file(span.clone(), message);
            let Some(length) = rest[start..].find('}') else {
                return Err(wrong("`${` has no `}`".to_owned()));
            };
            let name = &rest[start + 2..start + length];
            let Some((value, _)) = self.raw_variable(name) else {
                return Err(wrong(format!("the variable {name} is not set")));
            };
            match encoding {
                Encoding::Plain => expanded.push_str(value),
                Encoding::Percent => expanded.extend(utf8_percent_encode(value, RESERVED)),
            }
            rest = &rest[start + length + 1..];
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

/// Whether a variable is put into a URL or stands for itself.
#[derive(Clone, Copy)]
enum Encoding {
    Plain,
    Percent,
}

/// What a variable's value must not say inside a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Config {
    /// The services that a command acts on: the named one, or all.
    pub fn chosen(&self, name: Option<&str>) -> Result<Vec<&Service>, ConfigError> {
        let Some(name) = name else { return Ok(self.services.iter().collect()) };
        let chosen: Vec<&Service> = self.services.iter().filter(|service| service.name == name).collect();
        if chosen.is_empty() {
            let named = |service: &&Service| service.name != DEFAULT_SERVICE;
            return Err(ConfigError::UnknownService {
                name: name.to_owned(),
                known: self.services.iter().filter(named).map(|service| service.name.clone()).collect(),
            });
        }
        Ok(chosen)
    }
}
