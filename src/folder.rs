//! A folder of revisions on disk: the only file access of the library.

use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::chain::layout::LayoutError;
use crate::chain::{Chain, Layout, Revision};
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
    let names = names(&folder, layout)?;
    let shown = shown.join(backend.name());
    let revisions = in_parallel(&names, |name| {
        let path = folder.join(name);
        let bytes = std::fs::read(&path)
            .map_err(|error| Error::from(FolderError::Read { path: shown.join(name), error }))?;
        let name = shown.join(name).to_string_lossy().into_owned();
        let read: Result<Revision, Box<LayoutError>> = layout.read(backend.dialect().lexis(), &name, bytes);
        read.map_err(Error::from)
    })?;
    Ok(Chain::new(revisions)?)
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
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = PathBuf::from(partial);
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

/// Makes a folder and those above it.
pub fn make(folder: &Path) -> Result<(), FolderError> {
    std::fs::create_dir_all(folder).map_err(|error| FolderError::Write { path: folder.to_owned(), error })
}
