//! The walls between the rooms of `src/`, as tables: what may be named where. The sources are read as text.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The pure modules, in reading order: each may import only itself and those above it, and touches nothing outside.
///
/// `schema`, `diff`, `lint` and `generate` have their places here before they have any code. `database_url` stands under
/// the settings that hold one; `batch` spells what `plan` decided.
const PURE: [&str; 23] = [
    "duration",
    "stop",
    "sql",
    "schema",
    "dialect",
    "database_url",
    "diff",
    "chain",
    "ledger",
    "convention",
    "plan",
    "squash",
    "batch",
    "plan_file",
    "backup",
    "config",
    "lint",
    "review",
    "generate",
    "event",
    "report",
    "error",
    "folder",
];

/// How many modules at the end of [`PURE`] stand between the pure ones and the database: they see both sides.
const IN_BETWEEN: usize = 2;

/// The rest, in the order in which they may name one another: `db` is under `manager`, and nothing is above `cli`.
const IMPURE: [&str; 5] = ["db", "manager", "tui", "cli", "main"];

/// What may be named, and only where. A place that ends in `/` is a folder.
const WALLS: &[(&[&str], &[&str])] = &[
    (&["sea_orm", "sqlx"], &["db/"]),
    (&["crate::db"], &["db/", "manager.rs", "error.rs"]),
    // The lock of a SQLite database is a file beside it, and so is its copy.
    (
        &["std::fs", "File::open", "File::create"],
        &["folder.rs", "db/lock.rs", "db/execute/backup.rs", "cli/"],
    ),
    (&["std::env", "std::net", "process::exit", "process::Command"], &["cli/"]),
    (&["print!", "println!", "eprint!", "eprintln!", "stdin", "stdout", "stderr"], &["cli/"]),
    (&["clap", "clap_complete", "clap_mangen", "dialoguer", "dotenvy", "comfy_table"], &["cli/"]),
    (&["console", "indicatif", "miette", "serde_json"], &["cli/"]),
    (&["uuid"], &["cli/"]),
    (&["Instant", "SystemTime", "tokio"], &["db/", "cli/", "tui/"]),
    // To read a length of time, one needs no clock.
    (&["jiff"], &["duration.rs", "db/", "cli/", "tui/"]),
    (&["ratatui", "crossterm"], &["tui/"]),
    (&["cfg(feature"], &["lib.rs", "db/driver.rs", "db/code.rs"]),
    (&["crate::cli", "limbeck::cli"], &["cli/", "main.rs"]),
    (&["crate::tui"], &["tui/", "cli/"]),
    (&["crate::manager"], &["manager.rs", "cli/", "tui/"]),
];

/// Where the backend may be matched on: a new engine is a new arm in these files alone.
const BACKEND_ARMS: [&str; 4] = ["dialect/mod.rs", "db/inspect/mod.rs", "db/driver.rs", "db/lock.rs"];

/// Names that say nothing about what is in a file.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "helpers", "helper", "common", "misc", "imp", "shared"];

/// A source file: its path below `src/`, and its text without comments, literals and tests.
struct Source {
    path: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), code: without_tests(&without_comments_and_literals(text)) }
    }

    /// The module at the root of the crate that the file belongs to.
    fn module(&self) -> &str {
        self.path.split('/').next().map_or("", |first| first.trim_end_matches(".rs"))
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            if place.ends_with('/') { self.path.starts_with(place) } else { self.path == *place }
        })
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// A breach at a line, as `src/plan.rs:7: …`.
    fn breach(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("src/{}:{line}: {what}", self.path)
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name =
                    path.strip_prefix(&root).expect("it is below").to_string_lossy().replace('\\', "/");
                sources.push(Source::new(&name, &fs::read_to_string(&path).expect("sources are UTF-8")));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// Blanks comments and the insides of strings and characters; every line keeps its number.
fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = literal(rest, inside_word).unwrap_or(0);
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    code
}

/// How long the comment or literal at the beginning of `text` is, if one begins there.
fn literal(text: &str, inside_word: bool) -> Option<usize> {
    let until =
        |from: usize, end: &str| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(until(2, "*/"));
    }
    if !inside_word {
        let raw = text.strip_prefix('b').unwrap_or(text);
        if let Some(raw) = raw.strip_prefix('r') {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            if raw[hashes..].starts_with('"') {
                let from = text.len() - raw.len() + hashes + 1;
                return Some(until(from, &format!("\"{}", "#".repeat(hashes))));
            }
        }
    }
    if let Some(inside) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = inside.find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        return Some(end.map_or(text.len(), |at| at + 2));
    }
    // A lifetime has no closing quote behind its first letter.
    let character = text.strip_prefix('\'')?;
    let mut letters = character.char_indices();
    match letters.next()?.1 {
        '\\' => Some(character[2..].find('\'')? + 4),
        _ => letters.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 2),
    }
}

