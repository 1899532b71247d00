//! A project of its own for each test, in a clean environment.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const LIMBECK: &str = env!("CARGO_BIN_EXE_limbeck");

/// Settings of a project with one SQLite database.
pub const SETTINGS: &str = "migrations = \"migrations\"\ndatabase_url = \"sqlite://cortex.db\"\n";

/// A folder with a project in it, gone at the end of the test.
#[must_use]
pub struct Sandbox {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

impl Sandbox {
    /// An empty folder.
    pub fn empty() -> Self {
        // Under /tmp and not $TMPDIR: how lines are broken depends on the length of the paths in them.
        let folder = tempfile::Builder::new()
            .prefix("limbeck-")
            .rand_bytes(6)
            .tempdir_in("/tmp")
            .expect("a temporary folder can be made");
        let sandbox = Self { folder, env: BTreeMap::new() };
        for name in ["project", "home"] {
            fs::create_dir(sandbox.folder.path().join(name)).expect("a folder can be made");
        }
        sandbox
    }

    /// A project with settings, the folders of the three dialects, and no revision.
    pub fn project() -> Self {
        let sandbox = Self::empty();
        sandbox.write("limbeck.toml", SETTINGS);
        for dialect in ["sqlite", "postgresql", "mysql"] {
            sandbox.folder(&format!("migrations/{dialect}"));
        }
        sandbox
    }

    /// A project with three revisions, one on the other.
    pub fn chain() -> Self {
        let sandbox = Self::project();
        sandbox.revision(
            "1aaaaaaaaaaa",
            "",
            "create users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY);",
            "DROP TABLE users;",
        );
        sandbox.revision(
            "2bbbbbbbbbbb",
            "1aaaaaaaaaaa",
            "add email to users",
            "ALTER TABLE users ADD COLUMN email TEXT;\nCREATE INDEX ix_users_email ON users (email);",
            "DROP INDEX ix_users_email;\nALTER TABLE users DROP COLUMN email;",
        );
        sandbox.revision(
            "3ccccccccccc",
            "2bbbbbbbbbbb",
            "create posts",
            "CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT);",
            "DROP TABLE posts;",
        );
        sandbox
    }

    /// A project whose chain branches, with labels, and joins again.
    pub fn branches() -> Self {
        let sandbox = Self::project();
        for (id, parents, message, header) in [
            ("1aaaaaaaaaaa", "", "root", ""),
            ("2bbbbbbbbbbb", "1aaaaaaaaaaa", "begin billing", "-- Branch Labels: billing\n"),
            ("3ccccccccccc", "1aaaaaaaaaaa", "begin search", "-- Branch Labels: search\n"),
            ("4ddddddddddd", "2bbbbbbbbbbb", "invoices", ""),
            ("5eeeeeeeeeee", "3ccccccccccc, 4ddddddddddd", "join billing and search", ""),
            ("6fffffffffff", "5eeeeeeeeeee", "after the join", ""),
        ] {
            let table = format!("t_{id}");
            sandbox.write(
                &format!("migrations/sqlite/{id}_cortex_db_version_{}.sql", &id[..1]),
                format!(
                    "-- {message}\n--\n-- Revision ID: {id}\n-- Revises: {parents}\n{header}\n-- limbeck:upgrade\nCREATE \
                     TABLE {table} (id INTEGER);\n\n-- limbeck:downgrade\nDROP TABLE {table};\n"
                ),
            );
        }
        sandbox
    }

    /// Sets a variable for every run that follows.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The project's folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Writes a file of the project, and the folders above it.
    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("folders can be made");
        fs::write(path, text).expect("a file can be written");
    }

    /// Makes a folder of the project.
    pub fn folder(&self, folder: &str) {
        fs::create_dir_all(self.path().join(folder)).expect("a folder can be made");
    }

    /// Removes a file of the project.
    pub fn remove(&self, file: &str) {
        fs::remove_file(self.path().join(file)).expect("the file is there");
    }

    /// Reads a file of the project.
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Writes an SQLite revision file; the number in its name is the first digit of the id.
    pub fn revision(&self, id: &str, parents: &str, message: &str, up: &str, down: &str) {
        self.write(
            &file(id),
            format!(
                "-- {message}\n--\n-- Revision ID: {id}\n-- Revises: {parents}\n-- Create Date: 2024-01-09 \
                 12:30:45.123456\n\n-- limbeck:upgrade\n{up}\n\n-- limbeck:downgrade\n{down}\n"
            ),
        );
    }

    /// Writes an SQLite revision file that is not as it should be.
    pub fn broken(&self, id: &str, text: impl AsRef<[u8]>) {
        self.write(&file(id), text);
    }

    /// Runs `limbeck` with the words of `line`, and tells all of what came of it.
    #[must_use]
    pub fn run(&self, line: &str) -> String {
        self.start(line).run()
    }

    /// Runs several lines, one after the other.
    #[must_use]
    pub fn session(&self, lines: &[&str]) -> String {
        lines.iter().map(|line| self.run(line)).collect::<Vec<_>>().join("\n")
    }

    /// Runs `limbeck` to prepare the stage.
    #[track_caller]
    pub fn given(&self, line: &str) {
        let output = self.start(line).output();
        assert!(output.status.success(), "limbeck {line}: {}", self.told(line, &output));
    }

