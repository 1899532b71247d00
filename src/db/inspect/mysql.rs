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
          AND table_name = 'limbeck_revisions' AND column_name = 'source'), \
         CONNECTION_ID()",
    )
}
