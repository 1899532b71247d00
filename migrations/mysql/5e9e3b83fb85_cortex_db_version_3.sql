-- create categories
--
-- Revision ID: 5e9e3b83fb85
-- Revises: df7f5244ab08
-- Create Date: 2024-01-10 09:46:51.570238

-- limbeck:upgrade
-- parent_id <> id cannot be a CHECK here: MySQL refuses one on a column that
-- a foreign key may set to null.
CREATE TABLE categories (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT (UUID()),
    tenant_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    parent_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    name VARCHAR(120) NOT NULL,
    slug VARCHAR(120) NOT NULL,
    icon VARCHAR(50) NULL,
    color CHAR(7) NULL,
    embedding JSON NULL COMMENT 'array of 1536 numbers; PostgreSQL keeps a real vector here',
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    UNIQUE KEY uq_categories_tenant_slug (tenant_id, slug),
    KEY ix_categories_parent_id (parent_id),
    CONSTRAINT fk_categories_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_categories_parent FOREIGN KEY (parent_id) REFERENCES categories (id) ON DELETE SET NULL,
    CONSTRAINT ck_categories_slug CHECK (slug <> ''),
    CONSTRAINT ck_categories_color CHECK (color REGEXP '^#[0-9a-f]{6}$')
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- limbeck:downgrade
DROP TABLE categories;
