//! Which database is meant: a flag, a variable, pieces, or the file.

use std::path::Path;

use crate::database_url::{Address, DatabaseUrl, Place, Secret, TlsMode};
use crate::dialect::Backend;

use super::{ConfigError, Encoding, Given, shown};

impl Given {
    /// The database: `--database-url`, `CORTEX_DATABASE_URL`, the pieces, `DATABASE_URL`, `limbeck.toml`.
    pub(super) fn database(
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
    pub(super) fn agrees(
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
    pub(super) fn file_url(
        &self,
        text: &str,
        span: std::ops::Range<usize>,
    ) -> Result<DatabaseUrl, ConfigError> {
        let whole = text.trim();
        // A variable that is the whole value holds a URL, not a piece of one.
        let alone = whole.starts_with("${") && whole.find('}') == Some(whole.len() - 1);
        let encoding = if alone { Encoding::Plain } else { Encoding::Percent };
        let expanded = self.expand(text, encoding, span)?;
        Ok(based(read_url(&expanded, "database_url in limbeck.toml")?, &self.root))
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
