-- set published_at when a post goes live
--
-- Revision ID: 2f4c92eb6eb6
-- Revises: 5bd4cf900861
-- Create Date: 2024-05-13 09:52:06.825173

-- limbeck:upgrade
-- Going live stamps the post once; back to draft forgets it; archiving keeps it.
CREATE FUNCTION cortex_set_published_at() RETURNS trigger
LANGUAGE plpgsql AS $fn$
BEGIN
    NEW.published_at := CASE NEW.status
        WHEN 'published' THEN coalesce(NEW.published_at, now())
        WHEN 'draft' THEN NULL
        ELSE NEW.published_at
    END;
    RETURN NEW;
END;
$fn$;

CREATE TRIGGER tr_posts_published_at
BEFORE INSERT OR UPDATE OF status ON posts
FOR EACH ROW EXECUTE FUNCTION cortex_set_published_at();

-- limbeck:downgrade
DROP TRIGGER tr_posts_published_at ON posts;
DROP FUNCTION cortex_set_published_at();
