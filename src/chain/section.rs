//! The sections of a revision file: what the directives below `upgrade` and `downgrade` say about their statements.

use crate::duration;
use crate::sql::lexis::Lexis;
use crate::sql::{SourceText, Span, split};

use super::guard::{Guard, GuardError, When};
use super::layout::{LayoutErrorKind, Place};
use super::revision::{Direction, Limits, Script, Wrapping};

/// The words that may follow the directive mark.
pub(super) const DIRECTIVES: [&str; 9] = [
    "upgrade",
    "downgrade",
    "no-transaction",
    "irreversible",
    "if",
    "unless",
    "lock-wait",
    "statement-timeout",
    "revision-timeout",
];

/// One directive of a file.
pub(super) struct Directive {
    pub(super) word: &'static str,
    pub(super) rest: String,
    /// The comment, from its dashes to the end of the line.
    pub(super) span: Span,
}

impl Directive {
    /// Whether a new section begins with it.
    pub(super) fn begins_section(&self) -> bool {
        matches!(self.word, "upgrade" | "downgrade" | "irreversible")
    }
}

/// What the directives of a file say, taken in one after another.
#[derive(Default)]
pub(super) struct Sections {
    pub(super) upgrade: Option<Script>,
    pub(super) downgrade: Option<Script>,
    pub(super) irreversible: Option<(String, Span)>,
    current: Option<Direction>,
}

impl Sections {
    /// Takes a directive in; what it is about lies in `within`.
    pub(super) fn add(
        &mut self,
        lexis: &Lexis,
        source: &SourceText,
        directive: &Directive,
        within: Span,
    ) -> Result<(), Place<LayoutErrorKind>> {
        let Directive { word, rest, span: at } = directive;
        let at = *at;
        match *word {
            "upgrade" => self.begin(Direction::Up, lexis, source, directive, within),
            "downgrade" => self.begin(Direction::Down, lexis, source, directive, within),
            "irreversible" => {
                if rest.is_empty() {
                    return Err((LayoutErrorKind::NoReason, at));
                }
                self.current = None;
                if self.irreversible.replace((rest.clone(), at)).is_some() {
                    return Err((LayoutErrorKind::SectionTwice("irreversible"), at));
                }
                let stray = split(lexis, source.text(), within).unwrap_or_default();
                match stray.first() {
                    Some(stray) => Err((LayoutErrorKind::IrreversibleDowngrade, stray.span)),
                    None => Ok(()),
                }
            }
            word => {
                let current = self.current;
                let script = current.and_then(|direction| self.section(direction).as_mut());
                let Some(script) = script else {
                    return Err((LayoutErrorKind::BeforeSection(word), at));
                };
                remark(script, lexis, directive).map_err(|kind| (kind, at))
            }
        }
    }

    fn begin(
        &mut self,
        direction: Direction,
        lexis: &Lexis,
        source: &SourceText,
        directive: &Directive,
        within: Span,
    ) -> Result<(), Place<LayoutErrorKind>> {
        self.current = Some(direction);
        let section = self.section(direction);
        if !directive.rest.is_empty() {
            return Err((LayoutErrorKind::Surplus(directive.word), directive.span));
        }
        if section.is_some() {
            return Err((LayoutErrorKind::SectionTwice(directive.word), directive.span));
        }
        let statements = split(lexis, source.text(), within).map_err(|error| {
            let span = error.span;
            (error.into(), span)
        })?;
        if let Some(inner) = statements.iter().find_map(|statement| statement.inner) {
            return Err((LayoutErrorKind::SeveralStatements, inner));
        }
        *section = Some(Script {
            statements,
            guards: Vec::new(),
            wrapping: Wrapping::Decide,
            limits: Limits::default(),
        });
        Ok(())
    }

    fn section(&mut self, direction: Direction) -> &mut Option<Script> {
        match direction {
            Direction::Up => &mut self.upgrade,
            Direction::Down => &mut self.downgrade,
        }
    }
}

/// Takes in what a directive says about its section, or about the statement below it.
fn remark(script: &mut Script, lexis: &Lexis, directive: &Directive) -> Result<(), LayoutErrorKind> {
    let Directive { word, rest, span } = directive;
    let mut limit = |pick: fn(&mut Limits) -> &mut Option<std::time::Duration>| {
        let limit = duration::parse(rest).map_err(|error| LayoutErrorKind::Time { word, error })?;
        match pick(&mut script.limits).replace(limit) {
            Some(_) => Err(LayoutErrorKind::DirectiveTwice(word)),
            None => Ok(()),
        }
    };
    match *word {
        "lock-wait" => limit(|limits| &mut limits.lock_wait),
        "statement-timeout" => limit(|limits| &mut limits.statement),
        "revision-timeout" => limit(|limits| &mut limits.revision),
        "if" => guard(script, lexis, When::If, rest, *span),
        "unless" => guard(script, lexis, When::Unless, rest, *span),
        word if !rest.is_empty() => Err(LayoutErrorKind::Surplus(word)),
        _ => {
            script.wrapping = Wrapping::Forbidden;
            Ok(())
        }
    }
}

/// A guard is about the first statement below it.
fn guard(
    script: &mut Script,
    lexis: &Lexis,
    when: When,
    text: &str,
    at: Span,
) -> Result<(), LayoutErrorKind> {
    let word = when.name();
    let index = script.statements.iter().position(|statement| statement.span.end > at.start);
    let index = index.ok_or(GuardError::Loose(word))?;
    if script.statements[index].span.start < at.start {
        return Err(GuardError::Inside(word).into());
    }
    script.guards.push((index, Guard::read(lexis, when, text)?));
    Ok(())
}

/// The directive that looks most like `word`: at most two letters apart.
pub(super) fn nearest(word: &str) -> Option<&'static str> {
    DIRECTIVES
        .into_iter()
        .map(|known| (strsim::levenshtein(&word.to_lowercase(), known), known))
        // A short word is two letters away from any other.
        .filter(|(distance, known)| *distance <= 2 && *distance < known.len())
        .min()
        .map(|(_, known)| known)
}
