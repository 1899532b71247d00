-- create categories
--
-- Revision ID: 8ad8a5f48721
-- Revises: 6ab5f2140cd7
-- Create Date: 2024-01-10 09:17:33.902745

-- limbeck:upgrade
CREATE TABLE categories (
    id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    tenant_id TEXT NOT NULL,
    parent_id TEXT CHECK (parent_id <> id),
    name TEXT NOT NULL,
    slug TEXT NOT NULL CHECK (slug <> ''),
    icon TEXT,
    color TEXT CHECK (color LIKE '#______'),
    -- a JSON array of 1536 numbers; PostgreSQL keeps a real vector here
    embedding TEXT CHECK (embedding IS NULL OR json_valid(embedding)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT fk_categories_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_categories_parent FOREIGN KEY (parent_id) REFERENCES categories (id) ON DELETE SET NULL
) STRICT;

CREATE UNIQUE INDEX uq_categories_tenant_slug ON categories (tenant_id, slug);
CREATE INDEX ix_categories_parent_id ON categories (parent_id);

CREATE TRIGGER tr_categories_updated_at
AFTER UPDATE ON categories
FOR EACH ROW WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE categories
       SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE id = NEW.id;
END;

-- limbeck:downgrade
DROP TABLE categories;
