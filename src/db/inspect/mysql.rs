//! The catalogue of MySQL and MariaDB. <https://dev.mysql.com/doc/refman/en/information-schema-tables-table.html>

pub(super) fn identity() -> String {
    String::from(
        "SELECT VERSION(), DATABASE(), \
         (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() \
          AND table_name = 'limbeck_revisions'), \
         (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() \
          AND table_name = 'limbeck_log'), \
         (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()), \
         (SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() \
          AND table_name = 'limbeck_revisions' AND column_name = 'heads'), \
         CONNECTION_ID(), @@max_allowed_packet",
    )
}

/// The schema of the current database. The columns are those that both MySQL and MariaDB have.
pub(super) const SCHEMA: &[&str] = &[
    "SELECT 'database', default_character_set_name, default_collation_name FROM information_schema.schemata \
     WHERE schema_name = DATABASE()",
    "SELECT 'table', table_name, table_type, engine, row_format, table_collation, create_options, table_comment \
     FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type <> 'VIEW' \
     AND table_name NOT IN ('limbeck_revisions', 'limbeck_log')",
    "SELECT 'column', CONCAT(table_name, '.', column_name), ordinal_position, column_type, is_nullable, \
     COALESCE(column_default, 'no default'), character_set_name, collation_name, extra, generation_expression, \
     column_comment FROM information_schema.columns WHERE table_schema = DATABASE() \
     AND table_name NOT IN ('limbeck_revisions', 'limbeck_log')",
    "SELECT 'index', CONCAT(table_name, '.', index_name), seq_in_index, column_name, non_unique, sub_part, collation, \
     index_type, index_comment FROM information_schema.statistics WHERE table_schema = DATABASE() \
     AND table_name NOT IN ('limbeck_revisions', 'limbeck_log')",
    "SELECT 'constraint', CONCAT(table_name, '.', constraint_name), constraint_type \
     FROM information_schema.table_constraints WHERE table_schema = DATABASE() \
     AND table_name NOT IN ('limbeck_revisions', 'limbeck_log')",
    "SELECT 'foreign key', CONCAT(k.table_name, '.', k.constraint_name), k.ordinal_position, k.column_name, \
     CONCAT(k.referenced_table_schema, '.', k.referenced_table_name, '.', k.referenced_column_name), r.update_rule, \
     r.delete_rule, r.match_option FROM information_schema.key_column_usage k \
     JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema \
     AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name \
     WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL",
    "SELECT 'check', constraint_name, check_clause FROM information_schema.check_constraints \
     WHERE constraint_schema = DATABASE()",
    "SELECT 'view', table_name, view_definition, check_option, security_type, character_set_client, collation_connection \
     FROM information_schema.views WHERE table_schema = DATABASE()",
    "SELECT 'trigger', trigger_name, action_timing, event_manipulation, event_object_table, action_order, \
     action_statement, sql_mode FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    "SELECT 'routine', routine_name, routine_type, dtd_identifier, routine_definition, is_deterministic, \
     sql_data_access, security_type, sql_mode FROM information_schema.routines WHERE routine_schema = DATABASE()",
    "SELECT 'parameter', CONCAT(specific_name, '.', COALESCE(parameter_name, '')), ordinal_position, parameter_mode, \
     dtd_identifier FROM information_schema.parameters WHERE specific_schema = DATABASE()",
    "SELECT 'event', event_name, event_type, interval_value, interval_field, status, on_completion, event_definition, \
     time_zone, sql_mode FROM information_schema.events WHERE event_schema = DATABASE()",
    "SELECT 'partition', CONCAT(table_name, '.', partition_name), partition_ordinal_position, partition_method, \
     partition_expression, partition_description FROM information_schema.partitions WHERE table_schema = DATABASE() \
     AND partition_name IS NOT NULL",
];
