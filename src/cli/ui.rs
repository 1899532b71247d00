//! The terminal: where text goes, how wide it may be, whether it is coloured.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What stdout carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Text for people.
    Human,
    /// One JSON document, or one per line.
    Json,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// Errors only.
    Quiet,
    /// What a person wants to see.
    Normal,
    /// More.
    Verbose,
}

/// The terminal as a command sees it.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    /// What stdout carries.
    pub output: Output,
    /// How much is said.
    pub volume: Volume,
    /// Columns that text may use.
    pub width: usize,
}

/// The width where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 100;

impl Ui {
    /// Looks at the terminal. `columns` is the variable `COLUMNS`.
    pub fn new(output: Output, volume: Volume, color: Color, no_color: bool, columns: Option<&str>) -> Self {
        let colored = |terminal: bool| match color {
            Color::Auto => terminal && !no_color,
            Color::Always => true,
            Color::Never => false,
        };
        console::set_colors_enabled(colored(io::stdout().is_terminal()));
        console::set_colors_enabled_stderr(colored(io::stderr().is_terminal()));
        let terminal =
            console::Term::stdout().size_checked().or_else(|| console::Term::stderr().size_checked());
        let width = match terminal {
            Some((_, columns)) => usize::from(columns),
            None => columns.and_then(|columns| columns.parse().ok()).unwrap_or(DEFAULT_WIDTH),
        };
        Self { output, volume, width: width.max(20) }
    }

    /// Prints text for people, unless stdout carries JSON or quiet was asked for.
    pub fn say(&self, text: &str) -> io::Result<()> {
        if self.output == Output::Human && self.volume > Volume::Quiet { print(text) } else { Ok(()) }
    }

    /// Prints what the command was asked for, quiet or not.
    pub fn answer(&self, text: &str) -> io::Result<()> {
        if self.output == Output::Human { print(text) } else { Ok(()) }
    }

    /// Prints one JSON document on one line. It is made only when stdout carries JSON.
    pub fn json<T: Serialize>(&self, document: impl FnOnce() -> T) -> io::Result<()> {
        if self.output == Output::Json {
            print(&format!("{}\n", serde_json::to_string(&document())?))
        } else {
            Ok(())
        }
    }

    /// Says something beside the output, on stderr.
    pub fn aside(&self, text: &str) {
        if self.volume > Volume::Quiet {
            // Nothing can be done about a stderr that is gone.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Warns, on stderr.
    pub fn warn(&self, text: &str) {
        self.aside(&format!("{} {text}", console::style("warning:").yellow().bold().for_stderr()));
    }
}

/// Breaks lines at spaces. A line that begins with spaces goes on behind as many.
pub fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let mut current = indent.to_owned();
        for word in line.split_whitespace() {
            let used = console::measure_text_width(&current);
            if used > indent.len() && used + 1 + console::measure_text_width(word) > width {
                lines.push(std::mem::replace(&mut current, indent.to_owned()));
            } else if used > indent.len() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines.join("\n")
}

/// Writes to stdout, all of it. A reader that left early (`| head`) is no error: what it did not want is not owed.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
