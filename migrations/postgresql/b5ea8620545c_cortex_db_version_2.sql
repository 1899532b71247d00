-- create users
--
-- Revision ID: b5ea8620545c
-- Revises: 354ba9b9c347
-- Create Date: 2024-01-09 13:10:40.917354

-- limbeck:upgrade
CREATE TABLE users (
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    email VARCHAR(255) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    display_name VARCHAR(120) NOT NULL,
    avatar_url TEXT,
    bio TEXT,
    skill_level VARCHAR(20) NOT NULL DEFAULT 'beginner',
    learning_goals JSONB NOT NULL DEFAULT '[]'::jsonb,
    ai_preferences JSONB NOT NULL DEFAULT '{}'::jsonb,
    last_login_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT fk_users_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT ck_users_email CHECK (email LIKE '_%@_%'),
    CONSTRAINT ck_users_skill_level CHECK (skill_level IN ('beginner', 'intermediate', 'advanced', 'expert')),
    CONSTRAINT ck_users_learning_goals CHECK (jsonb_typeof(learning_goals) = 'array'),
    CONSTRAINT ck_users_ai_preferences CHECK (jsonb_typeof(ai_preferences) = 'object')
);

-- Ada@example.org and ada@example.org are one mailbox: unique without case.
CREATE UNIQUE INDEX uq_users_email ON users (lower(email));
CREATE INDEX ix_users_tenant_id ON users (tenant_id);

CREATE TRIGGER tr_users_updated_at
BEFORE UPDATE ON users
FOR EACH ROW EXECUTE FUNCTION cortex_set_updated_at();

-- limbeck:downgrade
DROP TABLE users;
