-- create posts and post_versions
--
-- Revision ID: b5be1500f3e2
-- Revises: 0ae1e2c7d615
-- Create Date: 2024-01-11 15:58:49.664027

-- limbeck:upgrade
CREATE TABLE posts (
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    author_id UUID,
    category_id UUID,
    title VARCHAR(255) NOT NULL,
    slug VARCHAR(255) NOT NULL,
    excerpt TEXT,
    content TEXT NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'draft',
    ai_generated BOOLEAN NOT NULL DEFAULT false,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    view_count BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT pk_posts PRIMARY KEY (id),
    CONSTRAINT uq_posts_tenant_slug UNIQUE (tenant_id, slug),
    CONSTRAINT fk_posts_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_posts_author FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT fk_posts_category FOREIGN KEY (category_id) REFERENCES categories (id) ON DELETE SET NULL,
    CONSTRAINT ck_posts_title CHECK (title <> ''),
    CONSTRAINT ck_posts_slug CHECK (slug <> ''),
    CONSTRAINT ck_posts_status CHECK (status IN ('draft', 'published', 'archived')),
    CONSTRAINT ck_posts_view_count CHECK (view_count >= 0)
);

COMMENT ON COLUMN posts.author_id IS 'null once the author''s account is gone';

CREATE INDEX ix_posts_author_id ON posts (author_id);
CREATE INDEX ix_posts_category_id ON posts (category_id);

-- Only what a reader sees counts as a change: a view does not.
CREATE TRIGGER tr_posts_updated_at
BEFORE UPDATE OF title, slug, excerpt, content, status ON posts
FOR EACH ROW EXECUTE FUNCTION cortex_set_updated_at();

CREATE TABLE post_versions (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    post_id UUID NOT NULL,
    version_number INTEGER NOT NULL DEFAULT 0,
    title VARCHAR(255) NOT NULL,
    content TEXT NOT NULL,
    change_note VARCHAR(255),
    created_by UUID,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT pk_post_versions PRIMARY KEY (id),
    CONSTRAINT uq_post_versions_number UNIQUE (post_id, version_number),
    CONSTRAINT fk_post_versions_post FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE,
    CONSTRAINT fk_post_versions_user FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT ck_post_versions_number CHECK (version_number > 0)
);

CREATE INDEX ix_post_versions_created_by ON post_versions (created_by);

-- version_number 0 asks for the post's next number. The lock makes two editors
-- of one post queue up instead of both getting the same one.
CREATE FUNCTION cortex_number_post_version() RETURNS trigger
LANGUAGE plpgsql AS $fn$
BEGIN
    IF NEW.version_number = 0 THEN
        PERFORM 1 FROM posts WHERE id = NEW.post_id FOR NO KEY UPDATE;
        SELECT coalesce(max(version_number), 0) + 1
          INTO NEW.version_number
          FROM post_versions
         WHERE post_id = NEW.post_id;
    END IF;
    RETURN NEW;
END;
$fn$;

CREATE TRIGGER tr_post_versions_number
BEFORE INSERT ON post_versions
FOR EACH ROW EXECUTE FUNCTION cortex_number_post_version();

-- limbeck:downgrade
DROP TABLE post_versions;
DROP FUNCTION cortex_number_post_version();
DROP TABLE posts;
