-- drop usage_count from tags
--
-- Revision ID: 5bd4cf900861
-- Revises: 2ff8f7ceb3da
-- Create Date: 2024-04-18 11:24:47.193640

-- limbeck:upgrade
-- post_tags is the truth; the counter beside it kept drifting.
DROP INDEX ix_tags_tenant_usage;
ALTER TABLE tags DROP COLUMN usage_count;

-- limbeck:downgrade
ALTER TABLE tags
    ADD COLUMN usage_count INTEGER NOT NULL DEFAULT 0,
    ADD CONSTRAINT ck_tags_usage_count CHECK (usage_count >= 0);

UPDATE tags
   SET usage_count = (SELECT count(*) FROM post_tags WHERE post_tags.tag_id = tags.id);

CREATE INDEX ix_tags_tenant_usage ON tags (tenant_id, usage_count DESC);
