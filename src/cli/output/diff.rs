//! What ran against what the file says now: a unified diff, and a document.

use console::style;
use serde_json::{Value, json};
use similar::TextDiff;

use crate::chain::RevisionId;
use crate::sql::SourceText;

/// One edited revision.
pub struct Difference {
    /// The revision.
    pub revision: RevisionId,
    /// Its file.
    pub file: String,
    /// The unified diff, empty without a difference; none where the books do not hold what ran.
    pub diff: Option<String>,
}

/// The unified diff from what ran to what the file says; empty without a difference.
pub fn unified(id: &RevisionId, ran: &str, file: &SourceText) -> String {
    TextDiff::from_lines(ran, file.text())
        .unified_diff()
        .context_radius(3)
        .header(&format!("{id} as applied"), file.name())
        .to_string()
}

/// A difference for people.
pub fn text(difference: &Difference) -> String {
    let Difference { revision, file, diff } = difference;
    let Some(diff) = diff else {
        return format!("{revision} ({file}) was edited, and what ran is not in the books\n");
    };
    let mut text = String::with_capacity(diff.len());
    for line in diff.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        let styled = match bare.as_bytes().first() {
            Some(b'+') => style(bare).green(),
            Some(b'-') => style(bare).red(),
            Some(b'@') => style(bare).cyan(),
            _ => style(bare),
        };
        text.push_str(&format!("{styled}{}", &line[bare.len()..]));
    }
    text
}

/// The differences of a service, for programs.
pub fn document(service: &str, differences: &[Difference]) -> Value {
    let differences: Vec<Value> = differences
        .iter()
        .map(|difference| {
            json!({
                "revision": difference.revision.as_str(),
                "file": difference.file,
                "diff": difference.diff,
            })
        })
        .collect();
    json!({ "service": service, "differences": differences })
}
