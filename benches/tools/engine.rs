//! The engines, their servers and throw-away databases on them, all by way of the engines' own clients.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use limbeck::database_url::{Address, DatabaseUrl, Place};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    PostgreSql,
    MariaDb,
    MySql,
    Sqlite,
}

impl Engine {
    pub const ALL: [Self; 4] = [Self::PostgreSql, Self::MariaDb, Self::MySql, Self::Sqlite];

    pub fn name(self) -> &'static str {
        match self {
            Self::PostgreSql => "PostgreSQL",
            Self::MariaDb => "MariaDB",
            Self::MySql => "MySQL",
            Self::Sqlite => "SQLite",
        }
    }

    /// The client that comes with the engine.
    pub fn client(self) -> &'static str {
        match self {
            Self::PostgreSql => "psql",
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
            Self::Sqlite => "sqlite3",
        }
    }

    /// How many tables the revisions have made in `database`.
    fn tables(self, database: &str) -> String {
        match self {
            Self::Sqlite => {
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name GLOB 't[0-9]*';".to_owned()
            }
            Self::PostgreSql => "SELECT count(*) FROM pg_tables WHERE tablename ~ '^t[0-9]+$';".to_owned(),
            Self::MariaDb | Self::MySql => format!(
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{database}' AND table_name \
                 REGEXP '^t[0-9]+$';"
            ),
        }
    }
}

/// Where a program finds a database.
#[derive(Clone)]
pub enum Target {
    File(PathBuf),
    Server { host: String, port: u16, user: String, password: String, database: String },
}

/// A database that is made anew for every run and is gone in the end.
pub struct Database {
    engine: Engine,
    name: String,
    server: Option<Address>,
    file: PathBuf,
}

impl Database {
    /// SQLite's file would lie in `folder`; the environment names the servers.
    pub fn of(engine: Engine, folder: &Path) -> Result<Self, String> {
        let variable = match engine {
            Engine::PostgreSql => "LIMBECK_TEST_POSTGRES_URL",
            Engine::MariaDb => "LIMBECK_TEST_MARIADB_URL",
            Engine::MySql => "LIMBECK_TEST_MYSQL_URL",
            Engine::Sqlite => "",
        };
        let server = if engine == Engine::Sqlite {
            None
        } else {
            let url = std::env::var(variable).map_err(|error| format!("{variable}: {error}"))?;
            match DatabaseUrl::parse(&url).map_err(|error| format!("{variable}: {error}"))?.place {
                Place::Server(address) => Some(*address),
                _ => return Err(format!("{variable} names no server")),
            }
        };
        let name = format!("limbeck_bench_{}", std::process::id());
        Ok(Self { engine, name, server, file: folder.join("x.db") })
    }

    /// The server's host and port; SQLite has none.
    pub fn address(&self) -> Option<(&str, u16)> {
        self.server.as_ref().map(|server| (server.host.as_str(), server.port))
    }

    /// As a program reaches it, through another `port` of 127.0.0.1 when there is one.
    pub fn target(&self, port: Option<u16>) -> Target {
        let Some(server) = &self.server else { return Target::File(self.file.clone()) };
        Target::Server {
            host: if port.is_some() { "127.0.0.1".to_owned() } else { server.host.clone() },
            port: port.unwrap_or(server.port),
            user: server.user.clone().unwrap_or_default(),
            password: server.password.as_ref().map(|it| it.reveal().to_owned()).unwrap_or_default(),
            database: self.name.clone(),
        }
    }

    /// An empty one in the place of what was there.
    pub fn renew(&self) -> Result<(), String> {
        self.remove()?;
        match self.engine {
            Engine::Sqlite => Ok(()),
            _ => self.ask(&format!("CREATE DATABASE {};", self.name)).map(|_| ()),
        }
    }

    fn remove(&self) -> Result<(), String> {
        match self.engine {
            Engine::Sqlite => {
                for suffix in ["", "-journal", "-wal", "-shm", "-limbeck-lock"] {
                    let _ = std::fs::remove_file(format!("{}{suffix}", self.file.display()));
                }
                Ok(())
            }
            Engine::PostgreSql => {
                self.ask(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE);", self.name)).map(|_| ())
            }
            _ => self.ask(&format!("DROP DATABASE IF EXISTS {};", self.name)).map(|_| ()),
        }
    }

    /// How many tables the revisions have made: what a run says of itself is not believed.
    pub fn tables(&self) -> Result<usize, String> {
        let query = self.engine.tables(&self.name);
        let answer = match (self.engine, self.target(None)) {
            (Engine::PostgreSql, target) => answer(&mut client(self.engine, &target), &query)?,
            _ => self.ask(&query)?,
        };
        answer.trim().parse().map_err(|_| format!("not a number of tables: {answer}"))
    }

    /// The server's version, or the library's of the `sqlite3` shell.
    pub fn version(&self) -> Result<String, String> {
        let answer = match self.engine {
            Engine::Sqlite => self.ask("SELECT sqlite_version();")?,
            Engine::PostgreSql => self.ask("SHOW server_version;")?,
            _ => self.ask("SELECT version();")?,
        };
        Ok(answer.split([' ', '-']).next().unwrap_or_default().trim().to_owned())
    }

    /// Asks past the tools, and past the database that is renewed where there is a server.
    fn ask(&self, sql: &str) -> Result<String, String> {
        let mut target = self.target(None);
        if let (Target::Server { database, .. }, Some(server)) = (&mut target, &self.server) {
            *database = server.database.clone().unwrap_or_default();
        }
        answer(&mut client(self.engine, &target), sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("{}: {} is left behind: {error}", self.engine.name(), self.name);
        }
    }
}

/// The engine's own client, without TLS, that reads a script and stops at the first error. What the environment does not
/// say about a server's account, the clients of `scripts/servers` know themselves.
pub fn client(engine: Engine, target: &Target) -> Command {
    let folder = std::env::var_os("LIMBECK_SERVERS_BIN").map(PathBuf::from).unwrap_or_default();
    match target {
        Target::File(file) => {
            let mut command = Command::new("sqlite3");
            command.args(["-bail", "-batch"]).arg(file);
            command
        }
        Target::Server { host, port, user, password, database } if engine == Engine::PostgreSql => {
            let url = format!("postgresql://{user}:{password}@{host}:{port}/{database}?sslmode=disable");
            let mut command = Command::new(folder.join("psql"));
            command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &url]);
            command
        }
        Target::Server { host, port, user, database, .. } => {
            let mut command = Command::new(folder.join(engine.client()));
            command.args([
                "--protocol=tcp",
                "--skip-column-names",
                "--host",
                host,
                "--user",
                user,
                "--database",
                database,
            ]);
            command.arg(format!("--port={port}"));
            match engine {
                // Without TLS the server's key comes over the line.
                Engine::MySql => command.args(["--ssl-mode=DISABLED", "--get-server-public-key"]),
                _ => command.arg("--skip-ssl"),
            };
            command
        }
    }
}

/// What a client says to a script.
fn answer(client: &mut Command, script: &str) -> Result<String, String> {
    let program = client.get_program().to_owned();
    let failed = |error: std::io::Error| format!("{}: {error}", program.display());
    let mut child =
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(script.as_bytes()).map_err(|error| error.to_string())?;
    }
    let done = child.wait_with_output().map_err(|error| error.to_string())?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).trim().to_owned());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
