//! Several revisions in a row written as one: from the chain and a range to the text of a file and the edits of others.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::chain::layout::LayoutError;
use crate::chain::{
    Chain, Direction, Downgrade, Edit, Guard, Layout, Limits, Revision, RevisionId, Script, Wrapping, join,
};
use crate::dialect::{Ddl, Server};
use crate::plan::{ScriptError, Transaction, Transactions, decide_transaction};
use crate::sql::lexis::Lexis;
use crate::sql::{Statement, token};

/// Revisions that become one.
#[derive(Clone, Debug)]
pub struct Squash {
    /// What it is written in place of, in order.
    pub replaced: Vec<Arc<Revision>>,
    /// What it stands on.
    pub parents: Vec<RevisionId>,
    /// What else must be applied before it.
    pub depends_on: Vec<String>,
    /// The labels of what it replaces.
    pub labels: Vec<String>,
    /// The text of its sections, directives included.
    pub sections: String,
    /// What stands on it.
    pub children: Vec<Arc<Revision>>,
}

/// A range that cannot become one revision.
#[derive(Debug, thiserror::Error)]
pub enum SquashError {
    /// One revision is one already.
    #[error("{0} is one revision already")]
    Single(RevisionId),
    /// The first is not below the last.
    #[error("revision {last} does not stand on {first}")]
    NoRange {
        /// The first of the range.
        first: RevisionId,
        /// The last of the range.
        last: RevisionId,
    },
    /// A merge in the middle.
    #[error("revision {revision} joins {}: a squash is one line", join(parents, " and "))]
    Merge {
        /// The revision.
        revision: RevisionId,
        /// What it joins.
        parents: Vec<RevisionId>,
    },
    /// A branch in the middle.
    #[error("another branch begins in the middle: {child} stands on {revision}")]
    Branch {
        /// The revision of the range.
        revision: RevisionId,
        /// What stands on it and is not of the range.
        child: RevisionId,
    },
    /// A dependency into the range.
    #[error("revision {by} depends on {revision}, which would be no more")]
    Needed {
        /// The revision of the range.
        revision: RevisionId,
        /// The revision that depends on it.
        by: RevisionId,
    },
    /// Sections that do not go together.
    #[error(
        "the {} of {revision} runs {is}, and that of {other} {was}: one section cannot do both",
        direction.verb()
    )]
    Uneven {
        /// The way.
        direction: Direction,
        /// The revision.
        revision: RevisionId,
        /// How it runs.
        is: &'static str,
        /// The one before it.
        other: RevisionId,
        /// How that runs.
        was: &'static str,
    },
    /// Several transactions of their own.
    #[error("the {} of {revision} opens its own transaction: beside others it would no longer be all or nothing", direction.verb())]
    OwnTransaction {
        /// The way.
        direction: Direction,
        /// The revision.
        revision: RevisionId,
    },
    /// The sections cannot be read as one.
    #[error("the sections cannot be read as one: {}", error.kind)]
    Unreadable {
        /// What is wrong with the whole.
        #[source]
        error: Box<LayoutError>,
    },
    /// Put together, the text means something else.
    #[error("put together, the {} sections would be read as other statements than they are now", direction.verb())]
    Different {
        /// The way.
        direction: Direction,
    },
    /// The header of a revision that stands on the range cannot be edited.
    #[error("the header of revision {0} has no line that could be changed")]
    Header(RevisionId),
}

/// Decides what the revisions from `first` to `last` become; both ends are part of it.
pub fn squash(
    chain: &Chain,
    layout: &Layout,
    server: &Server,
    first: usize,
    last: usize,
) -> Result<Squash, SquashError> {
    let range = range(chain, first, last)?;
    let replaced: Vec<Arc<Revision>> = range.iter().map(|at| Arc::clone(&chain.revisions()[*at])).collect();
    let lexis = server.dialect().lexis();
    let up = upgrade(layout, lexis, server, &replaced)?;
    let down = downgrade(layout, lexis, server, &replaced)?;
    let sections = format!("{}\n\n{}\n", up.trim_end(), down.trim_end());
    read_again(layout, lexis, server, &sections, &replaced)?;
    let outside = |name: &&String| {
        let place = chain.place(&name.as_str().into()).or_else(|| chain.labelled(name));
        !place.is_some_and(|place| range.contains(&place))
    };
    let mut depends_on: Vec<String> = Vec::new();
    for name in replaced.iter().flat_map(|revision| revision.depends_on.iter().filter(outside)) {
        if !depends_on.contains(name) {
            depends_on.push(name.clone());
        }
    }
    Ok(Squash {
        parents: replaced[0].parents.clone(),
        depends_on,
        labels: replaced.iter().flat_map(|revision| revision.labels.clone()).collect(),
        sections,
        children: chain.children(last).iter().map(|at| Arc::clone(&chain.revisions()[*at])).collect(),
        replaced,
    })
}

