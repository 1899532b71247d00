//! For people: the plan, the table, the status.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table,
    TableStyle, Width,
};
use console::style;

use crate::chain::{Direction, Guard, RevisionId, join};
use crate::ledger::RowWrite;
use crate::manager::{HalfApplied, Status};
use crate::plan::{Action, Note, Order, Plan, Scope, Step, Transaction, Verdict};
use crate::review::Review;

use super::super::ui::wrapped;

/// How wide the rules above and below the title are.
const RULE: usize = 54;

/// How the text of a plan ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It is all that was asked for.
    There,
    /// A question or the run follows.
    Question,
}

/// A heavy header above light rows.
const FRAME: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('┏', '━', '┳', '┓'))
    .header_lines(ContentLineStyle::new('┃', '┃', '┃'))
    .header_separator(LineStyle::new('┡', '━', '╇', '┩'))
    .content_lines(ContentLineStyle::new('│', '│', '│'))
    .bottom_border(LineStyle::new('└', '─', '┴', '┘'));

/// Below this width the table keeps only what it must have.
pub(super) const NARROW: usize = 64;

/// The plan, `width` columns wide.
pub fn plan(review: &Review, width: usize, ends: Ends) -> String {
    let plan = &review.plan;
    let mut text = title("MIGRATION PLAN", width);
    let _ = writeln!(text, "Database Type: {}", plan.server.backend.name().to_uppercase());
    if !plan.server.version.is_empty() && plan.server.backend != crate::dialect::Backend::Sqlite {
        let _ = writeln!(text, "Server: {}", plan.server);
    }
    if plan.format.service != crate::config::DEFAULT_SERVICE {
        let _ = writeln!(text, "Service: {}", plan.format.service);
    }
    let _ = writeln!(text, "Current Revision: {}", ids_or_base(&plan.current));
    let _ = writeln!(text, "Target Revision: {}\n", plan.goal);
    if plan.steps.is_empty() {
        let why = plan.notes.iter().find_map(|note| match note {
            Note::NoRevisions => {
                Some("there are no revisions yet; `limbeck revision -m \"…\"` writes one".to_owned())
            }
            Note::Beyond => Some(format!(
                "{0} is applied already, and the database is past it; `limbeck downgrade {0}` goes back",
                plan.goal
            )),
            _ => None,
        });
        let why = why.unwrap_or_else(|| "the database is there already".to_owned());
        let _ = writeln!(text, "{}", wrapped(&format!("Nothing to do: {why}."), width));
        return text;
    }
    let _ = writeln!(text, "{}\n", steps(plan, width));
    let _ = writeln!(text, "{}\n", count(plan));
    for note in &plan.notes {
        let _ = writeln!(text, "{}\n", wrapped(&note_text(note), width));
    }
    if plan.steps.iter().any(|step| step.action == Action::Run) {
        let warning = match plan.direction {
            Direction::Up => "Warning: This will modify your database schema",
            Direction::Down => "Warning: This will modify your database schema and may lose data",
        };
        for line in wrapped(&format!("⚠ {warning}"), width).lines() {
            let _ = writeln!(text, "{}", style(line).yellow());
        }
    }
    if ends == Ends::Question && run(&plan.steps) > 0 {
        text.push('\n');
    }
    text
}

/// A title between two rules.
fn title(words: &str, width: usize) -> String {
    let rule = "━".repeat(RULE.min(width));
    let indent = (RULE.min(width).saturating_sub(words.len() + 1)) / 2;
    format!("{rule}\n{:indent$}{}\n{rule}\n\n", "", style(words).bold())
}

fn steps(plan: &Plan, width: usize) -> Table {
    let wide = width >= NARROW;
    let runs = plan.steps.iter().any(|step| step.action == Action::Run);
    let noted = plan.steps.iter().any(|step| !remarks(step, plan).is_empty());
    let mut table = table(width);
    let mut header = vec!["Revision", "Description"];
    if wide && runs {
        header.push("Statements");
    }
    if wide && noted {
        header.push("Notes");
    }
    // No colour inside the table: it would be counted as width.
    table.set_header(header);
    for step in &plan.steps {
        let mut row = vec![Cell::new(&step.revision.id), Cell::new(one_line(&step.revision.message))];
        if wide && runs {
            row.push(Cell::new(step.statements() - step.from).set_alignment(CellAlignment::Right));
        }
        if wide && noted {
            row.push(Cell::new(join(remarks(step, plan), ", ")));
        }
        table.add_row(row);
    }
    if wide && !noted {
        // The frame keeps its shape when ids and messages are short.
        let least = |longest: usize, columns: u16| match u16::try_from(longest) {
            Ok(longest) if longest + 2 < columns => ColumnConstraint::LowerBoundary(Width::Fixed(columns)),
            _ => ColumnConstraint::ContentWidth,
        };
        let longest = |text: &dyn Fn(&Step) -> usize| plan.steps.iter().map(text).max().unwrap_or(0);
        let ids = longest(&|step| step.revision.id.as_str().len());
        let messages = longest(&|step| console::measure_text_width(&one_line(&step.revision.message)));
        if ids + messages + 12 < width {
            table.set_constraints([least(ids, 17), least(messages, 31)]);
        }
    }
    table
}

