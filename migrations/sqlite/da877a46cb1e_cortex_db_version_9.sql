-- drop usage_count from tags
--
-- Revision ID: da877a46cb1e
-- Revises: 25dc6ba4fb16
-- Create Date: 2024-04-18 11:12:26.860471

-- limbeck:upgrade
-- post_tags is the truth; the counter beside it kept drifting.
-- SQLite drops no column that an index still uses, so the index goes first.
DROP INDEX ix_tags_tenant_usage;
ALTER TABLE tags DROP COLUMN usage_count;

-- limbeck:downgrade
ALTER TABLE tags ADD COLUMN usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0);

UPDATE tags
   SET usage_count = (SELECT count(*) FROM post_tags WHERE post_tags.tag_id = tags.id);

CREATE INDEX ix_tags_tenant_usage ON tags (tenant_id, usage_count DESC);
