//! `man`: the manual page.

use super::super::exit::Exit;
use super::super::ui::{self, Ui};
use super::super::words::Failure;

/// Arguments of `man`.
#[derive(clap::Args, Debug)]
#[command(after_help = "limbeck man | man -l -")]
pub struct Args {}

impl Args {
    pub(super) fn run(&self, _ui: Ui) -> Result<Exit, Failure> {
        let mut page = Vec::new();
        clap_mangen::Man::new(super::super::command()).render(&mut page)?;
        for command in super::super::command().get_subcommands() {
            let name = format!("limbeck-{}", command.get_name());
            let man = clap_mangen::Man::new(command.clone().name(clap::builder::Str::from(name)));
            man.render_name_section(&mut page)?;
            man.render_synopsis_section(&mut page)?;
            man.render_options_section(&mut page)?;
        }
        ui::print(&String::from_utf8_lossy(&page))?;
        Ok(Exit::Done)
    }
}
