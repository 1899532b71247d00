//! Flags, environment, env file and `limbeck.toml` in, settings out: the cases of `config/*.txt`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use limbeck::config::{Config, ConfigError, EnvFile, FILE_NAME, Given, Service};
use limbeck::database_url::{Address, Place, Secret};
use limbeck::plan::Late;
use limbeck::sql::SourceText;

/// Decides the settings. Here, and only here, the library is called.
fn outcome(given: &Given, service: Option<&str>) -> (String, Vec<Secret>) {
    let config = match given.resolve() {
        Ok(config) => config,
        Err(error) => return (refused(&error), Vec::new()),
    };
    let services = match config.chosen(service) {
        Ok(services) => services,
        Err(error) => return (refused(&error), Vec::new()),
    };
    let mut secrets = Vec::new();
    let mut text = String::new();
    general(&mut text, &config);
    for service in services {
        shown(&mut text, service, &mut secrets);
    }
    for note in &config.notes {
        let _ = writeln!(text, "note: {note}");
    }
    hides(&format!("{config:?}"), &secrets);
    (text.trim_end().to_owned(), secrets)
}

/// Whatever is not its default.
fn general(text: &mut String, config: &Config) {
    let Config { name, prefix, file_template, interactive, auto_apply, wait, backup, backup_dir, .. } =
        config;
    for (what, value, usual) in [
        ("name", name.as_str(), "cortex"),
        ("prefix", prefix, "CORTEX"),
        ("file template", file_template, "{rev}_{name}_db_version_{n}"),
    ] {
        if value != usual {
            let _ = writeln!(text, "{what}: {value}");
        }
    }
    if let Some(interactive) = interactive {
        let _ = writeln!(text, "interactive: {interactive}");
    }
    if config.late != Late::Ask {
        let _ = writeln!(text, "late: {:?}", config.late);
    }
    if !auto_apply {
        let _ = writeln!(text, "auto apply: {auto_apply}");
    }
    if !wait.is_zero() {
        let _ = writeln!(text, "wait: {wait:?}");
    }
    if let Some(backup) = backup {
        let _ = writeln!(text, "backup: {backup:?}");
    }
    if let Some(folder) = backup_dir {
        let _ = writeln!(text, "backups: {}", folder.display());
    }
}

fn shown(text: &mut String, service: &Service, secrets: &mut Vec<Secret>) {
    if service.name != "default" {
        let _ = writeln!(text, "service {}", service.name);
    }
    if service.migrations.to_string_lossy() != "/project/migrations" {
        let _ = writeln!(text, "migrations: {}", service.migrations.display());
    }
    match service.database() {
        Ok(url) => {
            let _ = write!(text, "database: {url}");
            if let Place::Server(address) = &url.place {
                text.push_str(&more(address));
                secrets.extend(address.password.clone());
            }
            text.push('\n');
            assert_eq!(service.backend().ok(), Some(url.backend), "the dialect is the database's");
        }
        Err(error) => {
            let _ = writeln!(text, "database {}", refused(&error));
            if let Ok(backend) = service.backend() {
                let _ = writeln!(text, "dialect: {backend}");
            }
        }
    }
}

/// What an address has besides what it shows of itself. The password is revealed, in brackets.
fn more(address: &Address) -> String {
    let mut more = String::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(more, " {name}={value}");
        }
    };
    add("password", address.password.as_ref().map(|password| format!("[{}]", password.reveal())));
    add("schema", address.schema.clone());
    add("tls", address.tls.mode.map(|mode| format!("{mode:?}")));
    add("ca", address.tls.ca.clone());
    add("application", address.application_name.clone());
    more
}

/// The message; and for a fault in `limbeck.toml` the place, and the line with carets below.
fn refused(error: &ConfigError) -> String {
    let ConfigError::File { source_text, span, .. } = error else { return format!("refused: {error}") };
    let at = source_text.position(span.start);
    let line = source_text.line(at.line);
    let width = source_text.slice(*span).lines().next().unwrap_or_default().chars().count().max(1);
    let carets = format!("{}{}", " ".repeat(at.column - 1), "^".repeat(width));
    format!("refused: {error}\n{}:{}:{}\n| {line}\n| {carets}", source_text.name(), at.line, at.column)
}

/// Checks that a text which somebody may see holds none of the passwords.
#[track_caller]
fn hides(text: &str, secrets: &[Secret]) {
    for secret in secrets.iter().map(Secret::reveal).filter(|secret| secret.len() >= 4) {
        assert!(!text.contains(secret), "the password {secret} shows:\n{text}");
    }
}

/// A case, while its lines are read.
#[derive(Default)]
struct Case {
    given: Given,
    service: Option<String>,
    /// Texts that nothing may show.
    hidden: Vec<Secret>,
}

