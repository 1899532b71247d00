-- create tenants
--
-- Revision ID: 56fd3d3753d5
-- Revises:
-- Create Date: 2024-01-09 12:30:45.123456

-- limbeck:upgrade
-- Uniqueness is an index, not a table constraint: SQLite cannot drop a
-- constraint later without rebuilding the table, an index it can.
CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    slug TEXT NOT NULL CHECK (slug <> '' AND slug NOT GLOB '*[^a-z0-9-]*'),
    plan TEXT NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'pro', 'enterprise')),
    ai_quota_monthly INTEGER NOT NULL DEFAULT 100000 CHECK (ai_quota_monthly >= 0),
    ai_usage_current INTEGER NOT NULL DEFAULT 0 CHECK (ai_usage_current >= 0),
    ai_quota_reset_at TEXT, -- null until the first metered call
    settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

CREATE UNIQUE INDEX uq_tenants_slug ON tenants (slug);

-- Steps back when the statement sets updated_at itself (imports, restores).
CREATE TRIGGER tr_tenants_updated_at
AFTER UPDATE ON tenants
FOR EACH ROW WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE tenants
       SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE id = NEW.id;
END;

-- limbeck:downgrade
-- Takes its index and trigger along.
DROP TABLE tenants;
