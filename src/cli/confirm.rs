//! The question before a plan is carried out. Every question has a flag, an answer without a terminal, an exit code.
//!
//! The line is read in the terminal's own line mode, so that the keys that end or interrupt input (Ctrl-D, Ctrl-C) mean
//! here what they mean everywhere: no, and stop.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};

use crate::chain::Direction;
use crate::review::{Approved, ApprovedBy, Review};

use super::context::Context;
use super::exit::Exit;
use super::output::human;
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

/// Asks for approval, or finds that nobody need be asked.
pub fn confirm(context: &Context, review: Review, asking: Asking) -> Result<Approved, Failure> {
    if asking == Asking::Yes {
        return Ok(review.approve(ApprovedBy::Flag));
    }
    if asking == Asking::NoInput || !io::stdin().is_terminal() {
        context.ui.aside("Non-TTY environment detected, skipping confirmation");
        return Ok(review.approve(ApprovedBy::NoTerminal));
    }
    if context.config.interactive == Some(false) {
        context.ui.aside(&format!(
            "{}_DB_MIGRATIONS_IS_INTERACTIVE is off, skipping confirmation",
            context.config.prefix
        ));
        return Ok(review.approve(ApprovedBy::Settings));
    }
    let mut screen = screen()?;
    // Whoever answers must have seen the plan: show it where the question goes when stdout went elsewhere.
    if !io::stdout().is_terminal() || context.ui.output == super::ui::Output::Json {
        screen.write_all(human::plan(&review, context.ui.width, human::Ends::Question).as_bytes())?;
    }
    match ask(context, screen.as_mut(), review.plan.direction)? {
        Answer::Yes => Ok(review.approve(ApprovedBy::Person)),
        Answer::No | Answer::Unclear => {
            Err(Failure::new(Exit::Declined, "declined", "declined; nothing was changed"))
        }
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

fn ask(context: &Context, screen: &mut dyn Write, direction: Direction) -> Result<Answer, Failure> {
    let prompt = match direction {
        Direction::Up => "Do you want to proceed? [y/n/enter] (y): ",
        Direction::Down => "Do you want to proceed? [y/n] (n): ",
    };
    loop {
        write!(screen, "{prompt}")?;
        screen.flush()?;
        let Some(line) = context.read_line()? else {
            writeln!(screen)?;
            return Ok(Answer::No);
        };
        match read_answer(&line, direction) {
            Answer::Unclear => writeln!(screen, "Please answer y or n.")?,
            answer => return Ok(answer),
        }
    }
}

/// Reads a typed line.
fn read_answer(line: &str, direction: Direction) -> Answer {
    match (line.trim().to_ascii_lowercase().as_str(), direction) {
        ("y" | "yes", _) | ("", Direction::Up) => Answer::Yes,
        ("n" | "no", _) | ("", Direction::Down) => Answer::No,
        _ => Answer::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_is_yes_for_an_upgrade_and_no_for_a_downgrade() {
        use Answer::{No, Unclear, Yes};
        for (line, up, down) in [
            ("\n", Yes, No),
            ("y\n", Yes, Yes),
            (" YES \n", Yes, Yes),
            ("n\n", No, No),
            ("No\r\n", No, No),
            ("ja\n", Unclear, Unclear),
            ("yy\n", Unclear, Unclear),
        ] {
            assert_eq!(read_answer(line, Direction::Up), up, "{line:?}");
            assert_eq!(read_answer(line, Direction::Down), down, "{line:?}");
        }
    }
}