/// Blanks what stands behind `#[cfg(test)]`: the item, to its closing brace.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..start]);
        let mut depth = 0_usize;
        let end = rest[start..].find(|c: char| match c {
            '{' => {
                depth += 1;
                false
            }
            '}' => {
                depth -= 1;
                depth == 0
            }
            _ => c == ';' && depth == 0,
        });
        let end = end.map_or(rest.len(), |at| start + at + 1);
        kept.extend(rest[start..end].chars().filter(|c| *c == '\n'));
        rest = &rest[end..];
    }
    kept + rest
}

/// Whether `line` has `name` as a whole word or path.
fn names(line: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = !line[..at].ends_with(word);
        let after = !line[at + name.len()..].starts_with(word);
        before && (after || !name.ends_with(word))
    })
}

/// The modules that a line names by `crate::`.
fn imports(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("crate::").map(|(at, path)| {
        let rest = &line[at + path.len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        &rest[..end]
    })
}

fn walls(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        for (forbidden, places) in WALLS.iter().filter(|(_, places)| !source.is_in(places)) {
            for (line, code) in source.lines() {
                for name in forbidden.iter().filter(|name| names(code, name)) {
                    breaches.push(
                        source.breach(line, format!("`{name}` may be named only in {}", places.join(", "))),
                    );
                }
            }
        }
    }
    breaches
}

fn order(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        let module = source.module();
        let Some(place) = PURE.iter().position(|pure| *pure == module) else {
            if module != "lib" && !IMPURE.contains(&module) {
                breaches.push(source.breach(1, format!("`{module}` has no place in the list of modules")));
            }
            continue;
        };
        let between = place >= PURE.len() - IN_BETWEEN;
        for (line, code) in source.lines() {
            for import in imports(code) {
                let above = PURE[..=place].contains(&import);
                let across = between && (import == "db" || PURE[PURE.len() - IN_BETWEEN..].contains(&import));
                if !above && !across {
                    breaches.push(
                        source
                            .breach(line, format!("`{module}` may not import `{import}`, which is below it")),
                    );
                }
            }
            // The root of the crate is called `crate`, or the imports could not be seen.
            let depth = source.path.matches('/').count() + usize::from(!source.path.ends_with("mod.rs"));
            let climb = "super::".repeat(depth);
            if code.contains(&climb) {
                breaches.push(source.breach(line, format!("`{climb}` is `crate::`: write that")));
            }
        }
    }
    breaches
}

/// An arm of a `match`, or a pattern of `matches!`, that names a backend.
fn arms(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|source| !source.is_in(&BACKEND_ARMS)) {
        for (line, code) in source.lines() {
            let behind = code.find("Backend::").map(|at| &code[at..]);
            let arm = behind.is_some_and(|behind| behind.contains("=>"))
                || code.trim_start().starts_with("| Backend::");
            if arm || (code.contains("matches!(") && behind.is_some()) {
                let places = BACKEND_ARMS.join(", ");
                breaches.push(source.breach(line, format!("the backend may be matched on only in {places}")));
            }
        }
    }
    breaches
}

fn file_names(sources: &[Source]) -> Vec<String> {
    let parts = |source: &Source| {
        source.path.trim_end_matches(".rs").split('/').any(|part| EMPTY_NAMES.contains(&part))
    };
    sources
        .iter()
        .filter(|source| parts(source))
        .map(|source| source.breach(1, "the name says nothing"))
        .collect()
}

/// `lib.rs` lists the pure modules in the order of [`PURE`].
fn reading_order(sources: &[Source]) -> Vec<String> {
    let lib = sources.iter().find(|source| source.path == "lib.rs").expect("the library has a root");
    let declared: Vec<(usize, &str)> = lib
        .lines()
        .filter_map(|(line, code)| Some((line, code.trim().strip_prefix("pub mod ")?.strip_suffix(';')?)))
        .collect();
    let pure = &PURE[..PURE.len() - IN_BETWEEN];
    let mut breaches = Vec::new();
    let mut last = 0;
    for (line, module) in declared {
        if let Some(place) = pure.iter().position(|pure| *pure == module) {
            if place < last {
                breaches.push(lib.breach(line, format!("`{module}` stands above `{}`", pure[last])));
            }
            last = place;
        }
    }
    breaches
}

#[track_caller]
fn hold(breaches: &[String]) {
    let mut list = String::new();
    for breach in breaches {
        let _ = writeln!(list, "  {breach}");
    }
    assert!(breaches.is_empty(), "{} breaches:\n{list}", breaches.len());
}