impl Squash {
    /// The edits after which what stood on the last of the replaced revisions stands on the squash `id`.
    pub fn edits(&self, layout: &Layout, lexis: &Lexis, id: &RevisionId) -> Result<Vec<Edit>, SquashError> {
        let last = self.replaced.last().map(|revision| &revision.id);
        let edit = |child: &Arc<Revision>| {
            let edit = layout.reparented(lexis, &child.source, last, Some(id));
            edit.ok_or_else(|| SquashError::Header(child.id.clone()))
        };
        self.children.iter().map(edit).collect()
    }
}

/// The places from `first` to `last`, each the only child of the one before it.
fn range(chain: &Chain, first: usize, last: usize) -> Result<Vec<usize>, SquashError> {
    let id = |at: usize| chain.revisions()[at].id.clone();
    if first == last {
        return Err(SquashError::Single(id(first)));
    }
    let mut range = vec![last];
    let mut at = last;
    while at != first {
        at = match chain.parents(at) {
            [only] => *only,
            _ if !chain.ancestors([at]).contains(&first) => {
                return Err(SquashError::NoRange { first: id(first), last: id(last) });
            }
            several => {
                return Err(SquashError::Merge {
                    revision: id(at),
                    parents: chain.ids(several.iter().copied()),
                });
            }
        };
        range.push(at);
    }
    range.reverse();
    for at in &range {
        let beside = |child: &&usize| !range.contains(child);
        if *at != last
            && let Some(child) = chain.children(*at).iter().find(beside)
        {
            return Err(SquashError::Branch { revision: id(*at), child: id(*child) });
        }
        if let Some(by) = chain.dependents(*at).iter().find(beside) {
            return Err(SquashError::Needed { revision: id(*at), by: id(*by) });
        }
    }
    Ok(range)
}

fn upgrade(
    layout: &Layout,
    lexis: &Lexis,
    server: &Server,
    replaced: &[Arc<Revision>],
) -> Result<String, SquashError> {
    section(layout, lexis, server, Direction::Up, replaced.iter())
}

fn downgrade(
    layout: &Layout,
    lexis: &Lexis,
    server: &Server,
    replaced: &[Arc<Revision>],
) -> Result<String, SquashError> {
    // One that has no way back is in the way of all of them.
    let one_way = replaced.iter().rev().find_map(|revision| match &revision.downgrade {
        Downgrade::Script(_) => None,
        Downgrade::Irreversible(reason) => Some(format!("{}: {reason}", revision.id)),
        Downgrade::Missing => Some(format!("{} has no downgrade section", revision.id)),
    });
    match one_way {
        Some(reason) => Ok(format!("-- {}irreversible {reason}\n", layout.directive)),
        None => section(layout, lexis, server, Direction::Down, replaced.iter().rev()),
    }
}

/// One section out of many, with a line before each that says where it comes from.
fn section<'a>(
    layout: &Layout,
    lexis: &Lexis,
    server: &Server,
    direction: Direction,
    revisions: impl Iterator<Item = &'a Arc<Revision>> + Clone,
) -> Result<String, SquashError> {
    let mut text = format!("-- {}{}\n", layout.directive, direction.verb());
    if together(server, direction, revisions.clone())? == Some(Wrapping::Forbidden) {
        let _ = writeln!(text, "-- {}no-transaction", layout.directive);
    }
    let scripts = revisions.clone().filter_map(|revision| revision.script(direction));
    let limits = limits(scripts.filter(|script| !script.statements.is_empty()));
    for (word, limit) in [
        ("lock-wait", limits.lock_wait),
        ("statement-timeout", limits.statement),
        ("revision-timeout", limits.revision),
    ] {
        if let Some(limit) = limit {
            let _ = writeln!(text, "-- {}{word} {}ms", layout.directive, limit.as_millis());
        }
    }
    for revision in revisions {
        let _ = writeln!(text, "-- from {}: {}", revision.id, revision.message);
        if let Some(body) = layout.body(lexis, &revision.source, direction) {
            text.push_str(&ended(lexis, body));
        }
        text.push('\n');
    }
    Ok(text)
}

