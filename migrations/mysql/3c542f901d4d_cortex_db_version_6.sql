-- add published_at to posts
--
-- Revision ID: 3c542f901d4d
-- Revises: e15578edb28a
-- Create Date: 2024-02-06 14:50:44.267091

-- limbeck:upgrade
-- One ALTER for column and index: it is done whole or not at all.
ALTER TABLE posts
    ADD COLUMN published_at DATETIME(6) NULL AFTER status,
    ADD INDEX ix_posts_tenant_published_at (tenant_id, published_at);

-- The nearest thing on record for posts that are live already. Naming
-- updated_at keeps ON UPDATE from touching it.
UPDATE posts
   SET published_at = created_at, updated_at = updated_at
 WHERE status = 'published';

-- limbeck:downgrade
ALTER TABLE posts
    DROP INDEX ix_posts_tenant_published_at,
    DROP COLUMN published_at;
