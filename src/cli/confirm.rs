//! The question before a plan is carried out. Every question has a flag, an answer without a terminal, an exit code.
//!
//! The line is read in the terminal's own line mode, so that the keys that end or interrupt input (Ctrl-D, Ctrl-C) mean
//! here what they mean everywhere: no, and stop.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};

use crate::chain::Direction;
use crate::plan::{Late, Way};
use crate::review::{Approved, ApprovedBy, Review};

use super::context::Context;
use super::exit::Exit;
use super::output::human;
use super::ui::{Output, Volume};
use super::words::Failure;

/// What was said about asking, on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asking {
    /// Nothing: ask at a terminal.
    #[default]
    Default,
    /// `--yes`: the answer is yes.
    Yes,
    /// `--no-input`: nobody is there.
    NoInput,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Unclear,
}

/// Who says yes without being asked, if anybody does.
pub fn unasked(context: &Context, asking: Asking) -> Option<ApprovedBy> {
    match asking {
        Asking::Yes => Some(ApprovedBy::Flag),
        Asking::NoInput => Some(ApprovedBy::NoTerminal),
        Asking::Default if !io::stdin().is_terminal() => Some(ApprovedBy::NoTerminal),
        Asking::Default if context.config.interactive == Some(false) => Some(ApprovedBy::Settings),
        Asking::Default => None,
    }
}

/// Asks for approval, or finds that nobody need be asked.
pub fn confirm(context: &Context, review: Review, asking: Asking, late: Late) -> Result<Approved, Failure> {
    let late = match late {
        Late::Ask => review.plan.late(),
        Late::Refuse | Late::Apply => Vec::new(),
    };
    if let Some(by) = unasked(context, asking) {
        if !late.is_empty() {
            return Err(Failure::late_unasked(&late));
        }
        match (by, asking) {
            (ApprovedBy::NoTerminal, Asking::NoInput) => {
                context.ui.aside("--no-input is given, skipping confirmation");
            }
            (ApprovedBy::NoTerminal, _) => {
                context.ui.aside("Non-TTY environment detected, skipping confirmation");
            }
            (ApprovedBy::Settings, _) => context.ui.aside(&format!(
                "{}_DB_MIGRATIONS_IS_INTERACTIVE is off, skipping confirmation",
                context.config.prefix
            )),
            (ApprovedBy::Flag | ApprovedBy::Person | ApprovedBy::Command, _) => {}
        }
        return Ok(review.approve(by));
    }
    let mut screen = screen()?;
    // Whoever answers must have seen the plan: show it where the question goes when stdout went elsewhere.
    let unseen = context.ui.output == Output::Json || context.ui.volume == Volume::Quiet;
    if unseen || !io::stdout().is_terminal() {
        screen.write_all(human::plan(&review, context.ui.width, human::Ends::Question).as_bytes())?;
    }
    // Of several services, those before this one may be done.
    let whose = match context.config.services.len() {
        1 => String::new(),
        _ => format!(" in {}", review.plan.format.service),
    };
    let unchanged = |exit, code| Failure::new(exit, code, format!("{code}; nothing was changed{whose}"));
    // What may lose data, or was never tried in this order, is not done by a mere Enter.
    let enter = match review.plan.direction {
        Direction::Up if late.is_empty() => Answer::Yes,
        Direction::Up | Direction::Down => Answer::No,
    };
    match ask(context, screen.as_mut(), enter) {
        Ok(Answer::Yes) => Ok(review.approve(ApprovedBy::Person)),
        Ok(Answer::No | Answer::Unclear) => Err(unchanged(Exit::Declined, "declined")),
        Err(failure) if failure.exit == Exit::Interrupted => {
            writeln!(screen)?;
            Err(unchanged(Exit::Interrupted, "interrupted"))
        }
        Err(failure) => Err(failure),
    }
}

/// Where the question is shown: stderr, or the terminal itself when stderr goes elsewhere.
fn screen() -> Result<Box<dyn Write>, Failure> {
    if io::stderr().is_terminal() {
        return Ok(Box::new(io::stderr()));
    }
    match OpenOptions::new().write(true).open("/dev/tty") {
        Ok(terminal) => Ok(Box::new(terminal)),
        Err(_) => Err(Failure::new(
            Exit::NeedsAnswer,
            "needs-answer",
            "an answer is needed, and the question cannot be shown: stderr is no terminal",
        )
        .hint("Nothing was changed. --yes answers in advance.")),
    }
}

