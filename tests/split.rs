//! Scripts in, statements out: the vectors of `split_cases.json`, and our own in `split/more.txt`.

use limbeck::dialect::Backend;
use limbeck::sql::split::split;
use limbeck::sql::{Act, Lexer, Span, lexis::Lexis, line_comments, shape, significant};
use proptest::prelude::*;

/// A script, and what should become of it.
struct Case {
    name: String,
    lexis: &'static Lexis,
    script: String,
    expected: Expected,
}

#[derive(Debug, PartialEq)]
enum Expected {
    Statements(Vec<String>),
    /// Refused, with these words in the message.
    Refused(String),
}

fn lexis(dialect: &str) -> &'static Lexis {
    let backend = match dialect {
        "sqlite" => Backend::Sqlite,
        "postgresql" => Backend::Postgres,
        "mysql" => Backend::MySql,
        other => panic!("no dialect is called {other}"),
    };
    backend.dialect().lexis()
}

fn vectors() -> Vec<Case> {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("split_cases.json")).expect("vectors are JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("a string").to_owned();
    let cases = vectors.as_array().expect("a list of vectors").iter().map(|vector| Case {
        name: text(&vector["name"]),
        lexis: lexis(&text(&vector["dialect"])),
        script: text(&vector["sql"]),
        expected: match vector.get("error") {
            Some(_) => Expected::Refused(String::new()),
            None => Expected::Statements(
                vector["statements"].as_array().expect("a list of statements").iter().map(text).collect(),
            ),
        },
    });
    cases.collect()
}

/// Reads the format that the head of `split/more.txt` describes.
fn own_cases() -> Vec<Case> {
    let file = include_str!("split/more.txt");
    let mut cases = Vec::new();
    for block in file.split("\n=== ").skip(1) {
        let (title, block) = block.split_once('\n').expect("a title is a line");
        let (name, dialect) = title.rsplit_once(" : ").expect("a title names a dialect");
        let mut parts = block.split("\n--- ");
        let script = parts.next().unwrap_or_default();
        let mut statements = Vec::new();
        let mut refused = None;
        for part in parts {
            let (kind, text) = part.split_once('\n').unwrap_or((part, ""));
            match kind.split_once(' ').unwrap_or((kind, "")) {
                ("statement", "") => statements.push(unescaped(text.trim_end_matches('\n'))),
                ("refused", words) => refused = Some(words.to_owned()),
                ("nothing", "") => {}
                _ => panic!("{name}: what is `{kind}`?"),
            }
        }
        let expected = refused.map_or(Expected::Statements(statements), Expected::Refused);
        cases.push(Case {
            name: name.to_owned(),
            lexis: lexis(dialect),
            script: unescaped(script),
            expected,
        });
    }
    cases
}

fn unescaped(text: &str) -> String {
    text.replace("<CR>", "\r").replace("<BOM>", "\u{feff}").replace("<TAB>", "\t")
}

fn check(case: &Case) -> Result<(), String> {
    let Case { name, lexis, script, expected } = case;
    let found = match split(lexis, script, Span::whole(script)) {
        Ok(statements) => Expected::Statements(
            statements
                .iter()
                .map(|statement| script[statement.span.start..statement.span.end].to_owned())
                .collect(),
        ),
        Err(error) => Expected::Refused(error.to_string()),
    };
    let fits = match (expected, &found) {
        (Expected::Refused(words), Expected::Refused(message)) => message.contains(words.as_str()),
        (expected, found) => expected == found,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{name}\n  {script:?}\n  expected {expected:?}\n  found    {found:?}"))
    }
}

