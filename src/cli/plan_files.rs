//! Plan files on disk: written whole or not at all, and read with every doubt.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::plan_file::{Difference, KIND, PlanFile, SCHEMA_VERSION};

use super::exit::Exit;
use super::words::Failure;

/// This moment, as plan files tell it.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes a plan file. What stands there already must be one: nothing else is ever overwritten.
pub fn write(path: &Path, shown: &Path, plan: &PlanFile) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::new(Exit::Error, "plan-file", format!("cannot write {}: {error}", shown.display()))
            .hint("Check that its folder exists and may be written.")
    };
    if fs::symlink_metadata(path).is_ok() && !is_plan_file(path) {
        let message = format!("{} exists and is no plan file", shown.display());
        return Err(Failure::new(Exit::Error, "plan-file", message)
            .hint("Only a plan file of limbeck's is overwritten. Choose another name, or delete it first."));
    }
    let mut text = serde_json::to_string_pretty(plan).map_err(io::Error::from)?;
    text.push('\n');
    let beside = beside(path);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}

/// A name in the same folder, so that renaming it is one act.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", uuid::Uuid::new_v4().simple()))
}

fn is_plan_file(path: &Path) -> bool {
    // Not a pipe, which would be waited for.
    let regular = fs::metadata(path).is_ok_and(|data| data.is_file());
    let text = if regular { fs::read_to_string(path).ok() } else { None };
    text.and_then(|text| serde_json::from_str::<Value>(&text).ok()).is_some_and(|value| value["kind"] == KIND)
}

/// Reads a plan file.
pub fn read(path: &Path, shown: &Path) -> Result<PlanFile, Failure> {
    let bytes = fs::read(path).map_err(|error| {
        Failure::new(Exit::Error, "plan-file", format!("cannot read {}: {error}", shown.display()))
            .hint("`limbeck plan --out FILE` writes one.")
    })?;
    parse(&bytes).map_err(|difference| Failure::stale_plan(shown, &[difference]))
}

fn parse(bytes: &[u8]) -> Result<PlanFile, Difference> {
    let damaged = |error: serde_json::Error| Difference::Damaged(error.to_string());
    let value: Value = serde_json::from_slice(bytes).map_err(damaged)?;
    if value["kind"] != KIND {
        return Err(Difference::Damaged(format!("its `kind` is not `{KIND}`")));
    }
    match value["schema_version"].as_u64() {
        Some(version) if version > u64::from(SCHEMA_VERSION) => return Err(Difference::Newer(version)),
        Some(version) if version == u64::from(SCHEMA_VERSION) => {}
        _ => return Err(Difference::Damaged("its `schema_version` is none".to_owned())),
    }
    serde_json::from_value(value).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plan_file_is_told_from_a_newer_one() {
        for (text, says) in [
            ("", "damaged"),
            ("[]", "`kind`"),
            (r#"{"kind": "limbeck-plan"}"#, "`schema_version`"),
            (r#"{"kind": "limbeck-plan", "schema_version": 2, "what": "ever"}"#, "newer limbeck"),
            (r#"{"kind": "limbeck-plan", "schema_version": 1}"#, "missing field"),
        ] {
            let difference = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(difference.contains(says), "{text}: {difference}");
        }
    }
}
