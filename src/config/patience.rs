//! Settings about time and transactions: how long to wait, for what, and what is undone together.

use std::path::PathBuf;
use std::time::Duration;

use crate::backup::Backup;
use crate::chain::Limits;
use crate::duration;
use crate::plan::Transactions;

use super::file::File;
use super::{ConfigError, Given, shown};

/// How long to wait, for what, and what is undone together: where the settings say something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// How long to wait for another limbeck at work on the database.
    pub lock_timeout: Option<Duration>,
    /// How long a revision is tried again for while others hold the locks that it needs.
    pub lock_budget: Option<Duration>,
    /// How long the parts of a revision may take.
    pub limits: Limits,
    /// What is one transaction.
    pub transactions: Option<Transactions>,
}

impl Given {
    pub(super) fn patience(&self, prefix: &str, file: &File) -> Result<Patience, ConfigError> {
        let time = |name: &str, in_file: &Option<toml::Spanned<String>>| {
            self.read(prefix, name, in_file, |text| {
                duration::parse(text).map_err(|_| "it can be a time: 90, 500ms, 2m; 0 is no limit".to_owned())
            })
        };
        Ok(Patience {
            lock_timeout: time("LOCK_TIMEOUT", &file.lock_timeout)?,
            lock_budget: time("LOCK_BUDGET", &file.lock_budget)?,
            limits: Limits {
                lock_wait: time("LOCK_WAIT", &file.lock_wait)?,
                statement: time("STATEMENT_TIMEOUT", &file.statement_timeout)?,
                revision: time("REVISION_TIMEOUT", &file.revision_timeout)?,
            },
            transactions: self.read(prefix, "TRANSACTION", &file.transaction, |text| {
                Transactions::parse(text).ok_or_else(|| "it can be revision, all, none".to_owned())
            })?,
        })
    }

    /// How long to wait for a server: flag, environment, file, not at all.
    pub(super) fn wait(&self, prefix: &str, file: &File) -> Result<Duration, ConfigError> {
        let time = |text: &str| {
            duration::parse(text).map_err(|_| "it can be a time: 90, 500ms, 2m; 0 is not at all".to_owned())
        };
        match self.flags.wait {
            Some(wait) => Ok(wait),
            None => Ok(self.read(prefix, "WAIT", &file.wait, time)?.unwrap_or_default()),
        }
    }

    pub(super) fn backup(&self, prefix: &str, file: &File) -> Result<Option<Backup>, ConfigError> {
        self.read(prefix, "BACKUP", &file.backup, |text| {
            Backup::parse(text).ok_or_else(|| "it can be auto, always, never".to_owned())
        })
    }

    pub(super) fn backup_dir(&self, prefix: &str, file: &File) -> Option<PathBuf> {
        let variable = format!("{prefix}_BACKUP_DIR");
        let folder = self.variable(&variable).map(|(folder, _)| folder).or(file.backup_dir.as_deref());
        folder.map(|folder| self.root.join(folder))
    }

    /// A setting of the environment, else of `limbeck.toml`, read by `read`, which says what it can be.
    pub(super) fn read<T>(
        &self,
        prefix: &str,
        name: &str,
        in_file: &Option<toml::Spanned<String>>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let variable = format!("{prefix}_{name}");
        if let Some((value, from)) = self.variable(&variable) {
            return match read(value) {
                Ok(read) => Ok(Some(read)),
                Err(expected) => Err(ConfigError::Variable { variable, value: shown(value), from, expected }),
            };
        }
        let Some(in_file) = in_file else { return Ok(None) };
        match read(in_file.get_ref()) {
            Ok(read) => Ok(Some(read)),
            Err(expected) => {
                let what = format!("`{}` cannot be used here: {expected}", shown(in_file.get_ref()));
                Err(self.wrong_in_file(in_file.span(), what))
            }
        }
    }
}
