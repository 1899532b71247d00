-- fill post_versions from posts
--
-- Revision ID: 25dc6ba4fb16
-- Revises: 47d3ccf834bd
-- Create Date: 2024-03-04 16:33:02.294817

-- limbeck:upgrade
-- Posts older than the version history get their present text as version 1.
-- The note marks what this revision wrote, for the downgrade to find.
INSERT INTO post_versions (post_id, title, content, change_note, created_by, created_at)
SELECT p.id, p.title, p.content, 'backfilled by revision 25dc6ba4fb16', p.author_id, p.updated_at
  FROM posts AS p
 WHERE NOT EXISTS (SELECT 1 FROM post_versions AS v WHERE v.post_id = p.id);

-- limbeck:downgrade
-- Versions that editors have saved since then stay.
DELETE FROM post_versions WHERE change_note = 'backfilled by revision 25dc6ba4fb16';