pub(super) fn table(width: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(FRAME)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table
}

/// A message without line breaks or control characters, which would tear the table.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What is particular about a step.
fn remarks(step: &Step, plan: &Plan) -> Vec<String> {
    let replaces = step.replaces();
    if replaces > 0 {
        let noun = if replaces == 1 { "revision" } else { "revisions" };
        return vec![format!("recorded: replaces {replaces} applied {noun}")];
    }
    let mut remarks = Vec::new();
    if step.order == Order::Late {
        remarks.push("late");
    }
    if !step.guards.is_empty() {
        remarks.push("conditional");
    }
    if step.action == Action::Run && step.statements() == 0 && !step.revision.is_merge() {
        remarks.push("empty");
    }
    match (step.action, step.transaction) {
        (Action::Record, _) => remarks.push(match (step.before.as_slice(), step.direction) {
            ([RowWrite::Accept { .. }], _) => "books only: its file is accepted",
            (_, Direction::Up) => "books only: applied",
            (_, Direction::Down) => "books only: not applied",
        }),
        (Action::Run, Transaction::Each) => {
            if plan.server.ddl() == crate::dialect::Ddl::Transactional {
                remarks.push("no transaction");
            }
        }
        (Action::Run, Transaction::Own) => remarks.push("own transaction"),
        (Action::Run, Transaction::Wrapped { from, to }) => {
            if from > 0 || to < step.statements() {
                remarks.push("pragmas outside the transaction");
            }
        }
    }
    if step.direction == Direction::Up
        && step.action == Action::Run
        && step.revision.script(Direction::Down).is_none()
    {
        remarks.push("irreversible");
    }
    remarks.into_iter().map(str::to_owned).collect()
}

fn count(plan: &Plan) -> String {
    let verb = match plan.direction {
        _ if run(&plan.steps) == 0 => {
            let number = plan.steps.len();
            return format!("{} will be written into the books, and nothing run", migrations(number));
        }
        Direction::Up => "applied",
        Direction::Down => "reverted",
    };
    format!("{} will be {verb}{}", migrations(run(&plan.steps)), recorded_too(&plan.steps))
}

fn migrations(number: usize) -> String {
    if number == 1 { "1 migration".to_owned() } else { format!("{number} migrations") }
}

/// How many steps run something.
fn run(steps: &[Step]) -> usize {
    steps.iter().filter(|step| step.action == Action::Run).count()
}

/// What is said of the steps that only record, beside others.
fn recorded_too(steps: &[Step]) -> String {
    match steps.len() - run(steps) {
        0 => String::new(),
        recorded => format!(", and {recorded} only recorded"),
    }
}

/// A note, as one paragraph.
pub fn note_text(note: &Note) -> String {
    match note {
        Note::MakesDatabase { name, schema } => {
            let schema =
                schema.as_ref().map(|schema| format!(", with the schema {schema}")).unwrap_or_default();
            format!("The database {name} does not exist and will be created{schema}.")
        }
        Note::MakesBooks => {
            "The tables limbeck_revisions and limbeck_log will be made: the books of what is applied."
                .to_owned()
        }
        Note::ExtendsBooks => {
            "The table limbeck_revisions gets the columns source and heads: what ran, and what was there then.".to_owned()
        }
        Note::OneTransaction => {
            "The database is empty, so all of them run in one transaction; a failure keeps those before it."
                .to_owned()
        }
        Note::AllOrNothing => {
            "All of them run in one transaction: a failure takes the whole run back.".to_owned()
        }
        Note::Edited(ids) => {
            format!("⚠ Edited since they were applied: {}. `limbeck diff` shows the change.", join(ids, ", "))
        }
        Note::Judged { revision, statement, verdict, seen } => {
            format!("{revision}: {}", judged(*statement, *verdict, seen))
        }
        Note::TakesBack(revision) => format!(
            "What was done of {revision} is taken back; statements whose counterpart was not done are left out."
        ),
        Note::Guarded { revision, statement, guards } => {
            let guards: Vec<String> = guards.iter().map(Guard::in_words).collect();
            format!("{revision}: statement {statement} runs {}.", guards.join(" and "))
        }
        Note::Beyond | Note::NoRevisions => String::new(),
        Note::GoesOn { revision, statement, of, line, text } => {
            format!("{revision} goes on with statement {statement} of {of}, in line {line}: {text}")
        }
        Note::Late(ids) => format!(
            "⚠ Late: {} will be applied after revisions that stand beside it or on it in the chain.",
            join(ids, ", ")
        ),
    }
}

/// What is thought of a statement that was under way when a run ended.
fn judged(statement: usize, verdict: Verdict, seen: &str) -> String {
    let follows = match verdict {
        Verdict::Done => "it was done",
        Verdict::NotDone => "it was not done",
        Verdict::Repeatable => "it does no harm a second time",
        Verdict::Unknown => "nobody knows whether it was done",
    };
    let seen = if seen.is_empty() { String::new() } else { format!(" ({seen})") };
    format!("statement {statement} was under way when the run ended: {follows}{seen}.")
}

