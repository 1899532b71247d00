//! Where a database is and how to get in, with a password that never shows.

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::dialect::Backend;

/// A text that is never printed, logged or put into an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Only the code that opens a connection asks for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A database, as an address. `Debug` and `Display` hide the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// The dialect.
    pub backend: Backend,
    /// Where it is.
    pub place: Place,
    /// Parameters of the URL that limbeck does not use.
    pub unused: Vec<String>,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A SQLite database that lives as long as its connection.
    Memory,
    /// A SQLite file.
    File(String),
    /// A server.
    Server(Box<Address>),
}

/// A database on a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Unix socket: PostgreSQL's folder, MySQL's file. It is used in place of host and port.
    pub socket: Option<String>,
    /// User; the driver's own default when there is none.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// Database name.
    pub database: Option<String>,
    /// How the connection is secured.
    pub tls: Tls,
    /// PostgreSQL schema: the search path, and where the books lie.
    pub schema: Option<String>,
    /// The name that the connection goes by on the server.
    pub application_name: Option<String>,
}

/// How a connection is secured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// How strict; the driver's default (`prefer`) when nothing is said.
    pub mode: Option<TlsMode>,
    /// File with the certificates of the authorities to trust.
    pub ca: Option<String>,
    /// File with the client's certificate.
    pub certificate: Option<String>,
    /// File with the client's key.
    pub key: Option<String>,
}

/// How strict about TLS, in PostgreSQL's words.
/// <https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// Only when the server insists.
    Allow,
    /// When the server can.
    Prefer,
    /// Always, whoever the server is.
    Require,
    /// Always, with a certificate of a known authority.
    VerifyCa,
    /// Always, with a certificate for this very host.
    VerifyFull,
}

impl TlsMode {
    /// Reads PostgreSQL's words (`verify-full`) and MySQL's (`VERIFY_IDENTITY`), in any case.
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Some(Self::Disable),
            "allow" => Some(Self::Allow),
            "prefer" | "preferred" => Some(Self::Prefer),
            "require" | "required" => Some(Self::Require),
            "verify-ca" => Some(Self::VerifyCa),
            "verify-full" | "verify-identity" => Some(Self::VerifyFull),
            _ => None,
        }
    }
}

/// A URL that names no database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No scheme.
    #[error("it has no scheme: a URL begins with `sqlite:`, `postgresql://` or `mysql://`")]
    NoScheme,
    /// A scheme that limbeck does not know.
    #[error("`{0}` is not a database that limbeck knows: sqlite, postgresql and mysql are")]
    Scheme(String),
    /// No file name.
    #[error("it names no file")]
    NoFile,
    /// A port that is no port.
    #[error("`{0}` is not a port")]
    Port(String),
    /// A TLS mode that is none.
    #[error("`{0}` is not a TLS mode: disable, allow, prefer, require, verify-ca and verify-full are")]
    TlsMode(String),
    /// A percent code that is no UTF-8.
    #[error("a percent code in it is not UTF-8")]
    NotUtf8,
}

impl DatabaseUrl {
    /// Reads a URL. A password may hold any character, encoded or not.
    ///
    /// ```
    /// use limbeck::database_url::DatabaseUrl;
    /// let url = DatabaseUrl::parse("postgres://app:p@ss/w#rd@db.example/cortex").unwrap();
    /// assert_eq!(url.to_string(), "postgresql://app:***@db.example:5432/cortex");
    /// ```
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.trim().split_once(':').ok_or(UrlError::NoScheme)?;
        let scheme = scheme.split('+').next().unwrap_or(scheme);
        let backend = Backend::parse(scheme).ok_or_else(|| UrlError::Scheme(scheme.to_owned()))?;
        match backend.default_port() {
            Some(port) => Self::server(backend, port, rest.strip_prefix("//").unwrap_or(rest)),
            None => Self::sqlite(rest),
        }
    }

    fn sqlite(rest: &str) -> Result<Self, UrlError> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut unused = Vec::new();
        let mut place = if path == ":memory:" { Place::Memory } else { Place::File(decoded(path)?) };
        for (name, value) in parameters(query)? {
            match (name.as_str(), value.as_str()) {
                ("mode", "memory") => place = Place::Memory,
                // What may be created or written is limbeck's to decide, per command.
                ("mode", "rwc" | "rw" | "ro") => {}
                _ => unused.push(name),
            }
        }
        if place == Place::File(String::new()) {
            return Err(UrlError::NoFile);
        }
        Ok(Self { backend: Backend::Sqlite, place, unused })
    }

    fn server(backend: Backend, port: u16, rest: &str) -> Result<Self, UrlError> {
        let (user, location) = match userinfo(rest) {
            Some((user, location)) => (Some(user), location),
            None => (None, rest),
        };
        let (location, query) = location.split_once('?').unwrap_or((location, ""));
        let (host, database) = location.split_once('/').unwrap_or((location, ""));
        let mut address = Address { port, ..Address::default() };
        if let Some(user) = user {
            let (name, password) = match user.split_once(':') {
                Some((name, password)) => (name, Some(password)),
                None => (user, None),
            };
            address.user = Some(decoded(name)?).filter(|name| !name.is_empty());
            address.password = password.map(decoded).transpose()?.map(Secret::new);
        }
        let (host, port) = split_port(host);
        if let Some(port) = port.filter(|port| !port.is_empty()) {
            // Without a user in front, `me:secret` may be a user and a password whose host was forgotten.
            let known = user.is_some() || port.bytes().all(|byte| byte.is_ascii_digit());
            let shown = if known { port } else { "***" };
            address.port = port.parse().map_err(|_| UrlError::Port(shown.to_owned()))?;
        }
        address.set_host(&decoded(host)?);
        address.database = Some(decoded(database)?).filter(|name| !name.is_empty());
        let mut unused = Vec::new();
        for (name, value) in parameters(query)? {
            if !address.set_parameter(&name, &value)? {
                unused.push(name);
            }
        }
        Ok(Self { backend, place: Place::Server(Box::new(address)), unused })
    }
}

