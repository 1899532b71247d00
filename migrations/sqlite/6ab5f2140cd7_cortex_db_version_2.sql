-- create users
--
-- Revision ID: 6ab5f2140cd7
-- Revises: 56fd3d3753d5
-- Create Date: 2024-01-09 13:02:11.480219

-- limbeck:upgrade
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    tenant_id TEXT NOT NULL,
    email TEXT NOT NULL COLLATE NOCASE CHECK (email LIKE '_%@_%'),
    password_hash TEXT NOT NULL,
    display_name TEXT NOT NULL,
    avatar_url TEXT,
    bio TEXT,
    skill_level TEXT NOT NULL DEFAULT 'beginner'
        CHECK (skill_level IN ('beginner', 'intermediate', 'advanced', 'expert')),
    learning_goals TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(learning_goals)),
    ai_preferences TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(ai_preferences)),
    last_login_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT fk_users_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
) STRICT;

-- Case-insensitive, by the collation of the column.
CREATE UNIQUE INDEX uq_users_email ON users (email);
CREATE INDEX ix_users_tenant_id ON users (tenant_id);

CREATE TRIGGER tr_users_updated_at
AFTER UPDATE ON users
FOR EACH ROW WHEN NEW.updated_at = OLD.updated_at
BEGIN
    UPDATE users
       SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE id = NEW.id;
END;

-- limbeck:downgrade
DROP TABLE users;
