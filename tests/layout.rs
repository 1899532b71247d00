//! Revision files in, what was read, refused or changed out: the cases of `layout/*.txt`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use limbeck::chain::layout::{LIMBECK, NewRevision};
use limbeck::chain::{Chain, Downgrade, Revision, RevisionId, Script, Wrapping};
use limbeck::dialect::{Backend, Server};
use limbeck::sql::{SourceText, Span};
use limbeck::squash;

/// What is asked of the files of a case.
#[derive(Clone, Copy)]
enum Asked {
    /// What the one file says.
    Revision,
    /// The chain that they make.
    Chain,
    /// What the command behind the dialect makes of them.
    Command,
}

/// Reads the files. Here, and only here, the library is called.
fn outcome(asked: Asked, dialect: &str, files: &[(String, Vec<u8>)]) -> String {
    let (dialect, command) = dialect.split_once(' ').unwrap_or((dialect, ""));
    let backend = Backend::parse(dialect).unwrap_or_else(|| panic!("{dialect} is no dialect"));
    let read =
        |(name, bytes): &(String, Vec<u8>)| LIMBECK.read(backend.dialect().lexis(), name, bytes.clone());
    let revisions: Result<Vec<Revision>, _> = files.iter().map(read).collect();
    match (asked, revisions) {
        (_, Err(error)) => refused(&error.to_string(), &error.source_text, error.span),
        (Asked::Revision, Ok(revisions)) => revisions.iter().map(shown).collect::<Vec<_>>().join("\n"),
        (Asked::Chain, Ok(revisions)) => match Chain::new(revisions) {
            Ok(chain) => format!("chain {:?}", chain.ids(0..chain.len())),
            Err(error) => refused(&error.to_string(), &error.source_text, error.span),
        },
        (Asked::Command, Ok(revisions)) => {
            let chain = Chain::new(revisions).unwrap_or_else(|error| panic!("{error}"));
            let words: Vec<&str> = command.split(' ').collect();
            match words.as_slice() {
                ["rebase", revision, "onto", onto, books @ ..] => {
                    rebased(&chain, backend, files, revision, onto, books)
                }
                ["squash", first, last] => squashed(&chain, backend, files, first, last),
                _ => panic!("what is `{command}`?"),
            }
        }
    }
}

/// `rebase b onto c books d`: the file afterwards, and what moved with it.
fn rebased(
    chain: &Chain,
    backend: Backend,
    files: &[(String, Vec<u8>)],
    revision: &str,
    onto: &str,
    books: &[&str],
) -> String {
    let place = |name: &str| chain.place(&name.into()).unwrap_or_else(|| panic!("there is no {name}"));
    let onto = match chain.parent_to_be(place(revision), onto) {
        Ok(onto) => onto,
        Err(error) => return format!("refused: {error}"),
    };
    let books: BTreeSet<RevisionId> = books.iter().skip(1).map(|id| RevisionId::from(*id)).collect();
    let lexis = backend.dialect().lexis();
    match chain.rebase(&LIMBECK, lexis, &books, place(revision), onto) {
        Ok(rebase) => {
            let name = rebase.edit.source.name();
            let (_, before) = files.iter().find(|(file, _)| file == name).expect("it is one of the files");
            let after = rebase.edit.applied_to(before).expect("it is the file that was read");
            // What was written is read again.
            let read = LIMBECK.read(lexis, name, after.clone()).expect("it is a revision");
            let parents: Vec<RevisionId> = rebase.onto.into_iter().collect();
            assert_eq!((read.id.as_str(), read.parents), (revision, parents));
            format!("moved with it: {:?}\n{}", rebase.with, escaped(&after))
        }
        Err(error) => format!("refused: {error}"),
    }
}

