//! `limbeck.toml` as it is written, and errors about it that show no password.

use serde::Deserialize;

use crate::sql::{SourceText, Span};

use super::{ConfigError, DEFAULT_PREFIX};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: Option<String>,
    pub(super) env_prefix: Option<String>,
    pub(super) migrations: Option<toml::Spanned<String>>,
    pub(super) file_template: Option<String>,
    pub(super) convention: Option<toml::Spanned<String>>,
    pub(super) database_url: Option<toml::Spanned<String>>,
    pub(super) wait: Option<toml::Spanned<String>>,
    pub(super) backup: Option<toml::Spanned<String>>,
    pub(super) backup_dir: Option<String>,
    pub(super) lock_timeout: Option<toml::Spanned<String>>,
    pub(super) lock_wait: Option<toml::Spanned<String>>,
    pub(super) lock_budget: Option<toml::Spanned<String>>,
    pub(super) statement_timeout: Option<toml::Spanned<String>>,
    pub(super) revision_timeout: Option<toml::Spanned<String>>,
    pub(super) transaction: Option<toml::Spanned<String>>,
    pub(super) late: Option<toml::Spanned<String>>,
    #[serde(default)]
    pub(super) services: toml::Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileService {
    pub(super) migrations: Option<String>,
    pub(super) database_url: Option<String>,
    pub(super) convention: Option<String>,
}

/// The prefix of the environment variables, as `limbeck.toml` says: asked before the env file is found.
pub fn prefix(file: Option<&SourceText>) -> Result<String, ConfigError> {
    Ok(parse(file)?.env_prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned()))
}

pub(super) fn parse(file: Option<&SourceText>) -> Result<File, ConfigError> {
    let Some(source) = file else { return Ok(File::default()) };
    toml::from_str(source.text()).map_err(|error| toml_error(source, &error))
}

fn toml_error(source: &SourceText, error: &toml::de::Error) -> ConfigError {
    let span =
        error.span().map_or(source.span_of_line(1), |range| Span { start: range.start, end: range.end });
    wrong_file(source, span, error.message().to_owned())
}

/// An error in `limbeck.toml`, which errors show without what may be a password: it can stand anywhere in a server's URL.
pub(super) fn wrong_file(source: &SourceText, span: Span, message: String) -> ConfigError {
    let mut text = String::with_capacity(source.text().len());
    for line in source.text().split_inclusive('\n') {
        let value = line.find('=').map_or(0, |at| at + 1);
        let bare = line[value..].trim_start().trim_start_matches(['"', '\'']);
        let at_server =
            line.trim_start().starts_with("database_url") || bare.contains("://") || bare.contains('@');
        if !at_server || bare.starts_with("sqlite") {
            text.push_str(line);
            continue;
        }
        let secret = line[value..].find("://").map_or(value, |at| value + at + 3);
        text.push_str(&line[..secret]);
        text.push_str(&starred(&line[secret..]));
    }
    // What is wrong with a value may quote it.
    let message = match message.split_once('"') {
        Some((before, rest)) if rest.contains("://") || rest.contains('@') => {
            let after = rest.rsplit_once('"').map_or("", |(_, after)| after);
            format!("{before}\"***\"{after}")
        }
        _ => message,
    };
    ConfigError::File { message, source_text: SourceText::new(source.name(), text), span }
}

/// Stars for all but variables, quotes, and white space. As many bytes as before: the places in
/// the file stay what they are.
fn starred(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let variable = rest.find('}').filter(|_| rest.starts_with("${")).map(|end| &rest[..=end]);
        let kept = variable.or_else(|| {
            let plain = first.is_whitespace() || matches!(first, '"' | '\'');
            plain.then(|| &rest[..first.len_utf8()])
        });
        match kept {
            Some(kept) => text.push_str(kept),
            None => text.push_str(&"*".repeat(first.len_utf8())),
        }
        rest = &rest[kept.map_or(first.len_utf8(), str::len)..];
    }
    text
}
