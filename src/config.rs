//! Settings: flags, environment, env file and `limbeck.toml`, read as values. The texts are handed in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::chain::join;
use crate::database_url::{Address, DatabaseUrl, Place, Secret, TlsMode, UrlError};
use crate::dialect::Backend;
use crate::ledger::format::SERVICE_LENGTH;
use crate::sql::{SourceText, Span};

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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    env_prefix: Option<String>,
    migrations: Option<toml::Spanned<String>>,
    file_template: Option<String>,
    convention: Option<toml::Spanned<String>>,
    database_url: Option<toml::Spanned<String>>,
    #[serde(default)]
    services: toml::Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileService {
    migrations: Option<String>,
    database_url: Option<String>,
    convention: Option<String>,
}

/// The prefix of the environment variables, as `limbeck.toml` says: asked before the env file is found.
pub fn prefix(file: Option<&SourceText>) -> Result<String, ConfigError> {
    Ok(parse(file)?.env_prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned()))
}

fn parse(file: Option<&SourceText>) -> Result<File, ConfigError> {
    let Some(source) = file else { return Ok(File::default()) };
    toml::from_str(source.text()).map_err(|error| toml_error(source, &error))
}

fn toml_error(source: &SourceText, error: &toml::de::Error) -> ConfigError {
    let span =
        error.span().map_or(source.span_of_line(1), |range| Span { start: range.start, end: range.end });
    wrong_file(source, span, error.message().to_owned())
}

/// An error in `limbeck.toml`, which errors show without what may be a password: it can stand anywhere in a server's URL.
fn wrong_file(source: &SourceText, span: Span, message: String) -> ConfigError {
    let mut text = String::with_capacity(source.text().len());
    for line in source.text().split_inclusive('\n') {
        let value = line.find('=').map_or(0, |at| at + 1);
        let bare = line[value..].trim_start().trim_start_matches(['"', '\'']);
        let at_server =
            line.trim_start().starts_with("database_url") || bare.contains("://") || bare.contains('@');
        if !at_server || bare.starts_with("sqlite") {
            text.push_str(line);
            continue;
        }
        let secret = line[value..].find("://").map_or(value, |at| value + at + 3);
        text.push_str(&line[..secret]);
        text.push_str(&starred(&line[secret..]));
    }
    // What is wrong with a value may quote it.
    let message = match message.split_once('"') {
        Some((before, rest)) if rest.contains("://") || rest.contains('@') => {
            let after = rest.rsplit_once('"').map_or("", |(_, after)| after);
            format!("{before}\"***\"{after}")
        }
        _ => message,
    };
    ConfigError::File { message, source_text: SourceText::new(source.name(), text), span }
}

