//! What the reader of a plan should know.

use crate::chain::{Guard, RevisionId};

use super::Verdict;

/// Something that the reader of a plan should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The database does not exist and will be made first.
    MakesDatabase {
        /// Its name.
        name: String,
        /// The schema that is made in it: the one that the settings ask for.
        schema: Option<String>,
    },
    /// The books do not exist yet and will be made.
    MakesBooks,
    /// The books were made by an earlier version, and get the column that keeps what ran.
    ExtendsBooks,
    /// All steps are one transaction, because the database is empty.
    OneTransaction,
    /// All steps are one transaction, because the user wants it so.
    AllOrNothing,
    /// There is nothing to do, and the database is beyond the goal.
    Beyond,
    /// There are no revisions yet.
    NoRevisions,
    /// Applied revisions whose statements were edited since.
    Edited(Vec<RevisionId>),
    /// Revisions that come after their time.
    Late(Vec<RevisionId>),
    /// The statement that was under way when a run ended, judged by what the catalogue shows.
    Judged {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// What follows.
        verdict: Verdict,
        /// What was seen, in words.
        seen: String,
    },
    /// What was done of a half-applied revision is taken back; statements whose counterpart was not done are left out.
    TakesBack(RevisionId),
    /// A statement runs only under conditions.
    Guarded {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// The conditions, all of which must let it run.
        guards: Vec<Guard>,
    },
    /// A half-applied revision goes on: with which statement, and what it says.
    GoesOn {
        /// The revision.
        revision: RevisionId,
        /// The statement, from 1.
        statement: usize,
        /// How many there are.
        of: usize,
        /// The line of the file where it begins.
        line: usize,
        /// Its first line.
        text: String,
    },
}
