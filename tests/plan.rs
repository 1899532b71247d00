//! Chain, books and goal in, plan out: the cases of `plan/*.txt`, whose form `plan/goals.txt` describes.

#[path = "plan/audit.rs"]
mod audit;
#[path = "plan/table.rs"]
mod table;
#[path = "plan/written.rs"]
mod written;

use std::fmt::Write as _;

use limbeck::chain::{Chain, Direction, Goal, RevisionId};
use limbeck::dialect::{Backend, Dialect, Server};
use limbeck::ledger::record::LIMBECK_VERSION;
use limbeck::ledger::{Actor, Books, Content, Format, Row, RowWrite, State, Tables};
use limbeck::plan::{
    Action, Edits, Facts, Late, Note, Order, Plan, PlanError, Policy, Purge, Scope, Step, Transaction, Way,
};
use limbeck::sql::{SourceText, Span};

use table::Table;
use written::{Down, Written};

/// What a plan is made from, and how much of it is shown.
struct Setting {
    written: Vec<Written>,
    archive: Vec<Written>,
    backend: Backend,
    content: Content,
    books: Option<String>,
    show: String,
    edits: Edits,
    late: Late,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            written: Vec::new(),
            archive: Vec::new(),
            backend: Backend::Postgres,
            content: Content::Some,
            books: Some(String::new()),
            show: String::new(),
            edits: Edits::Refused,
            late: Late::Ask,
        }
    }
}

impl Setting {
    /// Takes one line of a case, with the lines indented below it. Says no to a line that is a command.
    fn take(&mut self, head: &str, below: &str) -> bool {
        let Some((word, rest)) = head.split_once(':') else { return false };
        let rest = rest.trim();
        match word.split_once(' ').unwrap_or((word, "")) {
            ("chain", "") => self.written = written::chain(&format!("{rest} {}", below.replace('\n', " "))),
            ("archive", "") => self.archive = written::chain(rest),
            ("on", "") => {
                let (name, empty) = rest.split_once(", ").unwrap_or((rest, ""));
                self.backend = Backend::parse(name).unwrap_or_else(|| panic!("{name} is no dialect"));
                if empty == "empty" {
                    self.content = Content::Empty;
                }
            }
            ("books", "") => self.books = Some(rest.to_owned()).filter(|rest| rest != "none"),
            ("show", "") => rest.clone_into(&mut self.show),
            ("edits", "") if rest == "allowed" => self.edits = Edits::Allowed,
            ("late", "") => self.late = Late::parse(rest).unwrap_or_else(|| panic!("late: {rest}")),
            ("up", id) => self.revision(id).up = Some(section(rest, below)),
            ("down", id) => self.revision(id).down = Down::Text(section(rest, below)),
            _ => return false,
        }
        true
    }

    fn revision(&mut self, id: &str) -> &mut Written {
        let found = self.written.iter_mut().find(|written| written.id == id);
        found.unwrap_or_else(|| panic!("the chain has no {id}"))
    }

    /// The revisions in the books.
    fn known(&self) -> Vec<RevisionId> {
        let entries = self.books.as_deref().unwrap_or_default().split(", ").filter(|entry| *entry != "old");
        let ids = entries.map(|entry| entry.split(' ').next().unwrap_or_default());
        ids.filter(|id| !id.is_empty()).map(RevisionId::from).collect()
    }

    fn rows(&self, chain: &Chain) -> Vec<Row> {
        let books =
            self.books.as_deref().unwrap_or_default().trim_start_matches("old, ").trim_start_matches("old");
        let mut rows: Vec<Row> =
            books.split(", ").filter(|entry| !entry.is_empty()).map(|entry| row(chain, entry)).collect();
        rows.sort_by(|a, b| a.revision.cmp(&b.revision));
        rows
    }
}

/// The text of a section: what stands behind the colon, or in the lines below.
fn section(rest: &str, below: &str) -> String {
    if below.is_empty() { rest.to_owned() } else { below.to_owned() }
}

