//! The copy before the first step.
//!
//! SQLite makes it by `VACUUM INTO`: one statement, one read transaction, so that it is consistent while others write, and
//! what is in a WAL is in it too. (SQLite's backup API would need unsafe code here, and starts over when others write.)

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use crate::backup::{Backup, restore};
use crate::database_url::{DatabaseUrl, Place};
use crate::dialect::Server;
use crate::event::Event;
use crate::ledger::record::{Act, RowWrite};
use crate::ledger::{Content, Tables};
use crate::stop::Stop;

use super::super::driver::DbError;
use super::{ExecuteError, Run};

/// A copy that was not made. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It could not be made.
    #[error("the database could not be copied before the run: {0}")]
    Failed(String),
    /// Somebody asked to stop while it was made.
    #[error("interrupted while the database was copied")]
    Interrupted,
}

impl BackupError {
    /// It was not made, for this reason.
    pub fn new(why: impl fmt::Display) -> Self {
        Self::Failed(why.to_string())
    }
}

/// What a [`Dump`] comes to.
pub type Dumping<'a> = Pin<Box<dyn Future<Output = Result<(), BackupError>> + Send + 'a>>;

/// Copies the database of a server: by a program, which the library does not start by itself.
pub trait Dump: fmt::Debug + Send + Sync {
    /// Copies the database at `url` into a file. Ends early where `stop` asks for that.
    fn dump<'a>(
        &'a self,
        url: &'a DatabaseUrl,
        server: &'a Server,
        into: File,
        stop: &'a Stop,
    ) -> Dumping<'a>;
}

/// When a run copies the database first, where to, and by what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Copying<'a> {
    /// When.
    pub when: Backup,
    /// The folder for the copy; a SQLite file is copied beside itself unless this says otherwise.
    pub folder: Option<&'a Path>,
    /// What copies a server's database.
    pub dump: Option<&'a dyn Dump>,
}

impl Run<'_> {
    /// Copies the database where that is due, says so, and writes it into the log.
    pub(super) async fn back_up(&mut self) -> Result<(), ExecuteError> {
        let (copying, url, stop) = (self.terms.copying, self.terms.url, self.terms.stop);
        let due = self.session.content() == Content::Some && copying.when.is_due(self.plan);
        if !due || stop.is_asked() || url.place == Place::Memory {
            return Ok(());
        }
        let (to, part, file) = room(url, &self.plan.server, copying.folder)?;
        let made = match (&url.place, copying.dump) {
            (Place::Server(_), Some(dump)) => {
                let dumping = dump.dump(url, &self.plan.server, file, stop);
                self.keeping(dumping).await
            }
            (Place::Server(_), None) => Err(BackupError::new("nothing was given that copies a server")),
            (Place::Memory | Place::File(_), _) => self.vacuum_into(&part).await,
        };
        let made = made.and_then(|()| {
            let synced = File::open(&part).and_then(|file| file.sync_all());
            synced.and_then(|()| std::fs::rename(&part, &to)).map_err(BackupError::new)
        });
        if let Err(error) = made {
            let _ = std::fs::remove_file(&part);
            return Err(error.into());
        }
        let file = to.to_string_lossy().into_owned();
        let restore = restore(&self.plan.server, url, &file);
        if let Some(step) = self.plan.steps.first() {
            let detail = Some(format!("{file}; to restore it: {restore}").into());
            let log = RowWrite::Log { act: Act::Backup, revision: Arc::clone(&step.revision), detail };
            let sql = log.sql(&self.plan.format, self.plan.server.dialect(), self.terms.actor);
            self.copy_log = Some(sql);
        }
        self.tell(Event::BackedUp { file, restore });
        // Otherwise it is written once there is a log.
        if self.plan.tables == Tables::Present { self.log_copy().await } else { Ok(()) }
    }

    /// Writes the copy into the log, whose table must be there.
    pub(super) async fn log_copy(&mut self) -> Result<(), ExecuteError> {
        let Some(sql) = self.copy_log.take() else { return Ok(()) };
        match self.session.act(&sql).await {
            Ok(()) => Ok(()),
            Err(broken) => Err(self.books_error(broken.error)),
        }
    }

    async fn vacuum_into(&mut self, part: &Path) -> Result<(), BackupError> {
        let target = self.plan.server.dialect().quote_text(&part.to_string_lossy());
        self.session.act(&format!("VACUUM INTO {target}")).await.map_err(|broken| match broken.error {
            DbError::Server(error) => BackupError::new(error),
            other => BackupError::new(other),
        })
    }
}

/// A name for the copy that nobody has, and a new empty file beside it to write into: a copy has its name only once it is
/// whole. Nobody but its owner may read it.
fn room(
    url: &DatabaseUrl,
    server: &Server,
    folder: Option<&Path>,
) -> Result<(PathBuf, PathBuf, File), BackupError> {
    let beside = url.path().and_then(|path| Path::new(path).parent());
    let folder = folder.or(beside).ok_or_else(|| BackupError::new("no folder was given for it"))?;
    std::fs::create_dir_all(folder)
        .map_err(|error| BackupError::new(format!("{}: {error}", folder.display())))?;
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    // A database's name may hold what a file's may not.
    let name = url.name().replace(['/', '\\', '\0'], "_");
    for number in 1..100 {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let to = folder.join(format!("{name}.{now}{again}.{}", server.copy_ending()));
        let part = PathBuf::from(format!("{}.part", to.display()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&part) {
            Ok(_) if to.exists() => std::fs::remove_file(&part).map_err(BackupError::new)?,
            Ok(file) => return Ok((to, part, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(BackupError::new(format!("{}: {error}", part.display()))),
        }
    }
    Err(BackupError::new(format!("{} is full of copies of this second", folder.display())))
}
