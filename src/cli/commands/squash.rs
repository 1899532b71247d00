//! `squash`: write several revisions in a row as one, after a proof that it does the same.

use std::path::{Path, PathBuf};

use crate::chain::{Chain, Edit, Revision, RevisionId, join};
use crate::config::Service;
use crate::convention;
use crate::database_url::DatabaseUrl;
use crate::dialect::{Backend, Server};
use crate::error::{DbError, Error};
use crate::folder::{self, ARCHIVE, Change};
use crate::manager::{self, Laboratory, ProofError};
use crate::squash::{self, Difference, Squash, SquashError};

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::output::json;
use super::super::ui::{Output, wrapped};
use super::super::words::Failure;
use super::new_file::{self, Draft, New};

/// Arguments of `squash`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Both A and B become part of the new revision; B stands on A. The old files move to archive/: a database \
                  that has some of them applied finishes those first, one that has all of them only records the squash."
)]
pub struct Args {
    /// The first and the last revision
    #[arg(value_name = "A:B")]
    range: String,
    /// What it does, in one line
    #[arg(short, long)]
    message: Option<String>,
    /// The id, in place of a new one
    #[arg(long, value_name = "ID")]
    rev_id: Option<String>,
    /// Another server for the proof's scratch databases
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
    /// Leave the proof out
    #[arg(long, conflicts_with = "scratch_url")]
    unproved: bool,
    /// Prove it, show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let service = context.one_service()?;
        let backend = service.backend()?;
        let chain = context.chain(service)?;
        let (first, last) = self.range(&chain)?;
        let layout = convention::LIMBECK.layout;
        let server = Server::assumed(backend);
        let squash = squash::squash(&chain, layout, &server, first, last).map_err(refused)?;
        let id = self.rev_id.clone().unwrap_or_else(new_file::new_id);
        new_file::checked_id(&id)?;
        let draft = self.draft(context, service, backend, &chain, &squash, &id)?;
        let edits = squash.edits(layout, backend.dialect().lexis(), &id.as_str().into()).map_err(refused)?;
        let changed = after(&chain, backend, &squash, &draft, &edits)?;
        if self.unproved {
            context.ui.aside("Not proved: nobody has run the squash and compared the schemas.");
        } else {
            self.prove(context, service, &chain, last, changed, &id)?;
        }
        let changes = changes(service, backend, &squash, &draft, &edits)?;
        if !self.dry_run {
            folder::change(&changes)?;
        }
        self.tell(context, &squash, &draft, &edits, &changes)?;
        Ok(Exit::Done)
    }

    fn range(&self, chain: &Chain) -> Result<(usize, usize), Failure> {
        let Some((first, last)) = self.range.split_once(':').filter(|(a, b)| !a.is_empty() && !b.is_empty())
        else {
            return Err(Failure::usage(
                format!("`{}` is not A:B", self.range),
                "For example: limbeck squash 8bd9:57943408a623",
            ));
        };
        let last = match last {
            "head" | "heads" => chain.only_head(&(0..chain.len()).collect())?,
            name => Some(chain.find(name)?),
        };
        let first = chain.find(first)?;
        Ok((first, last.unwrap_or(first)))
    }

    fn draft(
        &self,
        context: &Context,
        service: &Service,
        backend: Backend,
        chain: &Chain,
        squash: &Squash,
        id: &str,
    ) -> Result<Draft, Failure> {
        let ends = [squash.replaced.first(), squash.replaced.last()];
        let ends = join(ends.into_iter().flatten().map(|revision| &revision.id), " to ");
        let message = self.message.clone().unwrap_or_else(|| format!("squash {ends}"));
        let new = New {
            message: new_file::checked_message(&message)?,
            parents: squash.parents.iter().map(ToString::to_string).collect(),
            labels: squash.labels.clone(),
            depends_on: squash.depends_on.clone(),
            replaces: squash.replaced.iter().map(|revision| revision.id.to_string()).collect(),
            sections: Some(squash.sections.clone()),
        };
        new_file::draft(context, service, backend, chain, id, &new)
    }

    /// Runs both ways on scratch databases; fails when they make different schemas.
    fn prove(
        &self,
        context: &Context,
        service: &Service,
        chain: &Chain,
        last: usize,
        changed: Chain,
        id: &str,
    ) -> Result<(), Failure> {
        let given = self.scratch_url.as_deref().map(DatabaseUrl::parse).transpose();
        let given = given.map_err(|error| {
            Failure::usage(
                format!("--scratch-url is not a database URL: {error}"),
                "For example: sqlite::memory:",
            )
        })?;
        let target = match &given {
            Some(url) => url,
            None => service.database().map_err(|error| {
                let failure = Failure::from(error);
                let notes = vec!["The proof needs a database server.".to_owned()];
                unproved(Failure { notes, ..failure })
            })?,
        };
        if target.backend != service.backend()? {
            return Err(Failure::usage(
                format!("--scratch-url is {}, and the chain is {}", target.backend, service.backend()?),
                "The proof runs on the engine of the chain.",
            ));
        }
        let server = Server::assumed(target.backend);
        // On MySQL a name with a dot can mean the target itself; elsewhere it is a schema of the same name.
        let name = if target.backend == Backend::MySql { target.name() } else { String::new() };
        let all = chain.ancestors([last]);
        // Another server was named for it: what happens there is wanted.
        let reaching = squash::reaching(chain, &server, &name, all).filter(|_| given.is_none());
        if let Some(reaching) = reaching {
            return Err(unproved(Failure::new(
                Exit::Error,
                "reaches-out",
                format!(
                    "revision {} says `{} …`, which reaches beyond a scratch database",
                    reaching.revision, reaching.words
                ),
            )));
        }
        let old = chain.revisions()[last].id.clone();
        let new = RevisionId::from(id);
        let laboratory =
            Laboratory { url: target, name: &new_file::new_id(), actor: &context.actor, stop: &context.stop };
        let proof = manager::prove((chain.clone(), &old), (changed, &new), laboratory);
        let differences = context.wait_or_stop(proof).map_err(not_compared)?;
        if differences.is_empty() {
            context.ui.aside("Proved: the squash makes the same schema as the revisions that it replaces.");
            return Ok(());
        }
        Err(different(&differences))
    }

    fn tell(
        &self,
        context: &Context,
        squash: &Squash,
        draft: &Draft,
        edits: &[Edit],
        changes: &[Change],
    ) -> Result<(), Failure> {
        let shown = |path: &Path| context.shown(path).display().to_string();
        let archived: Vec<String> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Move { to, .. } => Some(shown(to)),
                Change::New { .. } | Change::Edit { .. } => None,
            })
            .collect();
        let diffs: Vec<String> = edits.iter().map(Edit::diff).collect();
        let would = if self.dry_run { "Would write" } else { "Generated" };
        let mut text = format!("{would} {}\n", shown(&draft.path));
        let moved = if self.dry_run { "Would move" } else { "Moved" };
        let count = squash.replaced.len();
        let folder = context.shown(draft.path.parent().unwrap_or(Path::new(""))).join(ARCHIVE);
        text.push_str(&wrapped(&format!("{moved} {count} files to {}", folder.display()), context.ui.width));
        text.push('\n');
        text.push_str(&diffs.concat());
        if self.dry_run {
            context.ui.answer(&format!("{text}\n{}", draft.text))?;
        } else {
            context.ui.say(&text)?;
        }
        if context.ui.output == Output::Json {
            context.ui.json(|| {
                json::document(serde_json::json!({
                    "revision": draft.id,
                    "replaces": squash.replaced.iter().map(|revision| revision.id.as_str()).collect::<Vec<_>>(),
                    "file": shown(&draft.path),
                    "archived": archived,
                    "diffs": diffs,
                    "proved": !self.unproved,
                    "written": !self.dry_run,
                    "source": draft.text,
                }))
            })?;
        }
        Ok(())
    }
}

