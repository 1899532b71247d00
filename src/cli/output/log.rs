//! The log: a table, all of it, and a document.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, ColumnConstraint, Width};
use console::style;
use serde_json::{Value, json};

use crate::ledger::Entry;

use super::super::ui::wrapped;
use super::human;

/// Below this width the version has no column of its own.
const WIDE: usize = 90;

/// The places of two columns.
const TOOK: usize = 3;
const WHO: usize = 4;

/// A line per act, `width` columns wide.
pub fn table(service: &str, entries: &[Entry], width: usize) -> String {
    let mut text = title(service);
    if entries.is_empty() {
        text.push_str("Nothing is logged.\n");
        return text;
    }
    let wide = width >= WIDE;
    let mut table = human::table(width);
    let mut header = vec!["When (UTC)", "Act", "Revision", "Took", "Who"];
    if wide {
        header.push("limbeck");
    }
    table.set_header(header);
    for entry in entries {
        let second = entry.happened_at.split('.').next().unwrap_or_default();
        let took = entry.duration_ms.map(duration).unwrap_or_default();
        let mut row = vec![
            Cell::new(second),
            Cell::new(human::one_line(&entry.act)),
            Cell::new(&entry.revision),
            Cell::new(took).set_alignment(CellAlignment::Right),
            Cell::new(human::one_line(&entry.who())),
        ];
        if wide {
            row.push(Cell::new(entry.limbeck_version.as_deref().unwrap_or_default()));
        }
        table.add_row(row);
    }
    // What a person would search for stays in one piece, where there is room; a long name of a host is broken.
    if width >= human::NARROW {
        for (at, column) in table.column_iter_mut().enumerate() {
            match at {
                // The frame keeps its place, whatever the milliseconds.
                TOOK => column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(8))),
                WHO => column,
                _ => column.set_constraint(ColumnConstraint::ContentWidth),
            };
        }
    }
    let _ = writeln!(text, "{table}");
    text
}

/// All that the log holds, an act a paragraph.
pub fn full(service: &str, entries: &[Entry], width: usize) -> String {
    let mut text = title(service);
    if entries.is_empty() {
        text.push_str("Nothing is logged.\n");
    }
    for (index, entry) in entries.iter().enumerate() {
        let Entry { happened_at, act, revision, .. } = entry;
        if index > 0 {
            text.push('\n');
        }
        let _ = writeln!(text, "{happened_at}  {act} {}", style(revision).yellow());
        for (name, value) in [
            ("Description", entry.description.clone()),
            ("Detail", entry.detail.clone()),
            ("Took", entry.duration_ms.map(duration)),
            ("Who", Some(entry.who()).filter(|who| !who.is_empty())),
            ("Checksum", entry.checksum.clone()),
            ("limbeck", entry.limbeck_version.clone()),
        ] {
            if let Some(value) = value {
                let line = human::one_line(&value);
                let _ = writeln!(text, "{}", wrapped(&format!("  {name}: {line}"), width));
            }
        }
    }
    text
}

/// The log of a service, for programs.
pub fn document(service: &str, entries: &[Entry]) -> Value {
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "happened_at": entry.happened_at,
                "act": entry.act,
                "revision": entry.revision.as_str(),
                "description": entry.description,
                "checksum": entry.checksum,
                "detail": entry.detail,
                "duration_ms": entry.duration_ms,
                "db_user": entry.db_user,
                "os_user": entry.os_user,
                "host": entry.host,
                "limbeck_version": entry.limbeck_version,
            })
        })
        .collect();
    json!({ "service": service, "entries": entries })
}

fn title(service: &str) -> String {
    if service == crate::config::DEFAULT_SERVICE {
        return String::new();
    }
    format!("{}\n", style(service).bold())
}

fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        _ => human::duration(Duration::from_millis(milliseconds)),
    }
}
