-- create tags and post_tags
--
-- Revision ID: 3c62fac2a5ca
-- Revises: eee6a75d9235
-- Create Date: 2024-01-15 10:05:52.618934

-- limbeck:upgrade
CREATE TABLE tags (
    id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL CHECK (slug <> ''),
    description TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0),
    CONSTRAINT fk_tags_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
) STRICT;

CREATE UNIQUE INDEX uq_tags_tenant_slug ON tags (tenant_id, slug);
CREATE INDEX ix_tags_tenant_usage ON tags (tenant_id, usage_count DESC);

-- Two keys and a date: the primary key can be the table.
CREATE TABLE post_tags (
    post_id TEXT NOT NULL,
    tag_id TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT pk_post_tags PRIMARY KEY (post_id, tag_id),
    CONSTRAINT fk_post_tags_post FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE,
    CONSTRAINT fk_post_tags_tag FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX ix_post_tags_tag_id ON post_tags (tag_id);

-- limbeck:downgrade
DROP TABLE post_tags;
DROP TABLE tags;