/// The chain as it is once everything is written.
fn after(
    chain: &Chain,
    backend: Backend,
    squash: &Squash,
    draft: &Draft,
    edits: &[Edit],
) -> Result<Chain, Failure> {
    let layout = convention::LIMBECK.layout;
    let lexis = backend.dialect().lexis();
    let read = |name: &str, text: Vec<u8>| -> Result<Revision, Failure> {
        Ok(layout.read(lexis, name, text).map_err(Error::from)?)
    };
    let edited = |revision: &Revision| edits.iter().find(|edit| edit.source.name() == revision.source.name());
    let mut revisions = vec![read(&draft.path.to_string_lossy(), draft.text.clone().into_bytes())?];
    for revision in chain.revisions() {
        if squash.replaced.iter().any(|replaced| replaced.id == revision.id) {
            continue;
        }
        let text = edited(revision).and_then(|edit| edit.applied_to(edit.source.text().as_bytes()));
        revisions.push(match text {
            Some(text) => read(revision.source.name(), text)?,
            None => revision.as_ref().clone(),
        });
    }
    Ok(Chain::new(revisions).map_err(Error::from)?)
}

/// New files first, moves last: a reader in between finds a fault in the chain, and nothing that it could run wrongly.
fn changes(
    service: &Service,
    backend: Backend,
    squash: &Squash,
    draft: &Draft,
    edits: &[Edit],
) -> Result<Vec<Change>, Failure> {
    let folder = service.migrations.join(backend.name());
    let path = |name: &str| -> PathBuf { folder.join(file_name(name)) };
    let mut changes = vec![Change::New { path: draft.path.clone(), text: draft.text.clone() }];
    for edit in edits {
        changes.push(folder::edit(&path(edit.source.name()), edit)?);
    }
    for revision in &squash.replaced {
        let name = revision.source.name();
        changes.push(Change::Move { from: path(name), to: folder.join(ARCHIVE).join(file_name(name)) });
    }
    Ok(changes)
}

