-- set published_at when a post goes live
--
-- Revision ID: e2fbd333b6f1
-- Revises: da877a46cb1e
-- Create Date: 2024-05-13 09:39:54.146098

-- limbeck:upgrade
-- Going live stamps the post once; back to draft forgets it; archiving keeps it.
CREATE TRIGGER tr_posts_published_at_insert
AFTER INSERT ON posts
FOR EACH ROW WHEN NEW.status = 'published' AND NEW.published_at IS NULL
BEGIN
    UPDATE posts
       SET published_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE id = NEW.id;
END;

CREATE TRIGGER tr_posts_published_at_update
AFTER UPDATE OF status ON posts
FOR EACH ROW WHEN NEW.status <> OLD.status
BEGIN
    UPDATE posts
       SET published_at = CASE NEW.status
               WHEN 'published' THEN coalesce(published_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
               WHEN 'draft' THEN NULL
               ELSE published_at
           END
     WHERE id = NEW.id;
END;

-- limbeck:downgrade
DROP TRIGGER tr_posts_published_at_update;
DROP TRIGGER tr_posts_published_at_insert;
