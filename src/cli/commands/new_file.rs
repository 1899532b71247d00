//! Writes new revision files: names, ids, numbers.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::chain::Chain;
use crate::chain::layout::{self, NewRevision};
use crate::config::Service;
use crate::convention;
use crate::dialect::Backend;
use crate::folder;

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::json;
use super::super::words::Failure;

/// What a new revision says besides its id and its date.
#[derive(Debug)]
pub(super) struct New<'a> {
    pub(super) message: &'a str,
    pub(super) parents: Vec<String>,
    pub(super) labels: Vec<String>,
    pub(super) depends_on: Vec<String>,
    pub(super) replaces: Vec<String>,
    pub(super) sections: Option<String>,
}

/// A new file, not written yet.
pub(super) struct Draft {
    backend: Backend,
    pub(super) path: PathBuf,
    pub(super) id: String,
    pub(super) text: String,
}

/// A new id: 12 hex digits.
pub(super) fn new_id() -> String {
    let mut id = uuid::Uuid::new_v4().simple().to_string();
    // The last 12, as Alembic takes them: all random, where the first 12 hold the version digit of the UUID.
    id.split_off(20)
}

/// Refuses an id that an id cannot be.
pub(super) fn checked_id(id: &str) -> Result<(), Failure> {
    if layout::is_id(id) {
        return Ok(());
    }
    Err(Failure::usage(
        format!("`{id}` cannot be a revision id"),
        "Letters, digits, `_`, `-` and `.` can, 64 of them at most.",
    ))
}

/// Refuses a message that would not fit into one line of the header.
pub(super) fn checked_message(message: &str) -> Result<&str, Failure> {
    let message = message.trim();
    if message.is_empty() || message.chars().any(char::is_control) {
        return Err(Failure::usage(
            "the message must be one line that says something",
            "For example: -m \"add users\"",
        ));
    }
    if !convention::LIMBECK.layout.is_message(message) {
        return Err(Failure::usage(
            format!("the message `{message}` would be read as a line of the header"),
            "Begin it with another word.",
        ));
    }
    Ok(message)
}

/// Prepares a new file in the chain of `backend`.
pub(super) fn draft(
    context: &Context,
    service: &Service,
    backend: Backend,
    chain: &Chain,
    id: &str,
    new: &New<'_>,
) -> Result<Draft, Failure> {
    if let Some(taken) = chain.get(&id.into()) {
        return Err(Failure::new(
            Exit::Error,
            "taken",
            format!("the revision id {id} is taken by {}", taken.source.name()),
        )
        .hint("Choose another with --rev-id, or let limbeck choose."));
    }
    if let Some(squash) = chain.replaced_by(&id.into()) {
        let says =
            format!("the revision id {id} is taken: the squash {squash} replaced the revision that had it");
        return Err(Failure::new(Exit::Error, "taken", says)
            .hint("Choose another with --rev-id, or let limbeck choose."));
    }
    let now = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let name = context
        .config
        .file_template
        .replace("{rev}", id)
        .replace("{name}", &slug(&context.config.name))
        .replace("{n}", &(chain.highest_number() + 1).to_string())
        .replace("{slug}", &slug(new.message))
        .replace("{year}", &format!("{:04}", now.year()))
        .replace("{month}", &format!("{:02}", now.month()))
        .replace("{day}", &format!("{:02}", now.day()))
        .replace("{hour}", &format!("{:02}", now.hour()))
        .replace("{minute}", &format!("{:02}", now.minute()))
        .replace("{second}", &format!("{:02}", now.second()));
    let layout = convention::LIMBECK.layout;
    let file = format!("{name}{}", layout.extension);
    if file.contains(['/', '\\', '{', '}']) || file.starts_with('.') {
        return Err(Failure::new(Exit::Error, "file-template", format!("`file_template` makes the file name `{file}`"))
            .hint("It can use {rev} {name} {n} {slug} {year} {month} {day} {hour} {minute} {second}, and names no folder."));
    }
    let created = now.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let text = layout.write(&NewRevision {
        id,
        message: new.message,
        parents: &new.parents,
        labels: &new.labels,
        depends_on: &new.depends_on,
        replaces: &new.replaces,
        sections: new.sections.as_deref(),
        created: &created,
    });
    Ok(Draft { backend, path: service.migrations.join(backend.name()).join(file), id: id.to_owned(), text })
}

/// Writes the files, and says where they are.
pub(super) fn write(context: &Context, drafts: &[Draft]) -> Result<Exit, Failure> {
    for draft in drafts {
        folder::write_new(&draft.path, &draft.text)?;
        context.ui.say(&format!("Generated {}\n", context.shown(&draft.path).display()))?;
    }
    let files: Vec<_> = drafts
        .iter()
        .map(|draft| {
            serde_json::json!({
                "dialect": draft.backend.name(),
                "revision": draft.id,
                "file": context.shown(&draft.path).display().to_string(),
            })
        })
        .collect();
    context.ui.json(|| json::document(serde_json::json!({ "files": files })))?;
    Ok(Exit::Done)
}

/// Words joined by `_`, in lower case, 40 characters at most.
fn slug(text: &str) -> String {
    /// Alembic's `truncate_slug_length`.
    const LONGEST: usize = 40;
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let mut slug = String::new();
    for word in words {
        if !slug.is_empty() && slug.chars().count() + 1 + word.chars().count() > LONGEST {
            break;
        }
        if !slug.is_empty() {
            slug.push('_');
        }
        slug.push_str(&word);
    }
    slug.chars().take(LONGEST).collect()
}
