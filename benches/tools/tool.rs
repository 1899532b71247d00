//! The tools: how each wants its revisions to lie, and how it is started.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::engine::{Engine, Target, client};

const LIMBECK: &str = env!("CARGO_BIN_EXE_limbeck");

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    Limbeck,
    Alembic,
    /// Alembic with a transaction for each revision in place of one for all, which is its default.
    AlembicEach,
    Dbmate,
    GolangMigrate,
    Goose,
    Refinery,
    SqlxCli,
    /// The engine's own client: the same statements in one script, a transaction for each revision, and no books.
    Client,
}

impl Tool {
    pub const ALL: [Self; 9] = [
        Self::Limbeck,
        Self::Alembic,
        Self::AlembicEach,
        Self::Dbmate,
        Self::GolangMigrate,
        Self::Goose,
        Self::Refinery,
        Self::SqlxCli,
        Self::Client,
    ];

    /// What people call it.
    pub fn name(self, engine: Engine) -> &'static str {
        match self {
            Self::Limbeck => "limbeck",
            Self::Alembic => "alembic",
            Self::AlembicEach => "alembic, each",
            Self::Dbmate => "dbmate",
            Self::GolangMigrate => "golang-migrate",
            Self::Goose => "goose",
            Self::Refinery => "refinery",
            Self::SqlxCli => "sqlx-cli",
            Self::Client => engine.client(),
        }
    }

    fn is_alembic(self) -> bool {
        matches!(self, Self::Alembic | Self::AlembicEach)
    }

    /// As `scripts/bench-tools` names it; it knows no clients.
    fn installed_as(self, engine: Engine) -> &'static str {
        if self.is_alembic() { "alembic" } else { self.name(engine) }
    }
}

/// Which tools this machine has.
pub struct Installed(BTreeMap<String, (String, PathBuf)>);

impl Installed {
    /// Reads what `scripts/bench-tools` prints: name, version and program, separated by tabs.
    pub fn read(list: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(list).map_err(|error| format!("{}: {error}", list.display()))?;
        let mut tools = BTreeMap::new();
        for line in text.lines() {
            let [name, version, program] = line.split('\t').collect::<Vec<_>>()[..] else {
                return Err(format!("{}: not a tool: {line}", list.display()));
            };
            tools.insert(name.to_owned(), (version.to_owned(), PathBuf::from(program)));
        }
        let limbeck = (env!("CARGO_PKG_VERSION").to_owned(), PathBuf::from(LIMBECK));
        tools.insert("limbeck".to_owned(), limbeck);
        Ok(Self(tools))
    }

    /// The version of a tool that is there. A client's is that of its engine.
    pub fn version(&self, tool: Tool, engine: Engine) -> Option<&str> {
        self.0.get(tool.installed_as(engine)).map(|(version, _)| version.as_str())
    }

    pub fn has(&self, tool: Tool, engine: Engine) -> bool {
        match tool {
            Tool::Client => true,
            // Where DDL commits by itself there is no difference that is worth the time.
            Tool::AlembicEach if engine != Engine::PostgreSql => false,
            _ => self.version(tool, engine).is_some(),
        }
    }

    /// The command that applies everything that is pending in `folder`, written by [`write`].
    pub fn upgrade(
        &self,
        tool: Tool,
        engine: Engine,
        target: &Target,
        folder: &Path,
    ) -> Result<Command, String> {
        let mut command = match self.0.get(tool.installed_as(engine)) {
            Some((_, program)) => Command::new(program),
            None => client(engine, target),
        };
        // Nobody's own settings, and where `scripts/servers` has its clients from.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env_clear().env("PATH", format!("{path}:/usr/sbin:/sbin")).env("HOME", folder);
        command.env("LC_ALL", "C.UTF-8");
        let url = url(tool, engine, target);
        match tool {
            Tool::Limbeck => command.args(["upgrade", "--yes", "--quiet"]).env("CORTEX_DATABASE_URL", url),
            Tool::Alembic | Tool::AlembicEach => command.args(["upgrade", "head"]).env("DATABASE_URL", url),
            Tool::Dbmate => {
                command.args(["--migrations-dir", "migrations", "--no-dump-schema", "--url", &url, "migrate"])
            }
            Tool::GolangMigrate => command.args(["-path", "migrations", "-database", &url, "up"]),
            Tool::Goose => {
                let driver = match engine {
                    Engine::PostgreSql => "postgres",
                    Engine::MariaDb | Engine::MySql => "mysql",
                    Engine::Sqlite => "sqlite3",
                };
                command.args(["-dir", "migrations", driver, &url, "up"])
            }
            Tool::Refinery => {
                command.args(["migrate", "-e", "DATABASE_URL", "-p", "migrations"]).env("DATABASE_URL", url)
            }
            Tool::SqlxCli => {
                command.args(["migrate", "run", "--source", "migrations", "--database-url", &url])
            }
            Tool::Client => {
                let script = File::open(folder.join("script.sql")).map_err(|error| error.to_string())?;
                command.stdin(script)
            }
        };
        command.current_dir(folder);
        Ok(command)
    }
}

