//! What must hold for any input whatever: the fuzz targets of `fuzz/` look for one where it does not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use limbeck::chain::layout::{self, LIMBECK, NewRevision};
use limbeck::chain::{Chain, Goal, Revision};
use limbeck::config::{ConfigError, EnvFile, FILE_NAME, Given};
use limbeck::database_url::{DatabaseUrl, Place};
use limbeck::dialect::Backend;
use limbeck::sql::split::{SplitError, SplitErrorKind, split};
use limbeck::sql::{Lexer, SourceText, Span, Statement, TokenKind, line_comments, significant};

const BACKENDS: [Backend; 3] = [Backend::Sqlite, Backend::Postgres, Backend::MySql];

pub fn split_sqlite(input: &[u8]) {
    splits(Backend::Sqlite, input);
}

pub fn split_postgresql(input: &[u8]) {
    splits(Backend::Postgres, input);
}

pub fn split_mysql(input: &[u8]) {
    splits(Backend::MySql, input);
}

/// Whether a span lies inside the text, between two characters.
fn inside(text: &str, span: Span) -> bool {
    text.get(span.start..span.end).is_some()
}

fn splits(backend: Backend, input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let lexis = backend.dialect().lexis();
    let mut at = 0;
    for token in Lexer::new(lexis, text, Span::whole(text)) {
        match token {
            Ok(token) => {
                assert!(inside(text, token.span) && token.span.start >= at, "tokens in order: {token:?}");
                assert!(token.span.end > token.span.start, "no token is empty: {token:?}");
                at = token.span.end;
            }
            Err(error) => {
                assert!(inside(text, error.span), "{error:?}");
                break;
            }
        }
    }
    for span in line_comments(lexis, text).unwrap_or_default() {
        assert!(inside(text, span) && !text[span.start..span.end].contains('\n'), "{span:?}");
    }
    let statements = match split(lexis, text, Span::whole(text)) {
        Ok(statements) => statements,
        Err(error) => {
            assert!(inside(text, error.span), "{error:?}");
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let mut at = 0;
    for Statement { span, inner, .. } in &statements {
        assert!(inside(text, *span) && span.start >= at, "statements in order: {span:?}");
        let piece = &text[span.start..span.end];
        // A space that ASCII does not know is a letter to a server.
        assert!(!piece.trim_ascii().is_empty(), "no statement is empty");
        assert!(inner.is_none_or(|inner| inside(text, inner)), "{inner:?}");
        let _ = limbeck::sql::shape(lexis, piece);
        let _ = significant(lexis, piece).count();
        at = span.end;
    }
    // What a DELIMITER line changes, a client would have to change again.
    if backend == Backend::MySql && text.to_ascii_uppercase().contains("DELIMITER") {
        return;
    }
    // Nothing is lost: between the statements stand white space, comments and semicolons.
    let mut at = 0;
    for end in statements.iter().map(|it| it.span.start).chain([text.len()]) {
        for token in Lexer::new(lexis, text, Span { start: at, end }) {
            let token = token.expect("what lies between statements can be read");
            // A hint in front of a statement is none.
            let kinds =
                [TokenKind::Semicolon, TokenKind::LineComment, TokenKind::BlockComment, TokenKind::Hint];
            let nothing =
                kinds.contains(&token.kind) || text[token.span.start..token.span.end].trim().is_empty();
            assert!(nothing, "lost: {:?}", &text[token.span.start..token.span.end]);
        }
        at = statements.iter().find(|it| it.span.start == end).map_or(at, |it| it.span.end);
    }
    // They are sent in one message, and the server must find the same ones in it.
    let mut message = String::new();
    for statement in &statements {
        message.push_str(&text[statement.span.start..statement.span.end]);
        message.push_str(if statement.ends_in_line_comment { "\n;\n" } else { ";\n" });
    }
    // A parenthesis that is never closed holds every semicolon from there on, limbeck's own as well: no server takes that.
    let texts = |text: &str, found: &[Statement]| {
        let piece =
            |it: &Statement| text[it.span.start..it.span.end].trim_end_matches([';', '\n']).to_owned();
        found.iter().map(piece).collect::<Vec<_>>()
    };
    match split(lexis, &message, Span::whole(&message)) {
        Ok(again) => assert_eq!(texts(&message, &again), texts(text, &statements), "in one message"),
        // `.mode` in the middle of a line is no command of sqlite3; at the beginning of one it is.
        Err(SplitError { kind: SplitErrorKind::ClientCommand { .. }, .. }) => {}
        Err(error) => panic!("the message cannot be split: {error}\n{message:?}"),
    }
}

pub fn shape(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for backend in BACKENDS {
        let lexis = backend.dialect().lexis();
        let found = limbeck::sql::shape(lexis, text);
        // White space in front and behind is not part of it.
        assert_eq!(found, limbeck::sql::shape(lexis, &format!("\n {text}\n")), "{backend}");
    }
}

pub fn revision_file(input: &[u8]) {
    for backend in BACKENDS {
        let lexis = backend.dialect().lexis();
        let read = |bytes: Vec<u8>| LIMBECK.read(lexis, "a_version_3.sql", bytes);
        let revision = match read(input.to_vec()) {
            Ok(revision) => revision,
            Err(error) => {
                assert!(inside(error.source_text.text(), error.span), "{error:?}");
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        let text = revision.source.text();
        for statement in &revision.upgrade.statements {
            assert!(inside(text, statement.span), "{statement:?}");
        }
        assert!(layout::is_id(revision.id.as_str()), "{:?}", revision.id);
        // A newline at the end is no edit.
        let longer = read([input, b"\n"].concat());
        let longer = longer.unwrap_or_else(|error| panic!("{backend}: with a newline at the end: {error}"));
        assert_eq!(longer.digest.tokens, revision.digest.tokens, "{backend}");
        assert_eq!(longer.upgrade.statements.len(), revision.upgrade.statements.len(), "{backend}");
    }
}

/// What is written is what is read. The lines of the input: id, message, parents, labels, what it depends on.
pub fn new_revision(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.lines();
    let mut line = || lines.next().unwrap_or_default();
    let (id, message) = (line(), line());
    let mut ids = || line().split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (parents, labels, depends_on) = (ids(), ids(), ids());
    let named = [&parents, &labels, &depends_on];
    let fine = |id: &str| layout::is_id(id) && id != "None";
    if !fine(id) || !named.into_iter().flatten().all(|id| fine(id)) {
        return;
    }
    // As the command line takes it.
    let message = message.trim();
    if message.is_empty() || message.chars().any(char::is_control) || !LIMBECK.is_message(message) {
        return;
    }
    let new = NewRevision {
        id,
        message,
        parents: &parents,
        labels: &labels,
        depends_on: &depends_on,
        created: "2024-01-09 12:30:45.123456",
        replaces: &[],
        sections: None,
    };
    let written = LIMBECK.write(&new);
    for backend in BACKENDS {
        let read = LIMBECK.read(backend.dialect().lexis(), "a_version_3.sql", written.clone().into_bytes());
        let read: Revision = read.unwrap_or_else(|error| panic!("{backend}: {error}\n{written}"));
        let parents_read: Vec<&str> = read.parents.iter().map(|id| id.as_str()).collect();
        assert_eq!((read.id.as_str(), read.message.as_str()), (id, message));
        assert_eq!(
            (parents_read, &read.labels, &read.depends_on),
            (parents.iter().map(String::as_str).collect(), &labels, &depends_on)
        );
        assert_eq!(read.created.as_deref(), Some("2024-01-09 12:30:45.123456"));
    }
}

/// `limbeck.toml`, and behind a line `---` what the environment and the env file say, a `NAME=value` a line.
pub fn settings(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut parts = text.split("\n---\n");
    let mut part = || parts.next().unwrap_or_default();
    let file = part();
    let variables = |text: &str| -> BTreeMap<String, String> {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .collect()
    };
    let given = Given {
        root: PathBuf::from("/project"),
        here: PathBuf::from("/project"),
        process: variables(part()),
        env_file: Some(EnvFile { name: "local.env".to_owned(), variables: variables(part()) }),
        file: Some(SourceText::new(FILE_NAME, file)),
        ..Given::default()
    };
    let config = match given.resolve() {
        Ok(config) => config,
        Err(error) => return described(&error, file),
    };
    let shown = format!("{config:?}");
    for service in &config.services {
        match service.database() {
            Ok(url) => hides(url, text, &shown),
            Err(error) => described(&error, file),
        }
    }
}

fn described(error: &ConfigError, file: &str) {
    assert!(!error.to_string().is_empty());
    if let ConfigError::File { source_text, span, .. } = error {
        assert!(inside(source_text.text(), *span), "{error:?}");
        assert_eq!(source_text.text().len(), file.len(), "places in the file stay what they are");
    }
}

/// A password that stands in one place of the input only is shown nowhere.
fn hides(url: &DatabaseUrl, input: &str, shown: &str) {
    let Place::Server(address) = &url.place else { return };
    let Some(password) = address.password.as_ref().map(|password| password.reveal()) else { return };
    // A percent code could stand for it here, and another place hold it as it is.
    let plain = password.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !input.contains('%');
    if plain && password.len() >= 8 && input.matches(password).count() == 1 {
        assert!(
            !shown.contains(password) && !url.to_string().contains(password),
            "the password shows: {shown}"
        );
    }
}

pub fn database_url(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match DatabaseUrl::parse(text) {
        Ok(url) => {
            hides(&url, text, &format!("{url:?}"));
            assert!(!url.to_string().is_empty());
            let _ = url.name();
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

pub fn goal(input: &[u8]) {
    static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
        let file = |id: &str, parents: &str, label: &str| {
            let text = format!(
                "-- {id}\n--\n-- Revision ID: {id}\n-- Revises: {parents}\n-- Branch Labels: {label}\n\n\
                 -- limbeck:upgrade\nSELECT 1;\n-- limbeck:downgrade\nSELECT 1;\n"
            );
            let lexis = Backend::Sqlite.dialect().lexis();
            LIMBECK.read(lexis, &format!("{id}_version_1.sql"), text.into_bytes()).expect("a revision")
        };
        let revisions = vec![
            file("aaaa11", "", ""),
            file("aaaa22", "aaaa11", "left"),
            file("bbbb11", "aaaa11", "right"),
            file("cccc-1", "aaaa22, bbbb11", ""),
            file("dddd11", "bbbb11", ""),
        ];
        Chain::new(revisions).expect("a chain")
    });
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(goal) = text.parse::<Goal>() else { return };
    assert_eq!(goal.to_string().parse(), Ok(goal.clone()), "a goal is read as it is shown");
    let chain = &*CHAIN;
    for count in 0..=chain.len() {
        let applied = (0..count).collect();
        for found in [chain.wanted(&goal, &applied), chain.kept(&goal, &applied)] {
            match found {
                Ok(set) => assert!(set.iter().all(|at| *at < chain.len())),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
    let _ = chain.stops(&goal);
    let _ = chain.meant(&goal);
}
