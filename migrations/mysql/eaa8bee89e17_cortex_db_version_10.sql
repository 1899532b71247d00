-- set published_at when a post goes live
--
-- Revision ID: eaa8bee89e17
-- Revises: b2d53f315fae
-- Create Date: 2024-05-13 10:04:38.452906

-- limbeck:upgrade
-- Going live stamps the post once; back to draft forgets it; archiving keeps it.
CREATE TRIGGER tr_posts_published_at_insert
BEFORE INSERT ON posts
FOR EACH ROW
BEGIN
    IF NEW.status = 'published' AND NEW.published_at IS NULL THEN
        SET NEW.published_at = CURRENT_TIMESTAMP(6);
    END IF;
END;

CREATE TRIGGER tr_posts_published_at_update
BEFORE UPDATE ON posts
FOR EACH ROW
BEGIN
    IF NEW.status <> OLD.status THEN
        SET NEW.published_at = CASE NEW.status
            WHEN 'published' THEN COALESCE(NEW.published_at, CURRENT_TIMESTAMP(6))
            WHEN 'draft' THEN NULL
            ELSE NEW.published_at
        END;
    END IF;
END;

-- limbeck:downgrade
DROP TRIGGER tr_posts_published_at_update;
DROP TRIGGER tr_posts_published_at_insert;