#[test]
fn what_is_named_stays_in_its_room() {
    hold(&walls(&sources()));
}

#[test]
fn a_pure_module_imports_only_those_above_it() {
    hold(&order(&sources()));
}

#[test]
fn a_new_engine_is_a_new_arm_in_few_files() {
    hold(&arms(&sources()));
}

#[test]
fn a_file_is_named_after_what_is_in_it() {
    hold(&file_names(&sources()));
}

#[test]
fn the_map_is_in_reading_order() {
    hold(&reading_order(&sources()));
}

#[test]
fn the_sources_are_read() {
    let sources = sources();
    for path in ["lib.rs", "plan.rs", "db/driver.rs", "cli/commands/upgrade.rs"] {
        let source = sources.iter().find(|source| source.path == path).unwrap_or_else(|| panic!("no {path}"));
        assert!(source.code.len() > 100 || path == "lib.rs", "{path} is empty");
    }
    // What the walls are about is there, on its own side of them.
    let driver = sources.iter().find(|source| source.path == "db/driver.rs").expect("it was found");
    assert!(driver.lines().any(|(_, code)| names(code, "sqlx")));
    assert!(driver.lines().any(|(_, code)| names(code, "cfg(feature")));
}

/// Checks that one made-up file breaches the walls, and where.
#[track_caller]
fn breached(path: &str, text: &str, expected: &[&str]) {
    let sources = [Source::new("lib.rs", "pub mod sql;\n"), Source::new(path, text)];
    let found: Vec<String> =
        [walls(&sources), order(&sources), arms(&sources), file_names(&sources), reading_order(&sources)]
            .concat();
    let places: Vec<&str> =
        found.iter().map(|breach| breach.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(places, expected, "{found:#?}");
}

#[test]
fn every_kind_of_breach_is_found() {
    breached("plan.rs", "use crate::sql::Span;\n\nuse sqlx::Row;\n", &["src/plan.rs:3"]);
    breached("plan.rs", "use crate::db::Session;\n", &["src/plan.rs:1", "src/plan.rs:1"]);
    breached(
        "sql/split.rs",
        "use crate::sql::Span;\nuse crate::dialect::Backend;\n",
        &["src/sql/split.rs:2"],
    );
    breached("sql/split.rs", "use super::super::dialect;\nuse super::lexer;\n", &["src/sql/split.rs:1"]);
    breached("batch.rs", "use super::plan;\n", &["src/batch.rs:1"]);
    breached("manager.rs", "fn f() {\n    println!(\"a\");\n}\n", &["src/manager.rs:2"]);
    breached("manager.rs", "use crate::cli::ui;\n", &["src/manager.rs:1"]);
    breached("config.rs", "let a = std::env::var(\"A\");\nlet b = env!(\"B\");\n", &["src/config.rs:1"]);
    breached("plan.rs", "match b {\n    Backend::Sqlite | Backend::MySql => 1,\n}\n", &["src/plan.rs:2"]);
    breached("plan.rs", "if matches!(b, Backend::Sqlite) {}\n", &["src/plan.rs:1"]);
    breached(
        "cli/a.rs",
        "#[cfg(feature = \"sqlite\")]\nuse crate::db::Access;\n",
        &["src/cli/a.rs:2", "src/cli/a.rs:1"],
    );
    breached("cli/helpers.rs", "", &["src/cli/helpers.rs:1"]);
    breached("database.rs", "", &["src/database.rs:1"]);
}

#[test]
fn what_is_no_code_is_no_breach() {
    breached("plan.rs", "// sqlx\n/// [`crate::db`]\n/* sqlx\nsqlx */ //! sqlx\n", &[]);
    breached(
        "plan.rs",
        "let a = \"sqlx \\\" sqlx\"; let b = r#\"\"sqlx\"#; let c = ('\"', '\\'', \"sqlx\");\n",
        &[],
    );
    breached("plan.rs", "fn a<'a>(b: &'a str) {}\n#[cfg(test)]\nmod tests { use sqlx::Row; }\n", &[]);
    breached("plan.rs", "fn my_sqlx_row() {}\nlet a = if b == Backend::Sqlite { 1 } else { 2 };\n", &[]);
    breached(
        "plan.rs",
        "#[cfg(test)]\nmod tests {\n    use sqlx::Row;\n}\nuse sqlx::Row;\n",
        &["src/plan.rs:5"],
    );
    breached("db/driver.rs", "use sqlx::Row;\nmatch b { Backend::Sqlite => 1 }\n", &[]);
    breached("cli/ui.rs", "use crate::manager;\nfn f() { println!(); }\n", &[]);
}