/// Stars for all but variables, quotes, and white space. As many bytes as before: the places in
/// the file stay what they are.
fn starred(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let variable = rest.find('}').filter(|_| rest.starts_with("${")).map(|end| &rest[..=end]);
        let kept = variable.or_else(|| {
            let plain = first.is_whitespace() || matches!(first, '"' | '\'');
            plain.then(|| &rest[..first.len_utf8()])
        });
        match kept {
            Some(kept) => text.push_str(kept),
            None => text.push_str(&"*".repeat(first.len_utf8())),
        }
        rest = &rest[kept.map_or(first.len_utf8(), str::len)..];
    }
    text
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
        let source = self.file.clone().unwrap_or_else(|| SourceText::new(FILE_NAME, ""));
        Err(wrong_file(&source, Span { start: span.start, end: span.end }, message))
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

    /// The database: `--database-url`, `CORTEX_DATABASE_URL`, the pieces, `DATABASE_URL`, `limbeck.toml`.
    fn database(
        &self,
        prefix: &str,
        file: Option<&toml::Spanned<String>>,
        dialect: Option<Backend>,
    ) -> Result<DatabaseUrl, ConfigError> {
        let type_name = format!("{prefix}_DB_TYPE");
        let kind = match self.variable(&type_name) {
            Some((value, from)) => Some(Backend::parse(value).ok_or_else(|| ConfigError::Variable {
                variable: type_name.clone(),
                value: shown(value),
                from,
                expected: "it can be sqlite, postgresql (postgres) or mysql (mariadb)".to_owned(),
            })?),
            None => None,
        };
        let typed = kind.map(|kind| (type_name.as_str(), kind));
        if let Some(url) = &self.flags.database_url {
            let url = read_url(url, "--database-url")?;
            let url = self.with_schema(prefix, based(url, &self.here));
            return self.agrees(url, "--database-url", dialect, typed);
        }
        let own_url = format!("{prefix}_DATABASE_URL");
        if let Some((url, from)) = self.variable(&own_url) {
            let origin = format!("{own_url}{from}");
            let url = based(read_url(url, &origin)?, &self.root);
            return self.agrees(self.with_schema(prefix, url), &origin, dialect, typed);
        }
        if let Some(kind) = kind {
            let url = self.pieces(prefix, kind)?;
            return self.agrees(url, &type_name, dialect, None);
        }
        if let Some((url, from)) = self.variable("DATABASE_URL") {
            let origin = format!("DATABASE_URL{from}");
            let url = based(read_url(url, &origin)?, &self.root);
            return self.agrees(self.with_schema(prefix, url), &origin, dialect, None);
        }
        match file {
            Some(url) => {
                let url = self.file_url(url.get_ref(), url.span())?;
                self.agrees(self.with_schema(prefix, url), "limbeck.toml", dialect, None)
            }
            None => Err(ConfigError::NoDatabase { prefix: prefix.to_owned() }),
        }
    }

    /// Refuses a URL that contradicts the type beside it.
    fn agrees(
        &self,
        url: DatabaseUrl,
        origin: &str,
        dialect: Option<Backend>,
        typed: Option<(&str, Backend)>,
    ) -> Result<DatabaseUrl, ConfigError> {
        let said = dialect.map(|backend| ("--dialect", backend)).into_iter().chain(typed);
        for (variable, kind) in said {
            if kind != url.backend {
                return Err(ConfigError::Contradiction {
                    variable: variable.to_owned(),
                    kind,
                    origin: origin.to_owned(),
                    scheme: url.backend,
                });
            }
        }
        Ok(url)
    }

    /// A URL of `limbeck.toml`, with `${VAR}` expanded.
    fn file_url(&self, text: &str, span: std::ops::Range<usize>) -> Result<DatabaseUrl, ConfigError> {
        let whole = text.trim();
        // A variable that is the whole value holds a URL, not a piece of one.
        let alone = whole.starts_with("${") && whole.find('}') == Some(whole.len() - 1);
        let encoding = if alone { Encoding::Plain } else { Encoding::Percent };
        let expanded = self.expand(text, encoding, span)?;
        Ok(based(read_url(&expanded, "database_url in limbeck.toml")?, &self.root))
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
            let wrong = |message: String| {
                let source = self.file.clone().unwrap_or_else(|| SourceText::new(FILE_NAME, ""));
                wrong_file(&source, Span { start: span.start, end: span.end }, message)
            };
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

    fn with_schema(&self, prefix: &str, mut url: DatabaseUrl) -> DatabaseUrl {
        if let (Backend::Postgres, Place::Server(address)) = (url.backend, &mut url.place)
            && let Some((schema, _)) = self.variable(&format!("{prefix}_DB_SCHEMA"))
        {
            address.schema = Some(schema.to_owned());
        }
        url
    }

    /// The database that the single variables describe.
    fn pieces(&self, prefix: &str, backend: Backend) -> Result<DatabaseUrl, ConfigError> {
        let name = |piece: &str| format!("{prefix}_DB_{piece}");
        let text = |piece: &str| self.variable(&name(piece)).map(|(value, _)| value.to_owned());
        let place = if backend == Backend::Sqlite {
            if self.boolean(&name("MEMORY"))?.unwrap_or(false) {
                Place::Memory
            } else {
                Place::File(text("FILE").unwrap_or_else(|| "./cortex.db".to_owned()))
            }
        } else {
            let mut address =
                Address { port: backend.default_port().unwrap_or_default(), ..Address::default() };
            address.set_host(&text("HOST").unwrap_or_default());
            if let Some((port, from)) = self.variable(&name("PORT")) {
                let number = port.parse().ok().filter(|number| *number > 0);
                address.port = number.ok_or_else(|| ConfigError::Variable {
                    variable: name("PORT"),
                    value: shown(port),
                    from,
                    expected: "it must be a port, 1 to 65535".to_owned(),
                })?;
            }
            if let Some((mode, from)) = self.variable(&name("SSLMODE")) {
                let mode = TlsMode::parse(mode).ok_or_else(|| ConfigError::Variable {
                    variable: name("SSLMODE"),
                    value: shown(mode),
                    from,
                    expected: "it can be disable, allow, prefer, require, verify-ca or verify-full"
                        .to_owned(),
                })?;
                address.tls.mode = Some(mode);
            }
            address.tls.ca = text("SSLROOTCERT");
            address.user = text("USERNAME");
            // An empty password is a password.
            address.password = self.raw_variable(&name("PASSWORD")).map(|(value, _)| Secret::new(value));
            address.database = text("NAME");
            Place::Server(Box::new(address))
        };
        let url = DatabaseUrl { backend, place, unused: Vec::new() };
        Ok(based(self.with_schema(prefix, url), &self.root))
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

fn read_url(text: &str, origin: &str) -> Result<DatabaseUrl, ConfigError> {
    DatabaseUrl::parse(text).map_err(|error| ConfigError::Url { origin: origin.to_owned(), error })
}

/// Makes a relative SQLite file start at `folder`, whatever folder the user is in.
fn based(mut url: DatabaseUrl, folder: &Path) -> DatabaseUrl {
    if let Place::File(path) = &mut url.place
        && Path::new(path).is_relative()
        && !folder.as_os_str().is_empty()
    {
        let short = path.strip_prefix("./").unwrap_or(path);
        *path = folder.join(short).to_string_lossy().into_owned();
    }
    url
}

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