/// How each tool wants to be told the database, without TLS.
fn url(tool: Tool, engine: Engine, target: &Target) -> String {
    let (host, port, user, password, database) = match target {
        Target::File(file) => {
            let file = file.display();
            return match tool {
                Tool::Alembic | Tool::AlembicEach => format!("sqlite:///{file}"),
                Tool::Goose => file.to_string(),
                Tool::Dbmate => format!("sqlite:{file}"),
                Tool::SqlxCli => format!("sqlite://{file}?mode=rwc"),
                _ => format!("sqlite://{file}"),
            };
        }
        Target::Server { host, port, user, password, database } => (host, port, user, password, database),
    };
    let account = format!("{user}:{password}");
    let rest = format!("{account}@{host}:{port}/{database}");
    let go = format!("{account}@tcp({host}:{port})/{database}");
    match (engine, tool) {
        (Engine::PostgreSql, _) if tool.is_alembic() => {
            format!("postgresql+psycopg://{rest}?sslmode=disable")
        }
        (Engine::PostgreSql, _) => format!("postgresql://{rest}?sslmode=disable"),
        _ if tool.is_alembic() => format!("mysql+pymysql://{rest}"),
        (_, Tool::GolangMigrate) => format!("mysql://{go}?multiStatements=true"),
        (_, Tool::Goose) => format!("{go}?parseTime=true"),
        (_, Tool::Limbeck) => format!("mysql://{rest}?sslmode=disable"),
        (_, Tool::SqlxCli) => format!("mysql://{rest}?ssl-mode=DISABLED"),
        // Its driver asks a server at 127.0.0.1 for its socket and goes on there, past any line in between; refinery does
        // not pass on the parameter against that. The same address as IPv6 writes it is no such case.
        (_, Tool::Refinery) if host.parse::<Ipv4Addr>().is_ok() => {
            format!("mysql://{account}@[::ffff:{host}]:{port}/{database}")
        }
        _ => format!("mysql://{rest}"),
    }
}

/// Writes the revisions 1 to `revisions` in the layout of this tool: the same two statements each, for all of them.
pub fn write(tool: Tool, engine: Engine, folder: &Path, revisions: usize) -> std::io::Result<()> {
    let migrations = match (tool, engine) {
        (Tool::Limbeck, Engine::PostgreSql) => folder.join("migrations/postgresql"),
        (Tool::Limbeck, Engine::MariaDb | Engine::MySql) => folder.join("migrations/mysql"),
        (Tool::Limbeck, Engine::Sqlite) => folder.join("migrations/sqlite"),
        (Tool::Alembic | Tool::AlembicEach, _) => folder.join("migrations/versions"),
        _ => folder.join("migrations"),
    };
    fs::create_dir_all(&migrations)?;
    if tool.is_alembic() {
        fs::write(
            folder.join("alembic.ini"),
            "[alembic]\nscript_location = migrations\npath_separator = os\n",
        )?;
        let each = if tool == Tool::AlembicEach { "True" } else { "False" };
        fs::write(folder.join("migrations/env.py"), ALEMBIC_ENV.replace("EACH", each))?;
    }
    let mut script = String::new();
    for number in 1..=revisions {
        let table = format!(
            "CREATE TABLE t{number} (\n    id INTEGER PRIMARY KEY,\n    name VARCHAR(100) NOT NULL,\n    created_at \
             TIMESTAMP NOT NULL\n);\n"
        );
        let index = format!("CREATE INDEX ix_t{number}_name ON t{number} (name);\n");
        let (up, down) = (format!("{table}{index}"), format!("DROP TABLE t{number};\n"));
        let (id, parent) = (format!("{number:012x}"), format!("{:012x}", number - 1));
        let (name, text) = match tool {
            Tool::Limbeck => {
                let parent = if number == 1 { String::new() } else { parent };
                let header = format!("-- create t{number}\n--\n-- Revision ID: {id}\n-- Revises: {parent}\n");
                let date = "-- Create Date: 2024-01-09 12:30:45.123456\n";
                let text = format!("{header}{date}\n-- limbeck:upgrade\n{up}\n-- limbeck:downgrade\n{down}");
                (format!("{id}_cortex_db_version_{number}.sql"), text)
            }
            Tool::Alembic | Tool::AlembicEach => {
                let parent = if number == 1 { "None".to_owned() } else { format!("{parent:?}") };
                let text = format!(
                    "\"\"\"create t{number}\"\"\"\nfrom alembic import op\n\nrevision = {id:?}\ndown_revision = \
                     {parent}\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n    \
                     op.execute(\"\"\"{table}\"\"\")\n    op.execute(\"\"\"{index}\"\"\")\n\n\ndef downgrade():\n    \
                     op.execute(\"\"\"{down}\"\"\")\n"
                );
                (format!("{id}_create_t{number}.py"), text)
            }
            Tool::Dbmate => (
                format!("{number:06}_create_t{number}.sql"),
                format!("-- migrate:up\n{up}\n-- migrate:down\n{down}"),
            ),
            Tool::GolangMigrate => {
                fs::write(migrations.join(format!("{number:06}_create_t{number}.down.sql")), down)?;
                (format!("{number:06}_create_t{number}.up.sql"), up)
            }
            Tool::Goose => (
                format!("{number:06}_create_t{number}.sql"),
                format!("-- +goose Up\n{up}\n-- +goose Down\n{down}"),
            ),
            Tool::Refinery => (format!("V{number}__create_t{number}.sql"), up),
            Tool::SqlxCli => (format!("{number:06}_create_t{number}.sql"), up),
            Tool::Client => {
                let _ = write!(script, "BEGIN;\n{up}COMMIT;\n");
                continue;
            }
        };
        fs::write(migrations.join(name), text)?;
    }
    if tool == Tool::Client {
        fs::write(folder.join("script.sql"), script)?;
    }
    Ok(())
}

/// What `alembic init` writes, without the parts about logging, models and offline scripts.
const ALEMBIC_ENV: &str = "\
import os

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ[\"DATABASE_URL\"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=EACH)
    with context.begin_transaction():
        context.run_migrations()
";