/// `squash b d`: the new file `s`, and the other files that change.
fn squashed(chain: &Chain, backend: Backend, files: &[(String, Vec<u8>)], first: &str, last: &str) -> String {
    let place = |name: &str| chain.place(&name.into()).unwrap_or_else(|| panic!("there is no {name}"));
    let server = Server::assumed(backend);
    let squash = match squash::squash(chain, &LIMBECK, &server, place(first), place(last)) {
        Ok(squash) => squash,
        Err(error) => return format!("refused: {error}"),
    };
    let texts = |ids: &[RevisionId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let replaced: Vec<RevisionId> = squash.replaced.iter().map(|revision| revision.id.clone()).collect();
    let text = LIMBECK.write(&NewRevision {
        id: "s",
        message: "all in one",
        parents: &texts(&squash.parents),
        labels: &squash.labels,
        depends_on: &squash.depends_on,
        replaces: &texts(&replaced),
        sections: Some(&squash.sections),
        created: "now",
    });
    let lexis = backend.dialect().lexis();
    let read = LIMBECK.read(lexis, "s.sql", text.clone().into_bytes()).expect("it is a revision");
    assert_eq!(read.replaces, replaced);
    let mut found = escaped(text.as_bytes());
    for edit in squash.edits(&LIMBECK, lexis, &"s".into()).expect("headers can be edited") {
        let name = edit.source.name();
        let (_, before) = files.iter().find(|(file, _)| file == name).expect("it is one of the files");
        let after = edit.applied_to(before).expect("it is the file that was read");
        let _ = write!(found, "\n>> {name}\n{}", escaped(&after));
    }
    found
}

/// The reverse of [`unescaped`].
fn escaped(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    text.replace('\r', "<CR>").replace('\u{feff}', "<BOM>").replace('\t', "<TAB>").trim_end().to_owned()
}

/// The message, and the place with its line and carets below.
fn refused(message: &str, source: &SourceText, span: Span) -> String {
    let at = source.position(span.start);
    let line = source.line(at.line);
    let width = source.slice(span).lines().next().unwrap_or_default().chars().count().max(1);
    let carets = format!("{}{}", " ".repeat(at.column - 1), "^".repeat(width));
    format!("refused: {message}\n{}:{}:{}\n| {line}\n| {carets}", source.name(), at.line, at.column)
}

fn shown(revision: &Revision) -> String {
    let mut text = format!("id: {}\n", revision.id);
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    line("number", revision.number.map(|number| number.to_string()).unwrap_or_default());
    line("message", revision.message.clone());
    line("revises", revision.parents.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    line("labels", revision.labels.join(", "));
    line("replaces", revision.replaces.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    line("depends on", revision.depends_on.join(", "));
    line("created", revision.created.clone().unwrap_or_default());
    script(&mut text, "upgrade", &revision.upgrade, &revision.source);
    match &revision.downgrade {
        Downgrade::Script(down) => script(&mut text, "downgrade", down, &revision.source),
        Downgrade::Irreversible(reason) => {
            let _ = writeln!(text, "irreversible: {reason}");
        }
        Downgrade::Missing => {}
    }
    text.trim_end().to_owned()
}

fn script(text: &mut String, name: &str, script: &Script, source: &SourceText) {
    let wrapping = if script.wrapping == Wrapping::Forbidden { " (no transaction)" } else { "" };
    let _ = writeln!(text, "{name}:{wrapping}");
    for (name, limit) in [
        ("lock-wait", script.limits.lock_wait),
        ("statement-timeout", script.limits.statement),
        ("revision-timeout", script.limits.revision),
    ] {
        if let Some(limit) = limit {
            let _ = writeln!(text, "  {name} {limit:?}");
        }
    }
    for (index, statement) in script.statements.iter().enumerate() {
        for guard in script.guards_of(index) {
            let _ = writeln!(text, "  {guard}:");
        }
        let statement = source.slice(statement.span).replace('\r', "<CR>").replace('\n', "\n    ");
        let _ = writeln!(text, "  {statement}");
    }
}

/// Bytes that a case file would not show, or could not hold.
fn unescaped(text: &str) -> Vec<u8> {
    let text = text.replace("<CR>", "\r").replace("<BOM>", "\u{feff}").replace("<TAB>", "\t");
    let mut bytes = Vec::new();
    for (at, piece) in text.split("<FF>").enumerate() {
        if at > 0 {
            bytes.push(0xff);
        }
        bytes.extend_from_slice(piece.as_bytes());
    }
    bytes
}

fn check(
    asked: Asked,
    title: &str,
    dialect: &str,
    files: &[(String, Vec<u8>)],
    expected: &str,
) -> Option<String> {
    let found = outcome(asked, dialect, files);
    (found != expected).then(|| format!("=== {title}\nexpected\n{expected}\nfound\n{found}\n"))
}

/// Runs the cases of a file: at least `least` of them, so that none gets lost.
#[track_caller]
fn check_file(asked: Asked, text: &str, least: usize) {
    let mut cases = 0;
    let mut failures = Vec::new();
    for case in text.split("\n=== ").skip(1) {
        let (title, rest) = case.split_once('\n').expect("a title is a line");
        let (_, dialect) = title.rsplit_once(" : ").expect("a title names a dialect");
        let (input, expected) = rest.split_once("--- means\n").expect("a case says what the files mean");
        let files: Vec<(String, Vec<u8>)> = format!("\n{input}")
            .split("\n>>> ")
            .skip(1)
            .map(|file| {
                let (name, text) = file.split_once('\n').expect("a file has a name");
                (name.to_owned(), unescaped(text))
            })
            .collect();
        assert!(!files.is_empty(), "{title}: no file");
        cases += 1;
        failures.extend(check(asked, title, dialect, &files, expected.trim_end()));
    }
    assert!(failures.is_empty(), "{} of {cases} fail:\n{}", failures.len(), failures.join("\n"));
    assert!(cases >= least, "only {cases} cases were read");
}

#[test]
fn files_that_are_read() {
    check_file(Asked::Revision, include_str!("layout/read.txt"), 25);
}

#[test]
fn guards_and_limits() {
    check_file(Asked::Revision, include_str!("layout/guards.txt"), 18);
}

#[test]
fn files_that_are_refused() {
    check_file(Asked::Revision, include_str!("layout/refused.txt"), 40);
}

#[test]
fn chains() {
    check_file(Asked::Chain, include_str!("layout/chains.txt"), 12);
}

#[test]
fn rebases() {
    check_file(Asked::Command, include_str!("layout/rebase.txt"), 17);
}

#[test]
fn squashes() {
    check_file(Asked::Command, include_str!("layout/squash.txt"), 19);
}

#[test]
fn names() {
    for (name, takes, number) in [
        ("8bd9e9780557_cortex_db_version_1.sql", true, Some(1)),
        ("8bd9e9780557_cortex_db_version_12.sql", true, Some(12)),
        ("8bd9e9780557_cortex_db_version_007.sql", true, Some(7)),
        ("8bd9e9780557_cortex_db_version_12_add_users.sql", true, Some(12)),
        ("8bd9e9780557_version_1_of_db_version_2.sql", true, Some(2)),
        ("8bd9e9780557_cortex_db_version_.sql", true, None),
        ("8bd9e9780557_cortex_db_version_x.sql", true, None),
        ("8bd9e9780557_cortex_db_version_99999999999999999999.sql", true, None),
        ("8bd9e9780557.sql", true, None),
        ("8bd9e9780557_cortex_db_version_1.SQL", false, None),
        ("8bd9e9780557_cortex_db_version_1.sql~", false, None),
        (".8bd9e9780557_cortex_db_version_1.sql", false, Some(1)),
        ("README.md", false, None),
    ] {
        assert_eq!((LIMBECK.takes(name), LIMBECK.number(name)), (takes, number), "{name}");
    }
}

#[test]
fn digests_tell_what_runs_from_what_is_written() {
    let file = |text: &str| {
        let text = text.replace("UP", "-- Revision ID: a\n-- limbeck:upgrade\n");
        let lexis = Backend::Postgres.dialect().lexis();
        LIMBECK.read(lexis, "a.sql", text.into_bytes()).expect("it is a revision").digest
    };
    let digest = file("UPSELECT 'a b', 1;");
    for (text, tokens, bytes) in [
        ("UPSELECT 'a b', 1;", true, true),
        ("\u{feff}UPSELECT 'a b', 1;", true, true),
        ("UPSELECT\r\n  'a b' /* or */,1 -- more\n", true, false),
        ("-- a message\nUPSELECT 'a b', 1;", true, false),
        ("UPSELECT 'a b', 1;\n-- limbeck:downgrade\nSELECT 2;", true, false),
        ("UPSELECT 'a  b', 1;", false, false),
        ("UPselect 'a b', 1;", false, false),
        ("UPSELECT 'a b'; 1;", false, false),
        ("UPSELECT 'a b', 11;", false, false),
        ("UP-- limbeck:no-transaction\nSELECT 'a b', 1;", false, false),
    ] {
        let found = file(text);
        assert_eq!((found.tokens == digest.tokens, found.bytes == digest.bytes), (tokens, bytes), "{text}");
    }
}
