//! `completions`: a completion script for a shell.

use clap_complete::Shell;

use super::super::exit::Exit;
use super::super::ui::{self, Ui};
use super::super::words::Failure;

/// Arguments of `completions`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "For bash: limbeck completions bash > ~/.local/share/bash-completion/completions/limbeck"
)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Args {
    pub(super) fn run(&self, _ui: Ui) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::super::command(), "limbeck", &mut script);
        ui::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