fn check_all(cases: &[Case]) {
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn the_vectors_are_split_exactly() {
    let cases = vectors();
    assert_eq!(cases.len(), 109);
    check_all(&cases);
}

#[test]
fn our_own_cases_are_split_exactly() {
    let cases = own_cases();
    assert!(cases.len() >= 40, "only {} cases were read", cases.len());
    check_all(&cases);
}

#[test]
fn statements_say_when_a_semicolon_would_be_swallowed() {
    let script = "SELECT 1 -- one\n; SELECT 2 -- two\n/* three */; SELECT 3 -- four";
    for dialect in ["sqlite", "postgresql", "mysql"] {
        let statements = split(lexis(dialect), script, Span::whole(script)).expect("it is well formed");
        let flags: Vec<bool> = statements.iter().map(|statement| statement.ends_in_line_comment).collect();
        assert_eq!(flags, [true, false, true], "{dialect}");
    }
}

#[test]
fn chunks_with_several_statements_say_where() {
    let inner = |script: &str| {
        let statements = split(lexis("mysql"), script, Span::whole(script)).expect("it is well formed");
        statements.iter().map(|statement| statement.inner.map(|span| span.start)).collect::<Vec<_>>()
    };
    assert_eq!(inner("DELIMITER |\nSELECT 1; SELECT 2|\nSELECT 3;|"), [Some(20), None]);
    assert_eq!(inner("DELIMITER |\nBEGIN NOT ATOMIC SELECT 1; END|"), [None]);
    assert_eq!(inner("DELIMITER |\nCREATE PROCEDURE p() BEGIN SELECT 1; END; SELECT 2|"), [Some(52)]);
    assert_eq!(inner("SELECT 1; SELECT 2;"), [None, None]);
}

#[test]
fn only_the_piece_that_is_asked_for_is_split() {
    let script = "it's -- not SQL\nSELECT 'ü'; SELECT 2; it's not either";
    let start = script.find("SELECT").expect("it is there");
    let end = script.find(" it's").expect("it is there");
    let statements = split(lexis("sqlite"), script, Span { start, end }).expect("it is well formed");
    let texts: Vec<&str> = statements.iter().map(|found| &script[found.span.start..found.span.end]).collect();
    assert_eq!(texts, ["SELECT 'ü'", "SELECT 2"]);
}

#[test]
fn errors_point_at_what_was_opened() {
    let error = |dialect: &str, script: &str| {
        let error = split(lexis(dialect), script, Span::whole(script)).expect_err("it is refused");
        script[error.span.start..error.span.end].to_owned()
    };
    assert_eq!(error("postgresql", "SELECT 1, 'a;"), "'");
    assert_eq!(error("postgresql", "SELECT 1, E'a' \n 'b\\';"), "'");
    assert_eq!(error("postgresql", "DO $x$ ; $y$;"), "$x$");
    assert_eq!(error("postgresql", "SELECT 1; /* a /* b */"), "/*");
    assert_eq!(error("postgresql", "SELECT 1 \\gexec"), "\\gexec");
    assert_eq!(error("postgresql", "SELECT 1; COPY t FROM stdin;\n1\n"), "COPY t FROM stdin");
    assert_eq!(error("mysql", "SELECT `a;"), "`");
    assert_eq!(error("mysql", "/*!50001 SELECT 1; */"), "/*!50001 SELECT 1; */");
    assert_eq!(error("mysql", "SELECT 1;\nDELIMITER  \nSELECT 2"), "DELIMITER");
    assert_eq!(error("sqlite", "SELECT [a;"), "[");
}

fn comments(dialect: &str, script: &str) -> Vec<String> {
    let spans = line_comments(lexis(dialect), script).expect("it can be read");
    spans.iter().map(|span| script[span.start..span.end].to_owned()).collect()
}

#[test]
fn comments_are_found_where_they_begin_a_line() {
    let script =
        "\u{feff}-- one  \r\nSELECT '\n-- no\n', 1 -- no\n, 2;\n\t -- two\n/*\n-- no\n*/ -- no\n-- three";
    for dialect in ["sqlite", "postgresql", "mysql"] {
        assert_eq!(comments(dialect, script), ["-- one", "-- two", "-- three"], "{dialect}");
    }
    assert_eq!(comments("postgresql", "DO $$\n-- no\n$$;\n-- one"), ["-- one"]);
    assert_eq!(comments("mysql", "# one\n--no\n-- two"), ["# one", "-- two"]);
}

#[test]
fn comments_are_found_in_spite_of_lines_for_a_client() {
    assert_eq!(
        comments("postgresql", "\\echo it's\n-- one\nSELECT 1 \\g it's\n-- two"),
        ["-- one", "-- two"]
    );
    assert_eq!(comments("postgresql", "COPY t FROM stdin;\n1\tit's\n-- no\n\\.\n-- one"), ["-- one"]);
    assert_eq!(comments("postgresql", "COPY (SELECT 1 FROM stdin) TO '/x';\n-- one"), ["-- one"]);
    assert_eq!(comments("mysql", "delimiter '\nSELECT 1\n-- one"), ["-- one"]);
    assert_eq!(
        comments("mysql", "DELIMITER $$\nSELECT 'a\n-- no'$$\n-- one\nDELIMITER ;\n-- two"),
        ["-- one", "-- two"]
    );
    assert_eq!(comments("sqlite", ".print it's\n-- one"), ["-- one"]);
}

#[test]
fn what_counts_for_a_checksum_is_all_but_comments() {
    let texts = |dialect: &str, script| {
        significant(lexis(dialect), script)
            .map(|text| text.expect("it can be read").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts("postgresql", "SELECT/* a */ E'b'\n 'c' -- d\n;"), ["SELECT", "E'b'\n 'c'", ";"]);
    assert_eq!(texts("mysql", "SELECT /*+ a */ 1 /*! b */ # c"), ["SELECT", "/*+ a */", "1", "/*! b */"]);
    assert_eq!(texts("sqlite", "x'00' 1.5e-3<=[a b]"), ["x'00'", "1.5e-3", "<", "=", "[a b]"]);
}

/// Writes the statements one after another, as a script.
fn joined(script: &str, statements: &[limbeck::sql::Statement]) -> String {
    let mut text = String::new();
    for statement in statements {
        text.push_str(&script[statement.span.start..statement.span.end]);
        text.push_str(if statement.ends_in_line_comment { "\n;\n" } else { ";\n" });
    }
    text
}

#[test]
fn statements_that_are_joined_again_are_split_the_same() {
    for case in vectors().into_iter().chain(own_cases()) {
        // A chunk of several statements cannot be written without its DELIMITER, and is never sent.
        let Ok(statements) = split(case.lexis, &case.script, Span::whole(&case.script)) else {
            continue;
        };
        if case.script.contains("/*!50003 TRIGGER")
            || statements.iter().any(|statement| statement.inner.is_some())
        {
            continue;
        }
        let script = joined(&case.script, &statements);
        let expected =
            statements.iter().map(|found| case.script[found.span.start..found.span.end].to_owned());
        let case = Case { expected: Expected::Statements(expected.collect()), script, ..case };
        check(&case).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn long_and_deep_texts_are_read_to_their_end() {
    let texts = [
        "d ".repeat(200_000),
        format!("DELIMITER $$\n{}", "d ".repeat(200_000)),
        format!("DELIMITER $$\n{}", "d $$ ".repeat(100_000)),
        "WITH a AS (".repeat(50_000),
        "EXPLAIN ANALYZE ".repeat(50_000),
        "(".repeat(200_000),
        "/*!".repeat(100_000),
        "-- a\n".repeat(100_000),
        "E'a'\n".repeat(100_000),
        "$a ".repeat(100_000),
        "BEGIN NOT ATOMIC ".to_owned() + &"CASE ".repeat(100_000),
    ];
    for dialect in ["sqlite", "postgresql", "mysql"] {
        let lexis = lexis(dialect);
        for text in &texts {
            // Neither the stack nor the patience of whoever waits may run out; an error is an answer, too.
            let begins = &text[..30];
            match split(lexis, text, Span::whole(text)) {
                Ok(statements) => {
                    assert!(!text.starts_with('(') || statements.len() == 1, "{dialect}: {begins}…")
                }
                Err(error) => assert!(error.span.end <= text.len(), "{dialect}: {begins}…"),
            }
            let comments = line_comments(lexis, text).map(|comments| comments.len());
            assert!(!text.starts_with("-- a") || comments == Ok(100_000), "{dialect}: {begins}…");
            let act = shape(lexis, text).act;
            assert!(!text.starts_with("EXPLAIN") || act == Act::Other, "{dialect}: {act:?} for {begins}…");
        }
    }
}

/// Text that is likely to hold something to trip over.
fn script() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "'",
        "\"",
        "`",
        "[",
        "]",
        "$",
        "$$",
        "$a$",
        "/*",
        "*/",
        "/*!",
        "/*M!",
        "/*+",
        "--",
        "-- ",
        "#",
        "\\",
        "\\'",
        ";",
        "\n",
        "\r",
        " ",
        "(",
        ")",
        ".",
        ":",
        "=",
        "@",
        "E'",
        "u&'",
        "x'",
        "1",
        "1e",
        "+",
        "ü",
        "\u{feff}",
        "\0",
        "a",
        "DELIMITER ",
        "DELIMITER //",
        "\ndelimiter ;\n",
        "//",
        "CREATE ",
        "PROCEDURE ",
        "FUNCTION ",
        "TRIGGER ",
        "BEGIN ",
        "ATOMIC ",
        "NOT ",
        "END ",
        "CASE ",
        "IF ",
        "LOOP ",
        "DO ",
        "UNTIL ",
        "COPY ",
        "FROM ",
        "STDIN ",
        "WITH ",
        "AS ",
        "SELECT ",
        "PRAGMA ",
        "INDEX ",
        "ON ",
        "EXPLAIN ",
        "ANALYZE ",
        "DEFINER",
        "REINDEX ",
        "\n.x",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())]
}

fn dialect() -> impl Strategy<Value = &'static Lexis> {
    prop::sample::select(vec!["sqlite", "postgresql", "mysql"]).prop_map(lexis)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn tokens_of_any_text_follow_one_another(lexis in dialect(), text in script()) {
        let mut end = 0;
        for token in Lexer::new(lexis, &text, Span::whole(&text)) {
            let Ok(token) = token else { break };
            prop_assert!(end <= token.span.start && token.span.start < token.span.end);
            prop_assert!(text.get(token.span.start..token.span.end).is_some());
            end = token.span.end;
        }
        // Whatever cannot be read is an error, never a panic.
        let _ = significant(lexis, &text).count();
        let _ = line_comments(lexis, &text);
        let _ = shape(lexis, &text);
    }

    #[test]
    fn statements_of_any_text_follow_one_another(
        lexis in dialect(), text in script(), start in 0..60_usize, end in 0..200_usize,
    ) {
        for within in [Span::whole(&text), Span { start, end }] {
            match split(lexis, &text, within) {
                Ok(statements) => {
                    let mut last = within.start;
                    for statement in statements {
                        let Span { start, end } = statement.span;
                        prop_assert!(last <= start && start < end && end <= within.end.min(text.len()));
                        prop_assert!(text.get(start..end).is_some_and(|text| text == text.trim_ascii()));
                        if let Some(inner) = statement.inner {
                            prop_assert_eq!(&text[inner.start..inner.end], ";");
                            prop_assert!(start < inner.start && inner.end < end);
                        }
                        last = end;
                    }
                }
                Err(error) => prop_assert!(text.get(error.span.start..error.span.end).is_some()),
            }
        }
    }
}
