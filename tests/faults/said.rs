//! What limbeck said of a run that something happened to, held against what the database says.

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value;

use crate::truth::Truth;

/// What a run with `--json` said.
pub struct Said {
    pub code: Option<i32>,
    lines: Vec<Value>,
    text: String,
}

impl Said {
    pub fn new(output: &Output) -> Self {
        let out = String::from_utf8_lossy(&output.stdout);
        let err = String::from_utf8_lossy(&output.stderr);
        let text = format!("{out}{err}");
        let json = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}:\n{text}"));
        let lines = out.lines().map(json).collect();
        Self { code: output.status.code(), lines, text: text.clone() }
    }

    /// Fails where it is not true; `before` is what was applied before the run.
    #[track_caller]
    pub fn holds(&self, truth: &Truth, before: &BTreeSet<String>) {
        let lies = self.lies(truth, before);
        assert!(
            lies.is_empty(),
            "{}\nThe books: {:#?}\nIt said:\n{}",
            lies.join("\n"),
            truth.books,
            self.text
        );
    }

    fn lies(&self, truth: &Truth, before: &BTreeSet<String>) -> Vec<String> {
        let mut lies = Vec::new();
        let Some(last) = self.lines.last() else { return vec!["it said nothing".to_owned()] };
        let failed = !last["error"].is_null();
        match self.code {
            Some(0) if !failed => {}
            Some(1 | 6 | 7 | 8) if failed => {}
            code => lies.push(format!("exit code {code:?}, and the last line is {last}")),
        }
        let now: BTreeSet<String> = truth.applied().into_iter().map(str::to_owned).collect();
        let state = |id: &str| truth.books.get(id).map(|row| row.state.as_str());
        let arrived = |says: &Value| {
            let id = says["revision"].as_str().unwrap_or_default();
            match says["direction"].as_str() {
                Some("upgrade") => state(id) == Some("applied"),
                _ => state(id).is_none(),
            }
        };
        let undone = self.lines.iter().any(|line| line["event"] == "undone");
        for line in &self.lines {
            match line["event"].as_str() {
                Some("step_done") if !undone && !arrived(line) => lies.push(format!("not so: {line}")),
                Some("step_failed") => {
                    let id = line["revision"].as_str().unwrap_or_default();
                    let departed = match line["direction"].as_str() {
                        Some("upgrade") => state(id).is_none(),
                        _ => state(id) == Some("applied"),
                    };
                    let so = match line["state"].as_str() {
                        Some("rolled_back") => departed,
                        Some("committed") => arrived(line),
                        Some("dirty") => state(id).is_some_and(|state| state != "applied"),
                        Some("unknown") => true,
                        _ => false,
                    };
                    if !so {
                        lies.push(format!("not so: {line}"));
                    }
                }
                _ => {}
            }
        }
        for done in last["done"].as_array().into_iter().flatten() {
            if !arrived(done) {
                lies.push(format!("not so, in the report: {done}"));
            }
        }
        let notes = format!("{} {}", last["error"]["notes"], last["error"]["hint"]);
        if (notes.contains("nothing was applied") || notes.contains("Nothing was changed")) && now != *before
        {
            lies.push(format!("not so: {notes}"));
        }
        // What to do next is always said.
        if failed && last["error"]["hint"].as_str().unwrap_or_default().is_empty() {
            lies.push(format!("no hint what to do: {last}"));
        }
        lies
    }
}
