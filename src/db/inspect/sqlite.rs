//! SQLite's catalogue. <https://www.sqlite.org/schematab.html>

pub(super) fn identity() -> String {
    "SELECT sqlite_version(), NULL, \
     (SELECT count(*) FROM sqlite_master WHERE name = 'limbeck_revisions'), \
     (SELECT count(*) FROM sqlite_master WHERE name = 'limbeck_log'), \
     (SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'), \
     (SELECT count(*) FROM pragma_table_info('limbeck_revisions') WHERE name = 'source')"
        .to_owned()
}
