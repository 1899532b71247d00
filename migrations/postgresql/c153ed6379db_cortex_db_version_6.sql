-- add published_at to posts
--
-- Revision ID: c153ed6379db
-- Revises: 77cb9c734aa3
-- Create Date: 2024-02-06 14:35:58.510376

-- limbeck:upgrade
ALTER TABLE posts ADD COLUMN published_at TIMESTAMPTZ;

-- The nearest thing on record for posts that are live already.
UPDATE posts SET published_at = created_at WHERE status = 'published';

CREATE INDEX ix_posts_tenant_published_at ON posts (tenant_id, published_at DESC NULLS LAST);

-- limbeck:downgrade
DROP INDEX ix_posts_tenant_published_at;
ALTER TABLE posts DROP COLUMN published_at;
