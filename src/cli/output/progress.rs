//! What happens, while it happens: a line per revision, a bar for a long run, JSON lines.

use std::time::Duration;

use console::style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::chain::Direction;
use crate::event::{Event, Observer};

use super::super::ui::{Output, Ui, Volume, wrapped};
use super::{human, json};

/// The columns of `(59 min 59 s)`, kept free behind every line.
const LONGEST_TIME: usize = 13;

/// A run of fewer steps needs no bar.
const LONG_RUN: usize = 10;

/// Shows events on a terminal or in a log.
pub struct Progress {
    ui: Ui,
    bar: Option<ProgressBar>,
    running: String,
}

impl Progress {
    /// Shows events as `ui` says.
    pub fn new(ui: Ui) -> Self {
        Self { ui, bar: None, running: String::new() }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.ui.aside(text)),
            None => self.ui.aside(text),
        }
    }

    /// A remark between the revisions.
    fn say(&self, text: &str) {
        self.line(&wrapped(text, self.ui.width));
    }

    fn start(&mut self, steps: usize) {
        let terminal = console::Term::stderr().is_term();
        if steps < LONG_RUN || !terminal || self.ui.volume == Volume::Quiet {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(look) = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg} {elapsed}") {
            bar.set_style(look.progress_chars("━╸─"));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        self.bar = Some(bar);
    }

    fn step_done(&mut self, direction: Direction, recorded: bool, took: Duration) {
        if !recorded {
            let arrow = match direction {
                Direction::Up => "↑",
                Direction::Down => "↓",
            };
            let took = format!("({})", human::duration(took));
            // A terminal's line holds all of it; a log may be as wide as it likes.
            let room = self.ui.width.saturating_sub(LONGEST_TIME + 3);
            let running = match console::Term::stderr().is_term() {
                true => console::truncate_str(&self.running, room, "…"),
                false => self.running.as_str().into(),
            };
            let (arrow, took) = (style(arrow).green().for_stderr(), style(took).dim().for_stderr());
            self.line(&format!("{arrow} {running} {took}"));
        }
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
}

impl Observer for Progress {
    fn on_event(&mut self, event: &Event) {
        if self.ui.output == Output::Json {
            let _ = self.ui.json(|| json::event(event));
            return;
        }
        match event {
            Event::Started { steps } => self.start(*steps),
            Event::StepStarted { revision, message, .. } => {
                self.running = format!("{revision} {message}");
                if let Some(bar) = &self.bar {
                    bar.set_message(self.running.clone());
                }
            }
            Event::StepDone { direction, recorded, took, .. } => self.step_done(*direction, *recorded, *took),
            Event::StepFailed { took, .. } => {
                self.line(&format!(
                    "{} {} failed after {}",
                    style("✗").red().for_stderr(),
                    self.running,
                    human::duration(*took)
                ));
                self.end();
            }
            Event::Interrupted { .. } | Event::Undone | Event::Finished { .. } => self.end(),
            Event::LockHeld { holder } => {
                let text = format!("Waiting: another limbeck is at work on this database ({holder})");
                self.say(&text);
            }
            Event::Blocked { revision, by } => {
                self.say(&format!("Waiting: {revision} needs a lock that is held by {}", by.join("; ")));
            }
            Event::Retrying { revision, tries, error, pause, .. } => {
                let pause = human::duration(*pause);
                self.say(&format!("{revision} was undone ({error}); try {tries} in {pause}"));
            }
            Event::StatementSkipped { revision, statement, guard, .. } => {
                self.say(&format!("{revision}: statement {statement} is left out ({guard})"));
            }
            Event::ServerAwaited { url, reason, wait } => {
                let text = format!("Waiting for {url}, {} at most: {reason}", human::duration(*wait));
                self.ui.aside(&wrapped(&text, self.ui.width));
            }
            Event::DatabaseCreated { name } => self.ui.aside(&format!("The database {name} was created")),
            Event::BackedUp { file, restore } => {
                let restore = continued(restore, self.ui.width);
                self.line(&format!("Copied before the run:\n  {file}\nTo restore it:\n{restore}"));
            }
            Event::BooksCreated => {}
        }
    }
}

impl Progress {
    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// A command in lines of `width` columns that a shell reads as one, indented; nothing in quotes is broken in two.
fn continued(command: &str, width: usize) -> String {
    let room = width.saturating_sub(" \\".len());
    let mut lines = vec![String::new()];
    let mut in_quotes = false;
    for word in command.split(' ') {
        let last = lines.len() - 1;
        let first = lines[last].is_empty();
        let fits = console::measure_text_width(&lines[last]) + 1 + console::measure_text_width(word) <= room;
        if first {
            lines[last] = format!("  {word}");
        } else if fits || in_quotes {
            lines[last].push(' ');
            lines[last].push_str(word);
        } else {
            lines[last].push_str(" \\");
            lines.push(format!("    {word}"));
        }
        in_quotes ^= word.matches('\'').count() % 2 == 1;
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::continued;

    #[test]
    fn a_command_goes_on_behind_a_backslash_and_not_within_quotes() {
        assert_eq!(continued("cp a b", 20), "  cp a b");
        assert_eq!(continued("cp /some/where /else/where", 20), "  cp /some/where \\\n    /else/where");
        assert_eq!(continued("cp 'a b c d e f g h i' j", 20), "  cp 'a b c d e f g h i' \\\n    j");
    }
}