impl DatabaseUrl {
    /// Where the database is: the URL without the user, who may be one or another.
    pub fn address(&self) -> String {
        let schema = self.schema().map(|schema| format!("?schema={schema}")).unwrap_or_default();
        match &self.place {
            Place::Server(address) => format!("{}://{}{schema}", self.backend, address.location()),
            Place::Memory | Place::File(_) => self.to_string(),
        }
    }

    /// The path of a SQLite file.
    pub fn path(&self) -> Option<&str> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory | Place::Server(_) => None,
        }
    }

    /// The PostgreSQL schema that it asks for.
    pub fn schema(&self) -> Option<&str> {
        let Place::Server(address) = &self.place else { return None };
        address.schema.as_deref().filter(|_| self.backend == Backend::Postgres)
    }

    /// What the database is called: its name on the server, or its file's name.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Memory => ":memory:".to_owned(),
            Place::File(path) => path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned(),
            Place::Server(address) => address.database.clone().unwrap_or_default(),
        }
    }
}

impl Address {
    /// Server and database, for people.
    fn location(&self) -> String {
        let database = self.database.as_deref().unwrap_or_default();
        match &self.socket {
            Some(socket) => format!("({socket})/{database}"),
            None => format!("{}:{}/{database}", self.host, self.port),
        }
    }

    /// Sets the host; a path means a unix socket.
    pub fn set_host(&mut self, host: &str) {
        if host.starts_with('/') {
            self.socket = Some(host.to_owned());
        } else if !host.is_empty() {
            self.host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        }
        if self.host.is_empty() {
            self.host = "localhost".to_owned();
        }
    }

    /// Takes one parameter of a URL. Says whether it is one that limbeck uses.
    fn set_parameter(&mut self, name: &str, value: &str) -> Result<bool, UrlError> {
        let text = || Some(value.to_owned());
        match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "sslmode" | "ssl-mode" => {
                self.tls.mode =
                    Some(TlsMode::parse(value).ok_or_else(|| UrlError::TlsMode(value.to_owned()))?);
            }
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" | "sslca" => self.tls.ca = text(),
            "sslcert" | "ssl-cert" => self.tls.certificate = text(),
            "sslkey" | "ssl-key" => self.tls.key = text(),
            "host" | "hostaddr" => self.set_host(value),
            "socket" => self.socket = text(),
            "port" => self.port = value.parse().map_err(|_| UrlError::Port(value.to_owned()))?,
            "user" => self.user = text(),
            "password" => self.password = Some(Secret::new(value)),
            "dbname" => self.database = text(),
            "schema" | "search-path" | "currentschema" => self.schema = text(),
            "application-name" => self.application_name = text(),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Splits `user:password@location` in two, also where the password holds `/ ? # @` as they are.
fn userinfo(rest: &str) -> Option<(&str, &str)> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let regular = rest[..end].rfind('@').map(|at| (&rest[..at], &rest[at + 1..]));
    // A second `@` behind the host can only be the real one, with the password in front of it; in the value of a
    // parameter it may stand for itself.
    let in_password = |location: &str| {
        let (path, query) = location.split_once('?').unwrap_or((location, ""));
        path.contains('@') || query.split_once('@').is_some_and(|(before, _)| !before.contains('='))
    };
    match regular {
        Some((_, location)) if in_password(location) => {}
        Some(found) => return Some(found),
        None => {}
    }
    rest.rfind('@').filter(|at| *at > 0).map(|at| (&rest[..at], &rest[at + 1..])).or(regular)
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    let after_bracket = host.rfind(']').unwrap_or(0);
    match host[after_bracket..].rfind(':') {
        Some(at) => (&host[..after_bracket + at], Some(&host[after_bracket + at + 1..])),
        None => (host, None),
    }
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, UrlError> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        })
        .collect()
}