/// Asks; `enter` is what Enter means.
fn ask(context: &Context, screen: &mut dyn Write, enter: Answer) -> Result<Answer, Failure> {
    let prompt = match enter {
        Answer::Yes => "Do you want to proceed? [y/n/enter] (y): ",
        Answer::No | Answer::Unclear => "Do you want to proceed? [y/n] (n): ",
    };
    // On a narrow terminal the answer gets a line of its own.
    let prompt =
        if context.ui.width <= prompt.len() { prompt.replacen("? ", "?\n", 1) } else { prompt.to_owned() };
    loop {
        let question = || write!(screen, "{prompt}").and_then(|()| screen.flush());
        let Some(line) = context.answer_to(question)? else {
            writeln!(screen)?;
            return Ok(Answer::No);
        };
        match read_answer(&line, enter) {
            Answer::Unclear => writeln!(screen, "Please answer y or n.")?,
            answer => return Ok(answer),
        }
    }
}

/// Makes sure that `name` is said before what the books hold is forgotten: by the flag, or typed at a terminal.
pub fn named(context: &Context, name: &str, said: Option<&str>) -> Result<(), Failure> {
    let said = match said {
        Some(said) => Some(said.to_owned()),
        None if !io::stdin().is_terminal() => {
            return Err(Failure::new(
                Exit::NeedsAnswer,
                "needs-answer",
                "this forgets what the books say, and there is no terminal to ask at",
            )
            .hint(format!("Nothing was changed. To say it in advance: --yes-really {name}")));
        }
        None => {
            let mut screen = screen()?;
            let line = context.answer_to(|| {
                write!(
                    screen,
                    "This forgets what the books say. Type the database's name ({name}) to go on: "
                )?;
                screen.flush()
            })?;
            line.map(|line| line.trim().to_owned())
        }
    };
    match said {
        Some(said) if said == name => Ok(()),
        Some(said) if !said.is_empty() => Err(Failure::new(
            Exit::Declined,
            "declined",
            format!("declined; the database is called {name}, not {said}; nothing was changed"),
        )),
        _ => Err(Failure::new(Exit::Declined, "declined", "declined; nothing was changed")),
    }
}

/// Asks which way a half-applied revision is to be settled. Nothing, or the end of input, settles nothing.
pub fn way(context: &Context) -> Result<Way, Failure> {
    let mut screen = screen()?;
    let menu = "A revision is half-applied; `limbeck status` shows which. What now?\n  \
                1  continue: go on with the first statement that is not done\n  \
                2  retry: run all of it again, what was done is undone by hand\n  \
                3  undo: take back what was done, by the other section of the file\n  \
                4  done: only say so, the rest is done by hand\n";
    screen.write_all(menu.as_bytes())?;
    loop {
        let line = context.answer_to(|| {
            write!(screen, "Your choice [1/2/3/4/enter] (stop): ")?;
            screen.flush()
        })?;
        match line.as_deref().map(str::trim) {
            Some("1" | "continue") => return Ok(Way::Continue(None)),
            Some("2" | "retry") => return Ok(Way::Retry),
            Some("3" | "undo") => return Ok(Way::Undo),
            Some("4" | "done") => return Ok(Way::Done),
            None | Some("" | "stop") => {
                return Err(Failure::new(Exit::Declined, "declined", "declined; nothing was changed"));
            }
            Some(_) => writeln!(screen, "Please answer 1, 2, 3 or 4.")?,
        }
    }
}

/// Reads a typed line; `enter` is what an empty one means.
fn read_answer(line: &str, enter: Answer) -> Answer {
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Answer::Yes,
        "n" | "no" => Answer::No,
        "" => enter,
        _ => Answer::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_means_what_the_question_says() {
        use Answer::{No, Unclear, Yes};
        for (line, when_yes, when_no) in [
            ("\n", Yes, No),
            ("y\n", Yes, Yes),
            (" YES \n", Yes, Yes),
            ("n\n", No, No),
            ("No\r\n", No, No),
            ("ja\n", Unclear, Unclear),
            ("yy\n", Unclear, Unclear),
        ] {
            assert_eq!(read_answer(line, Yes), when_yes, "{line:?}");
            assert_eq!(read_answer(line, No), when_no, "{line:?}");
        }
    }
}
