//! A project folder, and limbeck run in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use limbeck::chain::Chain;
use limbeck::convention;
use serde_json::Value;
use tempfile::TempDir;

use crate::engine::{Database, Engine};

/// A project folder, and the environment in which limbeck runs: nothing of this process's own.
pub struct Sandbox {
    folder: TempDir,
    engine: Engine,
    migrations: PathBuf,
    variables: BTreeMap<String, String>,
    number: usize,
}

impl Sandbox {
    /// A folder without revisions; limbeck finds `database` by `CORTEX_DATABASE_URL`.
    pub fn new(database: &Database) -> Self {
        let mut sandbox = Self::bare(database.engine);
        sandbox.set("CORTEX_DATABASE_URL", database.url());
        sandbox
    }

    /// A folder without revisions, and no word about a database.
    pub fn bare(engine: Engine) -> Self {
        let folder = TempDir::new().expect("a folder");
        let migrations = folder.path().join("migrations");
        std::fs::create_dir_all(migrations.join(engine.backend().name())).expect("a folder");
        let variables = [("COLUMNS", "120"), ("NO_COLOR", "1"), ("USER", "ann"), ("HOSTNAME", "build-7")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { folder, engine, migrations, variables, number: 0 }
    }

    /// The chain that limbeck ships.
    pub fn shipped(database: &Database) -> Self {
        let mut sandbox = Self::new(database);
        sandbox.migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let folder = sandbox.migrations.to_string_lossy().into_owned();
        sandbox.set("CORTEX_MIGRATIONS_VERSIONS_DIRECTORY", folder);
        sandbox
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    pub fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// The project's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Takes a file of the project away.
    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.folder.path().join(path)).expect("the file is there");
    }

    /// Writes a revision that stands on `revises`; `sections` begins with a directive.
    pub fn revision(&mut self, id: &str, revises: &str, sections: &str) {
        self.headed(id, &format!("Revises: {revises}"), sections);
    }

    /// Writes a revision with the header lines given.
    pub fn headed(&mut self, id: &str, header: &str, sections: &str) {
        self.number += 1;
        let header: String = header.lines().map(|line| format!("-- {line}\n")).collect();
        let text = format!("-- what {id} does\n--\n-- Revision ID: {id}\n{header}\n{sections}");
        self.write(&self.file(id, self.number), &text);
    }

    /// The path of a revision's file, as limbeck shows it.
    pub fn file(&self, id: &str, number: usize) -> String {
        format!("migrations/{}/{id}_cortex_db_version_{number}.sql", self.engine.backend().name())
    }

    /// The chain, read by the library.
    pub fn chain(&self) -> Chain {
        let backend = self.engine.backend();
        limbeck::manager::load(&self.migrations, backend, &convention::LIMBECK, Path::new("migrations"))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The ids of the chain, parents first.
    pub fn ids(&self) -> Vec<String> {
        self.chain().revisions().iter().map(|revision| revision.id.to_string()).collect()
    }

    /// Runs limbeck, with nobody at stdin.
    pub fn limbeck(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().expect("limbeck runs");
        Output {
            asked: arguments.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// limbeck with these arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_limbeck"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_clear().envs(&self.variables).env("HOME", self.folder.path());
        command
    }

    /// Runs limbeck with `--json` and returns its last line.
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.limbeck(&[arguments, &["--json"]].concat()).json()
    }
}

/// What limbeck said, and how it ended.
pub struct Output {
    asked: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Output {
    /// It ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "limbeck {}\n{}\n{}", self.asked, self.out, self.err);
        self
    }

    /// It says this somewhere.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let said = self.said();
        assert!(said.contains(text), "limbeck {} does not say `{text}`:\n{said}", self.asked);
        self
    }

    /// It says this nowhere.
    #[track_caller]
    pub fn hides(self, text: &str) -> Self {
        let said = self.said();
        assert!(!said.contains(text), "limbeck {} says `{text}`:\n{said}", self.asked);
        self
    }

    pub fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// The last line of stdout, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("limbeck {}: {error}\n{}\n{}", self.asked, self.out, self.err))
    }
}