fn file_name(shown: &str) -> &str {
    shown.rsplit(['/', '\\']).next().unwrap_or(shown)
}

fn refused(error: SquashError) -> Failure {
    Error::from(Box::new(error)).into()
}

/// Says how to go on without the proof, or with another server.
fn unproved(failure: Failure) -> Failure {
    failure.hint(
        "Nothing was written. --scratch-url URL proves it on another server, where it does no harm; --unproved leaves \
         the proof out.",
    )
}

fn not_compared(error: ProofError) -> Failure {
    match error {
        ProofError::Interrupted => {
            Failure::new(Exit::Interrupted, "interrupted", "interrupted; nothing was written")
        }
        ProofError::Scratch(DbError::Server(server)) => unproved(Failure::new(
            Exit::Error,
            "scratch",
            format!("the proof needs a scratch database, and the server would not make it: {server}"),
        )),
        ProofError::Scratch(error) => {
            let failure = Failure::from(Error::from(error));
            let notes = vec!["The proof needs a scratch database.".to_owned()];
            unproved(Failure { notes, ..failure })
        }
        ProofError::Left { .. } => Failure::new(Exit::Error, "scratch", error.to_string())
            .hint("Nothing was written. Drop it by hand."),
        ProofError::Failed { route, error } => {
            let way = match route {
                manager::Route::Old => "the old revisions, one after the other",
                manager::Route::Squash => "the squash",
            };
            let notes =
                vec![format!("It happened on an empty scratch database, which is gone again: {way}.")];
            unproved(Failure { notes, ..Failure::from(*error) })
        }
    }
}

/// More lines than this are counted, not listed.
const LISTED: usize = 20;

fn different(differences: &[Difference]) -> Failure {
    let mut notes = vec!["- is made by the old revisions alone, + by the squash alone:".to_owned()];
    notes.extend(differences.iter().take(LISTED).map(|difference| match difference {
        Difference::Lost(line) => format!("- {line}"),
        Difference::Added(line) => format!("+ {line}"),
    }));
    if differences.len() > LISTED {
        notes.push(format!("… and {} more", differences.len() - LISTED));
    }
    let failure = Failure::new(
        Exit::Error,
        "not-the-same",
        "the squash does not make the schema that the revisions make which it would replace",
    );
    Failure { notes, ..failure }.hint(
        "Nothing was written. One of them probably sets something that the next would not see: each revision begins with \
         the session's own settings. Leave it out of the range.",
    )
}
