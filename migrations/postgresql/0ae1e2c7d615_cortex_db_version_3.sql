-- create categories
--
-- Revision ID: 0ae1e2c7d615
-- Revises: b5ea8620545c
-- Create Date: 2024-01-10 09:31:05.228691

-- limbeck:upgrade
CREATE TABLE categories (
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    parent_id UUID,
    name VARCHAR(120) NOT NULL,
    slug VARCHAR(120) NOT NULL,
    icon VARCHAR(50),
    color CHAR(7),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT pk_categories PRIMARY KEY (id),
    CONSTRAINT uq_categories_tenant_slug UNIQUE (tenant_id, slug),
    CONSTRAINT fk_categories_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT fk_categories_parent FOREIGN KEY (parent_id) REFERENCES categories (id) ON DELETE SET NULL,
    CONSTRAINT ck_categories_parent CHECK (parent_id <> id),
    CONSTRAINT ck_categories_slug CHECK (slug <> ''),
    CONSTRAINT ck_categories_color CHECK (color ~ '^#[0-9A-Fa-f]{6}$')
);

CREATE INDEX ix_categories_parent_id ON categories (parent_id);

CREATE TRIGGER tr_categories_updated_at
BEFORE UPDATE ON categories
FOR EACH ROW EXECUTE FUNCTION cortex_set_updated_at();

-- A vector where pgvector is on offer, JSONB where it is not (not packaged on
-- this server, or this role may not create the extension).
DO $$
DECLARE
    has_vector BOOLEAN := EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'vector');
BEGIN
    IF NOT has_vector AND EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector') THEN
        BEGIN
            CREATE EXTENSION vector;
            -- The downgrade removes the extension only if it finds this mark.
            COMMENT ON EXTENSION vector IS 'created by revision 0ae1e2c7d615';
            has_vector := true;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'no right to create extension vector; categories.embedding becomes JSONB';
        END;
    END IF;

    IF has_vector THEN
        ALTER TABLE categories ADD COLUMN embedding vector(1536);
        -- REINDEX once there are rows: IVFFlat takes its centroids from them.
        CREATE INDEX ix_categories_embedding
            ON categories USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100);
    ELSE
        ALTER TABLE categories ADD COLUMN embedding JSONB;
    END IF;
END;
$$;

-- limbeck:downgrade
DROP TABLE categories;

DO $$
BEGIN
    IF EXISTS (
        SELECT 1
          FROM pg_extension
         WHERE extname = 'vector'
           AND obj_description(oid, 'pg_extension') = 'created by revision 0ae1e2c7d615'
    ) THEN
        DROP EXTENSION vector;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    RAISE NOTICE 'extension vector stays: in use elsewhere, or owned by another role';
END;
$$;
