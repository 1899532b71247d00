-- create tags and post_tags
--
-- Revision ID: 77cb9c734aa3
-- Revises: b5be1500f3e2
-- Create Date: 2024-01-15 10:16:23.081945

-- limbeck:upgrade
CREATE TABLE tags (
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    name VARCHAR(80) NOT NULL,
    slug VARCHAR(80) NOT NULL,
    description TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    usage_count INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT pk_tags PRIMARY KEY (id),
    CONSTRAINT uq_tags_tenant_slug UNIQUE (tenant_id, slug),
    CONSTRAINT fk_tags_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT ck_tags_slug CHECK (slug <> ''),
    CONSTRAINT ck_tags_usage_count CHECK (usage_count >= 0)
);

CREATE INDEX ix_tags_tenant_usage ON tags (tenant_id, usage_count DESC);

CREATE TABLE post_tags (
    post_id UUID NOT NULL,
    tag_id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT pk_post_tags PRIMARY KEY (post_id, tag_id),
    CONSTRAINT fk_post_tags_post FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE,
    CONSTRAINT fk_post_tags_tag FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE
);

CREATE INDEX ix_post_tags_tag_id ON post_tags (tag_id);

-- limbeck:downgrade
DROP TABLE post_tags;
DROP TABLE tags;
