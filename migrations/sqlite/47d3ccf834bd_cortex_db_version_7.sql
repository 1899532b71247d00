-- index live posts by category
--
-- Revision ID: 47d3ccf834bd
-- Revises: 04e99918ecb8
-- Create Date: 2024-02-20 08:48:37.751260

-- limbeck:upgrade
-- Partial: drafts and archived posts cost it nothing. A category page reads it
-- in order, newest first, without sorting.
CREATE INDEX ix_posts_live_by_category
    ON posts (category_id, published_at DESC)
 WHERE status = 'published';

-- limbeck:downgrade
DROP INDEX ix_posts_live_by_category;
