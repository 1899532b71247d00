-- full-text index on posts
--
-- Revision ID: 78c3db74b0f3
-- Revises: c153ed6379db
-- Create Date: 2024-02-20 08:57:14.439802

-- limbeck:upgrade
-- limbeck:no-transaction
-- CONCURRENTLY keeps posts writable while the index is built, and PostgreSQL
-- allows it only outside a transaction. An interrupted build leaves an INVALID
-- index behind; the first statement clears it when the revision is run again.
DROP INDEX CONCURRENTLY IF EXISTS ix_posts_search;

CREATE INDEX CONCURRENTLY ix_posts_search
    ON posts USING gin (to_tsvector('english', title || ' ' || content));

-- limbeck:downgrade
-- limbeck:no-transaction
DROP INDEX CONCURRENTLY IF EXISTS ix_posts_search;
