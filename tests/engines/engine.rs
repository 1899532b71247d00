//! Which engines are there, and a database of its own for each test.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::Write as _;
use std::sync::Once;

use limbeck::database_url::{Address, DatabaseUrl, Place};
use limbeck::dialect::Backend;
use tempfile::TempDir;

use crate::raw::Raw;

/// One engine to test on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    PostgreSql,
    MariaDb,
    MySql,
}

impl Engine {
    pub const ALL: [Self; 4] = [Self::Sqlite, Self::PostgreSql, Self::MariaDb, Self::MySql];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::PostgreSql => "postgresql",
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }

    /// The name of the engine in the names of the environment variables.
    fn variable(self, what: &str) -> String {
        let name = match self {
            Self::Sqlite => "SQLITE",
            Self::PostgreSql => "POSTGRES",
            Self::MariaDb => "MARIADB",
            Self::MySql => "MYSQL",
        };
        format!("LIMBECK_TEST_{name}_{what}")
    }

    pub fn backend(self) -> Backend {
        match self {
            Self::Sqlite => Backend::Sqlite,
            Self::PostgreSql => Backend::Postgres,
            Self::MariaDb | Self::MySql => Backend::MySql,
        }
    }

    /// Whether `ROLLBACK` undoes DDL.
    pub fn rolls_ddl_back(self) -> bool {
        matches!(self, Self::Sqlite | Self::PostgreSql)
    }

    /// The server that the environment names; SQLite has none.
    pub fn server(self) -> Option<Address> {
        if self == Self::Sqlite {
            return None;
        }
        let variable = self.variable("URL");
        let url = std::env::var(&variable).ok().filter(|url| !url.is_empty())?;
        let url = DatabaseUrl::parse(&url).unwrap_or_else(|error| panic!("{variable}: {error}"));
        match url.place {
            Place::Server(address) => Some(*address),
            place => panic!("{variable} names no server: {place:?}"),
        }
    }

    /// PostgreSQL's folder of the unix socket, MySQL's socket file.
    pub fn socket(self) -> String {
        setting(&self.variable("SOCKET"))
    }

    fn is_there(self) -> bool {
        self == Self::Sqlite || self.server().is_some()
    }
}

const POOLER: &str = "LIMBECK_TEST_PGBOUNCER_URL";

/// The pooler in front of PostgreSQL, unless it is left out.
pub fn pooler() -> Option<Address> {
    let url = std::env::var(POOLER).ok().filter(|url| !url.is_empty());
    let Some(url) = url else {
        assert!(!required("pgbouncer"), "PgBouncer is required, and {POOLER} is not set");
        return None;
    };
    match DatabaseUrl::parse(&url).unwrap_or_else(|error| panic!("{POOLER}: {error}")).place {
        Place::Server(address) => Some(*address),
        place => panic!("{POOLER} names no server: {place:?}"),
    }
}

/// Whether this is not to be left out.
fn required(name: &str) -> bool {
    let required = std::env::var("LIMBECK_TEST_REQUIRE").unwrap_or_default();
    required.split(',').map(str::trim).any(|word| word == "all" || word == name)
}

/// The authority that signed the servers' certificates.
pub fn ca_file() -> String {
    setting("LIMBECK_TEST_CA_FILE")
}

/// A variable that comes with those of the servers.
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} must be set where the servers' variables are"))
}

/// The engine of this name, unless it is left out.
pub fn wanted(name: &str) -> Option<Engine> {
    announce();
    let engine = Engine::ALL.into_iter().find(|engine| engine.name() == name).expect("an engine's name");
    if engine.is_there() {
        return Some(engine);
    }
    assert!(!required(name), "{name} is required, and {} is not set", engine.variable("URL"));
    None
}

/// Says once per run which engines it is about. Not by `println!`: what a passing test prints is not shown.
pub fn announce() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let mut text = String::new();
        for engine in Engine::ALL {
            let what = if engine.is_there() {
                "tested".to_owned()
            } else {
                format!("LEFT OUT, {} is not set", engine.variable("URL"))
            };
            text.push_str(&format!("engines: {:<10} {what}\n", engine.name()));
        }
        let there = std::env::var(POOLER).is_ok_and(|url| !url.is_empty());
        let what = if there { "tested".to_owned() } else { format!("LEFT OUT, {POOLER} is not set") };
        text.push_str(&format!("engines: {:<10} {what}\n", "pgbouncer"));
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    });
}

/// Tests of the functions named, one for each engine named: `story::rolls_back::postgresql`.
macro_rules! on_engines {
    ($($test:ident on $($engine:ident)+;)+) => {$(
        mod $test {
            $(
                #[test]
                fn $engine() {
                    if let Some(engine) = crate::engine::wanted(stringify!($engine)) {
                        super::$test(engine);
                    }
                }
            )+
        }
    )+};
}

