-- fill post_versions from posts
--
-- Revision ID: f22d72d8932f
-- Revises: f8490007bbc9
-- Create Date: 2024-03-04 16:59:57.380724

-- limbeck:upgrade
-- Posts older than the version history get their present text as version 1.
-- The note marks what this revision wrote, for the downgrade to find.
INSERT INTO post_versions (post_id, title, content, change_note, created_by, created_at)
SELECT p.id, p.title, p.content, 'backfilled by revision f22d72d8932f', p.author_id, p.updated_at
  FROM posts AS p
 WHERE NOT EXISTS (SELECT 1 FROM post_versions AS v WHERE v.post_id = p.id);

-- limbeck:downgrade
-- Versions that editors have saved since then stay.
DELETE FROM post_versions WHERE change_note = 'backfilled by revision f22d72d8932f';