/// The ids, or `base` for none.
pub fn ids_or_base(ids: &[RevisionId]) -> String {
    if ids.is_empty() { "base".to_owned() } else { join(ids, ", ") }
}

/// What a run did, in one line.
pub fn done(plan: &Plan, done: usize, took: Duration) -> String {
    let steps = plan.steps.get(..done).unwrap_or(&plan.steps);
    let (number, verb) = match plan.direction {
        _ if run(&plan.steps) == 0 => (done, "written into the books"),
        Direction::Up => (run(steps), "applied"),
        Direction::Down => (run(steps), "reverted"),
    };
    let recorded = if run(&plan.steps) == 0 { String::new() } else { recorded_too(steps) };
    let whole = if plan.scope != Scope::PerRevision { " in one transaction" } else { "" };
    let number = migrations(number);
    format!("{} {number} {verb}{recorded}{whole} in {}", style("✓").green(), duration(took))
}

/// A time as people read it.
pub fn duration(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    match took.as_secs() {
        0 if seconds < 0.1 => format!("{:.1} ms", seconds * 1000.0),
        0 => format!("{:.0} ms", seconds * 1000.0),
        1..60 => format!("{seconds:.1} s"),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

/// Where a database stands.
pub fn status(service: &str, url: &str, status: &Status, half: &[HalfApplied], width: usize) -> String {
    let mut text = String::new();
    if service != crate::config::DEFAULT_SERVICE {
        let _ = writeln!(text, "{}", style(service).bold());
    }
    let _ = writeln!(text, "Database: {url}");
    let _ = writeln!(text, "Current:  {}", ids_or_base(&status.current));
    let _ = writeln!(
        text,
        "Heads:    {}",
        if status.heads.is_empty() { "none".to_owned() } else { join(&status.heads, ", ") }
    );
    let _ = writeln!(text, "Applied:  {}", status.applied);
    let _ = writeln!(text, "Pending:  {}", status.pending.len());
    for (id, replaced) in &status.unrecorded {
        let label = "Squash:   ";
        let says = format!("{id} replaces {replaced} of the applied; the next upgrade records it");
        let says = wrapped(&says, width.saturating_sub(label.len()).max(20));
        let _ = writeln!(text, "{label}{}", says.replace('\n', &format!("\n{}", " ".repeat(label.len()))));
    }
    /// More pending revisions than this are counted, not listed.
    const LISTED: usize = 20;
    if !status.pending.is_empty() {
        let mut table = table(width);
        table.set_header(["Pending", "Description"]);
        for revision in status.pending.iter().take(LISTED) {
            let late = if status.late.contains(&revision.id) { " (late)" } else { "" };
            table.add_row([format!("{}{late}", revision.id), one_line(&revision.message)]);
        }
        let _ = writeln!(text, "\n{table}");
        if status.pending.len() > LISTED {
            let _ = writeln!(text, "… and {} more; `limbeck plan` lists them", status.pending.len() - LISTED);
        }
    }
    for half in half {
        let row = &half.row;
        let _ = writeln!(
            text,
            "\n{} {} is half-applied: {} stopped after {} of {} statements",
            style("✗").red(),
            row.revision,
            row.state,
            row.done,
            row.total,
        );
        let mut line = |words: String| {
            let _ = writeln!(text, "{}", wrapped(&format!("  {words}"), width));
        };
        if let Some(at) = &half.at {
            line(format!("Statement {} ({}:{}): {}", row.done + 1, at.file, at.line, one_line(&at.text)));
        }
        if let Some(error) = &row.error {
            line(format!("The server said: {}", one_line(error)));
        }
        if let Some(evidence) = &half.evidence {
            line(judged(evidence.doubt.statement + 1, evidence.verdict(), &evidence.seen()));
        }
        line("`limbeck resolve` settles it: --continue, --undo, --retry or --done".to_owned());
    }
    for row in &status.missing {
        let _ = writeln!(
            text,
            "\n{} {} is applied and no file has it ({})",
            style("✗").red(),
            row.revision,
            one_line(&row.description)
        );
        let _ = writeln!(text, "  Bring it back: `limbeck show --applied {}` prints what ran", row.revision);
    }
    for (id, extent) in &status.edited {
        if *extent == crate::ledger::Extent::Statements {
            let _ = writeln!(text, "\n{} {id} was edited since it was applied", style("⚠").yellow());
            let _ = writeln!(text, "  `limbeck diff` shows the change, which belongs into a new revision");
        }
    }
    if status.heads.is_empty() && status.applied == 0 && status.missing.is_empty() {
        let _ = writeln!(text, "\nThere are no revisions yet; `limbeck revision -m \"…\"` writes one");
    } else if status.is_up_to_date() && status.missing.is_empty() {
        let _ = writeln!(text, "\n{} up to date", style("✓").green());
    }
    text
}
