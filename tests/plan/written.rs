//! Chains and books as the case files write them.

use limbeck::chain::layout::LIMBECK;
use limbeck::chain::{Chain, Revision};
use limbeck::dialect::Backend;
use limbeck::ledger::{Row, State};

/// One revision as written: `e<a,b #3 label=billing depends=c irreversible="the data is gone"`.
#[derive(Clone, Debug, Default)]
pub struct Written {
    pub id: String,
    pub parents: Vec<String>,
    pub number: Option<u64>,
    pub labels: Vec<String>,
    pub depends: Vec<String>,
    pub replaces: Vec<String>,
    /// What stands in the upgrade section; a table when nothing is written.
    pub up: Option<String>,
    pub down: Down,
}

/// The way back as written.
#[derive(Clone, Debug, Default)]
pub enum Down {
    /// The table is dropped.
    #[default]
    Usual,
    Text(String),
    Irreversible(String),
    Missing,
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

/// Reads `a; b<a; c<a label=left`.
pub fn chain(text: &str) -> Vec<Written> {
    text.split(';').map(str::trim).filter(|text| !text.is_empty()).map(revision).collect()
}

fn revision(text: &str) -> Written {
    let mut written = Written::default();
    let (text, reason) = match text.split_once(" irreversible=\"") {
        Some((text, reason)) => (text, Some(reason.trim_end_matches('"'))),
        None => (text, None),
    };
    if let Some(reason) = reason {
        written.down = Down::Irreversible(reason.to_owned());
    }
    for (at, word) in text.split(' ').enumerate() {
        match word.split_once('=') {
            _ if at == 0 => {
                let (id, parents) = word.split_once('<').unwrap_or((word, ""));
                id.clone_into(&mut written.id);
                written.parents = names(parents).into_iter().filter(|name| !name.is_empty()).collect();
            }
            Some(("label", labels)) => written.labels = names(labels),
            Some(("depends", depends)) => written.depends = names(depends),
            Some(("replaces", replaced)) => written.replaces = names(replaced),
            None if word == "no-downgrade" => written.down = Down::Missing,
            None if word.starts_with('#') => written.number = word[1..].parse().ok(),
            _ => panic!("what is `{word}` in `{text}`?"),
        }
    }
    written
}

impl Written {
    /// The file's name.
    pub fn file_name(&self) -> String {
        match self.number {
            Some(number) => format!("{}_cortex_db_version_{number}.sql", self.id),
            None => format!("{}.sql", self.id),
        }
    }

    /// The file's text.
    pub fn file_text(&self) -> String {
        let id = &self.id;
        let up = self.up.clone().unwrap_or_else(|| format!("CREATE TABLE t_{id} (n int);"));
        let down = match &self.down {
            Down::Usual => format!("\n-- limbeck:downgrade\nDROP TABLE t_{id};\n"),
            Down::Text(text) => format!("\n-- limbeck:downgrade\n{text}\n"),
            Down::Irreversible(reason) => format!("\n-- limbeck:irreversible {reason}\n"),
            Down::Missing => String::new(),
        };
        let replaces = match self.replaces.as_slice() {
            [] => String::new(),
            some => format!("-- Replaces: {}\n", some.join(", ")),
        };
        format!(
            "-- message of {id}\n--\n-- Revision ID: {id}\n-- Revises: {}\n-- Branch Labels: {}\n-- Depends On: {}\n{replaces}\n\
             -- limbeck:upgrade\n{up}\n{down}",
            self.parents.join(", "),
            self.labels.join(", "),
            self.depends.join(", "),
        )
    }

    /// The revision that limbeck reads.
    pub fn read(&self, backend: Backend) -> Revision {
        let bytes = self.file_text().into_bytes();
        LIMBECK
            .read(backend.dialect().lexis(), &self.file_name(), bytes)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", self.file_name(), self.file_text()))
    }
}

/// The chain that limbeck makes of these files.
pub fn read(written: &[Written], backend: Backend) -> Chain {
    let revisions = written.iter().map(|written| written.read(backend)).collect();
    Chain::new(revisions).unwrap_or_else(|error| panic!("{error}"))
}

/// The row of an applied revision; one that no file has is remembered by its id alone.
pub fn row(chain: &Chain, id: &str) -> Row {
    let revision = chain.get(&id.into());
    let total = revision.map_or(1, |revision| revision.upgrade.statements.len() as u64);
    Row {
        revision: id.into(),
        description: format!("message of {id}"),
        checksum: revision.map_or_else(String::new, |revision| revision.digest.tokens.to_string()),
        file_checksum: revision.map_or_else(String::new, |revision| revision.digest.bytes.to_string()),
        state: State::Applied,
        done: total,
        total,
        error: None,
        applied_at: Some("2026-11-20 09:30:00.000000".to_owned()),
        duration_ms: Some(1),
        applied_by: String::new(),
        limbeck_version: String::new(),
        heads: None,
    }
}