/// A name that no other test has.
pub fn unique() -> String {
    format!("limbeck_test_{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// A database of its own; it is dropped with this value, and so are the users made for it.
pub struct Database {
    pub engine: Engine,
    pub name: String,
    users: RefCell<Vec<String>>,
    /// SQLite's file lies in it.
    folder: Option<TempDir>,
}

impl Database {
    pub fn new(engine: Engine) -> Self {
        let name = unique();
        let folder = (engine == Engine::Sqlite).then(|| TempDir::new().expect("a folder"));
        if let Some(server) = engine.server() {
            let mut server = Raw::server(engine, &server);
            match engine {
                Engine::PostgreSql => server.run(&format!("CREATE DATABASE {name}")),
                _ => server.run(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")),
            }
        }
        Self { engine, name, users: RefCell::default(), folder }
    }

    /// SQLite's file.
    pub fn file(&self) -> String {
        let folder = self.folder.as_ref().expect("only SQLite has a file");
        folder.path().join("data.db").to_string_lossy().into_owned()
    }

    /// The address on its server, as the account that made it.
    pub fn address(&self) -> Address {
        Address { database: Some(self.name.clone()), ..self.engine.server().expect("a server") }
    }

    /// The URL for limbeck.
    pub fn url(&self) -> String {
        match self.engine {
            Engine::Sqlite => format!("sqlite://{}", self.file()),
            _ => self.url_of(&self.address()),
        }
    }

    /// The address by way of the pooler.
    pub fn pooled(&self) -> Address {
        let pooler = pooler().expect("only tests that want a pooler go by way of it");
        Address { host: pooler.host, port: pooler.port, ..self.address() }
    }

    /// The URL of an address; names and passwords in it need no encoding.
    pub fn url_of(&self, address: &Address) -> String {
        format!(
            "{}://{}:{}@{}:{}/{}",
            self.engine.backend().name(),
            address.user.as_deref().unwrap_or_default(),
            address.password.as_ref().map(|password| password.reveal()).unwrap_or_default(),
            address.host,
            address.port,
            address.database.as_deref().unwrap_or_default()
        )
    }

    /// A connection past limbeck.
    pub fn raw(&self) -> Raw {
        match self.engine {
            Engine::Sqlite => Raw::file(&self.file()),
            engine => Raw::server(engine, &self.address()),
        }
    }

    /// Makes a user that may connect and nothing else.
    pub fn user(&self, password: &str) -> String {
        let name = unique().replace("limbeck_test", "lt");
        let literal = self.engine.backend().dialect().quote_text(password);
        let mut raw = self.raw();
        match self.engine {
            Engine::Sqlite => panic!("SQLite has no users"),
            Engine::PostgreSql => raw.run(&format!("CREATE ROLE {name} LOGIN PASSWORD {literal}")),
            Engine::MariaDb | Engine::MySql => {
                // A plain literal: these statements take no `_utf8mb4 X'…'`.
                let literal = format!("'{}'", password.replace('\\', "\\\\").replace('\'', "''"));
                raw.run(&format!("CREATE USER '{name}'@'%' IDENTIFIED BY {literal}"));
            }
        }
        self.users.borrow_mut().push(name.clone());
        name
    }

    /// The URL for limbeck, as a user made by [`Self::user`].
    pub fn url_as(&self, user: &str, password: &str) -> String {
        let password = Some(limbeck::database_url::Secret::new(password));
        self.url_of(&Address { user: Some(user.to_owned()), password, ..self.address() })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(server) = self.engine.server() else { return };
        let name = self.engine.backend().dialect().quote_name(&self.name);
        let mut statements = Vec::new();
        match self.engine {
            Engine::PostgreSql => {
                statements.push(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
                statements.extend(self.users.borrow().iter().map(|user| format!("DROP ROLE {user}")));
            }
            _ => {
                statements.push(format!("DROP DATABASE IF EXISTS {name}"));
                statements.extend(self.users.borrow().iter().map(|user| format!("DROP USER '{user}'@'%'")));
            }
        }
        // A second panic while the test fails would hide the first.
        if let Ok(mut server) = Raw::connect(self.engine, &server) {
            for statement in statements {
                if let Err(error) = server.attempt(&statement)
                    && !std::thread::panicking()
                {
                    panic!("{statement}: {error}");
                }
            }
        }
    }
}

#[test]
fn engines_of_this_run() {
    announce();
    let there: Vec<Engine> =
        Engine::ALL.into_iter().filter(|engine| wanted(engine.name()).is_some()).collect();
    assert!(there.contains(&Engine::Sqlite));
}
