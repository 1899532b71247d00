//! Statement → whether it should be done in no time once it has its locks.

use super::lexis::Lexis;
use super::words::Words;

/// How long a statement may take by its nature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It only changes the catalogue of a table that others may be using: whoever waits behind its lock waits for it.
    Quick,
    /// As long as there are rows, or nobody can be waiting behind it.
    Any,
    /// It waits for other transactions to end, by its nature, and lets the traffic go on (`CONCURRENTLY`).
    Patient,
}

/// Returns a statement's pace. Whatever is not understood may take any time.
pub fn pace(lexis: &Lexis, statement: &str) -> Pace {
    let mut words = Words::new(lexis, statement);
    if words.at_any("CREATE|DROP|REINDEX|REFRESH|ALTER") && words.any(|word| word.is_any_of("CONCURRENTLY")) {
        return Pace::Patient;
    }
    words = Words::new(lexis, statement);
    let quick = if words.accept("DROP") {
        words.accept("TABLE|VIEW|TRIGGER|INDEX")
    } else {
        words.accept("ALTER") && words.accept("TABLE") && alters_quickly(words)
    };
    if quick { Pace::Quick } else { Pace::Any }
}

/// Whether all actions of an `ALTER TABLE` are known to leave the rows alone.
fn alters_quickly(mut words: Words<'_>) -> bool {
    words.skip_any("IF|EXISTS");
    words.accept("ONLY");
    if words.path().is_none() {
        return false;
    }
    loop {
        let quick = if words.accept("RENAME") {
            true
        } else if words.accept("DROP") {
            !words.at_any("PRIMARY|PARTITION")
        } else if words.accept("ALTER") {
            words.accept("COLUMN");
            words.path().is_some()
                && (words.accept("DROP")
                    || (words.accept("SET") && words.at_any("DEFAULT|STATISTICS|STORAGE")))
        } else {
            words.accept("ADD") && adds_quickly(words.clone())
        };
        if !quick {
            return false;
        }
        if !words.skip_past_comma() {
            return true;
        }
    }
}

/// Whether what is added is a column without anything that may have to look at, or write, every row.
fn adds_quickly(mut words: Words<'_>) -> bool {
    const OTHER: &str =
        "CONSTRAINT|PRIMARY|UNIQUE|FOREIGN|CHECK|EXCLUDE|INDEX|KEY|FULLTEXT|SPATIAL|PARTITION|PERIOD|(";
    const SLOW: &str =
        "DEFAULT|GENERATED|AS|REFERENCES|UNIQUE|PRIMARY|CHECK|SERIAL|BIGSERIAL|SMALLSERIAL|NOT";
    if words.at_any(OTHER) {
        return false;
    }
    let mut depth = 0;
    loop {
        match words.next() {
            Some(word) if word.is_any_of(SLOW) => return false,
            Some(word) if !word.closes(&mut depth) && word.is_any_of(",") => return true,
            Some(_) => {}
            None => return true,
        }
    }
}