/// Reads `b`, `b edited`, `b reformatted`, `b upgrading 1/3`.
fn row(chain: &Chain, entry: &str) -> Row {
    let (id, said) = entry.split_once(' ').unwrap_or((entry, ""));
    let mut row = written::row(chain, id);
    match said.split_once(' ') {
        None if said.is_empty() => {}
        Some(("heads", heads)) => row.heads = Some(heads.replace('/', ", ")),
        None if said == "edited" => "another".clone_into(&mut row.checksum),
        None if said == "reformatted" => "another".clone_into(&mut row.file_checksum),
        Some((state, counts)) => {
            row.state = state.parse::<State>().unwrap_or_else(|error| panic!("{entry}: {error}"));
            let (done, total) = counts.split_once('/').unwrap_or_else(|| panic!("{entry}: 1/3 is meant"));
            (row.done, row.total) = (done.parse().expect("a count"), total.parse().expect("a count"));
        }
        None => panic!("what is `{entry}` in the books?"),
    }
    row
}

/// Does what `command` says. Here, and only here, the library is called.
fn outcome(setting: &Setting, command: &str) -> String {
    let chain = written::read(&setting.written, setting.backend);
    let archived = setting.archive.iter().map(|written| written.read(setting.backend)).collect();
    let chain = chain.with_archive(archived).unwrap_or_else(|error| panic!("{error}"));
    let known = setting.known();
    let seen = chain.seen_by(&known.iter().collect()).unwrap_or_else(|error| panic!("{error}"));
    let chain = seen.unwrap_or(chain);
    let server = Server::assumed(setting.backend);
    let format = Format::limbeck(None, "default");
    let rows = setting.rows(&chain);
    let tables = match setting.books.as_deref() {
        None => Tables::Absent,
        Some(books) if books.starts_with("old") => Tables::Outdated,
        Some(_) => Tables::Present,
    };
    let books = Books { tables, content: setting.content, rows };
    let policy = Policy { edits: setting.edits, late: setting.late, ..Policy::default() };
    let facts = Facts { chain: &chain, books: &books, server: &server, format: &format, policy };
    let mut words = command.split(' ');
    let verb = words.next().unwrap_or_default();
    if verb == "resolve" {
        return resolved(setting, &facts, &words.collect::<Vec<_>>());
    }
    if verb == "accept" {
        let (name, reason) = command["accept ".len()..].split_once(": ").expect("accept REV: REASON");
        return match facts.accept(name, reason) {
            Ok(plan) => shown(setting, &chain, &books.rows, &plan),
            Err(error) => refused(&error),
        };
    }
    let purge = if command.contains(" --purge") { Purge::Yes } else { Purge::No };
    let goals: Result<Vec<Goal>, _> = words.filter(|word| *word != "--purge").map(str::parse).collect();
    let plan = goals.map_err(PlanError::from).and_then(|goals| match (verb, goals.as_slice()) {
        ("upgrade", [goal]) => facts.upgrade(goal),
        ("downgrade", [goal]) => facts.downgrade(goal),
        ("goto", [goal]) => facts.goto(goal),
        ("stamp", goals) => facts.stamp(goals, purge),
        _ => panic!("what is `{command}`?"),
    });
    match plan {
        Ok(plan) => shown(setting, &chain, &books.rows, &plan),
        Err(error) => refused(&error),
    }
}

/// `resolve continue`, `resolve b done`.
fn resolved(setting: &Setting, facts: &Facts<'_>, words: &[&str]) -> String {
    let (named, way) = match words {
        [way] => (None, way),
        [named, way] => (Some(*named), way),
        _ => panic!("what is `resolve {words:?}`?"),
    };
    let ways = [Way::Continue(None), Way::Retry, Way::Undo, Way::Done];
    let way = ways.into_iter().find(|known| known.name() == *way).expect("a way out");
    match facts.resolve(named, way, None) {
        Ok(plan) => shown(setting, facts.chain, &facts.books.rows, &plan),
        Err(error) => refused(&error),
    }
}

fn refused(error: &PlanError) -> String {
    match error {
        PlanError::Script { source_text, span, .. } => {
            format!("refused: {error}\n{}", picture(source_text, *span))
        }
        PlanError::Irreversible { file, .. } => format!("refused: {error} ({file})"),
        _ => format!("refused: {error}"),
    }
}

/// The place as `file:line:column`, and the line with a caret below.
fn picture(source: &SourceText, span: Span) -> String {
    let at = source.position(span.start);
    let caret = " ".repeat(at.column - 1);
    format!("{}:{}:{}\n| {}\n| {caret}^", source.name(), at.line, at.column, source.line(at.line))
}

