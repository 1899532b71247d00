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
         (SELECT count(*) FROM pg_class WHERE relnamespace = n.oid AND relname !~ '^limbeck_lock'), \
         (SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = n.oid \
          AND c.relname = 'limbeck_revisions' AND a.attname = 'heads' AND NOT a.attisdropped), \
         pg_backend_pid() \
         FROM (SELECT to_regnamespace(quote_ident(current_schema())) AS oid) n",
    );
    sql
}

/// Every kind of object of the database but the server's own, those of extensions, and the books.
pub(super) const SCHEMA: &[&str] = &[
    "SELECT 'schema', nspname, nspacl::text, obj_description(oid, 'pg_namespace') FROM pg_namespace \
     WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
    "SELECT 'relation', n.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, \
            c.reloptions::text, c.relacl::text, pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid), \
            CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, obj_description(c.oid, 'pg_class') \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relname !~ '^limbeck_(revisions|log|lock)'",
    "SELECT 'inheritance', i.inhrelid::regclass, i.inhparent::regclass, i.inhseqno FROM pg_inherits i",
    "SELECT 'column', n.nspname, c.relname || '.' || a.attname, \
            row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod), \
            a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation, a.attacl::text, \
            pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum) \
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
       AND c.relname !~ '^limbeck_(revisions|log|lock)'",
    "SELECT 'constraint', n.nspname, coalesce(r.relname || '.', '') || k.conname, pg_get_constraintdef(k.oid), \
            k.convalidated \
     FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace LEFT JOIN pg_class r ON r.oid = k.conrelid \
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
       AND coalesce(r.relname, '') !~ '^limbeck_(revisions|log|lock)'",
    "SELECT 'index', n.nspname, c.relname, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered \
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname !~ '^pg_' AND c.relname !~ '^limbeck_(revisions|log|lock)'",
    "SELECT 'trigger', pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT 'rule', pg_get_ruledef(r.oid), r.ev_enabled FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class \
     JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND r.rulename <> '_RETURN'",
    "SELECT 'policy', schemaname, tablename || '.' || policyname, permissive, roles::text, cmd, qual, with_check \
     FROM pg_policies",
    "SELECT 'function', pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p \
     JOIN pg_namespace n ON n.oid = p.pronamespace \
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prokind IN ('f', 'p', 'w') \
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')",
    "SELECT 'aggregate', p.oid::regprocedure, a.aggtransfn, a.aggfinalfn, a.agginitval FROM pg_aggregate a \
     JOIN pg_proc p ON p.oid = a.aggfnoid JOIN pg_namespace n ON n.oid = p.pronamespace \
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
    "SELECT 'sequence', schemaname, sequencename, data_type::text, start_value, min_value, max_value, increment_by, \
            cycle, cache_size FROM pg_sequences WHERE sequencename !~ '^limbeck_(revisions|log|lock)'",
    "SELECT 'enum', n.nspname, t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) \
     FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid JOIN pg_namespace n ON n.oid = t.typnamespace \
     GROUP BY n.nspname, t.typname",
    "SELECT 'domain', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault \
     FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
     WHERE t.typtype = 'd' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
    "SELECT 'statistics', stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
    "SELECT 'publication', pubname, puballtables FROM pg_publication",
    "SELECT 'extension', extname FROM pg_extension",
];