fn decoded(text: &str) -> Result<String, UrlError> {
    percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| UrlError::NotUtf8)
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Memory => f.write_str("sqlite::memory:"),
            Place::File(path) => write!(f, "sqlite://{path}"),
            Place::Server(address) => {
                write!(f, "{}://", self.backend)?;
                if let Some(user) = &address.user {
                    f.write_str(user)?;
                    if let Some(password) = &address.password {
                        write!(f, ":{password}")?;
                    }
                    f.write_str("@")?;
                }
                f.write_str(&address.location())
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        match DatabaseUrl::parse(url).unwrap().place {
            Place::Server(address) => *address,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_password_may_hold_any_character_encoded_or_not() {
        for (typed, meant) in [
            ("p%40ss", "p@ss"),
            ("p@ss", "p@ss"),
            ("a:b", "a:b"),
            ("a/b", "a/b"),
            ("a@b/c@d", "a@b/c@d"),
            ("a#b?c", "a#b?c"),
            ("a@b?c", "a@b?c"),
            ("100%25", "100%"),
            ("größe€", "größe€"),
            ("", ""),
        ] {
            let found = address(&format!("postgresql://me:{typed}@host:1234/db?sslmode=require"));
            assert_eq!(found.password.as_ref().map(Secret::reveal), Some(meant), "{typed}");
            assert_eq!(
                (
                    found.user.as_deref(),
                    found.host.as_str(),
                    found.port,
                    found.database.as_deref(),
                    found.tls.mode
                ),
                (Some("me"), "host", 1234, Some("db"), Some(TlsMode::Require)),
                "{typed}"
            );
        }
    }

    #[test]
    fn a_password_never_shows() {
        let url = DatabaseUrl::parse("mysql://me:hunter2@host/db").unwrap();
        for text in [format!("{url}"), format!("{url:?}"), format!("{:?}", url.place)] {
            assert!(!text.contains("hunter2"), "{text}");
            assert!(text.contains("***"), "{text}");
        }
    }

    #[test]
    fn sockets_schemas_and_addresses_are_understood() {
        assert_eq!(address("postgresql:///db?host=/run/pg").socket.as_deref(), Some("/run/pg"));
        assert_eq!(address("postgresql://me@/db?host=/run/pg").user.as_deref(), Some("me"));
        assert_eq!(address("postgres://%2Frun%2Fpg/db").socket.as_deref(), Some("/run/pg"));
        assert_eq!(
            address("mysql://u:p@localhost/db?socket=/run/my.sock").socket.as_deref(),
            Some("/run/my.sock")
        );
        assert_eq!(address("mysql://[::1]:3307/db").host, "::1");
        assert_eq!(address("mysql://[::1]:3307/db").port, 3307);
        assert_eq!(address("postgres://h/db?schema=app").schema.as_deref(), Some("app"));
        assert_eq!(DatabaseUrl::parse("postgres://h/db?pgbouncer=true").unwrap().unused, ["pgbouncer"]);
    }

    #[test]
    fn sqlite_urls_name_a_file_or_memory() {
        let place = |url: &str| DatabaseUrl::parse(url).map(|url| url.place);
        assert_eq!(place("sqlite://cortex.db"), Ok(Place::File("cortex.db".into())));
        assert_eq!(place("sqlite:cortex.db?mode=rwc"), Ok(Place::File("cortex.db".into())));
        assert_eq!(place("sqlite:///var/lib/a%20b.db"), Ok(Place::File("/var/lib/a b.db".into())));
        assert_eq!(place("sqlite::memory:"), Ok(Place::Memory));
        assert_eq!(place("sqlite://:memory:"), Ok(Place::Memory));
        assert_eq!(place("sqlite://"), Err(UrlError::NoFile));
    }

    #[test]
    fn what_is_no_url_says_why() {
        let error = |url: &str| DatabaseUrl::parse(url).unwrap_err();
        assert_eq!(error("cortex.db"), UrlError::NoScheme);
        assert_eq!(error("oracle://h/db"), UrlError::Scheme("oracle".into()));
        assert_eq!(error("mysql://me@h:port/db"), UrlError::Port("port".into()));
        assert_eq!(error("mysql://h:65536/db"), UrlError::Port("65536".into()));
        assert_eq!(error("mysql://me:secret/db"), UrlError::Port("***".into()));
        assert_eq!(error("mysql://h/db?sslmode=maybe"), UrlError::TlsMode("maybe".into()));
        assert_eq!(error("mysql://%ff@h/db"), UrlError::NotUtf8);
    }
}