/// The plan as the case files write it, and the books that it leads to.
fn shown(setting: &Setting, chain: &Chain, rows: &[Row], plan: &Plan) -> String {
    let mut table = Table::holding(rows);
    table.take(plan).unwrap_or_else(|what| panic!("the books cannot take the plan: {what}"));
    let mut text = String::new();
    match setting.show.as_str() {
        "" => {
            let steps: Vec<String> = plan.steps.iter().map(signed).collect();
            let books: Vec<String> = table
                .rows()
                .iter()
                .map(|row| match row.state {
                    State::Applied => row.revision.to_string(),
                    state => format!("{} {state}", row.revision),
                })
                .collect();
            let _ = match (steps.is_empty(), books.is_empty()) {
                (true, _) => writeln!(text, "nothing"),
                (false, true) => writeln!(text, "{} = nothing", steps.join(" ")),
                (false, false) => writeln!(text, "{} = {}", steps.join(" "), books.join(", ")),
            };
        }
        "transactions" => {
            for step in &plan.steps {
                let _ = writeln!(text, "{} {}", signed(step), transaction(step));
            }
        }
        "rows" => {
            let mut lines = String::new();
            for step in &plan.steps {
                let list = |writes: &[RowWrite]| writes.iter().map(row_write).collect::<Vec<_>>().join(", ");
                let (before, after) = (list(&step.before), list(&step.after));
                let _ = writeln!(lines, "{} {}  {before} … {after}", signed(step), transaction(step));
            }
            text.push_str(&redacted(chain, plan.server.dialect(), &lines));
        }
        "sql" => text.push_str(&redacted(chain, plan.server.dialect(), &sql(plan))),
        other => panic!("what is `show: {other}`?"),
    }
    for note in &plan.notes {
        let _ = match note {
            Note::MakesBooks => writeln!(text, "note: makes the books"),
            Note::ExtendsBooks => writeln!(text, "note: extends the books"),
            Note::OneTransaction => writeln!(text, "note: one transaction"),
            Note::AllOrNothing => writeln!(text, "note: all or nothing"),
            Note::Edited(ids) => writeln!(text, "note: edited {ids:?}"),
            Note::Late(ids) => writeln!(text, "note: late {ids:?}"),
            Note::Beyond => writeln!(text, "note: beyond"),
            Note::GoesOn { revision, statement, of, line, text: says } => {
                writeln!(text, "note: {revision} goes on with {statement} of {of}, line {line}: {says}")
            }
            Note::Judged { revision, statement, verdict, seen } => {
                writeln!(text, "note: {revision} statement {statement} {verdict:?}: {seen}")
            }
            Note::TakesBack(revision) => writeln!(text, "note: takes back {revision}"),
            Note::MakesDatabase { name, .. } => writeln!(text, "note: makes the database {name}"),
            Note::Guarded { revision, statement, guards } => {
                let guards: Vec<String> = guards.iter().map(ToString::to_string).collect();
                writeln!(text, "note: {revision} statement {statement} {}", guards.join(" and "))
            }
            Note::NoRevisions => writeln!(text, "note: no revisions"),
        };
    }
    assert_eq!(
        plan.scope != Scope::PerRevision,
        plan.notes.contains(&Note::OneTransaction) || plan.notes.contains(&Note::AllOrNothing),
        "the note says what is done"
    );
    text.trim_end().to_owned()
}

fn signed(step: &Step) -> String {
    let sign = if step.direction.verb() == "upgrade" { '+' } else { '-' };
    let late = if step.order == Order::Late { "(late)" } else { "" };
    format!("{sign}{}{late}", step.revision.id)
}

fn transaction(step: &Step) -> String {
    match (step.action, step.transaction) {
        (Action::Record, _) => "recorded".to_owned(),
        (Action::Run, Transaction::Wrapped { from, to }) if from == 0 && to == step.statements() => {
            "wrapped".to_owned()
        }
        (Action::Run, Transaction::Wrapped { from, to }) => {
            format!("wrapped from statement {} to {to} of {}", from + 1, step.statements())
        }
        (Action::Run, Transaction::Own) => "own".to_owned(),
        (Action::Run, Transaction::Each) => "each".to_owned(),
    }
}

