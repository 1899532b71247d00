//! A folder of revisions on disk: the only file access of the library.

use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::chain::layout::LayoutError;
use crate::chain::{Chain, Edit, Layout, Revision};
use crate::dialect::Backend;
use crate::error::Error;

/// A folder that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The migrations folder is not there.
    #[error("the migrations folder {} does not exist", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The migrations folder has no sub-folder for the dialect.
    #[error("the migrations folder {} has no sub-folder {dialect}", folder.display())]
    NoDialect {
        /// The migrations folder.
        folder: PathBuf,
        /// The dialect.
        dialect: Backend,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A file is not what it was when the change of it was decided.
    #[error("{} was changed by somebody else meanwhile", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Changes that failed in the middle, and could not be taken back.
    #[error("{error}; and {} could not be put back", path.display())]
    Halfway {
        /// What failed.
        #[source]
        error: Box<FolderError>,
        /// The file that is not as it was.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// Reads the chain of `backend` below `migrations`. Changes nothing.
///
/// `shown` is the folder as people know it; it stands in front of the file names in errors.
pub fn load(migrations: &Path, backend: Backend, layout: &Layout, shown: &Path) -> Result<Chain, Error> {
    let folder = migrations.join(backend.name());
    if !migrations.is_dir() {
        return Err(FolderError::NoFolder { folder: shown.to_owned() }.into());
    }
    if !folder.is_dir() {
        return Err(FolderError::NoDialect { folder: shown.to_owned(), dialect: backend }.into());
    }
    let shown = shown.join(backend.name());
    let chain = Chain::new(revisions(&folder, backend, layout, &shown)?)?;
    let archive = folder.join(ARCHIVE);
    if !chain.has_squashes() || !archive.is_dir() {
        return Ok(chain);
    }
    Ok(chain.with_archive(revisions(&archive, backend, layout, &shown.join(ARCHIVE))?)?)
}

/// The folder, beside the files of a dialect, of the revisions that squashes replaced.
pub const ARCHIVE: &str = "archive";

/// Reads the revision files of one folder.
fn revisions(folder: &Path, backend: Backend, layout: &Layout, shown: &Path) -> Result<Vec<Revision>, Error> {
    let names = names(folder, layout)?;
    in_parallel(&names, |name| {
        let path = folder.join(name);
        let bytes = std::fs::read(&path)
            .map_err(|error| Error::from(FolderError::Read { path: shown.join(name), error }))?;
        let name = shown.join(name).to_string_lossy().into_owned();
        let read: Result<Revision, Box<LayoutError>> = layout.read(backend.dialect().lexis(), &name, bytes);
        read.map_err(Error::from)
    })
}

/// The names of the revision files in a folder, sorted.
fn names(folder: &Path, layout: &Layout) -> Result<Vec<String>, FolderError> {
    let unreadable = |error| FolderError::Read { path: folder.to_owned(), error };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A folder may be called x.sql; a link may point to a file.
        let folder = entry.file_type().map_err(unreadable)?.is_dir();
        if layout.takes(&name) && !folder {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Does `work` for each of `items` on all cores; the error of the first item that failed.
fn in_parallel<T: Send>(
    items: &[String],
    work: impl Fn(&str) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    /// Fewer files than this are read sooner than a thread is started.
    const FEW: usize = 200;
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    if items.len() < FEW || threads == 1 {
        return items.iter().map(|item| work(item)).collect();
    }
    const CHUNK: usize = 64;
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(8) {
            scope.spawn(|| {
                loop {
                    let start = next.fetch_add(CHUNK, Ordering::Relaxed);
                    let Some(chunk) = items.get(start..items.len().min(start + CHUNK)) else { break };
                    if chunk.is_empty() {
                        break;
                    }
                    let results: Vec<_> = chunk.iter().map(|item| work(item)).collect();
                    if let Ok(mut done) = done.lock() {
                        done.push((start, results));
                    }
                }
            });
        }
    });
    let mut chunks = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    chunks.sort_by_key(|(start, _)| *start);
    chunks.into_iter().flat_map(|(_, results)| results).collect()
}

/// Writes a new file, all of it or nothing, and never over an existing one.
pub fn write_new(path: &Path, text: &str) -> Result<(), FolderError> {
    use std::io::Write as _;
    let failed = |error| FolderError::Write { path: path.to_owned(), error };
    let partial = partial(path);
    let written = std::fs::File::create_new(&partial)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        // A hard link fails where the name is taken, which a rename would not. Some file systems have none.
        .and_then(|()| match std::fs::hard_link(&partial, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()))
            }
            linked => linked,
        });
    let _ = std::fs::remove_file(&partial);
    written.map_err(failed)
}