/// How long the whole may take: of a limit that all sections have, the longest; all times together for the revision. One
/// that only some have would stop the others short.
fn limits<'a>(scripts: impl Iterator<Item = &'a Script> + Clone) -> Limits {
    let all = |pick: fn(&Limits) -> Option<Duration>| -> Option<Vec<Duration>> {
        scripts.clone().map(|script| pick(&script.limits)).collect()
    };
    // Zero is no limit, which is longer than any.
    let unlimited = |times: &[Duration]| times.iter().any(Duration::is_zero);
    let longest = |times: Vec<Duration>| match unlimited(&times) {
        true => Some(Duration::ZERO),
        false => times.into_iter().max(),
    };
    Limits {
        lock_wait: all(|limits| limits.lock_wait).and_then(longest),
        statement: all(|limits| limits.statement).and_then(longest),
        revision: all(|limits| limits.revision).filter(|times| !times.is_empty()).map(
            |times| match unlimited(&times) {
                true => Duration::ZERO,
                false => times.into_iter().sum(),
            },
        ),
    }
}

/// The text of a section, its last statement closed: another one follows.
fn ended(lexis: &Lexis, body: String) -> String {
    let statements = |text: &str| {
        let split = crate::sql::split(lexis, text, crate::sql::Span::whole(text));
        split.unwrap_or_default()
    };
    let found = statements(&body);
    let Some(last) = found.last() else { return body };
    if statements(&format!("{body}\nSELECT 1")).len() > found.len() {
        return body;
    }
    let bare = !last.ends_in_line_comment && body[last.span.end..].trim().is_empty();
    if bare { format!("{};\n", body.trim_end()) } else { format!("{}\n;\n", body.trim_end()) }
}

/// What is one transaction in a section, unless somebody wants something else of a plan.
fn decide(script: &Script, revision: &Revision, server: &Server) -> Result<Transaction, ScriptError> {
    decide_transaction(script, &revision.source, server, Transactions::PerRevision).map_err(|(kind, _)| kind)
}

/// How a section runs, in words.
fn manner(transaction: Transaction, statements: usize) -> &'static str {
    match transaction {
        Transaction::Wrapped { from: 0, to } if to == statements => "in limbeck's transaction",
        Transaction::Wrapped { .. } => "with pragmas before or behind the transaction",
        Transaction::Own => "in a transaction of its own",
        Transaction::Each => "outside a transaction",
    }
}

/// Whether the sections of one way go together: all in one transaction, or all without; and then whether the file must
/// say so.
fn together<'a>(
    server: &Server,
    direction: Direction,
    revisions: impl Iterator<Item = &'a Arc<Revision>>,
) -> Result<Option<Wrapping>, SquashError> {
    let mut first: Option<(&Revision, Transaction, usize)> = None;
    let mut wrapping = None;
    let scripts = revisions.filter_map(|revision| Some((revision, revision.script(direction)?)));
    for (revision, script) in scripts.filter(|(_, script)| !script.statements.is_empty()) {
        if script.wrapping == Wrapping::Forbidden {
            wrapping = Some(Wrapping::Forbidden);
        }
        // Where DDL commits by itself there is no transaction to keep.
        if server.ddl() == Ddl::Committing {
            continue;
        }
        let count = script.statements.len();
        // One that cannot be planned is in the way as a statement by itself; the upgrade says why.
        let transaction = decide(script, revision, server).unwrap_or(Transaction::Own);
        let Some((before, was, statements)) = first else {
            first = Some((revision, transaction, count));
            continue;
        };
        let (is, was) = (manner(transaction, count), manner(was, statements));
        if is != was {
            return Err(SquashError::Uneven {
                direction,
                revision: revision.id.clone(),
                is,
                other: before.id.clone(),
                was,
            });
        }
        let whole = matches!(transaction, Transaction::Wrapped { from: 0, to } if to == count);
        if !whole && transaction != Transaction::Each {
            return Err(SquashError::OwnTransaction { direction, revision: revision.id.clone() });
        }
    }
    Ok(wrapping)
}

