//! PostgreSQL's catalogue. <https://www.postgresql.org/docs/current/catalogs.html>

use crate::dialect::Backend;

pub(super) fn identity(schema: Option<&str>) -> String {
    let dialect = Backend::Postgres.dialect();
    let mut sql = String::new();
    // In the message, not among the startup parameters: PgBouncer refuses those that it does not know.
    if let Some(schema) = schema {
        sql.push_str(&format!("SET search_path = {};\n", dialect.quote_name(schema)));
    }
    sql.push_str(
        "SELECT current_setting('server_version'), current_schema(), \
         (SELECT count(*) FROM pg_class WHERE relnamespace = n.oid AND relname = 'limbeck_revisions'), \
         (SELECT count(*) FROM pg_class WHERE relnamespace = n.oid AND relname = 'limbeck_log'), \
         (SELECT count(*) FROM pg_class WHERE relnamespace = n.oid), \
         (SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = n.oid \
          AND c.relname = 'limbeck_revisions' AND a.attname = 'source' AND NOT a.attisdropped), \
         pg_backend_pid() \
         FROM (SELECT to_regnamespace(quote_ident(current_schema())) AS oid) n",
    );
    sql
}
