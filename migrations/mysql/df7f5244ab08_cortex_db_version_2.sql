-- create users
--
-- Revision ID: df7f5244ab08
-- Revises: f82f99dacad5
-- Create Date: 2024-01-09 13:19:28.154403

-- limbeck:upgrade
-- The collation ignores case, so uq_users_email does as well.
CREATE TABLE users (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT (UUID()),
    tenant_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    email VARCHAR(255) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    display_name VARCHAR(120) NOT NULL,
    avatar_url VARCHAR(2048) NULL,
    bio TEXT NULL,
    skill_level VARCHAR(20) NOT NULL DEFAULT 'beginner',
    learning_goals JSON NOT NULL DEFAULT (JSON_ARRAY()),
    ai_preferences JSON NOT NULL DEFAULT (JSON_OBJECT()),
    last_login_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    UNIQUE KEY uq_users_email (email),
    KEY ix_users_tenant_id (tenant_id),
    CONSTRAINT fk_users_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT ck_users_email CHECK (email LIKE '_%@_%'),
    CONSTRAINT ck_users_skill_level CHECK (skill_level IN ('beginner', 'intermediate', 'advanced', 'expert'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- limbeck:downgrade
DROP TABLE users;
