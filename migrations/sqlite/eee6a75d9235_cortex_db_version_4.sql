-- create posts and post_versions
--
-- Revision ID: eee6a75d9235
-- Revises: 8ad8a5f48721
-- Create Date: 2024-01-11 15:44:08.337102

-- limbeck:upgrade
CREATE TABLE posts (
    id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    tenant_id TEXT NOT NULL,
    author_id TEXT, -- null once the author's account is gone
    category_id TEXT,
    title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
    slug TEXT NOT NULL CHECK (slug <> ''),
    excerpt TEXT,
    content TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
    ai_generated INTEGER NOT NULL DEFAULT 0 CHECK (ai_generated IN (0, 1)),
    metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
    view_count INTEGER NOT NULL DEFAULT 0 CHECK (view_count >= 0),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT fk_posts_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_posts_author FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT fk_posts_category FOREIGN KEY (category_id) REFERENCES categories (id) ON DELETE SET NULL
) STRICT;

CREATE UNIQUE INDEX uq_posts_tenant_slug ON posts (tenant_id, slug);
CREATE INDEX ix_posts_author_id ON posts (author_id);
CREATE INDEX ix_posts_category_id ON posts (category_id);

-- Only what a reader sees counts as a change: a view does not.
CREATE TRIGGER tr_posts_updated_at
AFTER UPDATE OF title, slug, excerpt, content, status ON posts
FOR EACH ROW WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE posts
       SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE id = NEW.id;
END;

CREATE TABLE post_versions (
    id INTEGER PRIMARY KEY,
    post_id TEXT NOT NULL,
    version_number INTEGER NOT NULL DEFAULT 0 CHECK (version_number >= 0),
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    change_note TEXT,
    created_by TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT fk_post_versions_post FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE,
    CONSTRAINT fk_post_versions_user FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL
) STRICT;

CREATE UNIQUE INDEX uq_post_versions_number ON post_versions (post_id, version_number);
CREATE INDEX ix_post_versions_created_by ON post_versions (created_by);

-- version_number 0 asks for the post's next number. A SQLite trigger cannot
-- change NEW; it rewrites the row just stored.
CREATE TRIGGER tr_post_versions_number
AFTER INSERT ON post_versions
FOR EACH ROW WHEN NEW.version_number = 0
BEGIN
    UPDATE post_versions
       SET version_number = (
               SELECT max(version_number) + 1
                 FROM post_versions
                WHERE post_id = NEW.post_id
           )
     WHERE id = NEW.id;
END;

-- limbeck:downgrade
DROP TABLE post_versions;
DROP TABLE posts;
