//! The tables.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

use crate::measure::{FAR, Far, Measured};
use crate::tool::{Installed, Tool};

/// Above this share of all cores the machine counts as busy with something else.
const BUSY: f64 = 0.1;

/// Which share of the machine is at work while this program is not.
pub fn busy() -> Option<f64> {
    let before = jiffies()?;
    sleep(Duration::from_secs(5));
    let after = jiffies()?;
    let (worked, all) = (after.0 - before.0, after.1 - before.1);
    Some(worked as f64 / all.max(1) as f64)
}

/// Working and all, since the machine started: the first line of /proc/stat, see proc_stat(5).
fn jiffies() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let fields = text.lines().next()?.strip_prefix("cpu ")?;
    let numbers: Vec<u64> =
        fields.split_whitespace().take(8).filter_map(|field| field.parse().ok()).collect();
    let idle = numbers.get(3)? + numbers.get(4)?;
    let all: u64 = numbers.iter().sum();
    Some((all - idle, all))
}

pub fn markdown(measured: &[Measured], installed: &Installed, busy: [Option<f64>; 2]) -> String {
    let mut text = String::new();
    for (when, share) in [("Before", busy[0]), ("After", busy[1])] {
        if let Some(share) = share.filter(|share| *share > BUSY) {
            let _ = writeln!(
                text,
                "**{when} the run the machine was {:.0} % busy with other work: the times below are those of a machine \
                 that was not quiet.**\n",
                share * 100.0
            );
        }
    }
    for engine in measured {
        section(&mut text, engine, installed);
    }
    text
}

fn section(text: &mut String, measured: &Measured, installed: &Installed) {
    let engine = measured.engine;
    let _ = writeln!(text, "### {} {}\n", engine.name(), measured.version);
    let mut revisions: Vec<usize> = measured.near.keys().map(|(_, revisions)| *revisions).collect();
    revisions.sort_unstable();
    revisions.dedup();
    let tools: Vec<Tool> =
        Tool::ALL.into_iter().filter(|tool| measured.near.keys().any(|(other, _)| tool == other)).collect();

    let columns: String =
        revisions.iter().map(|count| format!(" {} revisions |", thousands(*count))).collect();
    let most = thousands(revisions.last().copied().unwrap_or_default());
    let _ = writeln!(text, "| on one machine |{columns} nothing pending of {most} |");
    let _ = writeln!(text, "| --- |{} ---: |", " ---: |".repeat(revisions.len()));
    for tool in &tools {
        let _ = write!(text, "| {} |", named(*tool, measured, installed));
        for count in &revisions {
            let (found, ours) =
                (measured.near.get(&(*tool, *count)), measured.near.get(&(Tool::Limbeck, *count)));
            let _ = write!(text, " {} |", cell(found, ours, *tool));
        }
        let (found, ours) =
            (measured.nothing_pending.get(tool), measured.nothing_pending.get(&Tool::Limbeck));
        let _ = writeln!(text, " {} |", cell(found, ours, *tool));
    }
    text.push('\n');

    if !measured.far.is_empty() {
        let _ = write!(text, "| 20 ms away | {FAR} revisions: round trips | time ");
        let _ = writeln!(text, "| nothing pending of {FAR}: round trips | time |");
        text.push_str("| --- | ---: | ---: | ---: | ---: |\n");
        for tool in &tools {
            let _ = write!(text, "| {} |", named(*tool, measured, installed));
            for found in [&measured.far, &measured.far_nothing_pending] {
                let (found, ours) = (found.get(tool), found.get(&Tool::Limbeck));
                let took = cell(found.map(|it| &it.took), ours.map(|it| &it.took), *tool);
                let _ = write!(text, " {} | {took} |", round_trips(found, ours, *tool));
            }
            text.push('\n');
        }
        text.push('\n');
    }
    for (tool, why) in &measured.left_out {
        let _ = writeln!(text, "{} is left out: `{}`.\n", tool.name(engine), why.replace('`', "'"));
    }
}

fn named(tool: Tool, measured: &Measured, installed: &Installed) -> String {
    match installed.version(tool, measured.engine) {
        Some(version) => format!("{} ({version})", tool.name(measured.engine)),
        None => format!("`{}`", tool.name(measured.engine)),
    }
}

/// A time, and how many times limbeck's it is.
fn cell(found: Option<&Duration>, ours: Option<&Duration>, tool: Tool) -> String {
    match (found, ours) {
        (Some(found), Some(ours)) if tool != Tool::Limbeck => {
            format!("{} ({})", time(*found), ratio(found.as_secs_f64(), ours.as_secs_f64()))
        }
        (Some(found), _) => time(*found),
        (None, _) => String::new(),
    }
}

fn round_trips(found: Option<&Far>, ours: Option<&Far>, tool: Tool) -> String {
    match (found, ours) {
        (Some(found), Some(ours)) if tool != Tool::Limbeck => {
            format!("{} ({})", found.round_trips, ratio(found.round_trips as f64, ours.round_trips as f64))
        }
        (Some(found), _) => found.round_trips.to_string(),
        (None, _) => String::new(),
    }
}

fn ratio(theirs: f64, ours: f64) -> String {
    let ratio = theirs / ours;
    if ratio < 9.95 { format!("×{ratio:.2}") } else { format!("×{ratio:.0}") }
}

fn time(took: Duration) -> String {
    let milliseconds = took.as_secs_f64() * 1000.0;
    match milliseconds {
        ..100.0 => format!("{milliseconds:.1} ms"),
        ..1000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.2} s", milliseconds / 1000.0),
    }
}

fn thousands(count: usize) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) }
}
