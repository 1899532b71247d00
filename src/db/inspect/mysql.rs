//! The catalogue of MySQL and MariaDB. <https://dev.mysql.com/doc/refman/en/information-schema-tables-table.html>

use crate::db::session::Access;

pub(super) fn identity(access: Access) -> String {
    let read_only = match access {
        Access::Read => "SET SESSION TRANSACTION READ ONLY;\n",
        Access::Write => "",
    };
    format!(
        "{read_only}SELECT VERSION(), DATABASE(), \
         (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() \
          AND table_name = 'limbeck_revisions'), \
         (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() \
          AND table_name = 'limbeck_log'), \
         (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE())"
    )
}
