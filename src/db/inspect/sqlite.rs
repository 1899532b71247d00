//! SQLite's catalogue. <https://www.sqlite.org/schematab.html>

pub(super) fn identity() -> String {
    "SELECT sqlite_version(), NULL, \
     (SELECT count(*) FROM sqlite_master WHERE name = 'limbeck_revisions'), \
     (SELECT count(*) FROM sqlite_master WHERE name = 'limbeck_log'), \
     (SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'), \
     (SELECT count(*) FROM pragma_table_info('limbeck_revisions') WHERE name = 'heads')"
        .to_owned()
}

/// SQLite keeps the text of every object; what it makes by itself for a table has none.
pub(super) const SCHEMA: &[&str] = &[
    "SELECT type, name, CASE WHEN type IN ('table', 'view') THEN '' ELSE 'on ' || tbl_name END, sql \
     FROM sqlite_master WHERE tbl_name NOT IN ('limbeck_revisions', 'limbeck_log')",
    "SELECT 'pragma', 'user_version', user_version FROM pragma_user_version",
    "SELECT 'pragma', 'application_id', application_id FROM pragma_application_id",
];
