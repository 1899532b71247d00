//! A table of the books in memory: row writes go in, and what no database would take is an error.

use std::collections::BTreeMap;

use limbeck::chain::RevisionId;
use limbeck::ledger::record::Act;
use limbeck::ledger::{Row, RowWrite, State};
use limbeck::plan::Plan;

/// The rows, and the acts that were logged.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<RevisionId, Row>,
    pub log: Vec<(&'static str, RevisionId)>,
}

impl Table {
    /// A table that holds `rows`.
    pub fn holding(rows: &[Row]) -> Self {
        let rows = rows.iter().map(|row| (row.revision.clone(), row.clone())).collect();
        Self { rows, log: Vec::new() }
    }

    /// The rows, as they would be read.
    pub fn rows(&self) -> Vec<Row> {
        self.rows.values().cloned().collect()
    }

    /// Which revisions are in which state.
    pub fn states(&self) -> Vec<(RevisionId, State)> {
        self.rows.values().map(|row| (row.revision.clone(), row.state)).collect()
    }

    /// Writes what all steps of a plan write.
    pub fn take(&mut self, plan: &Plan) -> Result<(), String> {
        let writes = plan.steps.iter().flat_map(|step| step.before.iter().chain(&step.after));
        for write in writes {
            self.write(write).map_err(|what| format!("{write:?}: {what}\n{:?}", self.states()))?;
        }
        Ok(())
    }

    fn write(&mut self, write: &RowWrite) -> Result<(), &'static str> {
        let id = write.revision().clone();
        let here = self.rows.get_mut(&id);
        match (write, here) {
            (RowWrite::Insert { .. }, Some(_)) => return Err("the row is there already"),
            (RowWrite::Insert { revision, state, heads }, None) => {
                let total = revision.upgrade.statements.len() as u64;
                let row = Row {
                    revision: id.clone(),
                    description: revision.message.clone(),
                    checksum: revision.digest.tokens.to_string(),
                    file_checksum: revision.digest.bytes.to_string(),
                    state: *state,
                    done: if *state == State::Applied { total } else { 0 },
                    total,
                    error: None,
                    applied_at: None,
                    duration_ms: None,
                    applied_by: String::new(),
                    limbeck_version: String::new(),
                    heads: heads.as_deref().map(str::to_owned),
                };
                self.rows.insert(id, row);
            }
            (RowWrite::Depart { direction, total, .. }, Some(row)) => {
                row.state = State::in_flight(*direction);
                (row.done, row.total) = (0, *total as u64);
            }
            (RowWrite::Resume { done, total, .. }, Some(row)) if row.state != State::Applied => {
                (row.done, row.total) = (*done as u64, *total as u64);
                row.error = None;
            }
            (RowWrite::Accept { revision }, Some(row)) if row.state == State::Applied => {
                row.checksum = revision.digest.tokens.to_string();
                row.file_checksum = revision.digest.bytes.to_string();
            }
            (RowWrite::Arrive { .. }, Some(row)) if row.state == State::Upgrading => {
                row.state = State::Applied;
                row.done = row.total;
            }
            (RowWrite::Resume { .. } | RowWrite::Accept { .. } | RowWrite::Arrive { .. }, Some(_)) => {
                return Err("it is in no such state");
            }
            (RowWrite::Delete { .. }, Some(_)) => {
                self.rows.remove(&id);
            }
            // How long a step took is read from the clock of its row.
            (RowWrite::Log { act: Act::Upgrade | Act::Downgrade, .. }, None) => {
                return Err("its row is gone");
            }
            (RowWrite::Log { act, .. }, _) => self.log.push((act.name(), id)),
            (RowWrite::Progress { .. } | RowWrite::Failure { .. }, _) => return Err("no plan holds that"),
            (_, None) => return Err("there is no such row"),
        }
        Ok(())
    }
}