    /// A run that is not as all others are.
    pub fn start(&self, line: &str) -> Run<'_> {
        Run { sandbox: self, line: line.to_owned(), env: Vec::new(), folder: self.path(), stdin: None }
    }

    /// The environment of a run.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let home = self.folder.path().join("home");
        let mut env: BTreeMap<String, String> = [
            ("HOME", home.to_str().expect("the path is UTF-8")),
            ("PATH", "/usr/bin:/bin"),
            ("COLUMNS", "80"),
            ("USER", "ann"),
            ("HOSTNAME", "host"),
            ("LANG", "C.UTF-8"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        env.extend(self.env.clone());
        env
    }

    /// Every file of the project with its size, so that two looks can be compared.
    #[must_use]
    pub fn listing(&self) -> String {
        let mut lines = Vec::new();
        list(&self.path(), &self.path(), &mut lines);
        lines.sort();
        lines.join("\n")
    }

    /// The revisions that the books say are applied, sorted.
    #[must_use]
    pub fn applied(&self) -> Vec<String> {
        let output = self.start("history -i --json").output();
        assert!(output.status.success(), "{}", self.told("history -i --json", &output));
        let document: Value = serde_json::from_slice(&output.stdout).expect("history prints JSON");
        let revisions = document["revisions"].as_array().expect("revisions");
        let mut applied: Vec<String> = revisions
            .iter()
            .filter(|revision| revision["applied"] == true)
            .map(|revision| revision["revision"].as_str().expect("an id").to_owned())
            .collect();
        applied.sort();
        applied
    }

    /// A text without the names that differ from run to run.
    #[must_use]
    pub fn redacted(&self, text: &str) -> String {
        let folder = self.folder.path().to_str().expect("the path is UTF-8");
        let version = env!("CARGO_PKG_VERSION");
        text.replace(folder, "[temp]")
            .replace(&format!("'{version}'"), "'[version]'")
            .replace(&format!("limbeck {version}\n"), "limbeck [version]\n")
            .replace(&format!("limbeck: {version}\n"), "limbeck: [version]\n")
            .replace(&format!("│ {version} "), "│ [version] ")
            .replace('\u{1b}', "␛")
    }

    fn told(&self, line: &str, output: &Output) -> String {
        let mut text = format!("$ limbeck {line}\n");
        let stdout = String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8");
        let stderr = String::from_utf8(output.stderr.clone()).expect("stderr is UTF-8");
        let json = line.split_whitespace().any(|word| word == "--json");
        text.push_str(&if json { documents(&stdout) } else { stdout });
        if !text.ends_with('\n') {
            text.push_str("⏎\n");
        }
        if !stderr.is_empty() {
            text.push_str("[stderr]\n");
            text.push_str(&stderr);
        }
        let code = output.status.code().map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
        text.push_str(&format!("[exit {code}]\n"));
        self.redacted(&text)
    }
}

/// The file of an SQLite revision.
pub fn file(id: &str) -> String {
    format!("migrations/sqlite/{id}_cortex_db_version_{}.sql", &id[..1])
}

/// One run of the program.
#[must_use]
pub struct Run<'a> {
    sandbox: &'a Sandbox,
    line: String,
    env: Vec<(String, String)>,
    folder: PathBuf,
    stdin: Option<String>,
}

impl Run<'_> {
    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs in a sub-folder of the project.
    pub fn inside(mut self, folder: &str) -> Self {
        self.folder = self.sandbox.path().join(folder);
        self
    }

    /// Gives it something to read; without this, stdin is empty.
    pub fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// The command, not started.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(LIMBECK);
        command.args(words(&self.line)).current_dir(&self.folder).env_clear();
        command.envs(self.sandbox.environment()).envs(self.env.iter().cloned());
        command
    }

    /// Runs it.
    #[must_use]
    pub fn output(&self) -> Output {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().expect("limbeck can be started");
        if let (Some(text), Some(mut pipe)) = (&self.stdin, child.stdin.take()) {
            // The program may end without reading.
            let _ = pipe.write_all(text.as_bytes());
        }
        child.wait_with_output().expect("limbeck ends")
    }

    /// Runs it, and tells all of what came of it: the line, stdout, stderr, the exit code.
    #[must_use]
    pub fn run(&self) -> String {
        self.sandbox.told(&self.line, &self.output())
    }
}

/// The words of a line; quotes hold a word together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// JSON for the eye: one document in lines, several one per line; clocks and versions are not compared.
fn documents(stdout: &str) -> String {
    let mut documents: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}")))
        .collect();
    for document in &mut documents {
        assert_eq!(document["schema_version"], 1, "{document}");
        still(document);
    }
    match documents.as_slice() {
        [] => "(nothing on stdout)\n".to_owned(),
        [only] => format!("{only:#}\n"),
        several => several.iter().map(|document| format!("{document}\n")).collect(),
    }
}

/// Stops the clocks of a document.
fn still(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let clock =
                    matches!(name.as_str(), "duration_ms" | "applied_at" | "happened_at" | "limbeck_version");
                if clock && !field.is_null() {
                    *field = format!("[{name}]").into();
                } else {
                    still(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(still),
        _ => {}
    }
}

fn list(root: &Path, folder: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let entry = entry.expect("an entry can be read");
        let path = entry.path();
        let kind = entry.file_type().expect("an entry has a type");
        let name = path.strip_prefix(root).expect("below the root").display().to_string();
        if kind.is_dir() {
            lines.push(format!("{name}/"));
            list(root, &path, lines);
        } else if kind.is_symlink() {
            lines.push(format!("{name} -> "));
        } else {
            let bytes = fs::read(&path).expect("a file can be read");
            let sum =
                bytes.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
            lines.push(format!("{name} {} {sum:x}", bytes.len()));
        }
    }
}
