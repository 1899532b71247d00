-- full-text index on posts
--
-- Revision ID: f8490007bbc9
-- Revises: 3c542f901d4d
-- Create Date: 2024-02-20 09:08:20.916548

-- limbeck:upgrade
CREATE FULLTEXT INDEX ft_posts_title_content ON posts (title, content);

-- limbeck:downgrade
DROP INDEX ft_posts_title_content ON posts;
