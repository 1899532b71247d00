//! Folders and files: what cannot be read, and chains that do not hold together.

use crate::chain::layout::LayoutErrorKind;
use crate::chain::{ChainErrorKind, RebaseError};
use crate::config;
use crate::folder::FolderError;
use crate::squash::SquashError;

use super::Failure;

pub(super) fn folder_failure(error: &FolderError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        FolderError::NoFolder { folder } => failure("no-migrations").hint(format!(
            "`limbeck init` makes it; or name another folder with --migrations, `migrations` in {} or \
             CORTEX_MIGRATIONS_VERSIONS_DIRECTORY. Looked for: {}",
            config::FILE_NAME,
            std::path::absolute(folder).unwrap_or_else(|_| folder.clone()).display()
        )),
        FolderError::NoDialect { folder, dialect } => failure("no-dialect-folder")
            .hint(format!("Make it: mkdir {}", folder.join(dialect.name()).display())),
        FolderError::Read { .. } => {
            failure("unreadable").hint("Check that the file is there and may be read.")
        }
        FolderError::Changed { .. } => failure("changed").hint("Nothing was written. Run the command again."),
        FolderError::Halfway { .. } => failure("halfway")
            .hint("Some files are changed and some are not. Put them back: git status, git checkout"),
        FolderError::Write { .. } => failure("unwritable")
            .hint("Nothing was written. Check the folder's rights, and that the name is not taken."),
    }
}

pub(super) fn layout_label(kind: &LayoutErrorKind) -> &'static str {
    match kind {
        LayoutErrorKind::Split(_) | LayoutErrorKind::Lex(_) | LayoutErrorKind::NotUtf8(_) => "here",
        LayoutErrorKind::NoRevisionId | LayoutErrorKind::NoUpgrade => "",
        _ => "this",
    }
}

pub(super) fn layout_hint(kind: &LayoutErrorKind) -> Option<String> {
    let hint = match kind {
        LayoutErrorKind::NoRevisionId => {
            "A revision file begins with a header:\n-- what it does\n--\n-- Revision ID: 8bd9e9780557\n-- Revises: \
             450bd09cd019\n`limbeck revision -m \"what it does\"` writes one."
        }
        LayoutErrorKind::UnknownDirective { .. } => {
            "The directives are: upgrade, downgrade, no-transaction, irreversible REASON, if …, unless …, lock-wait TIME, \
             statement-timeout TIME, revision-timeout TIME."
        }
        LayoutErrorKind::Guard(_) => {
            "A guard stands on the line above its statement, for example: -- limbeck:unless column t.c"
        }
        LayoutErrorKind::DirectiveTwice(_) => "Keep one of the two lines.",
        LayoutErrorKind::Time { .. } => {
            "For example: -- limbeck:statement-timeout 10m. A time of 0 is no limit."
        }
        LayoutErrorKind::BeforeSection(_) => "Move the line below the section that it is about.",
        LayoutErrorKind::NoUpgrade | LayoutErrorKind::SqlBeforeSection => {
            "Put `-- limbeck:upgrade` on a line of its own before the statements, and `-- limbeck:downgrade` before \
             those that take them back."
        }
        LayoutErrorKind::IrreversibleDowngrade => "Keep one of the two.",
        LayoutErrorKind::NotUtf8(_) => "Save the file as UTF-8: iconv -f ISO-8859-1 -t UTF-8 FILE",
        LayoutErrorKind::HeaderTwice(_) | LayoutErrorKind::SectionTwice(_) => "Keep one of the two lines.",
        LayoutErrorKind::Surplus(_) => "Leave the directive alone on its line.",
        LayoutErrorKind::NoReason => "For example: -- limbeck:irreversible the old column is gone for good",
        LayoutErrorKind::BadRevisionId(_) => {
            "Take 12 hex digits, and correct the `Revises:` lines that mean this file."
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

pub(super) fn chain_hint(kind: &ChainErrorKind) -> String {
    match kind {
        ChainErrorKind::Duplicate { .. } => {
            "Give one of them another id (12 hex digits), and correct the `Revises:` lines that meant it."
                .to_owned()
        }
        ChainErrorKind::Missing { missing, .. } => {
            format!("Bring the file of {missing} back, or correct this line.")
        }
        ChainErrorKind::Replaced { squash, .. } => {
            format!("Write {squash} into this line: it does what the replaced revisions did.")
        }
        ChainErrorKind::StillThere { file, .. } => {
            format!("Move {file} into the folder archive/ beside it, or take its id out of this line.")
        }
        ChainErrorKind::Cycle { .. } => "Correct the `Revises:` line of one of them.".to_owned(),
        ChainErrorKind::LabelTwice { .. } => "Rename one of the labels.".to_owned(),
    }
}

pub(super) fn rebase_hint(error: &RebaseError) -> String {
    match error {
        RebaseError::Applied { applied, .. } => format!(
            "Nothing was written. A revision moves only before it is applied: `limbeck downgrade {applied}-1` takes it \
             back, `limbeck merge heads` joins the branches and moves nothing."
        ),
        RebaseError::Merge { parents, .. } => format!(
            "Nothing was written. Move one of the branches that it joins, for example: limbeck rebase {} --onto …. Or \
             delete its file and write the merge anew: limbeck merge …",
            parents.last().map(ToString::to_string).unwrap_or_default()
        ),
        RebaseError::Cycle { .. } => {
            "Nothing was written. Name a revision that does not stand on it; `limbeck history` shows the chain."
                .to_owned()
        }
        RebaseError::Already { .. } => "Nothing to do; `limbeck history` shows the chain.".to_owned(),
        RebaseError::Header(_) => "Write a `-- Revises:` line into it.".to_owned(),
    }
}

pub(super) fn squash_failure(error: &SquashError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    let failure = failure("squash");
    let hint = match error {
        SquashError::Single(_) => "A:B names two revisions, and B stands on A.".to_owned(),
        SquashError::NoRange { first, last } => {
            format!("A:B begins with the older one: {last}:{first}? `limbeck history` shows the chain.")
        }
        SquashError::Merge { revision, .. } => {
            format!("Squash the branches below {revision} by themselves, and what stands on it.")
        }
        SquashError::Branch { revision, .. } => {
            format!("End the range with {revision}, or begin it above {revision}.")
        }
        SquashError::Needed { by, .. } => {
            format!("End the range before that revision, or take it out of the `Depends On:` line of {by}.")
        }
        SquashError::Uneven { revision, other, .. } => format!(
            "Squash what comes before and what comes behind by themselves: one range that has {other}, and one that has \
             {revision}."
        ),
        SquashError::OwnTransaction { revision, .. } => format!(
            "Leave {revision} out of the range. Where it is applied nowhere: take BEGIN and COMMIT, or the pragmas, out \
             of it; limbeck puts a transaction around the section itself."
        ),
        SquashError::Unreadable { error } => {
            let hint = "Leave the revision that this comes from out of the range.";
            return failure
                .at(&error.source_text, error.span, "here")
                .hint(format!("Nothing was written. {hint}"));
        }
        SquashError::Different { .. } => {
            "Squash a smaller range: a section that changes how the next is read must be its last.".to_owned()
        }
        SquashError::Header(_) => "Write a `-- Revises:` line into it.".to_owned(),
    };
    failure.hint(format!("Nothing was written. {hint}"))
}
