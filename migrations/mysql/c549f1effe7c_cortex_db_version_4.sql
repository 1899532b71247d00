-- create posts and post_versions
--
-- Revision ID: c549f1effe7c
-- Revises: 5e9e3b83fb85
-- Create Date: 2024-01-11 16:13:36.098615

-- limbeck:upgrade
CREATE TABLE posts (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT (UUID()),
    tenant_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    author_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'null once the author''s account is gone',
    category_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    title VARCHAR(255) NOT NULL,
    slug VARCHAR(255) NOT NULL,
    excerpt TEXT NULL,
    content MEDIUMTEXT NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'draft',
    ai_generated BOOLEAN NOT NULL DEFAULT FALSE,
    metadata JSON NOT NULL DEFAULT (JSON_OBJECT()),
    view_count BIGINT UNSIGNED NOT NULL DEFAULT 0,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    UNIQUE KEY uq_posts_tenant_slug (tenant_id, slug),
    KEY ix_posts_author_id (author_id),
    KEY ix_posts_category_id (category_id),
    CONSTRAINT fk_posts_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_posts_author FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT fk_posts_category FOREIGN KEY (category_id) REFERENCES categories (id) ON DELETE SET NULL,
    CONSTRAINT ck_posts_title CHECK (title <> ''),
    CONSTRAINT ck_posts_slug CHECK (slug <> ''),
    CONSTRAINT ck_posts_status CHECK (status IN ('draft', 'published', 'archived'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

CREATE TABLE post_versions (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    post_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version_number INT UNSIGNED NOT NULL DEFAULT 0,
    title VARCHAR(255) NOT NULL,
    content MEDIUMTEXT NOT NULL,
    change_note VARCHAR(255) NULL,
    created_by CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (id),
    UNIQUE KEY uq_post_versions_number (post_id, version_number),
    KEY ix_post_versions_created_by (created_by),
    CONSTRAINT fk_post_versions_post FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE,
    CONSTRAINT fk_post_versions_user FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- version_number 0 asks for the post's next number. Two writers at once: the
-- unique key refuses the second, who tries again.
CREATE TRIGGER tr_post_versions_number
BEFORE INSERT ON post_versions
FOR EACH ROW
BEGIN
    DECLARE last_number INT UNSIGNED DEFAULT 0;

    IF NEW.version_number = 0 THEN
        SELECT COALESCE(MAX(version_number), 0)
          INTO last_number
          FROM post_versions
         WHERE post_id = NEW.post_id;
        SET NEW.version_number = last_number + 1;
    END IF;
END;

-- limbeck:downgrade
-- The trigger goes with its table.
DROP TABLE post_versions, posts;
