-- drop usage_count from tags
--
-- Revision ID: b2d53f315fae
-- Revises: f22d72d8932f
-- Create Date: 2024-04-18 11:37:12.705369

-- limbeck:upgrade
-- post_tags is the truth; the counter beside it kept drifting.
ALTER TABLE tags
    DROP INDEX ix_tags_tenant_usage,
    DROP COLUMN usage_count;

-- limbeck:downgrade
ALTER TABLE tags
    ADD COLUMN usage_count INT UNSIGNED NOT NULL DEFAULT 0 AFTER created_at,
    ADD INDEX ix_tags_tenant_usage (tenant_id, usage_count);

UPDATE tags
   SET usage_count = (SELECT COUNT(*) FROM post_tags WHERE post_tags.tag_id = tags.id);