impl Case {
    /// Takes one line of a case, with the lines indented below it.
    fn take(&mut self, head: &str, below: &str) {
        let (word, rest) = head.split_once(' ').unwrap_or((head, ""));
        let variable = || {
            let (name, value) = rest.split_once('=').unwrap_or_else(|| panic!("`{head}` sets nothing"));
            (name.to_owned(), value.to_owned())
        };
        match word {
            "env" => self.given.process.extend([variable()]),
            "local.env" => {
                let empty = || EnvFile { name: "local.env".to_owned(), variables: [].into() };
                self.given.env_file.get_or_insert_with(empty).variables.extend([variable()]);
            }
            "limbeck.toml" => self.given.file = Some(SourceText::new(FILE_NAME, format!("{below}\n"))),
            "here" => self.given.here = rest.into(),
            "--database-url" => self.given.flags.database_url = Some(rest.to_owned()),
            "--dialect" => self.given.flags.dialect = Some(rest.to_owned()),
            "--migrations" => self.given.flags.migrations = Some(rest.into()),
            "--wait" => self.given.flags.wait = Some(limbeck::duration::parse(rest).expect("a time")),
            "--service" => self.service = Some(rest.to_owned()),
            "hidden" => self.hidden.push(Secret::new(rest)),
            _ => panic!("what is `{head}`?"),
        }
    }
}

fn check(title: &str, case: &Case, expected: &str) -> Option<String> {
    let (found, secrets) = outcome(&case.given, case.service.as_deref());
    let revealed = |text: String, secret: &Secret| text.replace(&format!("[{}]", secret.reveal()), "");
    hides(&secrets.iter().fold(found.clone(), revealed), &[secrets.as_slice(), &case.hidden].concat());
    if let Err(error) = case.given.resolve() {
        hides(&format!("{error} {error:?}"), &case.hidden);
    }
    (found != expected).then(|| format!("# {title}\nexpected\n{expected}\nfound\n{found}\n"))
}

/// Runs the cases of a file: at least `least` of them, so that none gets lost.
#[track_caller]
fn check_file(text: &str, least: usize) {
    let mut titles = BTreeSet::new();
    let mut failures = Vec::new();
    let text = format!("\n{text}");
    for text in text.split("\n# ").skip(1) {
        let (title, lines) = text.split_once('\n').expect("a title is a line");
        let mut case = Case::default();
        case.given.root = "/project".into();
        case.given.here = "/project/src".into();
        let mut expected = None;
        let mut lines = lines.lines().filter(|line| !line.starts_with("//")).peekable();
        while let Some(head) = lines.next() {
            let mut below = Vec::new();
            while let Some(line) = lines.next_if(|line| line.starts_with("  ")) {
                below.push(&line[2..]);
            }
            let below = below.join("\n");
            match head {
                "" => {}
                "decides" => expected = Some(below),
                _ => case.take(head, &below),
            }
        }
        let expected = expected.unwrap_or_else(|| panic!("{title}: nothing is expected"));
        assert!(titles.insert(title), "{title} stands twice");
        failures.extend(check(title, &case, &expected));
    }
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), titles.len(), failures.join("\n"));
    assert!(titles.len() >= least, "only {} cases were read", titles.len());
}

#[test]
fn variables() {
    check_file(include_str!("config/variables.txt"), 50);
}

#[test]
fn precedence() {
    check_file(include_str!("config/precedence.txt"), 25);
}

#[test]
fn files() {
    check_file(include_str!("config/file.txt"), 40);
}

#[test]
fn passwords() {
    check_file(include_str!("config/passwords.txt"), 20);
}

#[test]
fn every_word_for_yes_and_no_is_read_in_any_case() {
    let decided = |variable: &str, value: &str| {
        let mut given = Given { root: "/project".into(), ..Given::default() };
        given.process.insert(format!("CORTEX_{variable}"), value.to_owned());
        given.process.insert("CORTEX_DB_TYPE".to_owned(), "sqlite".to_owned());
        let config = given.resolve().expect("the word is known");
        let url = config.services[0].database().expect("the type is set").to_string();
        (config.auto_apply, config.interactive, url)
    };
    for (words, meant) in [
        (["true", "TRUE", "True", "1", "yes", "Yes", "YES", "on", "ON"], true),
        (["false", "FALSE", "False", "0", "no", "No", "NO", "off", "OFF"], false),
    ] {
        for word in words {
            assert_eq!(decided("AUTO_APPLY_DB_MIGRATIONS", word).0, meant, "{word}");
            assert_eq!(decided("DB_MIGRATIONS_IS_INTERACTIVE", word).1, Some(meant), "{word}");
            let memory = decided("DB_MEMORY", word).2;
            assert_eq!(memory == "sqlite::memory:", meant, "{word}: {memory}");
        }
    }
}
