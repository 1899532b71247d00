//! Settings that do not fit together.

use crate::config::{self, ConfigError};

use super::Failure;

pub(super) fn config_failure(error: &ConfigError, failure: impl Fn(&'static str) -> Failure) -> Failure {
    match error {
        ConfigError::NoDatabase { prefix } => failure("no-settings").hint(format!(
            "`limbeck init` writes a {} with one. Or set one of these:\n  \
             database_url = \"sqlite://cortex.db\" in {0}\n  \
             {prefix}_DATABASE_URL=postgresql://user:password@host/name\n  \
             {prefix}_DB_TYPE=sqlite and {prefix}_DB_FILE=cortex.db\n  \
             {prefix}_DB_TYPE=postgresql (or mysql) and {prefix}_DB_HOST, _NAME, _USERNAME, _PASSWORD\n  \
             --database-url sqlite://cortex.db on the command line\n\
             Variables are read from the environment, local.env or .env. A command that only reads files needs no more \
             than --dialect.",
            config::FILE_NAME
        )),
        ConfigError::Variable { variable, .. } => {
            failure("setting").hint(format!("Correct {variable}, or take it out."))
        }
        ConfigError::Url { .. } => failure("database-url").hint(
            "A URL looks like sqlite://file.db, postgresql://user:password@host:5432/name or \
             mysql://user:password@host:3306/name.",
        ),
        ConfigError::Contradiction { variable, origin, .. } => {
            failure("contradiction").hint(format!("Change {variable} or {origin}, or set only one of them."))
        }
        ConfigError::Dialect(_) => failure("dialect").hint("For example: --dialect postgresql"),
        ConfigError::File { source_text, span, .. } => {
            let named = source_text.text().get(span.start..span.end).is_some_and(|text| text.contains("${"));
            let variable = named
                .then_some("Variables are looked for in the environment, then in the env file (local.env, .env).");
            failure("settings-file").at(source_text, *span, "here").maybe_hint(variable)
        }
        ConfigError::UnknownService { .. } => failure("service")
            .hint(format!("Services are the [services.NAME] tables of {}.", config::FILE_NAME)),
    }
}
