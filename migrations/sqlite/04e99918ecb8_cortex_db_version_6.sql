-- add published_at to posts
--
-- Revision ID: 04e99918ecb8
-- Revises: 3c62fac2a5ca
-- Create Date: 2024-02-06 14:21:19.075583

-- limbeck:upgrade
ALTER TABLE posts ADD COLUMN published_at TEXT;

-- The nearest thing on record for posts that are live already.
UPDATE posts SET published_at = created_at WHERE status = 'published';

CREATE INDEX ix_posts_tenant_published_at ON posts (tenant_id, published_at);

-- limbeck:downgrade
DROP INDEX ix_posts_tenant_published_at;
ALTER TABLE posts DROP COLUMN published_at;