/// One change of a folder of revisions.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new file; never over an existing one.
    New {
        /// The file.
        path: PathBuf,
        /// What it says.
        text: String,
    },
    /// A file says something else.
    Edit {
        /// The file.
        path: PathBuf,
        /// What it said.
        before: Vec<u8>,
        /// What it says afterwards.
        after: Vec<u8>,
    },
    /// A file has another place; never over an existing one.
    Move {
        /// Where it is.
        from: PathBuf,
        /// Where it goes; the folder is made.
        to: PathBuf,
    },
}

/// Prepares an edit of the file at `path`, which must still be what it was when the edit was decided.
pub fn edit(path: &Path, edit: &Edit) -> Result<Change, FolderError> {
    let before = std::fs::read(path).map_err(|error| FolderError::Read { path: path.to_owned(), error })?;
    let after = edit.applied_to(&before).ok_or_else(|| FolderError::Changed { path: path.to_owned() })?;
    Ok(Change::Edit { path: path.to_owned(), before, after })
}

/// Makes all changes, in order, or none: what was done is taken back when one of them fails.
pub fn change(changes: &[Change]) -> Result<(), FolderError> {
    for (index, change) in changes.iter().enumerate() {
        let Err(error) = change.make() else { continue };
        for done in changes[..index].iter().rev() {
            if done.take_back().is_err() {
                let path = done.path().to_owned();
                return Err(FolderError::Halfway { error: Box::new(error), path });
            }
        }
        return Err(error);
    }
    Ok(())
}

impl Change {
    /// The file as it is called before the change.
    pub fn path(&self) -> &Path {
        match self {
            Self::New { path, .. } | Self::Edit { path, .. } | Self::Move { from: path, .. } => path,
        }
    }

    fn make(&self) -> Result<(), FolderError> {
        match self {
            Self::New { path, text } => write_new(path, text),
            Self::Edit { path, before, after } => overwrite(path, before, after),
            Self::Move { from, to } => {
                if let Some(folder) = to.parent() {
                    make(folder)?;
                }
                rename(from, to)
            }
        }
    }

    fn take_back(&self) -> Result<(), FolderError> {
        match self {
            Self::New { path, .. } => {
                std::fs::remove_file(path).map_err(|error| FolderError::Write { path: path.clone(), error })
            }
            Self::Edit { path, before, after } => overwrite(path, after, before),
            Self::Move { from, to } => {
                rename(to, from)?;
                // The folder that the move made; one that holds anything stays.
                let _ = to.parent().map(std::fs::remove_dir);
                Ok(())
            }
        }
    }
}

/// Puts `after` in the place of `before`: a reader sees the one or the other.
fn overwrite(path: &Path, before: &[u8], after: &[u8]) -> Result<(), FolderError> {
    use std::io::Write as _;
    let failed = |error| FolderError::Write { path: path.to_owned(), error };
    // A link stays one: what it points to is written.
    let path = std::fs::canonicalize(path).map_err(failed)?;
    let now = std::fs::read(&path).map_err(failed)?;
    if now != before {
        return Err(FolderError::Changed { path });
    }
    let rights = std::fs::metadata(&path).map_err(failed)?.permissions();
    if rights.readonly() {
        return Err(failed(io::ErrorKind::PermissionDenied.into()));
    }
    let partial = partial(&path);
    let written = std::fs::File::create_new(&partial)
        .and_then(|mut file| file.write_all(after).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::set_permissions(&partial, rights))
        .and_then(|()| std::fs::rename(&partial, &path));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written.map_err(failed)
}

/// Gives a file another name, which nobody has yet.
fn rename(from: &Path, to: &Path) -> Result<(), FolderError> {
    let failed = |error| FolderError::Write { path: to.to_owned(), error };
    if std::fs::symlink_metadata(to).is_ok() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    std::fs::rename(from, to).map_err(failed)
}

/// The name under which a file is written until all of it is there.
fn partial(path: &Path) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    PathBuf::from(partial)
}

/// Makes a folder and those above it.
pub fn make(folder: &Path) -> Result<(), FolderError> {
    std::fs::create_dir_all(folder).map_err(|error| FolderError::Write { path: folder.to_owned(), error })
}