/// Reads what was put together: it must be the statements that it was made of, and run as they did.
fn read_again(
    layout: &Layout,
    lexis: &Lexis,
    server: &Server,
    sections: &str,
    replaced: &[Arc<Revision>],
) -> Result<(), SquashError> {
    let text = format!("-- Revision ID: squash\n{sections}");
    let whole =
        layout.read(lexis, "squash", text.into_bytes()).map_err(|error| SquashError::Unreadable { error })?;
    for direction in [Direction::Up, Direction::Down] {
        let Some(script) = whole.script(direction) else { continue };
        let parts: Vec<&Arc<Revision>> = match direction {
            Direction::Up => replaced.iter().collect(),
            Direction::Down => replaced.iter().rev().collect(),
        };
        let before: Vec<Read<'_>> = parts
            .iter()
            .filter_map(|revision| Some((revision, revision.script(direction)?)))
            .flat_map(|(revision, script)| statements(lexis, revision, script))
            .collect();
        let planned = decide(script, &whole, server).is_ok();
        if !planned || statements(lexis, &whole, script) != before {
            return Err(SquashError::Different { direction });
        }
    }
    Ok(())
}

/// The statements of a script, each with its conditions and token by token.
fn statements<'a>(lexis: &'a Lexis, revision: &'a Revision, script: &'a Script) -> Vec<Read<'a>> {
    let read = |(index, statement): (usize, &Statement)| {
        let tokens = token::significant(lexis, revision.source.slice(statement.span));
        (script.guards_of(index).collect(), tokens.filter_map(Result::ok).collect())
    };
    script.statements.iter().enumerate().map(read).collect()
}

/// A statement as it was read: its conditions, and its tokens.
type Read<'a> = (Vec<&'a Guard>, Vec<&'a str>);

/// A statement of a revision that reaches beyond the database that it runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaching {
    /// The revision.
    pub revision: RevisionId,
    /// The first words of the statement.
    pub words: String,
}

/// The first statement of these revisions that would reach from a scratch database into the server or into `database`,
/// the one that the project is about: such statements must not be tried out.
pub fn reaching(
    chain: &Chain,
    server: &Server,
    database: &str,
    places: impl IntoIterator<Item = usize>,
) -> Option<Reaching> {
    let lexis = server.dialect().lexis();
    let rules = server.dialect().server_wide();
    places.into_iter().find_map(|at| {
        let revision = &chain.revisions()[at];
        let found = statements(lexis, revision, &revision.upgrade).into_iter().find(|(_, tokens)| {
            let named = tokens.windows(2).any(|pair| pair[1] == "." && is_name(pair[0], database));
            (named && !database.is_empty()) || rules.iter().any(|rule| begins(tokens, rule))
        });
        found.map(|(_, tokens)| Reaching {
            revision: revision.id.clone(),
            words: join(tokens.iter().take(4), " "),
        })
    })
}

/// Whether a token is this name, quoted or not.
fn is_name(token: &str, name: &str) -> bool {
    token.trim_matches(['"', '`', '[', ']']).eq_ignore_ascii_case(name)
}

/// Whether a statement begins with the words of a rule; `|` separates alternatives.
fn begins(tokens: &[&str], rule: &str) -> bool {
    let words: Vec<&str> = rule.split(' ').collect();
    words.len() <= tokens.len()
        && words
            .iter()
            .zip(tokens)
            .all(|(word, token)| word.split('|').any(|alternative| alternative.eq_ignore_ascii_case(token)))
}

/// One line of a schema that only one of two ways makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The old revisions make it, the squash does not.
    Lost(String),
    /// The squash makes it, the old revisions do not.
    Added(String),
}

/// Compares two schemas, each as sorted lines.
pub fn differences(old: &[String], new: &[String]) -> Vec<Difference> {
    let mut found = Vec::new();
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => return found,
            (Some(a), Some(b)) if a == b => {
                old.next();
                new.next();
            }
            (Some(a), b) if b.is_none_or(|b| a < b) => {
                found.push(Difference::Lost(a.to_string()));
                old.next();
            }
            (_, Some(b)) => {
                found.push(Difference::Added(b.to_string()));
                new.next();
            }
            (Some(_), None) => {}
        }
    }
}
