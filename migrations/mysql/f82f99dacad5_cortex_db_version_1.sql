-- create tenants
--
-- Revision ID: f82f99dacad5
-- Revises:
-- Create Date: 2024-01-09 12:55:02.641790

-- limbeck:upgrade
-- utf8mb4_unicode_520_ci is known to MySQL and MariaDB alike. UUIDs are plain
-- ASCII, so their columns say so: a quarter of the index space.
-- DATETIME follows the session's time zone; connect with time_zone = '+00:00'.
CREATE TABLE tenants (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT (UUID()),
    name VARCHAR(200) NOT NULL,
    slug VARCHAR(63) NOT NULL,
    plan VARCHAR(20) NOT NULL DEFAULT 'free',
    ai_quota_monthly BIGINT UNSIGNED NOT NULL DEFAULT 100000,
    ai_usage_current BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'tokens spent this month; set to 0 at ai_quota_reset_at',
    ai_quota_reset_at DATETIME(6) NULL COMMENT 'null until the tenant''s first metered call',
    settings JSON NOT NULL DEFAULT (JSON_OBJECT()),
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    UNIQUE KEY uq_tenants_slug (slug),
    CONSTRAINT ck_tenants_slug CHECK (slug REGEXP '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT ck_tenants_plan CHECK (plan IN ('free', 'pro', 'enterprise'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- limbeck:downgrade
DROP TABLE tenants;
