//! The command line: parse, run, exit.

mod commands;
mod confirm;
mod context;
mod dump;
mod exit;
mod output;
mod plan_files;
mod ui;
mod words;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use commands::Command;
use context::Globals;
use exit::Exit;
use output::json;
use ui::Output;
use words::{Failure, Told};

/// An interactive migration planner: shows what is pending as a plan, asks, applies.
///
/// It keeps a chain of revisions for each dialect (sqlite, postgresql, mysql) in
/// migrations/<dialect>/, and books in the database about what is applied.
/// Without a terminal on stdin it does not ask.
#[derive(Debug, Parser)]
#[command(
    name = "limbeck",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 done or nothing to do, 1 error, 2 usage, 3 declined, 4 pending (check), \
                  5 an answer is needed, 6 lock not obtained in time, 7 half-applied revision, 8 stale plan, 130 interrupted."
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// The command line as clap knows it: for completions and the manual page.
fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let cli = match command().try_get_matches_from(arguments).and_then(|found| Cli::from_arg_matches(&found))
    {
        Ok(cli) => cli,
        Err(error) => return usage(&error, wants_json),
    };
    let ui = context::ui(&cli.globals);
    match cli.command.run(&cli.globals, ui) {
        Ok(exit) => exit.into(),
        Err(failure) => fail(&failure, ui),
    }
}

/// Tells of a command line that clap refuses, or prints the help that was asked for.
fn usage(error: &clap::Error, wants_json: bool) -> ExitCode {
    use clap::error::ErrorKind;
    let help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if wants_json && !help {
        let message = error.render().to_string();
        // The first paragraph: what is missing stands in lines of its own.
        let paragraph: Vec<&str> =
            message.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let message = paragraph.join(" ").trim_start_matches("error: ").to_owned();
        let failure = Failure::usage(message, "limbeck --help lists the commands");
        let json_only = ui::Ui { output: Output::Json, volume: ui::Volume::Quiet, width: 80 };
        let _ = json_only.json(|| json::error(&failure));
        return Exit::Usage.into();
    }
    // A closed pipe is no reason to complain.
    let _ = error.print();
    if help { Exit::Done.into() } else { Exit::Usage.into() }
}

fn fail(failure: &Failure, ui: ui::Ui) -> ExitCode {
    match ui.output {
        // The run's last line has told it already.
        Output::Json if failure.told == Told::InReport => {}
        Output::Json => {
            let _ = ui.json(|| json::error(failure));
        }
        Output::Human => match failure.exit {
            // Not errors: somebody decided so.
            Exit::Declined | Exit::Interrupted => {
                let message = &failure.message;
                let mut letters = message.chars();
                let first =
                    letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
                let said = [format!("{first}{}.", letters.as_str())]
                    .into_iter()
                    .chain(failure.notes.iter().cloned());
                for line in said {
                    let _ = writeln!(std::io::stderr(), "{}", ui::wrapped(&line, ui.width));
                }
            }
            _ => {
                let _ = write!(std::io::stderr(), "{}", failure.text(ui.width));
            }
        },
    }
    failure.exit.into()
}
