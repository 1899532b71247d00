//! `init`: make the settings file, the folders and an example of the environment. Never overwrites.

use crate::dialect::Backend;
use crate::folder;

use super::super::context::{self, Globals};
use super::super::exit::Exit;
use super::super::output::json;
use super::super::ui::Ui;
use super::super::words::Failure;

/// Arguments of `init`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The name in file names: <rev>_<NAME>_db_version_<n>.sql
    #[arg(long, default_value = "cortex", value_name = "NAME")]
    name: String,
    /// The prefix of the environment variables
    #[arg(long, default_value = crate::config::DEFAULT_PREFIX, value_name = "PREFIX")]
    env_prefix: String,
}

const ENV_EXAMPLE: &str = include_str!("../../../local.env.example");

impl Args {
    pub(super) fn run(&self, globals: &Globals, ui: Ui) -> Result<Exit, Failure> {
        for (flag, value) in [("--name", &self.name), ("--env-prefix", &self.env_prefix)] {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if value.is_empty() || !value.chars().all(word) {
                return Err(Failure::usage(
                    format!("{flag} `{value}` is not a word"),
                    "Letters, digits, `_` and `-` can be used.",
                ));
            }
        }
        let here = context::here()?;
        let settings = match &globals.config {
            Some(path) => here.join(path),
            None => here.join(crate::config::FILE_NAME),
        };
        let root = settings.parent().unwrap_or(&here).to_owned();
        let folder =
            globals.migrations.as_ref().map_or_else(|| root.join("migrations"), |folder| here.join(folder));
        let migrations = folder.strip_prefix(&root).unwrap_or(&folder).display().to_string();
        let text = format!(
            "# Settings of limbeck. Flags and environment variables come before what stands here.\n\
             name = \"{}\"                 # in file names: <rev>_{0}_db_version_<n>.sql\n\
             env_prefix = \"{}\"           # of the environment variables: {1}_DB_TYPE, {1}_DATABASE_URL…\n\
             migrations = \"{migrations}\"       # holds sqlite/ postgresql/ mysql/\n\
             database_url = \"sqlite://{0}.db\"   # ${{VAR}} is replaced by the variable\n",
            self.name, self.env_prefix
        );
        let mut report = Vec::new();
        let shown = |path: &std::path::Path| path.strip_prefix(&here).unwrap_or(path).display().to_string();
        for backend in Backend::ALL {
            let folder = folder.join(backend.name());
            let made = !folder.is_dir();
            if made {
                folder::make(&folder)?;
            }
            report.push((shown(&folder), made));
        }
        let example = ENV_EXAMPLE.replace("CORTEX", &self.env_prefix).replace("cortex", &self.name);
        for (path, text) in [(settings, text), (root.join("local.env.example"), example)] {
            let made = !path.exists();
            if made {
                folder::write_new(&path, &text)?;
            }
            report.push((shown(&path), made));
        }
        for (path, made) in &report {
            ui.say(&format!("{} {path}\n", if *made { "made    " } else { "kept    " }))?;
        }
        ui.say("\nNext: limbeck revision -m \"what it does\", edit the file, limbeck upgrade\n")?;
        let files: Vec<_> =
            report.iter().map(|(path, made)| serde_json::json!({ "path": path, "made": made })).collect();
        ui.json(|| json::document(serde_json::json!({ "files": files })))?;
        Ok(Exit::Done)
    }
}