fn row_write(write: &RowWrite) -> String {
    let id = write.revision();
    match write {
        RowWrite::Insert { revision, state, .. } => {
            let total = revision.upgrade.statements.len();
            let done = if *state == State::Applied { total } else { 0 };
            format!("insert {id} {state} {done}/{total}")
        }
        RowWrite::Depart { direction, total, .. } => match direction {
            Direction::Down => format!("depart {id} 0/{total}"),
            Direction::Up => format!("depart up {id} 0/{total}"),
        },
        RowWrite::Resume { done, total, .. } => format!("resume {id} {done}/{total}"),
        RowWrite::Arrive { .. } => format!("arrive {id}"),
        RowWrite::Accept { .. } => format!("accept {id}"),
        RowWrite::Delete { .. } => format!("delete {id}"),
        RowWrite::Log { act, detail: None, .. } => format!("log {} {id}", act.name()),
        RowWrite::Log { act, detail: Some(detail), .. } => format!("log {} {id} ({detail})", act.name()),
        RowWrite::Progress { .. } | RowWrite::Failure { .. } => panic!("no plan holds {write:?}"),
    }
}

/// Every message to the server, whole.
fn sql(plan: &Plan) -> String {
    let actor = Actor { os_user: Some("ada".to_owned()), host: Some("mill".to_owned()) };
    let frame = plan.frame();
    let mut text = String::new();
    let mut message = |title: &str, batch: &limbeck::batch::Batch| {
        if !batch.is_empty() {
            let _ = write!(text, "--- {title}\n{}", batch.text());
        }
    };
    message("before", &frame.before);
    for step in &plan.steps {
        for batch in plan.batches(step, &actor) {
            message(step.revision.id.as_str(), &batch);
        }
    }
    message("after", &frame.after);
    text
}

/// Puts names in the place of what changes with every version.
fn redacted(chain: &Chain, dialect: &dyn Dialect, text: &str) -> String {
    let mut text = text.replace(&format!("'{LIMBECK_VERSION}'"), "'<version>'");
    for revision in chain.revisions() {
        let source = dialect.quote_text(revision.source.text());
        text = text
            .replace(&source, &format!("<text of {}>", revision.id))
            .replace(&revision.digest.tokens.to_string(), &format!("<tokens of {}>", revision.id))
            .replace(&revision.digest.bytes.to_string(), &format!("<bytes of {}>", revision.id));
    }
    text
}

/// One command of a case, and what should become of it.
fn check(title: &str, setting: &Setting, command: &str, expected: &str) -> Option<String> {
    let found = outcome(setting, command);
    (found != expected).then(|| {
        format!("# {title}: {command}\nexpected\n{}\nfound\n{}\n", indented(expected), indented(&found))
    })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// Runs the cases of a file: at least `least` commands, so that none gets lost.
fn check_file(text: &str, least: usize) {
    let mut commands = 0;
    let mut failures = Vec::new();
    for case in format!("\n{text}").split("\n# ").skip(1) {
        let (title, lines) = case.split_once('\n').expect("a title is a line");
        let mut setting = Setting::default();
        let mut lines = lines.lines().filter(|line| !line.starts_with("//")).peekable();
        while let Some(head) = lines.next() {
            let mut below = Vec::new();
            while let Some(line) = lines.next_if(|line| line.starts_with("  ")) {
                below.push(&line[2..]);
            }
            let below = below.join("\n");
            if !head.is_empty() && !setting.take(head, &below) {
                commands += 1;
                failures.extend(check(title, &setting, head, &below));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {commands} fail:\n{}", failures.len(), failures.join("\n"));
    assert!(commands >= least, "only {commands} commands were read");
}

#[test]
fn goals() {
    check_file(include_str!("plan/goals.txt"), 100);
}

#[test]
fn graphs() {
    check_file(include_str!("plan/graphs.txt"), 40);
}

#[test]
fn books() {
    check_file(include_str!("plan/books.txt"), 30);
}

#[test]
fn stamps() {
    check_file(include_str!("plan/stamps.txt"), 25);
}

#[test]
fn squashes() {
    check_file(include_str!("plan/squashes.txt"), 40);
}

#[test]
fn resolves() {
    check_file(include_str!("plan/resolves.txt"), 8);
}

#[test]
fn accepts() {
    check_file(include_str!("plan/accepts.txt"), 10);
}

#[test]
fn transactions() {
    check_file(include_str!("plan/transactions.txt"), 40);
}

#[test]
fn messages() {
    check_file(include_str!("plan/messages.txt"), 6);
}
