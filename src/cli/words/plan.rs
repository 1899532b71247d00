//! Goals that cannot be planned for.

use crate::chain::{Direction, GoalError};
use crate::plan::{PlanError, ScriptError};

use super::Failure;
use super::step::ways_out;

/// What to do about late revisions.
pub(super) const LATE: &str = "Nothing was changed. A late revision runs on a schema that its author did not see; `limbeck plan` shows it. If \
                    that is right: --late apply. Or let it stand on what is applied: limbeck rebase REV --onto HEAD";

pub(super) fn plan_failure(error: &PlanError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        PlanError::Goal(error) => failure("goal").hint(match error {
            GoalError::SeveralHeads { .. } => {
                "`heads` means all of them; an id or <label>@head means one; `limbeck merge heads -m \"…\"` joins them."
            }
            GoalError::Direction { direction: Direction::Up, .. } => "`limbeck downgrade` goes back, `limbeck goto` either way.",
            GoalError::Direction { direction: Direction::Down, .. } => {
                "`limbeck upgrade` goes forward, `limbeck goto` either way."
            }
            GoalError::Form(_) => {
                "A goal is heads, head, base, an id or its first 4 characters, +2, -1, <id>+1, <label>@head or a \
                 revision's number. An upgrade goes forward, a downgrade back."
            }
            GoalError::Fork { .. } => "Name the revision itself, or a branch: <label>@+1, <label>@-1.",
            GoalError::Replaced { .. } => {
                "Name the squash. A database that still has the replaced revisions in its books knows them by their ids."
            }
            GoalError::TooFar { .. } => "`limbeck status` shows what is applied and what is pending.",
            _ => "`limbeck history` lists the revisions, `limbeck heads` the heads, `limbeck branches` the branches.",
        }),
        PlanError::Dirty { row } => {
            let failure = match &row.error {
                Some(error) => failure("dirty").note(format!("The server said: {error}")),
                None => failure("dirty"),
            };
            failure.hint(format!("`limbeck status` shows it. The ways out:\n{}", ways_out(&row.revision)))
        }
        PlanError::NotDirty { .. } => failure("not-dirty").hint("`limbeck status` shows what is half-applied."),
        PlanError::SeveralDirty(_) => failure("several-dirty").hint("Name one: limbeck resolve REV --continue"),
        PlanError::InDoubt { statement, source_text, span, seen, .. } => {
            let told = failure("in-doubt").at(source_text, *span, "was it done?");
            let told = if seen.is_empty() { told } else { told.note(format!("The catalogue says: {seen}.")) };
            told.hint(format!(
                "Nothing was changed. Look whether it was done, then one of\n\
                 limbeck resolve --continue --from {statement}: it was not, and is run\n\
                 limbeck resolve --continue --from {}: it was, and the next one is run",
                statement + 1
            ))
        }
        PlanError::CannotUndo { source_text, span, .. } => failure("cannot-undo")
            .at(source_text, *span, "nothing tells whether its counterpart was done")
            .hint(
                "Nothing was changed. Undo by hand what was done, then `limbeck resolve --retry`, or `limbeck stamp REV-1` to \
                 forget it; `limbeck resolve --continue` goes on instead.",
            ),
        PlanError::NoSuchStatement { .. } => failure("usage").hint("`limbeck status` shows where it stopped."),
        PlanError::Shrunk { .. } => {
            failure("shrunk").hint("Bring the statements back, or settle it by hand: limbeck resolve --done")
        }
        PlanError::FileGone { revisions } => failure("file-gone").hint(format!(
            "Bring the file back (another branch of the repository may have it, and `limbeck show --applied REV` prints what \
             ran), or check that this is the right database. If it is gone for good: `limbeck stamp --purge REV`, with the revision that the schema is at, makes \
             the books forget {}.",
            crate::chain::join(revisions, ", ")
        )),
        PlanError::Late { .. } => failure("late").hint(LATE),
        PlanError::Unapplied(id) => failure("not-applied").hint(format!(
            "`limbeck show {id}` prints its file, which may be edited as long as it is not applied."
        )),
        PlanError::NotEdited(_) => failure("not-edited").hint("Nothing was changed: there is nothing to accept."),
        PlanError::NoReason => {
            failure("usage").hint("The log keeps it: --reason \"a typing error in a default\"")
        }
        PlanError::Edited { .. } => failure("edited").hint(
            "Nothing was changed. `limbeck diff` shows the change. What was applied stays as it was, so bring the file back as it \
             was, and put the change into a new revision; or, if the file is right as it is: limbeck accept REV --reason \
             \"…\". --allow-edited goes on all the same, this once.",
        ),
        PlanError::Irreversible { file, .. } if file.is_empty() => {
            failure("irreversible").hint("Nothing was changed.")
        }
        PlanError::Irreversible { file, .. } => {
            failure("irreversible").hint(format!("Nothing was changed. The revision is in {file}."))
        }
        PlanError::NotInOne { .. } => failure("not-in-one").hint(
            "Nothing was changed. Without --transaction all each revision is a transaction of its own, where the server \
             has them.",
        ),
        PlanError::ArchiveGone { squash, .. } => failure("archive-gone").hint(format!(
            "Nothing was changed. Bring the folder archive/ back, from the history of the repository, and upgrade. Or do \
             by hand what is missing, and say so: limbeck stamp {squash}"
        )),
        PlanError::NotApplied(_) => failure("not-applied").hint("`limbeck upgrade` goes forward."),
        PlanError::TooLarge { .. } => failure("too-large").hint(
            "Nothing was changed. Cut the statement in several, an INSERT between its rows; or have the server take more: SET \
             GLOBAL max_allowed_packet = …, and in its settings.",
        ),
        PlanError::Script { kind, source_text, span, revision } => {
            let hint = match kind {
                ScriptError::Mixed(_) => format!(
                    "Put the statement into a revision of its own, or write `-- limbeck:no-transaction` into the section: \
                     then each statement of {revision} stands for itself."
                ),
                ScriptError::InsideOwn(_) => "Move the statement out of the BEGIN … COMMIT.".to_owned(),
                ScriptError::Unclosed => "End it with COMMIT, or leave BEGIN out: limbeck wraps the section itself.".to_owned(),
                ScriptError::Unopened | ScriptError::Nested => {
                    "Leave the statement out, or pair each BEGIN with one COMMIT.".to_owned()
                }
            };
            failure("transaction").at(source_text, *span, "this statement").hint(hint)
        }
    }
}
